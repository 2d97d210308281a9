//! How much of a file is read before it is refused: a hostile file must cost no more than a large honest one.

/// A file's size in bytes.
pub const BYTES: usize = 1 << 20;
/// Lists and mappings inside one another.
pub const DEPTH: usize = 64;
/// Keys and values of a file, aliases counted as often as they are used.
pub const NODES: usize = 200_000;
/// Documents of a file.
pub const DOCUMENTS: usize = 256;
/// Keys that merges (`<<`) bring into the mappings of a file.
pub const MERGED: usize = 10_000;
/// Bytes of text that aliases and merges copy.
pub const COPIED: usize = 4 << 20;
/// Problems, and likewise notes, that a file is told about.
pub const TOLD: usize = 100;

/// What is left for one file.
#[derive(Debug, Clone)]
pub struct Budget {
    nodes: usize,
    kept: usize,
    merged: usize,
    copied: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { nodes: NODES, kept: NODES, merged: MERGED, copied: COPIED }
    }
}

impl Budget {
    /// Takes `n` nodes; says why not.
    pub fn nodes(&mut self, n: usize) -> Result<(), String> {
        take(&mut self.nodes, n).ok_or_else(|| format!("the file unfolds to more than {NODES} values, aliases counted as often as they are used"))
    }

    /// Takes the copy of an anchored value that waits for its aliases.
    pub fn keep(&mut self, n: usize) -> Result<(), String> {
        take(&mut self.kept, n).ok_or_else(|| format!("anchors inside anchors hold more than {NODES} values"))
    }

    pub fn merge(&mut self, n: usize) -> Result<(), String> {
        take(&mut self.merged, n).ok_or_else(|| format!("merges (`<<`) bring in more than {MERGED} keys"))
    }

    pub fn copy(&mut self, bytes: usize) -> Result<(), String> {
        take(&mut self.copied, bytes).ok_or_else(|| format!("aliases repeat more than {} MiB of text", COPIED >> 20))
    }
}

fn take(left: &mut usize, n: usize) -> Option<()> {
    *left = left.checked_sub(n)?;
    Some(())
}
