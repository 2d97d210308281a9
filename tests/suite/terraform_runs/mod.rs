//! Real terraform over hand-ins: the relay against the plain way, hostile hand-ins in and before the box, what is said without tools.
mod beginnings;
mod compared;
mod configurations;
mod contained;
mod hostile;
mod own_tests;

use groundcrew::engine::check::{Check, Checks, FixPolicy, Kind, PlanAsk};
use groundcrew::engine::child::Phase;
use groundcrew::engine::errand::{Back, Done, Errand};
use groundcrew::engine::grade::Outside;
use groundcrew::engine::report::Outcome;
use groundcrew::engine::runner::{Runner, Settings, Way};
use groundcrew::engine::{self, File, Files, Report, Surroundings};
use std::path::PathBuf;
use std::sync::LazyLock;

/// One for all tests of this binary: warm providers are shared as the portal shares them.
static RUNNER: LazyLock<Runner> = LazyLock::new(|| {
    let settings =
        Settings { providers: std::env::var_os("GROUNDCREW_TERRAFORM_PROVIDERS").map(PathBuf::from), providers_at_once: 2, ..Settings::default() };
    Runner::new(&PathBuf::from(env!("CARGO_BIN_EXE_groundcrew")), settings)
});

/// The runner, or nothing with a word about it where this machine lacks something and nobody requires it.
fn runner() -> Option<&'static Runner> {
    match RUNNER.examine() {
        Ok(_) => Some(&RUNNER),
        Err(why) => {
            let required = std::env::var("GROUNDCREW_REQUIRE").unwrap_or_default();
            assert!(!required.split(',').any(|r| r == "terraform"), "terraform is required: {why}");
            eprintln!("skipped: terraform: {why}");
            None
        }
    }
}

fn files(all: &[(&str, &str)]) -> Files {
    Files::new(all.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect())
}

fn check(id: &str, kind: Kind) -> Check {
    Check {
        id: id.into(),
        points: 10,
        gate: false,
        fix: FixPolicy::Now,
        hints: Vec::new(),
        hidden: false,
        why: None,
        fix_text: None,
        only: None,
        kind,
    }
}

fn plan_check() -> Checks {
    Checks { lab: "lab".into(), lab_hash: "hash".into(), checks: vec![check("plans", Kind::TerraformPlan(PlanAsk::default()))] }
}

/// Carries errands out by one way and keeps what came back.
struct By {
    runner: Runner,
    way: Way,
    came: Vec<Done>,
}

impl Outside for By {
    fn told(&mut self, _: Phase) {}

    fn carry_out(&mut self, errand: &Errand) -> Back {
        let back = self.runner.carry_out_by(self.way, errand, &mut |_| {});
        if let Back::Done(done) = &back {
            self.came.push(done.clone());
        }
        back
    }
}

/// The report on a hand-in by a way, and what the tools said.
fn graded(runner: &Runner, way: Way, checks: &Checks, files: &Files) -> (Report, Vec<Done>) {
    let mut by = By { runner: runner.clone(), way, came: Vec::new() };
    let report = engine::grade(checks, files, &Surroundings::default(), &mut by);
    (report, by.came)
}

const SMALL: &[(&str, &str)] =
    &[("main.tf", "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n\nresource \"aws_sqs_queue\" \"jobs\" {\n  name = \"jobs\"\n}\n")];

#[test]
fn a_plan_is_made_and_says_with_what() {
    let Some(runner) = runner() else { return };
    let (report, _) = graded(runner, Way::Relay, &plan_check(), &files(SMALL));
    let finding = &report.findings[0];
    assert_eq!((finding.outcome, finding.message.as_str()), (Outcome::Passed, "Terraform plans it: 1 to create."), "{finding:?}");
    let names: Vec<&str> = report.versions.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(names, ["terraform", "provider aws", "provider reached by", "confinement"]);
    assert!(report.versions.iter().any(|v| v.version == "relay"), "{:?}", report.versions);
}

#[test]
fn without_terraform_the_points_stay_open_and_the_report_says_how_to_get_it() {
    let settings = Settings { terraform: Some("/nowhere/terraform".into()), ..Settings::default() };
    let none = Runner::new(&PathBuf::from(env!("CARGO_BIN_EXE_groundcrew")), settings);
    let mut checks = plan_check();
    checks.checks.push(check("reads", Kind::TerraformStatic { rule: "parses".into() }));
    let (report, came) = graded(&none, Way::Relay, &checks, &files(SMALL));
    assert!(came.is_empty());
    let plan = &report.findings[0];
    assert_eq!((plan.outcome, plan.points, plan.open()), (Outcome::Error, 0, 10));
    assert!(plan.message.contains("terraform is not installed") && plan.message.contains("GROUNDCREW_TERRAFORM"), "{}", plan.message);
    assert_eq!(report.findings[1].outcome, Outcome::Passed);
}
