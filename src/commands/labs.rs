//! `groundcrew labs`: what an author runs: every fault of the program with its line, every solution and mistake graded.
use super::FINDINGS;
use crate::curriculum::{Program, load, read};
use crate::engine::File;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct LabsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
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
        What::List(source) => list(&source),
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
