//! The frame of grading: read every file once, run the checks in the lab's order, let gates stop what read a failed document.
use super::check::{Check, Checks, Format, Kind, Surroundings};
use super::child::Phase;
use super::cost;
use super::errand::{Back, Errand};
use super::files::Files;
use super::kubernetes::scheduling::Nodes;
use super::kubernetes::{self, Answer, DocumentId, Kubernetes};
use super::report::{Because, Finding, Graded, Outcome, Problem, Report, Version};
use super::terraform::Terraform;
use super::terraform::plan::Plans;
use super::yaml::{self, Dialect, Stream};
use super::{glob, quiz, select};
use std::collections::BTreeSet;
use std::time::Instant;

/// Everything a check may read, read once.
pub struct Sources<'a> {
    pub files: &'a Files,
    /// Documents as Kubernetes reads them.
    pub kubernetes: Kubernetes<'a>,
    /// What kept Kubernetes documents from being read.
    pub unreadable: Vec<&'a Problem>,
    /// The same files as YAML 1.2's core schema reads them, if a check asks for it.
    pub core: &'a [Stream],
    pub terraform: Option<Terraform>,
    pub plans: Plans,
    /// A quiz's answers, if there are questions.
    answers: Option<quiz::Answers>,
}

/// What grading may ask of the world around it: to be heard, and to have tools run elsewhere.
pub trait Outside {
    fn told(&mut self, phase: Phase);
    fn carry_out(&mut self, errand: &Errand) -> Back;
}

/// Who only listens runs no tools.
impl<F: FnMut(Phase)> Outside for F {
    fn told(&mut self, phase: Phase) {
        self(phase);
    }

    fn carry_out(&mut self, _: &Errand) -> Back {
        Back::Away("no tools are run here".into())
    }
}

/// What a check says, and what it looked at to say it.
pub struct Checked {
    pub finding: Finding,
    pub looked_at: BTreeSet<Document>,
    /// It found nothing to look at: a document that can't be read may be the reason.
    pub missing: bool,
}

/// A document a gate can fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    Kubernetes(DocumentId),
    /// All of a hand-in's Terraform is one module.
    Terraform,
    /// Any other file, by path.
    File(String),
}

