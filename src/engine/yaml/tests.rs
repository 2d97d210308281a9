//! What the reader promises: values as Kubernetes has them, places, every duplicate, and no file that hurts.
use super::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

fn kubernetes(text: &str) -> Stream {
    read("f.yaml", text.as_bytes(), Dialect::Kubernetes)
}

fn one(text: &str, dialect: Dialect) -> Json {
    let stream = read("f.yaml", text.as_bytes(), dialect);
    assert_eq!(stream.problems, [], "{text:?}");
    assert_eq!(stream.documents.len(), 1, "{text:?}");
    stream.documents[0].root.to_json()
}

/// The problems as `line:column message`.
fn told(text: &str) -> Vec<String> {
    let place = |p: &Problem| p.place.as_ref().map_or("?".into(), |at| format!("{}:{}", at.line, at.column));
    kubernetes(text).problems.iter().map(|p| format!("{} {}", place(p), p.message)).collect()
}

fn notes(text: &str) -> Vec<String> {
    kubernetes(text).notes.into_iter().map(|p| p.message).collect()
}

/// Scalars with what Kubernetes makes of them, seen with kubectl 1.32; the last test asks the kubectl that is there.
pub(super) fn scalars() -> Vec<(&'static str, Json)> {
    vec![
        ("0644", json!(420)),
        ("0o17", json!(15)),
        ("0O17", json!(15)),
        ("08", json!(8)),
        ("0_7", json!(7)),
        ("00", json!(0)),
        ("-0", json!(0)),
        ("0x1F", json!(31)),
        ("0X1f", json!(31)),
        ("+0x1F", json!(31)),
        ("0b11", json!(3)),
        ("0B1", json!(1)),
        ("-0b11", json!(-3)),
        ("0o8", json!("0o8")),
        ("0x", json!("0x")),
        ("0b2", json!("0b2")),
        ("1_000", json!(1000)),
        ("1__0", json!(10)),
        ("1_", json!(1)),
        ("+12", json!(12)),
        ("--1", json!("--1")),
        ("+-1", json!("+-1")),
        ("9223372036854775807", json!(i64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808.0)),
        ("-9223372036854775809", json!(-9_223_372_036_854_775_808.0)),
        ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
        ("1.0", json!(1)),
        ("1.10", json!(1.1)),
        ("1.", json!(1)),
        ("1._5", json!(1.5)),
        (".5", json!(0.5)),
        (".5_0", json!(0.5)),
        ("._5", json!("._5")),
        ("-.5", json!(-0.5)),
        (".", json!(".")),
        (".e3", json!(".e3")),
        ("1e3", json!(1000)),
        ("1.e3", json!(1000)),
        ("1e+3", json!(1000)),
        ("1e", json!("1e")),
        ("1e25", json!(1e25)),
        ("1e400", json!("1e400")),
        ("-0.0", json!(0)),
        ("y", json!(true)),
        ("Y", json!(true)),
        ("yes", json!(true)),
        ("YES", json!(true)),
        ("yEs", json!("yEs")),
        ("on", json!(true)),
        ("n", json!(false)),
        ("No", json!(false)),
        ("OFF", json!(false)),
        ("true", json!(true)),
        ("tRue", json!("tRue")),
        ("False", json!(false)),
        ("~", json!(null)),
        ("null", json!(null)),
        ("NULL", json!(null)),
        ("nULL", json!("nULL")),
        ("", json!(null)),
        ("12:30:45", json!("12:30:45")),
        ("190:20:30", json!("190:20:30")),
        ("2001-01-01", json!("2001-01-01")),
        ("2001-12-14t21:59:43.10-05:00", json!("2001-12-14t21:59:43.10-05:00")),
        ("1.2.3", json!("1.2.3")),
        ("v1", json!("v1")),
        ("100m", json!("100m")),
        ("1Gi", json!("1Gi")),
        ("'yes'", json!("yes")),
        ("\"0644\"", json!("0644")),
        ("!!str 0644", json!("0644")),
        ("!!int \"3\"", json!(3)),
        ("!!float 3", json!(3)),
        ("!!bool \"on\"", json!(true)),
        ("!!null \"\"", json!(null)),
        ("!!str", json!("")),
        ("!thing 12", json!("12")),
        ("! 12", json!("12")),
        ("!!binary aGVsbG8=", json!("hello")),
        ("!!timestamp 2001-01-01", json!("2001-01-01")),
        ("\"\\u00e9\\x41\\n\"", json!("éA\n")),
        ("<<", json!("<<")),
        ("=", json!("=")),
        ("a#b", json!("a#b")),
        ("a #b", json!("a")),
    ]
}

