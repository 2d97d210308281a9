//! `groundcrew grade`: one hand-in graded by a lab, as the portal would, without the portal.
use super::terminal::{self, Paint};
use super::{FINDINGS, NOT_GRADED, figure, source};
use crate::config::ToolArgs;
use crate::curriculum::{LabId, load, read};
use crate::engine::child::{self, Request, Response};
use crate::engine::report::{Because, Graded, Outcome};
use crate::engine::runner::Runner;
use crate::engine::{Files, Finding, Problem, Report, Surroundings};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Longest that one run may take by the clock.
const WALL: Duration = Duration::from_secs(60);
/// Problems shown of one check.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
pub struct GradeArgs {
    /// The lab's id, as in its address
    lab: LabId,
    /// The hand-in: a folder, or its only file
    path: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Which attempt it is: it picks a quiz's questions
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    attempt: u32,
    /// Read the program in DIR instead of the embedded one
    #[arg(long, env = "GROUNDCREW_LABS", value_name = "DIR")]
    labs: Option<PathBuf>,
    #[command(flatten)]
    tools: ToolArgs,
}

pub fn run(args: &GradeArgs) -> Result<ExitCode> {
    let program = match &args.labs {
        Some(dir) => load::folder(dir)?,
        None => load::embedded().context("this build holds no program; say --labs DIR")?,
    };
    let program = read::read(&program).program.context("the program can't be read; `groundcrew labs list` says why")?;
    let Some(lab) = program.lab(&args.lab) else {
        let near = program.labs().map(|l| l.id.as_str()).max_by_key(|id| (strsim::jaro_winkler(id, args.lab.as_str()) * 1000.0) as u32);
        bail!("there is no lab `{}`{}", args.lab, near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default());
    };
    // A lab's example of a mistake says in this file what must fail; it is no part of the hand-in.
    let example = is_example(&args.path);
    let files = source::read(&args.path, |path| lab.accepts.admits(path) && !(example && path == "expect.yaml"))?;
    let request = Request::Grade { checks: lab.for_engine(), files: files.clone(), surroundings: Surroundings { attempt: args.attempt } };
    let own = std::env::current_exe().context("this program's own path is unknown")?;
    let report = match child::once(&own, &request, WALL, Some(&Runner::new(&own, args.tools.settings()))) {
        Ok(Response::Report { report }) => *report,
        Ok(_) => bail!("the child answered something else"),
        Err(error) => Report::ungraded(lab.id.as_str(), &lab.hash, Graded::Broken, lab.points, error.to_string()),
    };
    if args.json {
        terminal::print(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    } else {
        terminal::print(&shown(&report, &lab.title, &files, Paint::of_stdout()))?;
    }
    Ok(code(&report))
}

/// Whether a folder is one of a lab's `mistakes/`.
fn is_example(path: &Path) -> bool {
    let parent = path.canonicalize().ok().and_then(|p| Some(p.parent()?.file_name()? == "mistakes"));
    parent.unwrap_or(false)
}

pub fn code(report: &Report) -> ExitCode {
    let any = |outcome| report.findings.iter().any(|f| f.outcome == outcome);
    if report.outcome != Graded::Graded || any(Outcome::Error) {
        return ExitCode::from(NOT_GRADED);
    }
    let stopped = report.findings.iter().any(|f| f.because == Some(Because::Gate));
    if any(Outcome::Failed) || stopped { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS }
}

/// A report as a terminal shows it; `title` stands above.
pub fn shown(report: &Report, title: &str, files: &Files, paint: Paint) -> String {
    let mut out = format!("{} {}\n\n", paint.bold(title), paint.dim(&format!("({})", report.lab)));
    if let Some(message) = &report.message {
        out += &format!("{}\n\n", paint.bad(&terminal::safe(message)));
    }
    for finding in &report.findings {
        out += &line(finding, paint);
        if let Some(drawn) = &finding.figure {
            out += &figure::figure(drawn, paint);
        }
        for problem in finding.problems.iter().take(SHOWN) {
            out += &told(problem, finding, files, paint);
        }
        if finding.problems.len() > SHOWN {
            out += &format!("    and {} more\n", finding.problems.len() - SHOWN);
        }
        out += &extra(finding, paint);
    }
    out.push('\n');
    let score = format!("{} of {} points", report.score, report.max);
    let open = if report.open > 0 { format!(", {} open", report.open) } else { String::new() };
    let good = report.score + report.open == report.max;
    out + &format!("{}{open}\n", if good { paint.good(&score) } else { paint.bold(&score) })
}

/// `✓ mem-limit  10/10  what it says`; problems say it themselves below.
fn line(finding: &Finding, paint: Paint) -> String {
    let (mark, points) = match (finding.outcome, finding.open()) {
        (Outcome::Passed, _) => (paint.good("✓"), format!("{}/{}", finding.points, finding.max)),
        (Outcome::Failed, _) => (paint.bad("✗"), format!("{}/{}", finding.points, finding.max)),
        (_, 0) => (paint.warn("–"), format!("0/{}", finding.max)),
        (_, open) => (paint.calm("○"), format!("{open} open")),
    };
    let message = if finding.problems.is_empty() { terminal::safe(&finding.message) } else { String::new() };
    let line = format!("{mark} {:<24} {points:>8}  {}", paint.bold(&finding.check), paint.dim(&message));
    format!("{}\n", line.trim_end())
}

fn told(problem: &Problem, finding: &Finding, files: &Files, paint: Paint) -> String {
    let mut out = match terminal::at(problem) {
        at if at.is_empty() => format!("    {}\n", terminal::safe(&problem.message)),
        at => format!("    {} {}\n", paint.bold(&at), terminal::safe(&problem.message)),
    };
    if let Some(place) = &problem.place {
        out += &terminal::excerpt(files, place, paint);
    }
    // The finding's own is the first problem's, and is told once, below all.
    if problem.fix.is_some() && problem.fix != finding.fix {
        out += &terminal::fix(problem.fix.as_deref().unwrap_or_default(), paint);
    }
    out
}

fn extra(finding: &Finding, paint: Paint) -> String {
    let mut out = String::new();
    if let Some(why) = &finding.why {
        out += &format!("    {} {}\n", paint.dim("why:"), terminal::safe(why));
    }
    if let Some(fix) = &finding.fix {
        out += &terminal::fix(fix, paint);
    }
    if let Some(hint) = &finding.hint {
        out += &hint.split("\n\n").map(|h| format!("    {} {}\n", paint.dim("hint:"), terminal::safe(h))).collect::<String>();
    }
    out
}
