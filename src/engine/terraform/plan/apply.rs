//! Applying to a mock cloud: does it stand, is a second plan empty for what the mock keeps faithfully, and is nothing left when it goes?
use super::checks::away;
use super::{INIT, Outcome, changes, command, copy, diagnostics, refusals, stopped};
use crate::engine::check::{ApplyAsk, Check};
use crate::engine::errand::{Back, Cloud, Done, Errand};
use crate::engine::files::Files;
use crate::engine::report::{Finding, Problem, Version};
use crate::engine::terraform::Terraform;
use serde_json::Value as Json;

/// What a check of the apply says, and with what it was applied.
pub fn judge(
    check: &Check,
    ask: &ApplyAsk,
    terraform: &Terraform,
    files: &Files,
    carry_out: &mut dyn FnMut(&Errand) -> Back,
) -> (Finding, Vec<Version>) {
    let refused = refusals(terraform);
    if !refused.is_empty() {
        return (Finding::from_problems(&check.id, check.points, "", refused), Vec::new());
    }
    let done = match carry_out(&errand(terraform, files)) {
        Back::Away(why) => return (away(check, &why), Vec::new()),
        Back::Done(done) => done,
    };
    let finding = match problems(&done, ask, terraform) {
        Err(why) => away(check, &why),
        Ok(problems) => {
            let passed = "It was applied to the mock cloud, a second plan was empty, and nothing was left when it was destroyed.";
            Finding::from_problems(&check.id, check.points, passed, problems)
        }
    };
    (finding, done.versions)
}

fn errand(terraform: &Terraform, files: &Files) -> Errand {
    let folder = copy::root(terraform);
    let plan = |to: &'static str| ["plan", "-input=false", "-no-color", "-json", "-lock=false", to];
    let commands = vec![
        command("init", "Getting terraform ready", &folder, &INIT, true),
        command("plan", "Planning with terraform", &folder, &plan("-out=/work/plan"), true),
        command("apply", "Applying to the mock cloud", &folder, &["apply", "-input=false", "-no-color", "-json", "-lock=false", "/work/plan"], true),
        command("again", "Planning a second time", &folder, &plan("-out=/work/again"), true),
        command("show", "Reading the second plan", &folder, &["show", "-json", "-no-color", "/work/again"], true),
        command("destroy", "Destroying it again", &folder, &["destroy", "-auto-approve", "-input=false", "-no-color", "-json", "-lock=false"], true),
    ];
    Errand { files: copy::working(terraform, files, Cloud::Changes), types: copy::types(terraform), commands, cloud: Cloud::Changes }
}

/// What is wrong with it; or why that can't be said.
fn problems(done: &Done, ask: &ApplyAsk, terraform: &Terraform) -> Result<Vec<Problem>, String> {
    match stopped(done) {
        Some(Outcome::Away(why)) => return Err(why),
        Some(Outcome::Refused(problems)) => return Ok(problems),
        _ => {}
    }
    for (name, what) in
        [("init", "getting ready"), ("plan", "the plan"), ("apply", "the apply"), ("again", "the second plan"), ("destroy", "the end")]
    {
        let Some(step) = done.step(name) else { return Err(format!("the mock cloud's run ended before {what}")) };
        let problems = diagnostics::of(step, terraform);
        // What the mock doesn't know is not the student's fault.
        if let Some(unknown) = problems.iter().find(|p| is_the_mocks(&p.message)) {
            return Err(format!("the mock cloud can't do what this asks for: {}", unknown.message));
        }
        if !problems.is_empty() {
            let told = |p: Problem| Problem { message: format!("At {what}: {}", p.message), ..p };
            return Ok(problems.into_iter().map(told).collect());
        }
    }
    let again: Json = done.step("show").and_then(|s| serde_json::from_slice(&s.out).ok()).ok_or("the second plan can't be read")?;
    let restless = changes::of(&again).into_iter().filter(|c| ask.faithful.contains(&c.of));
    let restless = restless.filter(|c| !matches!(c.action, changes::Action::Keep | changes::Action::Read));
    let mut problems: Vec<Problem> = restless
        .map(|c| {
            let because = if c.attributes.is_empty() { String::new() } else { format!(" ({})", c.attributes.join(", ")) };
            Problem::new(format!("After its own apply, a second plan would still {} `{}`{because}.", c.action.words(), c.address))
        })
        .collect();
    problems.extend(left(done, ask).into_iter().map(|what| Problem::new(format!("After `destroy`, the mock cloud still holds {what}."))));
    Ok(problems)
}

/// Whether an answer says that the mock lacks a call.
fn is_the_mocks(message: &str) -> bool {
    ["NotImplemented", "not been implemented", "has not been implemented", "StatusCode: 501", "UnknownOperationException"]
        .iter()
        .any(|w| message.contains(w))
}

/// What the mock names the things of a type: service and table.
const TABLES: [(&str, &str, &str); 8] = [
    ("aws_instance", "ec2", "Instance"),
    ("aws_launch_template", "ec2", "LaunchTemplate"),
    ("aws_nat_gateway", "ec2", "NatGateway"),
    ("aws_s3_bucket", "s3", "FakeBucket"),
    ("aws_iam_role", "iam", "Role"),
    ("aws_eks_cluster", "eks", "Cluster"),
    ("aws_autoscaling_group", "autoscaling", "FakeAutoScalingGroup"),
    ("aws_vpc_endpoint", "ec2", "VPCEndPoint"),
];

/// What is still there of the faithful types, by what the mock itself says.
fn left(done: &Done, ask: &ApplyAsk) -> Vec<String> {
    let holds: Json = done.step("cloud").and_then(|s| serde_json::from_slice(&s.out).ok()).unwrap_or_default();
    let mut left = Vec::new();
    for (of, service, table) in TABLES.iter().filter(|(of, _, _)| ask.faithful.iter().any(|f| f == of)) {
        let things = holds.get(service).and_then(|s| s.get(table)).and_then(Json::as_array).into_iter().flatten();
        let alive = things.filter(|t| !is_gone(t)).count();
        if alive > 0 {
            left.push(format!("{alive} of {of}"));
        }
    }
    left
}

/// Instances stay on the list for a while after they ended.
fn is_gone(thing: &Json) -> bool {
    let state = ["state", "_state", "status"].iter().find_map(|k| thing.get(*k)).map(|s| s.to_string().to_lowercase()).unwrap_or_default();
    state.contains("terminated") || state.contains("deleted")
}
