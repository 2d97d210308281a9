//! The `select` kind: a JSONPath over the parsed documents of a hand-in, and what must be found there.
use super::check::{Check, Checks, Count, Expect, FixPolicy, Format, Kind};
use super::files::Files;
use super::grade::{Checked, Document, Sources, no_tool, what};
use super::kubernetes::quantity::Quantity;
use super::kubernetes::rules::Subject as About;
use super::report::{Finding, Outcome, Place, Problem};
use super::terraform::plan::Refusal;
use super::yaml::{self, Node};
use super::{glob, located};
use serde_json::Value;
use serde_json_path::JsonPath;
use std::collections::BTreeSet;

/// One document to look into.
struct Subject<'a> {
    id: Document,
    file: String,
    json: Value,
    places: Places<'a>,
}

/// How to find where a value stands.
enum Places<'a> {
    Node(&'a Node),
    Owned(Box<Node>),
    Terraform(&'a super::terraform::Terraform),
    /// It is nobody's file.
    Nowhere,
}

/// A value a path found, borrowed: a path may find every value of a hand-in.
struct Found<'a> {
    value: &'a Value,
    subject: &'a Subject<'a>,
    pointer: String,
}

impl Found<'_> {
    /// Its own path, as a reader would write it: `jobs.test.steps[0].uses`.
    fn at(&self) -> String {
        dotted(&self.pointer)
    }

    fn place(&self) -> Option<Place> {
        place(self.subject, &self.pointer)
    }
}

pub fn run(check: &Check, sources: &Sources<'_>) -> Checked {
    let Kind::Select { file, format, path, expect } = &check.kind else { return nothing(Finding::default()) };
    let parsed = match JsonPath::parse(path) {
        Ok(parsed) => parsed,
        // The lab's loader refuses such a path; a report must still say what happened.
        Err(e) => {
            return nothing(Finding {
                check: check.id.clone(),
                outcome: Outcome::Error,
                max: check.points,
                message: format!("The lab's path {path} can't be read: {e}."),
                ..Finding::default()
            });
        }
    };
    let format = format.unwrap_or_else(|| guessed(file.as_deref()));
    if format == Format::Hcl && sources.terraform.as_ref().is_none_or(|t| t.json().is_null()) {
        return nothing(no_tool(check, "This grader can't look into HCL."));
    }
    if format == Format::Plan
        && let Err(refusal) = sources.plans.usual()
    {
        return nothing(match refusal {
            Refusal::Away(why) => no_tool(check, format!("Not graded: {why}.")),
            Refusal::Problems(_) => Finding {
                outcome: Outcome::Failed,
                max: check.points,
                check: check.id.clone(),
                message: "There is no plan to look into: see what terraform says above.".into(),
                ..Finding::default()
            },
        });
    }
    let (subjects, unreadable) = subjects(check, file.as_deref(), format, sources);
    let looked_at: BTreeSet<Document> = subjects.iter().map(|s| s.id.clone()).collect();
    if subjects.is_empty() {
        let problems = if unreadable.is_empty() { vec![absent(check, file.as_deref(), format, sources)] } else { unreadable };
        return Checked { finding: Finding::from_problems(&check.id, check.points, "", problems), looked_at, missing: true };
    }
    let found: Vec<Found<'_>> = subjects.iter().flat_map(|s| query(s, &parsed)).collect();
    // The expected value is the answer: a message may hold it where a fix is shown at once. Where one waits for its hints,
    // it is that fix, unless the author wrote one.
    let fix = (check.fix == FixPolicy::AfterHints && check.fix_text.is_none()).then(|| expected(expect, path)).flatten();
    let problems: Vec<Problem> = judge(expect, path, &found, check.fix == FixPolicy::Now)
        .into_iter()
        .map(|(message, place)| {
            let place = place.or_else(|| subjects.first().and_then(|s| nearest(s, path)));
            Problem { place, fix: fix.clone(), ..Problem::new(message) }
        })
        .collect();
    let passed = format!("`{}` is as it should be.", short(path));
    Checked { finding: Finding::from_problems(&check.id, check.points, passed, problems), looked_at, missing: false }
}

