//! Rules about using a pool of GPUs well: CPU and memory in proportion, roll-outs that fit, scaling that waits.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::demand::{self, Demand, MOST, counts, may_be_missing};
use crate::engine::kubernetes::objects::Object;
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::promql;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const GPU: &str = "nvidia.com/gpu";

pub struct Proportion;

impl Rule for Proportion {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-cpu-mem-ratio",
            severity: Severity::Warning,
            title: "CPU and memory are in proportion to the GPUs",
            why: "A pod with a GPU and half a core starves its GPU; one with a GPU and all of the node's cores strands the other GPUs, which are paid for and can't be used.",
            fix: "Request 2 to 16 CPUs and 8 to 128 GiB of memory for each GPU.",
            looks_at: Subject::Gpu,
            passes: Example::Container("resources:\n  requests:\n    cpu: \"4\"\n    memory: 24Gi\n  limits:\n    nvidia.com/gpu: 1"),
            fails: Example::Container("resources:\n  requests:\n    cpu: 500m\n    memory: 24Gi\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.servers() {
            let count = c.limit(GPU).and_then(Quantity::of).map_or(0, Quantity::round_up);
            let Some(count) = i64::try_from(count).ok().filter(|n| (1..=64).contains(n)) else { continue };
            for (resource, least, most, unit) in [("cpu", 2, 16, "of CPU"), ("memory", 8 << 30, 128 << 30, "of memory")] {
                let Some(node) = c.request(resource).or_else(|| c.limit(resource)) else {
                    look.found(
                        it.problem(c.nearest(&["resources", "requests"]), format!("{} asks for a GPU and says nothing of {resource}", c.title())),
                    );
                    continue;
                };
                let Some(amount) = Quantity::of(node) else { continue };
                if amount < Quantity::whole(least * count) || amount > Quantity::whole(most * count) {
                    let gpus = if count == 1 { "one GPU".to_string() } else { format!("{count} GPUs") };
                    let how = if amount < Quantity::whole(least * count) { "little" } else { "much" };
                    look.found(it.problem(node.span, format!("{} requests {} {unit} for {gpus}, which is {how}", c.title(), it.doc.shown(node))));
                }
            }
        }
    }
}

pub struct RollOut;

impl Rule for RollOut {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-recreate",
            severity: Severity::Warning,
            title: "A roll-out needs no spare GPU",
            why: "A Deployment first starts a new pod, then stops an old one. With as many GPUs as replicas the new pod stays Pending, and the roll-out stands still until somebody notices.",
            fix: "Set `maxSurge: 0` and `maxUnavailable: 1` under `strategy.rollingUpdate`, or `type: Recreate`.",
            looks_at: Subject::Kinds(&["Deployment"]),
            passes: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  replicas: 2\n  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      maxSurge: 0\n      maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n          resources:\n            limits:\n              nvidia.com/gpu: 1",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if !it.asks_for_gpu() {
            look.nothing(it.problem(it.head(), format!("{} asks for no GPU", it.title())));
            return;
        }
        let Some(spec) = it.node.entry("spec") else { return };
        let objects = look.objects;
        let (count, surge) = counts(objects, it, 0);
        // With a pod that may be missing an old one goes and leaves its GPU to the new one.
        if surge == 0 || may_be_missing(it, count) > 0 {
            return;
        }
        let message = match quota(it, look) {
            Some((quota, limit)) => {
                let each = gpus(it);
                let others = objects.with_pods().filter(|o| o.beside(it) && !std::ptr::eq(*o, it));
                let held = others.fold(each.times(count), |sum, o| {
                    sum.plus(gpus(o).times(o.replicas().and_then(|n| u64::try_from(n).ok()).unwrap_or(0).min(MOST)))
                });
                let needed = held.plus(each.times(surge));
                if needed <= limit {
                    return;
                }
                format!(
                    "a roll-out of {} stands still: with its new pods it needs {} GPUs, and {} has {}",
                    it.title(),
                    needed.round_up(),
                    quota.title(),
                    limit.round_down()
                )
            }
            None => format!("each roll-out of {} needs a spare GPU", it.title()),
        };
        let strategy = spec.value.get("strategy");
        let written = strategy.and_then(|s| s.path(&["rollingUpdate", "maxSurge"]));
        let problem = it.problem(written.map_or(spec.key_span, |n| n.span), message);
        let fix = match (written, strategy) {
            (Some(node), _) => it.doc.replace(node.span, "0"),
            (None, None) => Some(it.doc.add(&spec.value, Some(spec.key_span), "strategy:\n  rollingUpdate:\n    maxSurge: 0\n    maxUnavailable: 1")),
            _ => None,
        };
        look.found(Problem { fix, ..problem });
    }
}

