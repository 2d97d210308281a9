//! Limit ranges: what a container gets that says nothing, and how little and how much one may ask for.
//! Source: `plugin/pkg/admission/limitranger` of Kubernetes, and the defaults of `pkg/apis/core/v1`.
use super::amount::{Amount, Usage, of_mapping};
use crate::engine::kubernetes::demand::{Amounts, Demand};
use crate::engine::kubernetes::objects::{Container, Object};
use crate::engine::yaml::{Node, Span};

/// One entry of a LimitRange.
#[derive(Debug, Clone, Default)]
pub struct Range {
    pub kind: Kind,
    pub default: Usage,
    pub default_request: Usage,
    pub max: Usage,
    pub min: Usage,
    /// The most that a limit may be of its request.
    pub ratio: Usage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Container,
    Pod,
    Claim,
}

/// Something a range or the API forbids, in its words, and where it stands.
pub struct Outside {
    pub message: String,
    pub resource: String,
    pub at: Span,
    /// The range's bound, written; none where a request is above its own limit.
    pub bound: Option<String>,
}

impl Range {
    /// The entries of a LimitRange, with the defaults that the API fills in: a missing default is the maximum, a missing default
    /// request the default, or the minimum.
    pub fn of(object: &Object<'_>) -> Vec<Range> {
        let items = object.node.path(&["spec", "limits"]).filter(|_| object.kind == "LimitRange").map_or(&[][..], Node::items);
        let range = |item: &Node| {
            let kind = match item.get("type").and_then(Node::as_str)? {
                "Container" => Kind::Container,
                "Pod" => Kind::Pod,
                "PersistentVolumeClaim" => Kind::Claim,
                _ => return None,
            };
            let usage = |key: &str| of_mapping(item.get(key));
            let (max, min) = (usage("max"), usage("min"));
            let (mut default, mut default_request) = (usage("default"), usage("defaultRequest"));
            if kind == Kind::Container {
                let missing = |to: &mut Usage, from: &Usage| {
                    for (resource, amount) in from {
                        to.entry(resource.clone()).or_insert(*amount);
                    }
                };
                missing(&mut default, &max);
                missing(&mut default_request, &default);
                missing(&mut default_request, &min);
            }
            Some(Range { kind, default, default_request, max, min, ratio: usage("maxLimitRequestRatio") })
        };
        items.iter().filter_map(range).collect()
    }
}

/// What a container asks for once all defaults are filled in.
pub fn filled(ranges: &[Range], container: &Node) -> Demand {
    let mut demand = Demand::of_container(container);
    for range in ranges.iter().filter(|r| r.kind == Kind::Container) {
        for (to, from) in [(&mut demand.limits, &range.default), (&mut demand.requests, &range.default_request)] {
            for (resource, amount) in from {
                if to.get(resource).is_none() {
                    to.set(resource, amount.n);
                }
            }
        }
    }
    demand
}

/// What of a container lies outside the ranges; and its requests above a limit that only a default gave it.
pub fn container(ranges: &[Range], path: &str, container: &Container<'_>, demand: &Demand) -> Vec<Outside> {
    let mut found = Vec::new();
    for (resource, request) in demand.requests.iter() {
        let given = container.limit(resource).is_none().then(|| demand.limits.get(resource)).flatten();
        if let Some(limit) = given.filter(|limit| request > *limit) {
            let shown = |n| Amount { n, binary: resource != "cpu" }.written();
            let message = format!(
                "{path}.resources.requests: Invalid value: \"{}\": must be less than or equal to {resource} limit of {}",
                shown(request),
                shown(limit)
            );
            found.push(Outside { message, resource: resource.to_owned(), at: place(container, "requests", resource), bound: None });
        }
    }
    for range in ranges.iter().filter(|r| r.kind == Kind::Container) {
        let written = |side: &str, resource: &str| container.node.path(&["resources", side, resource]).and_then(Amount::of);
        found.extend(outside(range, "Container", demand, written).into_iter().map(|(message, side, resource, bound)| Outside {
            message,
            at: place(container, side, &resource),
            resource,
            bound: Some(bound),
        }));
    }
    found
}

