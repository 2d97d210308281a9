//! What `select` makes of small inputs.
use crate::engine::check::{Check, Count, Expect, FixPolicy, Format, Kind};
use crate::engine::report::Graded;
use crate::engine::{Checks, File, Files, Report, Surroundings, grade};

fn message(file: &str, format: Format, text: &str, path: &str, expect: Expect, fix: FixPolicy) -> String {
    let report = report(file, format, text, path, expect, fix, None);
    report.findings.into_iter().map(|f| f.message).collect()
}

fn report(file: &str, format: Format, text: &str, path: &str, expect: Expect, fix: FixPolicy, fix_text: Option<String>) -> Report {
    let kind = Kind::Select { file: None, format: Some(format), path: path.into(), expect };
    let check = Check { id: "c".into(), points: 1, gate: false, fix, hints: vec![], hidden: false, why: None, fix_text, only: None, kind };
    let checks = Checks { lab: "l".into(), lab_hash: String::new(), checks: vec![check] };
    let files = Files::new(vec![File { path: file.into(), bytes: text.as_bytes().to_vec() }]);
    grade(&checks, &files, &Surroundings::default(), &mut |_| {})
}

#[test]
fn a_found_value_is_named_by_its_own_path() {
    let text = "jobs:\n  test:\n    steps:\n      - uses: actions/checkout@v4\n";
    let said = message("ci.yaml", Format::Yaml, text, "$.jobs[*].steps[?@.uses].uses", Expect::Absent(true), FixPolicy::Now);
    assert_eq!(said, "`jobs.test.steps[0].uses` is `\"actions/checkout@v4\"`; it must not be there.");
    let text = r#"{"limits": {"nvidia.com/gpu": 2}}"#;
    let said = message("a.json", Format::Json, text, "$.limits[*]", Expect::Max(1.0), FixPolicy::Now);
    assert_eq!(said, "`limits['nvidia.com/gpu']` is `2`; expected at most 1.");
}

#[test]
fn an_answer_that_waits_for_its_hints_is_a_fix_and_no_message() {
    let said = |expect, fix, author: Option<&str>| {
        let finding = report("d.yaml", Format::Yaml, "xid: 31\n", "$.xid", expect, fix, author.map(str::to_owned)).findings.remove(0);
        assert_eq!(finding.fix, finding.problems[0].fix);
        (finding.message, finding.fix.unwrap_or_default())
    };
    let words = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let equals = || Expect::Equals(79.into());
    assert_eq!(said(equals(), FixPolicy::Now, None), words("`xid` is `31`; expected `79`.", ""));
    assert_eq!(said(equals(), FixPolicy::AfterHints, None), words("`xid` is `31`, which isn't right.", "Expected in `xid`: `79`."));
    assert_eq!(said(equals(), FixPolicy::AfterHints, Some("Look it up.")), words("`xid` is `31`, which isn't right.", "Look it up."));
    assert_eq!(said(equals(), FixPolicy::Never, None), words("`xid` is `31`, which isn't right.", ""));
    let none = Expect::Absent(true);
    assert_eq!(said(none, FixPolicy::AfterHints, None), words("`xid` is `31`; it must not be there.", ""));
}

#[test]
fn a_file_that_cannot_be_read_at_all_is_not_gradable_whatever_it_is() {
    for (file, format, broken, whole) in [
        ("main.tf", Format::Hcl, "locals {\n  a = [1,\n", "locals {\n  a = 1\n}\n"),
        ("plan.json", Format::Json, "{\n  \"a\": 1,,\n}\n", "{}"),
        ("pyproject.toml", Format::Toml, "[a]\na = = 1\n", "[a]\n"),
    ] {
        let of = |text| report(file, format, text, "$.a", Expect::Absent(true), FixPolicy::Now, None);
        let why = of(broken);
        assert_eq!((why.outcome, why.score), (Graded::NotGradable, 0), "{file}");
        let message = why.message.unwrap_or_default();
        assert!(message.starts_with(&format!("No document could be read. {file}:2:")), "{message}");
        assert_eq!(of(whole).outcome, Graded::Graded, "{file}");
    }
}

#[test]
fn a_check_that_never_tells_keeps_the_answer_to_itself() {
    let ask = |text: &str, expect| message("d.yaml", Format::Yaml, text, "$.xid", expect, FixPolicy::Never);
    assert_eq!(ask("xid: 31\n", Expect::Equals(79.into())), "`xid` is `31`, which isn't right.");
    assert_eq!(ask("gpu: 1\n", Expect::Equals(79.into())), "`xid` is missing.");
    assert_eq!(ask("xid: 31\n", Expect::Contains(79.into())), "`xid` is `31`, which isn't right.");
    let filtered = "$[?@.line == 5 && @.fault == 'moving-image'].comment";
    let some = Expect::Count(Count { min: Some(1), ..Count::default() });
    let said = message("d.yaml", Format::Yaml, "comments: []\n", &filtered.replace('$', "$.comments"), some, FixPolicy::Never);
    assert_eq!(said, "Something is missing in `comments`.");
    assert_eq!(ask("xid: 79\n", Expect::Equals(79.into())), "`xid` is as it should be.");
}
