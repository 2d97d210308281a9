//! Plans that begin with something: a state, a mock cloud that holds something else than the state says.
use super::{check, files, graded, runner};
use groundcrew::engine::check::{Checks, Kind, Origin, PlanAsk};
use groundcrew::engine::report::Outcome;
use groundcrew::engine::runner::Way;
use groundcrew::engine::terraform::plan::Action;

const PROVIDER: &str = "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n";
/// What terraform knew: a queue that keeps messages for four days.
const STATE: &str = r#"{"version":4,"terraform_version":"1.9.0","serial":1,"lineage":"a","outputs":{},"resources":[{"mode":"managed","type":"aws_sqs_queue","name":"jobs","provider":"provider[\"registry.terraform.io/hashicorp/aws\"]","instances":[{"schema_version":0,"attributes":{"id":"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs","url":"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs","arn":"arn:aws:sqs:eu-west-1:123456789012:jobs","name":"jobs","message_retention_seconds":345600,"visibility_timeout_seconds":30,"max_message_size":262144,"delay_seconds":0,"receive_wait_time_seconds":0,"sqs_managed_sse_enabled":true,"kms_data_key_reuse_period_seconds":300,"fifo_queue":false,"content_based_deduplication":false},"sensitive_attributes":[]}]}]}"#;

fn queue(name: &str, seconds: u32) -> String {
    format!(
        "{PROVIDER}\nresource \"aws_sqs_queue\" \"{name}\" {{\n  name                      = \"jobs\"\n  message_retention_seconds = {seconds}\n}}\n"
    )
}

fn checks(from: Origin, changes: &[(Action, u32)]) -> Checks {
    let changes = changes.iter().map(|(action, n)| (*action, (*n, *n))).collect();
    let kind = Kind::TerraformPlan(PlanAsk { from, formatted: false, changes });
    Checks { lab: "lab".into(), lab_hash: "hash".into(), checks: vec![check("plan", kind)] }
}

#[test]
fn a_move_keeps_what_a_state_holds_and_a_new_name_destroys_it() {
    let Some(runner) = runner() else { return };
    let from = Origin { state: Some(STATE.into()), ..Origin::default() };
    let wanted = checks(from, &[(Action::Create, 0), (Action::Delete, 0), (Action::Move, 1)]);
    let renamed = queue("inbox", 345_600);
    let moved = format!("{renamed}\nmoved {{\n  from = aws_sqs_queue.jobs\n  to   = aws_sqs_queue.inbox\n}}\n");
    let (report, _) = graded(runner, Way::Relay, &wanted, &files(&[("main.tf", &moved)]));
    assert_eq!(report.findings[0].outcome, Outcome::Passed, "{:?}", report.findings[0]);
    let (report, _) = graded(runner, Way::Relay, &wanted, &files(&[("main.tf", &renamed)]));
    let said: Vec<&str> = report.findings[0].problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("The plan would create 1, not 0: `aws_sqs_queue.inbox`"), "{said:?}");
}

#[test]
fn drift_is_what_the_cloud_says_against_the_state() {
    let Some(runner) = runner() else { return };
    // Somebody set one day by hand. Whoever writes one day adopts it; whoever leaves four days would set it back.
    let seed = vec![("main.tf".to_owned(), queue("jobs", 86_400))];
    let from = Origin { state: Some(STATE.into()), seed, refresh: true, ..Origin::default() };
    let adopted = checks(from, &[(Action::Create, 0), (Action::Update, 0)]);
    let (report, _) = graded(runner, Way::Relay, &adopted, &files(&[("main.tf", &queue("jobs", 86_400))]));
    assert_eq!(report.findings[0].outcome, Outcome::Passed, "{:?}", report.findings[0]);
    let (report, _) = graded(runner, Way::Relay, &adopted, &files(&[("main.tf", &queue("jobs", 345_600))]));
    let finding = &report.findings[0];
    assert!(finding.message.starts_with("The plan would change 1, not 0: `aws_sqs_queue.jobs` (message_retention_seconds)"), "{finding:?}");
}
