//! What terraform itself says of a hand-in: its plan, run elsewhere in a box, with its complaints as findings.
pub mod apply;
mod changes;
mod checks;
mod copy;
mod diagnostics;
mod faults;
mod picture;
mod tested;
mod version;

use super::Terraform;
use crate::engine::check::Origin;
use crate::engine::confine::{Fate, Stepped};
use crate::engine::errand::{Back, Cloud, Command, Done, Errand};
use crate::engine::figure::Figure;
use crate::engine::report::{Problem, Version};
use crate::engine::{File, Files};
pub use changes::{Action, Amounts, Change};
pub use checks::{Plans, Refusal};
pub use copy::dir as folder;
pub use faults::{Change as Breaks, Fault};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Data sources that the provider answers by itself; all others ask the cloud.
const OFFLINE: [&str; 11] = [
    "aws_iam_policy_document",
    "aws_region",
    "aws_partition",
    "aws_service",
    "aws_service_principal",
    "aws_arn",
    "aws_default_tags",
    "aws_elb_service_account",
    "aws_billing_service_account",
    "aws_cloudtrail_service_account",
    "aws_redshift_service_account",
];

/// What came of planning.
pub struct Planned {
    pub outcome: Outcome,
    pub versions: Vec<Version>,
    /// What `terraform fmt` would change; None where nobody asked.
    pub unformatted: Option<Vec<Problem>>,
}

pub enum Outcome {
    /// Terraform made a plan.
    Plan(Box<Plan>),
    /// It wouldn't: what is wrong with the hand-in.
    Refused(Vec<Problem>),
    /// It wasn't tried, or stopped for a reason that is ours; in words.
    Away(String),
}

/// A plan, as `terraform show -json` tells it.
pub struct Plan {
    pub json: Json,
    pub changes: Vec<Change>,
    pub figure: Option<Figure>,
}

/// Plans what was handed in, from what is there before it. What is refused unread is not run at all.
pub fn plan(terraform: &Terraform, files: &Files, from: &Origin, formatted: bool, carry_out: &mut dyn FnMut(&Errand) -> Back) -> Planned {
    let refused = refusals(terraform);
    if !refused.is_empty() {
        return Planned { outcome: Outcome::Refused(refused), versions: Vec::new(), unformatted: formatted.then(Vec::new) };
    }
    let errand = errand(terraform, files, from, formatted);
    match carry_out(&errand) {
        Back::Away(why) => Planned { outcome: Outcome::Away(why), versions: Vec::new(), unformatted: None },
        Back::Done(done) => {
            Planned { unformatted: formatted.then(|| diagnostics::unformatted(&done)), outcome: outcome(&done, terraform), versions: done.versions }
        }
    }
}

/// Why nothing may be run over it, and what this grader's terraform doesn't have.
pub fn refusals(terraform: &Terraform) -> Vec<Problem> {
    if !terraform.unread().is_empty() {
        return terraform.unread().to_vec();
    }
    if terraform.describes_nothing() {
        let problem = Problem::new("there is no resource, data source or module in what you handed in");
        return vec![problem.fix("Describe what the instructions ask for.")];
    }
    terraform.rule("tf-refused").into_iter().chain(copy::foreign(terraform)).collect()
}

fn errand(terraform: &Terraform, files: &Files, from: &Origin, formatted: bool) -> Errand {
    let cloud = match asks_the_cloud(terraform) || from.refresh {
        _ if !from.seed.is_empty() => Cloud::Changes,
        true => Cloud::Reads,
        false => Cloud::None,
    };
    let mut all = copy::working(terraform, files, cloud);
    let folder = copy::root(terraform);
    if formatted {
        all.extend(copy::original(files));
    }
    let mut types = copy::types(terraform);
    if let Some(state) = &from.state {
        let path = format!("{folder}/terraform.tfstate");
        types.extend(copy::types_of_state(state));
        all.push(File { path, bytes: state.as_bytes().to_vec() });
    }
    let plan = ["plan", "-input=false", "-no-color", "-json", "-lock=false", "-out=/work/plan"];
    let mut more = if from.state.is_some() && !from.refresh { vec!["-refresh=false"] } else { Vec::new() };
    if let Some(values) = &from.values {
        all.push(File { path: format!("{folder}/{VALUES}"), bytes: values.as_bytes().to_vec() });
        more.push(VALUES_FILE);
    }
    let mut commands = Vec::new();
    if !from.seed.is_empty() {
        seed(&from.seed, &mut all, &mut types, &mut commands);
    }
    if formatted {
        commands.push(command("fmt", "Looking at the format", copy::ORIGINAL, &["fmt", "-check", "-diff", "-no-color", "-recursive"], false));
    }
    commands.push(command("init", "Getting terraform ready", &folder, &INIT, true));
    commands.push(command("plan", "Planning with terraform", &folder, &[&plan[..], &more].concat(), true));
    commands.push(command("show", "Reading the plan", &folder, &["show", "-json", "-no-color", "/work/plan"], true));
    Errand { files: all, types, commands, cloud }
}

