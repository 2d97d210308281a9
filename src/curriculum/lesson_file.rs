//! Reads a week's `week.md`: front matter, then the lesson; and follows the links of lessons and instructions.
use super::tree::{self, Fault, Faults, Fields, did_you_mean};
use super::{Lab, LabId, Week};
use crate::engine::File;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A lesson as it was read.
#[derive(Debug, Default)]
pub struct Lesson {
    pub minutes: u32,
    pub skills: Vec<String>,
    /// The order of the week's labs, where it isn't that of their names.
    pub labs: Vec<String>,
    pub lab_lines: Vec<u32>,
    pub text: String,
}

/// Reads the lesson in `dir`. A week whose folder doesn't exist has none yet; one with a folder must have it.
pub fn read(files: &[File], dir: &str, must: bool, all: &RefCell<Vec<Fault>>) -> Lesson {
    let path = format!("{dir}/week.md");
    let faults = Faults::new(&path, all);
    let Some(file) = files.iter().find(|f| f.path == path) else {
        if must {
            faults.say(1, "this file is missing: it is the week's lesson");
        }
        return Lesson::default();
    };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        faults.say(1, "this file is not UTF-8");
        return Lesson::default();
    };
    let Some((front, body)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) else {
        faults.say(1, "the lesson begins with front matter between two lines of ---");
        return Lesson { text: text.to_owned(), ..Lesson::default() };
    };
    let mut lesson = Lesson { text: body.trim_start_matches('\n').to_owned(), ..Lesson::default() };
    // The first line is the ---, so the front matter's own lines begin one later.
    let padded = format!("\n{front}\n");
    if let Some(root) = tree::read(padded.as_bytes(), &faults)
        && let Some(fields) = Fields::of(&root, "the front matter", &faults)
    {
        fields.text("title");
        lesson.minutes = fields.number("minutes").unwrap_or(0);
        lesson.skills = fields.need("skills").and_then(|node| node.texts(&faults, "`skills`")).unwrap_or_default();
        for node in fields.maybe_list("labs") {
            if let Some(id) = node.text(&faults, "`labs`") {
                lesson.labs.push(id);
                lesson.lab_lines.push(node.line);
            }
        }
        fields.done(|_| None);
    }
    let before = text.len() - lesson.text.len();
    let first = line_at(text, before);
    if lesson.text.trim().is_empty() {
        faults.say(first, "there is no lesson after the front matter");
    }
    for (n, line) in prose(&lesson.text) {
        if line.starts_with("# ") {
            faults.say(first + n, "headings start at ##: the page has its own title");
        }
    }
    lesson
}

/// Follows links to labs and weeks in every lesson and instruction.
pub fn links(files: &[File], labs: &BTreeMap<LabId, Lab>, weeks: &[Week], all: &RefCell<Vec<Fault>>) {
    let taught = files.iter().filter(|f| f.path.ends_with("/week.md") || f.path.ends_with("/instructions.md"));
    for file in taught.filter(|f| f.path.matches('/').count() <= 2) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let faults = Faults::new(&file.path, all);
        for (n, line) in prose(text) {
            for target in line.split("](/").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
                if let Some(id) = target.strip_prefix("labs/") {
                    if !labs.keys().any(|known| known.as_str() == id) {
                        faults.say(n + 1, format!("there is no lab {id:?} to link to{}", did_you_mean(id, labs.keys().map(LabId::as_str))));
                    }
                } else if let Some(number) = target.strip_prefix("weeks/")
                    && !weeks.iter().any(|week| week.number.to_string() == number)
                {
                    faults.say(n + 1, format!("there is no week {number:?} to link to"));
                }
            }
        }
    }
}

/// The lines that are no code, counted from 0.
fn prose(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut fence: Option<&str> = None;
    (0..).zip(text.lines()).filter(move |(_, line)| {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

fn line_at(text: &str, offset: usize) -> u32 {
    u32::try_from(text[..offset].matches('\n').count() + 1).unwrap_or(1)
}
