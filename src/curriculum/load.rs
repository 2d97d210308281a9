//! Where the program's files come from: the binary, a folder, the database; and their hash.
use super::read::{self, Reading};
use super::tree::Fault;
use super::{FORMAT, Program};
use crate::engine::File;
use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};
use std::path::Path;

/// The program as it was compiled in.
#[cfg(feature = "program")]
pub fn embedded() -> Option<Vec<File>> {
    #[derive(rust_embed::RustEmbed)]
    #[folder = "labs/"]
    struct Labs;
    let mut files: Vec<File> =
        Labs::iter().filter_map(|path| Labs::get(&path).map(|found| File { path: path.into_owned(), bytes: found.data.into_owned() })).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Some(files)
}

/// Students' builds hold no program.
#[cfg(not(feature = "program"))]
pub fn embedded() -> Option<Vec<File>> {
    None
}

/// Every file below a folder, sorted by path; names that begin with a dot are left aside, links are not followed.
pub fn folder(dir: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    walk(dir, "", &mut |path, entry| {
        let bytes = std::fs::read(entry.path()).with_context(|| format!("{path} can't be read"))?;
        files.push(File { path, bytes });
        Ok(())
    })?;
    if files.is_empty() {
        bail!("{} holds no files", dir.display());
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Changes whenever a file of the folder does: names, sizes and times of change.
pub fn fingerprint(dir: &Path) -> String {
    let mut digest = Sha256::new();
    let read = walk(dir, "", &mut |path, entry| {
        let about = entry.metadata()?;
        digest.update(format!("{path}\0{}\0{:?}\n", about.len(), about.modified()?));
        Ok(())
    });
    if let Err(error) = read {
        digest.update(format!("{error:#}"));
    }
    hex(&digest.finalize())
}

/// The hash of a version: SHA-256 over the format's number and the sorted paths and contents.
pub fn hash<'a>(files: impl Iterator<Item = &'a File>) -> String {
    let mut digest = Sha256::new();
    digest.update(format!("groundcrew {FORMAT}\n"));
    for file in files {
        digest.update(format!("{}\0{}\0", file.path, file.bytes.len()));
        digest.update(&file.bytes);
    }
    hex(&digest.finalize())
}

/// A stored version. It was without fault when it was stored; should a later reader find one (a rule that is gone), the
/// cohort keeps what can be read, and the log says what can't.
pub fn stored(files: &[File]) -> Result<Program> {
    let Reading { program, faults } = read::read(files);
    for fault in &faults {
        tracing::warn!(%fault, "a stored program has a fault by today's rules");
    }
    program.with_context(|| Faulty(faults))
}

/// A version with nothing wrong in it; the error lists every fault, a line each.
pub fn strictly(files: &[File]) -> Result<Program, Faulty> {
    match read::read(files) {
        Reading { program: Some(program), faults } if faults.is_empty() => Ok(program),
        Reading { faults, .. } => Err(Faulty(faults)),
    }
}

/// Everything that is wrong with a program.
#[derive(Debug)]
pub struct Faulty(pub Vec<Fault>);

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Faulty {}

fn walk(dir: &Path, below: &str, each: &mut dyn FnMut(String, &std::fs::DirEntry) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("the folder {} can't be read", dir.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().with_context(|| format!("{} has a name that is not UTF-8", entry.path().display()))?;
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, each)?;
        } else if kind.is_file() {
            each(path, &entry)?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
