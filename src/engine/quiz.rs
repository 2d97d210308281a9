//! Quizzes and rubrics: answers compared with the variant that was asked; an instructor's points left open.
use super::check::{Answer, Check, Choose, Criterion, Question, Variant};
use super::files::Files;
use super::report::{Because, Finding, Problem};
use super::yaml::{self, Dialect, Node, Span, Value};
use std::collections::BTreeSet;

/// The one file of a quiz's hand-in: question id to answer.
pub const FILE: &str = "answers.yaml";

/// The answers of a hand-in, read once for all questions.
#[derive(Debug, Default)]
pub struct Answers {
    root: Option<Node>,
    /// Why there are none.
    problems: Vec<Problem>,
}

impl Answers {
    pub fn read(files: &Files) -> Answers {
        let Some(file) = files.get(FILE) else {
            let problem = Problem::new(format!("There is no {FILE} in the hand-in."))
                .fix("Answer on the lab's page, or write one line `question: answer` for each.");
            return Answers { root: None, problems: vec![problem] };
        };
        // Core rules: an answer `no` or `on` stays the word that was written.
        let mut stream = yaml::read(FILE, &file.bytes, Dialect::Core);
        if !stream.problems.is_empty() {
            return Answers { root: None, problems: stream.problems };
        }
        let place = Span::default();
        if stream.documents.is_empty() {
            return Answers { root: Some(Node { span: place, value: Value::Map(Vec::new()), plain: false }), problems: Vec::new() };
        }
        let root = stream.documents.remove(0).root;
        let wrong = |span: Span, message: &str| Answers {
            root: None,
            problems: vec![Problem::new(message).at(span.place(FILE)).fix("Write one line a question: `question: answer`.")],
        };
        if let Some(second) = stream.documents.first() {
            return wrong(second.root.span, "A second document begins here; all answers belong in one.");
        }
        match root.value {
            Value::Map(_) => Answers { root: Some(root), problems: Vec::new() },
            Value::Null => Answers { root: Some(Node { value: Value::Map(Vec::new()), ..root }), problems: Vec::new() },
            _ => wrong(root.span, "The answers are not a map from questions to answers."),
        }
    }

    /// Why the answers can't be read at all; nothing if they can.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Marks one question. The right answer is never in the finding: the next attempt may ask the same variant.
pub fn question(check: &Check, question: &Question, answers: &Answers, attempt: u32) -> Finding {
    let Some(root) = &answers.root else { return Finding::from_problems(&check.id, check.points, "", answers.problems.clone()) };
    let Some(variant) = question.variant(attempt) else {
        return Finding::from_problems(&check.id, check.points, "", vec![Problem::new("The lab asks nothing here; tell an instructor.")]);
    };
    let mistake = match root.entry(&check.id).filter(|e| !matches!(e.value.value, Value::Null)) {
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
            let letter = one(given).ok_or_else(|| format!("Choose one of {}.", letters(variant)))?.to_lowercase();
            known(variant, &letter)?;
            right_if(letter == right.to_lowercase(), &format!("Your answer {} is not right.", option(variant, &letter)))
        }
        (Choose::Many, Answer::Many(right)) => {
            let chosen = many(given).ok_or_else(|| format!("Answer with a list of {}, as in `[a, c]`.", letters(variant)))?;
            chosen.iter().try_for_each(|letter| known(variant, letter))?;
            right_if(chosen == right.iter().map(|r| r.to_lowercase()).collect(), "Your choice is not exactly the right ones.")
        }
        (Choose::Number, Answer::Number { value, within }) => {
            let readings = numbers(given);
            let first = readings.first().ok_or("Answer with a number, without a unit.")?;
            // A hair's breadth for what decimal fractions lose in binary.
            let right = |number: &f64| (number - value).abs() <= *within + 1e-9 * value.abs();
            right_if(readings.iter().any(right), &format!("{first} is not right."))
        }
        (Choose::Text, Answer::Many(accepted)) => text(given, accepted),
        (Choose::Text, Answer::One(accepted)) => text(given, std::slice::from_ref(accepted)),
        _ => Err("The lab's answer has another form than its question; tell an instructor.".to_owned()),
    }
}

fn letters(variant: &Variant) -> String {
    variant.options.keys().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
}

