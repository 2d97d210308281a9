//! The command line: one file a command.
#[cfg(feature = "server")]
mod backup;
#[cfg(feature = "server")]
mod boot;
mod doctor;
mod figure;
mod grade;
#[cfg(feature = "server")]
mod keys;
#[cfg(feature = "server")]
mod labs;
mod lint;
#[cfg(feature = "client")]
mod remote;
#[cfg(feature = "server")]
mod restore;
#[cfg(feature = "server")]
mod serve;
mod source;
mod terminal;
#[cfg(feature = "server")]
pub mod user;
#[cfg(feature = "server")]
mod work;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What every command ends with: 0 good, 1 findings, 2 misuse, 3 something could not be graded.
pub const FINDINGS: u8 = 1;
pub const MISUSE: u8 = 2;
pub const NOT_GRADED: u8 = 3;

/// The web portal of a 16-week DevOps bootcamp for the AI era
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the portal
    #[cfg(feature = "server")]
    Serve(Box<serve::ServeArgs>),
    /// Check and list the labs of the program
    #[cfg(feature = "server")]
    Labs(labs::LabsArgs),
    /// Grade and send mail, without pages: beside `serve --no-work`
    #[cfg(feature = "server")]
    Work(Box<work::WorkArgs>),
    /// Add, list, close and open accounts; print links that set a password
    #[cfg(feature = "server")]
    User(user::UserArgs),
    /// Show and rotate the keys that seal what is stored
    #[cfg(feature = "server")]
    Keys(keys::KeysArgs),
    /// Write everything the database holds to one file, without the root key
    #[cfg(feature = "server")]
    Backup(backup::BackupArgs),
    /// Read a backup into an empty database, SQLite or PostgreSQL
    #[cfg(feature = "server")]
    Restore(restore::RestoreArgs),
    /// Grade a hand-in by a lab, line by line
    Grade(grade::GradeArgs),
    /// Look for everything the built-in rules know, without a lab
    Lint(lint::LintArgs),
    #[cfg(feature = "client")]
    #[command(flatten)]
    Remote(remote::Remote),
    /// Grade what stands on the input; started by the others
    #[command(hide = true)]
    EngineChild,
    /// The hand in a box; started there
    #[command(hide = true)]
    Confined { probe: Option<String>, hint: Option<String> },
    /// Say what this machine can grade and contain
    Doctor(doctor::DoctorArgs),
}

/// Reads the command line and carries it out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("groundcrew: {error:#}");
            ExitCode::from(MISUSE)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        #[cfg(feature = "server")]
        Command::Serve(args) => serve::run(*args),
        #[cfg(feature = "server")]
        Command::Labs(args) => labs::run(args),
        #[cfg(feature = "server")]
        Command::Work(args) => work::run(*args),
        #[cfg(feature = "server")]
        Command::User(args) => user::run(args),
        #[cfg(feature = "server")]
        Command::Keys(args) => keys::run(args),
        #[cfg(feature = "server")]
        Command::Backup(args) => backup::run(&args),
        #[cfg(feature = "server")]
        Command::Restore(args) => restore::run(&args),
        Command::Grade(args) => grade::run(&args),
        Command::Lint(args) => lint::run(&args),
        #[cfg(feature = "client")]
        Command::Remote(command) => remote::run(command),
        Command::EngineChild => {
            crate::engine::child::main()?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Confined { probe: Some(probe), hint } => Ok(crate::engine::confine::probe(&probe, hint.as_deref().unwrap_or_default())),
        Command::Confined { probe: None, .. } => {
            crate::engine::confine::hand()?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(args) => doctor::run(&args),
    }
}