#[test]
fn scalars_mean_what_kubernetes_makes_of_them() {
    for (text, expected) in scalars() {
        assert_eq!(one(&format!("v: {text}\n"), Dialect::Kubernetes), json!({ "v": expected }), "{text:?}");
    }
}

#[test]
fn the_core_schema_reads_words_as_words() {
    let table = [
        ("no", json!("no")),
        ("on", json!("on")),
        ("0644", json!(644)),
        ("0o644", json!(420)),
        ("0x1F", json!(31)),
        ("0b1", json!("0b1")),
        ("1_000", json!("1_000")),
        ("1e3", json!(1000.0)),
        ("18446744073709551615", json!(u64::MAX)),
        ("12e03", json!(12000.0)),
        (".inf", Json::Null),
        ("True", json!(true)),
        ("~", json!(null)),
        ("+12", json!(12)),
        ("0x+1", json!("0x+1")),
    ];
    for (text, expected) in table {
        assert_eq!(one(&format!("on: {text}\n"), Dialect::Core), json!({ "on": expected }), "{text:?}");
    }
}

#[test]
fn keys_become_strings_as_json_needs_them() {
    let keys = "1.5: a\n1e6: b\n0x10: c\n3.0: d\non: e\n1234567.5: f\n";
    assert_eq!(one(keys, Dialect::Kubernetes), json!({"1.5": "a", "1e+06": "b", "16": "c", "3": "d", "true": "e", "1.2345675e+06": "f"}));
    assert_eq!(told("a: 1\n~: 2\n"), ["2:1 this key is null; write a name, in quotes if need be"]);
    assert_eq!(told("? [a]\n: 1\n"), ["1:3 a list or mapping can't be a key"]);
    assert_eq!(told("18446744073709551615: 1\n").len(), 1);
}

#[test]
fn merges_go_as_the_dialect_has_them() {
    let text = "base: &b {r: 1, q: 2}\nx:\n  r: 10\n  <<: *b\nw:\n  <<: *b\n  r: 10\nz:\n  <<: [{k: 1}, {k: 2, l: 3}]\n";
    let merged = one(text, Dialect::Kubernetes);
    assert_eq!(merged["x"], json!({"r": 1, "q": 2}));
    assert_eq!(merged["w"], json!({"r": 10, "q": 2}));
    assert_eq!(merged["z"], json!({"k": 1, "l": 3}));
    assert_eq!(one(text, Dialect::Core)["x"], json!({"r": 10, "q": 2}));
    assert_eq!(notes(text), ["`r` is overwritten by the merge (`<<`) below it: Kubernetes lets the later one win"]);
    assert_eq!(told("a:\n  <<: 3\n"), ["2:7 `<<` merges a mapping, or a list of mappings; this is neither"]);
}

#[test]
fn every_duplicate_is_told_and_the_other_documents_are_read() {
    let text = "a: 1\nb: {c: 1, \"c\": 2}\na: 2\n1: x\n'1': y\n---\nd: 1\n";
    assert_eq!(
        told(text),
        [
            "2:11 `c` is written twice in this mapping, first in line 2",
            "3:1 `a` is written twice in this mapping, first in line 1",
            "5:1 `1` is written twice in this mapping, first in line 4",
        ]
    );
    let documents = kubernetes(text).documents;
    assert_eq!(documents.iter().map(|d| d.index).collect::<Vec<_>>(), [1]);
}

#[test]
fn keys_and_values_know_their_places() {
    let text = "---\n# first\n---\nspec:\n  é: [1, {x: \"y\"}]\n  text: |\n    a\n  none:\n";
    let stream = kubernetes(text);
    let root = &stream.documents[0].root;
    let place = |span: Span| (span.start.line, span.start.column, span.end.line, span.end.column);
    let list = root.path(&["spec", "é"]).unwrap();
    assert_eq!(place(list.span), (5, 6, 5, 19));
    assert_eq!(&text[list.span.start.offset..list.span.end.offset], "[1, {x: \"y\"}]");
    let (y, key) = root.at(["spec", "é", "1", "x"]).unwrap();
    assert_eq!((place(y.span), key.map(place)), ((5, 14, 5, 17), Some((5, 11, 5, 12))));
    assert_eq!(place(root.path(&["spec", "none"]).unwrap().span), (8, 7, 8, 7));
    assert!(!y.plain && list.items()[0].plain);
}

