resource "aws_s3_bucket" "weights" {
  bucket = "northwind-ai-weights"

  lifecycle {
    prevent_destroy = true
  }
}

# Made by hand during an incident; adopted by import.tf.
resource "aws_s3_bucket" "checkpoints" {
  bucket = "northwind-ai-checkpoints"

  lifecycle {
    prevent_destroy = true
  }
}

locals {
  pools = {
    inference = { type = "g6.2xlarge", max = 6 }
    batch     = { type = "g6.xlarge", max = 6 }
  }
}

resource "aws_eks_node_group" "gpu" {
  for_each = local.pools

  cluster_name    = "northwind"
  node_group_name = each.key
  node_role_arn   = var.node_role_arn
  subnet_ids      = var.subnet_ids
  instance_types  = [each.value.type]
  ami_type        = "AL2023_x86_64_NVIDIA"

  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = each.value.max
  }

  taint {
    key    = "nvidia.com/gpu"
    value  = "present"
    effect = "NO_SCHEDULE"
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}
