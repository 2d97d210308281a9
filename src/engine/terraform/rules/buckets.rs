//! Rules about what becomes of buckets over time: who read them, how long things are kept, what they are called.
use super::storage::{beside, of};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::{HOLE, Value};

pub static LOGGED: Rule = Rule {
    id: "s3-log",
    severity: Severity::Warning,
    title: "It is written down who reads a bucket",
    why: "When weights turn up elsewhere, the access log is the only answer to who took them and when, and it can't be switched on for yesterday.",
    fix: "Declare an `aws_s3_bucket_logging` to a bucket for logs.",
    passes: r#"resource "aws_s3_bucket" "weights" {
}

resource "aws_s3_bucket" "logs" {
}

resource "aws_s3_bucket_logging" "weights" {
  bucket        = aws_s3_bucket.weights.id
  target_bucket = aws_s3_bucket.logs.id
  target_prefix = "weights/"
}
"#,
    fails: r#"resource "aws_s3_bucket" "weights" {
}
"#,
    check: logged,
};

fn logged(look: &mut Look<'_>) {
    // A trail may record every read of every object.
    let recorded = |t: &Block| t.all("event_selector").chain(t.all("advanced_event_selector")).next().is_some();
    let trailed = look.resources(&["aws_cloudtrail"]).iter().any(|(_, t)| recorded(t));
    for (module, bucket) in look.needed(&["aws_s3_bucket"]) {
        if trailed || takes_logs(module, bucket) {
            continue;
        }
        let logging = of(module, bucket, "aws_s3_bucket_logging");
        if logging.is_empty() && bucket.all("logging").next().is_none() {
            let lines = "target_bucket = aws_s3_bucket.logs.id\ntarget_prefix = \"access/\"";
            let problem = look.on(bucket, format!("Nothing writes down who reads `{}`.", bucket.address()));
            look.found(problem.fix(beside(bucket, "aws_s3_bucket_logging", lines)));
        }
    }
}

/// Whether a bucket is where logs go: its own would go in circles.
fn takes_logs(module: &Module, bucket: &Block) -> bool {
    let named = bucket.labels.get(1).into_iter().map(String::as_str).chain(bucket.text("bucket")).any(|n| n.contains("log") || n.contains("trail"));
    let target = |b: &Block| b.points_at("target_bucket", bucket, "bucket");
    named
        || module
            .blocks
            .iter()
            .any(|b| target(b) || b.all("logging").any(&target) || b.all("access_logs").any(|l| l.points_at("bucket", bucket, "bucket")))
}

pub static LIFECYCLE: Rule = Rule {
    id: "s3-lifecycle",
    severity: Severity::Warning,
    title: "What nobody needs any more leaves the bucket",
    why: "Checkpoints of every run, old versions and halves of broken uploads are paid for each month, for ever, and no listing shows the last two.",
    fix: "Declare an `aws_s3_bucket_lifecycle_configuration` that expires old versions and aborts uploads.",
    passes: r#"resource "aws_s3_bucket" "checkpoints" {
}

resource "aws_s3_bucket_lifecycle_configuration" "checkpoints" {
  bucket = aws_s3_bucket.checkpoints.id

  rule {
    id     = "old"
    status = "Enabled"
    filter {
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }
}
"#,
    fails: r#"resource "aws_s3_bucket" "checkpoints" {
}
"#,
    check: lifecycle,
};

fn lifecycle(look: &mut Look<'_>) {
    for (module, bucket) in look.needed(&["aws_s3_bucket"]) {
        let configurations = of(module, bucket, "aws_s3_bucket_lifecycle_configuration");
        let rules: Vec<&Block> = configurations.iter().flat_map(|c| c.all("rule")).collect();
        let on = |r: &&Block| r.is_unknown("status") || r.text("status") == Some("Enabled");
        if rules.iter().any(on) || bucket.all("lifecycle_rule").any(|r| r.is_true("enabled") || r.is_unknown("enabled")) {
            continue;
        }
        let problem = match rules.first() {
            Some(rule) => {
                let problem = look.of(rule, "status", format!("No rule about what leaves `{}` is enabled.", bucket.address()));
                problem.fix(look.replace(rule, "status", "\"Enabled\""))
            }
            None => {
                let lines = "\nrule {\n  id     = \"old\"\n  status = \"Enabled\"\n  filter {}\n\n  noncurrent_version_expiration {\n    noncurrent_days = 30\n  }\n  abort_incomplete_multipart_upload {\n    days_after_initiation = 7\n  }\n}";
                let problem = look.on(bucket, format!("Nothing ever leaves `{}`.", bucket.address()));
                problem.fix(beside(bucket, "aws_s3_bucket_lifecycle_configuration", lines))
            }
        };
        look.found(problem);
    }
}

pub static NAMED: Rule = Rule {
    id: "s3-name",
    severity: Severity::Error,
    title: "Buckets have names that S3 takes",
    why: "A bucket's name is part of an address: one that S3 refuses passes `plan` and fails `apply`, when half of the rest is already made.",
    fix: "Use 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last.",
    passes: r#"resource "aws_s3_bucket" "weights" {
  bucket = "groundcrew-weights-eu-west-1"
}
"#,
    fails: r#"resource "aws_s3_bucket" "weights" {
  bucket = "Groundcrew_Weights"
}
"#,
    check: |look| {
        for (_, bucket) in look.needed(&["aws_s3_bucket"]) {
            for name in ["bucket", "bucket_prefix"] {
                let (written, whole) = match bucket.value(name) {
                    Some(Value::Text(text)) => (text, name == "bucket"),
                    Some(Value::Partly(text)) => (text, false),
                    _ => continue,
                };
                if let Some(why) = misnamed(written, whole) {
                    let shown = written.replace(HOLE, "…");
                    let problem = look.of(bucket, name, format!("`{shown}` can't be a bucket's name: {why}."));
                    look.found(problem);
                }
            }
        }
    },
};

/// Why S3 refuses a name, of which the start and end may be missing; after "Bucket naming rules" of its user guide.
fn misnamed(name: &str, whole: bool) -> Option<String> {
    let known: Vec<char> = name.chars().filter(|c| *c != HOLE).collect();
    if let Some(c) = known.iter().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))) {
        return Some(match c {
            'A'..='Z' => "it has upper-case letters".into(),
            '_' => "it has an underscore".into(),
            c => format!("it has `{c}`"),
        });
    }
    if known.len() > 63 {
        return Some(format!("it has {} characters; 63 are the most", known.len()));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| matches!(c, '.' | '-'));
    if edge(name.chars().next()) || (whole && edge(name.chars().last())) {
        return Some("it begins or ends with a dot or a hyphen".into());
    }
    if name.contains("..") {
        return Some("it has two dots in a row".into());
    }
    if let Some(prefix) = ["xn--", "sthree-", "amzn-s3-demo-"].iter().find(|p| name.starts_with(**p)) {
        return Some(format!("names that begin with `{prefix}` are S3's own"));
    }
    if !whole {
        return None;
    }
    if known.len() < 3 {
        return Some("it has less than 3 characters".into());
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some("it is an address".into());
    }
    let suffix = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].into_iter().find(|s| name.ends_with(s))?;
    Some(format!("names that end with `{suffix}` are S3's own"))
}
