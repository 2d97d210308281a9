//! A plan as a picture: resources, what happens to each, and which of them another one needs.
use super::changes::{Action, Change};
use crate::engine::figure::{Figure, MOST, PlanGraph, PlanNode};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The figure of a plan's changes; nothing to draw is no figure.
pub fn of(changes: &[Change], plan: &Json) -> Option<Figure> {
    let shown: Vec<&Change> = changes.iter().filter(|c| c.action != Action::Read).take(MOST / 2).collect();
    if shown.is_empty() {
        return None;
    }
    let needs = needs(plan);
    let places: BTreeMap<&str, Vec<usize>> = shown.iter().enumerate().fold(BTreeMap::new(), |mut all, (n, c)| {
        all.entry(bare(&c.address)).or_insert_with(Vec::new).push(n);
        all
    });
    let nodes = shown
        .iter()
        .map(|c| {
            let targets: BTreeSet<u32> = needs
                .get(bare(&c.address))
                .into_iter()
                .flatten()
                .flat_map(|t| places.get(t.as_str()).into_iter().flatten().copied())
                .filter_map(|n| u32::try_from(n).ok())
                .collect();
            PlanNode {
                address: c.address.clone(),
                action: c.action.words().to_owned(),
                from: c.from.clone(),
                attributes: c.attributes.iter().take(8).cloned().collect(),
                needs: targets.into_iter().take(12).collect(),
            }
        })
        .collect();
    Some(Figure::Plan(PlanGraph { nodes, left_out: u32::try_from(changes.len().saturating_sub(shown.len())).unwrap_or(u32::MAX) }))
}

/// An address without its instance: `module.a[0].aws_vpc.b["x"]` is `module.a[0].aws_vpc.b`.
fn bare(address: &str) -> &str {
    if address.ends_with(']') { address.rfind('[').map_or(address, |at| &address[..at]) } else { address }
}

/// What each resource of the configuration refers to, by address, modules' own included where they are called once.
fn needs(plan: &Json) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    if let Some(root) = plan.pointer("/configuration/root_module") {
        collect(root, "", &mut all, 0);
    }
    all
}

fn collect(module: &Json, prefix: &str, all: &mut BTreeMap<String, Vec<String>>, depth: u32) {
    if depth > 8 {
        return;
    }
    for resource in module.get("resources").and_then(Json::as_array).into_iter().flatten() {
        let Some(address) = resource.get("address").and_then(Json::as_str) else { continue };
        let mut found = Vec::new();
        references(resource.get("expressions").unwrap_or(&Json::Null), &mut found, 0);
        all.insert(format!("{prefix}{address}"), found.into_iter().map(|f| format!("{prefix}{f}")).collect());
    }
    for (name, call) in module.get("module_calls").and_then(Json::as_object).into_iter().flatten() {
        if let Some(inner) = call.get("module") {
            collect(inner, &format!("{prefix}module.{name}."), all, depth + 1);
        }
    }
}

/// Addresses of resources that an expression mentions.
fn references(expression: &Json, found: &mut Vec<String>, depth: u32) {
    if depth > 16 {
        return;
    }
    match expression {
        Json::Object(fields) => {
            for (name, value) in fields {
                match value.as_array().filter(|_| name == "references") {
                    Some(names) => {
                        let texts = names.iter().filter_map(Json::as_str).filter(|t| !t.starts_with("data.") && t.matches('.').count() == 1);
                        found.extend(texts.filter(|t| t.contains('_')).map(|t| bare(t).to_owned()));
                    }
                    None => references(value, found, depth + 1),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|i| references(i, found, depth + 1)),
        _ => {}
    }
}
