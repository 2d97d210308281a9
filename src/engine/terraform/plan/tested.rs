//! The hand-in's own tests, run by `terraform test` with mocked providers: do they pass, and do they notice faults that are built in?
use super::checks::away;
use super::faults::{Fault, Seeded};
use super::{INIT, Outcome, command, copy, diagnostics, refusals, stopped};
use crate::engine::check::{Check, Checks, Kind, TestsAsk};
use crate::engine::confine::Stepped;
use crate::engine::errand::{Back, Cloud, Done, Errand};
use crate::engine::files::{File, Files};
use crate::engine::report::{Finding, Problem, Version};
use crate::engine::terraform::{Terraform, intake};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What came of the tests of a hand-in.
pub struct Tested {
    /// Of the hand-in as it is.
    plain: Ran,
    /// By fault; nothing where there was nothing to break.
    broken: BTreeMap<Fault, Option<(Seeded, Ran)>>,
    pub versions: Vec<Version>,
}

/// How a run of the tests ended.
enum Ran {
    /// The runs that passed, and those that went red.
    Tests { green: Vec<String>, red: Vec<String>, problems: Vec<Problem> },
    /// They could not be begun: what is wrong with the hand-in.
    Refused(Vec<Problem>),
    /// It wasn't tried, or stopped for a reason that is ours.
    Away(String),
}

/// The faults that a lab's checks build in.
pub fn faults(checks: &Checks) -> BTreeSet<Fault> {
    checks.checks.iter().filter_map(|c| if let Kind::TerraformTests(TestsAsk { fault, .. }) = &c.kind { fault.clone() } else { None }).collect()
}

/// Runs the tests as they are, and if they pass, once more for each fault.
pub fn test(terraform: &Terraform, files: &Files, faults: &BTreeSet<Fault>, carry_out: &mut dyn FnMut(&Errand) -> Back) -> Tested {
    let refused: Vec<Problem> = refusals(terraform).into_iter().chain(unmocked(terraform)).collect();
    if !refused.is_empty() {
        return Tested { plain: Ran::Refused(refused), broken: BTreeMap::new(), versions: Vec::new() };
    }
    let working = copy::working(terraform, files, Cloud::None);
    let folder = copy::root(terraform);
    let commands = vec![command("init", "Getting terraform ready", &folder, &INIT, true), command("test", "Running the tests", &folder, &TEST, true)];
    let types = types(terraform);
    let (plain, versions) = match carry_out(&Errand { files: working.clone(), types: types.clone(), commands, cloud: Cloud::None }) {
        Back::Away(why) => (Ran::Away(why), Vec::new()),
        Back::Done(done) => (ran(&done, "init", "test", terraform), done.versions),
    };
    let mut broken = BTreeMap::new();
    if matches!(&plain, Ran::Tests { red, problems, .. } if red.is_empty() && problems.is_empty()) {
        let seeded: Vec<(&Fault, Option<Seeded>)> = faults.iter().map(|f| (f, f.seed(terraform))).collect();
        broken = notice(seeded, &working, &folder, types, terraform, carry_out);
    }
    Tested { plain, broken, versions }
}

const TEST: [&str; 3] = ["test", "-json", "-no-color"];

/// Runs the tests over a copy for each fault, all in one errand.
fn notice(
    seeded: Vec<(&Fault, Option<Seeded>)>,
    working: &[File],
    folder: &str,
    types: BTreeSet<String>,
    terraform: &Terraform,
    carry_out: &mut dyn FnMut(&Errand) -> Back,
) -> BTreeMap<Fault, Option<(Seeded, Ran)>> {
    let (mut files, mut commands) = (Vec::new(), Vec::new());
    let names = |n: usize| (format!("init {n}"), format!("test {n}"));
    for (n, (_, seeded)) in seeded.iter().enumerate() {
        let Some(seeded) = seeded else { continue };
        let top = format!("fault-{n}");
        files.extend(working.iter().map(|f| {
            let path = f.path.strip_prefix(copy::WORKING).unwrap_or(&f.path);
            let text = seeded.texts.get(path.trim_start_matches('/'));
            File { path: format!("{top}{path}"), bytes: text.map_or_else(|| f.bytes.clone(), |t| copy::without_backend(&f.path, t)) }
        }));
        let folder = format!("{top}{}", folder.strip_prefix(copy::WORKING).unwrap_or_default());
        let (init, test) = names(n);
        commands.push(command(&init, "Building in a fault", &folder, &INIT, false));
        commands.push(command(&test, "Running the tests over a fault", &folder, &TEST, false));
    }
    let done = if commands.is_empty() { None } else { Some(carry_out(&Errand { files, types, commands, cloud: Cloud::None })) };
    let how = |n: usize| match &done {
        None => Ran::Away("terraform was not run".into()),
        Some(Back::Away(why)) => Ran::Away(why.clone()),
        Some(Back::Done(done)) => {
            let (init, test) = names(n);
            ran(done, &init, &test, terraform)
        }
    };
    seeded.into_iter().enumerate().map(|(n, (fault, seeded))| (fault.clone(), seeded.map(|s| (s, how(n))))).collect()
}

