//! Every fault an author can make is named with its file and line.
use super::read::read;
use crate::engine::File;

const PROGRAM: &str = r#"title: A small program
pass: 70
skills:
  - { id: kubernetes, title: Kubernetes, about: Pods }
timeline:
  due: { weekday: sunday, time: "23:59" }
  grace_hours: 48
  late: [{ days: 5, percent: 90 }, { percent: 70 }]
graduation: { required_percent: 70, capstone: serve }
weeks:
  - number: 1
    dir: 01-start
    title: The start
    outcome: Something to show.
"#;
const WEEK: &str = "---\ntitle: The start\nminutes: 30\nskills: [kubernetes]\n---\n## One\n\nSee [the lab](/labs/serve) and [the week](/weeks/1).\n";
const QUIZ: &str = r#"id: quiz-01
title: A quiz
minutes: 5
skills: { kubernetes: 1 }
points: 10
attempts: 1
questions:
  - id: first
    points: 6
    choose: one
    variants:
      - ask: Which?
        options: { a: This, b: That }
        answer: b
        why: Because.
  - id: second
    points: 4
    choose: number
    variants:
      - ask: How many?
        answer: { value: 2, within: 0 }
        why: Count them.
"#;
const LAB: &str = r#"id: serve
title: Serve it
minutes: 30
points: 100
skills: { kubernetes: 2 }
sandbox: cpu-s
accepts: { include: ["*.yaml"], max_files: 5, max_kib: 64 }
needs: [quiz-01]
checks:
  - { id: valid, kind: kubernetes.schema, points: 10, gate: true }
  - id: memory
    kind: kubernetes.rule
    rule: res-mem-lim
    points: 40
    hints: [Look at it.]
  - id: replicas
    kind: select
    where: { kind: Deployment, name: chat }
    path: $.spec.replicas
    expect: { equals: 2 }
    points: 30
  - { id: no-secrets, kind: kubernetes.rule, rule: env-secret, points: 20, hidden: until-due }
"#;
const PRESETS: &str = r#"cpu-s:
  title: Small
  cpu: { request: "1", limit: "2" }
  memory: { request: 1Gi, limit: 2Gi }
  pods: 15
  storage: 2Gi
  pvcs: 2
  gpu: {}
  minutes: 120
  idle_minutes: 20
  longest_minutes: 360
"#;
const ROLES: &str = "- { id: sre, title: SRE, pay: much, demand: high, source: us, levels: { kubernetes: 2 } }\n";
const EXPECT: &str = "fails: [replicas]\npasses: [memory]\nwhy: One is too few.\n";

fn good() -> Vec<(&'static str, String)> {
    let lab = "01-start/serve";
    let mut files = vec![
        ("program.yaml".to_owned(), PROGRAM),
        ("presets.yaml".to_owned(), PRESETS),
        ("roles.yaml".to_owned(), ROLES),
        ("01-start/week.md".to_owned(), WEEK),
        ("01-start/quiz.yaml".to_owned(), QUIZ),
        (format!("{lab}/lab.yaml"), LAB),
        (format!("{lab}/instructions.md"), "Serve it. One hidden check looks for secrets.\n"),
        (format!("{lab}/start/a.yaml"), "kind: Pod\n"),
        (format!("{lab}/solution/a.yaml"), "kind: Deployment\n"),
        (format!("{lab}/mistakes/too-few/a.yaml"), "kind: Deployment\n"),
        (format!("{lab}/mistakes/too-few/expect.yaml"), EXPECT),
    ];
    files.sort();
    files.into_iter().map(|(path, text)| (&*path.leak(), text.to_owned())).collect()
}

fn faults(files: &[(&str, String)]) -> Vec<String> {
    let files: Vec<File> = files.iter().map(|(path, text)| File { path: (*path).to_owned(), bytes: text.clone().into_bytes() }).collect();
    read(&files).faults.iter().map(ToString::to_string).collect()
}

/// The faults after `old` became `new` in the file whose path ends so.
fn after(file: &str, old: &str, new: &str) -> Vec<String> {
    let mut files = good();
    let (_, text) = files.iter_mut().find(|(path, _)| path.ends_with(file)).unwrap();
    assert!(text.contains(old), "{file} has no {old:?}");
    *text = text.replacen(old, new, 1);
    faults(&files)
}

