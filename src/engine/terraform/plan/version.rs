//! Whether the provider at hand is one that the hand-in asks for: a relay's provider isn't chosen by `init`.
use super::super::Terraform;
use crate::engine::report::Problem;
use std::cmp::Ordering;

/// A problem for each constraint that the provider's version doesn't meet.
pub fn problems(terraform: &Terraform, provider: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for module in &terraform.modules {
        for required in module.of_kind("terraform").flat_map(|b| b.all("required_providers")) {
            for attribute in &required.attributes {
                let own =
                    attribute.value.entries().and_then(|e| e.get("source")).is_none_or(|s| s.as_str().is_some_and(|s| s.ends_with("hashicorp/aws")));
                let wanted = attribute.value.entries().and_then(|e| e.get("version")).and_then(|v| v.as_str());
                if let Some(wanted) = wanted.filter(|w| own && attribute.name == "aws" && !allows(w, provider)) {
                    let message = format!("`{wanted}` admits no provider that is here: hand-ins are planned with {provider}.");
                    let place = terraform.sources.get(required.source).map(|s| s.place(&attribute.span));
                    problems.push(Problem {
                        place,
                        ..Problem::new(message).fix(format!("Admit {provider}, for example with `~> {}`.", short(provider)))
                    });
                }
            }
        }
    }
    problems
}

fn short(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// Whether a constraint such as `>= 5.0, < 6.0` or `~> 5.60` admits a version. What can't be read is terraform's to complain of.
fn allows(constraint: &str, version: &str) -> bool {
    let Some(have) = numbers(version) else { return true };
    constraint.split(',').map(str::trim).all(|one| {
        let (operator, wanted) = one.split_at(one.find(|c: char| c.is_ascii_digit()).unwrap_or(one.len()));
        let Some(want) = numbers(wanted) else { return true };
        let order = compare(&have, &want);
        match operator.trim() {
            "" | "=" => order == Ordering::Equal,
            "!=" => order != Ordering::Equal,
            ">" => order == Ordering::Greater,
            ">=" => order != Ordering::Less,
            "<" => order == Ordering::Less,
            "<=" => order != Ordering::Greater,
            "~>" => order != Ordering::Less && have.iter().zip(&want[..want.len().saturating_sub(1)]).all(|(h, w)| h == w),
            _ => true,
        }
    })
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.trim().split('-').next()?.split('.').map(|n| n.parse().ok()).collect()
}

fn compare(have: &[u64], want: &[u64]) -> Ordering {
    let longest = have.len().max(want.len());
    let at = |numbers: &[u64], n: usize| numbers.get(n).copied().unwrap_or(0);
    (0..longest).map(|n| at(have, n).cmp(&at(want, n))).find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn constraints_are_read_as_terraform_reads_them() {
        for good in ["~> 5.0", "~> 5.60", ">= 5.0", ">= 4.0, < 6.0", "5.100.0", "= 5.100", "!= 5.99.0", "> 5", "not one"] {
            assert!(allows(good, "5.100.0"), "{good}");
        }
        for bad in ["~> 6.0", "~> 5.99.0", "< 5.100.0", ">= 5.101", "5.99.0", ">= 5.0, != 5.100.0"] {
            assert!(!allows(bad, "5.100.0"), "{bad}");
        }
    }
}