/// Refuses an option that isn't offered.
fn known(variant: &Variant, letter: &str) -> Result<(), String> {
    if variant.options.is_empty() || variant.options.keys().any(|k| k.to_lowercase() == letter) {
        return Ok(());
    }
    let given: String = letter.chars().filter(|c| !c.is_control()).take(40).collect();
    Err(format!("`{given}` is none of {}.", letters(variant)))
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

/// Several answers: a list, or letters with commas between them.
fn many(node: &Node) -> Option<BTreeSet<String>> {
    match &node.value {
        Value::Seq(items) => items.iter().map(|item| Some(one(item)?.to_lowercase())).collect(),
        _ => Some(one(node)?.split(',').map(|letter| letter.trim().to_lowercase()).collect()),
    }
}

/// What a number can mean: `4,096` is four thousand and ninety-six to some and a little more than four to others.
fn numbers(node: &Node) -> Vec<f64> {
    let Some(text) = one(node) else { return Vec::new() };
    let mut groups = text.split(',').skip(1);
    let grouped = text.contains(',') && groups.all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()));
    let texts = [grouped.then(|| text.replace(',', "")), Some(text.replace(',', "."))];
    texts.into_iter().flatten().filter_map(|t| t.parse().ok()).filter(|n: &f64| n.is_finite()).collect()
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
        question(&check, &quiz, &Answers::read(&Files::new(vec![File { path: FILE.into(), bytes: given.as_bytes().to_vec() }])), 1)
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
            (Choose::Number, Answer::Number { value: 4096.0, within: 0.0 }, "q: 4,096", true),
            (Choose::Number, Answer::Number { value: 4.096, within: 0.0 }, "q: 4,096", true),
            (Choose::Number, Answer::Number { value: 1_048_576.0, within: 0.0 }, "q: '1,048,576'", true),
            (Choose::Number, Answer::Number { value: 4096.0, within: 0.0 }, "q: 4,09", false),
            (Choose::Number, Answer::Number { value: 4096.0, within: 0.0 }, "q: 40,96", false),
            (Choose::Text, Answer::Many(vec!["NodePort".into()]), "q: ' nodeport '", true),
            (Choose::Text, Answer::Many(vec!["NodePort".into()]), "other: 1", false),
            (Choose::One, Answer::One("b".into()), "q: {x: 1}", false),
        ] {
            let finding = ask(choose, answer, given);
            assert_eq!(finding.outcome == Outcome::Passed, passed, "{given}: {}", finding.message);
        }
    }

    #[test]
    fn an_answer_of_the_wrong_shape_is_told_what_shape_is_asked_for() {
        let many = || Answer::Many(vec!["a".into(), "b".into()]);
        let one = || Answer::One("b".into());
        for (choose, answer, given, said) in [
            (Choose::One, one(), "q: d", "Which? `d` is none of `a`, `b`."),
            (Choose::One, one(), "q: [a, b]", "Which? Choose one of `a`, `b`."),
            (Choose::One, one(), "q: A", "Which? Your answer “one” is not right."),
            (Choose::One, one(), "q:", "Which? Not answered."),
            (Choose::One, one(), "", "Which? Not answered."),
            (Choose::Many, many(), "q: {a: b}", "Which? Answer with a list of `a`, `b`, as in `[a, c]`."),
            (Choose::Many, many(), "q: a, c", "Which? `c` is none of `a`, `b`."),
            (Choose::Number, Answer::Number { value: 1.0, within: 0.0 }, "q: 1 s", "Which? Answer with a number, without a unit."),
            (Choose::One, one(), "- b", "The answers are not a map from questions to answers."),
            (Choose::One, one(), "q: b\nq: a", "`q` is written twice in this mapping, first in line 1"),
            (Choose::One, one(), "q: b\n---\nq: a", "A second document begins here; all answers belong in one."),
        ] {
            assert_eq!(ask(choose, answer, given).message, said, "{given:?}");
        }
        assert_eq!(ask(Choose::Many, many(), "q: B, a\nother: 1").outcome, Outcome::Passed);
    }

    #[test]
    fn a_wrong_answer_never_tells_the_right_one() {
        let finding = ask(Choose::One, Answer::One("b".into()), "q: a");
        assert!(!serde_json::to_string(&finding).unwrap().contains("two"), "{finding:?}");
        assert_eq!(finding.why, None);
    }
}
