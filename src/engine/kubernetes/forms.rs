//! Values that may have one of several forms: what the forms are, and which one a value seems to be.
use super::catalog::Field;
use super::words;
use crate::engine::yaml::{Node, Value};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Fault};
use serde_json::Value as Json;

type Branch = Vec<ValidationError<'static>>;

/// More forms than this are not listed.
const LISTED: usize = 6;

/// The form whose faults all lie deeper than the value itself: it fits, but for what is in it. The one with the fewest.
pub fn meant(context: &[Branch], depth: usize) -> Option<&Branch> {
    let deep = |branch: &&Branch| !branch.is_empty() && branch.iter().all(|e| e.instance_path().iter().count() > depth);
    context.iter().filter(deep).min_by_key(|branch| branch.len())
}

/// The forms in words: "a string", "with `a` and `b`".
pub fn names<'a>(branches: impl Iterator<Item = &'a Branch>, path: &[String]) -> String {
    let mut all: Vec<String> = Vec::new();
    for branch in branches {
        if let Some(name) = name(branch, path.len()).filter(|n| !all.contains(n)) {
            all.push(name);
        }
    }
    listed(&all)
}

fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [.., _] if all.len() > LISTED => format!("{} or one of {} other forms", all[..LISTED].join(", "), all.len() - LISTED),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

/// A form by what the value lacks to be it.
fn name(branch: &Branch, depth: usize) -> Option<String> {
    let mut keys = Vec::new();
    let mut types = Vec::new();
    for error in branch.iter().filter(|e| e.instance_path().iter().count() == depth) {
        match error.kind() {
            Fault::Required { property } => keys.extend(property.as_str().map(|p| format!("`{p}`"))),
            Fault::Type { kind: TypeKind::Single(one) } => types.push(words::type_name(one.to_string().trim_matches('"')).to_owned()),
            Fault::Type { kind: TypeKind::Multiple(set) } => {
                types.extend(
                    set.iter()
                        .map(|t| t.to_string())
                        .filter(|t| t.trim_matches('"') != "null")
                        .map(|t| words::type_name(t.trim_matches('"')).to_owned()),
                );
            }
            Fault::Pattern { pattern } => types.push(format!("spelled as `{pattern}` says")),
            Fault::Enum { options } => types.extend(options.as_array().map(|o| words::either(o.iter().filter_map(Json::as_str).take(LISTED)))),
            _ => {}
        }
    }
    if !types.is_empty() {
        return Some(types.join(" or "));
    }
    (!keys.is_empty()).then(|| format!("with {}", keys.join(" and ")))
}

/// A value that is none of its forms, in one sentence.
pub fn sentence(name: &str, node: &Node, context: &[Branch], field: Option<Field<'_>>, path: &[String]) -> String {
    let all = names(context.iter(), path);
    // The schema knows also what of a form is there already.
    let branches = field.and_then(|f| ["anyOf", "oneOf"].iter().find_map(|k| f.schema[*k].as_array()));
    let has = |key: &str| node.get(key).is_some_and(|v| !matches!(v.value, Value::Null));
    let seems = branches.into_iter().flatten().filter_map(|branch| {
        let required: Vec<&str> = branch["required"].as_array()?.iter().filter_map(Json::as_str).collect();
        let (there, missing): (Vec<&str>, Vec<&str>) = required.iter().partition(|k| has(k));
        (!there.is_empty() && !missing.is_empty()).then_some((there, missing))
    });
    let quoted = |keys: &[&str]| keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" and ");
    match seems.max_by_key(|(there, missing)| (there.len(), usize::MAX - missing.len())) {
        Some((there, missing)) => {
            format!("{name} has {}, and with that it needs {}; it may be written {all}", quoted(&there), quoted(&missing))
        }
        None if all.is_empty() => format!("{name} fits none of the {} forms it may have", context.len()),
        None if all.starts_with("with ") => format!("{name} has none of the forms it may have: it is written {all}"),
        None => format!("{name} has none of the forms it may have: it is {all}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::kubernetes::tests::schema;

    const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.acme.dev}\nspec:\n  group: acme.dev\n  scope: Namespaced\n  names: {kind: A, plural: as}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n          properties:\n            spec:\n              type: object\n              properties:\n                file: {type: string}\n                url: {type: string}\n                user: {type: string}\n                port: {x-kubernetes-preserve-unknown-fields: true, anyOf: [{type: integer}, {enum: [http, grpc]}]}\n                size: {x-kubernetes-preserve-unknown-fields: true, anyOf: [{type: integer}, {properties: {least: {minimum: 1}}}]}\n              oneOf: [{required: [file]}, {required: [url, user]}]\n---\napiVersion: acme.dev/v1\nkind: A\nmetadata: {name: a}\nspec: ";

    #[test]
    fn forms_are_named_and_the_one_that_is_meant_is_found() {
        for (spec, says) in [
            ("{file: a}", None),
            ("{url: a, user: b}", None),
            ("{}", Some("`spec` has none of the forms it may have: it is written with `file` or with `url` and `user`")),
            ("{url: a}", Some("`spec` has `url`, and with that it needs `user`; it may be written")),
            ("{file: a, port: x}", Some("`port` has none of the forms it may have: it is a whole number or `http` or `grpc`")),
            ("{file: a, size: {least: 0}}", Some("`least` must be at least 1, but it is `0`; `size` may also be a whole number")),
        ] {
            let said = schema(&format!("{DEFINITION}{spec}\n"));
            match says {
                None => assert!(said.is_empty(), "{spec}: {said}"),
                Some(says) => assert!(said.contains(says), "{spec}: wanted {says}\n{said}"),
            }
        }
    }
}
