//! The rule that everything referred to is declared, and every function exists.
use super::{Look, Rule};
use crate::engine::report::{Problem, Severity};
use crate::engine::terraform::functions;
use crate::engine::terraform::module::{Module, Reference};

pub static UNDECLARED: Rule = Rule {
    id: "tf-undeclared",
    severity: Severity::Error,
    title: "Everything referred to is declared",
    why: "A reference to nothing stops `plan` for the whole configuration, at the moment in which somebody needed it.",
    fix: "Declare it, or correct the name.",
    passes: "variable \"region\" {\n}\n\nlocals {\n  zone = \"${var.region}a\"\n}\n",
    fails: "variable \"region\" {\n}\n\nlocals {\n  zone = \"${var.regoin}a\"\n}\n",
    check: undeclared,
};

fn undeclared(look: &mut Look<'_>) {
    for module in look.modules() {
        for reference in &module.references {
            if look.is_full() {
                return;
            }
            if let Some(problem) = judge(look, module, reference) {
                look.found(problem);
            }
        }
        for (source, call) in &module.calls {
            if !functions::NAMES.contains(&call.name.as_str()) {
                let near = nearest(&call.name, functions::NAMES.iter().copied());
                let problem = look.at(*source, &call.span, format!("Terraform has no function `{}`{}.", call.name, meant(near)));
                look.found(problem.fix("Use one of Terraform's functions; a configuration can't define its own."));
            }
        }
        arguments(look, module);
    }
}

fn judge(look: &Look<'_>, module: &Module, r: &Reference) -> Option<Problem> {
    let at = |message: String| Some(look.at(r.source, &r.span, message));
    let name = r.path.get(1).map_or("", String::as_str);
    let owner = || module.is_declared(&r.by);
    match r.path[0].as_str() {
        "path" | "terraform" | "self" => None,
        // A block of its own kind may bind them; where we know the owner we know whether it does.
        "each" => owner().filter(|o| !o.for_each).and_then(|_| at(format!("`each.{name}` stands in `{}`, which has no `for_each`.", r.by))),
        "count" => owner().filter(|o| !o.counted).and_then(|_| at(format!("`count.{name}` stands in `{}`, which has no `count`.", r.by))),
        "var" => missing(module, &format!("var.{name}"), "variable").and_then(at),
        "local" => missing(module, &format!("local.{name}"), "local").and_then(at),
        "module" => missing(module, &format!("module.{name}"), "module").and_then(at).or_else(|| output(look, module, r)),
        kind @ ("data" | "ephemeral") => {
            let third = r.path.get(2).map_or("", String::as_str);
            missing(module, &format!("{kind}.{name}.{third}"), "data source").and_then(at)
        }
        root if r.path.len() == 1 => {
            // `aws_instance["x"]` and bare words are no references to anything.
            at(format!("`{root}` is neither a text nor a reference: quote it, or write `var.{root}` or `local.{root}`."))
        }
        root => missing(module, &format!("{root}.{name}"), "resource").and_then(at),
    }
}

/// What to say if there is no such address; `None` if there is.
fn missing(module: &Module, address: &str, what: &str) -> Option<String> {
    if module.is_declared(address).is_some() {
        return None;
    }
    let kind = address.split('.').next().unwrap_or_default();
    let same = |d: &&str| (d.split('.').next() == Some(kind)) || what == "resource";
    let near = nearest(address, module.declared.iter().map(|d| d.address.as_str()).filter(same));
    Some(format!("There is no {what} `{address}` in this module{}.", meant(near)))
}

fn meant(near: Option<&str>) -> String {
    near.map(|n| format!("; did you mean `{n}`")).unwrap_or_default()
}

fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = |n: &&str| strsim::damerau_levenshtein(n, wrong);
    if wrong.len() > 100 {
        return None;
    }
    names.filter(|n| n.len() <= 100).take(500).min_by_key(far).filter(|n| far(n) <= 1 + wrong.len() / 6)
}

/// A reference to an output that the called module of the hand-in doesn't have.
fn output(look: &Look<'_>, module: &Module, r: &Reference) -> Option<Problem> {
    let (name, output) = (r.path.get(1)?, r.path.get(2)?);
    let call = module.of_kind("module").find(|b| b.labels.first() == Some(name))?;
    let dir = super::super::local(&module.dir, call.text("source")?)?;
    let target = look.modules().iter().find(|m| m.dir == dir)?;
    missing(target, &format!("output.{output}"), "output").map(|_| look.at(r.source, &r.span, format!("Module `{name}` has no output `{output}`.")))
}

/// What calls of the hand-in's own modules pass, against what those take.
fn arguments(look: &mut Look<'_>, module: &Module) {
    const META: [&str; 6] = ["source", "version", "count", "for_each", "providers", "depends_on"];
    for call in module.of_kind("module") {
        let Some(dir) = call.text("source").and_then(|s| super::super::local(&module.dir, s)) else { continue };
        let name = call.labels.first().map_or("", String::as_str);
        let Some(target) = look.modules().iter().find(|m| m.dir == dir) else {
            let problem = look.of(call, "source", format!("Module `{name}` is to be read from `{dir}`, where the hand-in has no .tf file."));
            look.found(problem);
            continue;
        };
        for a in call.attributes.iter().filter(|a| !META.contains(&a.name.as_str())) {
            if target.is_declared(&format!("var.{}", a.name)).is_none() {
                let problem = look.at(call.source, &a.key, format!("Module `{name}` has no variable `{}`.", a.name));
                look.found(problem);
            }
        }
        for variable in target.of_kind("variable") {
            let wanted = variable.labels.first().map_or("", String::as_str);
            if variable.attribute("default").is_none() && call.attribute(wanted).is_none() {
                let problem = look.on(call, format!("Module `{name}` needs `{wanted}`, which has no default and isn't passed."));
                look.found(problem.fix(look.insert(call, &format!("{wanted} = …"))));
            }
        }
    }
}
