//! Rules about monitoring: ServiceMonitors that find their Service and ask it in time.
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
    let within = |o: &Object<'_>| match it.node.path(&["spec", "namespaceSelector"]) {
        Some(spaces) if spaces.get("any").and_then(Node::as_bool) == Some(true) => true,
        Some(spaces) if spaces.get("matchNames").is_some_and(|n| !n.items().is_empty()) => {
            o.namespace.is_empty() || spaces.get("matchNames").is_some_and(|n| n.items().iter().any(|n| n.as_str() == Some(o.namespace)))
        }
        // Without one it looks in its own namespace.
        _ => o.beside(it),
    };
    look.objects.kind("Service").filter(|o| within(o) && selects(selector, &labels_of(o.node))).collect()
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
            for (key, node) in ["interval", "scrapeTimeout"].iter().filter_map(|k| Some((k, endpoint.get(k)?))) {
                if node.as_str().is_some_and(|t| seconds(t).is_none()) {
                    let message = format!("`{key}: {}` is no duration such as `30s`", it.doc.shown(node));
                    look.found(it.problem(node.span, message).fix("Write a number and its unit: `30s`, `1m`."));
                }
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
