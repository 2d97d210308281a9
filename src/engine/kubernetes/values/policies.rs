//! Network policies: whom a peer may mean, ranges of addresses, ranges of ports. After the API's own validation of networking.k8s.io/v1.
use super::network::number_or_name;
use super::{At, Walk};
use crate::engine::yaml::{Node, Value};
use std::net::IpAddr;

/// Whom a rule lets through: Pods and namespaces by their labels, or addresses.
pub fn peer(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let given = |key: &str| at.node.entry(key).filter(|e| !matches!(e.value.value, Value::Null));
    let by_labels = given("podSelector").or_else(|| given("namespaceSelector"));
    match (by_labels, given("ipBlock")) {
        (None, None) => {
            let problem = walk.doc.problem(at.head(), "a peer says `podSelector`, `namespaceSelector` or `ipBlock`, and this one says none");
            walk.add(problem.why("The API refuses an empty peer. A rule for everybody has no `from` or `to` at all.").fix(walk.doc.add(
                at.node,
                at.key,
                "podSelector: {}",
            )));
        }
        (Some(_), Some(block)) => {
            let problem = walk.doc.problem(block.key_span, "`ipBlock` may not stand beside `podSelector` or `namespaceSelector`");
            walk.add(
                problem
                    .why("Addresses and labels can't both hold in one peer; the API refuses it. Peers of a list are alternatives.")
                    .fix("Make it a peer of its own: put a `-` before `ipBlock`."),
            );
        }
        _ => {}
    }
}

/// A range of addresses and what is left out of it.
pub fn block(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(cidr) = at.node.get("cidr") else { return };
    let whole = range(cidr);
    self::cidr(walk, cidr, "cidr");
    for part in at.node.get("except").map_or(&[][..], Node::items) {
        match (whole, range(part)) {
            (_, None) => self::cidr(walk, part, "except"),
            (Some(whole), Some(inner)) if !whole.holds(inner) => {
                let message = format!("`except` names `{}`, which is no part of `{}`", walk.doc.shown(part), walk.doc.shown(cidr));
                let problem = walk.doc.problem(part.span, message);
                walk.add(
                    problem
                        .why("Only what lies within `cidr`, and is smaller, can be left out of it.")
                        .fix("Write a range within `cidr`, or remove it."),
                );
            }
            _ => {}
        }
    }
}

/// A range of addresses; since 1.36 without bits behind the prefix.
pub fn cidr(walk: &mut Walk<'_, '_>, node: &Node, key: &str) {
    let Some(range) = range(node) else { return not_a_range(walk, node, key) };
    let first = range.first();
    if walk.minor >= 36 && first != range.address {
        let right = format!("{first}/{}", range.length);
        let message = format!("`{key}` is `{}`, which has bits behind its prefix; did you mean `{right}`?", walk.doc.shown(node));
        let fix = walk.doc.replace(node.span, &right).unwrap_or_else(|| format!("Write `{right}`."));
        walk.refuse(
            node.span,
            message,
            "Only the leading bits count, so the rest must be 0: the API refuses a range that looks narrower than it is.",
            fix,
        );
    }
}

fn not_a_range(walk: &mut Walk<'_, '_>, node: &Node, key: &str) {
    let Some(text) = node.as_str() else { return };
    let length = text.parse::<IpAddr>().ok().map(|a| if a.is_ipv4() { 32 } else { 128 });
    let fix = length.and_then(|n| walk.doc.replace(node.span, &format!("{text}/{n}")));
    let problem = walk.doc.problem(node.span, format!("`{key}` is `{}`, and no range of addresses such as `10.0.0.0/16`", walk.doc.shown(node)));
    walk.add(
        problem
            .why("A range is an address, a slash and how many of its leading bits count; one address alone is a /32.")
            .fix(fix.unwrap_or_else(|| "Write an address, a slash and a number.".into())),
    );
}

/// Addresses whose first `length` bits are the same.
#[derive(Debug, Clone, Copy)]
struct Range {
    address: IpAddr,
    length: u32,
}

fn range(node: &Node) -> Option<Range> {
    let (address, length) = node.as_str()?.split_once('/')?;
    let (address, length): (IpAddr, u32) = (address.parse().ok()?, length.parse().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some(Range { address, length })
}

impl Range {
    /// Its first address: all bits behind the prefix are 0.
    fn first(self) -> IpAddr {
        match self.address {
            IpAddr::V4(a) => IpAddr::V4((a.to_bits() & u32::MAX.checked_shl(32 - self.length).unwrap_or(0)).into()),
            IpAddr::V6(a) => IpAddr::V6((a.to_bits() & u128::MAX.checked_shl(128 - self.length).unwrap_or(0)).into()),
        }
    }

    /// Whether another range is a smaller one within this.
    fn holds(self, inner: Range) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(a) => u128::from(a.to_bits()) << 96,
            IpAddr::V6(a) => a.to_bits(),
        };
        // All 128 bits can't be shifted out at once: a range of length 0 holds every other of its kind.
        let same = |a: IpAddr, b: IpAddr| self.length == 0 || bits(a) >> (128 - self.length) == bits(b) >> (128 - self.length);
        self.address.is_ipv4() == inner.address.is_ipv4() && inner.length > self.length && same(self.address, inner.address)
    }
}

/// A port by number or name, or a range of numbers.
pub fn port(walk: &mut Walk<'_, '_>, at: At<'_>) {
    number_or_name(walk, at, "port");
    let first = at.node.get("port");
    let number = first.and_then(Node::as_i64);
    let Some(end) = at.node.entry("endPort").filter(|e| e.value.as_i64().is_some()) else { return };
    let wrong = match (first, number) {
        (None, _) => "`endPort` needs a `port` at which the range begins".to_owned(),
        (Some(_), None) => "`endPort` needs a `port` that is a number: a range of names means nothing".to_owned(),
        (Some(_), Some(n)) if end.value.as_i64() < Some(n) => format!("`endPort` is below `port`, which is {n}"),
        _ => return,
    };
    let problem = walk.doc.problem(end.key_span, wrong);
    walk.add(
        problem
            .why("`port` and `endPort` are the first and the last of a range; the API refuses others.")
            .fix("Give both as numbers, the smaller one as `port`."),
    );
}