#[test]
fn what_is_read_otherwise_than_it_looks_is_said() {
    assert_eq!(
        notes("mode: 0644\nx: no\non: 1\nt: 1.10\nu: 1_000\nh: 0x10\nplain: 12\nq: \"no\"\nb: true\nf: 0.5\n"),
        [
            "`0644` is read as 420 here, because it is octal",
            "`no` is the boolean false here: quote it if the word is meant",
            "`on` is a boolean here, so the key becomes `true`: quote it if the word is meant",
            "`1.10` is read as 1.1 here, because it is a number: quote it if the text is meant",
            "`1_000` is read as 1000 here, because underscores between digits are dropped",
            "`0x10` is read as 16 here, because it is hexadecimal",
        ]
    );
}

#[test]
fn a_mistake_is_told_at_its_place_with_its_likely_cause() {
    let table = [
        ("a:\n\tb: 1\n", "2:1 this line is indented with a tab"),
        ("a: 1\n  b: 2\n", "2:4 a `:` can't stand here"),
        ("a:\n  - b\n - c\n", "3:2 a key and `:` are expected here"),
        ("command: [\"a\", \"b\"\nargs: []\n", "1:10 the bracket that opens here is not closed before line 2"),
        ("a: {b: [1, 2\n", "1:8 "),
        ("a: 'it's'\n", "1:8 text follows a closing quote"),
        ("a: [1]]\n", "1:7 this bracket closes nothing"),
        ("a: \"x\nb: 1\n", "1:4 the quote that opens here is never closed"),
        ("a: *x\n", "1:4 this alias refers to an anchor"),
        ("a: @x\n", "1:4 a value can't begin with `@`"),
        ("a: &x [*x]\n", "1:8 this alias stands inside the value it repeats"),
        ("a: 1\n---foo\nb: 1\n", "2:4 only a comment may follow `---`"),
        ("%YAML 1.1\n---\na: 1\n", "1:1 Kubernetes reads no `%` directives"),
        ("a: 1\n...\nb: 1\n", "3:1 nothing is read after `...`"),
        ("a: .inf\n", "1:4 infinity and not-a-number"),
        ("a: !!int x\n", "1:10 `x` can't be read as `!!int`"),
        ("a: !!timestamp x\n", "1:16 `x` can't be read as `!!timestamp`"),
        ("a: {b: /health?full=1}\n", "1:8 Kubernetes can't read a `?` between brackets"),
        ("a: 1\n---\nb: 1\n\t\nc: 1\n", "4:1 there is a tab in this line"),
    ];
    for (text, expected) in table {
        let told = told(text);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{text:?}: {told:?}");
    }
}

#[test]
fn tabs_may_indent_what_stands_between_brackets() {
    let text = "data: {\n\t\"a\": [\n\t\t\"1\"\n\t],\n\t\"b\": {\n\t\t\"c\": \"2\"\n\t}\n}\n";
    assert_eq!(one(text, Dialect::Kubernetes), json!({"data": {"a": ["1"], "b": {"c": "2"}}}));
    let stream = kubernetes(text);
    let c = stream.documents[0].root.path(&["data", "b", "c"]).unwrap();
    assert_eq!((c.span.start.line, c.span.start.column), (6, 8));
}

/// Files made to hurt, with what must be said about each.
fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let laughs = (0..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string(), |text, n| {
        let aliases = vec![format!("*a{n}"); 9].join(", ");
        text + &format!("a{}: &a{} [{aliases}]\n", n + 1, n + 1)
    });
    let merges = "a: &a {".to_string()
        + &(0..2000).map(|n| format!("k{n}: 1, ")).collect::<String>()
        + "}\n"
        + &(0..99).map(|n| format!("m{n}: {{<<: *a}}\n")).collect::<String>();
    let chain = (0..70).fold("a0: &a0 [x]\n".to_string(), |text, n| text + &format!("a{}: &a{} [*a{n}]\n", n + 1, n + 1));
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(900_000), "*a, ".repeat(10_000));
    let anchors: String = (0..60).map(|n| format!("{{k{n}: &a{n} ")).collect::<String>() + &format!("[{}]", "1,".repeat(20_000)) + &"}".repeat(60);
    vec![
        ("billion laughs", laughs.into_bytes(), "unfolds to more than 200000 values"),
        ("text repeated", text.into_bytes(), "repeat more than 4 MiB"),
        ("merges", merges.into_bytes(), "more than 10000 keys"),
        ("a chain of aliases", chain.into_bytes(), "nested deeper than 64 once this alias is unfolded"),
        ("anchors in anchors", anchors.into_bytes(), "anchors inside anchors"),
        ("dashes", "- ".repeat(20_000).into_bytes(), "nested deeper than 64"),
        ("open brackets", vec![b'['; 40_000], "nested deeper than 64"),
        ("open braces", "{a: ".repeat(10_000).into_bytes(), "nested deeper than 64"),
        ("questions", "? ".repeat(20_000).into_bytes(), "nested deeper than 64"),
        ("steps", (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>().into_bytes(), "nested deeper than 64"),
        ("duplicates", "a: 1\n".repeat(100_000).into_bytes(), "`a` is written twice"),
        ("Latin-1", b"a: caf\xe9\n".to_vec(), "is not UTF-8"),
        ("UTF-16", b"\xff\xfea\0:\0 \x001\0".to_vec(), "the file is UTF-16"),
        ("NUL", b"a: \0\n".to_vec(), "a NUL byte"),
        ("escape", b"a: \x1b[2J\n".to_vec(), "U+001B"),
        ("too large", vec![b'#'; budget::BYTES + 1], "larger than 1 MiB"),
        ("documents", "--- #\na\n".repeat(300).into_bytes(), "more than 256 documents"),
        ("one long key", format!("{}: 1\n", "k".repeat(900_000)).into_bytes(), ""),
        ("nodes", format!("[{}]", "1,".repeat(210_000)).into_bytes(), "more than 200000 values"),
    ]
}

