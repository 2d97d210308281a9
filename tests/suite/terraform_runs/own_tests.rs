//! A hand-in's own tests by real terraform: what they notice counts, and nothing in them gets out.
use super::{check, files, graded, runner};
use groundcrew::engine::Report;
use groundcrew::engine::check::{Checks, Kind, TestsAsk};
use groundcrew::engine::report::Outcome;
use groundcrew::engine::runner::Way;
use groundcrew::engine::terraform::plan::{Breaks, Fault};

const MODULE: &str = "variable \"days\" {\n  type    = number\n  default = 4\n\n  validation {\n    condition     = var.days < 15\n    error_message = \"Too long.\"\n  }\n}\n\nresource \"aws_sqs_queue\" \"any\" {\n  name                      = \"jobs\"\n  message_retention_seconds = var.days * 86400\n}\n";

fn words(text: &str, by: char) -> Vec<String> {
    text.split(by).map(str::to_owned).collect()
}

fn asked() -> Checks {
    let faults = [
        ("no-validation", Fault { block: words("variable days", ' '), path: words("validation", '.'), change: Breaks::Drop }),
        (
            "an-hour",
            Fault { block: words("resource aws_sqs_queue", ' '), path: words("message_retention_seconds", '.'), change: Breaks::Set("3600".into()) },
        ),
        ("no-key", Fault { block: words("resource aws_sqs_queue", ' '), path: words("kms_master_key_id", '.'), change: Breaks::Drop }),
    ];
    let plain = check("pass", Kind::TerraformTests(TestsAsk { runs: 2, fault: None }));
    let broken = faults.into_iter().map(|(id, fault)| check(id, Kind::TerraformTests(TestsAsk { runs: 1, fault: Some(fault) })));
    Checks { lab: "lab".into(), lab_hash: "hash".into(), checks: std::iter::once(plain).chain(broken).collect() }
}

fn of(tests: &str) -> Option<Report> {
    let runner = runner()?;
    let hand_in = files(&[("main.tf", MODULE), ("tests/days.tftest.hcl", tests)]);
    Some(graded(runner, Way::Relay, &asked(), &hand_in).0)
}

fn outcomes(report: &Report) -> Vec<Outcome> {
    report.findings.iter().map(|f| f.outcome).collect()
}

use Outcome::{Failed, Passed};

#[test]
fn a_test_counts_by_what_it_notices() {
    let refuses = "run \"a_month_is_refused\" {\n  command = plan\n  variables {\n    days = 30\n  }\n  expect_failures = [var.days]\n}\n";
    let asserts = "run \"four_days\" {\n  command = plan\n  assert {\n    condition     = aws_sqs_queue.any.message_retention_seconds == 345600\n    error_message = \"Four days.\"\n  }\n}\n";
    let Some(report) = of(&format!("mock_provider \"aws\" {{}}\n\n{refuses}\n{asserts}")) else { return };
    assert_eq!(outcomes(&report), [Passed, Passed, Passed, Failed], "{report:#?}");
    assert_eq!(report.findings[1].message, "Noticed: run `a_month_is_refused` goes red when `validation` of `variable days` is taken out.");
    assert_eq!(report.findings[3].message, "There is no `kms_master_key_id` of `resource aws_sqs_queue` that could be broken.");

    let Some(report) = of(&format!("mock_provider \"aws\" {{}}\n\n{asserts}\nrun \"again\" {{\n  command = plan\n}}\n")) else { return };
    assert_eq!(outcomes(&report), [Passed, Failed, Passed, Failed]);
    let missed = &report.findings[1];
    assert_eq!(missed.message, "No run went red when `validation` of `variable days` was taken out.");
    assert_eq!(missed.problems[0].place.as_ref().map(|at| (at.file.as_str(), at.line)), Some(("main.tf", 5)));
}

#[test]
fn tests_that_are_red_or_too_few_earn_nothing() {
    let red = "mock_provider \"aws\" {}\n\nrun \"never\" {\n  command = plan\n  assert {\n    condition     = var.days == 5\n    error_message = \"Five.\"\n  }\n}\n";
    let Some(report) = of(red) else { return };
    assert_eq!(outcomes(&report), [Failed; 4]);
    let at = report.findings[0].problems[0].place.as_ref().map(|at| (at.file.as_str(), at.line));
    assert_eq!(at, Some(("tests/days.tftest.hcl", 6)), "{:?}", report.findings[0]);
    let Some(report) = of("mock_provider \"aws\" {}\n") else { return };
    assert_eq!(outcomes(&report), [Failed; 4]);
    assert!(report.findings[0].message.contains("0 of at least 2 runs"), "{:?}", report.findings[0]);
}

#[test]
fn nothing_in_a_test_asks_a_cloud_or_leaves_the_module() {
    let Some(runner) = runner() else { return };
    let mock = "mock_provider \"aws\" {}\n";
    let cases = [
        ("run \"a\" {}\n".to_owned(), 1, "ask AWS itself"),
        (format!("{mock}provider \"aws\" {{\n  profile = \"x\"\n}}\nrun \"a\" {{}}\n"), 2, "would ask a cloud"),
        ("mock_provider \"aws\" {\n  source = \"/etc\"\n}\nrun \"a\" {}\n".to_owned(), 1, "not read here"),
        (format!("{mock}run \"a\" {{\n  module {{\n    source = \"git::file:///etc\"\n  }}\n}}\n"), 4, "Only modules of the hand-in"),
        (format!("{mock}run \"a\" {{\n  module {{\n    source = \"../../up\"\n  }}\n}}\n"), 4, "Only modules of the hand-in"),
        (format!("{mock}variables {{\n  days = length(file(\"/etc/passwd\"))\n}}\nrun \"a\" {{}}\n"), 3, "outside of the module"),
    ];
    for (tests, line, says) in &cases {
        let hand_in = files(&[("main.tf", MODULE), ("days.tftest.hcl", tests)]);
        let (report, came) = graded(runner, Way::Relay, &asked(), &hand_in);
        let problem = report.findings[0].problems.iter().find(|p| p.message.contains(says));
        let at = problem.and_then(|p| p.place.as_ref()).map(|at| (at.file.as_str(), at.line));
        assert!(came.is_empty() && at == Some(("days.tftest.hcl", *line)), "{tests}\n{:?}", report.findings[0]);
    }
}
