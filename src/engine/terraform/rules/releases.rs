//! The rule about which Kubernetes versions EKS still supports, by an embedded and dated table.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::value::{Value, number};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The table as its file has it; see data/SOURCES.md. Days are written so that they sort as text.
#[derive(Deserialize)]
struct Table {
    as_of: String,
    versions: BTreeMap<String, Support>,
}

/// The days on which support ends.
#[derive(Deserialize)]
struct Support {
    standard: String,
    extended: String,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let empty = || Table { as_of: String::new(), versions: BTreeMap::new() };
    serde_json::from_str(include_str!("../../data/eks-versions.json")).unwrap_or_else(|_| empty())
});

pub static VERSION: Rule = Rule {
    id: "eks-version",
    severity: Severity::Error,
    title: "The cluster runs a version that is supported",
    why: "EKS charges six times as much for a version in extended support, and upgrades the cluster by itself, ready or not, when that ends.",
    fix: "Move up one minor version at a time: each must be a neighbour of the last.",
    passes: r#"resource "aws_eks_cluster" "main" {
  version = "1.35"
}
"#,
    fails: r#"resource "aws_eks_cluster" "main" {
  version = "1.29"
}
"#,
    check: version,
};

fn version(look: &mut Look<'_>) {
    for (_, cluster) in look.needed(&["aws_eks_cluster"]) {
        let written = match cluster.value("version") {
            Some(Value::Text(text)) => text.to_string(),
            Some(Value::Number(n)) => number(*n),
            _ => continue,
        };
        let Some(message) = judge(&written) else { continue };
        let newest = TABLE.versions.keys().max_by_key(|v| minor(v)).map_or("1.35", String::as_str);
        let problem = look.of(cluster, "version", message);
        look.found(problem.fix(look.replace(cluster, "version", &format!("\"{newest}\""))));
    }
}

/// `31` of `1.31`; nothing for what is no version of two numbers.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.").filter(|m| m.bytes().all(|b| b.is_ascii_digit())).and_then(|m| m.parse().ok())
}

/// What is wrong with a version; nothing if it is supported, or newer than the table.
fn judge(version: &str) -> Option<String> {
    let Some(minor) = minor(version) else {
        return Some(format!("EKS takes a version as `1.35`, not as `{version}`."));
    };
    let Some(support) = TABLE.versions.get(version) else {
        let oldest = TABLE.versions.keys().filter_map(|v| self::minor(v)).min()?;
        // `version = 1.30` is the number 1.3.
        return (minor < oldest).then(|| match minor {
            1..10 => format!("EKS has no version `{version}`; written without quotes, `1.{minor}0` is the number {version}."),
            _ => format!("EKS doesn't have version {version} any more."),
        });
    };
    let today = &TABLE.as_of;
    if support.extended <= *today {
        return Some(format!("EKS supports {version} until {} only.", support.extended));
    }
    (support.standard <= *today).then(|| format!("{version} is in extended support since {}: $0.60 an hour instead of $0.10.", support.standard))
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn versions_are_supported_dear_or_gone() {
        for fine in ["1.35", "1.36", "1.40", "1.34"] {
            assert_eq!(judge(fine), None);
        }
        assert!(judge("1.33").unwrap().contains("extended support since 2026-07-29"));
        assert!(judge("1.29").unwrap().contains("until 2026-03-23"));
        assert!(judge("1.3").unwrap().contains("without quotes, `1.30`"));
        for odd in ["v1.35", "1.35.2", "latest", ""] {
            assert!(judge(odd).unwrap().contains("as `1.35`"), "{odd}");
        }
    }
}
