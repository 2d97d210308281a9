//! Grading one manifest: in this process, and through a child as the portal does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that can't be set up ends")]
mod measure;

use groundcrew::curriculum::load;
use groundcrew::engine::check::Surroundings;
use groundcrew::engine::child::Request;
use groundcrew::engine::pool::Pool;
use groundcrew::engine::{File, Files, grade, lint};
use measure::Times;
use std::time::Instant;

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
}