/// What of a pod as a whole lies outside the ranges; `at` is where the pod's own specification stands.
pub fn pod(ranges: &[Range], demand: &Demand, at: Span) -> Vec<Outside> {
    let of_pods = ranges.iter().filter(|r| r.kind == Kind::Pod);
    let found = of_pods.flat_map(|range| outside(range, "Pod", demand, |_, _| None));
    found.map(|(message, _, resource, bound)| Outside { message, resource, at, bound: Some(bound) }).collect()
}

/// What a claim asks for outside the ranges.
pub fn claim(ranges: &[Range], node: &Node) -> Vec<Outside> {
    let Some(storage) = node.path(&["spec", "resources", "requests", "storage"]) else { return Vec::new() };
    let mut demand = Demand::default();
    if let Some(amount) = Amount::of(storage) {
        demand.requests.set("storage", amount.n);
        // A claim's request is held to both bounds; it has no limit.
        demand.limits.set("storage", amount.n);
    }
    let of_claims = ranges.iter().filter(|r| r.kind == Kind::Claim);
    let found = of_claims.flat_map(|range| outside(range, "PersistentVolumeClaim", &demand, |_, _| Amount::of(storage)));
    let request = |message: String| message.replace("but limit is", "but request is");
    found.map(|(message, _, resource, bound)| Outside { message: request(message), resource, at: storage.span, bound: Some(bound) }).collect()
}

/// Message, side at fault, resource and bound of everything below a minimum or above a maximum.
fn outside(
    range: &Range,
    what: &str,
    demand: &Demand,
    written: impl Fn(&str, &str) -> Option<Amount>,
) -> Vec<(String, &'static str, String, String)> {
    let mut found = Vec::new();
    let shown = |amounts: &Amounts, side: &str, resource: &str| {
        let n = amounts.get(resource)?;
        let binary = written(side, resource).map_or(resource != "cpu", |a| a.binary);
        Some((n, Amount { n, binary }.written()))
    };
    for (which, bounds) in [("minimum", &range.min), ("maximum", &range.max)] {
        for (resource, bound) in bounds {
            let (request, limit) = (shown(&demand.requests, "requests", resource), shown(&demand.limits, "limits", resource));
            let begin = format!("{which} {resource} usage per {what} is {}", bound.written());
            let said = if which == "minimum" {
                match (&request, &limit) {
                    (None, _) => Some((format!("{begin}.  No request is specified"), "requests")),
                    (Some((n, text)), _) if *n < bound.n => Some((format!("{begin}, but request is {text}"), "requests")),
                    (_, Some((n, text))) if *n < bound.n => Some((format!("{begin}, but limit is {text}"), "limits")),
                    _ => None,
                }
            } else {
                match (&request, &limit) {
                    (_, None) => Some((format!("{begin}.  No limit is specified"), "limits")),
                    (_, Some((n, text))) if *n > bound.n => Some((format!("{begin}, but limit is {text}"), "limits")),
                    (Some((n, text)), _) if *n > bound.n => Some((format!("{begin}, but request is {text}"), "requests")),
                    _ => None,
                }
            };
            found.extend(said.map(|(message, side)| (message, side, resource.clone(), bound.written())));
        }
    }
    for (resource, bound) in &range.ratio {
        let begin = format!("{resource} max limit to request ratio per {what} is {}", bound.written());
        let some = |amounts: &Amounts| amounts.get(resource).filter(|n| !n.is_zero());
        let said = match (some(&demand.requests), some(&demand.limits)) {
            (None, _) => Some((format!("{begin}, but no request is specified or request is 0"), "requests")),
            (_, None) => Some((format!("{begin}, but no limit is specified or limit is 0"), "limits")),
            (Some(request), Some(limit)) => {
                let ratio = limit.as_f64() / request.as_f64();
                (ratio > bound.n.as_f64()).then(|| (format!("{begin}, but provided ratio is {ratio:.6}"), "limits"))
            }
        };
        found.extend(said.map(|(message, side)| (message, side, resource.clone(), format!("{} times the request", bound.written()))));
    }
    found
}

/// Where a resource of a container is written, on this side, on the other, or where it would be.
fn place(container: &Container<'_>, side: &str, resource: &str) -> Span {
    let other = if side == "limits" { "requests" } else { "limits" };
    let written = [side, other].into_iter().find_map(|side| container.node.path(&["resources", side, resource]));
    written.map_or_else(|| container.nearest(&["resources", side]), |n| n.span)
}
