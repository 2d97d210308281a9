//! Rules about S3 buckets.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Attribute, Block, Module};
use crate::engine::terraform::policy::{self, Policy};
use crate::engine::terraform::value::Value;

/// The resources of a type that belong to a bucket, or may: of some it isn't known which bucket they mean.
pub fn of<'a>(module: &'a Module, bucket: &Block, kind: &'a str) -> Vec<&'a Block> {
    module.resources(kind).filter(|b| b.points_at("bucket", bucket, "bucket") || may_be_any(b)).collect()
}

/// Whether nothing is known of the bucket that a resource means.
fn may_be_any(block: &Block) -> bool {
    let unknown = |a: &&Attribute| matches!(a.value, Value::Unknown | Value::Partly(_));
    let bucket = block.attribute("bucket").filter(unknown);
    bucket.is_some_and(|a| !a.refs.iter().any(|path| path.first().is_some_and(|root| root == "aws_s3_bucket")))
}

/// Lines that declare a resource for a bucket.
pub fn beside(bucket: &Block, kind: &str, lines: &str) -> String {
    let name = bucket.labels.get(1).map_or("this", String::as_str);
    let lines: Vec<String> = lines.lines().map(|l| format!("+  {l}").trim_end().to_owned()).collect();
    format!("+resource \"{kind}\" \"{name}\" {{\n+  bucket = aws_s3_bucket.{name}.id\n{}\n+}}", lines.join("\n"))
}

pub static PUBLIC: Rule = Rule {
    id: "s3-public",
    severity: Severity::Error,
    title: "Buckets block public access",
    why: "One policy or object ACL written in a hurry makes a bucket public; the block refuses it whatever is written later.",
    fix: "Declare an `aws_s3_bucket_public_access_block` with all four arguments true.",
    passes: "resource \"aws_s3_bucket\" \"weights\" {\n}\n\nresource \"aws_s3_bucket_public_access_block\" \"weights\" {\n  bucket                  = aws_s3_bucket.weights.id\n  block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  restrict_public_buckets = true\n}\n",
    fails: "resource \"aws_s3_bucket\" \"weights\" {\n}\n\nresource \"aws_s3_bucket_public_access_block\" \"weights\" {\n  bucket            = aws_s3_bucket.weights.id\n  block_public_acls = true\n}\n",
    check: public,
};

const FOUR: [&str; 4] = ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"];

fn public(look: &mut Look<'_>) {
    let account: Vec<&Block> = look.resources(&["aws_s3_account_public_access_block"]).into_iter().map(|(_, b)| b).collect();
    for (module, bucket) in look.needed(&["aws_s3_bucket"]) {
        let blocks = of(module, bucket, "aws_s3_bucket_public_access_block");
        let all: Vec<&Block> = blocks.iter().chain(&account).copied().collect();
        if all.is_empty() {
            let lines = FOUR.map(|n| format!("{n} = true")).join("\n");
            let problem = look.on(bucket, format!("Nothing blocks public access to `{}`.", bucket.address()));
            look.found(problem.fix(beside(bucket, "aws_s3_bucket_public_access_block", &lines)));
        }
        for name in FOUR.iter().filter(|n| !all.is_empty() && !all.iter().any(|b| b.is_true(n) || b.is_unknown(n))) {
            let problem = look.of(all[0], name, format!("`{}` leaves `{name}` off for `{}`.", all[0].address(), bucket.address()));
            look.found(problem.fix(look.replace(all[0], name, "true")));
        }
        for acl in of(module, bucket, "aws_s3_bucket_acl").into_iter().chain([bucket]) {
            if acl.text("acl").is_some_and(|a| a.starts_with("public") || a == "authenticated-read") {
                let problem = look.of(acl, "acl", format!("This ACL makes `{}` public.", bucket.address()));
                look.found(problem.fix(look.replace(acl, "acl", "\"private\"")));
            }
        }
        for attached in of(module, bucket, "aws_s3_bucket_policy") {
            let Some(Policy::Known(statements)) = policy::of(module, attached, "policy") else { continue };
            if statements.iter().any(|s| s.allows && s.conditions.is_empty() && s.principals.iter().any(|(_, who)| who == "*")) {
                let problem = look.of(attached, "policy", format!("This policy lets everybody into `{}`.", bucket.address()));
                look.found(problem.fix("Name the principals that need it."));
            }
        }
    }
}

