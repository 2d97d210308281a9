//! One table over all rules: each passes its passing example and fails its failing one.
use super::*;
use crate::engine::{File, Files};

pub fn read(text: &str) -> Terraform {
    Terraform::read(&Files::new(vec![File { path: "main.tf".into(), bytes: text.as_bytes().to_vec() }]))
}

#[test]
fn every_rule_passes_and_fails_its_own_examples() {
    for rule in all() {
        let passes = run(rule, &read(rule.passes));
        assert!(passes.is_empty(), "{}: the passing example fails: {:?}", rule.id, passes[0]);
        let fails = found(rule, &read(rule.fails));
        assert!(!fails.is_empty(), "{}: the failing example passes", rule.id);
        for problem in fails {
            let place = problem.place.as_ref().unwrap_or_else(|| panic!("{}: no place: {problem:?}", rule.id));
            assert!(place.line > 0 && (place.end_line, place.end_column) >= (place.line, place.column), "{}: {place:?}", rule.id);
            assert!(problem.message.ends_with('.') && problem.why.is_some() && problem.fix.is_some(), "{}: {problem:?}", rule.id);
            assert_eq!(problem.rule.as_deref(), Some(rule.id));
        }
        if rule.id != "parses" {
            assert!(run(by_id("parses").unwrap(), &read(rule.fails)).is_empty(), "{}: the failing example doesn't parse", rule.id);
            assert!(run(by_id("parses").unwrap(), &read(rule.passes)).is_empty(), "{}: the passing example doesn't parse", rule.id);
        }
    }
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = all().iter().map(|r| r.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all().len());
}

/// A role for a service account as EKS' own pages write it, in both spellings.
const IRSA: &str = r#"
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.eks.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${replace(aws_iam_openid_connect_provider.eks.url, "https://", "")}:sub"
      values   = ["system:serviceaccount:ai:model-loader"]
    }
  }
}
resource "aws_iam_role" "a" {
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role" "b" {
  assume_role_policy = jsonencode({
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.eks.arn }
      Condition = {
        StringEquals = { "${replace(aws_iam_openid_connect_provider.eks.url, "https://", "")}:sub" = "system:serviceaccount:ai:model-loader" }
      }
    }]
  })
}
"#;

const BUCKETS: &str = r#"
variable "name" {
}
locals {
  one  = aws_s3_bucket.one.id
  both = { a = aws_s3_bucket.two, b = aws_s3_bucket.three }
}
resource "aws_s3_bucket" "one" {
}
resource "aws_s3_bucket" "two" {
}
resource "aws_s3_bucket" "three" {
}
resource "aws_s3_bucket" "named" {
  bucket = var.name
}
resource "aws_s3_bucket" "many" {
  for_each = toset(["a", "b"])
  bucket   = each.key
}
resource "aws_s3_bucket_versioning" "one" {
  bucket = local.one
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_versioning" "both" {
  for_each = local.both
  bucket   = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_versioning" "named" {
  bucket = var.name
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_versioning" "many" {
  for_each = aws_s3_bucket.many
  bucket   = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}
"#;

const POOLS: &str = r#"
variable "pools" {
  type    = map(object({ types = list(string), min = optional(number, 0), spot = optional(bool, true) }))
  default = { gpu = { types = ["g6.xlarge", "g5.xlarge", "g6.2xlarge"] } }
}
resource "aws_eks_node_group" "p" {
  for_each       = var.pools
  instance_types = each.value.types
  capacity_type  = lookup(each.value, "spot", false) ? "SPOT" : "ON_DEMAND"
  scaling_config {
    min_size = try(each.value.min, 1)
    max_size = 4
  }
}
"#;

