launch_template_id = "lt-0123456789abcdef0"
subnet_ids         = ["subnet-0aaa1111bbb2222cc", "subnet-0ddd3333eee4444ff"]
