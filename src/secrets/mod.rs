//! The root key, one derived key a purpose, and tokens whose hashes alone are stored.
use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// The root key; what is used of it is derived for one purpose each.
pub struct Keys {
    root: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Reads the root key, or makes it (0600) where there is none.
    pub fn open(file: &Path) -> Result<Keys> {
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(mut new) => {
                let keys = Keys::random()?;
                new.write_all(&keys.root)?;
                new.sync_all()?;
                Ok(keys)
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut open = std::fs::File::open(file).with_context(|| format!("the root key {} can't be read", file.display()))?;
                let mode = open.metadata()?.permissions().mode();
                ensure!(mode & 0o077 == 0, "the root key {} can be read by others: chmod 600 it", file.display());
                let mut root = Vec::new();
                open.read_to_end(&mut root)?;
                let root = <[u8; 32]>::try_from(root).ok().with_context(|| format!("{} is not a root key: it must hold 32 bytes", file.display()))?;
                Ok(Keys { root })
            }
            Err(e) => Err(e).with_context(|| format!("the root key {} can't be made", file.display())),
        }
    }

    pub fn random() -> Result<Keys> {
        let mut root = [0; 32];
        getrandom::fill(&mut root).context("the system gave no random bytes")?;
        Ok(Keys { root })
    }

    /// The key for one purpose (HKDF-SHA-256).
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        // 32 bytes is far below HKDF's limit, the only way this can fail.
        let _ = hkdf::Hkdf::<Sha256>::new(None, &self.root).expand(purpose.as_bytes(), &mut key);
        key
    }
}

/// A new secret token: a prefix that says what it is and 32 random bytes in hex.
pub fn new_token(prefix: &str) -> Result<String> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).context("the system gave no random bytes")?;
    Ok(format!("{prefix}{}", hex(&random)))
}

/// What is stored of a token. It is random, so a plain hash is enough.
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}
