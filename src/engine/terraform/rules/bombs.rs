//! The rule against configurations that multiply: counts, loops and modules beyond reason.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::build::REASONABLE;
use crate::engine::terraform::evaluate::Scope;
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::local;
use crate::engine::terraform::module::Module;
use hcl_edit::Span as _;
use hcl_edit::structure::Body;
use std::cell::RefCell;
use std::collections::BTreeSet;

pub static BOMB: Rule = Rule {
    id: "tf-count-bomb",
    severity: Severity::Error,
    title: "Nothing multiplies beyond reason",
    why: "One digit too many in a `count` orders a data centre: the account's quota stops some of it, the invoice has the rest.",
    fix: "Ask for as many as are needed, and bound the variable by a `validation`.",
    passes: r#"resource "aws_instance" "gpu" {
  count = 4
}
"#,
    fails: r#"resource "aws_instance" "gpu" {
  count = 40000
}
"#,
    check: bomb,
};

fn bomb(look: &mut Look<'_>) {
    let fuel = Fuel::default();
    for module in look.modules() {
        for (source, span) in &module.bombs {
            let problem = look.at(*source, span, format!("More than {REASONABLE} instances are asked for here."));
            look.found(problem);
        }
        for (n, source) in look.terraform.sources.iter().enumerate().filter(|(_, s)| super::super::folder_of(&s.path) == module.dir) {
            let scope =
                Scope { variables: &module.variables, locals: &module.locals, each: None, count: None, bound: RefCell::default(), fuel: &fuel };
            let mut spans = Vec::new();
            loops(&scope, &source.body, &mut spans);
            for span in spans {
                let problem = look.at(n, &span, format!("More than {REASONABLE} blocks are made here."));
                look.found(problem);
            }
        }
        for call in module.of_kind("module") {
            let Some(target) = call.text("source").and_then(|s| local(&module.dir, s)) else { continue };
            if reaches(look.modules(), &target, &module.dir) {
                let problem = look.of(call, "source", format!("`{}` leads back to the module that calls it.", call.address()));
                look.found(problem.fix("A module can't hold itself: move what both need into a third."));
            }
        }
    }
    if look.terraform.spent {
        let source = look.terraform.root.first().copied().unwrap_or_default();
        let problem = look.at(source, &(0..0), "Evaluating the locals and expressions takes more steps or memory than a configuration may.");
        look.found(problem.fix("Look for a `for` over a huge range or texts that grow by themselves."));
    }
}

/// The loops of `dynamic` blocks that make too many.
fn loops(scope: &Scope<'_>, body: &Body, found: &mut Vec<std::ops::Range<usize>>) {
    for block in body.blocks() {
        if block.ident.as_str() == "dynamic"
            && let Some(over) = block.body.get_attribute("for_each")
            && scope.value(&over.value).pairs().is_some_and(|all| all.len() as f64 > REASONABLE)
        {
            found.push(over.value.span().unwrap_or_default());
        }
        loops(scope, &block.body, found);
    }
}

/// Whether a module's calls lead to a folder.
fn reaches(modules: &[Module], from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(dir) = next.pop() {
        if dir == to {
            return true;
        }
        if !seen.insert(dir.clone()) {
            continue;
        }
        for module in modules.iter().filter(|m| m.dir == dir) {
            next.extend(module.of_kind("module").filter_map(|c| local(&dir, c.text("source")?)));
        }
    }
    false
}
