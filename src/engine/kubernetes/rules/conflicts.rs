//! Rules about objects that are at odds with each other: two for one thing, or one that forbids what another does.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Node, Value};
use std::collections::HashMap;

const SCALED: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 2\n  maxReplicas: 6\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  minAvailable: 1\n  selector:\n    matchLabels:\n      app: chat";
const SCALED_TOO_LOW: &str = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  minReplicas: 2\n  maxReplicas: 6\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: chat\nspec:\n  minAvailable: 2\n  selector:\n    matchLabels:\n      app: chat";

pub struct BudgetAgainstScaler;

impl Rule for BudgetAgainstScaler {
    fn about(&self) -> &'static About {
        &About {
            id: "pdb-vs-hpa",
            severity: Severity::Error,
            title: "The autoscaler keeps more pods than the budget does",
            why: "At night the autoscaler goes down to its least number. If the budget keeps as many, no pod may be evicted then, and that is when nodes are upgraded.",
            fix: "Set `minReplicas` above the budget's `minAvailable`, or write `maxUnavailable: 1`.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler"]),
            passes: Example::Whole(SCALED),
            fails: Example::Whole(SCALED_TOO_LOW),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let target = |key: &str| it.node.path(&["spec", "scaleTargetRef", key]).and_then(Node::as_str);
        let workload = target("kind").zip(target("name")).and_then(|(kind, name)| objects.find(kind, name, it));
        let Some(workload) = workload else {
            look.nothing(it.problem(it.head(), format!("{} scales nothing of what you handed in", it.title())));
            return;
        };
        look.read(workload);
        let set = it.node.path(&["spec", "minReplicas"]);
        let Some(least) = set.map_or(Some(1), Node::as_i64) else { return };
        for budget in objects.kind("PodDisruptionBudget").filter(|b| b.beside(workload)) {
            let selector = budget.node.path(&["spec", "selector"]);
            if !selector.is_some_and(|s| workload.pods.iter().any(|p| objects.select(s, p))) {
                continue;
            }
            look.read(budget);
            let Some(kept) = budget.node.path(&["spec", "minAvailable"]).and_then(|n| kept(n, least)).filter(|k| *k >= least) else { continue };
            let span = set.map(|n| n.span).or_else(|| it.node.entry("spec").map(|e| e.key_span)).unwrap_or(it.head());
            let message = format!("{} may go down to {least}, and {} keeps {kept}: no pod may be evicted then", it.title(), budget.title());
            let room = kept.saturating_add(1);
            // More replicas don't help against a share of all of them.
            let number = budget.node.path(&["spec", "minAvailable"]).is_some_and(|n| n.as_i64().is_some());
            let fix = set.filter(|_| number).and_then(|n| it.doc.replace(n.span, &room.to_string()));
            let problem = it.problem(span, message);
            look.found(Problem { fix, ..problem });
        }
    }
}

/// How many of `replicas` a `minAvailable` keeps; nothing if it can't be said.
fn kept(node: &Node, replicas: i64) -> Option<i64> {
    match &node.value {
        Value::String(s) => {
            let percent: i64 = s.strip_suffix('%')?.parse().ok()?;
            Some((percent.clamp(0, 100).checked_mul(replicas)?.checked_add(99)?) / 100)
        }
        _ => node.as_i64(),
    }
}

pub struct TwoScalers;

impl Rule for TwoScalers {
    fn about(&self) -> &'static About {
        &About {
            id: "hpa-duplicate",
            severity: Severity::Error,
            title: "A workload has one autoscaler",
            why: "Two autoscalers of one workload each set its replicas to their own number, again and again: pods come and go every few seconds.",
            fix: "Keep one, with all the metrics in it; it takes the highest answer.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler", "ScaledObject"]),
            passes: Example::Whole(SCALED),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat-cpu\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 6\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat-memory\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 4",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let target = |o: &Object<'_>| {
            let text = |key: &str| o.node.path(&["spec", "scaleTargetRef", key]).and_then(Node::as_str).map(str::to_owned);
            Some((text("kind").unwrap_or_else(|| "Deployment".into()), text("name")?))
        };
        let Some(own) = target(it) else { return };
        let scalers = look.objects.all().iter().filter(|o| matches!(o.kind, "HorizontalPodAutoscaler" | "ScaledObject"));
        let first = scalers.take_while(|o| !std::ptr::eq(*o, it)).find(|o| o.beside(it) && target(o).as_ref() == Some(&own));
        if let Some(first) = first {
            look.read(first);
            let span = it.node.path(&["spec", "scaleTargetRef", "name"]).map_or(it.head(), |n| n.span);
            look.found(it.problem(span, format!("{} scales the {} `{}` that {} scales too", it.title(), own.0, own.1, first.title())));
        }
    }
}

pub struct SameRoute;

