//! Rules about secrets written where everybody reads them: user data, environments of functions and containers, defaults of variables.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::secrets::{looks_secret, sounds_secret};
use crate::engine::terraform::module::Block;
use crate::engine::terraform::value::Value;

pub static WRITTEN: Rule = Rule {
    id: "tf-secret-in",
    severity: Severity::Error,
    title: "No secret is written into the configuration",
    why: "It lies in git and in the state, and user data and environments are shown to everybody who may describe the machine.",
    fix: "Keep it in Secrets Manager or the Parameter Store, and let the program read it there by its role.",
    passes: "variable \"hub_token\" {\n  type      = string\n  sensitive = true\n}\n\nresource \"aws_lambda_function\" \"scaler\" {\n  environment {\n    variables = { LOG_LEVEL = \"info\" }\n  }\n}\n",
    fails: "resource \"aws_lambda_function\" \"scaler\" {\n  environment {\n    variables = { DB_PASSWORD = \"swordfish-1979\" }\n  }\n}\n",
    check: written,
};

fn written(look: &mut Look<'_>) {
    for block in look.modules().iter().flat_map(|m| &m.blocks) {
        match (block.kind.as_str(), block.of()) {
            ("variable", _) => {
                let name = block.labels.first().map_or("", String::as_str);
                if block.text("default").is_some_and(|v| is_secret(name, v)) {
                    let problem = look.of(block, "default", format!("The default of `{}` is a secret.", block.address()));
                    look.found(problem.fix("Remove the default and set `sensitive = true`."));
                }
            }
            (_, "aws_lambda_function") => block.all("environment").for_each(|e| map(look, block, e, "variables")),
            (_, "aws_instance" | "aws_launch_template" | "aws_launch_configuration") => {
                if let Some(name) = block.text("user_data").and_then(|script| script.lines().find_map(secret_of)) {
                    let problem = look.of(block, "user_data", format!("`user_data` of `{}` holds the secret `{name}`.", block.address()));
                    look.found(problem);
                }
            }
            (_, "aws_db_instance" | "aws_rds_cluster") => {
                for name in ["password", "master_password"].iter().filter(|n| block.text(n).is_some_and(|v| !v.is_empty())) {
                    let problem = look.of(block, name, format!("`{name}` of `{}` is written into the configuration.", block.address()));
                    look.found(problem.fix("Remove it and set `manage_master_user_password = true`."));
                }
            }
            _ => {}
        }
    }
}

/// The entries of a map of variables.
fn map(look: &mut Look<'_>, resource: &Block, block: &Block, attribute: &str) {
    let Some(variables) = block.value(attribute).and_then(Value::entries) else { return };
    for name in variables.iter().filter(|(name, v)| v.as_str().is_some_and(|v| is_secret(name, v))).map(|(name, _)| name) {
        let problem = look.of(block, attribute, format!("`{name}` of `{}` is a secret in plain text.", resource.address()));
        look.found(problem);
    }
}

/// A value that is a secret by its look or its name, and no reference to where one is kept.
fn is_secret(name: &str, value: &str) -> bool {
    let elsewhere = value.is_empty() || value.starts_with("arn:") || value.starts_with('/') || value.starts_with("${");
    looks_secret(value) || (sounds_secret(name) && !elsewhere)
}

/// The name in `export NAME=value` of a script, where the value is a secret and not made by the script.
fn secret_of(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().rsplit(' ').next().filter(|n| !n.is_empty())?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.starts_with('$') && is_secret(name, value)).then_some(name)
}
