//! Reads what a check of terraform's plan or apply asks for: a state to begin with, the format, how many resources may change.
use super::check_file::Beside;
use super::tree::{Fields, Node, did_you_mean};
use crate::engine::check::{ApplyAsk, Origin, PlanAsk, TestsAsk};
use crate::engine::terraform::plan::{Action, Amounts, Breaks, Fault};

/// The keys of such a check.
pub const KEYS: [&str; 6] = ["state", "values", "seed", "refresh", "formatted", "changes"];

/// The keys of a check of the apply.
pub const APPLY: [&str; 1] = ["faithful"];

/// Reads what a check of the apply asks for.
pub fn apply(fields: &Fields<'_>) -> Option<ApplyAsk> {
    let faithful = fields.need("faithful")?.texts(fields.faults, "`faithful`")?;
    if faithful.is_empty() {
        fields.faults.say(fields.line_of("faithful"), "`faithful` names no type: nothing could fail");
    }
    Some(ApplyAsk { faithful })
}

/// The keys of a check of the hand-in's own tests.
pub const TESTS: [&str; 2] = ["runs", "fault"];

/// Reads what a check of the tests asks for: how many runs, or which fault they notice.
pub fn tests(fields: &Fields<'_>) -> Option<TestsAsk> {
    let runs = fields.maybe_number("runs").unwrap_or(1);
    let fault = match fields.maybe("fault") {
        None => None,
        Some(node) => Some(fault(&Fields::of(node, "a fault", fields.faults)?)?),
    };
    Some(TestsAsk { runs, fault })
}

/// `{ in: resource aws_eks_node_group, drop: taint }` or `{ in: variable max_size, set: default, to: "400" }`.
fn fault(fields: &Fields<'_>) -> Option<Fault> {
    let words = |text: String, by: char| text.split(by).map(str::to_owned).collect::<Vec<_>>();
    let (block, drop) = (fields.text("in"), fields.maybe_text("drop"));
    let (set, to) = (fields.maybe_text("set"), fields.maybe_text("to"));
    fields.done(|_| None);
    let (path, change) = match (drop, set, to) {
        (Some(path), None, None) => (path, Breaks::Drop),
        (None, Some(path), Some(to)) => (path, Breaks::Set(to)),
        _ => {
            fields.faults.say(fields.line, "a fault takes something out (`drop`) or gives it another value (`set` and `to`)");
            return None;
        }
    };
    Some(Fault { block: words(block?, ' '), path: words(path, '.'), change })
}

/// Reads one; what is wrong with it is said.
pub fn ask(fields: &Fields<'_>, beside: Beside<'_>) -> Option<PlanAsk> {
    let faults = fields.faults;
    let formatted = fields.flag("formatted", false);
    let text = |key: &'static str| fields.maybe(key).and_then(|_| beside.given(fields, key)).map(str::to_owned);
    let (state, values, refresh) = (text("state"), text("values"), fields.flag("refresh", false));
    let seed = fields.maybe("seed").and_then(|_| beside.folder(fields, "seed")).unwrap_or_default();
    if refresh && (state.is_none() || seed.is_empty()) {
        faults.say(fields.line_of("refresh"), "`refresh` compares a `state` with what a `seed` made: give both");
    }
    if state.as_deref().is_some_and(|s| serde_json::from_str::<serde_json::Value>(s).is_err()) {
        faults.say(fields.line_of("state"), "the state is no JSON: take the file that terraform wrote");
    }
    let changes = fields.maybe("changes").map(|node| amounts(node, fields)).unwrap_or_default();
    let seed = seed.into_iter().filter_map(|f| Some((f.path, String::from_utf8(f.bytes).ok()?))).collect();
    let from = Origin { state, values, seed, refresh };
    if formatted && (from != Origin::default() || !changes.is_empty()) {
        faults.say(fields.line_of("formatted"), "`formatted` is a check of its own: ask for changes in another one");
    }
    Some(PlanAsk { from, formatted, changes })
}

fn amounts(node: &Node, check: &Fields<'_>) -> Amounts {
    let mut amounts = Amounts::new();
    for (key, value) in node.map(check.faults, "`changes`").into_iter().flatten() {
        let Some((_, action)) = Action::ALL.iter().find(|(name, _)| *name == key.name) else {
            let names = Action::ALL.iter().map(|(name, _)| *name);
            check.faults.say(key.line, format!("there is no change {:?}{}", key.name, did_you_mean(&key.name, names)));
            continue;
        };
        let bounds = if matches!(value.value, super::tree::Value::Map(_)) {
            let Some(fields) = Fields::of(value, "a number of changes", check.faults) else { continue };
            let (min, max) = (fields.maybe_number("min"), fields.maybe_number("max"));
            fields.done(|_| None);
            (min.unwrap_or(0), max.unwrap_or(u32::MAX))
        } else {
            let Some(n) = value.number(check.faults, "a number of changes") else { continue };
            (n, n)
        };
        amounts.insert(*action, bounds);
    }
    amounts
}
