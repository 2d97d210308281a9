mock_provider "aws" {}

variables {
  name          = "inference"
  cluster_name  = "northwind"
  node_role_arn = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids    = ["subnet-0aaa1111bbb2222cc", "subnet-0ddd3333eee4444ff"]
}

run "it_plans" {
  command = plan
}

run "it_plans_with_two_types" {
  command = plan

  variables {
    instance_types = ["g6.xlarge", "g6.2xlarge"]
  }
}

run "the_name_is_the_name" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this.node_group_name == var.name
    error_message = "The pool is called as it was asked to."
  }
}

run "the_maximum_is_the_maximum" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].max_size == var.max_size
    error_message = "The maximum is passed on."
  }
}
