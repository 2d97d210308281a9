//! Quizzes and rubrics: answers compared with the variant that was asked; an instructor's points left open.
use super::check::{Answer, Check, Choose, Criterion, Question, Variant};
use super::files::Files;
use super::report::{Because, Finding, Problem};
use super::yaml::{self, Dialect, Node, Value};
use std::collections::BTreeSet;

/// The one file of a quiz's hand-in: question id to answer.
pub const FILE: &str = "answers.yaml";

/// Marks one question. The right answer is never in the finding: the next attempt may ask the same variant.
pub fn question(check: &Check, question: &Question, files: &Files, attempt: u32) -> Finding {
    let (Some(variant), Some(file)) = (question.variant(attempt), files.get(FILE)) else {
        let problem = Problem::new(format!("There is no {FILE} in the hand-in."))
            .fix("Answer on the lab's page, or write one line `question: answer` for each.");
        return Finding::from_problems(&check.id, check.points, "", vec![problem]);
    };
    let stream = yaml::read(FILE, &file.bytes, Dialect::Core);
    if let Some(problem) = stream.problems.into_iter().next() {
        return Finding::from_problems(&check.id, check.points, "", vec![problem]);
    }
    let entry = stream.documents.first().and_then(|d| d.root.entry(&check.id));
    let mistake = match entry {
        None => Some(Problem::new(format!("{} Not answered.", asked(variant)))),
        Some(entry) => judge(question.choose, variant, &entry.value).err().map(|words| {
            let problem = Problem::new(format!("{} {words}", asked(variant)));
            problem.at(entry.value.span.place(FILE))
        }),
    };
    let passed = asked(variant);
    let mut finding = Finding::from_problems(&check.id, check.points, passed, mistake.into_iter().collect());
    // Why the right answer is right would tell it: shown only to whoever found it.
    if finding.problems.is_empty() {
        finding.why = Some(variant.why.clone());
    }
    finding
}

/// The question in one line.
fn asked(variant: &Variant) -> String {
    let line = variant.ask.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 160 { line } else { format!("{}…", line.chars().take(157).collect::<String>()) }
}

fn judge(choose: Choose, variant: &Variant, given: &Node) -> Result<(), String> {
    match (choose, &variant.answer) {
        (Choose::One, Answer::One(right)) => {
            let letter = one(given).ok_or("Choose one answer.")?;
            right_if(letter == *right, &format!("Your answer {} is not right.", option(variant, &letter)))
        }
        (Choose::Many, Answer::Many(right)) => {
            let chosen = many(given);
            right_if(chosen == right.iter().cloned().collect(), "Your choice is not exactly the right ones.")
        }
        (Choose::Number, Answer::Number { value, within }) => {
            let number = number(given).ok_or("Answer with a number.")?;
            right_if((number - value).abs() <= *within + f64::EPSILON * value.abs(), &format!("{number} is not right."))
        }
        (Choose::Text, Answer::Many(accepted)) => text(given, accepted),
        (Choose::Text, Answer::One(accepted)) => text(given, std::slice::from_ref(accepted)),
        _ => Err("The lab's answer has another form than its question; tell an instructor.".to_owned()),
    }
}

fn right_if(right: bool, words: &str) -> Result<(), String> {
    if right { Ok(()) } else { Err(words.to_owned()) }
}

fn option(variant: &Variant, letter: &str) -> String {
    variant.options.get(letter).map_or_else(|| format!("`{letter}`"), |text| format!("“{text}”"))
}

fn text(given: &Node, accepted: &[String]) -> Result<(), String> {
    let answer = one(given).ok_or("Answer in words.")?.to_lowercase();
    right_if(accepted.iter().any(|a| a.trim().to_lowercase() == answer), "This is not one of the accepted answers.")
}

/// A single answer as text, however YAML reads it: `3` and `"3"` are the same to a person.
fn one(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(s) => Some(s.trim().to_owned()),
        Value::Int(n) => Some(n.to_string()),
        Value::Float(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Seq(items) => match items.as_slice() {
            [only] => one(only),
            _ => None,
        },
        _ => None,
    }
    .filter(|s| !s.is_empty())
}

fn many(node: &Node) -> BTreeSet<String> {
    match &node.value {
        Value::Seq(items) => items.iter().filter_map(one).collect(),
        _ => one(node).into_iter().collect(),
    }
}

fn number(node: &Node) -> Option<f64> {
    one(node)?.replace(',', ".").parse().ok().filter(|n: &f64| n.is_finite())
}

/// A rubric's points are an instructor's to give: open until then.
pub fn rubric(check: &Check, criteria: &[Criterion]) -> Finding {
    let names: Vec<String> = criteria.iter().map(|c| format!("{} ({})", c.text, c.points)).collect();
    Finding::skipped(&check.id, check.points, Because::Review, format!("An instructor marks: {}.", names.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::File;
    use crate::engine::check::{FixPolicy, Kind};
    use crate::engine::report::Outcome;
    use std::collections::BTreeMap;

    fn ask(choose: Choose, answer: Answer, given: &str) -> Finding {
        let options = BTreeMap::from([("a".to_owned(), "one".to_owned()), ("b".to_owned(), "two".to_owned())]);
        let quiz = Question { choose, variants: vec![Variant { ask: "Which?".into(), options, answer, why: "Because.".into() }] };
        let check = Check {
            id: "q".into(),
            points: 4,
            gate: false,
            fix: FixPolicy::Never,
            hints: Vec::new(),
            hidden: false,
            why: None,
            fix_text: None,
            only: None,
            kind: Kind::Quiz(quiz.clone()),
        };
        question(&check, &quiz, &Files::new(vec![File { path: FILE.into(), bytes: given.as_bytes().to_vec() }]), 1)
    }

    #[test]
    fn answers_are_judged_as_a_person_would() {
        let many = || Answer::Many(vec!["a".into(), "b".into()]);
        for (choose, answer, given, passed) in [
            (Choose::One, Answer::One("b".into()), "q: b", true),
            (Choose::One, Answer::One("b".into()), "q: [b]", true),
            (Choose::One, Answer::One("b".into()), "q: a", false),
            (Choose::One, Answer::One("b".into()), "q: [a, b]", false),
            (Choose::Many, many(), "q: [b, a]", true),
            (Choose::Many, many(), "q: [a]", false),
            (Choose::Number, Answer::Number { value: 240.0, within: 0.5 }, "q: 240", true),
            (Choose::Number, Answer::Number { value: 0.3, within: 0.0 }, "q: '0,3'", true),
            (Choose::Number, Answer::Number { value: 240.0, within: 0.5 }, "q: lots", false),
            (Choose::Text, Answer::Many(vec!["NodePort".into()]), "q: ' nodeport '", true),
            (Choose::Text, Answer::Many(vec!["NodePort".into()]), "other: 1", false),
            (Choose::One, Answer::One("b".into()), "q: {x: 1}", false),
        ] {
            let finding = ask(choose, answer, given);
            assert_eq!(finding.outcome == Outcome::Passed, passed, "{given}: {}", finding.message);
        }
    }

    #[test]
    fn a_wrong_answer_never_tells_the_right_one() {
        let finding = ask(Choose::One, Answer::One("b".into()), "q: a");
        assert!(!serde_json::to_string(&finding).unwrap().contains("two"), "{finding:?}");
        assert_eq!(finding.why, None);
    }
}
