//! `groundcrew doctor`: tries to break out of a box, and says in words what this machine can grade and contain.
use super::terminal::{self, Paint};
use super::{FINDINGS, NOT_GRADED};
use crate::config::ToolArgs;
use crate::engine::confine::{Boxes, doctor};
use crate::engine::runner::Tools;
use anyhow::{Context as _, Result};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    tools: ToolArgs,
}

pub fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let paint = Paint::of_stdout();
    let own = std::env::current_exe().context("this program's own path is unknown")?;
    let diagnosis = match Boxes::new(&own) {
        Ok(boxes) => doctor::examine(&boxes),
        Err(why) => doctor::Diagnosis { tried: Vec::new(), confinement: Vec::new(), broken: Some(why) },
    };
    let mut out = format!("{}\n", paint.bold("What a hand-in could do here"));
    for tried in &diagnosis.tried {
        out += &match &tried.reached {
            None => format!("{} {:<46} held back\n", paint.good("✓"), tried.what),
            Some(reached) if tried.required => format!("{} {:<46} reached {}\n", paint.bad("✗"), tried.what, terminal::safe(reached)),
            Some(reached) => format!("{} {:<46} reached {}\n", paint.warn("!"), tried.what, terminal::safe(reached)),
        };
    }
    out += &format!("\nIn force: {}\n", if diagnosis.confinement.is_empty() { "nothing".to_owned() } else { diagnosis.confinement.join(", ") });
    out += &tools(args, paint);
    let (verdict, code) = match diagnosis.refusal() {
        Some(why) => (paint.bad(&format!("No tool runs over hand-ins: {why}.")), ExitCode::from(NOT_GRADED)),
        None if !diagnosis.weaknesses().is_empty() => {
            (paint.warn(&format!("Contained; hardened less than it could be: {}.", diagnosis.weaknesses().join(", "))), ExitCode::from(FINDINGS))
        }
        None => (paint.good("Everything is contained."), ExitCode::SUCCESS),
    };
    terminal::print(&format!("{out}{verdict}\n"))?;
    Ok(code)
}

/// What there is to grade with, and how to get what isn't.
fn tools(args: &DoctorArgs, paint: Paint) -> String {
    let good = |what: &str, version: &str| format!("{} {what:<14} {version}\n", paint.good("✓"));
    let bad = |what: &str, why: &str| format!("{} {what:<14} {}\n", paint.bad("✗"), terminal::safe(why));
    let mut out = format!("\n{}\n", paint.bold("What hand-ins can be graded with"));
    match Tools::find(&args.tools.settings()) {
        Ok(found) => {
            out += &good("terraform", &found.terraform_version);
            out += &good("provider aws", &found.provider_version);
            out += &match &found.python {
                Ok(python) => good("mock cloud", &format!("moto {}", python.moto)),
                Err(why) => bad("mock cloud", why),
            };
        }
        Err(why) => out += &bad("terraform", &why),
    }
    out + "\n"
}
