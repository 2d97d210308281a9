//! Rules about several GPU servers together: that a drain leaves some, that one zone isn't all, that a new one needn't download its model.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object, Pod, selects};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Node, Value};

const SERVERS: Subject = Subject::Kinds(&["Deployment", "StatefulSet"]);

/// The replicas of GPU servers where there are two or more at all times; says so otherwise.
fn several(it: &Object<'_>, look: &mut Look<'_, '_>) -> Option<i64> {
    if !it.asks_for_gpu() {
        look.nothing(it.problem(it.head(), format!("{} asks for no GPU", it.title())));
        return None;
    }
    let least = match look.objects.autoscaler(it) {
        Some(scaler) => {
            look.read(scaler);
            let (key, default) = if scaler.kind == "ScaledObject" { ("minReplicaCount", 0) } else { ("minReplicas", 1) };
            scaler.node.path(&["spec", key]).map_or(Some(default), Node::as_i64)
        }
        None => it.replicas(),
    };
    if least.is_none_or(|n| n < 2) {
        let span = it.node.path(&["spec", "replicas"]).map_or(it.head(), |n| n.span);
        look.nothing(it.problem(span, format!("{} runs fewer than two replicas", it.title())).fix("Set `replicas: 2` or more."));
        return None;
    }
    least
}

pub struct Budget;

impl Rule for Budget {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-pdb",
            severity: Severity::Warning,
            title: "A drain takes one GPU server at a time",
            why: "GPU nodes are upgraded often, for their drivers. Without a budget a drain stops all replicas at once, and each needs minutes to load its model again; a budget that allows none stops the upgrade.",
            fix: "Add a PodDisruptionBudget with `maxUnavailable: 1` that selects the pods.",
            looks_at: SERVERS,
            passes: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n          resources:\n            limits:\n              nvidia.com/gpu: 1\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(least) = several(it, look) else { return };
        let objects = look.objects;
        let covers =
            |b: &&Object<'_>| b.beside(it) && b.node.path(&["spec", "selector"]).is_some_and(|s| it.pods.iter().any(|p| objects.select(s, p)));
        let Some(budget) = objects.kind("PodDisruptionBudget").find(covers) else {
            look.found(it.problem(it.head(), format!("no disruption budget covers the GPU servers of {}", it.title())));
            return;
        };
        look.read(budget);
        let set = |key: &str| budget.node.path(&["spec", key]);
        let (node, left) = match (set("maxUnavailable"), set("minAvailable")) {
            (Some(node), _) => (node, amount(node, least)),
            (None, Some(node)) => (node, amount(node, least).map(|n| least - n)),
            _ => return,
        };
        if left.is_some_and(|n| n < 1) {
            let message =
                format!("{} lets none of the {least} replicas of {} go: no node with one of them can be drained", budget.title(), it.title());
            look.found(budget.problem(node.span, message).fix("Write `maxUnavailable: 1` instead."));
        }
    }
}

/// A number of pods, or a share of them, rounded up as the API does.
fn amount(node: &Node, of: i64) -> Option<i64> {
    match &node.value {
        Value::Int(n) => Some(*n),
        Value::String(s) => {
            let share: i64 = s.strip_suffix('%')?.parse().ok().filter(|p| (0..=100).contains(p))?;
            Some(of.saturating_mul(share).saturating_add(99) / 100)
        }
        _ => None,
    }
}

pub struct Spread;

impl Rule for Spread {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-spread",
            severity: Severity::Warning,
            title: "GPU servers are spread over nodes or zones",
            why: "The scheduler packs pods onto the GPU node that is already there: one node, or one zone without GPUs left, then takes all replicas with it.",
            fix: "Add `topologySpreadConstraints` over `topology.kubernetes.io/zone` or `kubernetes.io/hostname` that select the pods' own labels.",
            looks_at: SERVERS,
            passes: Example::Pod(
                "topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: topology.kubernetes.io/zone\n    whenUnsatisfiable: ScheduleAnyway\n    labelSelector:\n      matchLabels:\n        app: chat\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if several(it, look).is_none() {
            return;
        }
        for pod in &it.pods {
            let constraints = pod.spec.get("topologySpreadConstraints").map_or(&[][..], Node::items);
            if constraints.is_empty() {
                if apart(pod) {
                    continue;
                }
                let labels: String = pod.labels.iter().take(3).map(|(k, v)| format!("\n        {k}: {v}")).collect();
                let snippet = format!(
                    "topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: kubernetes.io/hostname\n    whenUnsatisfiable: ScheduleAnyway\n    labelSelector:\n      matchLabels:{labels}"
                );
                let fix = it.doc.add(pod.spec, Some(pod.spec_key), &snippet);
                look.found(it.problem(pod.spec_key, format!("all replicas of {} may end up on one GPU node", it.title())).fix(fix));
                continue;
            }
            for constraint in constraints {
                match constraint.entry("labelSelector") {
                    Some(selector) if selects(&selector.value, &pod.labels) => {}
                    Some(selector) => {
                        look.found(it.problem(selector.key_span, format!("the constraint spreads other pods than those of {}", it.title())));
                    }
                    None => {
                        let span = constraint.get("topologyKey").map_or(constraint.span, |n| n.span);
                        look.found(it.problem(span, "the constraint selects no pods: without `labelSelector` it spreads nothing"));
                    }
                }
            }
        }
    }
}