/// Whether a file is YAML by its name.
pub fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// Grades `files` by `checks`. The same input gives the same report, apart from its duration.
pub fn grade(checks: &Checks, files: &Files, surroundings: &Surroundings, outside: &mut dyn Outside) -> Report {
    let started = Instant::now();
    outside.told(Phase::reading(files.len()));
    let asks = |wanted: fn(&Kind) -> bool| checks.checks.iter().any(|c| wanted(&c.kind));
    let wants_kubernetes = asks(|k| {
        matches!(
            k,
            Kind::KubernetesSchema { .. }
                | Kind::KubernetesRule { .. }
                | Kind::KubernetesAdmission(_)
                | Kind::KubernetesAutoscaling(_)
                | Kind::KubernetesScheduling { .. }
                | Kind::Select { format: None | Some(Format::Kubernetes), .. }
        )
    });
    let wants_terraform = asks(|k| {
        matches!(
            k,
            Kind::TerraformStatic { .. }
                | Kind::TerraformPlan(_)
                | Kind::TerraformApply(_)
                | Kind::TerraformTests(_)
                | Kind::Cost(_)
                | Kind::Select { format: Some(Format::Hcl | Format::Plan), .. }
        )
    });
    let of_kubernetes = |path: &str| wants_kubernetes && !is_something_else(path, checks);
    let as_kubernetes = streams(files, Dialect::Kubernetes, of_kubernetes);
    let core = streams(files, Dialect::Core, |path| is_core(path, checks));
    let kubernetes = Kubernetes::read(files, &as_kubernetes);
    let too_many = kubernetes.objects().too_many().cloned();
    let sources = Sources {
        files,
        kubernetes,
        unreadable: as_kubernetes.iter().flat_map(|s| &s.problems).chain(&too_many).collect(),
        core: &core,
        terraform: wants_terraform.then(|| Terraform::read(files)),
        plans: Plans::asked_for(checks),
        answers: asks(|k| matches!(k, Kind::Quiz(_))).then(|| quiz::Answers::read(files)),
    };
    let findings = run(checks, &sources, surroundings, outside);
    let why_not = not_gradable(checks, &sources);
    let mut report = Report::graded(&checks.lab, &checks.lab_hash, findings);
    report.versions = versions(checks);
    report.versions.extend(sources.plans.versions());
    if let Some(why) = why_not {
        report.outcome = Graded::NotGradable;
        report.message = Some(why);
        report.score = 0;
        report.open = 0;
        // What passed, passed because nothing was there: it must not look like an achievement.
        for finding in report.findings.iter_mut().filter(|f| f.outcome == Outcome::Passed) {
            *finding = Finding { hidden: finding.hidden, ..waiting(&finding.check, finding.max) };
        }
    }
    report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

fn streams(files: &Files, dialect: Dialect, wanted: impl Fn(&str) -> bool) -> Vec<Stream> {
    files
        .iter()
        .filter(|f| is_yaml(&f.path) && wanted(&f.path))
        .map(|f| match dialect {
            Dialect::Kubernetes => kubernetes::sources::read(&f.path, &f.bytes),
            Dialect::Core => yaml::read(&f.path, &f.bytes, dialect),
        })
        .collect()
}

/// Whether a check looks into a file as YAML that isn't Kubernetes'.
fn is_core(path: &str, checks: &Checks) -> bool {
    checks.checks.iter().any(|c| match &c.kind {
        Kind::Select { file, format: Some(Format::Yaml), .. } => file.as_deref().is_none_or(|glob| glob::matches(glob, path)),
        _ => false,
    })
}

/// Whether a file is no Kubernetes manifest because a check names it as other YAML: a runbook, alert rules.
fn is_something_else(path: &str, checks: &Checks) -> bool {
    let named = |wanted: fn(&Option<Format>) -> bool| {
        checks.checks.iter().any(|c| match &c.kind {
            Kind::Select { file: Some(file), format, .. } => wanted(format) && glob::matches(file, path),
            _ => false,
        })
    };
    named(|f| *f == Some(Format::Yaml)) && !named(|f| matches!(f, None | Some(Format::Kubernetes)))
}

/// Why nothing of the hand-in can be graded: there is no file, or nothing that the checks read could be read.
fn not_gradable(checks: &Checks, sources: &Sources<'_>) -> Option<String> {
    if sources.files.is_empty() {
        return Some("The hand-in has no files.".into());
    }
    if sources.kubernetes.documents().next().is_some() || sources.core.iter().any(|s| !s.documents.is_empty()) {
        return None;
    }
    let (any_alone, alone) = select::read_alone(checks, sources.files);
    if any_alone || sources.terraform.as_ref().is_some_and(Terraform::is_any_read) {
        return None;
    }
    let terraform = sources.terraform.iter().flat_map(Terraform::unread);
    let core = sources.core.iter().flat_map(|s| &s.problems);
    let answers = sources.answers.iter().flat_map(quiz::Answers::problems);
    let first = sources.unreadable.iter().copied().chain(core).chain(answers).chain(terraform).chain(&alone).next()?;
    let place = first.place.as_ref().map(|p| format!("{}:{}:{}: ", p.file, p.line, p.column)).unwrap_or_default();
    Some(format!("No document could be read. {place}{}", first.message))
}

fn run(checks: &Checks, sources: &Sources<'_>, surroundings: &Surroundings, outside: &mut dyn Outside) -> Vec<Finding> {
    let mut failed: BTreeSet<Document> = BTreeSet::new();
    let mut lost = false;
    let mut findings = Vec::with_capacity(checks.checks.len());
    for (done, check) in checks.checks.iter().enumerate() {
        outside.told(Phase::checking(&check.id, done, checks.checks.len()));
        let is_stopped = check.kind.needs_a_plan() && failed.contains(&Document::Terraform);
        // What a gate stops is not run.
        if !is_stopped {
            sources.plans.prepare(check, sources.terraform.as_ref(), sources.files, &mut |errand| outside.carry_out(errand));
        }
        let mut checked = if is_stopped { stopped(check) } else { carry_out(check, sources, surroundings) };
        let stopped = checked.looked_at.iter().any(|d| failed.contains(d)) || (checked.missing && lost);
        if stopped {
            checked.finding = waiting(&check.id, check.points);
        } else if check.gate && checked.finding.outcome == Outcome::Failed {
            failed.extend(failed_documents(check, &checked, sources));
            lost |= !sources.unreadable.is_empty();
        }
        findings.push(signed(check, checked.finding));
    }
    findings
}

fn stopped(check: &Check) -> Checked {
    Checked { finding: waiting(&check.id, check.points), looked_at: BTreeSet::from([Document::Terraform]), missing: false }
}

fn waiting(check: &str, max: u32) -> Finding {
    Finding::skipped(check, max, Because::Gate, "Waits until the document it reads is valid: fix what stands above first.")
}

/// The documents that a failed gate stops: those a problem lies in; without places, all it looked at.
fn failed_documents(check: &Check, checked: &Checked, sources: &Sources<'_>) -> BTreeSet<Document> {
    if let Kind::KubernetesSchema { version } = &check.kind
        && let Ok(results) = sources.kubernetes.schema(version, check.only.as_ref())
    {
        return results.into_iter().filter(|(_, problems)| !problems.is_empty()).map(|(id, _)| Document::Kubernetes(id)).collect();
    }
    let holds = |document: &&Document| match document {
        Document::Kubernetes(id) => sources.kubernetes.document(*id).is_some_and(|d| {
            checked.finding.problems.iter().filter_map(|p| p.place.as_ref()).any(|at| at.file == d.file && d.root.span.has_line(at.line))
        }),
        Document::Terraform => true,
        Document::File(path) => checked.finding.problems.iter().any(|p| p.place.as_ref().is_some_and(|at| at.file == *path)),
    };
    let held: BTreeSet<Document> = checked.looked_at.iter().filter(holds).cloned().collect();
    if held.is_empty() { checked.looked_at.clone() } else { held }
}

/// One check, whatever its kind.
fn carry_out(check: &Check, sources: &Sources<'_>, surroundings: &Surroundings) -> Checked {
    match &check.kind {
        Kind::KubernetesSchema { version } => schema(check, version, sources),
        Kind::KubernetesRule { rule } => kubernetes_rule(check, rule, sources),
        Kind::KubernetesAdmission(room) => answered(check, sources.kubernetes.admission(room, check.only.as_ref()).answer),
        Kind::KubernetesAutoscaling(scenario) => answered(check, sources.kubernetes.autoscaling(scenario, check.only.as_ref())),
        Kind::KubernetesScheduling { nodes, rollout } => scheduling(check, nodes, *rollout, sources),
        Kind::TerraformStatic { rule } => terraform_rule(check, rule, sources),
        Kind::TerraformApply(_) => {
            Checked { finding: sources.plans.applied(check), looked_at: BTreeSet::from([Document::Terraform]), missing: false }
        }
        Kind::TerraformTests(ask) => {
            Checked { finding: sources.plans.tested(check, ask), looked_at: BTreeSet::from([Document::Terraform]), missing: false }
        }
        Kind::TerraformPlan(ask) => {
            Checked { finding: sources.plans.judge(check, ask), looked_at: BTreeSet::from([Document::Terraform]), missing: false }
        }
        Kind::Cost(ask) => cost_of(check, ask, sources),
        Kind::Select { .. } => select::run(check, sources),
        Kind::Quiz(question) => alone(match &sources.answers {
            Some(answers) => quiz::question(check, question, answers, surroundings.attempt),
            None => no_tool(check, "The answers were not read."),
        }),
        Kind::Rubric { criteria } => alone(quiz::rubric(check, criteria)),
    }
}

fn alone(finding: Finding) -> Checked {
    Checked { finding, looked_at: BTreeSet::new(), missing: false }
}

/// The check can't be carried out by this grader; its points stay open.
pub fn no_tool(check: &Check, why: impl Into<String>) -> Finding {
    Finding { outcome: Outcome::Error, ..Finding::skipped(&check.id, check.points, Because::Tool, why) }
}

fn schema(check: &Check, version: &str, sources: &Sources<'_>) -> Checked {
    let results = match sources.kubernetes.schema(version, check.only.as_ref()) {
        Ok(results) => results,
        Err(why) => return alone(no_tool(check, why)),
    };
    let mut problems = Vec::new();
    let mut looked_at = BTreeSet::new();
    for (id, found) in results {
        problems.extend(found);
        looked_at.insert(Document::Kubernetes(id));
    }
    // A check of some objects isn't about files that can't be read, unless what it looks for may be in one of them.
    if check.only.is_none() || looked_at.is_empty() {
        problems.splice(0..0, sources.unreadable.iter().map(|p| (*p).clone()));
    }
    if looked_at.is_empty() && problems.is_empty() {
        problems.push(
            Problem::new(format!("There is no {} in the hand-in.", what(check)))
                .fix("Add it as a document with `apiVersion`, `kind` and `metadata`."),
        );
        problems.extend(sources.kubernetes.passed_over().iter().cloned());
    }
    let n = looked_at.len();
    let passed = format!(
        "{} Kubernetes {version} object{}.",
        if n == 1 { "The document is a valid".into() } else { format!("All {n} documents are valid") },
        if n == 1 { "" } else { "s" }
    );
    // A failing schema is this check's own result: being missing must not hide it behind another gate.
    Checked { finding: Finding::from_problems(&check.id, check.points, passed, problems), looked_at, missing: false }
}

/// What a check is about, in words.
pub fn what(check: &Check) -> String {
    let Some(only) = &check.only else { return "Kubernetes object".into() };
    let kind = only.kind.as_deref().unwrap_or("object");
    only.name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind} named `{name}`"))
}

