//! Takes files in while they arrive: every name and size is checked before a byte too many is kept.
use crate::curriculum::Accepts;
use crate::engine::{File, Files};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

/// Why a hand-in was turned away: which file, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", file.as_ref().map(|f| format!("{f}: ")).unwrap_or_default())]
pub struct Refusal {
    pub file: Option<String>,
    pub why: String,
}

fn refuse<T>(file: &str, why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { file: Some(printable(file)), why: why.into() })
}

/// A name as it can be shown: no control characters, not endless.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '�' } else { c }).take(120).collect()
}

/// The hand-in being put together, within a lab's limits.
#[derive(Debug, Clone)]
pub struct Intake {
    accepts: Accepts,
    /// By lower-case path, so that `A.yaml` and `a.yaml` don't both come in: on many disks they are one file.
    files: BTreeMap<String, File>,
    bytes: usize,
}

/// An archive may hold this many entries, folders and ignored ones included.
const MOST_ENTRIES: usize = 1_000;

impl Intake {
    pub fn new(accepts: &Accepts) -> Intake {
        Intake { accepts: accepts.clone(), files: BTreeMap::new(), bytes: 0 }
    }

    /// How many bytes still fit.
    pub fn room(&self) -> usize {
        (self.accepts.max_kib * 1024).saturating_sub(self.bytes)
    }

    /// Takes one file in.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Refusal> {
        let path = safe_path(name)?;
        if !self.accepts.admits(&path) {
            return refuse(&path, format!("this lab takes {}. Rename the file or leave it out.", self.accepts.include.join(", ")));
        }
        if bytes.len() > self.room() {
            return refuse(&path, self.too_large());
        }
        if let Err(e) = std::str::from_utf8(&bytes) {
            return refuse(&path, format!("it isn't UTF-8 text (byte {} is no part of a character). Save it as UTF-8.", e.valid_up_to() + 1));
        }
        if self.files.len() >= self.accepts.max_files {
            return refuse(&path, format!("more than {} files. Leave out what the lab doesn't ask for.", self.accepts.max_files));
        }
        let key = path.to_lowercase();
        if let Some(other) = self.files.get(&key) {
            let why = if other.path == path {
                "it is there twice".to_owned()
            } else {
                format!("it differs from {} only in upper and lower case", other.path)
            };
            return refuse(&path, format!("{why}. Keep one of them."));
        }
        self.bytes += bytes.len();
        self.files.insert(key, File { path, bytes });
        Ok(())
    }

    pub fn too_large(&self) -> String {
        format!("the files are larger than {} KiB together. Leave out what the lab doesn't ask for.", self.accepts.max_kib)
    }

    /// Unpacks an archive within the same limits: what it claims about itself is not believed.
    pub fn add_zip(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Refusal> {
        let broken = |e: zip::result::ZipError| Refusal {
            file: Some(printable(name)),
            why: format!("it can't be read as a zip archive ({e}). Pack it again."),
        };
        let listed = listed_entries(&bytes);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
        if archive.len() > MOST_ENTRIES {
            return refuse(name, format!("the archive has {} entries, more than {MOST_ENTRIES}. Pack only the lab's files.", archive.len()));
        }
        // Of two entries of one name the library keeps the last: which one was meant is not ours to guess.
        if listed != Some(archive.len()) {
            return refuse(name, "it lists two files of one name, or its list is damaged. Pack it again.");
        }
        let folder = common_folder(&archive, &self.accepts);
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(broken)?;
            let inner = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_dir() || is_litter(&inner) {
                continue;
            }
            if entry.is_symlink() || entry.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000)) {
                return refuse(&inner, "it is a link or a device, not a file. Put the file itself in its place.");
            }
            let mut contents = Vec::new();
            // One byte more than fits tells too large from just right, however small the archive says it is.
            let limit = u64::try_from(self.room()).unwrap_or(u64::MAX).saturating_add(1);
            if let Err(e) = entry.by_ref().take(limit).read_to_end(&mut contents) {
                return refuse(&inner, format!("it can't be unpacked ({e}). Pack the archive again."));
            }
            if contents.len() > self.room() {
                return refuse(&inner, format!("unpacked, {}", self.too_large()));
            }
            let path = folder.as_ref().and_then(|f| inner.strip_prefix(f.as_str())).unwrap_or(&inner);
            self.add(path, contents)?;
        }
        Ok(())
    }

    /// The files, if there are any.
    pub fn finish(self) -> Result<Files, Refusal> {
        if self.files.is_empty() {
            let why = format!("Nothing to hand in: choose files ({}) or write one in the editor.", self.accepts.include.join(", "));
            return Err(Refusal { file: None, why });
        }
        Ok(Files::new(self.files.into_values().collect()))
    }
}

