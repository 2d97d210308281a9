//! Rules about staying up: replicas, disruption budgets, roll-outs, spread.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Node, Value};

const BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat";
const WITH_BUDGET: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: chat";

/// The fewest replicas an object runs with, where that can be said: what its autoscaler says, or its own number.
fn fewest(it: &Object<'_>, look: &mut Look<'_, '_>) -> (Option<i64>, Option<String>) {
    let Some(scaler) = look.objects.autoscaler(it) else { return (it.replicas(), None) };
    look.read(scaler);
    let key = if scaler.kind == "ScaledObject" { "minReplicaCount" } else { "minReplicas" };
    let default = if scaler.kind == "ScaledObject" { 0 } else { 1 };
    (Some(scaler.node.path(&["spec", key]).and_then(Node::as_i64).unwrap_or(default)), Some(scaler.title()))
}

pub struct OneReplica;

impl Rule for OneReplica {
    fn about(&self) -> &'static About {
        &About {
            id: "replicas-1",
            severity: Severity::Warning,
            title: "At least two replicas",
            why: "A single pod is an outage whenever its node is drained, upgraded or lost; for a model server the outage lasts as long as the model takes to load.",
            fix: "Set `replicas: 2` or more.",
            looks_at: Subject::Kinds(&["Deployment", "StatefulSet"]),
            passes: Example::Whole(WITH_BUDGET),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let (count, scaler) = fewest(it, look);
        let Some(count) = count.filter(|n| *n < 2) else { return };
        let set = it.node.path(&["spec", "replicas"]);
        let span = set.map(|n| n.span).or_else(|| it.node.entry("spec").map(|e| e.key_span)).unwrap_or(it.head());
        let message = match scaler {
            Some(scaler) => format!("{scaler} lets {} go down to {}", it.title(), counted(count)),
            None => format!("{} runs {}", it.title(), counted(count)),
        };
        let fix = match (set, it.node.entry("spec")) {
            (Some(node), _) => it.doc.replace(node.span, "2"),
            (None, Some(spec)) => Some(it.doc.add(&spec.value, Some(spec.key_span), "replicas: 2")),
            _ => None,
        };
        let problem = it.problem(span, message);
        look.found(Problem { fix, ..problem });
    }
}

pub struct NoBudget;

impl Rule for NoBudget {
    fn about(&self) -> &'static About {
        &About {
            id: "pdb-missing",
            severity: Severity::Warning,
            title: "A disruption budget covers the pods",
            why: "Without one a drain may take all replicas at once: a cluster upgrade becomes an outage. A budget makes it wait until enough of them are ready again.",
            fix: "Hand in a PodDisruptionBudget with `maxUnavailable: 1` whose selector is the workload's.",
            looks_at: Subject::Kinds(&["Deployment", "StatefulSet", "ReplicaSet"]),
            passes: Example::Whole(WITH_BUDGET),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: queue\nspec:\n  replicas: 3\n  serviceName: queue\n  selector:\n    matchLabels:\n      app: queue\n  template:\n    metadata:\n      labels:\n        app: queue\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/queue:2.0.1",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let mut near = Vec::new();
        for budget in objects.kind("PodDisruptionBudget").filter(|b| b.beside(it)) {
            look.read(budget);
            let selector = budget.node.path(&["spec", "selector"]);
            if selector.is_some_and(|s| it.pods.iter().all(|p| objects.select(s, p))) && !it.pods.is_empty() {
                return;
            }
            near.push(budget.name);
        }
        let also = near.first().map(|n| format!(": the selector of `{n}` doesn't select them")).unwrap_or_default();
        look.found(it.problem(it.head(), format!("no PodDisruptionBudget covers the pods of {}{also}", it.title())));
    }
}

pub struct BudgetBlocks;

