//! Configurations that terraform plans or refuses, for the comparison of the two ways to a provider.

pub const ALL: [(&str, &str); 21] = [
    ("a queue", r#"resource "aws_sqs_queue" "a" { name = "a" }"#),
    (
        "a network",
        r#"
resource "aws_vpc" "a" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "a" {
  count             = 3
  vpc_id            = aws_vpc.a.id
  cidr_block        = cidrsubnet(aws_vpc.a.cidr_block, 8, count.index)
  availability_zone = "eu-west-1${element(["a", "b", "c"], count.index)}"
}
"#,
    ),
    (
        "for_each and outputs",
        r#"
variable "names" {
  type    = set(string)
  default = ["a", "b"]
}
resource "aws_sqs_queue" "a" {
  for_each = var.names
  name     = each.key
}
output "arns" { value = { for k, q in aws_sqs_queue.a : k => q.arn } }
"#,
    ),
    (
        "dynamic blocks",
        r#"
resource "aws_security_group" "a" {
  name = "a"
  dynamic "ingress" {
    for_each = { https = 443, metrics = 9400 }
    content {
      description = ingress.key
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }
}
"#,
    ),
    (
        "a policy document",
        r#"
data "aws_iam_policy_document" "a" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::weights/*"]
  }
}
resource "aws_iam_policy" "a" {
  name   = "a"
  policy = data.aws_iam_policy_document.a.json
}
"#,
    ),
    (
        "a policy over what isn't known",
        r#"
resource "aws_sqs_queue" "a" { name = "a" }
data "aws_iam_policy_document" "a" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.a.arn]
  }
}
resource "aws_iam_policy" "a" { policy = data.aws_iam_policy_document.a.json }
"#,
    ),
    (
        "a launch template",
        r#"
resource "aws_launch_template" "a" {
  name_prefix   = "gpu-"
  instance_type = "g6.xlarge"
  image_id      = "ami-0123456789abcdef0"
  user_data     = base64encode("nvidia-smi")
  metadata_options { http_tokens = "required" }
}
"#,
    ),
    (
        "a group of machines",
        r#"
resource "aws_launch_template" "a" { image_id = "ami-0123456789abcdef0" }
resource "aws_autoscaling_group" "a" {
  min_size           = 0
  max_size           = 4
  availability_zones = ["eu-west-1a"]
  mixed_instances_policy {
    instances_distribution { spot_allocation_strategy = "capacity-optimized" }
    launch_template {
      launch_template_specification { launch_template_id = aws_launch_template.a.id }
      override { instance_type = "g6.xlarge" }
      override { instance_type = "g5.xlarge" }
    }
  }
}
"#,
    ),
    (
        "a cluster with nodes",
        r#"
resource "aws_iam_role" "a" { assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }] }) }
resource "aws_eks_cluster" "a" {
  name     = "a"
  role_arn = aws_iam_role.a.arn
  vpc_config { subnet_ids = ["subnet-1", "subnet-2"] }
}
resource "aws_eks_node_group" "a" {
  cluster_name  = aws_eks_cluster.a.name
  node_role_arn = aws_iam_role.a.arn
  subnet_ids    = ["subnet-1"]
  scaling_config {
    desired_size = 0
    max_size     = 2
    min_size     = 0
  }
}
"#,
    ),
    (
        "two providers",
        r#"
provider "aws" {
  alias  = "far"
  region = "us-east-1"
}
resource "aws_sqs_queue" "here" { name = "a" }
resource "aws_sqs_queue" "there" {
  provider = aws.far
  name     = "b"
}
"#,
    ),
    (
        "built-in data and conditions",
        r#"
resource "terraform_data" "a" { input = "x" }
resource "aws_sqs_queue" "a" {
  name = "a"
  lifecycle {
    precondition {
      condition     = length("a") == 1
      error_message = "One letter."
    }
    replace_triggered_by = [terraform_data.a]
  }
}
check "name" {
  assert {
    condition     = aws_sqs_queue.a.name == "b"
    error_message = "It is another."
  }
}
"#,
    ),
    (
        "a bucket and its settings",
        r#"
resource "aws_s3_bucket" "a" { bucket = "weights-of-a-model" }
resource "aws_s3_bucket_versioning" "a" {
  bucket = aws_s3_bucket.a.id
  versioning_configuration { status = "Enabled" }
}
"#,
    ),
    ("an argument that isn't one", "resource \"aws_sqs_queue\" \"a\" {\n  nam = \"a\"\n}\n"),
    ("an argument that is missing", "resource \"aws_subnet\" \"a\" {\n  cidr_block = \"10.0.0.0/24\"\n}\n"),
    ("a type that isn't one", "resource \"aws_sqs_queu\" \"a\" {\n  name = \"a\"\n}\n"),
    ("a data source as a resource", "resource \"aws_iam_policy_document\" \"a\" {\n}\n"),
    ("a value that isn't allowed", "resource \"aws_vpc\" \"a\" {\n  cidr_block       = \"10.0.0.0/8\"\n  instance_tenancy = \"mine\"\n}\n"),
    ("a range with bits behind its mask", "resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.1/16\"\n}\n"),
    ("a reference to nothing", "resource \"aws_sqs_queue\" \"a\" {\n  name = aws_vpc.b.id\n}\n"),
    (
        "a circle",
        "resource \"aws_sqs_queue\" \"a\" {\n  name = aws_sqs_queue.b.arn\n}\nresource \"aws_sqs_queue\" \"b\" {\n  name = aws_sqs_queue.a.arn\n}\n",
    ),
    (
        "a count that isn't known",
        "resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.0/16\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n  count = length(aws_vpc.a.id)\n}\n",
    ),
];
