//! Rules about functions and the secrets they read.
use super::settings::{Setting, Wanted, one};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};

pub static FUNCTION: Rule = Rule {
    id: "lambda",
    severity: Severity::Warning,
    title: "Functions have a limit, a trace, and a place for what fails",
    why: "A function that calls itself by accident takes all of the account's concurrency and thousands of dollars in a night. An event that failed three times is gone unless somewhere keeps it.",
    fix: "Set `reserved_concurrent_executions`, `tracing_config`, and a `dead_letter_config` where events call it.",
    passes: r#"resource "aws_lambda_function" "scaler" {
  reserved_concurrent_executions = 5

  tracing_config {
    mode = "Active"
  }
}
"#,
    fails: r#"resource "aws_lambda_function" "scaler" {
  runtime = "python3.13"
}
"#,
    check: function,
};

fn function(look: &mut Look<'_>) {
    const NAME: &str = "reserved_concurrent_executions";
    let tracing = Setting {
        within: Some("tracing_config"),
        ..Setting::new("aws_lambda_function", "mode", Wanted::OneOf(&["Active"]), "leaves no trace of what it called and how long that took")
    };
    for (module, block) in look.needed(&["aws_lambda_function"]) {
        // -1 is the default and means no limit.
        if !block.is_unknown(NAME) && block.number(NAME).is_none_or(|n| n < 0.0) {
            let problem = look.of(block, NAME, format!("`{}` may run as often at once as the account allows.", block.address()));
            look.found(problem.fix(look.replace(block, NAME, "10")));
        }
        one(look, block, &tracing);
        let keeps = block.all("dead_letter_config").next().is_some()
            || module
                .resources("aws_lambda_function_event_invoke_config")
                .any(|c| is_its(c, block) && !c.at(&["destination_config", "on_failure"]).is_empty());
        if is_called_by_events(module, block) && !keeps {
            let problem = look.on(block, format!("Events call `{}`, and those that fail are lost.", block.address()));
            look.found(problem.fix(look.insert(block, "dead_letter_config {\n  target_arn = aws_sqs_queue.failed.arn\n}")));
        }
    }
}

fn is_its(block: &Block, function: &Block) -> bool {
    block.points_at("function_name", function, "function_name")
}

/// Whether a service calls a function without waiting for its answer.
fn is_called_by_events(module: &Module, function: &Block) -> bool {
    const SERVICES: [&str; 3] = ["events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com"];
    module.resources("aws_lambda_permission").any(|p| is_its(p, function) && p.text("principal").is_some_and(|s| SERVICES.contains(&s)))
}

pub static SECRET: Rule = Rule {
    id: "secrets-mgr",
    severity: Severity::Info,
    title: "Secrets are encrypted by a key of yours, passwords change by themselves",
    why: "With a key of yours, reading a secret takes two permissions and shows in the trail twice. A database's password that changes each month is worth a month.",
    fix: "Set `kms_key_id`; for a database's password declare an `aws_secretsmanager_secret_rotation`, or let RDS manage it.",
    passes: r#"resource "aws_secretsmanager_secret" "hub_token" {
  kms_key_id = aws_kms_key.secrets.arn
}

resource "aws_kms_key" "secrets" {
}
"#,
    fails: r#"resource "aws_secretsmanager_secret" "hub_token" {
  name = "hub-token"
}
"#,
    check: secret,
};

fn secret(look: &mut Look<'_>) {
    let key = Setting::new("aws_secretsmanager_secret", "kms_key_id", Wanted::Said("aws_kms_key.secrets.arn"), "is encrypted by no key of yours");
    for (module, block) in look.needed(&["aws_secretsmanager_secret"]) {
        one(look, block, &key);
        let may_be_any = |r: &Block| {
            r.is_unknown("secret_id")
                && r.attribute("secret_id").is_some_and(|a| a.refs.iter().all(|p| p.first().is_none_or(|k| k != "aws_secretsmanager_secret")))
        };
        let rotated = module.resources("aws_secretsmanager_secret_rotation").any(|r| r.points_at("secret_id", block, "id") || may_be_any(r));
        // A token of somebody else's service can't be changed from here.
        if is_password(block) && !rotated {
            let problem = look.on(block, format!("Nothing ever changes the password in `{}`.", block.address()));
            look.found(problem);
        }
    }
}

/// Whether a secret is a database's password, by what it is called.
fn is_password(secret: &Block) -> bool {
    let names = secret.labels.get(1).map(String::as_str).into_iter().chain(["name", "name_prefix"].iter().filter_map(|n| secret.text(n)));
    names.map(str::to_lowercase).any(|n| {
        let words: Vec<&str> = n.split(['-', '_', '/', '.']).collect();
        n.contains("password") || words.iter().any(|w| matches!(*w, "db" | "rds" | "aurora" | "postgres" | "mysql" | "database"))
    })
}
