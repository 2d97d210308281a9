//! Hostile hand-ins before the box: each is refused with its file and line, nothing is run for it, and the next is graded as ever.
use super::{SMALL, files, graded, plan_check, runner};
use groundcrew::engine::report::Outcome;
use groundcrew::engine::runner::Way;

/// The name, the files, where it is refused, and what the finding says.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, u32, &'static str);

const OK: &str = "resource \"aws_sqs_queue\" \"a\" {\n  name = \"a\"\n}\n";

const CASES: &[Case] = &[
    (
        "local-exec",
        &[("main.tf", "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"id\"\n  }\n}\n")],
        "main.tf",
        2,
        "runs commands",
    ),
    (
        "remote-exec",
        &[("main.tf", "resource \"terraform_data\" \"a\" {\n  provisioner \"remote-exec\" {\n    inline = [\"id\"]\n  }\n}\n")],
        "main.tf",
        2,
        "runs commands",
    ),
    (
        "file provisioner",
        &[("main.tf", "resource \"terraform_data\" \"a\" {\n  provisioner \"file\" {\n    source = \"/etc/passwd\"\n  }\n}\n")],
        "main.tf",
        2,
        "runs commands",
    ),
    ("external data", &[("main.tf", "data \"external\" \"a\" {\n  program = [\"id\"]\n}\n")], "main.tf", 1, "runs a program"),
    ("http data", &[("main.tf", "data \"http\" \"a\" {\n  url = \"http://169.254.169.254/\"\n}\n")], "main.tf", 1, "sends a request"),
    (
        "remote state",
        &[("main.tf", "data \"terraform_remote_state\" \"a\" {\n  backend = \"local\"\n  config = { path = \"/tmp/x\" }\n}\n")],
        "main.tf",
        1,
        "whole state",
    ),
    (
        "cloud block",
        &[("main.tf", "terraform {\n  cloud {\n    organization = \"x\"\n  }\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "hands the plan to a service",
    ),
    ("module by git", &[("main.tf", "module \"a\" {\n  source = \"git::file:///etc\"\n}\n")], "main.tf", 2, "only modules of the hand-in"),
    ("module by http", &[("main.tf", "module \"a\" {\n  source = \"https://example.org/x.zip\"\n}\n")], "main.tf", 2, "only modules of the hand-in"),
    (
        "module of the registry",
        &[("main.tf", "module \"a\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n")],
        "main.tf",
        2,
        "only modules of the hand-in",
    ),
    (
        "module by s3",
        &[("main.tf", "module \"a\" {\n  source = \"s3::https://x.amazonaws.com/y.zip\"\n}\n")],
        "main.tf",
        2,
        "only modules of the hand-in",
    ),
    ("module above", &[("main.tf", "module \"a\" {\n  source = \"../../other\"\n}\n")], "main.tf", 2, "lies outside"),
    ("module of the machine", &[("main.tf", "module \"a\" {\n  source = \"/etc\"\n}\n")], "main.tf", 2, "only modules of the hand-in"),
    (
        "profile",
        &[("main.tf", "provider \"aws\" {\n  profile = \"admin\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "credential process",
        &[
            ("main.tf", "provider \"aws\" {\n  shared_config_files = [\"./config\"]\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n"),
            ("config", "[default]\ncredential_process = id\n"),
        ],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "credentials file",
        &[("main.tf", "provider \"aws\" {\n  shared_credentials_files = [\"/root/.aws/credentials\"]\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "ca bundle",
        &[("main.tf", "provider \"aws\" {\n  custom_ca_bundle = \"/etc/shadow\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "endpoints",
        &[("main.tf", "provider \"aws\" {\n  endpoints {\n    s3 = \"http://127.0.0.1:1\"\n  }\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "assume role",
        &[(
            "main.tf",
            "provider \"aws\" {\n  assume_role {\n    role_arn = \"arn:aws:iam::1:role/x\"\n  }\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n",
        )],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "web identity",
        &[(
            "main.tf",
            "provider \"aws\" {\n  assume_role_with_web_identity {\n    web_identity_token_file = \"/etc/passwd\"\n  }\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n",
        )],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "http proxy",
        &[("main.tf", "provider \"aws\" {\n  http_proxy = \"http://127.0.0.1:1\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "metadata endpoint",
        &[("main.tf", "provider \"aws\" {\n  ec2_metadata_service_endpoint = \"http://127.0.0.1:1\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n")],
        "main.tf",
        2,
        "reads files or goes elsewhere",
    ),
    (
        "file of the machine",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = file(\"/etc/passwd\")\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    (
        "file above",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = file(\"${path.module}/../x\")\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    (
        "file of another process",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = filebase64(\"/proc/1/environ\")\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    (
        "file named by a variable",
        &[("main.tf", "variable \"f\" {\n  default = \"/etc/passwd\"\n}\nresource \"aws_sqs_queue\" \"a\" {\n  name = file(var.f)\n}\n")],
        "main.tf",
        5,
        "may lie outside",
    ),
    (
        "all files",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  for_each = fileset(\"/etc\", \"**\")\n  name = each.key\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    (
        "template of the machine",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = templatefile(\"/etc/passwd\", {})\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    (
        "hash of a secret",
        &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = filemd5(\"/etc/shadow\")\n}\n")],
        "main.tf",
        2,
        "may lie outside",
    ),
    ("home", &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  name = file(\"~/.ssh/id_rsa\")\n}\n")], "main.tf", 2, "may lie outside"),
    (
        "another provider",
        &[(
            "main.tf",
            "terraform {\n  required_providers {\n    evil = {\n      source = \"evil/evil\"\n    }\n  }\n}\nresource \"aws_sqs_queue\" \"a\" {\n}\n",
        )],
        "main.tf",
        3,
        "isn't available here",
    ),
    ("a provider by its resource", &[("main.tf", "resource \"null_resource\" \"a\" {\n}\n")], "main.tf", 1, "isn't available here"),
    ("override", &[("main.tf", OK), ("zzz_override.tf", OK)], "zzz_override.tf", 1, "is not accepted"),
    ("our own override's name", &[("main.tf", OK), ("groundcrew_override.tf", OK)], "groundcrew_override.tf", 1, "is not accepted"),
    ("JSON syntax", &[("main.tf", OK), ("more.tf.json", "{}")], "more.tf.json", 1, "is not accepted"),
    ("JSON tests", &[("main.tf", OK), ("a.tftest.json", "{}")], "a.tftest.json", 1, "is not accepted"),
    ("mock file", &[("main.tf", OK), ("a.tfmock.hcl", "")], "a.tfmock.hcl", 1, "is not accepted"),
    ("values unasked", &[("main.tf", OK), ("x.auto.tfvars", "a = 1\n")], "x.auto.tfvars", 1, "is not accepted"),
    ("values by name", &[("main.tf", OK), ("terraform.tfvars", "a = 1\n")], "terraform.tfvars", 1, "is not accepted"),
    ("command line configuration", &[("main.tf", OK), (".terraformrc", "plugin_cache_dir = \"/tmp\"\n")], ".terraformrc", 1, "is not accepted"),
    ("plugins of its own", &[("main.tf", OK), ("terraform.d/plugins/x", "#!/bin/sh\n")], "terraform.d/plugins/x", 1, "is not accepted"),
    ("a working folder", &[("main.tf", OK), (".terraform/providers/x", "#!/bin/sh\n")], ".terraform/providers/x", 1, "is not accepted"),
    ("a state", &[("main.tf", OK), ("terraform.tfstate", "{}")], "terraform.tfstate", 1, "is not accepted"),
    ("a billion", &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  count = 1000000000\n}\n")], "main.tf", 2, "instances"),
    ("a million", &[("main.tf", "resource \"aws_sqs_queue\" \"a\" {\n  count = 1000000\n}\n")], "main.tf", 2, "instances"),
    (
        "ranges in ranges",
        &[(
            "main.tf",
            "locals {\n  a = range(1024)\n  b = [for x in local.a : [for y in local.a : [for z in local.a : x]]]\n}\nresource \"aws_sqs_queue\" \"a\" {\n  name = length(local.b)\n}\n",
        )],
        "main.tf",
        1,
        "more steps or memory",
    ),
];

#[test]
fn each_is_refused_at_its_line_and_nothing_is_run() {
    let Some(runner) = runner() else { return };
    assert!(CASES.len() >= 45, "{} cases", CASES.len());
    let mut wrong = Vec::new();
    for (name, hand_in, file, line, says) in CASES {
        let (report, came) = graded(runner, Way::Relay, &plan_check(), &files(hand_in));
        let finding = &report.findings[0];
        let problem =
            finding.problems.iter().find(|p| p.message.contains(says) && p.place.as_ref().is_some_and(|at| at.file == *file && at.line == *line));
        if !came.is_empty() || finding.outcome != Outcome::Failed || problem.is_none() {
            let told: Vec<String> =
                finding.problems.iter().map(|p| format!("{:?} {}", p.place.as_ref().map(|at| (&at.file, at.line)), p.message)).collect();
            wrong.push(format!("{name}: {:?}, {} runs, {} {told:?}", finding.outcome, came.len(), finding.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (report, came) = graded(runner, Way::Relay, &plan_check(), &files(SMALL));
    assert_eq!((report.findings[0].outcome, came.len()), (Outcome::Passed, 1));
}

#[test]
fn nesting_and_odd_bytes_are_refused_before_terraform_sees_them() {
    let Some(runner) = runner() else { return };
    let deep = format!("locals {{\n  a = {}1{}\n}}\n{OK}", "[".repeat(10_000), "]".repeat(10_000));
    let long = format!("locals {{\n  a = \"{}\"\n}}\n{OK}", "x".repeat(2 << 20));
    let odd = [
        ("deep", deep.into_bytes()),
        ("long", long.into_bytes()),
        ("binary", [b"locals {}\n\xff\xfe".as_slice(), OK.as_bytes()].concat()),
        ("nul", b"locals {\0}\n".to_vec()),
    ];
    for (name, bytes) in odd {
        let hand_in = groundcrew::engine::Files::new(vec![groundcrew::engine::File { path: "main.tf".into(), bytes }]);
        let (report, came) = graded(runner, Way::Relay, &plan_check(), &hand_in);
        assert!(came.is_empty() && report.score == 0, "{name}: {report:?}");
    }
}
