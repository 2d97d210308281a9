//! Rules near their limits: what passes in other words, what isn't known, and what only looks right.
use super::tests::read;
use super::{by_id, run};

#[test]
fn each_rule_tells_what_is_meant_from_what_is_written() {
    for (rule, configuration, problems) in [
        (
            "ecr",
            "resource \"aws_ecr_repository\" \"a\" {\n image_tag_mutability = var.mutability\n image_scanning_configuration { scan_on_push = true }\n}\nvariable \"mutability\" {}\n",
            0,
        ),
        ("ecr", "resource \"aws_ecr_repository\" \"a\" {\n image_tag_mutability = \"MUTABLE\"\n}\n", 2),
        ("kms-rotate", "resource \"aws_kms_key\" \"a\" {\n customer_master_key_spec = \"RSA_2048\"\n}\n", 0),
        ("kms-rotate", "resource \"aws_kms_key\" \"a\" {\n key_usage = \"SIGN_VERIFY\"\n}\n", 0),
        ("kms-rotate", "resource \"aws_kms_key\" \"a\" {\n enable_key_rotation = false\n}\n", 1),
        ("rds", "resource \"aws_db_instance\" \"a\" {\n storage_encrypted = true\n deletion_protection = true\n backup_retention_period = 0\n}\n", 1),
        ("lb", "resource \"aws_lb\" \"a\" {\n load_balancer_type = \"network\"\n}\n", 0),
        ("lb", "resource \"aws_lb_listener\" \"a\" {\n protocol = \"HTTPS\"\n}\n", 1),
        ("lb", "resource \"aws_lb_listener\" \"a\" {\n protocol = \"HTTPS\"\n ssl_policy = \"ELBSecurityPolicy-TLS13-1-0-2021-06\"\n}\n", 1),
        ("lb", "resource \"aws_lb_listener\" \"a\" {\n protocol = \"HTTPS\"\n ssl_policy = \"ELBSecurityPolicy-FS-1-2-Res-2020-10\"\n}\n", 0),
        ("log-retention", "resource \"aws_cloudwatch_log_group\" \"a\" {\n retention_in_days = 0\n}\n", 1),
        ("efs", "resource \"aws_fsx_lustre_file_system\" \"a\" {\n kms_key_id = aws_kms_key.a.arn\n}\nresource \"aws_kms_key\" \"a\" {}\n", 0),
        ("eip-unused", "resource \"aws_eip\" \"a\" {\n}\noutput \"ip\" {\n value = aws_eip.a.public_ip\n}\n", 1),
        ("eip-unused", "resource \"aws_eip\" \"a\" {\n instance = aws_instance.a.id\n}\nresource \"aws_instance\" \"a\" {}\n", 0),
        (
            "eip-unused",
            "resource \"aws_eip\" \"a\" {\n count = 2\n}\nresource \"aws_nat_gateway\" \"a\" {\n count = 2\n allocation_id = aws_eip.a[count.index].id\n}\n",
            0,
        ),
        (
            "cost-budget",
            "resource \"aws_budgets_budget\" \"a\" {\n limit_amount = \"500\"\n notification {\n  threshold = 450\n  threshold_type = \"ABSOLUTE_VALUE\"\n  subscriber_sns_topic_arns = [aws_sns_topic.a.arn]\n }\n}\nresource \"aws_sns_topic\" \"a\" {}\n",
            0,
        ),
        (
            "cost-budget",
            "resource \"aws_budgets_budget\" \"a\" {\n notification {\n  threshold = 100\n  threshold_type = \"PERCENTAGE\"\n  notification_type = \"ACTUAL\"\n  subscriber_email_addresses = [\"a@b.c\"]\n }\n}\n",
            1,
        ),
        (
            "cost-budget",
            "resource \"aws_budgets_budget\" \"a\" {\n notification {\n  threshold = 100\n  threshold_type = \"PERCENTAGE\"\n  notification_type = \"FORECASTED\"\n  subscriber_email_addresses = [\"a@b.c\"]\n }\n}\n",
            0,
        ),
        ("cost-budget", "resource \"aws_budgets_budget\" \"a\" {\n notification {\n  threshold = 80\n  subscriber_email_addresses = []\n }\n}\n", 1),
        (
            "cost-endpoint",
            "resource \"aws_nat_gateway\" \"a\" {}\nresource \"aws_vpc_endpoint\" \"a\" {\n service_name = \"com.amazonaws.${var.region}.s3\"\n}\nvariable \"region\" {}\n",
            0,
        ),
        (
            "cost-endpoint",
            "resource \"aws_nat_gateway\" \"a\" {}\nresource \"aws_vpc_endpoint\" \"a\" {\n service_name = \"com.amazonaws.eu-west-1.s3\"\n vpc_endpoint_type = \"Interface\"\n}\n",
            1,
        ),
        (
            "vpc-flow-logs",
            "resource \"aws_vpc\" \"a\" {}\nresource \"aws_vpc\" \"b\" {}\nresource \"aws_flow_log\" \"a\" {\n vpc_id = aws_vpc.a.id\n}\n",
            1,
        ),
        (
            "sg-desc",
            "resource \"aws_security_group\" \"a\" {\n description = \"x\"\n ingress {\n  from_port = 1\n  to_port = 1\n  protocol = \"tcp\"\n }\n}\n",
            1,
        ),
        ("eks-secrets", "resource \"aws_eks_cluster\" \"a\" {\n encryption_config {\n  resources = []\n }\n}\n", 1),
        (
            "eks-node-ssh",
            "resource \"aws_eks_node_group\" \"a\" {\n remote_access {\n  ec2_ssh_key = \"a\"\n  source_security_group_ids = [aws_security_group.a.id]\n }\n}\nresource \"aws_security_group\" \"a\" {}\n",
            0,
        ),
        ("ec2-hop", "resource \"aws_instance\" \"a\" {}\n", 0),
        ("ec2-ami-owner", "data \"aws_ami\" \"a\" {\n owners = [var.owner]\n}\nvariable \"owner\" {}\n", 0),
        ("ec2-ami-owner", "data \"aws_ami\" \"a\" {\n owners = []\n}\n", 1),
        ("tf-secret-in", "resource \"aws_instance\" \"a\" {\n user_data = <<-EOT\n  #!/bin/sh\n  export HF_TOKEN=hf_abcdefghijkl\n EOT\n}\n", 1),
        (
            "tf-secret-in",
            "resource \"aws_instance\" \"a\" {\n user_data = <<-EOT\n  #!/bin/sh\n  export HF_TOKEN=$(aws ssm get-parameter --name /hub)\n EOT\n}\n",
            0,
        ),
        ("tf-secret-in", "resource \"aws_db_instance\" \"a\" {\n password = random_password.a.result\n}\nresource \"random_password\" \"a\" {}\n", 0),
        (
            "tf-secret-in",
            "variable \"db_password\" {\n default = \"swordfish\"\n}\nresource \"aws_db_instance\" \"a\" {\n password = var.db_password\n}\n",
            2,
        ),
        (
            "tf-secret-in",
            "resource \"aws_lambda_function\" \"a\" {\n environment {\n  variables = { DB_PASSWORD = \"arn:aws:secretsmanager:eu-west-1:1:secret:db\" }\n }\n}\n",
            0,
        ),
    ] {
        let found = run(by_id(rule).unwrap(), &read(configuration));
        assert_eq!(found.len(), problems, "{rule}\n{configuration}{found:#?}");
    }
}
