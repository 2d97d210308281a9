//! Real manifests read by us and by the parser that Kubernetes vendors: no value may differ, and no verdict without a reason.
//!
//! `GROUNDCREW_YAML_REFERENCE` is the program that `tests/manifests/build` makes, `GROUNDCREW_MANIFESTS` folders of
//! manifests, with `:` between them; the labs are always read too.
use super::kubectl::FILES;
use super::*;
use serde::Deserialize;
use serde_json::Value as Json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the reference says of a file.
#[derive(Deserialize)]
struct Answer {
    path: PathBuf,
    documents: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    line: u32,
    #[serde(default)]
    value: Option<Json>,
    #[serde(default)]
    refused: Option<String>,
    /// What the API server has against it when it is strict: keys written twice.
    #[serde(default)]
    strict: Option<String>,
}

/// What came of a comparison.
#[derive(Default)]
struct Compared {
    files: usize,
    documents: usize,
    refused_by_both: usize,
    /// Files that are beyond our budgets, or no UTF-8: refused on purpose.
    beyond: usize,
    verdicts: Vec<String>,
    values: Vec<String>,
}

/// The program that answers as Kubernetes does, if there is one.
fn reference() -> Option<PathBuf> {
    let program = std::env::var_os("GROUNDCREW_YAML_REFERENCE").map(PathBuf::from);
    if program.is_none() {
        println!("skipped: manifests: no GROUNDCREW_YAML_REFERENCE; tests/manifests/build makes it");
    }
    program
}

fn ask(program: &Path, paths: &[PathBuf]) -> Vec<Answer> {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// All YAML files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let kind = path.symlink_metadata().unwrap();
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

fn compare(answer: &Answer, bytes: &[u8], all: &mut Compared) {
    let name = answer.path.display();
    let stream = read("f.yaml", bytes, Dialect::Kubernetes);
    all.files += 1;
    let ours = |p: &Problem| p.place.as_ref().map_or(String::new(), |at| format!("{}:{} ", at.line, at.column)) + &p.message;
    if stream.problems.iter().any(|p| BEYOND.iter().any(|b| p.message.contains(b))) {
        all.beyond += 1;
        return;
    }
    let mut documents = stream.documents.iter().peekable();
    for (n, said) in answer.documents.iter().enumerate() {
        let ends = answer.documents.get(n + 1).map_or(u32::MAX, |next| next.line);
        let own = documents.next_if(|d| d.root.span.start.line < ends);
        let empty = said.value == Some(Json::Null) && own.is_none();
        all.documents += usize::from(!empty);
        match (&said.value, own, &said.refused) {
            (Some(theirs), Some(own), _) => {
                if let Some(at) = differ(theirs, &own.root.to_json(), "") {
                    all.values.push(format!("{name}:{}: {at}", said.line));
                }
            }
            (None, None, _) => all.refused_by_both += 1,
            (_, None, _) if said.strict.is_some() => all.refused_by_both += 1,
            (Some(Json::Null), None, _) => {}
            (_, None, _) => {
                let told = stream.problems.iter().map(ours).next().unwrap_or_else(|| "nothing".into());
                all.verdicts.push(format!("{name}:{}: Kubernetes reads it, we say {told}", said.line));
            }
            (None, Some(_), refused) => {
                all.verdicts.push(format!("{name}:{}: we read it, Kubernetes says {}", said.line, refused.as_deref().unwrap_or("")));
            }
        }
    }
    assert!(documents.next().is_none(), "{name}: we read a document that isn't there");
}

/// Refusals that are ours on purpose: budgets, and text that is no UTF-8.
const BEYOND: [&str; 6] =
    ["larger than 1 MiB", "nested deeper than", "more than 256 documents", "more than 200000 values", "the file is UTF-16", "is not UTF-8"];

/// Where two values differ, as `.spec.ports[0] 80 / "80"`. Kubernetes has 64-bit integers and floats.
fn differ(theirs: &Json, ours: &Json, at: &str) -> Option<String> {
    let whole = |n: &Json| n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e18).map(|f| f as i64));
    match (theirs, ours) {
        (Json::Object(a), Json::Object(b)) if a.len() == b.len() => a.iter().find_map(|(key, value)| match b.get(key) {
            Some(other) => differ(value, other, &format!("{at}.{key}")),
            None => Some(format!("{at}.{key} is missing")),
        }),
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| differ(a, b, &format!("{at}[{n}]")))
        }
        (Json::Number(a), Json::Number(b)) => {
            let same = match (whole(theirs), whole(ours)) {
                (Some(a), Some(b)) => a == b,
                _ => a.as_f64() == b.as_f64(),
            };
            (!same).then(|| format!("{at} {a} / {b}"))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{at} {a} / {b}").chars().take(300).collect()),
    }
}

#[test]
fn real_manifests_are_read_as_kubernetes_reads_them() {
    let Some(program) = reference() else { return };
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("labs"), &mut paths);
    let labs = paths.len();
    for folder in std::env::var("GROUNDCREW_MANIFESTS").unwrap_or_default().split(':').filter(|f| !f.is_empty()) {
        files(Path::new(folder), &mut paths);
    }
    let mut all = Compared::default();
    for answer in ask(&program, &paths) {
        let bytes = std::fs::read(&answer.path).unwrap();
        compare(&answer, &bytes, &mut all);
    }
    assert!(labs > 100 && all.files == paths.len());
    println!(
        "manifests: {} files, {} documents, {} refused by both, {} files beyond our budgets, {} verdicts and {} values differ",
        all.files,
        all.documents,
        all.refused_by_both,
        all.beyond,
        all.verdicts.len(),
        all.values.len()
    );
    all.verdicts.iter().chain(&all.values).for_each(|line| println!("  {line}"));
    assert!(all.values.is_empty(), "{:#?}", all.values);
    // Odd corners of go-yaml's scanner: one document in a thousand.
    assert!(all.verdicts.len() * 1000 <= all.documents, "{:#?}", all.verdicts);
}

#[test]
fn the_files_made_for_kubectl_are_read_so_too() {
    let Some(program) = reference() else { return };
    let folder = std::env::temp_dir().join(format!("groundcrew-yaml-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let scalars = super::tests::scalars().into_iter().map(|(text, _)| format!("v: {text}\n"));
    let texts: Vec<String> = FILES.iter().map(|f| (*f).to_owned()).chain(scalars).collect();
    let paths: Vec<PathBuf> = (0..texts.len()).map(|n| folder.join(format!("{n}.yaml"))).collect();
    for (path, text) in paths.iter().zip(&texts) {
        std::fs::write(path, text).unwrap();
    }
    let mut all = Compared::default();
    for (answer, text) in ask(&program, &paths).iter().zip(&texts) {
        let before = (all.verdicts.len(), all.values.len());
        compare(answer, text.as_bytes(), &mut all);
        assert_eq!(before, (all.verdicts.len(), all.values.len()), "{text:?}: {:?} {:?}", all.verdicts.last(), all.values.last());
    }
    assert!(all.documents >= 100 && all.refused_by_both >= 15, "{} {}", all.documents, all.refused_by_both);
    std::fs::remove_dir_all(folder).unwrap();
}
