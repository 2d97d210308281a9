terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

variable "node_role_arn" {
  description = "Role that the nodes take."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the cluster."
  type        = list(string)
}

variable "pool_names" {
  description = "Names of the pools, in the order in which they were made."
  type        = list(string)
  default     = ["inference", "batch"]
}

variable "pool_types" {
  description = "Instance types, in the same order."
  type        = list(string)
  default     = ["g6.2xlarge", "g6.xlarge"]
}

resource "aws_s3_bucket" "data" {
  bucket = "northwind-ai-weights"
}

resource "aws_s3_bucket" "logs" {
  bucket = "northwind-ai-logs"
}

resource "aws_eks_node_group" "gpu" {
  count = length(var.pool_names)

  cluster_name    = "northwind"
  node_group_name = var.pool_names[count.index]
  node_role_arn   = var.node_role_arn
  subnet_ids      = var.subnet_ids
  instance_types  = [var.pool_types[count.index]]
  ami_type        = "AL2023_x86_64_NVIDIA"

  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = 6
  }

  taint {
    key    = "nvidia.com/gpu"
    value  = "present"
    effect = "NO_SCHEDULE"
  }
}
