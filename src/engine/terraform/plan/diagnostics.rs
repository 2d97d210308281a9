//! Terraform's own complaints as problems: file, line and column of the hand-in, in its words and where we can in plainer ones.
use super::super::Terraform;
use super::copy;
use crate::engine::confine::Stepped;
use crate::engine::errand::Done;
use crate::engine::report::{Place, Problem, Severity};
use serde_json::Value as Json;

/// What `init` and `plan` complain of.
pub fn errors(done: &Done, terraform: &Terraform) -> Vec<Problem> {
    let said = ["init", "plan"].iter().filter_map(|name| done.step(name)).filter(|s| !s.is_good());
    said.flat_map(|step| of(step, terraform)).collect()
}

/// The errors of one command; one that fails without a word is a problem too.
pub fn of(step: &Stepped, terraform: &Terraform) -> Vec<Problem> {
    let text = String::from_utf8_lossy(&step.out);
    let lines = text.lines().filter_map(|l| serde_json::from_str::<Json>(l).ok());
    let errors = lines.filter_map(|l| l.get("diagnostic").filter(|d| d.get("severity").and_then(Json::as_str) == Some("error")).cloned());
    let mut problems: Vec<Problem> = errors.map(|d| problem(&d, terraform)).collect();
    // The provider tells them in any order; a report tells them in the files' own.
    problems.sort_by_key(|p| (p.place.as_ref().map(|at| (at.file.clone(), at.line, at.column)), p.message.clone()));
    if !problems.is_empty() || step.is_good() {
        return problems;
    }
    let words = String::from_utf8_lossy(&step.err);
    let words = if words.trim().is_empty() { text } else { words };
    vec![Problem::new(format!("`terraform {}` failed: {}", step.name, words.split_whitespace().collect::<Vec<_>>().join(" ")))]
}

/// One of terraform's diagnostics.
pub fn problem(diagnostic: &Json, terraform: &Terraform) -> Problem {
    let text = |name: &str| diagnostic.get(name).and_then(Json::as_str).unwrap_or_default();
    let (summary, detail) = (text("summary"), text("detail"));
    let message =
        if detail.is_empty() { summary.to_owned() } else { format!("{summary}: {}", detail.split_whitespace().collect::<Vec<_>>().join(" ")) };
    // A circle has no beginning: terraform tells it from anywhere.
    let message = message.strip_prefix("Cycle: ").map_or(message.clone(), |circle| {
        let mut members: Vec<&str> = circle.split(", ").collect();
        members.sort_unstable();
        format!("Cycle: {}", members.join(", "))
    });
    let place = diagnostic.get("range").and_then(|range| place(range, terraform));
    let (why, fix) = plainer(summary, detail);
    Problem { place, why, fix, severity: Severity::Error, ..Problem::new(message) }
}

fn place(range: &Json, terraform: &Terraform) -> Option<Place> {
    let file = copy::handed_in(terraform, range.get("filename")?.as_str()?)?;
    let number = |end: &str, name: &str| u32::try_from(range.get(end)?.get(name)?.as_u64()?).ok();
    let (line, column) = (number("start", "line")?, number("start", "column")?);
    Some(Place { file, line, column, end_line: number("end", "line").unwrap_or(line), end_column: number("end", "column").unwrap_or(column) })
}

/// What terraform means, for those who haven't met it before.
fn plainer(summary: &str, detail: &str) -> (Option<String>, Option<String>) {
    let said = |why: &str, fix: &str| (Some(why.to_owned()), Some(fix.to_owned()));
    match summary {
        "Unsupported argument" => said(
            "The provider has no such argument at this place, so nothing would be set by it.",
            "Look it up in the resource's documentation: it may belong into a block, or to another resource.",
        ),
        "Missing required argument" | "Insufficient blocks" => said("The provider can't make the resource without it.", "Add what is named."),
        "Unsupported block type" => {
            said("Written as a block here, but it is an argument, or belongs elsewhere.", "Write it with `=` if the documentation shows an argument.")
        }
        "Reference to undeclared resource" | "Reference to undeclared input variable" | "Reference to undeclared module" => {
            said("Nothing of that name is declared in this module.", "Compare the spelling with the declaration, or declare it.")
        }
        "Invalid count argument" | "Invalid for_each argument" => said(
            "How many there are must be known before anything is made.",
            "Count by variables and locals, not by what other resources will answer.",
        ),
        _ if summary.starts_with("Cycle") => {
            said("Each waits for the other to exist, so neither can be made first.", "Break the circle: one of the references has to go.")
        }
        "Instance cannot be destroyed" => {
            said("`prevent_destroy` guards it, and this plan would destroy it.", "Use a `moved` block where it only changes its address.")
        }
        _ if summary.starts_with("No value for required variable") => {
            said("Nobody answers questions in a pipeline or here.", "Give the variable a default.")
        }
        _ if detail.contains("no such host") || detail.contains("connection refused") || summary.starts_with("No valid credential") => {
            said("This plan would ask AWS itself, and there is no cloud here.", "Leave out data sources whose answers you can write down.")
        }
        _ => (None, None),
    }
}

/// What `terraform fmt` would change, file by file.
pub fn unformatted(done: &Done) -> Vec<Problem> {
    let Some(step) = done.step("fmt").filter(|s| !s.is_good()) else { return Vec::new() };
    let text = String::from_utf8_lossy(&step.out);
    let mut problems: Vec<Problem> = Vec::new();
    let mut file = String::new();
    let mut hunk: Option<(u32, Vec<String>)> = None;
    for line in text.lines().chain(["@@ end"]) {
        if let Some(path) = line.strip_prefix("--- old/") {
            file = path.to_owned();
        } else if line.starts_with("@@ ") || line.starts_with("--- ") {
            problems.extend(hunk.take().and_then(|(at, lines)| told(&file, at, &lines)));
            let start = line.strip_prefix("@@ -").and_then(|l| l.split([',', ' ']).next()).and_then(|n| n.parse().ok());
            hunk = start.map(|start| (start, Vec::new()));
        } else if let Some((_, lines)) = hunk.as_mut().filter(|_| !line.starts_with("+++ ")) {
            lines.push(line.to_owned());
        }
    }
    if problems.is_empty() {
        let names: Vec<&str> = text.lines().filter(|l| l.ends_with(".tf") || l.ends_with(".hcl")).take(5).collect();
        problems
            .push(Problem::new(format!("`terraform fmt` would change {}.", if names.is_empty() { "files".to_owned() } else { names.join(", ") })));
    }
    problems
}

/// One hunk: at its first line that changes.
fn told(file: &str, start: u32, lines: &[String]) -> Option<Problem> {
    let before = lines.iter().take_while(|l| !l.starts_with('-') && !l.starts_with('+')).count();
    let line = start + u32::try_from(before).ok()?;
    let changed: Vec<&str> = lines.iter().filter(|l| l.starts_with('-') || l.starts_with('+')).map(String::as_str).take(12).collect();
    if changed.is_empty() {
        return None;
    }
    let place = Place { file: file.to_owned(), line, column: 1, end_line: line, end_column: 1 };
    let problem = Problem::new("`terraform fmt` writes this differently.").at(place).fix(changed.join("\n"));
    Some(problem.why("One way to write it keeps reviews about what changes, not about blanks."))
}
