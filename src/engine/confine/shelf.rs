//! Where boxes find their tools and each its own folder, readable to whom a box runs as.
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Boxes run as users from here on, when we are root: each has its own, so that none can signal another's or use up its limits.
const USERS: u32 = 0x6_0000;
const MOST_USERS: u32 = 0x1000;

/// A folder of this process, removed when it is dropped.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    root: bool,
    next: AtomicU32,
}

/// A box's own folder, removed when it is dropped.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    /// The user that the box runs as; none when it is our own.
    pub user: Option<u32>,
    /// A name that no other box of this machine has now.
    pub name: String,
}

impl Shelf {
    /// Makes the shelf, and removes those of processes that are gone.
    pub fn new() -> io::Result<Shelf> {
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        let folder = temporary.join(format!("groundcrew-{}-{}", std::process::id(), uuid::Uuid::now_v7().simple()));
        fs::DirBuilder::new().mode(0o711).create(&folder)?;
        let root = fs::metadata(&folder)?.uid() == 0;
        Ok(Shelf { folder, root, next: AtomicU32::new(0) })
    }

    /// The path by which boxes can read a tool: its own, or a second name of it on the shelf.
    pub fn tool(&self, path: &Path) -> io::Result<PathBuf> {
        let path = path.canonicalize()?;
        if !self.root || is_open(&path) {
            return Ok(path);
        }
        let name = path.file_name().unwrap_or_default();
        let copy = self.folder.join(name);
        if !copy.exists() && fs::hard_link(&path, &copy).is_err() {
            fs::copy(&path, &copy)?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        }
        // A second name shares the first one's rights.
        if fs::metadata(&copy)?.mode() & 0o005 != 0o005 {
            fs::remove_file(&copy)?;
            fs::copy(&path, &copy)?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        }
        Ok(copy)
    }

    /// A folder for one box that sees only what everybody may read.
    pub fn folder(&self) -> io::Result<Folder> {
        self.folder_of(self.root)
    }

    /// A folder for a box that sees these: it runs as ourselves where others could not read them.
    pub fn folder_for<'a>(&self, mut seen: impl Iterator<Item = &'a Path>) -> io::Result<Folder> {
        self.folder_of(self.root && seen.all(is_open))
    }

    fn folder_of(&self, other: bool) -> io::Result<Folder> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        // Several portals may run on one machine: each begins elsewhere.
        let user = other.then(|| USERS + (std::process::id().wrapping_mul(97).wrapping_add(n)) % MOST_USERS);
        let path = self.folder.join(n.to_string());
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let name = format!("groundcrew-{}-{n}", std::process::id());
        let folder = Folder { path, user, name };
        folder.give(&folder.path)?;
        Ok(folder)
    }
}

impl Folder {
    /// Makes something in it the box's own.
    pub fn give(&self, path: &Path) -> io::Result<()> {
        self.user.map_or(Ok(()), |user| chown(path, Some(user), Some(user)))
    }

    /// Writes a file at a relative path that was made safe before.
    pub fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut at = self.path.clone();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() || part == "." || part == ".." || part.contains('\0') {
                return Err(io::Error::other(format!("{path:?} is no path in a box")));
            }
            at.push(part);
            if parts.peek().is_some() && !at.is_dir() {
                fs::DirBuilder::new().mode(0o755).create(&at)?;
                self.give(&at)?;
            }
        }
        fs::write(&at, bytes)?;
        fs::set_permissions(&at, fs::Permissions::from_mode(0o644))?;
        self.give(&at)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Whether everybody may reach and read a file.
fn is_open(path: &Path) -> bool {
    let folders = path.ancestors().skip(1).all(|f| fs::metadata(f).is_ok_and(|m| m.mode() & 0o001 != 0));
    folders && fs::metadata(path).is_ok_and(|m| m.mode() & 0o004 != 0)
}

/// Removes shelves whose process is gone.
fn sweep(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.strip_prefix("groundcrew-")).and_then(|n| n.split_once('-')).map(|(pid, _)| pid) else {
            continue;
        };
        if pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists() {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