/// Why there was nothing to look into.
fn absent(check: &Check, file: Option<&str>, format: Format, sources: &Sources<'_>) -> Problem {
    if format == Format::Kubernetes && check.only.is_some() {
        let missing = About::Any.missing(sources.kubernetes.objects(), check.only.as_ref());
        // The object is there, but in another file.
        return if missing.place.is_none() {
            missing
        } else {
            Problem::new(format!("there is no {} in `{}`", what(check), file.unwrap_or("the file")))
        };
    }
    let what = file.map_or_else(|| "document to look into".to_owned(), |f| format!("file `{f}` with a document in it"));
    Problem::new(format!("there is no {what} in what you handed in"))
}

fn nothing(finding: Finding) -> Checked {
    Checked { finding, looked_at: BTreeSet::new(), missing: false }
}

fn guessed(file: Option<&str>) -> Format {
    match file.and_then(|f| f.rsplit('.').next()) {
        Some("json") => Format::Json,
        Some("toml") => Format::Toml,
        Some("tf" | "hcl") => Format::Hcl,
        _ => Format::Kubernetes,
    }
}

fn subjects<'a>(check: &Check, file: Option<&str>, format: Format, sources: &'a Sources<'_>) -> (Vec<Subject<'a>>, Vec<Problem>) {
    let wanted = |path: &str| file.is_none_or(|g| glob::matches(g, path));
    let mut unreadable = Vec::new();
    let subjects = match format {
        Format::Kubernetes => {
            unreadable.extend(sources.unreadable.iter().filter(|p| p.place.as_ref().is_some_and(|at| wanted(&at.file))).map(|p| (*p).clone()));
            let matching = sources.kubernetes.matching(check.only.as_ref());
            matching
                .filter_map(|(id, node)| {
                    let file = &sources.kubernetes.document(id)?.file;
                    wanted(file).then(|| Subject {
                        id: Document::Kubernetes(id),
                        file: file.clone(),
                        json: node.to_json(),
                        places: Places::Node(node),
                    })
                })
                .collect()
        }
        Format::Yaml => {
            unreadable.extend(sources.core.iter().flat_map(|s| &s.problems).filter(|p| p.place.as_ref().is_some_and(|at| wanted(&at.file))).cloned());
            let documents = sources.core.iter().flat_map(|s| &s.documents).filter(|d| wanted(&d.file));
            documents
                .map(|d| Subject { id: Document::File(d.file.clone()), file: d.file.clone(), json: d.root.to_json(), places: Places::Node(&d.root) })
                .collect()
        }
        Format::Json | Format::Toml => {
            reader(format).map_or_else(Vec::new, |(ending, read)| owned(sources, |path| is_wanted(file, ending, path), read, &mut unreadable))
        }
        Format::Hcl => sources
            .terraform
            .iter()
            .map(|t| Subject { id: Document::Terraform, file: "main.tf".into(), json: t.json(), places: Places::Terraform(t) })
            .collect(),
        Format::Plan => {
            let planned = sources.plans.usual().ok().map(|plan| plan.json.clone());
            planned.into_iter().map(|json| Subject { id: Document::Terraform, file: "the plan".into(), json, places: Places::Nowhere }).collect()
        }
    };
    (subjects, unreadable)
}

/// The documents of files that only this check reads.
fn owned<'a>(sources: &Sources<'_>, wanted: impl Fn(&str) -> bool, read: Read, unreadable: &mut Vec<Problem>) -> Vec<Subject<'a>> {
    let mut subjects = Vec::new();
    for file in sources.files.iter().filter(|f| wanted(&f.path)) {
        match read(&file.path, &file.bytes) {
            Ok(root) => subjects.push(Subject {
                id: Document::File(file.path.clone()),
                file: file.path.clone(),
                json: root.to_json(),
                places: Places::Owned(Box::new(root)),
            }),
            Err(problems) => unreadable.extend(problems),
        }
    }
    subjects
}

/// Whether any JSON or TOML file that only these checks read can be read, and why the others can't.
pub fn read_alone(checks: &Checks, files: &Files) -> (bool, Vec<Problem>) {
    let (mut any, mut problems) = (false, Vec::new());
    for check in &checks.checks {
        let Kind::Select { file, format, .. } = &check.kind else { continue };
        let format = format.unwrap_or_else(|| guessed(file.as_deref()));
        let Some((ending, read)) = reader(format) else { continue };
        for found in files.iter().filter(|f| is_wanted(file.as_deref(), ending, &f.path)) {
            match read(&found.path, &found.bytes) {
                Ok(_) => any = true,
                Err(why) => problems.extend(why),
            }
        }
    }
    (any, problems)
}