fn kubernetes_rule(check: &Check, rule: &str, sources: &Sources<'_>) -> Checked {
    let Some(result) = sources.kubernetes.rule(rule, check.only.as_ref()) else {
        return alone(no_tool(check, format!("This grader has no rule `{rule}`.")));
    };
    let passed = kubernetes::rules::by_id(rule).map_or_else(String::new, |r| r.about().title.to_owned());
    Checked {
        finding: Finding::from_problems(&check.id, check.points, passed, result.problems),
        looked_at: result.looked_at.into_iter().map(Document::Kubernetes).collect(),
        missing: result.missing,
    }
}

fn scheduling(check: &Check, nodes: &str, rollout: bool, sources: &Sources<'_>) -> Checked {
    let Ok(nodes) = Nodes::read("nodes", nodes) else {
        return alone(no_tool(check, "The lab's nodes can't be read."));
    };
    answered(check, sources.kubernetes.scheduling(&nodes, check.only.as_ref(), rollout))
}

fn answered(check: &Check, answer: Answer) -> Checked {
    let finding = Finding::from_problems(&check.id, check.points, answer.passed, answer.problems);
    Checked {
        finding: Finding { figure: answer.figure, ..finding },
        looked_at: answer.looked_at.into_iter().map(Document::Kubernetes).collect(),
        missing: answer.missing,
    }
}

