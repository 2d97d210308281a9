//! Cuts a provider's schema down to the types that a configuration names: of five megabytes a few kilobytes are left.
use bytes::{BufMut as _, Bytes, BytesMut};
use std::collections::BTreeSet;

/// Fields of tfplugin5's and tfplugin6's `GetProviderSchema.Response` that map a type's name to its schema: resources, data sources,
/// ephemeral resources, list resources. The others (the provider's own schema, diagnostics, capabilities, functions) stay whole.
const BY_TYPE: [u64; 4] = [2, 3, 8, 9];
/// Terraform offers a name this near to one that no provider knows; what it may offer stays.
const NEAR: usize = 3;
/// The wire type of everything with a length.
const LENGTH: u64 = 2;

/// The response without the types that aren't wanted; None if it isn't one. Of a wanted type that the provider doesn't know, those
/// with almost its name stay: terraform asks whether they were meant.
pub fn cut(response: &[u8], wanted: &BTreeSet<String>) -> Option<Bytes> {
    let known = types(response)?;
    let unknown: Vec<&String> = wanted.iter().filter(|w| !known.contains(w.as_str())).collect();
    let stays = |name: &str| wanted.contains(name) || unknown.iter().any(|u| strsim::levenshtein(u, name) < NEAR);
    let mut kept = BytesMut::new();
    let mut rest = response;
    while !rest.is_empty() {
        let whole = rest;
        let (field, payload) = field(&mut rest)?;
        let bytes = &whole[..whole.len() - rest.len()];
        let named = payload.filter(|_| BY_TYPE.contains(&field)).and_then(key);
        if named.is_none_or(stays) {
            kept.put_slice(bytes);
        }
    }
    Some(kept.freeze())
}

/// The names of everything that has one.
fn types(response: &[u8]) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    let mut rest = response;
    while !rest.is_empty() {
        let (field, payload) = field(&mut rest)?;
        names.extend(payload.filter(|_| BY_TYPE.contains(&field)).and_then(key));
    }
    Some(names)
}

/// A message as gRPC sends it: not compressed, its length, its bytes.
pub fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

/// The message in a frame; None if it is compressed or cut short.
pub fn unframed(frame: &Bytes) -> Option<Bytes> {
    let head = frame.get(..5)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    (head[0] == 0 && frame.len() >= 5 + length).then(|| frame.slice(5..5 + length))
}

/// The next field's number, and its bytes if it has a length.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let tag = varint(rest)?;
    let payload = match tag & 7 {
        LENGTH => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Some(take(rest, length)?)
        }
        0 => {
            varint(rest)?;
            None
        }
        1 => {
            take(rest, 8)?;
            None
        }
        5 => {
            take(rest, 4)?;
            None
        }
        _ => return None,
    };
    Some((tag >> 3, payload))
}

/// The key of a map's entry: its first field.
fn key(entry: &[u8]) -> Option<&str> {
    let mut rest = entry;
    match field(&mut rest)? {
        (1, Some(name)) => std::str::from_utf8(name).ok(),
        _ => None,
    }
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(field: u8, name: &str) -> Vec<u8> {
        let mut inner = vec![0x0a, u8::try_from(name.len()).unwrap()];
        inner.extend(name.as_bytes());
        inner.extend([0x12, 2, 8, 1]);
        let mut outer = vec![field << 3 | 2, u8::try_from(inner.len()).unwrap()];
        outer.extend(inner);
        outer
    }

    #[test]
    fn only_the_wanted_types_stay() {
        let provider = vec![0x0a, 2, 8, 1];
        let whole = [provider.clone(), entry(2, "aws_vpc"), entry(2, "aws_subnet"), entry(3, "aws_ami"), vec![0x32, 2, 8, 1]].concat();
        let wanted = BTreeSet::from(["aws_vpc".to_owned(), "aws_ami".to_owned()]);
        let kept = [provider, entry(2, "aws_vpc"), entry(3, "aws_ami"), vec![0x32, 2, 8, 1]].concat();
        assert_eq!(cut(&whole, &wanted).unwrap(), kept);
    }

    #[test]
    fn what_terraform_would_offer_instead_of_a_wrong_name_stays() {
        let whole = [entry(2, "aws_sqs_queue"), entry(2, "aws_vpc")].concat();
        assert_eq!(cut(&whole, &BTreeSet::from(["aws_sqs_queu".to_owned()])).unwrap(), entry(2, "aws_sqs_queue"));
    }

    #[test]
    fn what_is_no_response_is_not_cut() {
        assert!(cut(&[0x0a, 200, 1], &BTreeSet::new()).is_none());
        assert!(cut(&[0xff; 20], &BTreeSet::new()).is_none());
        assert_eq!(unframed(&framed(b"abc")).unwrap(), &b"abc"[..]);
        assert!(unframed(&Bytes::from_static(&[0, 0, 0, 0, 9, 1])).is_none());
    }
}
