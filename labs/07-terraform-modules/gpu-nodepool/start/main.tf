terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "Name" {}

variable "subnet_ids" {}

variable "instance_types" {
  default = ["p3.2xlarge"]
}

variable "spot_price" {
  default = "0.50"
}

resource "aws_launch_template" "this" {
  name_prefix = var.Name

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type = "gp2"
      volume_size = 20
    }
  }
}

resource "aws_eks_node_group" "this" {
  cluster_name    = "northwind"
  node_group_name = var.Name
  node_role_arn   = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids      = var.subnet_ids
  instance_types  = var.instance_types
  ami_type        = "AL2023_x86_64_STANDARD"

  scaling_config {
    min_size     = 4
    desired_size = 4
    max_size     = 40
  }

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }
}
