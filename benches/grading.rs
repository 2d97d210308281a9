//! Grading one manifest: in this process, and through a child as the portal does it. Then a folder's files per CPU second: the one that
//! `GROUNDCREW_BENCH_DIR` names, or the labs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that can't be set up ends")]
mod measure;

use groundcrew::curriculum::load;
use groundcrew::engine::check::Surroundings;
use groundcrew::engine::child::Request;
use groundcrew::engine::kubernetes::{Kubernetes, sources};
use groundcrew::engine::pool::Pool;
use groundcrew::engine::{File, Files, grade, lint};
use measure::Times;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    measure::machine();
    let files = load::embedded().expect("the program is not embedded");
    let program = load::stored(&files).unwrap();
    let lab = program.lab(&"chat-in-a-quota".parse().unwrap()).unwrap().for_engine();
    let solution =
        files.iter().filter_map(|f| Some(File { path: f.path.split_once("/chat-in-a-quota/solution/")?.1.to_owned(), bytes: f.bytes.clone() }));
    let solution = Files::new(solution.collect());
    println!("chat-in-a-quota: {} files, {} checks", solution.len(), lab.checks.len());

    let alone = measure::each(500, || {
        let report = grade(&lab, &solution, &Surroundings::default(), &mut |_| ());
        assert!(report.score > 0);
    });
    alone.print("grading in this process");
    measure::each(300, || drop(lint::lint(&solution))).print("all rules over the same files");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = Pool::new(env!("CARGO_BIN_EXE_groundcrew").into(), 1);
    let request = Request::Grade { checks: lab.clone(), files: solution.clone(), surroundings: Surroundings::default() };
    let first = Instant::now();
    runtime.block_on(pool.grade(&request, |_| ())).unwrap();
    println!("{:<58} {:.1?}", "the first grading of a new child, schemas read", first.elapsed());
    let mut times = Vec::new();
    for _ in 0..300 {
        let start = Instant::now();
        runtime.block_on(pool.grade(&request, |_| ())).unwrap();
        times.push(start.elapsed());
    }
    let child = Times::new(times);
    child.print("grading in a child that is at hand");
    measure::ratio("a child against this process", &child, &alone, "the price of safety");

    let folder = std::env::var("GROUNDCREW_BENCH_DIR").unwrap_or_else(|_| "labs".into());
    let mut files = Vec::new();
    manifests(Path::new(&folder), &mut files);
    let files = Files::new(files);
    println!("{folder}: {} manifests", files.len());
    // In turns, so that a drifting machine moves both.
    let (mut schema, mut rules) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        schema.push(on_cpu(|| {
            let streams: Vec<_> = files.iter().map(|f| sources::read(&f.path, &f.bytes)).collect();
            drop(Kubernetes::read(&files, &streams).schema(lint::VERSION, None).unwrap());
        }));
        rules.push(on_cpu(|| drop(lint::lint(&files))));
    }
    let (schema, rules) = (Times::new(schema), Times::new(rules));
    for (what, times) in [("YAML, schema and values, on the CPU", &schema), ("the same with all rules, on the CPU", &rules)] {
        times.print(what);
        println!("{what:<58} {:.0} files per CPU second", files.len() as f64 / times.median().as_secs_f64());
    }
    measure::ratio("with all rules against without", &rules, &schema, "the price of the rules");
}

/// All manifests below a folder, links and hidden folders left out.
fn manifests(folder: &Path, all: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
            manifests(&path, all);
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            all.push(File { path: path.to_string_lossy().into_owned(), bytes: std::fs::read(&path).unwrap() });
        }
    }
}

/// How long something kept this thread's CPU busy, by the scheduler's own count.
fn on_cpu(one: impl FnOnce()) -> Duration {
    let now = || {
        let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(said.split(' ').next().unwrap().parse().unwrap())
    };
    let start = now();
    one();
    now() - start
}
