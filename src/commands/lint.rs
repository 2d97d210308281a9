//! `groundcrew lint`: every built-in rule over files, without a lab.
use super::terminal::{self, Paint};
use super::{FINDINGS, NOT_GRADED, source};
use crate::engine::child::{self, Request, Response};
use crate::engine::ignores::{Ignored, IgnoredFindings};
use crate::engine::lint::Lint;
use crate::engine::report::Severity;
use crate::engine::{Files, Problem, kubernetes, terraform};
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Longest that one run may take by the clock.
const WALL: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    after_help = "A comment `# groundcrew:ignore RULE reason` takes a finding out: at its line, right above it, or at the head of a document for all of it."
)]
pub struct LintArgs {
    /// Files, or folders with all manifests and Terraform below them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// The mildest finding that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "warning")]
    fail_on: FailOn,
    /// Print the rules' notes too: what is worth considering and no fault
    #[arg(long)]
    notes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Info => Severity::Info,
        }
    }
}

/// What `--json` prints. Fields are only ever added; absent is null.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    format: u32,
    findings: Vec<Found<'a>>,
    /// How many findings comments took out, and the first of them.
    ignored_count: usize,
    ignored: Vec<Left<'a>>,
}

/// A finding that a comment `groundcrew:ignore RULE reason` took out.
#[derive(Debug, Serialize)]
struct Left<'a> {
    rule: &'a str,
    reason: &'a str,
    message: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    rule: Option<&'a str>,
    severity: Severity,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    why: Option<&'a str>,
    fix: Option<&'a str>,
}

pub fn run(args: &LintArgs) -> Result<ExitCode> {
    let files = source::read_all(&args.paths, is_linted)?;
    if files.is_empty() {
        bail!("there is no .yaml, .yml or .tf file there");
    }
    // Files may be anybody's: they are read in a child with limits, as the portal does.
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let lint = match child::once(&program, &Request::Lint { files: files.clone() }, WALL, None) {
        Ok(Response::Lint { lint }) => lint,
        Ok(_) => bail!("the child answered something else"),
        Err(error) => {
            eprintln!("groundcrew: {error}");
            return Ok(ExitCode::from(NOT_GRADED));
        }
    };
    if args.json {
        let (findings, ignored) = (lint.problems.iter().map(found).collect(), lint.ignored.list.iter().map(left).collect());
        let printed = Printed { format: 1, findings, ignored_count: lint.ignored.count, ignored };
        terminal::print(&(serde_json::to_string_pretty(&printed)? + "\n"))?;
    } else {
        // What makes the exit code 1 is never left out.
        let notes = args.notes || matches!(args.fail_on, FailOn::Info);
        terminal::print(&shown(&lint, &files, notes, Paint::of_stdout()))?;
    }
    let fails = lint.problems.iter().any(|p| p.severity >= args.fail_on.severity());
    Ok(if fails { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn is_linted(path: &str) -> bool {
    [".yaml", ".yml", ".tf"].iter().any(|end| path.ends_with(end))
}

fn found(problem: &Problem) -> Found<'_> {
    let place = problem.place.as_ref();
    Found {
        rule: problem.rule.as_deref(),
        severity: problem.severity,
        message: &problem.message,
        file: place.map(|p| p.file.as_str()),
        line: place.map(|p| p.line),
        column: place.map(|p| p.column),
        end_line: place.map(|p| p.end_line),
        end_column: place.map(|p| p.end_column),
        why: problem.why.as_deref(),
        fix: problem.fix.as_deref(),
    }
}

fn left(ignored: &Ignored) -> Left<'_> {
    let Ignored { rule, reason, message, place } = ignored;
    Left { rule, reason, message, file: &place.file, line: place.line, column: place.column }
}

/// Whether it is a rule's note, as there may be a dozen about any workload.
fn is_note(problem: &Problem) -> bool {
    let known = |rule: &str| kubernetes::rules::by_id(rule).is_some() || terraform::rules::by_id(rule).is_some();
    problem.severity == Severity::Info && problem.rule.as_deref().is_some_and(known)
}

fn shown(lint: &Lint, files: &Files, notes: bool, paint: Paint) -> String {
    let problems = &lint.problems;
    let mut out = String::new();
    for problem in problems.iter().filter(|p| notes || !is_note(p)) {
        let severity = match problem.severity {
            Severity::Error => paint.bad("error"),
            Severity::Warning => paint.warn("warning"),
            Severity::Info => paint.calm("info"),
        };
        let rule = problem.rule.as_deref().map(|r| paint.dim(&format!(" [{r}]"))).unwrap_or_default();
        out += &format!("{} {severity}: {}{rule}\n", paint.bold(&terminal::at(problem)), terminal::safe(&problem.message));
        if let Some(place) = &problem.place {
            out += &terminal::excerpt(files, place, paint);
        }
        // Why and how for what fails; a note speaks for itself.
        if problem.severity > Severity::Info {
            if let Some(why) = &problem.why {
                out += &format!("    {} {}\n", paint.dim("why:"), terminal::safe(why));
            }
            if let Some(fix) = &problem.fix {
                out += &terminal::fix(fix, paint);
            }
        }
        out.push('\n');
    }
    let left_out = if notes { 0 } else { problems.iter().filter(|p| is_note(p)).count() };
    let say = if left_out > 0 { format!("{left_out} of the notes not shown: `--notes` shows them\n") } else { String::new() };
    out + &passed_over(&lint.ignored, paint) + &summary(problems, files.len()) + &say
}

/// What comments in the files said to ignore: nothing is left out in silence.
fn passed_over(ignored: &IgnoredFindings, paint: Paint) -> String {
    if ignored.count == 0 {
        return String::new();
    }
    let mut out = format!("{} finding{} ignored, as comments say:\n", ignored.count, if ignored.count == 1 { "" } else { "s" });
    for one in &ignored.list {
        let at = terminal::place(&one.place);
        out += &format!("    {at} {} {}\n", paint.dim(&format!("[{}]", one.rule)), terminal::safe(&one.reason));
    }
    let more = ignored.count - ignored.list.len();
    out + &(if more > 0 { format!("    and {more} more\n\n") } else { "\n".to_owned() })
}

fn summary(problems: &[Problem], files: usize) -> String {
    let of = |severity, word: &str| {
        let n = problems.iter().filter(|p| p.severity == severity).count();
        format!("{n} {word}{}", if n == 1 { "" } else { "s" })
    };
    let files = format!("{files} file{}", if files == 1 { "" } else { "s" });
    format!("{}, {}, {} in {files}\n", of(Severity::Error, "error"), of(Severity::Warning, "warning"), of(Severity::Info, "note"))
}
