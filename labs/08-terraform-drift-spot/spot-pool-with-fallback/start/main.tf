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
}

variable "launch_template_id" {
  description = "Launch template of the worker: image, disk, role, metadata options."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

resource "aws_autoscaling_group" "batch" {
  name                = "batch-inference"
  min_size            = 4
  max_size            = 6
  vpc_zone_identifier = var.subnet_ids

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = 100
      spot_allocation_strategy                 = "lowest-price"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = var.launch_template_id
        version            = "$Latest"
      }

      override {
        instance_type = "p4d.24xlarge"
      }
    }
  }

  tag {
    key                 = "Name"
    value               = "batch-inference"
    propagate_at_launch = true
  }
}
