//! Hostile documents in the real grading child: each is refused with its place or graded, in bounded memory, and the next one is served.
mod documents;
#[path = "../../fuzz/properties.rs"]
mod properties;

use documents::{Hostile, Verdict};
use groundcrew::engine::child::Request;
use groundcrew::engine::pool::Pool;
use groundcrew::engine::report::{Graded, Outcome};
use groundcrew::engine::{File, Files, Report, Surroundings};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a document may cost beyond what a small hand-in does: 100 MB, in KiB.
const MOST_KIB: u64 = 100_000_000 >> 10;

fn request(files: Vec<File>) -> Request {
    Request::Grade { checks: properties::CHECKS.clone(), files: Files::new(files), surroundings: Surroundings::default() }
}

/// The most memory that a running process ever had, in KiB.
fn most_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The reports of these hand-ins from a child of their own, in which nothing died, and the most memory it had.
async fn graded(hand_ins: &[&Request]) -> Result<(Vec<Report>, u64), String> {
    // Generous: what takes long is a matter for the benchmarks, and machines differ.
    let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_groundcrew")), 1).with_wall(Duration::from_secs(70));
    let (mut reports, mut pids) = (Vec::new(), Vec::new());
    for request in hand_ins {
        reports.push(pool.grade(request, |_| {}).await.map_err(|e| e.to_string())?);
        pids.extend(pool.idle_pids());
    }
    pids.dedup();
    let [pid] = pids[..] else { return Err(format!("the children {pids:?} served where one would do")) };
    Ok((reports, most_memory(pid)))
}

#[tokio::test]
async fn a_hostile_document_is_refused_or_graded_and_costs_nobody_anything() {
    let small = request(vec![File { path: "pod.yaml".into(), bytes: SMALL.into() }]);
    let (as_ever, usual) = graded(&[&small]).await.unwrap();
    let mut wrong = Vec::new();
    for Hostile { name, files, verdict } in documents::all() {
        let files = files.into_iter().map(|(path, bytes)| File { path, bytes }).collect();
        // The small one after it finds the child as it was.
        match graded(&[&request(files), &small]).await {
            Err(why) => wrong.push(format!("{name}: {why}")),
            Ok((reports, most)) => {
                wrong.extend(verdict.unmet(&reports[0]).map(|why| format!("{name}: {why}")));
                if reports[1].findings != as_ever[0].findings {
                    wrong.push(format!("{name}: what came after it was graded differently"));
                }
                if most > usual + MOST_KIB {
                    wrong.push(format!("{name}: {} MiB more than a small hand-in", (most - usual) >> 10));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

const SMALL: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers: [{ name: a, image: registry.example.org/a:1 }]\n";

impl Verdict {
    /// What a report says instead.
    fn unmet(&self, report: &Report) -> Option<String> {
        let valid = &report.findings[0];
        let place = format!("{}:{} {}", valid.line.unwrap_or(0), valid.column.unwrap_or(0), valid.message);
        match self {
            Verdict::Refused(how) => (report.outcome == Graded::Graded && valid.outcome == Outcome::Passed || !place.starts_with(how))
                .then_some(format!("not refused at {how:?}, but {place}")),
            Verdict::Graded => {
                let silent = report.findings.iter().find(|f| f.message.is_empty() || f.outcome == Outcome::Error);
                silent.map(|f| format!("no word of {}: {:?} {}", f.check, f.outcome, f.message))
            }
        }
    }
}

/// All manifests of the program, in order.
fn manifests() -> Vec<String> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|e| e == "yaml") && path.metadata().unwrap().len() < 8 << 10 {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("labs"), &mut found);
    found.sort();
    let texts: Vec<String> = found.iter().filter_map(|p| std::fs::read_to_string(p).ok()).filter(|t| t.contains("apiVersion:")).collect();
    assert!(texts.len() > 20, "{} manifests", texts.len());
    texts
}

/// The words of the fuzzer's dictionary.
fn words() -> Vec<Vec<u8>> {
    let unescaped = |quoted: &str| {
        let (mut bytes, mut rest) = (Vec::new(), quoted);
        while let Some(c) = rest.chars().next() {
            let escaped = rest.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok());
            rest = &rest[if escaped.is_some() { 4 } else { c.len_utf8() }..];
            match escaped {
                Some(byte) => bytes.push(byte),
                None => bytes.extend(c.to_string().bytes()),
            }
        }
        bytes
    };
    include_str!("../../fuzz/words.dict").lines().filter_map(|l| Some(unescaped(l.strip_prefix('"')?.strip_suffix('"')?))).collect()
}

/// One change to a text: where, how much is taken away, which word is put there; a line is moved where the word is none of the list.
type Change = (prop::sample::Index, usize, usize, prop::sample::Index);

fn changed(mut bytes: Vec<u8>, changes: &[Change], words: &[Vec<u8>]) -> Vec<u8> {
    for (at, gone, word, other) in changes {
        let at = at.index(bytes.len() + 1);
        match words.get(*word) {
            Some(word) => drop(bytes.splice(at..(at + gone).min(bytes.len()), word.iter().copied())),
            None => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
                let (from, to) = (at % lines.len().max(1), other.index(lines.len().max(1)));
                if from < lines.len() {
                    let line = lines[from];
                    lines.insert(to, line);
                }
                bytes = lines.concat();
            }
        }
    }
    bytes
}

#[test]
fn what_holds_for_any_bytes_holds_for_changed_manifests() {
    let (manifests, words) = (manifests(), words());
    let change = (any::<prop::sample::Index>(), 0..12_usize, 0..words.len() * 2, any::<prop::sample::Index>());
    let strategy = (0..manifests.len(), prop::collection::vec(change, 1..5));
    // The same inputs in each run: a fuzzer looks for new ones, see tests/fuzz/run.
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner
        .run(&strategy, |(manifest, changes)| {
            properties::hold(&changed(manifests[manifest].clone().into_bytes(), &changes, &words));
            Ok(())
        })
        .unwrap();
}
