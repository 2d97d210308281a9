//! Rules about autoscalers: what they scale, and between which numbers.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const SCALERS: Subject = Subject::Kinds(&["HorizontalPodAutoscaler", "ScaledObject"]);
const GOOD: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 2\n  maxReplicas: 6\n  metrics:\n    - type: Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n          averageUtilization: 70\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2";

pub struct Target;

impl Rule for Target {
    fn about(&self) -> &'static About {
        &About {
            id: "hpa-target",
            severity: Severity::Error,
            title: "The autoscaler's target exists",
            why: "An autoscaler of something that isn't there says FailedGetScale in its events and nothing else: you find out in the first rush hour.",
            fix: "Write the kind, apiVersion and name of the workload under `scaleTargetRef`.",
            looks_at: SCALERS,
            passes: Example::Whole(GOOD),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 2\n  maxReplicas: 6\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chatt\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(target) = it.node.path(&["spec", "scaleTargetRef"]) else {
            look.found(it.problem(it.head(), format!("{} has no `scaleTargetRef`", it.title())));
            return;
        };
        let kind = target.get("kind").and_then(Node::as_str).unwrap_or("Deployment");
        let Some(name) = target.get("name") else {
            look.found(it.problem(it.head(), format!("the target of {} has no name", it.title())));
            return;
        };
        let objects = look.objects;
        let Some(found) = objects.find(kind, name.as_str().unwrap_or(""), it) else {
            let names: Vec<&str> = objects.kind(kind).filter(|o| o.beside(it)).map(|o| o.name).collect();
            let near =
                words::nearest(name.as_str().unwrap_or(""), names.iter().copied()).or(if names.len() == 1 { names.first().copied() } else { None });
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = it.problem(name.span, format!("there is no {kind} `{}` for {} to scale{asked}", it.doc.shown(name), it.title()));
            let fix = near.and_then(|n| it.doc.replace(name.span, n));
            let problem = Problem { fix, ..problem };
            look.found_if(objects.with_pods().next().is_some(), problem);
            return;
        };
        look.read(found);
        if let Some(api) = target.get("apiVersion").filter(|a| a.as_str() != Some(found.api)) {
            let problem = it.problem(api.span, format!("{} is of `{}`, not of `{}`", found.title(), found.api, it.doc.shown(api)));
            let fix = it.doc.replace(api.span, found.api);
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Least;

impl Rule for Least {
    fn about(&self) -> &'static About {
        &About {
            id: "hpa-min",
            severity: Severity::Warning,
            title: "The autoscaler keeps two replicas",
            why: "At night one replica is left, and a drained node is an outage.",
            fix: "Set `minReplicas: 2` or more.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler"]),
            passes: Example::Whole(GOOD),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 1\n  maxReplicas: 6",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let set = it.node.path(&["spec", "minReplicas"]);
        if set.and_then(Node::as_i64).unwrap_or(1) < 2 {
            let span = set.map(|n| n.span).or_else(|| it.node.entry("spec").map(|e| e.key_span)).unwrap_or(it.head());
            let problem = it.problem(span, format!("{} may go down to one replica", it.title()));
            let fix = match (set, it.node.entry("spec")) {
                (Some(node), _) => it.doc.replace(node.span, "2"),
                (None, Some(spec)) => Some(it.doc.add(&spec.value, Some(spec.key_span), "minReplicas: 2")),
                _ => None,
            };
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Most;

impl Rule for Most {
    fn about(&self) -> &'static About {
        &About {
            id: "hpa-max",
            severity: Severity::Error,
            title: "The autoscaler has room to scale",
            why: "With the most equal to the least it never does anything, and everybody believes the service scales.",
            fix: "Set `maxReplicas` above `minReplicas`.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler"]),
            passes: Example::Whole(GOOD),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 3\n  maxReplicas: 3",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let number = |key: &str| it.node.path(&["spec", key]).and_then(Node::as_i64);
        let Some(most) = it.node.path(&["spec", "maxReplicas"]) else { return };
        let least = number("minReplicas").unwrap_or(1);
        if most.as_i64().is_some_and(|m| m <= least) {
            look.found(it.problem(most.span, format!("{} can't scale: `maxReplicas` is {}, `minReplicas` {least}", it.title(), it.doc.shown(most))));
        }
    }
}

pub struct FixedReplicas;

impl Rule for FixedReplicas {
    fn about(&self) -> &'static About {
        &About {
            id: "hpa-fixed-replicas",
            severity: Severity::Warning,
            title: "A scaled workload leaves its replicas to the autoscaler",
            why: "Each apply of the manifest sets `replicas` back to your number, in the middle of the rush hour if need be; then the autoscaler sets it up again.",
            fix: "Remove `replicas` from the workload.",
            looks_at: SCALERS,
            passes: Example::Whole(GOOD),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 2\n  maxReplicas: 6\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let mut any = false;
        for scaled in objects.with_pods().filter(|o| objects.autoscaler(o).is_some_and(|s| std::ptr::eq(s, it))) {
            any = true;
            look.read(scaled);
            if let Some(set) = scaled.node.get("spec").and_then(|s| s.entry("replicas")) {
                let problem =
                    scaled.problem(set.key_span, format!("{} has a fixed number of replicas, and {} scales it", scaled.title(), it.title()));
                let fix = scaled.doc.without_line(set.key_span.start.line);
                look.found(Problem { fix, ..problem });
            }
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} scales nothing of what you handed in", it.title())));
        }
    }
}
