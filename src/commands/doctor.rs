//! `groundcrew doctor`: tries to break out of a box, and says in words what this machine can grade and contain.
use super::terminal::{self, Paint};
use super::{FINDINGS, NOT_GRADED};
use crate::engine::confine::{Boxes, doctor};
use anyhow::{Context as _, Result};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct DoctorArgs {}

pub fn run(_: &DoctorArgs) -> Result<ExitCode> {
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