#[test]
fn a_good_program_has_no_fault() {
    assert_eq!(faults(&good()), Vec::<String>::new());
    let files: Vec<File> = good().into_iter().map(|(path, text)| File { path: path.to_owned(), bytes: text.into_bytes() }).collect();
    let program = read(&files).program.unwrap();
    let serve = program.lab(&"serve".parse().unwrap()).unwrap();
    assert_eq!((serve.points, serve.week, serve.checks.len(), serve.hidden()), (100, 1, 4, (1, 20)));
    assert_eq!(serve.start[0].path, "a.yaml");
    assert_eq!(program.weeks[0].labs.iter().map(super::LabId::as_str).collect::<Vec<_>>(), ["serve", "quiz-01"]);
    assert_eq!((program.passing(serve), program.length()), (70, 1));
}

/// One fault each: the file that is changed, what is replaced by what, and the one line that must be said.
const TABLE: &[(&str, &str, &str, &str)] = &[
    // program.yaml
    ("program.yaml", "pass: 70", "pas: 70", "program.yaml:1: `pass` is missing"),
    ("program.yaml", "pass: 70", "pass: 700", "program.yaml:2: `pass` is a percentage from 1 to 100, not 700"),
    ("program.yaml", "weekday: sunday", "weekday: suday", "program.yaml:6: there is no weekday \"suday\"; did you mean `sunday`?"),
    ("program.yaml", "\"23:59\"", "\"24:59\"", "program.yaml:6: \"24:59\" is no time of day such as \"23:59\""),
    (
        "program.yaml",
        "{ days: 5, percent: 90 }",
        "{ percent: 90 }",
        "program.yaml:8: only the last step of `late` may leave out `days`: it lasts to the program's end",
    ),
    ("program.yaml", "capstone: serve", "capstone: server", "program.yaml:9: there is no lab \"server\" to be the capstone; did you mean `serve`?"),
    ("program.yaml", "number: 1", "number: 2", "program.yaml:11: weeks are numbered from 1 in order: this one is 1, not 2"),
    (
        "program.yaml",
        "grace_hours: 48",
        "grace_hours: 48\n  grace: 2",
        "program.yaml:8: `grace` is not a key here; known here: due, grace_hours, late",
    ),
    // presets and roles
    ("presets.yaml", "gpu: {}", "gpu: { nvidia: 1 }", "presets.yaml:8: \"nvidia\" is no extended resource; those look like nvidia.com/gpu"),
    ("presets.yaml", "longest_minutes: 360", "longest_minutes: 60", "presets.yaml:11: `longest_minutes` is below `minutes`"),
    ("roles.yaml", "kubernetes: 2", "kubernetes: 3", "roles.yaml:1: role `sre` asks for level 3 of kubernetes; the labs prove at most 2"),
    ("roles.yaml", "kubernetes: 2", "kubernets: 2", "roles.yaml:1: program.yaml has no skill \"kubernets\"; did you mean `kubernetes`?"),
    // lessons
    ("week.md", "---\ntitle", "title", "01-start/week.md:1: the lesson begins with front matter between two lines of ---"),
    ("week.md", "minutes: 30", "minutes: long", "01-start/week.md:3: `minutes` must be a whole number, this is text"),
    ("week.md", "## One", "# One", "01-start/week.md:6: headings start at ##: the page has its own title"),
    ("week.md", "/labs/serve", "/labs/sevre", "01-start/week.md:8: there is no lab \"sevre\" to link to; did you mean `serve`?"),
    ("week.md", "/weeks/1", "/weeks/9", "01-start/week.md:8: there is no week \"9\" to link to"),
    (
        "week.md",
        "skills: [kubernetes]",
        "skills: [kubernetes]\nlabs: [sevre]",
        "01-start/week.md:5: the week has no lab \"sevre\"; did you mean `serve`?",
    ),
    // a lab
    ("lab.yaml", "id: serve", "id: serving", "01-start/serve/lab.yaml:1: `id` must be the folder's name, \"serve\""),
    (
        "lab.yaml",
        "id: serve",
        "id: Serve",
        "01-start/serve/lab.yaml:1: a lab's id is made of a to z, 0 to 9 and -, at most 60 of them; \"Serve\" isn't",
    ),
    ("lab.yaml", "title: Serve it", "titel: Serve it", "01-start/serve/lab.yaml:2: `titel` is not a key here; did you mean `title`?"),
    ("lab.yaml", "points: 100", "points: 90", "01-start/serve/lab.yaml:4: `points` is 90, but the checks sum to 100"),
    (
        "lab.yaml",
        "kubernetes: 2 }",
        "kubernets: 2 }",
        "01-start/serve/lab.yaml:5: program.yaml has no skill \"kubernets\"; did you mean `kubernetes`?",
    ),
    (
        "lab.yaml",
        "kubernetes: 2 }",
        "kubernetes: 5 }",
        "01-start/serve/lab.yaml:5: the level of `kubernetes` is 1 (aware), 2 (guided), 3 (alone) or 4 (under pressure)",
    ),
    ("lab.yaml", "sandbox: cpu-s", "sandbox: cpu-x", "01-start/serve/lab.yaml:6: presets.yaml has no preset \"cpu-x\"; did you mean `cpu-s`?"),
    ("lab.yaml", "needs: [quiz-01]", "needs: [quiz-1]", "01-start/serve/lab.yaml:8: there is no lab `quiz-1` to need; did you mean `quiz-01`?"),
    ("lab.yaml", "needs: [quiz-01]", "needs: [serve]", "01-start/serve/lab.yaml:8: `needs` go round in a circle: serve → serve"),
    (
        "lab.yaml",
        "needs: [quiz-01]",
        "review: sometimes",
        "01-start/serve/lab.yaml:8: `review` is all, on request, or sample N of a hundred, not \"sometimes\"",
    ),
    ("lab.yaml", "[\"*.yaml\"]", "[\"*.tf\"]", "01-start/serve/solution/a.yaml:1: the lab accepts *.tf, so this file could never be handed in"),
    // its checks
    (
        "lab.yaml",
        "kind: kubernetes.schema",
        "kind: kubernetes.shema",
        "01-start/serve/lab.yaml:10: this grader has no kind \"kubernetes.shema\"; did you mean `kubernetes.schema`?",
    ),
    (
        "lab.yaml",
        "schema, points",
        "schema, version: \"1.20\", points",
        "01-start/serve/lab.yaml:10: there are no schemas of Kubernetes 1.20; there are those of 1.35, 1.36, 1.37",
    ),
    (
        "lab.yaml",
        "schema, points",
        "schema, version: 1.36, points",
        "01-start/serve/lab.yaml:10: `version` must be text (put it in quotes), this is a number",
    ),
    (
        "lab.yaml",
        "rule: res-mem-lim",
        "rule: res-mem-limit",
        "01-start/serve/lab.yaml:13: there is no rule \"res-mem-limit\"; did you mean `res-mem-lim`?",
    ),
    (
        "lab.yaml",
        "rule: res-mem-lim",
        "rule: res-mem-lim\n    path: $.a",
        "01-start/serve/lab.yaml:14: `path` is not a key here; it belongs to select, and this check is a kubernetes.rule",
    ),
    ("lab.yaml", "hints: [Look", "hint: [Look", "01-start/serve/lab.yaml:15: `hint` is not a key here; did you mean `hints`?"),
    (
        "lab.yaml",
        "hints: [Look",
        "fix: later\n    hints: [Look",
        "01-start/serve/lab.yaml:15: `fix` says when a fix may be shown (now, after_hints or never), not \"later\"",
    ),
    ("lab.yaml", "id: memory", "id: valid", "01-start/serve/lab.yaml:11: `valid` is there twice; the first is on line 10"),
    ("lab.yaml", "$.spec.replicas", "$.spec[", "01-start/serve/lab.yaml:19: `path` is no JSONPath (RFC 9535): "),
    ("lab.yaml", "{ equals: 2 }", "{ matches: \"(\" }", "01-start/serve/lab.yaml:20: `matches` is no regular expression: "),
    ("lab.yaml", "{ equals: 2 }", "{ equal: 2 }", "01-start/serve/lab.yaml:20: there is no expectation \"equal\"; did you mean `equals`?"),
    ("lab.yaml", "{ equals: 2 }", "{ equals: 2, min: 1 }", "01-start/serve/lab.yaml:20: `expect` has exactly one of exists, absent, "),
    ("lab.yaml", "{ equals: 2 }", "{ exists: false }", "01-start/serve/lab.yaml:20: write `absent: true` instead of `exists: false`"),
    ("lab.yaml", "{ equals: 2 }", "{ count: {} }", "01-start/serve/lab.yaml:20: `count` needs min, max or equals"),
    (
        "lab.yaml",
        "    path: $",
        "    format: toml\n    path: $",
        "01-start/serve/lab.yaml:18: `where` picks Kubernetes objects; leave it out with this format",
    ),
    (
        "lab.yaml",
        "    path: $",
        "    file: \"*.toml\"\n    path: $",
        "01-start/serve/lab.yaml:16: check `replicas` is unreachable: no file of the solution matches \"*.toml\"",
    ),
    (
        "lab.yaml",
        "kind: kubernetes.rule, rule: env-secret",
        "kind: terraform.static, rule: parses",
        "01-start/serve/lab.yaml:22: check `no-secrets` is unreachable: the solution has no .tf file",
    ),
    ("lab.yaml", "hidden: until-due", "hidden: always", "01-start/serve/lab.yaml:22: `hidden` is `until-due` or left out, not \"always\""),
    (
        "lab.yaml",
        "{ equals: 2 }\n",
        "{ equals: 2 }\n    hidden: until-due\n",
        "01-start/serve/lab.yaml:16: hidden checks have 50 of 100 points; more than 20 % may not be hidden",
    ),
    (
        "instructions.md",
        "hidden",
        "secret",
        "01-start/serve/instructions.md:1: the lab has hidden checks, and the instructions don't say so (the word \"hidden\")",
    ),
    (
        "lab.yaml",
        "rule: res-mem-lim\n",
        "rule: res-mem-lim\n    where: { kind: Service }\n",
        "01-start/serve/lab.yaml:11: check `memory` is unreachable: rule res-mem-lim never looks at a Service",
    ),
    // its mistakes
    (
        "expect.yaml",
        "[replicas]",
        "[replica]",
        "01-start/serve/mistakes/too-few/expect.yaml:1: the lab has no check `replica`; did you mean `replicas`?",
    ),
    ("expect.yaml", "[memory]", "[replicas]", "01-start/serve/mistakes/too-few/expect.yaml:2: check `replicas` can't both fail and pass"),
    ("expect.yaml", "[replicas]", "[]", "01-start/serve/mistakes/too-few/expect.yaml:1: a mistake fails at least one check"),
    ("expect.yaml", "why:", "because:", "01-start/serve/mistakes/too-few/expect.yaml:3: `because` is not a key here; known here: fails, passes, why"),
    // a quiz
    ("quiz.yaml", "points: 10", "points: 11", "01-start/quiz.yaml:5: `points` is 11, but the questions sum to 10"),
    ("quiz.yaml", "choose: one", "choose: ones", "01-start/quiz.yaml:10: `choose` is one, many, number or text, not \"ones\"; did you mean `one`?"),
    ("quiz.yaml", "answer: b", "answer: c", "01-start/quiz.yaml:14: `answer` names option \"c\"; there are a, b"),
    ("quiz.yaml", "{ a: This, b: That }", "{ b: That }", "01-start/quiz.yaml:13: there are fewer than two options to choose from"),
    ("quiz.yaml", "within: 0", "within: -1", "01-start/quiz.yaml:21: `within` can't be below 0"),
    ("quiz.yaml", "id: second", "id: first", "01-start/quiz.yaml:16: `first` is there twice; the first is on line 8"),
    ("quiz.yaml", "id: quiz-01", "id: serve", "01-start/quiz.yaml:1: the id `serve` is taken by 01-start/serve/lab.yaml"),
    (
        "quiz.yaml",
        "attempts: 1",
        "attempts: 2",
        "01-start/quiz.yaml:8: question `first` has too few variants for 2 attempts, 1: each attempt asks a new one",
    ),
    ("quiz.yaml", "attempts: 1", "attempts: 1\nneeds: [serve]", "01-start/quiz.yaml:7: `needs` go round in a circle: quiz-01 → serve → quiz-01"),
    ("quiz.yaml", "questions:", "questions: {{", "01-start/quiz.yaml:8: this is not YAML: "),
];

