//! Rules about monitoring and traffic: ServiceMonitors that find their Service, alerts that say enough, weights that add up.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, labels_of, selects};
use crate::engine::kubernetes::words;
use crate::engine::promql::seconds;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const SERVICE: &str = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  endpoints:\n    - port: metrics\n      interval: 30s\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: dcgm\n  labels:\n    app: dcgm\nspec:\n  selector:\n    app: dcgm\n  ports:\n    - name: metrics\n      port: 9400";

/// The Services that a ServiceMonitor selects.
fn services<'o, 'a>(it: &Object<'_>, look: &Look<'o, 'a>) -> Vec<&'o Object<'a>> {
    let Some(selector) = it.node.path(&["spec", "selector"]) else { return Vec::new() };
    look.objects.all().iter().filter(|o| o.kind == "Service" && selects(selector, &labels_of(o.node))).collect()
}

pub struct DanglingMonitor;

impl Rule for DanglingMonitor {
    fn about(&self) -> &'static About {
        &About {
            id: "smon-dangling",
            severity: Severity::Error,
            title: "A ServiceMonitor selects a Service",
            why: "It selects Services by the Services' own labels, not by those of the pods. When none matches nothing is scraped, and the alerts on those metrics never fire.",
            fix: "Put the labels of the selector on the Service, under `metadata.labels`.",
            looks_at: Subject::Kinds(&["ServiceMonitor"]),
            passes: Example::Whole(SERVICE),
            fails: Example::Whole(
                "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  endpoints:\n    - port: metrics\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    app: dcgm\n  ports:\n    - name: metrics\n      port: 9400",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let found = services(it, look);
        for service in &found {
            look.read(service);
        }
        if found.is_empty() {
            let span = it.node.get("spec").and_then(|s| s.entry("selector")).map_or(it.head(), |e| e.key_span);
            let problem = it.problem(span, format!("{} selects no Service of what you handed in", it.title()));
            look.found_if(look.objects.kind("Service").next().is_some(), problem);
        }
    }
}

pub struct MonitorPort;

impl Rule for MonitorPort {
    fn about(&self) -> &'static About {
        &About {
            id: "smon-port",
            severity: Severity::Error,
            title: "A ServiceMonitor asks a port by the Service's name for it",
            why: "`port` is the name of a port of the Service; a number or another name is silently no target at all. A timeout above the interval is refused by Prometheus.",
            fix: "Write the name of the Service's port, and a `scrapeTimeout` below `interval`.",
            looks_at: Subject::Kinds(&["ServiceMonitor"]),
            passes: Example::Whole(SERVICE),
            fails: Example::Whole(
                "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata:\n  name: dcgm\nspec:\n  selector:\n    matchLabels:\n      app: dcgm\n  endpoints:\n    - port: http\n      interval: 10s\n      scrapeTimeout: 30s\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: dcgm\n  labels:\n    app: dcgm\nspec:\n  selector:\n    app: dcgm\n  ports:\n    - name: metrics\n      port: 9400",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let found = services(it, look);
        for service in &found {
            look.read(service);
        }
        let names: Vec<&str> =
            found.iter().flat_map(|s| s.node.path(&["spec", "ports"]).map_or(&[][..], Node::items)).filter_map(|p| p.get("name")?.as_str()).collect();
        let endpoints = it.node.path(&["spec", "endpoints"]).map_or(&[][..], Node::items);
        if endpoints.is_empty() {
            look.found(it.problem(it.head(), format!("{} has no endpoint", it.title())));
        }
        for endpoint in endpoints {
            match endpoint.get("port") {
                Some(port) if port.as_str().is_none_or(|p| !names.contains(&p)) => {
                    let near = port.as_str().and_then(|p| words::nearest(p, names.iter().copied())).or(if names.len() == 1 {
                        names.first().copied()
                    } else {
                        None
                    });
                    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                    let problem =
                        it.problem(port.span, format!("no Service that {} selects has a port named `{}`{asked}", it.title(), it.doc.shown(port)));
                    let fix = near.and_then(|n| it.doc.replace(port.span, n));
                    look.found(Problem { fix, ..problem });
                }
                Some(_) => {}
                None if endpoint.get("targetPort").is_some() => {}
                None => look.found(it.problem(endpoint.span, format!("an endpoint of {} names no port", it.title()))),
            }
            let time = |key: &str| endpoint.get(key).and_then(Node::as_str).and_then(seconds);
            if let (Some(timeout), Some(interval), Some(node)) = (time("scrapeTimeout"), time("interval"), endpoint.get("scrapeTimeout"))
                && timeout > interval
            {
                look.found(it.problem(node.span, format!("the timeout ({}) is longer than the interval", it.doc.shown(node))));
            }
        }
    }
}

pub struct CanaryWeights;

impl Rule for CanaryWeights {
    fn about(&self) -> &'static About {
        &About {
            id: "canary-weights",
            severity: Severity::Error,
            title: "The weights of a canary add up",
            why: "Weights are shares of their sum: 90 and 5 is not what it looks like, and a stable side at 0 is no canary but a switch.",
            fix: "Write weights that add up to 100, with more than 0 on the stable side.",
            looks_at: Subject::Kinds(&["HTTPRoute", "GRPCRoute", "Rollout"]),
            passes: Example::Whole(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: chat\nspec:\n  rules:\n    - backendRefs:\n        - name: chat\n          port: 80\n          weight: 95\n        - name: chat-canary\n          port: 80\n          weight: 5",
            ),
            fails: Example::Whole(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: chat\nspec:\n  rules:\n    - backendRefs:\n        - name: chat\n          port: 80\n          weight: 90\n        - name: chat-canary\n          port: 80\n          weight: 5",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut split = false;
        if it.kind == "Rollout" {
            for weight in
                it.node.path(&["spec", "strategy", "canary", "steps"]).map_or(&[][..], Node::items).iter().filter_map(|s| s.get("setWeight"))
            {
                split = true;
                if weight.as_i64().is_none_or(|w| !(0..=100).contains(&w)) {
                    look.found(it.problem(weight.span, format!("`setWeight` is {}, not a share between 0 and 100", it.doc.shown(weight))));
                }
            }
        }
        for rule in it.node.path(&["spec", "rules"]).map_or(&[][..], Node::items) {
            let backends = rule.get("backendRefs").map_or(&[][..], Node::items);
            if backends.len() < 2 {
                continue;
            }
            split = true;
            let weights: Vec<i64> = backends.iter().map(|b| b.get("weight").and_then(Node::as_i64).unwrap_or(1)).collect();
            let sum: i64 = weights.iter().fold(0, |a, b| a.saturating_add(*b));
            let last = backends.iter().rev().find_map(|b| b.get("weight")).map_or(it.head(), |n| n.span);
            if sum != 100 {
                look.found(it.problem(last, format!("the weights of {} add up to {sum}, not to 100", it.title())));
            } else if weights.first() == Some(&0) {
                let first = backends.first().and_then(|b| b.get("weight")).map_or(last, |n| n.span);
                look.found(it.problem(first, format!("the stable side of {} gets nothing", it.title())));
            }
        }
        if !split {
            look.nothing(it.problem(it.head(), format!("{} splits no traffic", it.title())));
        }
    }
}
