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
  region = "us-east-1"

  default_tags {
    tags = {
      Project     = "batch-inference"
      Environment = "dev"
      Owner       = "platform"
      CostCenter  = "ai-4100"
    }
  }
}