#[test]
fn hostile_files_are_refused_with_place_and_reason() {
    for (name, bytes, expected) in hostile() {
        for dialect in [Dialect::Kubernetes, Dialect::Core] {
            let stream = read("f.yaml", &bytes, dialect);
            let problem = stream.problems.first().unwrap_or_else(|| panic!("{name} was read"));
            assert!(stream.problems.iter().any(|p| p.message.contains(expected)), "{name}: {problem:?}");
            assert!(problem.place.is_some(), "{name}");
            assert!(stream.problems.len() <= budget::TOLD, "{name}");
        }
    }
}

/// A guard against a hang, not a measurement: a billion laughs left alone would take hours.
#[test]
fn hostile_files_end() {
    for (name, bytes, _) in hostile() {
        let started = Instant::now();
        let _ = read("f.yaml", &bytes, Dialect::Kubernetes);
        assert!(started.elapsed() < Duration::from_secs(30), "{name} took {:?}", started.elapsed());
    }
}

#[test]
fn a_byte_order_mark_is_skipped_and_said() {
    let stream = read("f.yaml", b"\xef\xbb\xbfa: 1\n", Dialect::Kubernetes);
    assert_eq!(stream.documents[0].root.to_json(), json!({"a": 1}));
    assert!(stream.notes[0].message.contains("byte order mark"));
}

#[test]
fn what_says_nothing_is_no_document() {
    for text in ["", "\n", "---\n", "# a\n---\n# b\n", "---\n...\n", "\u{feff}"] {
        let stream = kubernetes(text);
        assert!(stream.documents.is_empty() && stream.problems.is_empty(), "{text:?}: {stream:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 2000 } else { 20_000 }))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read("f.yaml", &bytes, Dialect::Core);
    }

    #[test]
    fn anything_that_looks_like_yaml_is_read_or_refused_and_places_are_in_the_text(
        text in "([-?:,\\[\\]{}#&*!|>'\"%@` ~.<\n\t\r]|a|é|x: |- |0|1|<<: |&a |\\*a|---\n|\\.\\.\\.\n|!!int |null|\n  |\n    ){0,60}"
    ) {
        for dialect in [Dialect::Kubernetes, Dialect::Core] {
            let stream = read("f.yaml", text.as_bytes(), dialect);
            let count = split::lines(&text).count() as u32 + 1;
            for problem in stream.problems.iter().chain(&stream.notes) {
                let place = problem.place.as_ref().unwrap();
                prop_assert!(place.line >= 1 && place.line <= count && place.column >= 1, "{place:?}");
            }
            for document in &stream.documents {
                prop_assert!(inside(&document.root, &text), "{:?}", document.root);
            }
        }
    }

    #[test]
    fn json_is_read_as_itself(value in json_values()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(one(&text, Dialect::Core), value);
    }
}

fn inside(node: &Node, text: &str) -> bool {
    let good = |span: Span| span.start.offset <= span.end.offset && text.get(span.start.offset..span.end.offset).is_some();
    good(node.span) && node.entries().iter().all(|e| good(e.key_span) && inside(&e.value, text)) && node.items().iter().all(|n| inside(n, text))
}

fn json_values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[ -~éµ\n\"]{0,12}".prop_map(Json::from)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::btree_map("[a-z\"\\\\: ]{0,6}", inner, 0..5).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}