#[test]
fn each_fault_is_named_with_file_and_line() {
    let mut wrong = Vec::new();
    for (file, old, new, expected) in TABLE {
        let said = after(file, old, new);
        if !said.iter().any(|line| line.starts_with(expected)) {
            wrong.push(format!("{file}: {old:?} → {new:?}\n  wanted {expected}\n  got    {}", said.join("\n         ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_faults_are_listed_in_one_pass() {
    let said = after("lab.yaml", "title: Serve it\nminutes: 30\npoints: 100", "titel: Serve it\nminutes: x\npoints: 100\nrule: x");
    let expected = [
        "01-start/serve/lab.yaml:1: `title` is missing",
        "01-start/serve/lab.yaml:2: `titel` is not a key here; did you mean `title`?",
        "01-start/serve/lab.yaml:3: `minutes` must be a whole number, this is text",
        "01-start/serve/lab.yaml:5: `rule` is not a key here; ",
    ];
    assert_eq!(said.len(), expected.len(), "one fault doesn't cause others: {said:#?}");
    for line in expected {
        assert!(said.iter().any(|s| s.starts_with(line)), "{line} is not among {said:#?}");
    }
}

#[test]
fn files_that_belong_nowhere_are_named() {
    let table = [
        (
            "prgram.yaml",
            "prgram.yaml:1: beside the weeks there are program.yaml, presets.yaml, roles.yaml; this is none of them; did you mean `program.yaml`?",
        ),
        ("01-strat/week.md", "01-strat/week.md:1: no week of program.yaml has the folder \"01-strat\"; did you mean `01-start`?"),
        (
            "01-start/quizz.yaml",
            "01-start/quizz.yaml:1: a week has week.md, quiz.yaml and a folder a lab; this is none of them; did you mean `quiz.yaml`?",
        ),
        ("01-start/other/start/x", "01-start/other/lab.yaml:1: this file is missing: every folder of a week is a lab"),
        (
            "01-start/serve/mistakes/bare/a.yaml",
            "01-start/serve/mistakes/bare/expect.yaml:1: this file is missing: it names the checks that must fail and those that must pass",
        ),
        (
            "01-start/serve/notes.txt",
            "01-start/serve/notes.txt:1: a lab has lab.yaml, instructions.md, start/, given/, solution/ and mistakes/; this is none of them",
        ),
    ];
    for (path, expected) in table {
        let mut files = good();
        files.push((path, "x: 1\n".into()));
        files.sort();
        let said = faults(&files);
        assert!(said.iter().any(|line| line == expected), "{path}: {said:#?}");
    }
}

#[test]
fn nodes_are_read_where_a_check_names_them() {
    let good_node = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {allocatable: {cpu: 4, memory: 16Gi, pods: 110}}\n";
    for (given, text, expected) in [
        ("two.yaml", good_node.to_owned(), None),
        ("other.yaml", good_node.to_owned(), Some("there is no file given/two.yaml beside this one")),
        ("two.yaml", good_node.replace("16Gi", "16GB"), Some("the file of nodes is wrong on line 4: `memory` is no quantity")),
        (
            "two.yaml",
            good_node.replace("status", "states"),
            Some("the file of nodes is wrong on line 4: a Node has no field `states` here, did you mean `status`?"),
        ),
    ] {
        let mut files = good();
        let (_, lab) = files.iter_mut().find(|(path, _)| *path == "01-start/serve/lab.yaml").unwrap();
        *lab = lab.replace("kind: kubernetes.rule\n    rule: res-mem-lim", "kind: kubernetes.scheduling\n    nodes: two.yaml");
        let path = format!("01-start/serve/given/{given}");
        files.push((path.as_str(), text));
        files.sort();
        let said = faults(&files);
        match expected {
            None => assert_eq!(said, Vec::<String>::new()),
            Some(expected) => assert!(said.iter().any(|s| s.ends_with(expected)), "{expected}: {said:#?}"),
        }
    }
}

#[test]
fn a_cost_is_compared_with_the_files_of_a_folder() {
    let dear = "provider \"aws\" {\n  region = \"us-east-1\"\n}\nresource \"aws_instance\" \"a\" {\n  instance_type = \"p4d.24xlarge\"\n}\n";
    for (keys, given, expected) in [
        ("monthly_below: 900", None, Some("check `memory` is unreachable: the solution has no .tf file")),
        ("at: largest", None, Some("the check asks for nothing: `monthly_below` in US dollars, or `saves`")),
        ("monthly_below: 0", None, Some("`monthly_below` is above 0, in whole US dollars")),
        ("monthly_below: 9, at: maximum", None, Some("`at` is start or largest, which size of the groups counts, not \"maximum\"")),
        ("saves: { percent: 40, against: baseline }", Some(dear.to_owned()), Some("check `memory` is unreachable: the solution has no .tf file")),
        (
            "saves: { percent: 40, against: basline }",
            Some(dear.to_owned()),
            Some("there is no folder given/basline beside this file; did you mean `baseline`?"),
        ),
        ("saves: { percent: 400, against: baseline }", Some(dear.to_owned()), Some("`percent` is between 1 and 100")),
        (
            "saves: { percent: 40, against: baseline }",
            Some(dear.replace("p4d.24xlarge", "p4d.25xlarge")),
            Some("what given/baseline costs can't be told: `aws_instance.a`, its instances: there is no type p4d.25xlarge"),
        ),
    ] {
        let mut files = good();
        let (_, lab) = files.iter_mut().find(|(path, _)| *path == "01-start/serve/lab.yaml").unwrap();
        let lines: String = keys
            .split_inclusive("}")
            .flat_map(|k| if k.contains('{') { vec![k] } else { k.split(", ").collect() })
            .map(|k| format!("\n    {k}"))
            .collect();
        *lab = lab.replace("kind: kubernetes.rule\n    rule: res-mem-lim", &format!("kind: cost{lines}"));
        files.extend(given.map(|text| ("01-start/serve/given/baseline/main.tf", text)));
        files.sort();
        let said = faults(&files);
        assert!(expected.is_none_or(|e| said.iter().any(|s| s.ends_with(e))), "{keys}: {said:#?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let table = [
        ("01-start/week.md", "01-start/week.md:1: this file is missing: it is the week's lesson"),
        ("program.yaml", "program.yaml:1: this file is missing: it lists the weeks"),
        ("01-start/serve/solution/a.yaml", "01-start/serve/lab.yaml:1: there is no solution/ beside it"),
        ("01-start/serve/instructions.md", "01-start/serve/lab.yaml:1: instructions.md is missing or empty"),
    ];
    for (path, expected) in table {
        let files: Vec<_> = good().into_iter().filter(|(p, _)| *p != path).collect();
        let said = faults(&files);
        assert!(said.iter().any(|line| line == expected), "{path}: {said:#?}");
    }
}

#[test]
fn the_hash_names_the_content() {
    let as_files = |files: Vec<(&str, String)>| -> Vec<File> {
        files.into_iter().map(|(path, text)| File { path: path.to_owned(), bytes: text.into_bytes() }).collect()
    };
    let hash = |files: &[File]| {
        let program = read(files).program.unwrap();
        (program.hash.clone(), program.labs().map(|lab| lab.hash.clone()).collect::<Vec<_>>())
    };
    let (program, labs) = hash(&as_files(good()));
    let mut changed = good();
    changed.iter_mut().find(|(path, _)| path.ends_with("week.md")).unwrap().1.push_str("\nMore.\n");
    let (program_after, labs_after) = hash(&as_files(changed));
    assert_ne!(program, program_after, "another lesson is another version");
    assert_eq!(labs, labs_after, "but the same labs");
    let mut changed = good();
    changed.iter_mut().find(|(path, _)| path.ends_with("start/a.yaml")).unwrap().1.push('\n');
    let (_, labs_after) = hash(&as_files(changed));
    assert!(labs[0] != labs_after[0] && labs[1] == labs_after[1], "a lab's hash is its own folder's");
}
