//! Passwords: argon2id on blocking threads, two at a time, in the same time whether an account exists or not.
use anyhow::{Context as _, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// OWASP's password storage cheat sheet, argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Each takes 19 MiB and a core for some 30 ms: two at a time keep the rest of the portal quick.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Shorter ones are guessed; NIST SP 800-63B asks for 8 at least, 15 where a password stands alone; we meet in the middle.
pub const SHORTEST: usize = 10;
/// Longer ones only keep the hash function busy.
pub const LONGEST: usize = 200;

/// What is wrong with a password somebody chose, in words for them.
pub fn weakness(password: &str, email: &str, name: &str) -> Option<&'static str> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    let own = email.split('@').next().unwrap_or("");
    let first = lower.chars().next();
    if length < SHORTEST {
        Some("Use at least 10 characters: four plain words in a row are easy to keep in mind.")
    } else if length > LONGEST {
        Some("Use at most 200 characters.")
    } else if lower.chars().all(|c| Some(c) == first) || COMMON.contains(&lower.as_str()) {
        Some("This is one of the first passwords anybody tries. Choose another.")
    } else if lower == email || (own.len() > 3 && lower.trim_matches(|c: char| !c.is_alphabetic()) == own) || lower == name.to_lowercase() {
        Some("This is your own name or address. Choose something that isn't on your pages.")
    } else {
        None
    }
}

/// What of the usual lists is long enough to pass the length.
const COMMON: &[&str] = &[
    "1234567890",
    "12345678910",
    "0123456789",
    "1q2w3e4r5t",
    "qwertyuiop",
    "qwerty12345",
    "qwerty123456",
    "password12",
    "password123",
    "password1234",
    "passwordpassword",
    "iloveyou12",
    "letmein123",
    "welcome123",
    "administrator",
    "changeme123",
    "groundcrew",
    "groundcrew1",
    "1qaz2wsx3edc",
    "asdfghjkl1",
    "zaq12wsxcde3",
    "trustno1trustno1",
    "abcdefghij",
    "abcd123456",
    "a123456789",
    "monkey1234",
    "football123",
    "sunshine123",
];

/// What came of comparing a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    /// Right; a new hash to keep when the stored one was made with other parameters.
    Right(Option<String>),
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok().context("argon2's parameters are out of range")?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String> {
    Ok(hasher()?.hash_password(password.as_bytes()).ok().context("a password can't be hashed")?.to_string())
}

/// Compared with when an account doesn't exist or has no password yet, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("of nobody").unwrap_or_default());

/// Hashes a password to keep.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    blocking(move || hash_now(&password)).await
}

/// Compares a password with what is stored; `None` takes the same time and is always wrong.
pub async fn verify(password: &str, stored: Option<&str>) -> Result<Verdict> {
    let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
    blocking(move || verify_now(&password, stored.as_deref())).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = TURNS.acquire().await?;
    tokio::task::spawn_blocking(work).await?
}

fn verify_now(password: &str, stored: Option<&str>) -> Result<Verdict> {
    // Nothing longer was ever accepted, so it is wrong; comparing its beginning keeps the time the same.
    let too_long = password.chars().count() > LONGEST;
    let compared: String = password.chars().take(LONGEST).collect();
    let parsed = PasswordHash::new(stored.unwrap_or(&NOBODY)).ok().context("a stored password hash can't be read")?;
    let same = Argon2::default().verify_password(compared.as_bytes(), &parsed).is_ok();
    if !same || too_long || stored.is_none() {
        return Ok(Verdict::Wrong);
    }
    let params = Params::try_from(&parsed).ok();
    let current =
        parsed.algorithm.as_str() == "argon2id" && params.is_some_and(|p| p.m_cost() == MEMORY_KIB && p.t_cost() == PASSES && p.p_cost() == LANES);
    Ok(Verdict::Right(if current { None } else { Some(hash_now(&compared)?) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_passes_and_nothing_else_does() -> Result<()> {
        let stored = hash("four plain words here").await?;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(verify("four plain words here", Some(&stored)).await?, Verdict::Right(None));
        assert_eq!(verify("four plain words her", Some(&stored)).await?, Verdict::Wrong);
        assert_eq!(verify("of nobody", None).await?, Verdict::Wrong, "no account has the stand-in's password");
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_of_older_parameters_is_made_anew() -> Result<()> {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None)?);
        let stored = old.hash_password(b"four plain words").map_err(|e| anyhow::anyhow!("{e}"))?.to_string();
        let Verdict::Right(Some(new)) = verify("four plain words", Some(&stored)).await? else { anyhow::bail!("not made anew") };
        assert_eq!(verify("four plain words", Some(&new)).await?, Verdict::Right(None));
        Ok(())
    }

    #[tokio::test]
    async fn a_longer_password_with_the_same_beginning_is_wrong() -> Result<()> {
        let longest = "x".repeat(LONGEST - 1) + "y";
        let stored = hash(&longest).await?;
        assert_eq!(verify(&format!("{longest}z"), Some(&stored)).await?, Verdict::Wrong);
        Ok(())
    }

    #[test]
    fn weak_passwords_are_named() {
        for bad in ["short", "aaaaaaaaaaaa", "Password123", "moreno.ada@example.org", "Ada Moreno Diaz", "moreno.ada1"] {
            assert!(weakness(bad, "moreno.ada@example.org", "Ada Moreno Diaz").is_some(), "{bad}");
        }
        for good in ["four plain words", "groundcrew-demo", "日本語のとても長いパスワード"] {
            assert_eq!(weakness(good, "moreno.ada@example.org", "Ada Moreno Diaz"), None, "{good}");
        }
    }
}
