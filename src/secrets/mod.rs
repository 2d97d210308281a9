//! The root key, one derived key a purpose, sealed values, and tokens whose hashes alone are stored.
use anyhow::{Context as _, Result, ensure};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

type Root = [u8; 32];

/// The root keys, the current one first; what is used of them is derived for one purpose each.
pub struct Keys {
    /// Where they are kept; read again when a value was sealed by a key not known yet, so that a rotation needs no restart.
    file: Option<PathBuf>,
    roots: RwLock<Arc<[Root]>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.ids().join(", "))
    }
}

impl Keys {
    /// Reads the root keys, or makes one (0600) where there is none.
    pub fn open(file: &Path) -> Result<Keys> {
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(mut new) => {
                let root = random_root()?;
                new.write_all(&root)?;
                new.sync_all()?;
                Ok(Keys { file: Some(file.to_owned()), roots: RwLock::new(Arc::new([root])) })
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(Keys { file: Some(file.to_owned()), roots: RwLock::new(read(file)?) }),
            Err(e) => Err(e).with_context(|| format!("the root key {} can't be made", file.display())),
        }
    }

    /// Keys that no file keeps: what they seal is lost with the process.
    pub fn random() -> Result<Keys> {
        Ok(Keys { file: None, roots: RwLock::new(Arc::new([random_root()?])) })
    }

    fn roots(&self) -> Arc<[Root]> {
        // A poisoned lock still holds whole keys: they are replaced in one assignment.
        self.roots.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The ids of the root keys, the current one first. An id says nothing about its key.
    pub fn ids(&self) -> Vec<String> {
        self.roots().iter().map(id_of).collect()
    }

    /// The key for one purpose (HKDF-SHA-256), from the current root.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        self.roots().first().map_or([0; 32], |root| derive(root, purpose))
    }

    /// Puts a new root key before the others, which stay for opening what they sealed. Gives the new one's id.
    pub fn rotate(&self) -> Result<String> {
        let new = random_root()?;
        let roots: Arc<[Root]> = std::iter::once(new).chain(self.roots().iter().copied()).collect();
        if let Some(file) = &self.file {
            // Written beside and renamed over: a crash leaves the old file or the new one, never half of either.
            let beside = file.with_extension("new");
            let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            out.write_all(&roots.concat())?;
            out.sync_all()?;
            std::fs::rename(&beside, file)?;
        }
        *self.roots.write().unwrap_or_else(std::sync::PoisonError::into_inner) = roots;
        Ok(id_of(&new))
    }

    /// Seals a value under the current key of a purpose. `bound_to` is the id of the row it belongs to: moved to another row it doesn't open.
    pub fn seal(&self, purpose: &str, bound_to: &str, plain: &[u8]) -> Result<String> {
        let roots = self.roots();
        let root = roots.first().context("there is no root key")?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).context("the system gave no random bytes")?;
        let cipher = XChaCha20Poly1305::new(&Key::from(derive(root, purpose)));
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: bound_to.as_bytes() });
        let sealed = sealed.ok().context("a value can't be sealed")?;
        Ok(format!("{}.{}{}", id_of(root), hex(&nonce), hex(&sealed)))
    }

    /// Opens what `seal` made, by whichever root key it names.
    pub fn unseal(&self, purpose: &str, bound_to: &str, sealed: &str) -> Result<Vec<u8>> {
        let (id, text) = sealed.split_once('.').context("not a sealed value")?;
        let root = self.root(id)?;
        let bytes = unhex(text).context("not a sealed value")?;
        let (nonce, body) = bytes.split_at_checked(NONCE).context("not a sealed value")?;
        let nonce = XNonce::try_from(nonce).ok().context("not a sealed value")?;
        let cipher = XChaCha20Poly1305::new(&Key::from(derive(&root, purpose)));
        cipher.decrypt(&nonce, Payload { msg: body, aad: bound_to.as_bytes() }).ok().context("a sealed value was changed, or belongs elsewhere")
    }

    /// Opens a sealed text.
    pub fn open_text(&self, purpose: &str, bound_to: &str, sealed: &str) -> Result<String> {
        Ok(String::from_utf8(self.unseal(purpose, bound_to, sealed)?)?)
    }

    /// Whether a value is under the current key.
    pub fn is_current(&self, sealed: &str) -> bool {
        self.ids().first().is_some_and(|id| sealed.split_once('.').is_some_and(|(of, _)| of == id))
    }

    /// Reads the file again, so that a running process seals under the newest key.
    pub fn reload(&self) -> Result<()> {
        if let Some(file) = &self.file {
            *self.roots.write().unwrap_or_else(std::sync::PoisonError::into_inner) = read(file)?;
        }
        Ok(())
    }

    fn root(&self, id: &str) -> Result<Root> {
        let known = |keys: &Keys| keys.roots().iter().find(|r| id_of(r) == id).copied();
        if let Some(root) = known(self) {
            return Ok(root);
        }
        self.reload()?;
        known(self).with_context(|| format!("key {id} is not known"))
    }
}

