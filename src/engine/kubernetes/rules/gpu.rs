//! Rules about asking for GPUs: whole ones, limits, the taint, the product.
use super::mig::profiles_of;
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Pod, is_gpu};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Node, Value};

const TAINT: &str = "nvidia.com/gpu";
/// The value that the clouds and the GPU operator's guides give the taint.
const PRESENT: &str = "present";
const TOLERATION: &str = "tolerations:\n  - key: nvidia.com/gpu\n    operator: Exists\n    effect: NoSchedule";

/// What GPU feature discovery calls the products that clouds and data centres have; `nvidia.com/gpu.product`.
/// From the names the driver reports (`nvidia-smi -L`), blanks written as `-`.
#[rustfmt::skip]
pub const PRODUCTS: &[&str] = &[
    "NVIDIA-A2", "NVIDIA-A10", "NVIDIA-A10G", "NVIDIA-A16", "NVIDIA-A30", "NVIDIA-A40", "NVIDIA-RTX-A4000", "NVIDIA-RTX-A5000", "NVIDIA-RTX-A6000",
    "NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-PCIE-40GB", "NVIDIA-A100-80GB-PCIe", "NVIDIA-L4", "NVIDIA-L40", "NVIDIA-L40S",
    "NVIDIA-H100-80GB-HBM3", "NVIDIA-H100-PCIe", "NVIDIA-H100-NVL", "NVIDIA-H200", "NVIDIA-H200-NVL", "NVIDIA-H20", "NVIDIA-GH200-480GB", "NVIDIA-GH200-144G-HBM3e", "NVIDIA-B200", "NVIDIA-GB200",
    "NVIDIA-B300", "NVIDIA-GB300", "NVIDIA-RTX-6000-Ada-Generation", "NVIDIA-RTX-PRO-5000-Blackwell", "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "NVIDIA-GeForce-RTX-3090", "NVIDIA-GeForce-RTX-4090",
    "NVIDIA-GeForce-RTX-5090", "Tesla-T4", "Tesla-P4", "Tesla-P40", "Tesla-P100-PCIE-16GB", "Tesla-V100-SXM2-16GB", "Tesla-V100-SXM2-32GB", "Tesla-V100-PCIE-16GB",
    "Tesla-V100-PCIE-32GB", "Tesla-K80",
];

pub struct LimitRequired;

