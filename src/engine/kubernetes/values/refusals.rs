//! What the API refuses, and what it takes, line by line.
use super::refusal_cases::CASES;
use crate::engine::kubernetes::tests::schema;

#[test]
fn what_the_api_refuses_is_refused_and_what_it_takes_is_taken() {
    for (frame, cases) in CASES {
        for (line, wrong) in *cases {
            let said = schema(&frame.replace('…', line));
            match wrong {
                None => assert!(said.is_empty(), "{line}:\n{said}"),
                Some(wrong) => assert!(said.contains(wrong) && said.matches("\n  why: ").count() == 1, "{line}: wanted {wrong}\n{said}"),
            }
        }
    }
}

#[test]
fn what_is_too_long_or_wrongly_named_is_refused() {
    let long = "x".repeat(300 << 10);
    assert!(schema(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, annotations: {{a: {long}}}}}\n")).contains("longer than 256 KiB"));
    let named = schema(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {group: acme.dev, scope: Namespaced, names: {kind: A, plural: as}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n",
    );
    assert!(named.contains("must be `as.acme.dev`"), "{named}");
}
