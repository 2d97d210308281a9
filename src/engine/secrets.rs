//! What is a secret by its name, and what by its own look: in manifests and in configuration alike.

/// Whether a variable of this name holds a secret: what its last words say.
pub fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let last = name.rsplit('_').next().unwrap_or("");
    let words = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIALS", "CREDENTIAL"];
    let ends = ["API_KEY", "SECRET_KEY", "PRIVATE_KEY", "ACCESS_KEY", "AUTH_KEY", "ENCRYPTION_KEY", "SIGNING_KEY"];
    words.contains(&last) || ends.iter().any(|e| name.ends_with(e))
}

/// Whether text is a secret by its own look: a known prefix, a private key, a password in a URL.
pub fn looks_secret(value: &str) -> bool {
    let value = value.trim();
    let long_after = |prefix: &str, least: usize| {
        value
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= least && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))
    };
    let prefixes =
        [("hf_", 8), ("sk-", 16), ("ghp_", 16), ("github_pat_", 16), ("glpat-", 12), ("AKIA", 12), ("nvapi-", 8), ("xoxb-", 10), ("eyJ", 40)];
    // What is before a path is the authority: an `@` further on is a digest or a version.
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let in_url = authority.and_then(|a| a.rsplit_once('@')).and_then(|(user, _)| user.split_once(':'));
    prefixes.iter().any(|(p, n)| long_after(p, *n))
        || value.contains("PRIVATE KEY-----")
        || in_url.is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("$("))
}
