//! Rules about what a module declares: types, descriptions, names, and whether anything uses it.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Module, Reference};
use crate::engine::terraform::value::Value;
use std::collections::HashSet;

pub static TYPED: Rule = Rule {
    id: "tf-var-typed",
    severity: Severity::Warning,
    title: "Every variable has a type",
    why: "Without a type a module takes a text where it needs a list, and fails somewhere inside with a message about something else.",
    fix: "Add `type`.",
    passes: "variable \"name\" {\n  type = string\n}\n",
    fails: "variable \"name\" {\n}\n",
    check: typed,
};

fn typed(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        for block in module.of_kind("variable") {
            any = true;
            if block.attribute("type").is_none() {
                let problem = look.on(block, format!("Variable `{}` has no type.", block.labels.join(".")));
                look.found(problem.fix(look.insert(block, "type = string")));
            }
        }
    }
    if !any {
        look.nothing("There is no variable in what you handed in.");
    }
}

pub static DOCUMENTED: Rule = Rule {
    id: "tf-var-documented",
    severity: Severity::Warning,
    title: "Every variable and output has a description",
    why: "A module is read by its variables and outputs; whoever calls it sees nothing else.",
    fix: "Add a `description` that says what it is for, with its unit.",
    passes: "variable \"volume_gib\" {\n  description = \"Root volume of a node in GiB.\"\n}\n",
    fails: "variable \"volume_gib\" {\n}\n",
    check: documented,
};

fn documented(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        for block in module.blocks.iter().filter(|b| matches!(b.kind.as_str(), "variable" | "output")) {
            any = true;
            if block.value("description").is_none_or(|v| v.as_str().is_some_and(|t| t.trim().is_empty())) {
                let kind = if block.kind == "variable" { "Variable" } else { "Output" };
                let problem = look.on(block, format!("{kind} `{}` has no description.", block.labels.join(".")));
                look.found(problem.fix(look.insert(block, "description = \"…\"")));
            }
        }
    }
    if !any {
        look.nothing("There is neither a variable nor an output in what you handed in.");
    }
}

pub static UNUSED: Rule = Rule {
    id: "tf-unused",
    severity: Severity::Warning,
    title: "Everything declared is used",
    why: "A variable that nothing reads is set by somebody who believes that it does something.",
    fix: "Delete it, or use it where it was meant to be.",
    passes: "variable \"name\" {\n}\n\noutput \"name\" {\n  value = var.name\n}\n",
    fails: "variable \"name\" {\n}\n",
    check: unused,
};

fn unused(look: &mut Look<'_>) {
    for module in look.modules() {
        let used = used(module);
        for declared in &module.declared {
            let what = match declared.address.split('.').next() {
                Some("var") => "Variable",
                Some("local") => "Local",
                Some("data") => "Data source",
                _ => continue,
            };
            if !used.contains(&declared.address) {
                let problem = look.at(declared.source, &declared.span, format!("{what} `{}` is not used.", declared.address));
                look.found(problem);
            }
        }
    }
}

/// The addresses that anything but themselves mentions.
fn used(module: &Module) -> HashSet<String> {
    let prefixes = |r: &Reference| (2..=r.path.len().min(3)).map(|n| r.path[..n].join(".")).collect::<Vec<_>>();
    module.references.iter().flat_map(|r| prefixes(r).into_iter().filter(|p| *p != r.by)).collect()
}

pub static NAMING: Rule = Rule {
    id: "tf-naming",
    severity: Severity::Info,
    title: "Names are lower case with underscores",
    why: "An address is typed by hand in an emergency: `aws_instance.gpu_a` needs no quotes and no thought.",
    fix: "Rename it; a `moved` block keeps what it stands for.",
    passes: "variable \"volume_gib\" {\n}\n",
    fails: "variable \"volumeGiB\" {\n}\n",
    check: naming,
};

fn naming(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        for declared in &module.declared {
            any = true;
            let name = declared.address.rsplit('.').next().unwrap_or_default();
            if !is_snake(name) {
                let problem = look.at(declared.source, &declared.span, format!("The name `{name}` isn't lower case with underscores."));
                look.found(problem.fix(format!("Call it `{}`.", snake(name))));
            }
        }
    }
    if !any {
        look.nothing("There is nothing with a name in what you handed in.");
    }
}

pub static VALID: Rule = Rule {
    id: "tf-validation",
    severity: Severity::Error,
    title: "Values pass the variables' own validations",
    why: "`terraform validate` doesn't try a default against its `validation`: the first `plan` of whoever leaves the variable out does, and stops.",
    fix: "Correct the default, or the condition.",
    passes: "variable \"gpus\" {\n  default = 1\n\n  validation {\n    condition     = var.gpus >= 1 && var.gpus <= 8\n    error_message = \"Between 1 and 8.\"\n  }\n}\n",
    fails: "variable \"gpus\" {\n  default = 0\n\n  validation {\n    condition     = var.gpus >= 1 && var.gpus <= 8\n    error_message = \"Between 1 and 8.\"\n  }\n}\n",
    check: valid,
};

fn valid(look: &mut Look<'_>) {
    for module in look.modules() {
        for block in module.of_kind("variable") {
            for validation in block.all("validation").filter(|v| v.value("condition").and_then(Value::as_bool) == Some(false)) {
                let said = validation.text("error_message").map(|m| format!(" (\"{m}\")")).unwrap_or_default();
                // What a caller passes stands where it calls; what is told here is the variable's own.
                let own = block.value("default").is_some_and(|d| block.labels.first().and_then(|l| module.variables.get(l)) == Some(d));
                let problem = if own || !module.called {
                    look.of(block, "default", format!("The default of `{}` breaks its own validation{said}.", block.address()))
                } else {
                    look.of(validation, "condition", format!("What a caller passes as `{}` breaks this validation{said}.", block.address()))
                };
                look.found(problem);
            }
        }
    }
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn snake(name: &str) -> String {
    let mut made = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            made.push('_');
        }
        made.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    made
}