impl Rule for SameRoute {
    fn about(&self) -> &'static About {
        &About {
            id: "ing-duplicate",
            severity: Severity::Error,
            title: "One Ingress answers for a host and a path",
            why: "With two rules for one host and path the controller takes the older object, silently: what you deployed last is never asked.",
            fix: "Keep one of the two.",
            looks_at: Subject::Kinds(&["Ingress"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  rules:\n    - host: chat.example.org\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: chat\n                port:\n                  number: 80",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  rules:\n    - host: chat.example.org\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: chat\n                port:\n                  number: 80\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: admin\n                port:\n                  number: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let before = look.objects.kind("Ingress").take_while(|o| !std::ptr::eq(*o, it));
        let mut seen: HashMap<Route<'_>, String> = HashMap::new();
        // A canary of the nginx controller repeats the host and path on purpose.
        let before = before.filter(|o| class(o) == class(it) && !is_canary(o));
        for (route, other) in before.flat_map(|o| routes(o).into_iter().map(move |(route, _)| (route, o))).take(MOST_ROUTES) {
            seen.entry(route).or_insert_with(|| other.title());
        }
        if is_canary(it) {
            return;
        }
        for (route, at) in routes(it) {
            if let Some(first) = seen.get(&route) {
                let host = if route.0.is_empty() { "every host" } else { route.0 };
                look.found(it.problem(at.span, format!("{} answers for `{}` of {host} already", first.as_str(), route.1)));
            } else {
                seen.insert(route, it.title());
            }
        }
    }
}

/// Routes of other objects that one is compared with.
const MOST_ROUTES: usize = 2_000;

/// Host, path and how it is compared.
type Route<'a> = (&'a str, &'a str, &'a str);

fn routes<'a>(it: &Object<'a>) -> Vec<(Route<'a>, &'a Node)> {
    let text = |n: &'a Node, key: &str| n.get(key).and_then(Node::as_str);
    let mut all = Vec::new();
    for rule in it.node.path(&["spec", "rules"]).map_or(&[][..], Node::items) {
        for path in rule.path(&["http", "paths"]).map_or(&[][..], Node::items) {
            let route = (text(rule, "host").unwrap_or(""), text(path, "path").unwrap_or("/"), text(path, "pathType").unwrap_or(""));
            all.push((route, path.get("path").unwrap_or(path)));
        }
    }
    all
}

fn class<'a>(it: &Object<'a>) -> &'a str {
    it.node.path(&["spec", "ingressClassName"]).and_then(Node::as_str).unwrap_or("")
}

fn is_canary(it: &Object<'_>) -> bool {
    it.node.path(&["metadata", "annotations", "nginx.ingress.kubernetes.io/canary"]).is_some_and(|n| n.as_str() == Some("true"))
}

pub struct SameSelector;

impl Rule for SameSelector {
    fn about(&self) -> &'static About {
        &About {
            id: "svc-duplicate",
            severity: Severity::Warning,
            title: "Services select pods of their own",
            why: "Two Services with one selector send to the same pods: most often one was copied and its selector forgotten, and its traffic goes to the wrong program.",
            fix: "Give the selector the labels of the pods that are meant, or remove one of the Services.",
            looks_at: Subject::Kinds(&["Service"]),
            passes: Example::Whole(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: gateway\nspec:\n  selector:\n    app: gateway\n  ports:\n    - port: 80",
            ),
            fails: Example::Whole(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: gateway\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(own) = selector(it) else { return };
        let before = look.objects.kind("Service").take_while(|o| !std::ptr::eq(*o, it));
        // A headless Service beside an ordinary one, and one for each port, are what operators make on purpose; so are the two of a Rollout.
        let same = |o: &&Object<'_>| {
            o.beside(it)
                && o.node.path(&["spec", "selector"]).is_some_and(|s| s.entries().len() == own.len())
                && headless(o) == headless(it)
                && ports(o) == ports(it)
                && selector(o).as_ref() == Some(&own)
        };
        if look.objects.kind("Rollout").next().is_some() {
            return;
        }
        if let Some(first) = before.into_iter().find(same) {
            look.read(first);
            let span = it.node.get("spec").and_then(|s| s.entry("selector")).map_or(it.head(), |e| e.key_span);
            look.found(it.problem(span, format!("{} selects the same pods as {}", it.title(), first.title())));
        }
    }
}

fn selector<'a>(it: &Object<'a>) -> Option<Vec<(&'a str, &'a str)>> {
    let entries = it.node.path(&["spec", "selector"])?.entries();
    let mut pairs: Vec<_> = entries.iter().filter_map(|e| Some((e.key.as_str(), e.value.as_str()?))).collect();
    pairs.sort_unstable();
    Some(pairs).filter(|p| !p.is_empty())
}

fn headless(it: &Object<'_>) -> bool {
    it.node.path(&["spec", "clusterIP"]).and_then(Node::as_str) == Some("None")
}

fn ports(it: &Object<'_>) -> Vec<i64> {
    let mut ports: Vec<i64> = it.node.path(&["spec", "ports"]).map_or(&[][..], Node::items).iter().filter_map(|p| p.get("port")?.as_i64()).collect();
    ports.sort_unstable();
    ports
}
