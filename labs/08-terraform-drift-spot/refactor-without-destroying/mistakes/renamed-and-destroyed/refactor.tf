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