/// What a check of the tests says.
pub fn judge(check: &Check, ask: &TestsAsk, tested: &Tested) -> Finding {
    let finding = |passed: String, problems| Finding::from_problems(&check.id, check.points, passed, problems);
    let (green, red, problems) = match &tested.plain {
        Ran::Away(why) => return away(check, why),
        Ran::Refused(problems) => return finding(String::new(), problems.clone()),
        Ran::Tests { green, red, problems } => (green, red, problems),
    };
    let Some(fault) = &ask.fault else {
        let least = ask.runs.max(1) as usize;
        let few = green.len() + red.len() < least;
        let mut problems = problems.clone();
        if few {
            let (n, word) = (green.len() + red.len(), if least == 1 { "run" } else { "runs" });
            let problem = Problem::new(format!("Your tests have {n} of at least {least} {word}."));
            problems.push(problem.fix("Add a file `name.tftest.hcl` with blocks `run`, each with an `assert` or `expect_failures`."));
        }
        return finding(format!("All {} runs of your tests pass.", green.len()), problems);
    };
    match tested.broken.get(fault) {
        None => {
            let problem = Problem::new("Your tests don't pass as they are, so it can't be told what they would notice.");
            finding(String::new(), vec![problem.fix("Make them pass first.")])
        }
        Some(None) => {
            let problem = Problem::new(format!("There is no {} that could be broken.", fault.what()));
            finding(String::new(), vec![problem.fix("Write it, and a test that notices when it is gone or wrong.")])
        }
        Some(Some((_, Ran::Away(why)))) => away(check, why),
        Some(Some((_, Ran::Refused(problems)))) => {
            let first = problems.first().map_or("", |p| p.message.as_str());
            away(check, &format!("with {} broken the module can't be loaded any more: {first}", fault.what()))
        }
        Some(Some((_, Ran::Tests { red, .. }))) if !red.is_empty() => {
            finding(format!("Noticed: run `{}` goes red when {} is {}.", red[0], fault.what(), broken(fault)), Vec::new())
        }
        Some(Some((seeded, _))) => {
            let message = format!("No run went red when {} was {}.", fault.what(), broken(fault));
            let problem = Problem { place: seeded.place.clone(), ..Problem::new(message) };
            finding(String::new(), vec![problem.fix("Write a run that fails without it; try it by breaking it yourself.")])
        }
    }
}

fn broken(fault: &Fault) -> String {
    match &fault.change {
        super::faults::Change::Drop => "taken out".to_owned(),
        super::faults::Change::Set(to) => format!("set to `{to}`"),
    }
}

fn ran(done: &Done, init: &str, test: &str, terraform: &Terraform) -> Ran {
    match stopped(done) {
        Some(Outcome::Away(why)) => return Ran::Away(why),
        Some(Outcome::Refused(problems)) => return Ran::Refused(problems),
        _ => {}
    }
    if let Some(step) = done.step(init).filter(|s| !s.is_good()) {
        return Ran::Refused(diagnostics::of(step, terraform));
    }
    done.step(test).map_or_else(|| Ran::Away("terraform was not run".into()), |step| told(step, terraform))
}

/// Reads what `terraform test -json` tells, line by line.
fn told(step: &Stepped, terraform: &Terraform) -> Ran {
    let text = String::from_utf8_lossy(&step.out);
    let (mut green, mut red) = (Vec::new(), Vec::new());
    for event in text.lines().filter_map(|l| serde_json::from_str::<Json>(l).ok()) {
        let Some(run) = event.get("test_run").filter(|r| r.get("progress").and_then(Json::as_str) == Some("complete")) else { continue };
        let name = run.get("run").and_then(Json::as_str).unwrap_or_default().to_owned();
        match run.get("status").and_then(Json::as_str) {
            Some("pass") => green.push(name),
            Some("fail" | "error") => red.push(name),
            _ => {}
        }
    }
    let problems = diagnostics::of(step, terraform);
    if green.is_empty() && red.is_empty() && !problems.is_empty() {
        return Ran::Refused(problems);
    }
    Ran::Tests { green, red, problems }
}

/// Tests that would ask or change a cloud, which there is none of.
fn unmocked(terraform: &Terraform) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in terraform.sources.iter().filter(|s| intake::is_test(&s.path)) {
        let blocks = || source.body.blocks();
        let runs = blocks().find(|b| b.ident.as_str() == "run");
        let is_mocked = blocks().any(|b| b.ident.as_str() == "mock_provider" && b.labels.first().is_some_and(|l| l.as_str() == "aws"));
        if let Some(run) = runs.filter(|_| !is_mocked) {
            let place = hcl_edit::Span::span(&run.ident).map(|span| source.place(&span));
            let problem = Problem { place, ..Problem::new("These runs would ask AWS itself, and there is no cloud here.") };
            problems.push(problem.fix("Begin the file with `mock_provider \"aws\" {}`."));
        }
    }
    problems
}

/// The types that the tests mock besides those of the configuration.
fn types(terraform: &Terraform) -> BTreeSet<String> {
    let tests = terraform.sources.iter().filter(|s| intake::is_test(&s.path));
    let mocks = tests.flat_map(|s| s.body.blocks()).filter(|b| b.ident.as_str() == "mock_provider").flat_map(|b| b.body.blocks());
    let mocked = mocks.filter_map(|b| b.labels.first()).map(|l| l.as_str().to_owned());
    copy::types(terraform).into_iter().chain(mocked).collect()
}
