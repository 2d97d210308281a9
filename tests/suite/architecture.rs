//! The house's rules, read from the sources: which room may use what, and how large a file may grow.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder, by its path in the repository.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.to_str().unwrap().ends_with(ending) {
                let path = entry.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.insert(path, std::fs::read_to_string(&entry).unwrap());
            }
        }
    }
    found
}

/// A source without its comments and its tests.
fn code(source: &str) -> String {
    let before_tests = source.split("#[cfg(test)]\nmod ").next().unwrap_or("");
    before_tests.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn uses(source: &str, krate: &str) -> bool {
    let code = code(source);
    code.match_indices(&format!("{krate}::")).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

fn assert_none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

#[test]
fn each_crate_stays_in_its_rooms() {
    let sql = |p: &str| p.starts_with("src/db/") || p.starts_with("src/queue/") || p.ends_with("/store.rs");
    let http = |p: &str| {
        p.starts_with("src/web/")
            || p.contains("/pages")
            || p.ends_with("/api.rs")
            || p.ends_with("/mail.rs")
            || matches!(p, "src/error.rs" | "src/commands/serve.rs")
    };
    let cluster = |p: &str| p.starts_with("src/sandboxes/") || p == "src/engine/kubernetes/live.rs";
    for (path, source) in files("src", ".rs") {
        assert!(sql(&path) || !uses(&source, "sqlx"), "{path} uses sqlx: a statement belongs into its noun's store.rs");
        for krate in ["axum", "askama"] {
            assert!(http(&path) || !uses(&source, krate), "{path} uses {krate}: pages belong into a noun's pages, mails into its mail.rs");
        }
        assert!(cluster(&path) || !uses(&source, "kube"), "{path} uses kube: only sandboxes/ and engine/kubernetes/live.rs talk to a cluster");
        let at_the_border = path.contains("/pages") || path.ends_with("/work.rs") || path.ends_with("/mod.rs") || path.ends_with("/store.rs");
        assert!(!at_the_border || !code(&source).contains("Timestamp::now()"), "{path} reads the machine's clock: take app.clock.now()");
    }
}

/// Bottom to top: each may know those before it. The curriculum needs no cohort, while a cohort's due times are of its labs.
const ORDER: [&str; 16] = [
    "db",
    "secrets",
    "queue",
    "audit",
    "notices",
    "settings",
    "engine",
    "accounts",
    "curriculum",
    "cohorts",
    "sandboxes",
    "submissions",
    "gradings",
    "reviews",
    "progress",
    "careers",
];

#[test]
fn nouns_know_only_lower_nouns() {
    let mut broken = Vec::new();
    for (path, source) in files("src", ".rs") {
        let Some((noun, room)) = path.strip_prefix("src/").and_then(|p| p.split_once('/')) else { continue };
        let Some(height) = ORDER.iter().position(|n| *n == noun) else { continue };
        if matches!(room, "mod.rs" | "store.rs") {
            let code = code(&source);
            let above = ORDER[height + 1..].iter().filter(|n| code.contains(&format!("crate::{n}::")));
            broken.extend(above.map(|n| format!("{path} uses {n}")));
        }
    }
    assert_none(&broken, "A noun's mod.rs and store.rs use lower nouns only; what needs a higher one belongs there, or into pages or work:");
}

/// Which noun's each table is, as far as another's statements might look into it.
const TABLES: [(&str, &str); 22] = [
    ("jobs", "queue"),
    ("audit_entries", "audit"),
    ("notifications", "notices"),
    ("mails", "notices"),
    ("settings", "settings"),
    ("people", "accounts"),
    ("sign_ins", "accounts"),
    ("tokens", "accounts"),
    ("programs", "curriculum"),
    ("cohorts", "cohorts"),
    ("instructors", "cohorts"),
    ("enrolments", "cohorts"),
    ("invitations", "cohorts"),
    ("extensions", "cohorts"),
    ("submissions", "submissions"),
    ("submission_files", "submissions"),
    ("gradings", "gradings"),
    ("findings", "gradings"),
    ("openings", "gradings"),
    ("reviews", "reviews"),
    ("marks", "reviews"),
    ("lab_overrides", "progress"),
];

#[test]
fn statements_look_into_tables_of_lower_nouns_only() {
    let mut broken = Vec::new();
    for (path, source) in files("src", "/store.rs") {
        let height = |noun: &str| ORDER.iter().position(|n| *n == noun);
        let Some(own) = path.split('/').nth(1).and_then(height) else { continue };
        let code = code(&source);
        let words: Vec<&str> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        for pair in words.windows(2).filter(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0])) {
            let Some((table, noun)) = TABLES.iter().find(|(table, _)| *table == pair[1]) else { continue };
            // Whether an attempt is used up is known by its grading alone.
            if height(noun) > Some(own) && (path.as_str(), *table) != ("src/submissions/store.rs", "gradings") {
                broken.push(format!("{path} looks into {table}, which is {noun}'s"));
            }
        }
    }
    assert_none(
        &broken,
        "A statement looks into its own noun's tables and lower ones'; what needs a higher one belongs there, or pages put both together:",
    );
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let sources = || files("src", ".rs").into_iter().chain(files("tests", ".rs"));
    let large: Vec<String> =
        sources().map(|(p, s)| (p, s.lines().count())).filter(|(_, n)| *n > 500).map(|(p, n)| format!("{p}: {n} lines")).collect();
    assert_none(&large, "No file over 500 lines: split it where a sentence could name the part.");
    let silent: Vec<String> = sources().filter(|(_, s)| !s.starts_with("//! ")).map(|(p, _)| p).collect();
    assert_none(&silent, "Every file opens with one `//!` sentence.");
}

#[test]
fn every_template_is_one_structs_or_a_part_of_others() {
    let templates = files("templates", "");
    let sources: String = files("src", ".rs").into_values().collect();
    let all: String = templates.values().cloned().collect();
    let mut broken = Vec::new();
    for path in templates.keys() {
        let name = path.strip_prefix("templates/").unwrap();
        let structs = sources.matches(&format!("path = \"{name}\"")).count();
        let is_part = ["extends", "include", "import"].iter().any(|how| all.contains(&format!("{how} \"{name}\"")));
        if structs > 1 || (structs == 0 && !is_part) {
            broken.push(format!("{name}: {structs} structs"));
        }
        if templates[path].contains("|safe") {
            broken.push(format!("{name} marks something as safe: give it a type that proves it instead"));
        }
    }
    assert_none(&broken, "Each template belongs to one struct, or is a part that others use:");
}
