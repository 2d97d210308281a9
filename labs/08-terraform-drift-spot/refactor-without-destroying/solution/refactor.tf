moved {
  from = aws_s3_bucket.data
  to   = aws_s3_bucket.weights
}

moved {
  from = aws_eks_node_group.gpu[0]
  to   = aws_eks_node_group.gpu["inference"]
}

moved {
  from = aws_eks_node_group.gpu[1]
  to   = aws_eks_node_group.gpu["batch"]
}

import {
  to = aws_s3_bucket.checkpoints
  id = "northwind-ai-checkpoints"
}

# The log bucket belongs to the security team from now on; it stays where it is.
removed {
  from = aws_s3_bucket.logs

  lifecycle {
    destroy = false
  }
}
