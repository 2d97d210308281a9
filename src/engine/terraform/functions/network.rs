//! Functions over address ranges of both versions of IP.
use crate::engine::terraform::evaluate::{Answer, Wrong};
use crate::engine::terraform::fuel::Fuel;
use crate::engine::terraform::value::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The value of a call with known arguments, if the function is one of these.
pub fn call(name: &str, args: &[Value], fuel: &Fuel) -> Option<Answer> {
    if !matches!(name, "cidrsubnet" | "cidrsubnets" | "cidrhost" | "cidrnetmask") || !fuel.steps(args.len()) {
        return None;
    }
    let prefix = args.first()?.as_str()?;
    if prefix.contains(':') {
        return Some(sixth(name, prefix, &args[1..]));
    }
    let Some((base, length)) = parse(prefix) else { return Some(Err(Wrong)) };
    // From the end: -1 is the last address.
    if let ("cidrhost", [Value::Number(n)]) = (name, &args[1..])
        && *n < 0.0
    {
        let size = 1_u64 << (32 - length);
        return Some(
            small(-n)
                .map(u64::from)
                .filter(|back| *back <= size)
                .and_then(|back| u32::try_from(u64::from(base) + size - back).ok())
                .map(|a| Value::text(Ipv4Addr::from(a).to_string()))
                .ok_or(Wrong),
        );
    }
    let numbers: Option<Vec<u32>> = args[1..].iter().map(|v| v.as_number().and_then(small)).collect();
    let Some(numbers) = numbers else { return Some(Err(Wrong)) };
    Some(match (name, numbers.as_slice()) {
        ("cidrsubnet", [bits, n]) => subnet(base, length, *bits, *n),
        ("cidrhost", [n]) if length == 32 || u64::from(*n) < 1 << (32 - length) => Ok(Value::text(Ipv4Addr::from(base + n).to_string())),
        ("cidrnetmask", []) => Ok(Value::text(Ipv4Addr::from(mask(length)).to_string())),
        ("cidrsubnets", bits) => subnets(base, length, bits),
        _ => Err(Wrong),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within u32: checked here")]
fn small(n: f64) -> Option<u32> {
    (n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n)).then_some(n as u32)
}

/// A range's first address and the length of its prefix.
pub fn parse(prefix: &str) -> Option<(u32, u32)> {
    let (address, length) = prefix.split_once('/')?;
    let length: u32 = length.parse().ok().filter(|l| *l <= 32)?;
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?) & mask(length), length))
}

fn mask(length: u32) -> u32 {
    u32::MAX.checked_shl(32 - length).unwrap_or(0)
}

fn subnet(base: u32, length: u32, bits: u32, n: u32) -> Answer {
    let longer = length.checked_add(bits).filter(|l| *l <= 32).ok_or(Wrong)?;
    if u64::from(n) >= 1_u64 << bits {
        return Err(Wrong);
    }
    let offset = n.checked_shl(32 - longer).unwrap_or(0);
    Ok(Value::text(format!("{}/{longer}", Ipv4Addr::from(base | offset))))
}

fn subnets(base: u32, length: u32, bits: &[u32]) -> Answer {
    let end = u64::from(base) + (1_u64 << (32 - length));
    let mut next = u64::from(base);
    let mut made = Vec::new();
    for bits in bits {
        let longer = length.checked_add(*bits).filter(|l| *l <= 32).ok_or(Wrong)?;
        let size = 1_u64 << (32 - longer);
        let start = next.div_ceil(size) * size;
        if start + size > end {
            return Err(Wrong);
        }
        made.push(Value::text(format!("{}/{longer}", Ipv4Addr::from(u32::try_from(start).map_err(|_| Wrong)?))));
        next = start + size;
    }
    Ok(Value::list(made))
}

/// The same over ranges of version 6.
fn sixth(name: &str, prefix: &str, args: &[Value]) -> Answer {
    let (address, length) = prefix.split_once('/').ok_or(Wrong)?;
    let length: u32 = length.parse().ok().filter(|l| *l <= 128).ok_or(Wrong)?;
    let mask = |l: u32| u128::MAX.checked_shl(128 - l).unwrap_or(0);
    let base = u128::from(address.parse::<Ipv6Addr>().map_err(|_| Wrong)?) & mask(length);
    let numbers: Option<Vec<u32>> = args.iter().map(|v| v.as_number().and_then(small)).collect();
    // What is counted from the end, or beyond 32 bits, isn't followed.
    let Some(numbers) = numbers else { return Ok(Value::Unknown) };
    let range = |at: u128, l: u32| Value::text(format!("{}/{l}", Ipv6Addr::from(at)));
    let longer = |bits: u32| length.checked_add(bits).filter(|l| *l <= 128 && bits <= 32).ok_or(Wrong);
    match (name, numbers.as_slice()) {
        ("cidrhost", [n]) if length == 0 || u128::from(*n) <= !mask(length) => Ok(Value::text(Ipv6Addr::from(base + u128::from(*n)).to_string())),
        ("cidrsubnet", [bits, n]) => {
            let l = longer(*bits)?;
            if u64::from(*n) >= 1_u64 << bits {
                return Err(Wrong);
            }
            Ok(range(base | u128::from(*n).checked_shl(128 - l).unwrap_or(0), l))
        }
        ("cidrsubnets", bits) => {
            let (mut next, mut made) = (base, Vec::new());
            for bits in bits {
                let l = longer(*bits)?;
                let size = 1_u128.checked_shl(128 - l).ok_or(Wrong)?;
                let start = next.div_ceil(size).checked_mul(size).filter(|s| s & mask(length) == base).ok_or(Wrong)?;
                made.push(range(start, l));
                next = start.checked_add(size).ok_or(Wrong)?;
            }
            Ok(Value::list(made))
        }
        // There is no netmask of version 6.
        _ => Err(Wrong),
    }
}
