//! What `terraform validate` asks beyond the syntax: defaults of their type, calls with enough arguments, no circle of references.
use super::Look;
use crate::engine::terraform::evaluate::Scope;
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::functions::arity;
use crate::engine::terraform::intake;
use crate::engine::terraform::module::{Declared, Module};
use crate::engine::terraform::refs::Refs;
use crate::engine::terraform::types::Type;
use crate::engine::terraform::value::Value;
use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Looks at every module.
pub fn check(look: &mut Look<'_>) {
    let fuel = Fuel::default();
    let sources = &look.terraform.sources;
    for (n, source) in sources.iter().enumerate().filter(|(_, s)| intake::is_configuration(&s.path)) {
        for block in source.body.blocks().filter(|b| b.ident.as_str() == "variable") {
            variable(look, n, block, &fuel);
        }
    }
    for module in look.modules() {
        calls(look, module);
        circles(look, module);
    }
}

/// A variable's type is one, and its default is of it.
fn variable(look: &mut Look<'_>, n: usize, block: &Block, fuel: &Fuel) {
    let none = BTreeMap::new();
    let scope = Scope { variables: &none, locals: &none, each: None, count: None, bound: RefCell::default(), fuel };
    let attribute = |name| block.body.get_attribute(name).map(|a| &a.value);
    let name = block.labels.first().map_or("", |l| l.as_str());
    let span = |e: &Expression| e.span().unwrap_or_default();
    let of = attribute("type").map(|e| (e, Type::read(e, &scope)));
    if let Some((e, None)) = &of {
        let written = look.terraform.sources.get(n).map_or("", |s| s.slice(&span(e)));
        let (message, fix) = match e {
            Expression::String(text) => (format!("The type of `var.{name}` stands in quotes."), format!("Write `type = {}`.", text.as_str())),
            _ => {
                let shown: String = written.chars().take(60).collect();
                (
                    format!("`{shown}` is no type."),
                    "Types are string, number, bool, any, list(…), set(…), map(…), object({ … }) and tuple([ … ]).".to_owned(),
                )
            }
        };
        let problem = look.at(n, &span(e), message);
        look.found(problem.fix(fix));
    }
    let Some(default) = attribute("default") else { return };
    let refs = Refs::of(default);
    if !refs.calls.is_empty() || !refs.paths.is_empty() {
        let problem = look.at(n, &span(default), format!("The default of `var.{name}` is made of something else."));
        look.found(problem.fix("A default is written out; make what needs functions or references a local."));
        return;
    }
    let value = scope.value(default);
    let no_null = attribute("nullable").is_some_and(|e| scope.value(e).as_bool() == Some(false));
    if no_null && value == Value::Null {
        let problem = look.at(n, &span(default), format!("The default of `var.{name}` is null, which `nullable = false` forbids."));
        look.found(problem.fix("Leave the default out: then whoever calls must give a value."));
    } else if let Some((_, Some(of))) = of
        && !of.takes(value, fuel)
    {
        let problem = look.at(n, &span(default), format!("The default of `var.{name}` isn't {}, as its type wants.", of.named()));
        look.found(problem.fix("Correct the default, or the type."));
    }
}

/// Functions get as many arguments as they take.
fn calls(look: &mut Look<'_>, module: &Module) {
    for (source, call) in &module.calls {
        let Some((least, most)) = arity::of(&call.name) else { continue };
        let wanted = match most {
            Some(most) if least == most => format!("{least}"),
            Some(most) => format!("{least} to {most}"),
            None => format!("at least {least}"),
        };
        // What is expanded may be any number, none too.
        let few = call.arguments < least && !call.expanded;
        let many = most.is_some_and(|most| call.arguments - usize::from(call.expanded) > most);
        if few || many {
            let one = if wanted == "1" { "" } else { "s" };
            let problem = look.at(*source, &call.span, format!("`{}` takes {wanted} argument{one}, not {}.", call.name, call.arguments));
            look.found(problem.fix("Compare with the function's page: most are called with what they work on first."));
        }
    }
}

/// Circles beyond these tell nothing new.
const MOST: usize = 20;

/// Nothing needs itself, directly or through others.
fn circles(look: &mut Look<'_>, module: &Module) {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let is_node = |a: &str| !["var.", "output.", "module."].iter().any(|p| a.starts_with(p));
    for r in &module.references {
        let Some(by) = module.is_declared(&r.by).filter(|d| is_node(&d.address)) else { continue };
        let n = if matches!(r.path[0].as_str(), "data" | "ephemeral") { 3 } else { 2 };
        let target = r.path.get(..n).and_then(|p| module.is_declared(&p.join("."))).filter(|d| is_node(&d.address));
        if let Some(target) = target {
            needs.entry(&by.address).or_default().insert(&target.address);
        }
    }
    // What needs nothing that is left is in no circle.
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    needs.iter().for_each(|(by, all)| all.iter().for_each(|t| users.entry(t).or_default().push(by)));
    let mut done: Vec<&str> = users.keys().filter(|t| !needs.contains_key(*t)).copied().collect();
    while let Some(target) = done.pop() {
        for by in users.get(target).into_iter().flatten() {
            let Some(left) = needs.get_mut(by) else { continue };
            left.remove(target);
            if left.is_empty() {
                needs.remove(by);
                done.push(by);
            }
        }
    }
    for _ in 0..MOST {
        let Some(circle) = circle(&needs) else { return };
        if let Some(first) = circle.first().and_then(|a| module.is_declared(a)).filter(|_| circle.iter().any(|a| !a.starts_with("local."))) {
            tell(look, first, &circle);
        }
        for address in circle {
            needs.remove(address);
        }
    }
}

/// The addresses of one circle; whoever follows needs comes into it at last.
fn circle<'n>(needs: &BTreeMap<&'n str, BTreeSet<&'n str>>) -> Option<Vec<&'n str>> {
    for start in needs.keys() {
        let (mut path, mut at, mut seen) = (Vec::new(), *start, BTreeMap::new());
        loop {
            if let Some(from) = seen.get(at) {
                return Some(path.split_off(*from));
            }
            seen.insert(at, path.len());
            path.push(at);
            let Some(next) = needs.get(at).and_then(|all| all.iter().find(|t| needs.contains_key(*t))) else { break };
            at = next;
        }
    }
    None
}

fn tell(look: &mut Look<'_>, first: &Declared, circle: &[&str]) {
    let message = if let [only] = circle {
        format!("`{only}` refers to itself.")
    } else {
        let mut names: Vec<String> = circle.iter().take(5).map(|a| format!("`{a}`")).collect();
        names.extend((circle.len() > 5).then(|| "…".to_owned()));
        format!("{} refer to each other in a circle: none can be made first.", names.join(", "))
    };
    let problem = look.at(first.source, &first.span, message);
    look.found(problem.fix("Take what both need out of them: rules of security groups, attachments and policies are resources of their own."));
}
