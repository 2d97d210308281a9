//! `groundcrew keys`: the root keys' ids, and putting a new one in front.
use super::boot;
use crate::audit::{self, Entry};
use crate::clock::Clock;
use crate::config::DataArgs;
use crate::notices;
use crate::secrets::Keys;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the ids of the root keys, the current one first
    Show,
    /// Make a new root key, keep the old ones for opening, and seal what is stored again under the new one
    Rotate,
}

pub fn run(args: KeysArgs) -> Result<ExitCode> {
    let KeysArgs { data, what } = args;
    match what {
        What::Show => show(&data)?,
        What::Rotate => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(rotate(&data))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn existing(data: &DataArgs) -> Result<Keys> {
    let file = data.key_file();
    // Opening makes a key where there is none, and asking about keys should not.
    std::fs::metadata(&file).with_context(|| format!("there is no root key at {}; the first `groundcrew serve` makes it", file.display()))?;
    Keys::open(&file)
}

fn show(data: &DataArgs) -> Result<()> {
    for (i, id) in existing(data)?.ids().iter().enumerate() {
        println!("{id}\t{}", if i == 0 { "current" } else { "opens only" });
    }
    Ok(())
}

async fn rotate(data: &DataArgs) -> Result<()> {
    let keys = existing(data)?;
    boot::ensure_existing(data)?;
    let db = boot::open(data).await?;
    let id = keys.rotate()?;
    let (resealed, lost) = notices::work::reseal(&db, &keys).await?;
    let mut write = db.write("keys").await?;
    audit::record(&mut write, &Entry::new(None, "keys.rotated", &id), Clock::system().now()).await?;
    write.commit().await?;
    db.close().await;
    println!("{id}\tcurrent");
    if lost > 0 {
        println!(
            "{lost} waiting mail(s) were sealed under a key that isn't in the file: they can't be opened, and are given up like any mail that can't be sent."
        );
    }
    println!("{resealed} stored value(s) sealed again. Copy {} to every replica; running ones read it by themselves.", data.key_file().display());
    Ok(())
}
