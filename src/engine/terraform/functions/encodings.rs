//! Functions that write values as other texts: base64, URLs, YAML, CSV.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (n >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// The bytes of standard base64; nothing for what is none.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    if text.len() % 4 != 0 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let last = text.len() / 4;
    for (at, chunk) in text.chunks(4).enumerate() {
        let padded = chunk.iter().rev().take_while(|b| **b == b'=').count();
        if padded > 2 || (padded > 0 && at + 1 != last) {
            return None;
        }
        let mut n = 0_u32;
        for b in &chunk[..4 - padded] {
            n = (n << 6) | u32::try_from(ALPHABET.iter().position(|a| a == b)?).ok()?;
        }
        n <<= 6 * padded;
        out.extend(&n.to_be_bytes()[1..4 - padded]);
    }
    Some(out)
}

/// The text that base64 holds; nothing for what holds none.
pub fn decoded(text: &str) -> Option<String> {
    String::from_utf8(unbase64(text)?).ok().filter(|t| !t.is_empty())
}
