//! The rule about MIG slices, and which slices each card has.
use super::gpu::{PRODUCTS, demanded_products};
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Pod};
use crate::engine::kubernetes::words;
use crate::engine::report::Problem;
use crate::engine::report::Severity;
use crate::engine::yaml::{Entry, Node};

/// A card's names as GPU feature discovery writes them, and its MIG profiles as the device plugin does: `+me` is `.me`.
type Card = (&'static [&'static str], &'static [&'static str]);

/// From NVIDIA/mig-parted: `deployments/systemd/config-default.yaml` and the profiles its discovery is tested with, which are those of
/// NVIDIA's MIG user guide. Where the amount of memory depends on the driver a card has both names: GB200's `7g.186gb` is in
/// GoogleCloudPlatform/container-engine-accelerators, B300's and GB300's are in NVIDIA's GPU operator's release notes and its guides for GB300.
#[rustfmt::skip]
const CARDS: &[Card] = &[
    (&["NVIDIA-A30"], &["1g.6gb", "1g.6gb.me", "2g.12gb", "2g.12gb.me", "4g.24gb"]),
    (&["NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-PCIE-40GB"], &["1g.5gb", "1g.5gb.me", "1g.10gb", "2g.10gb", "3g.20gb", "4g.20gb", "7g.40gb"]),
    (&["NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe", "NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-PCIe"], &[
        "1g.10gb", "1g.10gb.me", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb",
    ]),
    (&["NVIDIA-H100-NVL"], &["1g.12gb", "1g.12gb.me", "1g.24gb", "2g.24gb", "3g.47gb", "4g.47gb", "7g.94gb"]),
    (&["NVIDIA-H20", "NVIDIA-GH200-480GB"], &["1g.12gb", "1g.12gb.me", "1g.24gb", "2g.24gb", "3g.48gb", "4g.48gb", "7g.96gb"]),
    (&["NVIDIA-H200", "NVIDIA-H200-NVL"], &["1g.18gb", "1g.18gb.me", "1g.35gb", "2g.35gb", "3g.71gb", "4g.71gb", "7g.141gb"]),
    (&["NVIDIA-GH200-144G-HBM3e"], &["1g.18gb", "1g.18gb.me", "1g.36gb", "2g.36gb", "3g.72gb", "4g.72gb", "7g.144gb"]),
    (&["NVIDIA-B200"], &["1g.23gb", "1g.23gb.me", "1g.45gb", "2g.45gb", "3g.90gb", "4g.90gb", "7g.180gb"]),
    (&["NVIDIA-GB200"], &[
        "1g.24gb", "1g.24gb.me", "1g.47gb", "2g.47gb", "3g.95gb", "4g.95gb", "7g.189gb", "1g.23gb", "1g.23gb.me", "3g.93gb", "4g.93gb", "7g.186gb",
    ]),
    (&["NVIDIA-B300"], &["1g.34gb", "1g.34gb.me", "1g.67gb", "2g.67gb", "3g.135gb", "4g.135gb", "7g.269gb"]),
    (&["NVIDIA-GB300"], &[
        "1g.35gb", "1g.35gb.me", "1g.70gb", "2g.70gb", "3g.139gb", "4g.139gb", "7g.278gb", "1g.31gb", "1g.31gb.me", "3g.126gb", "4g.126gb", "7g.251gb",
    ]),
    (&["NVIDIA-RTX-PRO-5000-Blackwell"], &[
        "1g.12gb", "1g.12gb.me", "1g.12gb.gfx", "1g.12gb-me", "2g.24gb", "2g.24gb-me", "2g.24gb.gfx", "4g.48gb", "4g.48gb.gfx",
    ]),
    (&["NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition"], &[
        "1g.24gb", "1g.24gb.me", "1g.24gb.gfx", "1g.24gb.me.all", "1g.24gb-me", "2g.48gb", "2g.48gb.gfx", "2g.48gb.me.all", "2g.48gb-me", "4g.96gb", "4g.96gb.gfx",
    ]),
];

/// The slices that a product can be cut into; none for a card without MIG, `None` for a card that isn't known.
pub fn profiles_of(product: &str) -> Option<&'static [&'static str]> {
    let card = CARDS.iter().find(|(names, _)| names.contains(&product)).map(|(_, profiles)| *profiles);
    card.or(PRODUCTS.contains(&product).then_some(&[]))
}

