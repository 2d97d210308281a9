//! What forms share: the sentence shown once after a redirect, safe return addresses, cookies.
use crate::error::Result;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

const SAYING: &str = "groundcrew-saying";

/// Leaves `words` for the next page.
pub fn say(response: &mut Response, words: &str) -> Result<()> {
    let cookie = format!("{SAYING}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", encode(words));
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie)?);
    Ok(())
}

/// What the page before left to be said.
pub fn said(headers: &HeaderMap) -> Option<String> {
    cookie(headers, SAYING).map(|v| decode(&v))
}

/// Takes the sentence away again once it was shown.
pub fn forget_saying() -> HeaderValue {
    HeaderValue::from_static("groundcrew-saying=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The value of a cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE);
    all.iter().filter_map(|h| h.to_str().ok()).flat_map(|h| h.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then(|| value.to_owned())
    })
}

/// A path on this site to return to; anything else becomes `/`, so that nobody is led away. Browsers leave tabs and line ends out
/// of an address and take a backslash for a slash: with either, `/` alone would be no beginning to trust.
pub fn local(next: Option<&str>) -> &str {
    let is_odd = |c: char| c.is_control() || c == '\\';
    match next {
        Some(path) if path.starts_with('/') && !path.starts_with("//") && !path.contains(is_odd) && !path.starts_with("/login") => path,
        _ => "/",
    }
}

/// Percent-encodes for a query or a cookie.
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Undoes [`encode`]; what is no valid encoding stays as it is.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(bytes[i]));
        i += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_from_the_site() {
        for bad in ["//evil.test", "https://evil.test", "/\\evil.test", "/\t/evil.test", "/\0", "", "/login?next=/login"] {
            assert_eq!(local(Some(bad)), "/", "{bad}");
        }
        assert_eq!(local(Some("/labs/x?y=1")), "/labs/x?y=1");
    }

    #[test]
    fn encoding_comes_back_whole() {
        assert_eq!(decode(&encode("Grüße; a=b, 100 %")), "Grüße; a=b, 100 %");
        assert_eq!(decode("%zz%4"), "%zz%4");
    }
}