type Read = fn(&str, &[u8]) -> Result<Node, Vec<Problem>>;

/// How files of a format that nothing else reads are named and read.
fn reader(format: Format) -> Option<(&'static str, Read)> {
    match format {
        Format::Json => Some((".json", located::json)),
        Format::Toml => Some((".toml", located::toml)),
        Format::Kubernetes | Format::Yaml | Format::Hcl | Format::Plan => None,
    }
}

fn is_wanted(file: Option<&str>, ending: &str, path: &str) -> bool {
    file.map_or(path.ends_with(ending), |glob| glob::matches(glob, path))
}

fn query<'a>(subject: &'a Subject<'a>, path: &JsonPath) -> Vec<Found<'a>> {
    let located = path.query_located(&subject.json);
    located.into_iter().map(|node| Found { value: node.node(), subject, pointer: node.location().to_json_pointer() }).collect()
}

fn steps_of(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|s| s.replace("~1", "/").replace("~0", "~")).collect()
}

/// A pointer as a path that a reader would write.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for step in steps_of(pointer) {
        if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else if step.contains(['.', '/', '[', ' ']) {
            path.push_str(&format!("['{step}']"));
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(&step);
        }
    }
    path
}

fn place(subject: &Subject<'_>, pointer: &str) -> Option<Place> {
    let steps = steps_of(pointer);
    let node = match &subject.places {
        Places::Node(node) => node,
        Places::Owned(node) => node.as_ref(),
        Places::Terraform(terraform) => return terraform.place_of(pointer),
        Places::Nowhere => return None,
    };
    let (found, key) = node.at(steps.iter().map(String::as_str))?;
    // A mapping or a list is shown by its key: all of its lines would drown the reader.
    let span = if matches!(found.value, yaml::Value::Map(_) | yaml::Value::Seq(_)) { key.unwrap_or(found.span) } else { found.span };
    Some(span.place(&subject.file))
}

/// The deepest beginning of a path that finds something: where the rest is missing.
fn nearest(subject: &Subject<'_>, path: &str) -> Option<Place> {
    let found = beginnings(path).into_iter().rev().find_map(|beginning| {
        let parsed = JsonPath::parse(beginning).ok()?;
        let located = parsed.query_located(&subject.json);
        let first = located.iter().next()?.location().to_json_pointer();
        if first.is_empty() { None } else { place(subject, &first) }
    });
    // Of a whole document its first character will do.
    found.or_else(|| place(subject, "").map(|p| Place { end_line: p.line, end_column: p.column + 1, ..p }))
}

/// A path cut after each of its steps, the whole left out: `$`, `$.spec`, `$.spec.containers[?@.name == 'a']`.
fn beginnings(path: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut cuts) = (0u32, None, Vec::new());
    let mut chars = path.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, '[' | '.') if depth == 0 => {
                // `..name` and `.[…]` are one step each.
                if !path[..at].ends_with('.') {
                    cuts.push(&path[..at]);
                }
                depth += u32::from(c == '[');
            }
            (None, '[' | '(') => depth += 1,
            (None, _) => {}
        }
    }
    cuts
}

