//! Reads a week's `quiz.yaml`: a lab whose checks are its questions and whose hand-in is its answers.
use super::names;
use super::tree::{Faults, Fields, Node, did_you_mean};
use crate::engine::Check;
use crate::engine::check::{Answer, Choose, FixPolicy, Kind, Question, Variant};
use std::collections::BTreeMap;

/// The file that a quiz's answers are handed in as: a mapping from question to answer.
pub const ANSWERS: &str = "answers.yaml";

/// Reads one question as the check it is.
pub fn question(node: &Node, faults: &Faults<'_>) -> Option<super::check_file::Read> {
    let fields = Fields::of(node, "a question", faults)?;
    let id = fields.text("id").filter(|id| names::is_good(id, "a question's id", fields.line_of("id"), faults));
    let points = fields.number("points");
    if points == Some(0) {
        faults.say(fields.line_of("points"), "a question is worth at least one point");
    }
    let choose = match fields.text("choose").as_deref() {
        Some("one") => Some(Choose::One),
        Some("many") => Some(Choose::Many),
        Some("number") => Some(Choose::Number),
        Some("text") => Some(Choose::Text),
        Some(other) => {
            let near = did_you_mean(other, ["one", "many", "number", "text"].into_iter());
            faults.say(fields.line_of("choose"), format!("`choose` is one, many, number or text, not {other:?}{near}"));
            None
        }
        None => None,
    };
    let listed = fields.list("variants");
    let variants: Vec<Variant> = choose.map(|choose| listed.iter().filter_map(|node| variant(node, choose, faults)).collect()).unwrap_or_default();
    if listed.is_empty() {
        faults.say(fields.line_of("variants"), "a question has at least one variant");
    }
    fields.done(|_| None);
    let kind = Kind::Quiz(Question { choose: choose?, variants });
    let check = Check {
        id: id?,
        points: points?,
        gate: false,
        fix: FixPolicy::Now,
        hints: Vec::new(),
        hidden: false,
        why: None,
        fix_text: None,
        only: None,
        kind,
    };
    Some(super::check_file::Read { line: fields.line, check })
}

fn variant(node: &Node, choose: Choose, faults: &Faults<'_>) -> Option<Variant> {
    let fields = Fields::of(node, "a variant", faults)?;
    let (ask, why) = (fields.text("ask"), fields.text("why"));
    let options = options(&fields, choose);
    let answer = fields.need("answer").and_then(|node| answer(node, choose, &options, faults));
    fields.done(|_| None);
    Some(Variant { ask: ask?, options, answer: answer?, why: why? })
}

fn options(fields: &Fields<'_>, choose: Choose) -> BTreeMap<String, String> {
    let faults = fields.faults;
    let chosen = matches!(choose, Choose::One | Choose::Many);
    let Some(node) = fields.maybe("options") else {
        if chosen {
            faults.say(fields.line, "`options` is missing: there is nothing to choose from");
        }
        return BTreeMap::new();
    };
    if !chosen {
        faults.say(fields.line_of("options"), "`options` belongs to `choose: one` and `choose: many`");
        return BTreeMap::new();
    }
    let entries = node.map(faults, "`options`").unwrap_or_default();
    if entries.len() < 2 {
        faults.say(fields.line_of("options"), "there are fewer than two options to choose from");
    }
    for (key, _) in entries.iter().filter(|(key, _)| key.name.is_empty() || !key.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')) {
        faults.say(key.line, format!("an option's name is made of letters, digits and -, not {:?}", key.name));
    }
    entries.iter().filter_map(|(key, node)| Some((key.name.clone(), node.text(faults, &format!("option `{}`", key.name))?))).collect()
}

fn answer(node: &Node, choose: Choose, options: &BTreeMap<String, String>, faults: &Faults<'_>) -> Option<Answer> {
    let known = |name: String, line: u32| {
        if options.contains_key(&name) {
            return Some(name);
        }
        let all: Vec<&str> = options.keys().map(String::as_str).collect();
        faults.say(line, format!("`answer` names option {name:?}; there are {}", all.join(", ")));
        None
    };
    match choose {
        Choose::One => known(node.text(faults, "`answer`")?, node.line).map(Answer::One),
        Choose::Many => {
            let names = node.texts(faults, "`answer`")?;
            if names.is_empty() {
                faults.say(node.line, "`answer` is an empty list; let at least one option be right");
            }
            super::check_file::twice(names.iter().map(String::as_str), "option in `answer`", node.line, faults);
            let all: Option<Vec<String>> = names.into_iter().map(|name| known(name, node.line)).collect();
            all.map(Answer::Many)
        }
        Choose::Number => {
            let fields = Fields::of(node, "`answer`", faults)?;
            let value = fields.need("value").and_then(|node| node.float(faults, "`value`"));
            let within = fields.need("within").and_then(|node| node.float(faults, "`within`"));
            fields.done(|_| None);
            if within.is_some_and(|w| w < 0.0) {
                faults.say(fields.line_of("within"), "`within` can't be below 0");
            }
            Some(Answer::Number { value: value?, within: within? })
        }
        Choose::Text => {
            let accepted = node.texts(faults, "`answer`")?;
            if accepted.is_empty() {
                faults.say(node.line, "`answer` is an empty list; name at least one spelling");
            }
            Some(Answer::Many(accepted))
        }
    }
}

/// The right answers of attempt `attempt`, as the file that would be handed in.
pub fn right_answers(checks: &[Check], attempt: u32) -> String {
    let mut answers = serde_json::Map::new();
    for check in checks {
        let Kind::Quiz(question) = &check.kind else { continue };
        let Some(variant) = question.variant(attempt) else { continue };
        let answer = match &variant.answer {
            Answer::Number { value, .. } => serde_json::json!(value),
            Answer::Many(all) if question.choose == Choose::Text => serde_json::json!(all.first()),
            Answer::Many(all) => serde_json::json!(all),
            Answer::One(one) => serde_json::json!(one),
        };
        answers.insert(check.id.clone(), answer);
    }
    // JSON is YAML.
    serde_json::Value::Object(answers).to_string()
}
