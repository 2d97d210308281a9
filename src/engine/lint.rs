//! All built-in rules over files without a lab: what `groundcrew lint` says.
use super::files::Files;
use super::grade::is_yaml;
use super::ignores::{self, IgnoredFindings};
use super::kubernetes::{Kubernetes, rules, sources};
use super::report::{self, Problem, Severity};
use super::terraform::Terraform;
use super::yaml::{Document, Position, Span};
use serde::{Deserialize, Serialize};

/// The schemas `lint` judges by.
pub const VERSION: &str = "1.36";

/// What the problems may come to, in bytes: as JSON still less than a child may answer.
const LISTED: usize = 3 << 19;

/// What a run says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Lint {
    /// By file and place, as many as anybody could read.
    pub problems: Vec<Problem>,
    /// What comments in the files say to ignore.
    pub ignored: IgnoredFindings,
}

/// Every problem of the files.
pub fn lint(files: &Files) -> Lint {
    let mut streams: Vec<_> = files.iter().filter(|f| is_yaml(&f.path)).map(|f| sources::read(&f.path, &f.bytes)).collect();
    let mut problems: Vec<Problem> = streams.iter().flat_map(|s| s.problems.clone()).map(|p| named(p, "yaml")).collect();
    problems.extend(streams.iter().flat_map(|s| s.notes.clone()).map(|p| named(p, "yaml-reads-as")));
    for stream in &mut streams {
        stream.documents.retain(|document| {
            if let Some(problem) = sources::foreign(files, document) {
                problems.push(named(Problem { severity: Severity::Info, ..problem }, "not-kubernetes"));
                return false;
            }
            let object = document.root.get("apiVersion").or_else(|| document.root.get("kind")).is_some();
            if !object {
                problems.push(passed_over(document));
            }
            object
        });
    }
    let kubernetes = Kubernetes::read(files, &streams);
    problems.extend(too_many(&kubernetes));
    match kubernetes.schema(VERSION, None).and_then(|found| Ok((found, kubernetes.schema_beyond(VERSION)?))) {
        Ok((results, beyond)) => {
            let found = results.into_iter().flat_map(|(_, found)| found).chain(beyond);
            problems.extend(found.map(|p| named(p, "schema")));
        }
        Err(why) => problems.push(Problem::new(why)),
    }
    for rule in rules::all() {
        if let Some(result) = kubernetes.rule(rule.about().id, None)
            && !result.missing
        {
            problems.extend(result.problems);
        }
    }
    if files.iter().any(|f| f.path.ends_with(".tf")) {
        problems.extend(Terraform::read(files).lint());
    }
    let ignored = ignores::apply(files, &mut problems);
    problems.sort_by(|a, b| key(a).cmp(&key(b)));
    Lint { problems: report::listed(problems, LISTED), ignored }
}

/// What is said where a folder has more objects than the rules compare with each other.
fn too_many(kubernetes: &Kubernetes<'_>) -> Option<Problem> {
    let (objects, beyond) = (kubernetes.objects(), kubernetes.objects().beyond().len());
    let message = format!(
        "the rules look at {} objects in one run; this one and those after it, up to {beyond}, were held to their schemas alone",
        objects.all().len()
    );
    objects.too_many().cloned().map(|p| named(Problem { message, ..p }.fix("Lint the folders one by one."), "too-many"))
}

/// What is said about YAML that is no Kubernetes object: Compose files, values of charts.
fn passed_over(document: &Document) -> Problem {
    let start = document.root.span.start;
    let first = Span { start, end: Position { column: start.column + 1, ..start } };
    let problem = Problem::new("this document has neither `apiVersion` nor `kind`: it is no Kubernetes object and was passed over");
    named(Problem { severity: Severity::Info, ..problem.at(first.place(&document.file)) }, "not-kubernetes")
}

fn named(mut problem: Problem, rule: &str) -> Problem {
    problem.rule.get_or_insert_with(|| rule.to_owned());
    problem
}

fn key(problem: &Problem) -> (Option<&str>, u32, u32, Option<&str>) {
    let place = problem.place.as_ref();
    (place.map(|p| p.file.as_str()), place.map_or(0, |p| p.line), place.map_or(0, |p| p.column), problem.rule.as_deref())
}
