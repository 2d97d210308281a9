node_role_arn = "arn:aws:iam::111122223333:role/northwind-nodes"
subnet_ids    = ["subnet-0aaa1111bbb2222cc", "subnet-0ddd3333eee4444ff"]