pub static ENCRYPTED: Rule = Rule {
    id: "s3-enc",
    severity: Severity::Error,
    title: "Buckets say how they are encrypted",
    why: "S3 encrypts with its own key unless told otherwise; only a key of yours can be revoked and shows in the trail who read what.",
    fix: "Declare an `aws_s3_bucket_server_side_encryption_configuration`.",
    passes: "resource \"aws_s3_bucket\" \"weights\" {\n}\n\nresource \"aws_s3_bucket_server_side_encryption_configuration\" \"weights\" {\n  bucket = aws_s3_bucket.weights.id\n  rule {\n    apply_server_side_encryption_by_default {\n      sse_algorithm = \"aws:kms\"\n    }\n  }\n}\n",
    fails: "resource \"aws_s3_bucket\" \"weights\" {\n}\n",
    check: encrypted,
};

fn encrypted(look: &mut Look<'_>) {
    const KIND: &str = "aws_s3_bucket_server_side_encryption_configuration";
    for (module, bucket) in look.needed(&["aws_s3_bucket"]) {
        let path = ["rule", "apply_server_side_encryption_by_default"];
        let said = |b: &&Block| {
            b.at(&path)
                .iter()
                .any(|d| d.is_unknown("sse_algorithm") || d.text("sse_algorithm").is_some_and(|a| a == "AES256" || a.starts_with("aws:kms")))
        };
        let inline = bucket.at(&["server_side_encryption_configuration"]);
        if !of(module, bucket, KIND).iter().chain(&inline).any(said) {
            let lines = "rule {\n  apply_server_side_encryption_by_default {\n    sse_algorithm = \"aws:kms\"\n  }\n}";
            let problem = look.on(bucket, format!("Nothing says how `{}` is encrypted.", bucket.address()));
            look.found(problem.fix(beside(bucket, KIND, lines)));
        }
    }
}

pub static VERSIONED: Rule = Rule {
    id: "s3-version",
    severity: Severity::Warning,
    title: "Buckets keep versions",
    why: "Weights overwritten by a failed upload are gone; with versions the last good ones are one command away.",
    fix: "Declare an `aws_s3_bucket_versioning` with status `Enabled`.",
    passes: "resource \"aws_s3_bucket\" \"weights\" {\n}\n\nresource \"aws_s3_bucket_versioning\" \"weights\" {\n  bucket = aws_s3_bucket.weights.id\n  versioning_configuration {\n    status = \"Enabled\"\n  }\n}\n",
    fails: "resource \"aws_s3_bucket\" \"weights\" {\n}\n",
    check: versioned,
};

fn versioned(look: &mut Look<'_>) {
    for (module, bucket) in look.needed(&["aws_s3_bucket"]) {
        let beside_it = of(module, bucket, "aws_s3_bucket_versioning");
        let inline = bucket.at(&["versioning"]);
        let settings: Vec<&Block> = beside_it.iter().flat_map(|b| b.at(&["versioning_configuration"])).collect();
        let on =
            settings.iter().any(|c| c.text("status") == Some("Enabled") || c.is_unknown("status")) || inline.iter().any(|v| v.is_true("enabled"));
        if on {
            continue;
        }
        let problem = match settings.first() {
            Some(c) => {
                look.of(c, "status", format!("Versioning of `{}` isn't enabled.", bucket.address())).fix(look.replace(c, "status", "\"Enabled\""))
            }
            None => look.on(bucket, format!("`{}` keeps no versions.", bucket.address())).fix(beside(
                bucket,
                "aws_s3_bucket_versioning",
                "versioning_configuration {\n  status = \"Enabled\"\n}",
            )),
        };
        look.found(problem);
    }
}