/// Whether a pod keeps away from its like.
fn apart(pod: &Pod<'_>) -> bool {
    let rules = |key: &str| pod.spec.path(&["affinity", "podAntiAffinity", key]).map_or(&[][..], Node::items).iter();
    let terms = rules("requiredDuringSchedulingIgnoredDuringExecution")
        .chain(rules("preferredDuringSchedulingIgnoredDuringExecution").filter_map(|p| p.get("podAffinityTerm")));
    terms.into_iter().any(|t| t.get("labelSelector").is_some_and(|s| selects(s, &pod.labels)))
}

/// Where the hubs' libraries and servers keep what they download, by the variable that says so.
const CACHES: &[&str] = &[
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "TRANSFORMERS_CACHE",
    "MODELSCOPE_CACHE",
    "OLLAMA_MODELS",
    "NIM_CACHE_PATH",
    "VLLM_CACHE_ROOT",
];
/// Parts of images that download a model when they start, and where to.
const DOWNLOADERS: &[(&str, &str)] = &[
    ("vllm", "/root/.cache/huggingface"),
    ("sglang", "/root/.cache/huggingface"),
    ("text-generation-inference", "/data"),
    ("text-embeddings-inference", "/data"),
    ("ollama", "/root/.ollama"),
    ("nvcr.io/nim/", "/opt/nim/.cache"),
];

pub struct ModelCache;

impl Rule for ModelCache {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-model-cache",
            severity: Severity::Warning,
            title: "Weights are kept on a volume",
            why: "Without a volume every start downloads tens of gigabytes into the container: minutes in which the GPU is paid for and idle, and a node whose disk is full evicts its pods.",
            fix: "Mount a PersistentVolumeClaim and point `HF_HOME` at it.",
            looks_at: Subject::Gpu,
            passes: Example::Whole(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  containers:\n    - name: server\n      image: vllm/vllm-openai:v0.11.0\n      env:\n        - name: HF_HOME\n          value: /models\n      resources:\n        limits:\n          nvidia.com/gpu: 1\n      volumeMounts:\n        - name: models\n          mountPath: /models\n  volumes:\n    - name: models\n      persistentVolumeClaim:\n        claimName: models",
            ),
            fails: Example::Container(
                "image: vllm/vllm-openai:v0.11.0\nenv:\n  - name: HF_HOME\n    value: /models\nresources:\n  limits:\n    nvidia.com/gpu: 1",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut any = false;
        for (pod, c) in it.containers() {
            let variable =
                c.env().iter().find(|e| e.get("name").and_then(Node::as_str).is_some_and(|n| CACHES.contains(&n))).and_then(|e| e.get("value"));
            let image = c.image.to_ascii_lowercase();
            let usual = DOWNLOADERS.iter().find(|(part, _)| image.contains(part)).map(|(_, path)| *path);
            let words = || ["command", "args"].into_iter().flat_map(|k| c.node.get(k).map_or(&[][..], Node::items));
            let argument = words().zip(words().skip(1)).find(|(key, _)| key.as_str() == Some("--download-dir")).map(|(_, value)| value);
            let node = argument.or(variable);
            let Some(path) = node.and_then(Node::as_str).or(usual) else { continue };
            any = true;
            // A model that is read from a mounted folder is not downloaded.
            if words().filter_map(Node::as_str).any(|w| w.starts_with('/') && volume(pod, &c, w).is_some()) {
                continue;
            }
            let span = node.map_or(c.head(), |n| n.span);
            let Some(volume) = volume(pod, &c, path) else {
                look.found(it.problem(span, format!("{} downloads its model into the container: nothing is mounted at `{path}`", c.title())));
                continue;
            };
            if let Some(host) = volume.entry("hostPath") {
                look.found(it.problem(host.key_span, format!("the model cache of {} is a folder of whichever node it runs on", c.title())));
            }
            if let Some(empty) = volume.entry("emptyDir") {
                let bounded = empty.value.get("sizeLimit").is_some() || c.limit("ephemeral-storage").is_some();
                if empty.value.get("medium").and_then(Node::as_str) == Some("Memory") {
                    look.found(it.problem(empty.key_span, format!("the model cache of {} is in memory and counts against its limit", c.title())));
                } else if !bounded {
                    let fix = it.doc.add(&empty.value, Some(empty.key_span), "sizeLimit: 60Gi");
                    let problem = it.problem(empty.key_span, format!("the model cache of {} may fill the node's disk", c.title()));
                    look.found(Problem { fix: Some(fix), ..problem });
                }
            }
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} downloads no model that is known of", it.title())));
        }
    }
}

/// The volume that a path of a container is on.
fn volume<'a>(pod: &Pod<'a>, c: &Container<'a>, path: &str) -> Option<&'a Node> {
    let at = |m: &&Node| {
        m.get("mountPath")
            .and_then(Node::as_str)
            .map(|p| p.trim_end_matches('/'))
            .is_some_and(|p| path.strip_prefix(p).is_some_and(|r| r.is_empty() || r.starts_with('/')))
    };
    let mount = c.mounts().iter().filter(at).max_by_key(|m| m.get("mountPath").and_then(Node::as_str).map_or(0, str::len))?;
    let name = mount.get("name")?.as_str()?;
    pod.volumes().iter().find(|v| v.get("name").and_then(Node::as_str) == Some(name))
}