/// A rule, a configuration, and how many problems it finds there.
const CASES: &[(&str, &str, usize)] = &[
    // Values come through variables, locals, conditions and loops.
    (
        "sg-ssh",
        "variable \"from\" {\n  default = [\"0.0.0.0/0\"]\n}\nlocals {\n  ports = { ssh = 22, web = 443 }\n}\nresource \"aws_security_group\" \"a\" {\n  dynamic \"ingress\" {\n    for_each = local.ports\n    content {\n      from_port   = ingress.value\n      to_port     = ingress.value\n      protocol    = \"tcp\"\n      cidr_blocks = var.from\n    }\n  }\n}\n",
        1,
    ),
    (
        "sg-ssh",
        "resource \"aws_security_group_rule\" \"a\" {\n  for_each    = toset([\"::/0\", \"10.0.0.0/8\"])\n  type        = \"ingress\"\n  from_port   = 0\n  to_port     = 65535\n  protocol    = \"tcp\"\n  cidr_blocks = [each.value]\n}\n",
        2,
    ),
    (
        "sg-ssh",
        "resource \"aws_security_group_rule\" \"a\" {\n  type        = \"egress\"\n  from_port   = 22\n  to_port     = 22\n  protocol    = \"tcp\"\n  cidr_blocks = [\"0.0.0.0/0\"]\n}\n",
        0,
    ),
    (
        "sg-all",
        "resource \"aws_security_group\" \"a\" {\n  ingress = [{ protocol = \"-1\", from_port = 0, to_port = 0, cidr_blocks = [\"0.0.0.0/0\"] }]\n}\n",
        1,
    ),
    // What count makes zero of isn't there.
    (
        "s3-version",
        "resource \"aws_s3_bucket\" \"a\" {\n}\nresource \"aws_s3_bucket_versioning\" \"a\" {\n  count  = 0\n  bucket = aws_s3_bucket.a.id\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n",
        1,
    ),
    // Another bucket's versioning is no help.
    (
        "s3-version",
        "resource \"aws_s3_bucket\" \"a\" {\n}\nresource \"aws_s3_bucket\" \"b\" {\n}\nresource \"aws_s3_bucket_versioning\" \"a\" {\n  bucket = aws_s3_bucket.a.id\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n",
        1,
    ),
    ("s3-enc", "locals {\n  a = 1\n}\n", 1),
    // Policies, however they are written.
    (
        "iam-star",
        "resource \"aws_iam_policy\" \"a\" {\n  policy = <<-EOT\n    {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"iam:*\", \"Resource\": \"${aws_s3_bucket.b.arn}\"}}\n  EOT\n}\nresource \"aws_s3_bucket\" \"b\" {\n}\n",
        1,
    ),
    (
        "iam-star",
        "data \"aws_iam_policy_document\" \"a\" {\n  statement {\n    actions   = [\"s3:PutObject\"]\n    resources = [\"*\"]\n  }\n}\nresource \"aws_iam_policy\" \"a\" {\n  policy = data.aws_iam_policy_document.a.json\n}\n",
        1,
    ),
    (
        "iam-star",
        "locals {\n  statement = { Effect = \"Allow\", Action = [\"ec2:DescribeInstances\", \"ecr:GetAuthorizationToken\"], Resource = \"*\" }\n}\nresource \"aws_iam_policy\" \"a\" {\n  policy = jsonencode({ Statement = [local.statement] })\n}\n",
        0,
    ),
    (
        "iam-star",
        "resource \"aws_iam_policy\" \"a\" {\n  policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::*\" }, { Effect = \"Deny\", Action = \"*\", Resource = \"*\" }] })\n}\n",
        1,
    ),
    ("iam-star", "resource \"aws_iam_policy\" \"a\" {\n  policy = \"not json\"\n}\n", 1),
    (
        "iam-assume",
        "data \"aws_iam_policy_document\" \"a\" {\n  statement {\n    actions = [\"sts:AssumeRoleWithWebIdentity\"]\n    principals {\n      type        = \"Federated\"\n      identifiers = [\"arn:aws:iam::1:oidc-provider/x\"]\n    }\n  }\n}\nresource \"aws_iam_role\" \"a\" {\n  assume_role_policy = data.aws_iam_policy_document.a.json\n}\n",
        1,
    ),
    // What isn't known of a policy is no fault.
    ("iam-assume", IRSA, 0),
    (
        "iam-star",
        "variable \"actions\" {\n  type = list(string)\n}\nresource \"aws_iam_policy\" \"a\" {\n  policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = var.actions, Resource = \"*\" }] })\n}\ndata \"aws_iam_policy_document\" \"a\" {\n  statement {\n    effect    = var.actions[0]\n    actions   = [\"s3:PutObject\"]\n    resources = [\"*\"]\n  }\n}\n",
        0,
    ),
    (
        "iam-star",
        "resource \"aws_iam_policy\" \"a\" {\n  policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = [\"ce:GetCostAndUsage\", \"cloudwatch:GetMetricData\", \"pricing:GetProducts\"], Resource = \"*\" }] })\n}\n",
        0,
    ),
    // A bucket is named through locals, loops and variables.
    ("s3-version", BUCKETS, 0),
    // What a type declares counts as written.
    ("gpu-scale-zero", POOLS, 0),
    ("gpu-spot", POOLS, 0),
    // Another volume's encryption is no help to the root volume.
    ("ec2-ebs-enc", "resource \"aws_instance\" \"a\" {\n  ebs_block_device {\n    device_name = \"/dev/sdf\"\n    encrypted   = true\n  }\n}\n", 1),
    (
        "ec2-ebs-enc",
        "resource \"aws_instance\" \"a\" {\n  root_block_device {\n    encrypted = true\n  }\n  ebs_block_device {\n    device_name = \"/dev/sdf\"\n    encrypted   = true\n  }\n}\n",
        0,
    ),
    (
        "gp2",
        "resource \"aws_ebs_volume\" \"a\" {\n  size = 10\n}\nresource \"aws_instance\" \"a\" {\n  root_block_device {\n    volume_size = 10\n  }\n  ebs_block_device {\n    device_name = \"/dev/sdf\"\n  }\n}\n",
        2,
    ),
    // References.
    ("tf-undeclared", "resource \"aws_vpc\" \"a\" {\n  cidr_block = each.value\n}\n", 1),
    (
        "tf-undeclared",
        "resource \"aws_vpc\" \"a\" {\n  for_each   = toset([\"10.0.0.0/16\"])\n  cidr_block = each.value\n  lifecycle {\n    ignore_changes = [tags]\n  }\n}\n",
        0,
    ),
    ("tf-undeclared", "locals {\n  a = lenght([1])\n  b = main\n  c = data.aws_ami.x.id\n  d = [for x in [1] : x]\n}\n", 3),
    (
        "tf-undeclared",
        "moved {\n  from = aws_vpc.a\n  to   = aws_vpc.b\n}\nimport {\n  to = aws_vpc.c\n  id = \"x\"\n}\nresource \"aws_vpc\" \"b\" {\n}\n",
        1,
    ),
    ("tf-unused", "locals {\n  a = 1\n  b = local.a\n}\n", 1),
    ("parses", "resource \"aws_vpc\" \"a\" {\n}\nresource \"aws_vpc\" \"a\" {\n}\n", 1),
    ("parses", "foo {\n}\n", 1),
    ("parses", "zz = 1\nlocals {\n  a = 1\n}\n", 1),
    ("parses", "resource \"aws_vpc\" {\n}\nresource \"aws_vpc\" \"a\" \"b\" {\n}\nvariable {\n}\nlocals \"a\" {\n}\n", 4),
    ("parses", "resource \"aws_vpc\" \"1a\" {\n}\nresource aws_vpc main-1 {\n}\n", 1),
    ("parses", "resource \"aws_vpc\" \"a\" {\n  count    = 1\n  for_each = toset([\"a\"])\n}\n", 1),
    ("parses", "output \"a\" {\n}\nvariable \"b\" {\n  typ = string\n}\n", 2),
    (
        "parses",
        "variable \"a\" {\n  type      = string\n  default   = \"x\"\n  nullable  = false\n  sensitive = true\n  validation {\n    condition     = var.a != \"\"\n    error_message = \"Name it.\"\n  }\n}\noutput \"b\" {\n  value       = var.a\n  description = \"It.\"\n  depends_on  = []\n  precondition {\n    condition     = true\n    error_message = \"No.\"\n  }\n}\nephemeral \"aws_secretsmanager_secret_version\" \"c\" {\n}\ncheck \"d\" {\n  assert {\n    condition     = true\n    error_message = \"No.\"\n  }\n}\n",
        0,
    ),
    // What `terraform validate` refuses.
    ("parses", "variable \"a\" {\n  type = \"string\"\n}\nvariable \"f\" {\n  type = strng\n}\n", 2),
    (
        "parses",
        "variable \"b\" {\n  type    = list(string)\n  default = {}\n}\nvariable \"c\" {\n  type    = map(string)\n  default = []\n}\nvariable \"d\" {\n  type    = number\n  default = \"x\"\n}\nvariable \"e\" {\n  type     = string\n  nullable = false\n  default  = null\n}\nvariable \"i\" {\n  type    = tuple([string])\n  default = [\"a\", \"b\"]\n}\nvariable \"j\" {\n  type    = string\n  default = upper(\"x\")\n}\n",
        6,
    ),
    (
        "parses",
        "variable \"a\" {\n  type    = number\n  default = \"5\"\n}\nvariable \"b\" {\n  type    = map(object({ a = string, b = optional(list(number), [1]) }))\n  default = { x = { a = 1 } }\n}\nvariable \"c\" {\n  type    = set(string)\n  default = [\"a\"]\n}\nvariable \"d\" {\n  type    = bool\n  default = null\n}\nvariable \"e\" {\n  type    = list(any)\n  default = []\n}\n",
        0,
    ),
    ("parses", "variable \"a\" {\n  type    = object({ a = string })\n  default = {}\n}\n", 1),
    ("parses", "locals {\n  a = base64encode(\"a\", \"b\")\n  b = format()\n  c = setproduct([\"a\"])\n  d = range()\n  e = lookup({})\n}\n", 5),
    (
        "parses",
        "locals {\n  l = [\"a\", \"b\"]\n  a = format(local.l...)\n  b = merge()\n  c = max(1, [2]...)\n  d = timestamp()\n  e = cidrsubnets(\"10.0.0.0/8\")\n  f = provider::aws::trim_iam_role_path(1, 2)\n}\n",
        0,
    ),
    (
        "parses",
        "resource \"aws_security_group\" \"a\" {\n  ingress {\n    security_groups = [aws_security_group.b.id]\n  }\n}\nresource \"aws_security_group\" \"b\" {\n  ingress {\n    security_groups = [local.a]\n  }\n}\nlocals {\n  a = aws_security_group.a.id\n}\n",
        1,
    ),
    (
        "parses",
        "resource \"aws_instance\" \"a\" {\n  user_data = aws_instance.a.id\n}\nresource \"aws_instance\" \"b\" {\n  depends_on = [aws_instance.a]\n}\n",
        1,
    ),
    (
        "parses",
        "module \"a\" {\n  source = \"./a\"\n  x      = module.b.y\n}\nmodule \"b\" {\n  source = \"./b\"\n  z      = module.a.w\n}\nresource \"aws_instance\" \"a\" {\n  lifecycle {\n    postcondition {\n      condition     = self.id != \"\"\n      error_message = \"No.\"\n    }\n  }\n}\n",
        0,
    ),
    (
        "tf-validation",
        "variable \"a\" {\n  type = string\n  validation {\n    condition     = length(var.a) > 3\n    error_message = \"Long.\"\n  }\n}\nvariable \"b\" {\n  default = \"x1\"\n  validation {\n    condition     = can(regex(\"^[a-z]+$\", var.b))\n    error_message = \"Letters.\"\n  }\n}\n",
        1,
    ),
    // Types through a template.
    (
        "gpu-root-vol",
        "resource \"aws_launch_template\" \"a\" {\n}\nresource \"aws_eks_node_group\" \"g\" {\n  instance_types = [\"g5.xlarge\"]\n  launch_template {\n    id = aws_launch_template.a.id\n  }\n}\n",
        1,
    ),
    ("gpu-taint", "resource \"aws_eks_node_group\" \"g\" {\n  instance_types = [\"m7i.large\"]\n}\n", 1),
    (
        "tf-refused",
        "terraform {\n  cloud {\n  }\n}\ndata \"external\" \"x\" {\n}\nmodule \"m\" {\n  source = \"git::https://example.com/x.git\"\n}\nprovider \"aws\" {\n  profile = \"x\"\n}\nlocals {\n  a = file(\"/etc/passwd\")\n}\n",
        5,
    ),
];

