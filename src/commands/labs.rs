//! `groundcrew labs`: what an author runs: every fault of the program with its line, every solution and mistake graded.
use super::FINDINGS;
use crate::config::ToolArgs;
use crate::curriculum::rehearsal::{Rehearsed, rehearse};
use crate::curriculum::tree::did_you_mean;
use crate::curriculum::{Lab, Program, load, read};
use crate::engine::File;
use crate::engine::runner::Runner;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug, Args)]
pub struct LabsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say everything that is wrong: the files, then each lab's solution (must score everything), start (must not) and mistakes
    /// (must fail the checks they name). Exit code 1 if anything is
    Check {
        /// Only this lab
        lab: Option<String>,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        tools: ToolArgs,
    },
    /// List the labs with their weeks, points and minutes
    List(Source),
}

#[derive(Debug, Args)]
struct Source {
    /// Read the program in DIR instead of the embedded one
    #[arg(long, env = "GROUNDCREW_LABS", value_name = "DIR")]
    labs: Option<PathBuf>,
}

impl Source {
    fn files(&self) -> Result<Vec<File>> {
        match &self.labs {
            Some(dir) => load::folder(dir),
            None => load::embedded().context("this build holds no program; say --labs DIR"),
        }
    }
}

pub fn run(args: LabsArgs) -> Result<ExitCode> {
    match args.what {
        What::Check { lab, source, tools } => check(lab.as_deref(), &source, &tools),
        What::List(source) => list(&source),
    }
}

fn check(only: Option<&str>, source: &Source, tools: &ToolArgs) -> Result<ExitCode> {
    let files = source.files()?;
    let reading = read::read(&files);
    let mut faults = reading.faults;
    let mut rehearsed = Vec::new();
    if let Some(program) = &reading.program {
        let labs: Vec<&Lab> = program.labs().filter(|lab| only.is_none_or(|id| lab.id.as_str() == id)).collect();
        if let Some(only) = only {
            let Some(lab) = labs.first() else {
                let near = did_you_mean(only, program.labs().map(|lab| lab.id.as_str()));
                bail!("the program has no lab {only:?}{near}");
            };
            let week = program.week(lab.week).map_or("", |w| w.dir.as_str());
            let own = if lab.is_quiz { format!("{week}/quiz.yaml") } else { format!("{week}/{}/", lab.id) };
            faults.retain(|fault| fault.file.starts_with(&own));
        }
        rehearsed = side_by_side(program, &labs, &files, &Runner::new(&std::env::current_exe()?, tools.settings()));
        print_table(&rehearsed);
    }
    faults.extend(rehearsed.into_iter().flat_map(|r| r.faults));
    let below = source.labs.as_deref().unwrap_or(Path::new("labs"));
    for fault in &faults {
        println!("{}", below.join(fault.to_string()).display());
    }
    match faults.len() {
        0 => println!("Nothing is wrong."),
        1 => println!("1 fault."),
        n => println!("{n} faults."),
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// Rehearses the labs on as many threads as there are cores, and returns them in the program's order.
fn side_by_side(program: &Program, labs: &[&Lab], files: &[File], runner: &Runner) -> Vec<Rehearsed> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(labs.len().max(1));
    let work = || {
        let mut mine = Vec::new();
        while let Some((n, lab)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, labs.get(n)?))) {
            mine.push((n, rehearse(program, lab, files, runner)));
        }
        mine
    };
    let mut all: Vec<(usize, Rehearsed)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    all.sort_by_key(|(n, _)| *n);
    all.into_iter().map(|(_, rehearsed)| rehearsed).collect()
}

fn print_table(rehearsed: &[Rehearsed]) {
    println!("{:<34} {:<22} {:<22} {:>8} {:>8}", "lab", "solution", "start", "mistakes", "ms");
    for one in rehearsed {
        let mistakes = if one.mistakes.1 == 0 { "-".to_owned() } else { format!("{} of {}", one.mistakes.0, one.mistakes.1) };
        let mark = if one.faults.is_empty() { "" } else { "  wrong" };
        let away = if one.ungraded == 0 { String::new() } else { format!("  {} points not graded here", one.ungraded) };
        println!("{:<34} {:<22} {:<22} {mistakes:>8} {:>8}{mark}{away}", one.lab, one.solution, one.start, one.took.as_millis());
    }
}

fn list(source: &Source) -> Result<ExitCode> {
    let reading = read::read(&source.files()?);
    for fault in &reading.faults {
        eprintln!("{fault}");
    }
    if let Some(program) = &reading.program {
        print_labs(program);
    }
    Ok(if reading.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn print_labs(program: &Program) {
    for week in &program.weeks {
        println!("{:>2}  {}", week.number, week.title);
        for lab in program.labs_of(week) {
            let required = if lab.required { "" } else { ", optional" };
            println!("    {:<34} {:>3} points {:>4} min{required}  {}", lab.id.as_str(), lab.points, lab.minutes, lab.title);
        }
    }
}
