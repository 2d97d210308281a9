//! Rules about versions, providers, modules' sources, state and keys.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub static VERSION: Rule = Rule {
    id: "tf-required-version",
    severity: Severity::Error,
    title: "The configuration says which Terraform it needs",
    why: "An older Terraform stops at a syntax error that says nothing; a newer one upgrades the state, and colleagues can't go back.",
    fix: "Write `required_version = \">= 1.9\"` into a block `terraform`.",
    passes: "terraform {\n  required_version = \">= 1.9\"\n}\n",
    fails: "terraform {\n}\n",
    check: version,
};

fn version(look: &mut Look<'_>) {
    for module in look.roots() {
        let blocks: Vec<&Block> = module.of_kind("terraform").collect();
        match blocks.iter().find(|b| b.attribute("required_version").is_some()) {
            None => {
                let message = "No `required_version` says which Terraform this is written for.";
                let problem = match blocks.first() {
                    Some(block) => look.on(block, message).fix(look.insert(block, "required_version = \">= 1.9\"")),
                    None => first_line(look, module, message).fix("+terraform {\n+  required_version = \">= 1.9\"\n+}"),
                };
                look.found(problem);
            }
            Some(block) if !block.text("required_version").is_some_and(is_constraint) => {
                let problem = look.of(block, "required_version", "This is no version constraint.");
                look.found(problem.fix(look.replace(block, "required_version", "\">= 1.9\"")));
            }
            Some(_) => {}
        }
    }
}

fn first_line(look: &Look<'_>, module: &Module, message: &str) -> crate::engine::report::Problem {
    let n = look.terraform.sources.iter().position(|s| s.path.ends_with(".tf") && super::super::folder_of(&s.path) == module.dir);
    look.at(n.unwrap_or_default(), &(0..0), message)
}

fn is_constraint(text: &str) -> bool {
    static CONSTRAINT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(=|!=|>|>=|<|<=|~>)?\s*v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?$").ok());
    !text.trim().is_empty() && text.split(',').all(|part| CONSTRAINT.as_ref().is_some_and(|c| c.is_match(part.trim())))
}

pub static PROVIDERS: Rule = Rule {
    id: "tf-required-providers",
    severity: Severity::Error,
    title: "Every provider has a source and a version",
    why: "Without a version `init` takes whatever is newest on the day somebody runs it; two people get two plans.",
    fix: "Name it under `required_providers` with `source` and `version`.",
    passes: "terraform {\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"~> 5.100\"\n    }\n  }\n}\n\nresource \"aws_vpc\" \"main\" {\n}\n",
    fails: "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}\n",
    check: providers,
};

fn providers(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        let required: Vec<&Block> = module.of_kind("terraform").flat_map(|b| b.blocks.iter().filter(|b| b.kind == "required_providers")).collect();
        for block in &required {
            for a in &block.attributes {
                any = true;
                let lacks = |name: &str| match &a.value {
                    Value::Map(entries) => entries.get(name).is_none_or(|v| v.as_str().is_none_or(str::is_empty)),
                    _ => true,
                };
                let bad =
                    a.value.entries().and_then(|e| e.get("version")).and_then(Value::as_str).is_some_and(|v| !is_constraint(v) || v.trim() == ">= 0");
                let what = match (lacks("source"), lacks("version")) {
                    (true, true) => "neither a source nor a version",
                    (true, false) => "no source",
                    (false, true) => "no version",
                    (false, false) if bad => "a version that bounds nothing",
                    (false, false) => continue,
                };
                let source = if a.name == "aws" { "hashicorp/aws" } else { "namespace/name" };
                let problem = look.at(block.source, &a.key, format!("Provider `{}` has {what}.", a.name));
                look.found(problem.fix(format!("+    {} = {{\n+      source  = \"{source}\"\n+      version = \"~> 5.100\"\n+    }}", a.name)));
            }
        }
        let mut used: BTreeMap<&str, &Block> = BTreeMap::new();
        for block in module.blocks.iter().filter(|b| matches!(b.kind.as_str(), "resource" | "data" | "provider")) {
            let Some(name) = block.labels.first().and_then(|of| of.split('_').next()) else { continue };
            used.entry(name).or_insert(block);
        }
        for (name, block) in used.into_iter().filter(|(name, _)| *name != "terraform") {
            any = true;
            // `google-beta` serves `google_*` too: whoever sets `provider` says so.
            if block.attribute("provider").is_none() && !required.iter().any(|r| r.attribute(name).is_some()) {
                let problem = look.on(block, format!("`{}` needs provider `{name}`, which `required_providers` doesn't name.", block.address()));
                look.found(problem);
            }
        }
    }
    if !any {
        look.nothing("There is neither a provider nor a resource in what you handed in.");
    }
}

