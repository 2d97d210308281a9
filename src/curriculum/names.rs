//! The names that files of the program may use: built-in rules, versions of Kubernetes, well-formed ids.
use super::LabId;
use super::tree::Faults;
use crate::engine::{kubernetes, terraform};

/// The versions of Kubernetes whose schemas the engine holds.
pub fn kubernetes_versions() -> &'static [&'static str] {
    &kubernetes::catalog::VERSIONS
}

/// The ids of the built-in rules over Kubernetes objects.
pub fn kubernetes_rules() -> Vec<&'static str> {
    kubernetes::rules::all().iter().map(|rule| rule.about().id).collect()
}

/// The ids of the built-in rules over Terraform configurations.
pub fn terraform_rules() -> Vec<&'static str> {
    terraform::rules::all().iter().map(|rule| rule.id).collect()
}

/// Whether objects of a kind can be what a rule is about.
pub fn may_be(rule: &str, kind: &str) -> bool {
    kubernetes::rules::by_id(rule).is_none_or(|rule| rule.about().looks_at.may_be(kind))
}

/// Whether `id` can stand in an address; says so if it can't.
pub fn is_good(id: &str, what: &str, line: u32, faults: &Faults<'_>) -> bool {
    let good = id.parse::<LabId>().is_ok();
    if !good {
        faults.say(line, format!("{what} is made of a to z, 0 to 9 and -, at most 60 of them; {id:?} isn't"));
    }
    good
}
