//! `groundcrew grade` and `groundcrew lint` as somebody at a terminal, or a pipeline, meets them.
use groundcrew::curriculum;
use groundcrew::engine::check::{Answer, Kind};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

fn groundcrew(args: &[&str], dir: &Path) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_groundcrew")).args(args).current_dir(dir).env_remove("GROUNDCREW_LABS").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ended { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A folder of this test alone.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command_line").join(name);
    drop(std::fs::remove_dir_all(&dir));
    for (path, text) in files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("labs/09-kubernetes-workloads/chat-in-a-quota")
}

const FAULTY: &str = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: a }\ndata:\n  b: 1: 2\n";

#[test]
fn lint_points_at_the_fault_and_ends_with_1() {
    let dir = folder("points", &[("k8s/a.yaml", FAULTY), (".git/b.yaml", FAULTY), ("c.txt", FAULTY)]);
    let ended = groundcrew(&["lint", "."], &dir);
    assert_eq!((ended.code, ended.err.as_str()), (1, ""));
    insta::assert_snapshot!(ended.out, @r"
    k8s/a.yaml:5:7 error: a `:` can't stand here: either the line is indented too far, or the text before it needs quotes [yaml]
        5 │   b: 1: 2
          │       ^

    1 error, 0 warnings, 0 notes in 1 file
    ");
}

#[test]
fn who_reads_only_the_beginning_makes_no_error() {
    use std::process::Stdio;
    let lab_ = lab();
    let labs = lab_.ancestors().nth(2).unwrap();
    // More than a pipe holds, so that writing meets the closed end whenever that is.
    let pods: String = (0..200)
        .map(|n| format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: a{n}}}\nspec: {{containers: [{{name: a, image: a}}]}}\n"))
        .collect();
    let dir = folder("beginning", &[("a.yaml", &pods)]);
    let labs = labs.to_str().unwrap();
    for args in [vec!["lint", "--json", "."], vec!["lint", "."], vec!["grade", "chat-in-a-quota", "--json", "--labs", labs, "."]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew"));
        let mut child = command.args(&args).current_dir(&dir).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(1), ""), "{args:?}");
    }
}

#[test]
fn lint_prints_json_of_one_shape() {
    let dir = folder("json", &[("a.yaml", FAULTY), ("compose.yaml", "services: {}\n")]);
    let ended = groundcrew(&["lint", "--json", "a.yaml", "compose.yaml"], &dir);
    assert_eq!(ended.code, 1);
    insta::assert_json_snapshot!(ended.json(), @r#"
    {
      "format": 1,
      "findings": [
        {
          "rule": "yaml",
          "severity": "error",
          "message": "a `:` can't stand here: either the line is indented too far, or the text before it needs quotes",
          "file": "a.yaml",
          "line": 5,
          "column": 7,
          "end_line": 5,
          "end_column": 8,
          "why": null,
          "fix": null
        },
        {
          "rule": "not-kubernetes",
          "severity": "info",
          "message": "this document has neither `apiVersion` nor `kind`: it is no Kubernetes object and was passed over",
          "file": "compose.yaml",
          "line": 1,
          "column": 1,
          "end_line": 1,
          "end_column": 2,
          "why": null,
          "fix": null
        }
      ],
      "ignored_count": 0,
      "ignored": []
    }
    "#);
}

#[test]
fn lint_says_what_comments_took_out() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n# groundcrew:ignore schema a field of a patched server\ndate: {}\n";
    let dir = folder("ignored", &[("a.yaml", text)]);
    let (plain, json) = (groundcrew(&["lint", "."], &dir), groundcrew(&["lint", "--json", "."], &dir).json());
    assert_eq!(plain.code, 0, "{}", plain.out);
    assert!(plain.out.contains("1 finding ignored, as comments say:\n    a.yaml:5:1 [schema] a field of a patched server\n"), "{}", plain.out);
    assert_eq!((&json["ignored_count"], &json["ignored"][0]["rule"], &json["ignored"][0]["line"]), (&1.into(), &"schema".into(), &5.into()));
}

#[test]
fn lint_keeps_the_rules_notes_to_itself_unless_asked() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: \"a:1\"}]}\n";
    let dir = folder("notes", &[("a.yaml", pod)]);
    let (plain, notes, failing) =
        (groundcrew(&["lint", "."], &dir), groundcrew(&["lint", ".", "--notes"], &dir), groundcrew(&["lint", ".", "--fail-on", "info"], &dir));
    assert!(!plain.out.contains(" info: ") && plain.out.contains("of the notes not shown: `--notes` shows them"), "{}", plain.out);
    for all in [notes, failing] {
        assert!(all.out.contains(" info: ") && !all.out.contains("not shown"), "{}", all.out);
    }
}

