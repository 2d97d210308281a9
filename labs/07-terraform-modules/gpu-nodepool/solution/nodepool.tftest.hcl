mock_provider "aws" {
  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 1
    }
  }
}

variables {
  name          = "inference"
  cluster_name  = "northwind"
  node_role_arn = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids    = ["subnet-0aaa1111bbb2222cc", "subnet-0ddd3333eee4444ff"]
}

run "an_idle_pool_costs_nothing" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].min_size == 0
    error_message = "The pool must be able to shrink to zero."
  }

  assert {
    condition     = one(aws_eks_node_group.this.taint).key == "nvidia.com/gpu"
    error_message = "Without the taint every Pod without a GPU may sit on the most expensive node."
  }

  assert {
    condition     = tobool(aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted)
    error_message = "Weights and what users typed lie on this disk."
  }
}

run "a_cpu_type_is_refused" {
  command = plan

  variables {
    instance_types = ["m7i.4xlarge"]
  }

  expect_failures = [var.instance_types]
}

run "one_zone_is_refused" {
  command = plan

  variables {
    subnet_ids = ["subnet-0aaa1111bbb2222cc"]
  }

  expect_failures = [var.subnet_ids]
}

run "a_runaway_maximum_is_refused" {
  command = plan

  variables {
    max_size = 400
  }

  expect_failures = [var.max_size]
}