#[test]
fn rules_see_what_is_written_in_other_words() {
    for (rule, text, wanted) in CASES {
        let problems = run(by_id(rule).unwrap(), &read(text));
        assert_eq!(problems.len(), *wanted, "{rule} over\n{text}\n{problems:?}");
    }
}

#[test]
fn a_module_of_the_hand_in_gets_what_its_caller_passes() {
    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.into() };
    let pool =
        "variable \"type\" {\n}\nresource \"aws_instance\" \"a\" {\n  instance_type = var.type\n}\noutput \"id\" {\n  value = aws_instance.a.id\n}\n";
    let call = "module \"pool\" {\n  source = \"./modules/pool\"\n  type   = \"g6.3xlarge\"\n  tpye   = 1\n}\nlocals {\n  a = module.pool.id\n  b = module.pool.ip\n}\n";
    let terraform = Terraform::read(&Files::new(vec![file("main.tf", call), file("modules/pool/main.tf", pool)]));
    let problems = run(by_id("ec2-type-valid").unwrap(), &terraform);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].place.as_ref().unwrap().file, "modules/pool/main.tf");
    let problems: Vec<String> = run(by_id("tf-undeclared").unwrap(), &terraform).into_iter().map(|p| p.message).collect();
    assert_eq!(problems, ["Module `pool` has no output `ip`.", "Module `pool` has no variable `tpye`."]);
    assert!(terraform.json().get("variable").is_none());
}

