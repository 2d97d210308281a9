//! `groundcrew restore`: a backup into an empty database, whole or not at all.
use super::boot;
use crate::config::DataArgs;
use crate::db::dump;
use anyhow::{Context as _, Result};
use clap::Args;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_long_help = "All of it is restored or, when the file is damaged or cut off, nothing. Stop the portal first if it uses that database.\n\n\
    The root key is never in a backup: put your copy of it at DATA/root.key (or where GROUNDCREW_KEY_FILE says) before the \
    portal starts. Otherwise it makes a new one, and what was sealed under the old one (mails that wait, signing keys) stays shut."
)]
pub struct RestoreArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The file that `groundcrew backup` wrote
    file: PathBuf,
}

pub fn run(args: &RestoreArgs) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(carry_out(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(args: &RestoreArgs) -> Result<()> {
    let RestoreArgs { data, file } = args;
    // Before the database: a slip in the name makes no data folder.
    let backup = File::open(file).with_context(|| format!("{} can't be read", file.display()))?;
    let db = boot::open(data).await?;
    let rows = dump::load(&db, BufReader::new(backup)).await.with_context(|| format!("{} is not restored", file.display()))?;
    db.close().await;
    println!("{rows} rows are restored.");
    let key = data.key_file();
    if !key.is_file() {
        println!("There is no root key at {}: put your copy of it there before the portal starts.", key.display());
    }
    Ok(())
}
