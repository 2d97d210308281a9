//! Rules about whether the hand-in is one configuration that Terraform could load.
use super::{Look, Rule, shape, validate};
use crate::engine::report::{Problem, Severity};

pub static PARSES: Rule = Rule {
    id: "parses",
    severity: Severity::Error,
    title: "Every file can be loaded",
    why: "Terraform reads all files of a folder or none: one that it can't load stops every command.",
    fix: "Run `terraform fmt`: it names the first line that it can't read.",
    passes: "locals {\n  region = \"eu-west-1\"\n}\n",
    fails: "locals {\n  region = \"eu-west-1\n}\n",
    check: parses,
};

fn parses(look: &mut Look<'_>) {
    let terraform = look.terraform;
    for problem in &terraform.unread {
        look.found(problem.clone());
    }
    if terraform.root.is_empty() && terraform.unread.is_empty() {
        look.found(Problem::new("There is no .tf file in what you handed in."));
    }
    shape::check(look);
    validate::check(look);
    for module in look.modules() {
        for declared in &module.declared {
            if let Some(first) = module.is_declared(&declared.address).filter(|first| !std::ptr::eq(*first, declared)) {
                let place = look.at(first.source, &first.span, "").place;
                let there = place.map(|p| format!(" in {}:{}", p.file, p.line)).unwrap_or_default();
                let problem =
                    look.at(declared.source, &declared.span, format!("`{}` is declared a second time; the first is{there}.", declared.address));
                look.found(problem.fix("Rename one of them or delete it."));
            }
        }
        for (name, source, span) in &module.cycles {
            let problem = look.at(*source, span, format!("`local.{name}` depends on itself, so it has no value."));
            look.found(problem.fix("Break the circle: one of these locals must be made of something else."));
        }
    }
}