impl Rule for BudgetBlocks {
    fn about(&self) -> &'static About {
        &About {
            id: "pdb-blocks",
            severity: Severity::Error,
            title: "The disruption budget leaves room to evict",
            why: "A budget that never allows an eviction stops every drain: the node can't be upgraded, the autoscaler can't remove it, and somebody deletes the budget at three in the morning.",
            fix: "Write `maxUnavailable: 1` instead.",
            looks_at: Subject::Kinds(&["PodDisruptionBudget"]),
            passes: Example::Whole(BUDGET),
            fails: Example::Whole(
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  minAvailable: 100%\n  selector:\n    matchLabels:\n      app: chat",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(spec) = it.node.get("spec") else {
            look.found(it.problem(it.head(), format!("{} has no spec, and so covers nothing", it.title())));
            return;
        };
        let selector = spec.get("selector");
        let covered: Vec<_> =
            look.objects.with_pods().filter(|o| o.beside(it) && selector.is_some_and(|s| o.pods.iter().any(|p| look.objects.select(s, p)))).collect();
        if covered.is_empty() && look.objects.with_pods().next().is_some() {
            let span = selector.map_or(it.head(), |s| s.entries().first().map_or(s.span, |e| e.key_span));
            look.found(
                it.problem(span, format!("{} selects no pod of what you handed in", it.title()))
                    .fix("Write the labels of the pod template into the selector."),
            );
            return;
        }
        // Known only if it is of all of them.
        let mut known = if covered.is_empty() { None } else { Some(0) };
        for workload in &covered {
            look.read(workload);
            known = known.zip(fewest(workload, look).0).map(|(sum, n)| sum + n);
        }
        let replicas = known.unwrap_or(0);
        let (most_away, least_there) = (spec.entry("maxUnavailable"), spec.entry("minAvailable"));
        let (entry, allowed) = match (most_away, least_there) {
            (Some(e), _) => (e, share(&e.value, known)),
            (None, Some(e)) => (e, share(&e.value, known).map(|kept| replicas - kept)),
            (None, None) => {
                look.found(it.problem(it.head(), format!("{} says neither `maxUnavailable` nor `minAvailable`", it.title())));
                return;
            }
        };
        let always = matches!(
            (entry.key.as_str(), entry.value.as_str(), entry.value.as_i64()),
            ("maxUnavailable", Some("0%"), _) | ("maxUnavailable", _, Some(0)) | ("minAvailable", Some("100%"), _)
        );
        if always || allowed.is_some_and(|n| n <= 0) {
            let written = it.doc.shown(&entry.value);
            let of = if known.is_none() || always { String::new() } else { format!(" with {}", counted(replicas)) };
            let problem = it.problem(entry.value.span, format!("{} never lets a pod go: `{}: {written}`{of}", it.title(), entry.key));
            let span = crate::engine::yaml::Span { start: entry.key_span.start, end: entry.value.span.end };
            let fix = it.doc.replace(span, "maxUnavailable: 1");
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct UnhealthyPods;

impl Rule for UnhealthyPods {
    fn about(&self) -> &'static About {
        &About {
            id: "pdb-unhealthy",
            severity: Severity::Info,
            title: "A budget lets broken pods go",
            why: "By default a running pod that isn't ready may be evicted only while the budget is met: one that crashes over and over then holds its node, and the cluster's upgrade, for ever.",
            fix: "Set `unhealthyPodEvictionPolicy: AlwaysAllow`.",
            looks_at: Subject::Kinds(&["PodDisruptionBudget"]),
            passes: Example::Whole(
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  maxUnavailable: 1\n  unhealthyPodEvictionPolicy: AlwaysAllow\n  selector:\n    matchLabels:\n      app: chat",
            ),
            fails: Example::Whole(BUDGET),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(spec) = it.node.entry("spec") else {
            look.nothing(it.problem(it.head(), format!("{} has no spec", it.title())));
            return;
        };
        let set = spec.value.get("unhealthyPodEvictionPolicy");
        if set.and_then(Node::as_str) == Some("AlwaysAllow") {
            return;
        }
        let problem = it.problem(set.map_or(spec.key_span, |n| n.span), format!("{} holds on to pods that are not ready", it.title()));
        let fix = match set {
            Some(node) => it.doc.replace(node.span, "AlwaysAllow"),
            None => Some(it.doc.add(&spec.value, Some(spec.key_span), "unhealthyPodEvictionPolicy: AlwaysAllow")),
        };
        look.found(Problem { fix, ..problem });
    }
}

/// A number of pods, or a share of the replicas rounded up; `None` when it can't be said.
fn share(node: &Node, replicas: Option<i64>) -> Option<i64> {
    let replicas = replicas?;
    match &node.value {
        Value::String(s) => {
            let percent: i64 = s.strip_suffix('%')?.parse().ok()?;
            Some((percent.clamp(0, 100) * replicas + 99) / 100)
        }
        _ => node.as_i64(),
    }
}

pub struct Strategy;

impl Rule for Strategy {
    fn about(&self) -> &'static About {
        &About {
            id: "strategy",
            severity: Severity::Warning,
            title: "Roll-outs replace pods one after the other",
            why: "`Recreate` stops all pods before the first new one is ready, and `maxUnavailable: 100%` does the same by another name: every release is an outage.",
            fix: "Leave `strategy` out, or write `RollingUpdate` with `maxUnavailable: 0` and `maxSurge: 1`.",
            looks_at: Subject::Kinds(&["Deployment"]),
            passes: Example::Whole(WITH_BUDGET),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  strategy:\n    type: Recreate\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(strategy) = it.node.path(&["spec", "strategy"]) else { return };
        if let Some(kind) = strategy.get("type").filter(|t| t.as_str() == Some("Recreate")) {
            let problem = it.problem(kind.span, format!("{} stops all its pods at every release", it.title()));
            let fix = it.doc.replace(kind.span, "RollingUpdate");
            look.found(Problem { fix, ..problem });
        }
        if let Some(away) = strategy.path(&["rollingUpdate", "maxUnavailable"]).filter(|n| n.as_str() == Some("100%")) {
            let problem = it.problem(away.span, format!("{} may stop all its pods at once", it.title()));
            let fix = it.doc.replace(away.span, "0");
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Spread;

impl Rule for Spread {
    fn about(&self) -> &'static About {
        &About {
            id: "topology-spread",
            severity: Severity::Warning,
            title: "Replicas are spread over nodes or zones",
            why: "The scheduler may put all replicas on one node: then two replicas fail like one.",
            fix: "Add `topologySpreadConstraints` over `kubernetes.io/hostname` or `topology.kubernetes.io/zone`, or a pod anti-affinity.",
            looks_at: Subject::Kinds(&["Deployment", "StatefulSet"]),
            passes: Example::Pod(
                "topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: topology.kubernetes.io/zone\n    whenUnsatisfiable: ScheduleAnyway\n    labelSelector:\n      matchLabels:\n        app: chat\n",
            ),
            fails: Example::Pod("terminationGracePeriodSeconds: 60\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let spread = pod.spec.get("topologySpreadConstraints").map_or(&[][..], Node::items);
            let apart = pod.spec.path(&["affinity", "podAntiAffinity"]);
            if spread.is_empty() && apart.is_none() {
                look.found(it.problem(pod.spec_key, format!("nothing spreads the pods of {} over nodes", it.title())));
            }
        }
    }
}

fn counted(n: i64) -> String {
    if n == 1 { "1 replica".into() } else { format!("{n} replicas") }
}
