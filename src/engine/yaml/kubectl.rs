//! The same files read by Kubernetes' own parser, where there is a kubectl to ask.
use super::tests::scalars;
use super::*;
use serde_json::{Value as Json, json};
use std::process::{Command, Stdio};

/// The object kubectl reads from a text, or what it says against it. `--local` asks no server.
fn kubectl(text: &str) -> Option<Result<Json, String>> {
    use std::io::Write as _;
    let mut child = Command::new("kubectl")
        .args(["annotate", "--local", "--overwrite", "-o", "json", "-f", "-", "asked=yes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some(match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap_or(Json::Null)),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    })
}

fn object(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: asked}}\n{data}")
}

fn ours(text: &str) -> Result<Json, String> {
    let stream = read("f.yaml", text.as_bytes(), Dialect::Kubernetes);
    match (stream.documents.first(), stream.problems.first()) {
        (Some(document), None) => Ok(document.root.to_json()),
        (_, problem) => Err(format!("{problem:?}")),
    }
}

#[test]
fn kubectl_agrees_on_every_scalar() {
    let table = scalars();
    assert!(table.len() >= 60);
    let data: String = table.iter().enumerate().map(|(n, (text, _))| format!("  k{n}: {text}\n")).collect();
    let Some(answer) = kubectl(&object(&format!("data:\n{data}"))) else {
        println!("skipped: kubectl: not on the PATH");
        return;
    };
    let answer = answer.unwrap();
    for (n, (text, expected)) in table.iter().enumerate() {
        // kubectl prints an int64 or a float64; 2^63 and 9223372036854776000 are the same float.
        let said = &answer["data"][format!("k{n}")];
        let same = said == expected || (expected.is_f64() && said.as_f64() == expected.as_f64());
        assert!(same, "`{text}`: kubectl says {said}, the table {expected}");
    }
}

/// Corners of the language as the rest of an object: read by both, or refused by both.
pub(super) const FILES: &[&str] = &[
    "data:\n  r: 10\n  <<: {r: 5, q: 1}\n",
    "data:\n  r: 10\n  <<: [{r: 5, z: 1}, {r: 6, z: 2, k: 1}]\n  z: 3\n",
    "base: &b {r: 1, q: 2}\ndata: {<<: *b, q: 3}\n",
    "data:\n  1.5: 1\n  1e6: 1\n  2e7: 3\n  0x10: 2\n  3.0: 3\n  on: 4\n  1234567.5: 5\n",
    "data:\n  a: |\n    text",
    "data:\n  a: >-\n    folded\n    text\n\n    more\n",
    "data:\n  a: |+\n    keep\n\n\n  b: |2\n      two\n",
    "data: {? a : b, c, d: , e:f}\n",
    "data: {\"a\":b, \"c\":\"d\"}\n",
    "data: {\"a\":\t1,\n\t\"b\": 2}\n",
    "data: {a: 1,}\n",
    "data: !!set {a, b}\n",
    "data: \"a\n  b\"\n",
    "data: 'it''s'\n",
    "data: &a [1, *a]\n",
    "data: [a,,b]\n",
    "data: a: b\n",
    "data: @x\n",
    "data: `x\n",
    "data: *none\n",
    "data: \"\\q\"\n",
    "data: .inf\n",
    "data: {~: 1}\n",
    "data: !!int abc\n",
    "data:\n  ? [a]\n  : 1\n",
    "data:\n\ta: 1\n",
    "data:\n  a: 1\n b: 2\n",
    "data:\n- a: 1\n  - b\n",
    "data: {<<: 3}\n",
    "data: [1, 2\n",
    "data: \"open\n",
    "data:\n- a\n-\n- - b\n  - c\n",
    "data: {path: /health?full=1}\n",
    "data: [a?b]\n",
    "data: {a: \"b?c\"}\n",
    "data:\n  a: b?c\n",
    "data:\n  a: 1\n\t\n  b: 2\n",
    "data:\n  a: 1\n  \t\n  b: 2\n",
    "data:\n  a: 1\n    \t\n  b: 2\n",
    "data:\n  a: \"1\"\n    \t\n  b: 2\n",
    "data:\n  a: \"1\" # x\n\t\n  b: 2\n",
    "data:\n  # x\n\t\n  b: 2\n",
    "data:\n\t\n  b: 2\n",
    "data:\n  b: 2\n\t\n",
    "data:\n  b: \"2\"\n\t# x\n",
    "data:\n  a: |\n    x\n    \t\n    y\n",
    "data:\n  a: \"x\n\t\n    y\"\n",
    "data: {a: x,\n\t\n b: z}\n",
    "data: {\n\t\"a\": \"1\"\n}\n",
    "data: {\n\t\"a\": [\n\t\t1,\n\t\t\"2\"\n\t],\n\t\"b\": {\n\t\t\"c\": \"1\"\n\t}\n}\nx: {\n\ta: z\n}\n",
    "data: {\n\t\"a\": [\n\t\t1\n\t]\n}\n",
    "data:\n  c: {\n\t\"a\": \"1\",\n\tb: it's\n\t}\n  d: 1\n",
    "data: [\n\ta,\n\tb\n]\n",
    "data: [a:]\n",
    "data: [a:, b, c: 1, d: ]\n",
    "data: {a:}\n",
    "data: {a:, b: c}\n",
    "data: {a: [b::, c]}\n",
    "data: [1:]\n",
    "data: [{a:}]\n",
    "data: [x y:, {b}]\n",
    "data: {a: !!timestamp x}\n",
    "data: {a: !!timestamp 2001-01-01}\n",
    "data: {a: !!timestamp \"2001-1-1\"}\n",
    "data: {a: !!timestamp 2001-13-14}\n",
    "data: {a: !!timestamp 2001-12-14T21:59:43Z}\n",
    "data: {a: !!timestamp 2001-12-14t1:59:43.10-05:00}\n",
    "data: {a: !!timestamp 2001-12-14 21:59:43.10}\n",
    "data: {a: !!timestamp 2001-12-14 21:59:43.10 -5}\n",
    "data: {a: !!timestamp 2001-12-14T24:59:43Z}\n",
];

#[test]
fn kubectl_agrees_on_whole_files() {
    for file in FILES {
        let text = object(file);
        let Some(theirs) = kubectl(&text) else {
            println!("skipped: kubectl: not on the PATH");
            return;
        };
        let theirs = theirs.map(|mut object| {
            object["metadata"] = json!({"name": "asked"});
            sorted(&object)
        });
        match (&theirs, ours(&text)) {
            (Ok(theirs), Ok(own)) => assert_eq!(theirs, &sorted(&own), "{file:?}"),
            (Err(_), Err(_)) => {}
            (theirs, own) => panic!("{file:?}: kubectl {theirs:?}, we {own:?}"),
        }
    }
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
