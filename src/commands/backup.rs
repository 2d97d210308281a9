//! `groundcrew backup`: everything the database holds at one moment, as one file.
use super::boot;
use crate::clock::Clock;
use crate::config::DataArgs;
use crate::db::dump;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use std::fs::{self, File};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_long_help = "The file holds one moment, and the portal may run meanwhile. It is the same from SQLite and from PostgreSQL, and `groundcrew restore` reads it into either. \
    It is readable by its owner alone, and appears under its name when it is whole.\n\n\
    The root key (DATA/root.key or GROUNDCREW_KEY_FILE) is never in it: keep a copy of that file elsewhere. \
    Without it, what is sealed (mails that wait, signing keys) can't be opened after a restore."
)]
pub struct BackupArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The file to write, such as groundcrew-2026-11-24.backup; it must not exist yet
    file: PathBuf,
}

pub fn run(args: &BackupArgs) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(carry_out(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(args: &BackupArgs) -> Result<()> {
    let BackupArgs { data, file } = args;
    ensure!(!file.exists(), "{} is there already: name another file", file.display());
    ensure!(file != Path::new("-"), "a backup is written to a file, not to the standard output: name one");
    boot::ensure_existing(data)?;
    let db = boot::open(data).await?;
    let unfinished = unfinished(file)?;
    let saved = save(&db, &unfinished, file).await;
    if saved.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    let rows = saved?;
    db.close().await;
    println!("{rows} rows are in {}.", file.display());
    println!("The root key is not in it: keep a copy of {} elsewhere.", data.key_file().display());
    Ok(())
}

/// Beside the file, so that it can be renamed.
fn unfinished(file: &Path) -> Result<PathBuf> {
    let mut name = file.file_name().with_context(|| format!("{} names no file", file.display()))?.to_owned();
    name.push(format!(".{}.unfinished", std::process::id()));
    Ok(file.with_file_name(name))
}

async fn save(db: &crate::db::Db, unfinished: &Path, file: &Path) -> Result<u64> {
    let out = File::options().write(true).create_new(true).mode(0o600).open(unfinished);
    let out = out.with_context(|| format!("{} can't be written", unfinished.display()))?;
    let rows = dump::save(db, Clock::system().now(), BufWriter::new(&out)).await?;
    out.sync_all()?;
    fs::rename(unfinished, file)?;
    // The name must survive a power cut too.
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(rows)
}