const NONCE: usize = 24;

fn read(file: &Path) -> Result<Arc<[Root]>> {
    let mut open = std::fs::File::open(file).with_context(|| format!("the root key {} can't be read", file.display()))?;
    let mode = open.metadata()?.permissions().mode();
    ensure!(mode & 0o077 == 0, "the root key {} can be read by others: chmod 600 it", file.display());
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes)?;
    let (roots, rest) = bytes.as_chunks::<32>();
    ensure!(!roots.is_empty() && rest.is_empty(), "{} is not a root key: it must hold 32 bytes for each key", file.display());
    Ok(roots.into())
}

fn random_root() -> Result<Root> {
    let mut root = [0; 32];
    getrandom::fill(&mut root).context("the system gave no random bytes")?;
    Ok(root)
}

fn derive(root: &Root, purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    // 32 bytes is far below HKDF's limit, the only way this can fail.
    let _ = hkdf::Hkdf::<Sha256>::new(None, root).expand(purpose.as_bytes(), &mut key);
    key
}

fn id_of(root: &Root) -> String {
    hex(&derive(root, "key id")[..6])
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

/// Undoes [`hex`].
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> PathBuf {
        std::env::temp_dir().join(format!("groundcrew-keys-{}", uuid::Uuid::now_v7()))
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_belongs() -> Result<()> {
        let keys = Keys::random()?;
        let sealed = keys.seal("mail", "row-1", b"a link")?;
        assert_eq!(keys.unseal("mail", "row-1", &sealed)?, b"a link");
        assert!(keys.unseal("mail", "row-2", &sealed).is_err(), "another row");
        assert!(keys.unseal("proof", "row-1", &sealed).is_err(), "another purpose");
        let last = if sealed.ends_with('0') { "1" } else { "0" };
        assert!(keys.unseal("mail", "row-1", &format!("{}{last}", &sealed[..sealed.len() - 1])).is_err(), "changed");
        assert!(Keys::random()?.unseal("mail", "row-1", &sealed).is_err(), "another key");
        assert_ne!(sealed, keys.seal("mail", "row-1", b"a link")?, "the nonce is random");
        Ok(())
    }

    #[test]
    fn a_rotation_keeps_old_keys_for_opening_and_running_processes_learn_of_it() -> Result<()> {
        let file = file();
        let (first, running, idle) = (Keys::open(&file)?, Keys::open(&file)?, Keys::open(&file)?);
        let old = first.seal("mail", "row", b"before")?;
        let id = first.rotate()?;
        assert_eq!(first.ids().first(), Some(&id));
        assert_eq!(first.ids().len(), 2);
        assert_eq!(first.unseal("mail", "row", &old)?, b"before");
        assert!(!first.is_current(&old));
        let new = first.seal("mail", "row", b"after")?;
        assert!(first.is_current(&new));
        assert_eq!(running.unseal("mail", "row", &new)?, b"after");
        assert!(!first.is_current(&idle.seal("mail", "row", b"later")?));
        idle.reload()?;
        assert!(first.is_current(&idle.seal("mail", "row", b"later")?));
        assert_eq!(Keys::open(&file)?.ids(), first.ids());
        assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&file)?;
        Ok(())
    }

    #[test]
    fn a_key_others_can_read_or_of_the_wrong_size_is_refused() -> Result<()> {
        let file = file();
        Keys::open(&file)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
        assert!(Keys::open(&file).is_err());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        std::fs::write(&file, [7; 33])?;
        assert!(Keys::open(&file).is_err());
        std::fs::remove_file(&file)?;
        Ok(())
    }
}
