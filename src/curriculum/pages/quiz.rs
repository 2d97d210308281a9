//! A quiz as a form: on its lab's page, and given back with what was answered.
use crate::curriculum::Lab;
use crate::curriculum::markdown::{self, Html};
use crate::engine::check::{Check, Choose, Kind};
use std::collections::BTreeMap;

/// The questions of one attempt. Needed by `curriculum/quiz.html`.
pub struct QuizForm {
    pub lab: String,
    /// Which variants are asked; sent back with the answers, so that they are marked against what was asked.
    pub attempt: i64,
    pub most: Option<u32>,
    pub questions: Vec<Asked>,
    /// What is wrong with what was handed in.
    pub problem: Option<String>,
}

/// A question as a form's field.
pub struct Asked {
    pub id: String,
    pub ask: Html,
    pub points: u32,
    pub choose: Choose,
    pub options: Vec<(String, Html)>,
    given: Vec<String>,
}

impl QuizForm {
    /// The attempt after `used` ones; None when there is none left.
    pub fn new(lab: &Lab, used: i64) -> Option<QuizForm> {
        let attempt = used + 1;
        if lab.attempts.is_some_and(|most| attempt > i64::from(most)) {
            return None;
        }
        let variant = u32::try_from(attempt).unwrap_or(1);
        let questions = lab.checks.iter().filter_map(|check| Asked::new(check, variant)).collect();
        Some(QuizForm { lab: lab.id.to_string(), attempt, most: lab.attempts, questions, problem: None })
    }

    /// The same with what was answered by question, if it was this attempt that was answered.
    #[must_use]
    pub fn answered(mut self, attempt: Option<i64>, answers: &BTreeMap<String, Vec<String>>) -> QuizForm {
        if attempt == Some(self.attempt) {
            for question in &mut self.questions {
                question.given = answers.get(&question.id).cloned().unwrap_or_default();
            }
        }
        self
    }
}

impl Asked {
    fn new(check: &Check, attempt: u32) -> Option<Asked> {
        let Kind::Quiz(question) = &check.kind else { return None };
        let variant = question.variant(attempt)?;
        let options = variant.options.iter().map(|(key, text)| (key.clone(), markdown::inline(text))).collect();
        Some(Asked {
            id: check.id.clone(),
            ask: markdown::inline(&variant.ask),
            points: check.points,
            choose: question.choose,
            options,
            given: Vec::new(),
        })
    }

    pub fn has(&self, key: &str) -> bool {
        self.given.iter().any(|g| g == key)
    }

    /// What was written into a field for a number or a word.
    pub fn written(&self) -> &str {
        self.given.first().map_or("", String::as_str)
    }
}
