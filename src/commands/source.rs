//! The files a command is pointed at: one file, or a folder with all below it.
use crate::engine::{File, Files};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// More files than any hand-in has: a command pointed at the wrong folder should say so, not read a disk.
const MOST_FILES: usize = 2000;
/// Larger files are cut one byte beyond what the readers take, so that they can say that it is too large.
const MOST_BYTES: u64 = (1 << 20) + 1;

/// Reads `path` and keeps what `wanted` says of paths relative to it; a file that isn't wanted is a slip, which is said.
/// Hidden folders and links are left out.
pub fn read(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Files> {
    collect(path, &wanted).map(Files::new)
}

fn collect(path: &Path, wanted: &impl Fn(&str) -> bool) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let about = std::fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if about.is_dir() {
        below(path, "", wanted, &mut files)?;
    } else if !about.is_file() {
        bail!("{} is neither a file nor a folder", path.display());
    } else if !wanted(&name) {
        bail!("{} is not a kind of file that is looked at here", path.display());
    } else {
        files.push(File { path: name, bytes: bytes(path)? });
    }
    Ok(files)
}

/// Reads several paths for which places should be printed as they were given.
pub fn read_all(paths: &[std::path::PathBuf], wanted: impl Fn(&str) -> bool) -> Result<Files> {
    let mut all = Vec::new();
    for path in paths {
        let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
        for file in collect(path, &wanted)? {
            let shown = folder.map_or_else(|| file.path.clone().into(), |folder| folder.join(&file.path));
            let shown = shown.strip_prefix("./").map_or(shown.clone(), Path::to_path_buf);
            all.push(File { path: shown.to_string_lossy().into_owned(), bytes: file.bytes });
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup_by(|a, b| a.path == b.path);
    Ok(Files::new(all))
}

fn below(folder: &Path, prefix: &str, wanted: &impl Fn(&str) -> bool, files: &mut Vec<File>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} can't be read", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let (kind, path) = (entry.file_type()?, format!("{prefix}{name}"));
        if kind.is_dir() && (!name.starts_with('.') || name == ".github") {
            below(&entry.path(), &format!("{path}/"), wanted, files)?;
        } else if kind.is_file() && wanted(&path) {
            files.push(File { path, bytes: bytes(&entry.path())? });
        }
        if files.len() > MOST_FILES {
            bail!("there are more than {MOST_FILES} files below {}; name a smaller folder", folder.display());
        }
    }
    Ok(())
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).with_context(|| format!("{} can't be read", path.display()))?;
    // A byte more than it says, so that its end is found without growing.
    let size = file.metadata().map_or(0, |about| about.len().saturating_add(1).min(MOST_BYTES));
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(MOST_BYTES).read_to_end(&mut bytes).with_context(|| format!("{} can't be read", path.display()))?;
    Ok(bytes)
}