pub static PIN: Rule = Rule {
    id: "tf-module-pin",
    severity: Severity::Warning,
    title: "Modules from elsewhere are pinned",
    why: "A module from a branch is whatever its owner pushed last: tomorrow's `init` plans something nobody has reviewed.",
    fix: "Pin a registry module with `version`, one from Git with `?ref=` and a tag or a commit.",
    passes: "module \"vpc\" {\n  source  = \"terraform-aws-modules/vpc/aws\"\n  version = \"5.16.0\"\n}\n",
    fails: "module \"vpc\" {\n  source = \"git::https://example.com/vpc.git\"\n}\n",
    check: pinned,
};

fn pinned(look: &mut Look<'_>) {
    for module in look.modules() {
        for block in module.of_kind("module") {
            let Some(source) = block.text("source") else { continue };
            if source.starts_with("./") || source.starts_with("../") {
                continue;
            }
            let reference = source.split_once("ref=").map(|(_, r)| r.split('&').next().unwrap_or_default());
            let git = source.starts_with("git") || source.contains("::") || source.contains(".git") || source.contains("://");
            let pinned = if git {
                reference.is_some_and(|r| !matches!(r, "" | "main" | "master" | "HEAD" | "develop"))
            } else {
                block.attribute("version").is_some()
            };
            if !pinned {
                let name = block.labels.first().map_or("", String::as_str);
                let problem = look.of(block, "source", format!("Module `{name}` takes whatever `{source}` is on the day of `init`."));
                let fix =
                    if git { "Add `?ref=` with a tag or a commit to the source.".to_owned() } else { look.insert(block, "version = \"~> 1.0\"") };
                look.found(problem.fix(fix));
            }
        }
    }
}

pub static BACKEND: Rule = Rule {
    id: "tf-backend",
    severity: Severity::Error,
    title: "State is shared, encrypted and locked",
    why: "State on a laptop is lost with it; without a lock two applies at once leave it describing neither's result. It holds secrets in plain text.",
    fix: "Use backend `s3` with `encrypt = true` and `use_lockfile = true`.",
    passes: "terraform {\n  backend \"s3\" {\n    bucket       = \"state\"\n    key          = \"network.tfstate\"\n    region       = \"eu-west-1\"\n    encrypt      = true\n    use_lockfile = true\n  }\n}\n",
    fails: "terraform {\n  backend \"s3\" {\n    bucket = \"state\"\n    key    = \"network.tfstate\"\n  }\n}\n",
    check: backend,
};