fn profiles() -> impl Iterator<Item = &'static str> {
    CARDS.iter().flat_map(|(_, profiles)| profiles.iter().copied())
}

pub struct MigName;

impl Rule for MigName {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-mig-name",
            severity: Severity::Error,
            title: "MIG slices asked for exist",
            why: "Each product has its own handful of slices, and a name that no card has is a pod that stays Pending. A container that asks for a slice and a whole GPU gets neither on one node.",
            fix: "Write a profile of your card, such as `nvidia.com/mig-1g.10gb: 1`, and no whole GPU beside it.",
            looks_at: Subject::Gpu,
            passes: Example::Container("resources:\n  limits:\n    nvidia.com/mig-1g.10gb: 1"),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/mig-1g.11gb: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut any = false;
        for (pod, c) in it.containers() {
            let whole = c.gpus().any(|e| e.key == "nvidia.com/gpu");
            for entry in c.gpus() {
                let Some(profile) = entry.key.strip_prefix("nvidia.com/mig-") else { continue };
                any = true;
                if !profiles().any(|p| p == profile) {
                    look.found(renamed(it, entry, &format!("no card has the MIG slice `{profile}`"), words::nearest(profile, profiles())));
                } else if let Some(problem) = of_product(it, pod, entry, profile) {
                    look.found(problem);
                } else if whole {
                    look.found(it.problem(entry.key_span, format!("{} asks for a MIG slice and a whole GPU", c.title())));
                }
            }
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} asks for no MIG slice", it.title())));
        }
    }
}

fn renamed(it: &Object<'_>, entry: &Entry, message: &str, near: Option<&str>) -> Problem {
    let asked = near.map(|n| format!("; did you mean `nvidia.com/mig-{n}`?")).unwrap_or_default();
    let problem = it.problem(entry.key_span, format!("{message}{asked}"));
    Problem { fix: near.and_then(|n| it.doc.replace(entry.key_span, &format!("nvidia.com/mig-{n}"))), ..problem }
}

/// What is wrong with a slice on the products that the pod may run on: one that has it is enough, and so is one that isn't known.
fn of_product(it: &Object<'_>, pod: &Pod<'_>, entry: &Entry, profile: &str) -> Option<Problem> {
    let products: Vec<&str> = demanded_products(pod).into_iter().filter_map(Node::as_str).collect();
    let first = *products.first()?;
    // Nodes cut into slices of one size have the size in their product's name, and count the slices as whole GPUs.
    if products.iter().all(|p| p.contains("-MIG-")) {
        let message = format!("nodes of `{first}` count their slices as `nvidia.com/gpu`: none has `{}`", entry.key);
        let problem = it.problem(entry.key_span, message);
        return Some(Problem { fix: it.doc.replace(entry.key_span, "nvidia.com/gpu"), ..problem });
    }
    let mut theirs = Vec::new();
    for product in &products {
        theirs.extend(profiles_of(product.strip_suffix("-SHARED").unwrap_or(product))?);
    }
    if theirs.contains(&profile) {
        return None;
    }
    let whose = if products.len() == 1 { format!("`{first}`") } else { "none of the products that the pod selects".into() };
    if theirs.is_empty() {
        let cut = if products.len() == 1 { "can't" } else { "can" };
        let fix = "Ask for `nvidia.com/gpu: 1`, or select a card with MIG such as `NVIDIA-A100-SXM4-40GB`.";
        return Some(it.problem(entry.key_span, format!("{whose} {cut} be cut into MIG slices")).fix(fix));
    }
    // As many parts of the card, whatever memory comes with them, is what was meant.
    let parts = profile.split('.').next().unwrap_or(profile);
    let near = words::nearest(profile, theirs.iter().copied()).or_else(|| theirs.iter().copied().find(|t| t.split('.').next() == Some(parts)));
    let has = if products.len() == 1 { "has no" } else { "has the" };
    Some(renamed(it, entry, &format!("{whose} {has} MIG slice `{profile}`"), near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_a_product_and_every_profile_a_part_of_it() {
        for (names, profiles) in CARDS {
            assert!(names.iter().all(|n| PRODUCTS.contains(n)), "{names:?}");
            for profile in *profiles {
                let (parts, memory) = profile.split_once("g.").unwrap();
                let digits = memory.find("gb").unwrap();
                assert!((1..=7).contains(&parts.parse::<u8>().unwrap()) && memory[..digits].parse::<u16>().is_ok(), "{profile}");
            }
        }
    }
}
