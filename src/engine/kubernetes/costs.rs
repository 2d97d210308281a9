//! What a definition in the hand-in may cost: its patterns, and its forms and words for one object.
use super::catalog::Field;
use crate::engine::yaml::{Node, Value};
use serde_json::Value as Json;
use std::collections::HashSet;

/// Different patterns of one definition, and what they come to in bytes: each is compiled.
const PATTERNS: usize = 100;
const PATTERN_BYTES: usize = 32 << 10;
/// Words of a schema that one object may be compared with.
const COMPARED: usize = 2_000_000;
/// What a form counts, in words: each that doesn't fit leaves an error behind.
const FORM: usize = 200;

/// Why a schema is too large to be compiled.
pub fn too_large(schema: &Json) -> Option<String> {
    let (mut patterns, mut bytes, mut unread) = (HashSet::new(), 0, vec![schema]);
    while let Some(next) = unread.pop() {
        match next {
            Json::Object(keys) => {
                if let Some(pattern) = keys.get("pattern").and_then(Json::as_str)
                    && patterns.insert(pattern)
                {
                    bytes += pattern.len();
                    if patterns.len() > PATTERNS || bytes > PATTERN_BYTES {
                        return Some(format!("it has more than {PATTERNS} patterns, or more than {} KiB of them", PATTERN_BYTES >> 10));
                    }
                }
                unread.extend(keys.values());
            }
            Json::Array(items) => unread.extend(items),
            _ => {}
        }
    }
    None
}

/// Why an object would have to be compared with more than anybody waits for.
pub fn too_much(root: &Node, field: Field<'_>) -> Option<String> {
    let mut left = COMPARED;
    compare(root, field, &mut left).is_none().then(|| "it has too many forms, or words in an `enum`, for so large an object".into())
}

/// Counts down what holding a value to a schema comes to; None when nothing is left.
fn compare(node: &Node, field: Field<'_>, left: &mut usize) -> Option<()> {
    let take = |left: &mut usize, n: usize| left.checked_sub(n).map(|rest| *left = rest);
    let many = |word: &str| field.schema[word].as_array().map_or(&[][..], Vec::as_slice);
    take(left, 1 + many("enum").len() + many("required").len() * (1 + node.entries().len()))?;
    for branch in ["anyOf", "oneOf", "allOf"].into_iter().flat_map(many).chain(field.schema.get("not")) {
        take(left, FORM)?;
        if let Some(branch) = Field::of(field.catalog, branch) {
            compare(node, branch, left)?;
        }
    }
    match &node.value {
        Value::Map(entries) => entries.iter().try_for_each(|e| field.step(&e.key).map_or(Some(()), |below| compare(&e.value, below, left))),
        Value::Seq(items) => field.item().map_or(Some(()), |below| items.iter().try_for_each(|item| compare(item, below, left))),
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::kubernetes::tests::schema;

    /// What is said of an object of a kind whose only field `v` has this schema and this value.
    fn said(of_v: &str, value: &str) -> String {
        schema(&format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: as.acme.dev}}\nspec:\n  group: acme.dev\n  scope: Namespaced\n  \
             names: {{kind: A, plural: as}}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          \
             type: object\n          properties: {{v: {of_v}}}\n---\napiVersion: acme.dev/v1\nkind: A\nmetadata: {{name: a}}\nv: {value}\n"
        ))
    }

    #[test]
    fn a_definition_is_used_as_far_as_it_costs_little() {
        let many = |n: usize, each: &str| (0..n).map(|i| each.replace('#', &i.to_string())).collect::<Vec<_>>().join(", ");
        let forms = |n| format!("{{type: array, items: {{type: string, anyOf: [{}]}}}}", many(n, "{enum: [w#]}"));
        let words = |n| format!("{{type: array, items: {{type: string, enum: [{}]}}}}", many(n, "w#"));
        let patterns = |n| format!("{{type: object, properties: {{{}}}}}", many(n, "p#: {type: string, pattern: '^a#$'}"));
        let unused = "the schema of A can't be used";
        for (schema, value, says) in [
            (forms(20), format!("[{}]", many(100, "x")), "`v[0]` has none of the forms"),
            (forms(3_000), format!("[{}]", many(3_000, "x")), unused),
            (words(100), format!("[{}]", many(5_000, "x")), "`v[0]` must be `w0`"),
            (words(5_000), format!("[{}]", many(5_000, "x")), unused),
            (patterns(50), "{p1: b}".into(), "must be spelled as `^a1$` says"),
            (patterns(200), "{p1: b}".into(), unused),
            (format!("{{type: string, pattern: '{}'}}", "(a|b)*".repeat(6_000)), "a".into(), unused),
            ("{type: string, pattern: '((a{999}){999}){999}'}".into(), "a".into(), unused),
        ] {
            let said = said(&schema, &value);
            assert!(said.contains(says), "{}: wanted {says}\n{}", schema.get(..80).unwrap_or(&schema), said.get(..500).unwrap_or(&said));
        }
    }
}
