//! What every benchmark prints: the machine, n, median and spread; comparisons only as ratios of one run.
#![allow(dead_code, reason = "each benchmark takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that can't be set up ends")]
use std::time::{Duration, Instant};

/// Times of one thing, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Times {
        times.sort();
        Times(times)
    }

    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    pub fn print(&self, what: &str) {
        let at = |percent: usize| self.0[(self.0.len() - 1) * percent / 100];
        println!("{what:<58} n {:>5}  median {:>10.1?}  10–90 % {:>10.1?} – {:.1?}", self.0.len(), self.median(), at(10), at(90));
    }
}

/// The machine in one line.
pub fn machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|l| l.starts_with("model name")).and_then(|l| l.split(": ").nth(1)).unwrap_or("unknown").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "debug build: these numbers mean nothing" } else { "release build" };
    println!("{model}, {cores} cores, {build}");
}

/// Runs `one` n times after a tenth as many warm-ups.
pub fn each(n: usize, mut one: impl FnMut()) -> Times {
    for _ in 0..n / 10 + 1 {
        one();
    }
    Times::new(
        (0..n)
            .map(|_| {
                let start = Instant::now();
                one();
                start.elapsed()
            })
            .collect(),
    )
}

/// The ratio of two medians of this run.
pub fn ratio(what: &str, a: &Times, b: &Times, aim: &str) {
    println!("{what:<58} {:.2} ({aim})", a.median().as_secs_f64() / b.median().as_secs_f64());
}