fn terraform_rule(check: &Check, rule: &str, sources: &Sources<'_>) -> Checked {
    let (Some(terraform), Some(known)) = (&sources.terraform, super::terraform::rules::by_id(rule)) else {
        return alone(no_tool(check, format!("This grader has no rule `{rule}`.")));
    };
    let finding = Finding::from_problems(&check.id, check.points, known.title(), terraform.rule(rule));
    Checked { finding, looked_at: BTreeSet::from([Document::Terraform]), missing: false }
}

fn cost_of(check: &Check, ask: &cost::Ask, sources: &Sources<'_>) -> Checked {
    let Some(terraform) = &sources.terraform else {
        return alone(no_tool(check, "The configuration was not read."));
    };
    let verdict = cost::judge::judge(ask, terraform);
    // What is too dear already is so whatever the rest costs; without all prices nothing passes.
    let finding = match verdict.open {
        Some(why) if verdict.problems.is_empty() => Finding::skipped(&check.id, check.points, Because::Review, why),
        _ => Finding::from_problems(&check.id, check.points, verdict.passed, verdict.problems),
    };
    Checked { finding: Finding { figure: Some(verdict.figure), ..finding }, looked_at: BTreeSet::from([Document::Terraform]), missing: false }
}

/// The author's own words go before a rule's.
fn signed(check: &Check, mut finding: Finding) -> Finding {
    finding.hidden = check.hidden;
    if finding.outcome != Outcome::Failed {
        return finding;
    }
    if let Some(why) = &check.why {
        finding.why = Some(why.clone());
        finding.problems.iter_mut().for_each(|p| p.why = Some(why.clone()));
    }
    if let Some(fix) = &check.fix_text {
        finding.fix = Some(fix.clone());
        finding.problems.iter_mut().filter(|p| p.fix.is_none()).for_each(|p| p.fix = Some(fix.clone()));
    }
    if !check.hints.is_empty() {
        finding.hint = Some(check.hints.join("\n\n"));
    }
    finding
}

/// What else shaped the report: the schemas' versions.
fn versions(checks: &Checks) -> Vec<Version> {
    let schemas: BTreeSet<&String> =
        checks.checks.iter().filter_map(|c| if let Kind::KubernetesSchema { version } = &c.kind { Some(version) } else { None }).collect();
    schemas.into_iter().map(|v| Version { name: "kubernetes-schema".into(), version: v.clone() }).collect()
}