/// What is wrong with what was found, each with its place where there is one.
fn judge(expect: &Expect, path: &str, found: &[Found<'_>], tell: bool) -> Vec<(String, Option<Place>)> {
    // A filter names what it looks for; a check that doesn't tell shows the path up to it.
    let open = if tell { path } else { path.split("[?").next().unwrap_or(path) };
    let filtered = open.len() < path.len();
    let path = short(open);
    let wished = || if tell { format!("; expected {}", wish(expect)) } else { String::new() };
    let missing = || {
        let message = if filtered { format!("Something is missing in `{path}`.") } else { format!("`{path}` is missing{}.", wished()) };
        vec![(message, None)]
    };
    let wrong = |f: &Found<'_>| {
        let wished = if tell { wished() } else { ", which isn't right".to_owned() };
        (format!("`{}` is {}{wished}.", f.at(), shown(f.value)), f.place())
    };
    let each = |good: &dyn Fn(&Value) -> bool| -> Vec<(String, Option<Place>)> {
        if found.is_empty() {
            return missing();
        }
        found.iter().filter(|f| !good(f.value)).map(wrong).collect()
    };
    match expect {
        Expect::Exists(true) | Expect::Absent(false) => {
            if found.is_empty() {
                missing()
            } else {
                Vec::new()
            }
        }
        Expect::Exists(false) | Expect::Absent(true) => {
            found.iter().map(|f| (format!("`{}` is {}; it must not be there.", f.at(), shown(f.value)), f.place())).collect()
        }
        Expect::Equals(wanted) => each(&|v| same(v, wanted)),
        Expect::OneOf(wanted) => each(&|v| wanted.iter().any(|w| same(v, w))),
        Expect::Matches(pattern) => match regex::Regex::new(pattern) {
            Ok(regex) => each(&|v| regex.is_match(&plain(v))),
            Err(_) => vec![(format!("The lab's pattern {pattern} can't be read."), None)],
        },
        Expect::Min(least) => each(&|v| number(v).is_some_and(|n| n >= *least)),
        Expect::Max(most) => each(&|v| number(v).is_some_and(|n| n <= *most)),
        Expect::Count(_) if filtered && found.is_empty() => missing(),
        Expect::Count(count) => counted(count, &path, found, &wished()),
        Expect::Contains(_) if found.is_empty() => missing(),
        Expect::Contains(wanted) => {
            if found.iter().any(|f| contains(f.value, wanted)) {
                return Vec::new();
            }
            found.iter().take(1).map(wrong).collect()
        }
    }
}

fn counted(count: &Count, path: &str, found: &[Found<'_>], wished: &str) -> Vec<(String, Option<Place>)> {
    let n = u32::try_from(found.len()).unwrap_or(u32::MAX);
    let good = count.min.is_none_or(|min| n >= min) && count.max.is_none_or(|max| n <= max) && count.equals.is_none_or(|e| n == e);
    if good {
        return Vec::new();
    }
    vec![(format!("`{path}` is found {n} time{}{wished}.", if n == 1 { "" } else { "s" }), found.first().and_then(Found::place))]
}

fn wish(expect: &Expect) -> String {
    match expect {
        Expect::Exists(_) | Expect::Absent(_) => "it to be there".into(),
        Expect::Equals(v) => shown(v),
        Expect::OneOf(all) => format!("one of {}", all.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Expect::Matches(pattern) => format!("something like `{pattern}`"),
        Expect::Min(n) => format!("at least {n}"),
        Expect::Max(n) => format!("at most {n}"),
        Expect::Contains(v) => format!("something that contains {}", shown(v)),
        Expect::Count(Count { equals: Some(n), .. }) => format!("{n}"),
        Expect::Count(Count { min: Some(min), max: Some(max), .. }) => format!("{min} to {max}"),
        Expect::Count(Count { min: Some(min), .. }) => format!("at least {min}"),
        Expect::Count(Count { max: Some(max), .. }) => format!("at most {max}"),
        Expect::Count(_) => "any number".into(),
    }
}

/// What is expected where, as a fix; nothing where the message can't but say it.
fn expected(expect: &Expect, path: &str) -> Option<String> {
    let path = short(path);
    match expect {
        Expect::Exists(false) | Expect::Absent(true) => None,
        Expect::Exists(true) | Expect::Absent(false) => Some(format!("Expected: `{path}`.")),
        _ => Some(format!("Expected in `{path}`: {}.", wish(expect))),
    }
}

/// Equal as values: 3 and 3.0 are the same number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w))),
        _ => a == b,
    }
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| same(item, wanted)),
        Value::String(text) => wanted.as_str().is_some_and(|w| text.contains(w)),
        Value::Object(map) => wanted.as_str().is_some_and(|w| map.contains_key(w)),
        other => same(other, wanted),
    }
}

/// A number, or a Kubernetes quantity as one: `2Gi`, `500m`.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.parse().ok().or_else(|| Quantity::parse(text).map(Quantity::as_f64)),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as a sentence can hold it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { format!("`{text}`") } else { format!("`{}…`", text.chars().take(77).collect::<String>()) }
}

/// A path as a reader thinks of it: `spec.replicas`.
fn short(path: &str) -> String {
    path.strip_prefix("$.").or_else(|| path.strip_prefix('$')).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests;