#[test]
fn a_fix_is_a_diff_of_the_line_that_is_wrong() {
    let terraform = read("resource \"aws_launch_template\" \"a\" {\n  metadata_options {\n    http_tokens = \"optional\" # why\n  }\n}\n");
    let problems = run(by_id("ec2-imdsv2").unwrap(), &terraform);
    assert_eq!(problems[0].fix.as_deref(), Some("-    http_tokens = \"optional\" # why\n+    http_tokens = \"required\" # why"));
    let terraform = read("variable \"name\" {\n}\n");
    let problems = run(by_id("tf-var-typed").unwrap(), &terraform);
    assert_eq!(problems[0].fix.as_deref(), Some(" variable \"name\" {\n+  type = string"));
}

#[test]
fn a_bucket_made_in_a_loop_that_is_not_followed_gets_the_benefit_of_the_doubt() {
    let versioning = "resource \"aws_s3_bucket\" \"many\" {\n  for_each = toset([\"a\"])\n}\nresource \"aws_s3_bucket_versioning\" \"many\" {\n  for_each = { for k, b in aws_s3_bucket.many : k => b.id }\n  bucket   = each.value\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n";
    assert_eq!(run(by_id("s3-version").unwrap(), &read(versioning)), []);
}

#[test]
fn an_address_means_nothing_in_another_module() {
    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.into() };
    let call = "module \"a\" {\n  source = \"./a\"\n  bucket = aws_s3_bucket.b.id\n}\nresource \"aws_s3_bucket\" \"b\" {\n}\nresource \"aws_s3_bucket_versioning\" \"b\" {\n  bucket = aws_s3_bucket.b.id\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n";
    let inside = "variable \"bucket\" {\n}\nresource \"aws_s3_bucket\" \"b\" {\n}\nresource \"aws_s3_bucket_versioning\" \"b\" {\n  bucket = var.bucket\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n";
    let terraform = Terraform::read(&Files::new(vec![file("main.tf", call), file("a/main.tf", inside)]));
    assert_eq!(run(by_id("s3-version").unwrap(), &terraform).len(), 1);
}