/// The whole GPUs of one pod of a workload, as a quota counts them.
fn gpus(it: &Object<'_>) -> Quantity {
    let of_pod = |p| demand::of_pod(p, Demand::of_container).requests.get(GPU);
    it.pods.iter().filter_map(of_pod).fold(Quantity::whole(0), Quantity::plus)
}

/// The quota that allows a workload's namespace the fewest GPUs. One for pods of some scopes only is passed over.
fn quota<'o, 'a>(it: &Object<'_>, look: &mut Look<'o, 'a>) -> Option<(&'o Object<'a>, Quantity)> {
    let scoped = |q: &Object<'_>| ["scopes", "scopeSelector"].iter().any(|k| q.node.path(&["spec", k]).is_some());
    let limit = |q: &Object<'_>| q.node.path(&["spec", "hard", "requests.nvidia.com/gpu"]).and_then(Quantity::of);
    let quotas = look.objects.kind("ResourceQuota").filter(|q| q.beside(it) && !scoped(q));
    let (quota, limit) = quotas.filter_map(|q| Some((q, limit(q)?))).min_by_key(|(_, limit)| *limit)?;
    look.read(quota);
    Some((quota, limit))
}

pub struct ScaleDown;

impl Rule for ScaleDown {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-hpa-behavior",
            severity: Severity::Warning,
            title: "Scaling down waits longer than a model takes to load",
            why: "A replica that is stopped in a lull takes minutes to load its model again: scaling down too soon makes the next rush slow and pays for the loading twice.",
            fix: "Set `behavior.scaleDown.stabilizationWindowSeconds: 600`.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler"]),
            passes: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 4\n  behavior:\n    scaleDown:\n      stabilizationWindowSeconds: 600",
            ),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 4\n  behavior:\n    scaleDown:\n      stabilizationWindowSeconds: 30",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let set = it.node.path(&["spec", "behavior", "scaleDown", "stabilizationWindowSeconds"]);
        let seconds = set.and_then(Node::as_i64).unwrap_or(300);
        if seconds < 300 {
            let problem = it.problem(set.map_or(it.head(), |n| n.span), format!("{} scales down after {seconds} quiet seconds", it.title()));
            let fix = set.and_then(|n| it.doc.replace(n.span, "600"));
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Keda;

impl Rule for Keda {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-keda",
            severity: Severity::Warning,
            title: "A ScaledObject scales something, by something, and not too fast",
            why: "A ScaledObject of a target that isn't there, without triggers, or with a cooldown shorter than the model takes to load costs more than it saves.",
            fix: "Name the target, give it a trigger and set `cooldownPeriod: 600`.",
            looks_at: Subject::Kinds(&["ScaledObject"]),
            passes: Example::Whole(
                "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    name: chat\n  minReplicaCount: 0\n  maxReplicaCount: 4\n  cooldownPeriod: 600\n  triggers:\n    - type: prometheus\n      metadata:\n        serverAddress: http://prometheus:9090\n        query: sum(vllm:num_requests_waiting)\n        threshold: \"4\"\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
            fails: Example::Whole(
                "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    name: chat\n  cooldownPeriod: 30\n  triggers: []",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let target = it.node.path(&["spec", "scaleTargetRef"]);
        let kind = target.and_then(|t| t.get("kind")).and_then(Node::as_str).unwrap_or("Deployment");
        let name = target.and_then(|t| t.get("name"));
        match name.and_then(Node::as_str).and_then(|n| look.objects.find(kind, n, it)) {
            Some(found) => look.read(found),
            None => look.found(it.problem(name.map_or(it.head(), |n| n.span), format!("{} scales no {kind} of what you handed in", it.title()))),
        }
        let triggers = it.node.path(&["spec", "triggers"]).map_or(&[][..], Node::items);
        if triggers.is_empty() {
            look.found(it.problem(it.head(), format!("{} has no trigger", it.title())));
        }
        for trigger in triggers {
            triggered(it, trigger, look);
        }
        let count = |key: &str, default: i64| it.node.path(&["spec", key]).map_or(Some(default), Node::as_i64);
        let (least, most) = (count("minReplicaCount", 0), count("maxReplicaCount", 100));
        if let (Some(least), Some(most)) = (least, most)
            && most < least
        {
            let span = it.node.path(&["spec", "maxReplicaCount"]).map_or(it.head(), |n| n.span);
            look.found(it.problem(span, format!("`maxReplicaCount` of {} is {most}, below the {least} it always keeps", it.title())));
        }
        // The cooldown is for the step to no replica at all; above one the autoscaler's own window holds.
        let idle = it.node.path(&["spec", "idleReplicaCount"]).and_then(Node::as_i64) == Some(0);
        if least.is_some_and(|n| n > 0) && !idle {
            return;
        }
        let of_pods = |t: &Node| matches!(t.get("type").and_then(Node::as_str), Some("cpu" | "memory"));
        if let Some(first) = triggers.first().filter(|_| triggers.iter().all(of_pods)) {
            let span = first.get("type").map_or(first.span, |n| n.span);
            let message = format!("{} never starts again from nothing: without a pod there is no CPU or memory to measure", it.title());
            look.found(it.problem(span, message).fix("Set `minReplicaCount: 1`, or add a trigger such as `prometheus`."));
        }
        if let Some(cooldown) = it.node.path(&["spec", "cooldownPeriod"]).filter(|c| c.as_i64().is_some_and(|n| n < 300)) {
            let problem = it.problem(cooldown.span, format!("{} scales to nothing after {} quiet seconds", it.title(), it.doc.shown(cooldown)));
            let fix = it.doc.replace(cooldown.span, "600");
            look.found(Problem { fix, ..problem });
        }
    }
}

/// What a trigger by Prometheus needs: where to ask, what, and how much of it is too much.
fn triggered(it: &Object<'_>, trigger: &Node, look: &mut Look<'_, '_>) {
    if trigger.get("type").and_then(Node::as_str) != Some("prometheus") {
        return;
    }
    let head = trigger.get("type").map_or(trigger.span, |n| n.span);
    let of = |key: &str| trigger.path(&["metadata", key]);
    for key in ["serverAddress", "query", "threshold"].iter().filter(|k| of(k).is_none()) {
        look.found(
            it.problem(head, format!("a trigger of {} has no `{key}`", it.title())).fix(format!("Write `{key}` under the trigger's `metadata`.")),
        );
    }
    for key in ["threshold", "activationThreshold"] {
        if let Some(node) = of(key).filter(|n| n.as_str().is_some_and(|t| t.trim().parse::<f64>().is_err())) {
            look.found(it.problem(node.span, format!("`{key}` is `{}`, which is no number", it.doc.shown(node))).fix("Write a number in quotes."));
        }
    }
    let Some((query, text)) = of("query").and_then(|n| Some((n, n.as_str()?))) else { return };
    for fault in promql::read(text).faults.into_iter().take(3) {
        let problem = it.problem(it.doc.part(query, fault.at), fault.message);
        let fix = fault.instead.map(|new| format!("Write `{new}` there.")).or_else(|| fault.fix.map(Into::into));
        look.found(Problem { fix, ..problem });
    }
}