#[test]
fn lint_ends_as_the_worst_finding_says() {
    let dir = folder("severity", &[("compose.yaml", "services: {}\n")]);
    assert_eq!(groundcrew(&["lint", "."], &dir).code, 0);
    assert_eq!(groundcrew(&["lint", ".", "--fail-on", "info"], &dir).code, 1);
    assert_eq!(groundcrew(&["lint", "nowhere"], &dir).code, 2);
    assert_eq!(groundcrew(&["lint"], &dir).code, 2);
    assert!(groundcrew(&["lint", "."], &folder("empty", &[("a.txt", "")])).err.contains("there is no .yaml, .yml or .tf file there"));
}

#[test]
fn a_mistyped_name_is_misuse_and_makes_nothing() {
    let dir = folder("slips", &[("a", "\u{1}\u{2} no manifest"), ("a.yaml", "a: 1\n")]);
    for (args, says) in [
        (vec!["lint", "a"], "not a kind of file"),
        (vec!["lint", "/dev/zero"], "neither a file nor a folder"),
        (vec!["user", "list", "--data", "nope"], "there is no database in nope"),
        (vec!["work", "--data", "nope"], "there is no database in nope"),
        (vec!["keys", "rotate", "--data", "nope"], "no root key"),
        (vec!["backup", "--data", "nope", "b"], "there is no database in nope"),
        (vec!["backup", "-"], "name one"),
    ] {
        let ended = groundcrew(&args, &dir);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
    }
    let mut left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["a", "a.yaml"]);
}

#[test]
fn lint_refuses_hostile_files_and_prints_nothing_they_smuggle_in() {
    let laughs = (0..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string(), |text, n| {
        text + &format!("a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 9].join(", "))
    });
    let dir = folder("hostile", &[("laughs.yaml", &laughs), ("escape.yaml", "a: \x1b[2J\x1b]0;x\x07: b\n"), ("deep.yaml", &"- ".repeat(20_000))]);
    let ended = groundcrew(&["lint", "."], &dir);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("unfolds to more than 200000 values") && ended.out.contains("nested deeper than 64"), "{}", ended.out);
    assert!(!ended.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", ended.out);
}

#[test]
fn a_solution_earns_every_point_that_a_grader_can_give() {
    let ended = groundcrew(&["grade", "chat-in-a-quota", ".", "--json"], &lab().join("solution"));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let report = ended.json();
    assert_eq!((&report["format"], &report["lab"], &report["outcome"]), (&1.into(), &"chat-in-a-quota".into(), &"graded".into()));
    assert_eq!(report["score"].as_u64().unwrap() + report["open"].as_u64().unwrap(), report["max"].as_u64().unwrap());
}

#[test]
fn a_mistake_is_shown_with_its_line_and_ends_with_1() {
    let dir = lab().join("mistakes/four-faults");
    let ended = groundcrew(&["grade", "chat-in-a-quota", "."], &dir);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    for words in ["✗ valid", "deployment.yaml:", "imagePullPolicy", "^^^", " of 100 points"] {
        assert!(ended.out.contains(words), "{words} is missing from {}", ended.out);
    }
    assert!(!ended.out.contains('\x1b'), "colours in a pipe");
}

#[test]
fn what_cannot_be_graded_ends_with_3_and_what_cannot_be_asked_with_2() {
    let dir = folder("broken", &[("deployment.yaml", "a: b: c\n")]);
    let ended = groundcrew(&["grade", "chat-in-a-quota", "."], &dir);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("No document could be read. deployment.yaml:1:5"), "{}", ended.out);
    let ended = groundcrew(&["grade", "chat-in-quota", "."], &dir);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("did you mean `chat-in-a-quota`?"), "{}", ended.err);
    assert_eq!(groundcrew(&["grade", "chat-in-a-quota", "nowhere"], &dir).code, 2);
}

#[test]
fn a_quiz_asks_by_attempt() {
    let program = curriculum::read::read(&curriculum::load::embedded().unwrap()).program.unwrap();
    let quiz = program.labs().find(|l| l.id.as_str() == "quiz-09").unwrap();
    // A question whose first two variants have different answers.
    let (id, points, first) = quiz
        .checks
        .iter()
        .find_map(|check| match &check.kind {
            Kind::Quiz(question) => match (&question.variant(1)?.answer, &question.variant(2)?.answer) {
                (Answer::One(first), Answer::One(second)) if first != second => Some((&check.id, u64::from(check.points), first)),
                _ => None,
            },
            _ => None,
        })
        .unwrap();
    let dir = folder("quiz", &[("answers.yaml", &format!("{id}: {first}\n"))]);
    let of = |attempt: &str| groundcrew(&["grade", "quiz-09", ".", "--json", "--attempt", attempt], &dir).json()["score"].as_u64().unwrap();
    assert_eq!((of("1"), of("2")), (points, 0));
}