/// How many entries an archive's end record says it has; None where there is none or it is a zip64's, far above our limits.
fn listed_entries(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let count: [u8; 2] = bytes.get(at + 10..at + 12)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(count))).filter(|n| *n < usize::from(u16::MAX))
}

/// What operating systems put into archives without being asked.
fn is_litter(path: &str) -> bool {
    path.starts_with("__MACOSX/") || path.rsplit('/').next().is_some_and(|name| matches!(name, ".DS_Store" | "Thumbs.db"))
}

/// The one folder everything lies in (packed as `my-lab/…`), with its slash; none if the lab's own globs name folders.
fn common_folder(archive: &zip::ZipArchive<Cursor<Vec<u8>>>, accepts: &Accepts) -> Option<String> {
    if accepts.include.iter().any(|g| g.contains('/') && !g.starts_with("**")) {
        return None;
    }
    let mut names = archive.file_names().filter_map(Result::ok).filter(|name| !is_litter(name) && !name.ends_with('/'));
    let folder = names.next()?.split_once('/')?.0.to_owned();
    // `/etc/x` and `C:/x` lie in no folder: they are refused as they are.
    safe_path(&folder).ok()?;
    let folder = folder + "/";
    (names.all(|name| name.starts_with(&folder)) && !folder.starts_with('.')).then_some(folder)
}

/// A relative path with `/` whose every part is a plain name everywhere, or why not.
pub fn safe_path(name: &str) -> Result<String, Refusal> {
    let trimmed = name.strip_prefix("./").unwrap_or(name);
    if trimmed.is_empty() {
        return refuse("(no name)", "a file has no name. Give it one.");
    }
    if trimmed.len() > 200 {
        return refuse(trimmed, "its name is longer than 200 bytes. Shorten it.");
    }
    if trimmed.contains('\u{fffd}') {
        return refuse(trimmed, "its name isn't UTF-8. Rename it.");
    }
    if trimmed.starts_with('/') || trimmed.contains('\\') || trimmed.as_bytes().get(1) == Some(&b':') {
        return refuse(trimmed, "its name is an absolute path or has a backslash. Use a plain relative name with `/`.");
    }
    if trimmed.split('/').count() > 8 {
        return refuse(trimmed, "it lies more than eight folders deep. Move it up.");
    }
    for part in trimmed.split('/') {
        if part == ".." || part == "." || part.is_empty() {
            return refuse(trimmed, format!("`{}` leads out of the folder or nowhere. Use a plain relative name.", printable(part)));
        }
        if part.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '"' | '|' | '?' | '*' | ':')) || is_confusing(part) {
            return refuse(trimmed, "its name has a character that isn't allowed in file names. Use letters, digits, `-`, `_` and `.`.");
        }
        if part.ends_with(['.', ' ']) || part.starts_with(' ') {
            return refuse(trimmed, "a name begins or ends with a blank, or ends with a dot. Rename it.");
        }
        if is_device(part) {
            return refuse(trimmed, format!("`{part}` is the name of a device on some systems. Rename it."));
        }
    }
    Ok(trimmed.to_owned())
}

/// Characters that make one name look like another: direction marks and invisible ones.
fn is_confusing(part: &str) -> bool {
    part.chars().any(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem.ends_with(|c: char| c.is_ascii_digit()))
}

/// Whether bytes are a zip archive, whatever the file is called.
pub fn is_zip(name: &str, bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || (name.to_ascii_lowercase().ends_with(".zip") && bytes.starts_with(b"PK"))
}

#[cfg(test)]
mod tests;
