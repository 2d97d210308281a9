//! What to do next: what came back first, then what is due, then the lesson.
use super::{Book, Standing};
use crate::db::values::Timestamp;

/// One thing to do.
#[derive(Debug, Clone)]
pub struct Todo {
    pub week: u32,
    pub title: String,
    pub url: String,
    pub why: String,
    pub due: Option<Timestamp>,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Returned,
    /// Of the current week.
    Lab,
    /// Of a week before it.
    Late,
    Lesson,
}

impl Todo {
    /// red when its credit is falling, amber within two days.
    pub fn tone(&self, now: &Timestamp) -> &'static str {
        match self.due {
            Some(due) if due < *now => "stop",
            Some(due) if due.since(*now) < 2 * 86_400_000 => "hold",
            _ => "",
        }
    }
}

/// The list for a student's first page, the most pressing first.
pub fn next(book: &Book<'_>, most: usize) -> Vec<Todo> {
    let mut todos: Vec<Todo> = Vec::new();
    for standing in book.standings.values() {
        let returned = standing.returned().and_then(|a| a.returned_until().map(|until| (a, until)));
        if let Some((returned, until)) = returned.filter(|(_, until)| *until > book.now) {
            let why = "It came back from review: read the remarks, change what they ask for, hand in again. Until then it keeps the credit of your first hand-in.";
            todos.push(Todo { url: returned.url(), due: Some(until), ..todo(standing, Kind::Returned, why.to_owned()) });
        } else if i64::from(standing.lab.week) <= book.week
            && !standing.is_passed(book.program)
            && standing.open_to_credit(book.now)
            && standing.lab.needs.iter().all(|need| book.is_met(need))
        {
            let kind = if i64::from(standing.lab.week) == book.week { Kind::Lab } else { Kind::Late };
            todos.push(todo(standing, kind, standing.why()));
        }
    }
    todos.sort_by_key(|t| (order(t.kind), t.due, t.title.clone()));
    todos.truncate(most);
    if todos.len() < most
        && let Some(week) = u32::try_from(book.week).ok().and_then(|n| book.program.week(n))
    {
        let why = format!("The lesson of this week, {} minutes. {}", week.minutes, week.outcome);
        todos.push(Todo { week: week.number, title: week.title.clone(), url: week.url(), why, due: None, kind: Kind::Lesson });
    }
    todos
}

fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Returned => 0,
        Kind::Lab => 1,
        Kind::Late => 2,
        Kind::Lesson => 3,
    }
}

fn todo(standing: &Standing<'_>, kind: Kind, why: String) -> Todo {
    Todo { week: standing.lab.week, title: standing.lab.title.clone(), url: standing.lab.url(), why, due: Some(standing.due), kind }
}

impl Standing<'_> {
    /// Whether a hand-in now would still count.
    fn open_to_credit(&self, now: Timestamp) -> bool {
        crate::curriculum::calendar::percent(&self.steps, now) > 0
    }

    fn why(&self) -> String {
        let (minutes, points) = (self.lab.minutes, self.lab.points);
        if self.is_waiting() {
            return "Your last hand-in is being graded.".to_owned();
        }
        match self.best {
            Some(best) if self.open > 0 => format!("Your best is {best} of {points}, {} open. The report says where the rest is.", self.open),
            Some(best) => format!("Your best is {best} of {points}. The report says where the rest is."),
            None if self.lab.is_quiz => format!(
                "{minutes} minutes, {points} points, {} attempts.",
                self.lab.attempts.map_or_else(|| "any number of".to_owned(), |n| n.to_string())
            ),
            None => format!("{minutes} minutes, {points} points. Not started."),
        }
    }
}
