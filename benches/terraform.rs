//! Terraform hand-ins: what is told without running anything; then the real plan, by a warm provider behind the relay and plainly, in turns;
//! then how many hand-ins a second two at once come to. `GROUNDCREW_TERRAFORM_PROVIDERS` names the folder of providers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that can't be set up ends")]
mod measure;

use groundcrew::curriculum::load;
use groundcrew::engine::check::{Checks, Kind, Surroundings};
use groundcrew::engine::child::Phase;
use groundcrew::engine::errand::{Back, Done, Errand};
use groundcrew::engine::grade::{Outside, grade};
use groundcrew::engine::runner::{Runner, Settings, Way};
use groundcrew::engine::terraform::Terraform;
use groundcrew::engine::{File, Files};
use measure::Times;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const LAB: &str = "gpu-ready-network";
const TURNS: usize = 9;
const AT_ONCE: usize = 2;
const MANY: usize = 15;

struct By {
    runner: Runner,
    way: Way,
    came: Vec<Done>,
}

impl Outside for By {
    fn told(&mut self, _: Phase) {}

    fn carry_out(&mut self, errand: &Errand) -> Back {
        let back = self.runner.carry_out_by(self.way, errand, &mut |_| {});
        if let Back::Done(done) = &back {
            self.came.push(done.clone());
        }
        back
    }
}

fn main() {
    measure::machine();
    let all = load::embedded().expect("the program is not embedded");
    let program = load::stored(&all).unwrap();
    let mut checks = program.lab(&LAB.parse().unwrap()).unwrap().for_engine();
    let inside = format!("/{LAB}/solution/");
    let files =
        Files::new(all.iter().filter_map(|f| Some(File { path: f.path.split_once(&inside)?.1.to_owned(), bytes: f.bytes.clone() })).collect());
    println!("{LAB}: {} files", files.len());

    measure::each(300, || drop(Terraform::read(&files).lint())).print("all rules over the configuration, read anew");
    let is_static = |k: &Kind| !k.needs_a_plan();
    let still = Checks { checks: checks.checks.iter().filter(|c| is_static(&c.kind)).cloned().collect(), ..checks.clone() };
    measure::each(300, || drop(grade(&still, &files, &Surroundings::default(), &mut |_| ()))).print("the lab's checks that run nothing");

    checks.checks.retain(|c| matches!(&c.kind, Kind::TerraformPlan(ask) if !ask.formatted));
    assert!(!checks.checks.is_empty());
    let settings = Settings {
        providers: std::env::var_os("GROUNDCREW_TERRAFORM_PROVIDERS").map(PathBuf::from),
        providers_at_once: AT_ONCE,
        ..Settings::default()
    };
    let runner = Runner::new(Path::new(env!("CARGO_BIN_EXE_groundcrew")), settings);
    if let Err(why) = runner.examine() {
        println!("not measured: {why}");
        return;
    }
    let plan = |way: Way| {
        let mut by = By { runner: runner.clone(), way, came: Vec::new() };
        let report = grade(&checks, &files, &Surroundings::default(), &mut by);
        assert_eq!(report.score, checks.checks.iter().map(|c| c.points).sum::<u32>(), "{report:?}");
        by.came.remove(0)
    };
    let first = Instant::now();
    plan(Way::Relay);
    println!("{:<58} {:.2?}", "the first plan, its provider started", first.elapsed());
    let (mut relay, mut plain) = (Measured::default(), Measured::default());
    for _ in 0..TURNS {
        relay.once(|| plan(Way::Relay));
        plain.once(|| plan(Way::Plain));
    }
    let (relay_wall, plain_wall) = (relay.walls(), plain.walls());
    relay_wall.print("a plan by the relay, wall clock");
    plain_wall.print("a plan by terraform and provider alone, wall clock");
    measure::ratio("plain against relay, wall clock", &plain_wall, &relay_wall, "aim: at least 8");
    let (relay_cpu, plain_cpu) = (Times::new(relay.cpu), Times::new(plain.cpu));
    relay_cpu.print("a plan by the relay, CPU, provider and relay counted");
    plain_cpu.print("a plan by terraform and provider alone, CPU");
    measure::ratio("plain against relay, CPU", &plain_cpu, &relay_cpu, "aim: at least 7");
    let mb = |peak: u64| peak / 1_000_000;
    println!("{:<58} {} MB beside the shared provider (aim: at most 80), plainly {} MB", "most memory of a plan", mb(relay.peak), mb(plain.peak));

    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| (0..MANY).for_each(|_| drop(plan(Way::Relay))));
        }
    });
    let rate = (AT_ONCE * MANY) as f64 / start.elapsed().as_secs_f64();
    println!("{:<58} {rate:.2} a second, {} hand-ins (aim: 1.5)", format!("{AT_ONCE} at once"), AT_ONCE * MANY);
}

#[derive(Default)]
struct Measured {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
    peak: u64,
}

impl Measured {
    fn once(&mut self, run: impl FnOnce() -> Done) {
        let (start, before) = (Instant::now(), cpu());
        let done = run();
        self.wall.push(start.elapsed());
        self.cpu.push(cpu().saturating_sub(before));
        self.peak = self.peak.max(done.peak);
    }

    fn walls(&mut self) -> Times {
        Times::new(std::mem::take(&mut self.wall))
    }
}

/// CPU time of this process, of all it has waited for, and of the providers that live on; the kernel counts in hundredths of a second.
fn cpu() -> Duration {
    let own = times(Path::new("/proc/self"), 4);
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let providers = all.filter(|p| std::fs::read(p.path().join("cmdline")).is_ok_and(|c| c.starts_with(b"/bin/provider\0-debug")));
    Duration::from_millis(10 * (own + providers.map(|p| times(&p.path(), 2)).sum::<u64>()))
}

/// The sum of the first so many of a process's user and system times, its own and then its children's.
fn times(process: &Path, many: usize) -> u64 {
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after.split_whitespace().skip(11).take(many).filter_map(|n| n.parse::<u64>().ok()).sum()
}
