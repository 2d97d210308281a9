//! One table over all rules: each passes its passing example and fails its failing one.
use super::*;
use crate::engine::{File, Files};

pub fn read(text: &str) -> Terraform {
    Terraform::read(&Files::new(vec![File { path: "main.tf".into(), bytes: text.as_bytes().to_vec() }]))
}

#[test]
fn every_rule_passes_and_fails_its_own_examples() {
    for rule in all() {
        let passes = run(rule, &read(rule.passes));
        assert!(passes.is_empty(), "{}: the passing example fails: {:?}", rule.id, passes[0]);
        let fails = found(rule, &read(rule.fails));
        assert!(!fails.is_empty(), "{}: the failing example passes", rule.id);
        for problem in fails {
            let place = problem.place.as_ref().unwrap_or_else(|| panic!("{}: no place: {problem:?}", rule.id));
            assert!(place.line > 0 && (place.end_line, place.end_column) >= (place.line, place.column), "{}: {place:?}", rule.id);
            assert!(problem.message.ends_with('.') && problem.why.is_some() && problem.fix.is_some(), "{}: {problem:?}", rule.id);
            assert_eq!(problem.rule.as_deref(), Some(rule.id));
        }
        if rule.id != "parses" {
            assert!(run(by_id("parses").unwrap(), &read(rule.fails)).is_empty(), "{}: the failing example doesn't parse", rule.id);
            assert!(run(by_id("parses").unwrap(), &read(rule.passes)).is_empty(), "{}: the passing example doesn't parse", rule.id);
        }
    }
}

#[test]
fn ids_are_unique() {
    let mut ids: Vec<_> = all().iter().map(|r| r.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all().len());
}
