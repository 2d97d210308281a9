//! Digests and what is made of them: MD5 and SHA-1 for what still names things by them, SHA-2, UUIDs of version 5.
use super::encodings::base64;
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;
use sha2::{Digest as _, Sha256, Sha512};

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, texts: &[&str], fuel: &Fuel) -> Option<Answer> {
    if !matches!(name, "md5" | "sha1" | "sha256" | "sha512" | "base64sha256" | "base64sha512" | "uuidv5") {
        return None;
    }
    let size: usize = texts.iter().map(|t| t.len()).sum();
    if !fuel.bytes(size + 128) || !fuel.steps(size / 16) {
        return Some(Ok(Value::Unknown));
    }
    Some(match (name, texts) {
        ("md5", [t]) => Ok(Value::text(hex(&md5(t.as_bytes())))),
        ("sha1", [t]) => Ok(Value::text(hex(&sha1(t.as_bytes())))),
        ("sha256", [t]) => Ok(Value::text(hex(&Sha256::digest(t)))),
        ("sha512", [t]) => Ok(Value::text(hex(&Sha512::digest(t)))),
        ("base64sha256", [t]) => Ok(Value::text(base64(&Sha256::digest(t)))),
        ("base64sha512", [t]) => Ok(Value::text(base64(&Sha512::digest(t)))),
        ("uuidv5", [space, t]) => uuid(space, t).map(Value::text).ok_or(Wrong),
        _ => Err(Wrong),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The message in blocks of 64 bytes, as MD5 and SHA-1 have it: a one, zeros, the length in bits.
fn padded(message: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut all = message.to_vec();
    all.push(0x80);
    all.resize((all.len() + 8).div_ceil(64) * 64 - 8, 0);
    all.extend(length);
    all
}

/// RFC 1321.
fn md5(message: &[u8]) -> Vec<u8> {
    const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(message, (message.len() as u64 * 8).to_le_bytes()).chunks(64) {
        let words: Vec<u32> = block.chunks(4).map(|w| w.iter().rev().fold(0, |n, b| (n << 8) | u32::from(*b))).collect();
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (mix, word) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the sine's first 32 bits, as the RFC defines them")]
            let constant = ((i as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(constant).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(TURNS[i / 16][i % 4]));
        }
        for (s, n) in state.iter_mut().zip([a, b, c, d]) {
            *s = s.wrapping_add(n);
        }
    }
    state.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// RFC 3174.
fn sha1(message: &[u8]) -> Vec<u8> {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(message, (message.len() as u64 * 8).to_be_bytes()).chunks(64) {
        let mut words: Vec<u32> = block.chunks(4).map(|w| w.iter().fold(0, |n, b| (n << 8) | u32::from(*b))).collect();
        for i in 16..80 {
            words.push((words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (mix, constant) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (s, n) in state.iter_mut().zip([a, b, c, d, e]) {
            *s = s.wrapping_add(n);
        }
    }
    state.iter().flat_map(|s| s.to_be_bytes()).collect()
}

/// A UUID of version 5 in a namespace, given by name or as a UUID.
fn uuid(space: &str, name: &str) -> Option<String> {
    let space = match space {
        "dns" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "url" => "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
        "oid" => "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "x500" => "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
        other => other,
    };
    let mut message = uuid::Uuid::parse_str(space).ok()?.as_bytes().to_vec();
    message.extend(name.as_bytes());
    let mut digest: [u8; 16] = sha1(&message).get(..16)?.try_into().ok()?;
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    Some(uuid::Uuid::from_bytes(digest).to_string())
}