impl Rule for LimitRequired {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-limit-required",
            severity: Severity::Error,
            title: "GPUs are asked for under limits",
            why: "A GPU can't be overcommitted: the limit is the request. With a request alone the API refuses the pod; with neither the container sees no GPU.",
            fix: "Write `nvidia.com/gpu: 1` under `resources.limits`.",
            looks_at: Subject::Gpu,
            passes: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
            fails: Example::Container("resources:\n  requests:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for entry in c.node.path(&["resources", "requests"]).map_or(&[][..], Node::entries).iter().filter(|e| is_gpu(&e.key)) {
                let shown = it.doc.shown(&entry.value);
                match c.limit(&entry.key) {
                    None => {
                        let fix = c.with(&it.doc, &["resources", "limits"], &format!("{}: {shown}", entry.key));
                        look.found(it.problem(entry.key_span, format!("{} requests `{}` but has no limit for it", c.title(), entry.key)).fix(fix));
                    }
                    Some(limit) if Quantity::of(limit) != Quantity::of(&entry.value) => {
                        let problem = it.problem(
                            entry.value.span,
                            format!(
                                "{} requests {shown} of `{}`, but its limit is {}: they must be equal",
                                c.title(),
                                entry.key,
                                it.doc.shown(limit)
                            ),
                        );
                        let fix = it.doc.replace(entry.value.span, &it.doc.shown(limit));
                        look.found(Problem { fix, ..problem });
                    }
                    Some(_) => {}
                }
            }
            for entry in c.node.path(&["resources", "limits"]).map_or(&[][..], Node::entries).iter().filter(|e| is_gpu(&e.key)) {
                if Quantity::of(&entry.value).is_none_or(Quantity::is_zero) {
                    let problem = it.problem(
                        entry.value.span,
                        format!("{} asks for `{}` of `{}`, which is no GPU", c.title(), it.doc.shown(&entry.value), entry.key),
                    );
                    let fix = it.doc.replace(entry.value.span, "1");
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

pub struct Whole;

impl Rule for Whole {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-integer",
            severity: Severity::Error,
            title: "GPUs are asked for in whole numbers",
            why: "A node counts GPUs in pieces. `0.5` and `1.5` pass every schema and are refused by the API; half a GPU is a MIG slice or time-slicing, set up on the node.",
            fix: "Write a whole number, or ask for a slice such as `nvidia.com/mig-1g.10gb: 1`.",
            looks_at: Subject::Gpu,
            passes: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 0.5"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for entry in c.gpus() {
                let amount = Quantity::of(&entry.value);
                if amount.is_some_and(Quantity::is_whole) {
                    continue;
                }
                let problem = it.problem(
                    entry.value.span,
                    format!("{} asks for `{}` of `{}`: GPUs come in whole numbers", c.title(), it.doc.shown(&entry.value), entry.key),
                );
                let whole = amount.map_or(1, |a| a.round_down().max(1));
                let fix = it.doc.replace(entry.value.span, &whole.to_string());
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct Toleration;

impl Rule for Toleration {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-toleration",
            severity: Severity::Error,
            title: "Pods with a GPU tolerate the GPU nodes' taint",
            why: "GPU nodes carry the taint `nvidia.com/gpu:NoSchedule` so that nothing cheap sits on them: a pod without the toleration stays Pending for ever.",
            fix: "Add a toleration for `nvidia.com/gpu` with `operator: Exists` and `effect: NoSchedule`.",
            looks_at: Subject::Gpu,
            passes: Example::Pod(
                "tolerations:\n  - key: nvidia.com/gpu\n    operator: Exists\n    effect: NoSchedule\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in it.pods.iter().filter(|p| asks(p)) {
            let key = pod
                .containers
                .iter()
                .flat_map(super::super::objects::Container::gpus)
                .next()
                .map_or(TAINT, |e| if e.key.starts_with("amd.com/") { "amd.com/gpu" } else { TAINT });
            let tolerations: Vec<&Node> = pod.tolerations(key).collect();
            if tolerations.iter().any(|t| fits_value(t) && fits_effect(t)) {
                continue;
            }
            // The one that is nearest to right is the one to mend.
            let Some(toleration) = tolerations.iter().find(|t| fits_value(t) || fits_effect(t)).or(tolerations.first()) else {
                let fix = it.doc.add(pod.spec, Some(pod.spec_key), &TOLERATION.replace(TAINT, key));
                let span = pod.spec.entry("tolerations").map_or(pod.spec_key, |e| e.key_span);
                look.found(it.problem(span, format!("the pods of {} ask for a GPU but don't tolerate the taint `{key}`", it.title())).fix(fix));
                continue;
            };
            match toleration.get("effect").filter(|_| !fits_effect(toleration)) {
                Some(effect) => {
                    let message = format!("the toleration is for the effect `{}`, but the taint's is `NoSchedule`", it.doc.shown(effect));
                    let problem = it.problem(effect.span, message);
                    let fix = it.doc.replace(effect.span, "NoSchedule");
                    look.found(Problem { fix, ..problem });
                }
                None => look.found(other_value(it, toleration, key)),
            }
        }
    }
}

/// Whether a toleration takes the taint's value: any, or the one that the taint has by convention.
fn fits_value(toleration: &Node) -> bool {
    match toleration.get("operator").and_then(Node::as_str) {
        Some("Exists") => true,
        Some("Equal" | "") | None => toleration.get("value").and_then(Node::as_str) == Some(PRESENT),
        _ => false,
    }
}

fn fits_effect(toleration: &Node) -> bool {
    toleration.get("effect").is_none_or(|e| matches!(e.value, Value::Null) || matches!(e.as_str(), Some("NoSchedule" | "")))
}

/// A toleration for another value than the taint's; without `operator` and `value` it is for the empty one.
fn other_value(it: &Object<'_>, toleration: &Node, key: &str) -> Problem {
    let value = toleration.get("value");
    let written = value.map_or_else(String::new, |v| it.doc.shown(v));
    let span = value.or_else(|| toleration.get("operator")).or_else(|| toleration.get("key")).map_or(toleration.span, |n| n.span);
    let message = format!("the toleration is for the value `{written}` of the taint `{key}`, which by convention is `{key}={PRESENT}:NoSchedule`");
    let fix = value.and_then(|v| it.doc.replace(v.span, PRESENT));
    it.problem(span, message).fix(fix.unwrap_or_else(|| "Write `operator: Exists` in it: that tolerates the taint whatever its value is.".into()))
}

fn asks(pod: &Pod<'_>) -> bool {
    pod.containers.iter().any(|c| c.gpus().next().is_some())
}

pub struct TolerationUnneeded;

impl Rule for TolerationUnneeded {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-toleration-unneeded",
            severity: Severity::Warning,
            title: "Only pods with a GPU tolerate the GPU taint",
            why: "A web server that tolerates the taint may fill a GPU node's CPU and memory: then the GPU stands idle at full price because no model server fits beside it.",
            fix: "Remove the toleration.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  limits:\n    memory: 512Mi"),
            fails: Example::Pod("tolerations:\n  - key: nvidia.com/gpu\n    operator: Exists\n    effect: NoSchedule\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        // What watches GPU nodes must run on them without holding a GPU.
        if it.kind == "DaemonSet" {
            return;
        }
        for pod in it.pods.iter().filter(|p| !asks(p)) {
            if let Some(toleration) = pod.tolerations(TAINT).next() {
                let span = toleration.get("key").map_or(toleration.span, |k| k.span);
                look.found(it.problem(span, format!("the pods of {} tolerate the GPU taint but ask for no GPU", it.title())));
            }
        }
    }
}

pub struct ProductKnown;

impl Rule for ProductKnown {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-product-known",
            severity: Severity::Error,
            title: "The GPU product asked for exists",
            why: "The label `nvidia.com/gpu.product` is compared letter by letter: with a slip in it no node ever fits, and the pod stays Pending without an error.",
            fix: "Write the name as GPU feature discovery does: `NVIDIA-L4`, `NVIDIA-A10G`, `NVIDIA-H100-80GB-HBM3`.",
            looks_at: Subject::Gpu,
            passes: Example::Pod(
                "nodeSelector:\n  nvidia.com/gpu.product: NVIDIA-L4\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
            fails: Example::Pod(
                "nodeSelector:\n  nvidia.com/gpu.product: nvidia-l4\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in it.pods.iter().filter(|p| asks(p)) {
            let products = products(pod);
            if products.is_empty() {
                look.nothing(it.problem(pod.spec_key, format!("the pods of {} don't say which GPU product they need", it.title())).fix(it.doc.add(
                    pod.spec,
                    Some(pod.spec_key),
                    "nodeSelector:\n  nvidia.com/gpu.product: NVIDIA-L4",
                )));
            }
            for product in products {
                let Some(text) = product.as_str().filter(|t| !is_product(t)) else { continue };
                let near = near_product(text);
                let asked = near.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                let problem = it.problem(product.span, format!("no GPU product is called `{}`{asked}", it.doc.shown(product)));
                let fix = near.and_then(|n| it.doc.replace(product.span, &n));
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

/// The values asked of `nvidia.com/gpu.product`, by node selector or required affinity.
fn products<'a>(pod: &Pod<'a>) -> Vec<&'a Node> {
    const LABEL: &str = "nvidia.com/gpu.product";
    let mut found: Vec<&Node> = pod.spec.path(&["nodeSelector", LABEL]).into_iter().collect();
    let node = pod.spec.path(&["affinity", "nodeAffinity"]);
    let required =
        node.and_then(|n| n.path(&["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"])).map_or(&[][..], Node::items).iter();
    let preferred = node
        .and_then(|n| n.get("preferredDuringSchedulingIgnoredDuringExecution"))
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(|p| p.get("preference"));
    for term in required.chain(preferred) {
        for e in term.get("matchExpressions").map_or(&[][..], Node::items).iter().filter(|e| e.get("key").and_then(Node::as_str) == Some(LABEL)) {
            found.extend(e.get("values").map_or(&[][..], Node::items));
        }
    }
    found
}

/// The products of which a node must be one for the pod to run on it; empty where any will do.
pub fn demanded_products<'a>(pod: &Pod<'a>) -> Vec<&'a Node> {
    const LABEL: &str = "nvidia.com/gpu.product";
    if let Some(selected) = pod.spec.path(&["nodeSelector", LABEL]) {
        return vec![selected];
    }
    let terms = pod.spec.path(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]);
    let mut found = Vec::new();
    // One of the terms is enough: one without the label lets every product in.
    for term in terms.map_or(&[][..], Node::items) {
        let is = |e: &&Node| e.get("key").and_then(Node::as_str) == Some(LABEL) && e.get("operator").and_then(Node::as_str) == Some("In");
        let Some(of_product) = term.get("matchExpressions").map_or(&[][..], Node::items).iter().find(is) else { return Vec::new() };
        found.extend(of_product.get("values").map_or(&[][..], Node::items));
    }
    found
}

/// A product's name without its maker's.
fn bare(name: &str) -> &str {
    name.trim_start_matches("NVIDIA-").trim_start_matches("Tesla-")
}

/// A product, shared in time or cut into MIG slices perhaps.
fn is_product(name: &str) -> bool {
    let name = name.strip_suffix("-SHARED").unwrap_or(name);
    match name.split_once("-MIG-") {
        Some((whole, slice)) => profiles_of(whole).is_some_and(|p| p.contains(&slice)),
        None => PRODUCTS.contains(&name),
    }
}

/// The product nearest to one that isn't there, with what follows its name.
fn near_product(name: &str) -> Option<String> {
    let (name, shared) = name.strip_suffix("-SHARED").map_or((name, ""), |n| (n, "-SHARED"));
    let (whole, slice) = name.split_once("-MIG-").map_or((name, None), |(whole, slice)| (whole, Some(slice)));
    let product = PRODUCTS
        .iter()
        .copied()
        .find(|p| *p == whole)
        .or_else(|| words::nearest(whole, PRODUCTS.iter().copied()))
        .or_else(|| PRODUCTS.iter().copied().find(|p| bare(p).eq_ignore_ascii_case(bare(whole))))?;
    let Some(slice) = slice else { return Some(format!("{product}{shared}")) };
    let profiles = profiles_of(product)?;
    let slice = profiles.iter().copied().find(|p| *p == slice).or_else(|| words::nearest(slice, profiles.iter().copied()))?;
    Some(format!("{product}-MIG-{slice}{shared}"))
}

pub struct NodeSelector;

impl Rule for NodeSelector {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-node-selector",
            severity: Severity::Info,
            title: "Pods say which GPU they need",
            why: "`nvidia.com/gpu: 1` is any GPU: an 8B model may land on a 16 GB T4 and die of memory, or on an H100 at eight times the price.",
            fix: "Select `nvidia.com/gpu.product`, or the label your cloud gives GPU nodes.",
            looks_at: Subject::Gpu,
            passes: Example::Pod(
                "nodeSelector:\n  nvidia.com/gpu.product: NVIDIA-L4\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        const LABELS: &[&str] = &[
            "nvidia.com/gpu.product",
            "nvidia.com/gpu.memory",
            "nvidia.com/gpu.family",
            "karpenter.k8s.aws/instance-gpu-name",
            "karpenter.k8s.aws/instance-gpu-memory",
            "cloud.google.com/gke-accelerator",
            "node.kubernetes.io/instance-type",
        ];
        for pod in it.pods.iter().filter(|p| asks(p)) {
            let selected = LABELS.iter().any(|l| pod.spec.path(&["nodeSelector", l]).is_some());
            let terms = pod
                .spec
                .path(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"])
                .map_or(&[][..], Node::items);
            // One of the terms is enough for a node, so each must choose; what a node must not be leaves it open what it is.
            let chooses = |e: &Node| {
                e.get("key").and_then(Node::as_str).is_some_and(|k| LABELS.contains(&k))
                    && matches!(e.get("operator").and_then(Node::as_str), Some("In" | "Gt" | "Lt"))
            };
            let affine = !terms.is_empty() && terms.iter().all(|t| t.get("matchExpressions").map_or(&[][..], Node::items).iter().any(chooses));
            if !selected && !affine {
                look.found(it.problem(pod.spec_key, format!("the pods of {} take any GPU there is", it.title())));
            }
        }
    }
}

pub struct Quota;

impl Rule for Quota {
    fn about(&self) -> &'static About {
        &About {
            id: "quota-gpu",
            severity: Severity::Error,
            title: "A quota counts GPUs by their requests",
            why: "GPUs are the dearest thing in the cluster. For devices the quota's only name is `requests.nvidia.com/gpu`: `limits.…` is refused, and the bare name counts nothing.",
            fix: "Write `requests.nvidia.com/gpu: 2` under `spec.hard`.",
            looks_at: Subject::Kinds(&["ResourceQuota"]),
            passes: Example::Whole("apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: team\nspec:\n  hard:\n    requests.nvidia.com/gpu: 2"),
            fails: Example::Whole("apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: team\nspec:\n  hard:\n    limits.nvidia.com/gpu: 2"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let hard = it.node.get("spec").and_then(|s| s.entry("hard"));
        let entries = hard.map_or(&[][..], |h| h.value.entries());
        let mut counted = false;
        for entry in entries {
            let device = entry.key.strip_prefix("requests.").or_else(|| entry.key.strip_prefix("limits.")).unwrap_or(&entry.key);
            if !is_gpu(device) {
                continue;
            }
            counted = true;
            if !entry.key.starts_with("requests.") {
                let problem = it.problem(entry.key_span, format!("{} counts nothing by `{}`", it.title(), entry.key));
                let fix = it.doc.replace(entry.key_span, &format!("requests.{device}"));
                look.found(Problem { fix, ..problem });
            } else if !Quantity::of(&entry.value).is_some_and(Quantity::is_whole) {
                look.found(
                    it.problem(entry.value.span, format!("`{}` is `{}`: GPUs are counted in whole numbers", entry.key, it.doc.shown(&entry.value))),
                );
            }
        }
        if !counted {
            let span = hard.map_or(it.head(), |h| h.key_span);
            let fix = hard.map_or_else(
                || "Write `requests.nvidia.com/gpu: 2` under `spec.hard`.".into(),
                |h| it.doc.add(&h.value, Some(h.key_span), "requests.nvidia.com/gpu: 2"),
            );
            look.found(it.problem(span, format!("{} doesn't count GPUs", it.title())).fix(fix));
        }
    }
}