fn backend(look: &mut Look<'_>) {
    for module in look.roots() {
        let blocks: Vec<&Block> = module.of_kind("terraform").collect();
        let Some(backend) = blocks.iter().flat_map(|b| b.blocks.iter()).find(|b| b.kind == "backend") else {
            if blocks.iter().any(|b| b.all("cloud").next().is_some()) {
                continue;
            }
            let message = "No backend: the state would lie in a file beside the configuration.";
            let problem = blocks.first().map_or_else(|| first_line(look, module, message), |b| look.on(b, message));
            let lines = "backend \"s3\" {\n  bucket       = \"…\"\n  key          = \"….tfstate\"\n  region       = \"eu-west-1\"\n  encrypt      = true\n  use_lockfile = true\n}";
            let fix = blocks.first().map_or_else(|| lines.to_owned(), |b| look.insert(b, lines));
            look.found(problem.fix(fix));
            continue;
        };
        match backend.labels.first().map_or("", String::as_str) {
            "s3" => {
                if !backend.is_true("encrypt") {
                    let problem = look.of(backend, "encrypt", "The state in S3 isn't asked to be encrypted.");
                    look.found(problem.fix(look.replace(backend, "encrypt", "true")));
                }
                if !backend.is_true("use_lockfile") && backend.value("dynamodb_table").is_none() {
                    let problem = look.of(backend, "use_lockfile", "Nothing locks the state: two applies can run at once.");
                    look.found(problem.fix(look.replace(backend, "use_lockfile", "true")));
                }
            }
            name @ ("local" | "http" | "inmem") => {
                let problem = look.on(backend, format!("Backend `{name}` neither shares nor locks the state."));
                look.found(problem);
            }
            _ => {}
        }
    }
}

pub static KEY: Rule = Rule {
    id: "tf-hardcoded-key",
    severity: Severity::Error,
    title: "No access keys in the configuration",
    why: "Bots read public repositories for keys within minutes, and a key that was deleted stays in the history.",
    fix: "Delete the key here and deactivate it in IAM; use a role, or the environment of whoever plans.",
    passes: "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n",
    fails: "provider \"aws\" {\n  access_key = \"AKIAIOSFODNN7EXAMPLE\"\n}\n",
    check: keys,
};

fn keys(look: &mut Look<'_>) {
    static KEY_ID: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b").ok());
    for (n, source) in look.terraform.sources.iter().enumerate() {
        for found in KEY_ID.iter().flat_map(|k| k.find_iter(&source.text)).take(20) {
            let problem = look.at(n, &found.range(), "An AWS access key stands here in plain text.");
            look.found(problem);
        }
    }
    for module in look.modules() {
        for block in module.blocks.iter().filter(|b| matches!(b.kind.as_str(), "provider" | "terraform")) {
            let holders: Vec<&Block> = if block.kind == "provider" { vec![block] } else { block.all("backend").collect() };
            for holder in holders {
                for name in ["access_key", "secret_key", "token"] {
                    // One that is seen to be a key was found in the text.
                    let seen = |v: &str| KEY_ID.as_ref().is_some_and(|k| k.is_match(v));
                    if holder.text(name).is_some_and(|v| !v.is_empty() && !seen(v)) {
                        let problem = look.of(
                            holder,
                            name,
                            format!("`{name}` of {} `{}` is written into the configuration.", holder.kind, holder.labels.join(".")),
                        );
                        look.found(problem);
                    }
                }
            }
        }
    }
}

pub static TAGS: Rule = Rule {
    id: "tf-default-tags",
    severity: Severity::Warning,
    title: "The provider tags everything it makes",
    why: "An invoice is read by tag. What has none belongs to nobody, so nobody switches it off.",
    fix: "Give provider `aws` a block `default_tags` with `tags`.",
    passes: "provider \"aws\" {\n  default_tags {\n    tags = { Project = \"inference\" }\n  }\n}\n",
    fails: "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n",
    check: tags,
};

fn tags(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        for block in module.of_kind("provider").filter(|b| b.labels.first().is_some_and(|l| l == "aws")) {
            any = true;
            let tagged = block.at(&["default_tags"]).iter().any(|d| match d.value("tags") {
                Some(Value::Map(tags)) => !tags.is_empty(),
                Some(v) => v.is_unknown(),
                None => false,
            });
            if !tagged {
                let lines = "default_tags {\n  tags = {\n    Project     = \"…\"\n    Environment = \"dev\"\n    Owner       = \"…\"\n    CostCenter  = \"…\"\n  }\n}";
                let problem = look.on(block, "Provider `aws` has no default tags.");
                look.found(problem.fix(look.insert(block, lines)));
            }
        }
    }
    if !any {
        look.nothing("There is no block `provider \"aws\"` that could tag anything.");
    }
}