/// Adds what applies a configuration of the lab's to the mock cloud.
fn seed(texts: &[(String, String)], all: &mut Vec<File>, types: &mut BTreeSet<String>, commands: &mut Vec<Command>) {
    let files = Files::new(texts.iter().map(|(path, text)| File { path: path.clone(), bytes: text.as_bytes().to_vec() }).collect());
    let terraform = Terraform::read(&files);
    types.extend(copy::types(&terraform));
    let moved = |path: &str| path.strip_prefix(copy::WORKING).map(|rest| format!("{SEED}{rest}"));
    all.extend(copy::working(&terraform, &files, Cloud::Changes).into_iter().filter_map(|f| Some(File { path: moved(&f.path)?, bytes: f.bytes })));
    let apply = ["apply", "-auto-approve", "-input=false", "-no-color", "-json", "-lock=false"];
    commands.push(command("seed init", "Making what is there already", SEED, &INIT, true));
    commands.push(command("seed", "Making what is there already", SEED, &apply, true));
}

/// The folder of what is there already, below the errand's.
const SEED: &str = "seed";
/// Where the lab's values of variables lie; terraform doesn't load it unasked.
const VALUES: &str = "groundcrew_given.tfvars";
const VALUES_FILE: &str = "-var-file=groundcrew_given.tfvars";

pub const INIT: [&str; 4] = ["init", "-input=false", "-no-color", "-json"];

pub fn command(name: &str, says: &str, folder: &str, arguments: &[&str], decides: bool) -> Command {
    let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
    Command { name: name.into(), says: says.into(), folder: folder.into(), arguments, decides }
}

/// Whether planning reads something that only a cloud can tell.
fn asks_the_cloud(terraform: &Terraform) -> bool {
    let data = terraform.modules.iter().flat_map(|m| m.of_kind("data"));
    let imports = terraform.modules.iter().any(|m| m.of_kind("import").next().is_some());
    imports || data.filter_map(|b| b.labels.first()).any(|of| of.starts_with("aws_") && !OFFLINE.contains(&of.as_str()))
}

fn outcome(done: &Done, terraform: &Terraform) -> Outcome {
    if let Some(other) = stopped(done) {
        return other;
    }
    if let Some(step) = ["seed init", "seed"].iter().filter_map(|s| done.step(s)).find(|s| !s.is_good()) {
        let said: Vec<String> = diagnostics::of(step, terraform).into_iter().map(|p| p.message).collect();
        return Outcome::Away(format!("what the lab begins with could not be made in the mock cloud: {}", said.join("; ")));
    }
    let version = version::problems(terraform, &done.provider);
    let problems: Vec<Problem> = version.into_iter().chain(diagnostics::errors(done, terraform)).collect();
    if !problems.is_empty() {
        return Outcome::Refused(problems);
    }
    let Some(show) = done.step("show").filter(|s| s.is_good() && !s.cut) else {
        let failed = done.steps.iter().find(|s| !s.is_good() || s.cut);
        let said = failed.map(|s| format!("`terraform {}` failed: {}", s.name, String::from_utf8_lossy(&s.err).trim()));
        return Outcome::Away(said.unwrap_or_else(|| "the plan is larger than is read".into()));
    };
    match serde_json::from_slice::<Json>(&show.out) {
        Ok(json) => {
            let changes = changes::of(&json);
            let figure = picture::of(&changes, &json);
            Outcome::Plan(Box::new(Plan { json, changes, figure }))
        }
        Err(error) => Outcome::Away(format!("the plan can't be read: {error}")),
    }
}

/// What a run that didn't end by itself comes to: too long or too large is the hand-in's, everything else ours.
pub fn stopped(done: &Done) -> Option<Outcome> {
    let why = match &done.fate {
        Fate::Finished => done.steps.iter().find_map(ended)?,
        Fate::Stopped(why) => why.clone(),
        Fate::Broken(why) => return Some(Outcome::Away(why.clone())),
    };
    let problem = Problem::new(format!("Terraform was stopped: {why}."));
    Some(Outcome::Refused(vec![problem.fix("Look for counts, ranges or texts that grow by themselves.")]))
}

/// What ended a command that met a limit of its own: Go says so of memory, a signal ends what takes too much of the processor.
fn ended(step: &Stepped) -> Option<String> {
    let starved = !step.is_good() && String::from_utf8_lossy(&step.err).contains("runtime: out of memory");
    match step.code {
        _ if step.late => Some(format!("`terraform {}` took longer than it may", step.name)),
        _ if starved => Some(format!("`terraform {}` asked for more memory than it may", step.name)),
        None => Some(format!("`terraform {}` took more of the processor or memory than it may", step.name)),
        Some(_) => None,
    }
}
