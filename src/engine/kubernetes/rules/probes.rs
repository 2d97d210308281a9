//! Rules about probes: readiness, liveness, and the ports they ask.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object};
use crate::engine::report::Severity;
use crate::engine::yaml::Node;

/// An HTTP probe of the container's first port, as a start.
fn example(c: &Container<'_>, probe: &str, path: &str) -> String {
    let port = c.ports().first().and_then(|p| {
        p.get("name").and_then(Node::as_str).map(str::to_string).or_else(|| p.get("containerPort").and_then(Node::as_i64).map(|n| n.to_string()))
    });
    format!("{probe}:\n  httpGet:\n    path: {path}\n    port: {}", port.unwrap_or_else(|| "8080".into()))
}

const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

pub struct Ready;

impl Rule for Ready {
    fn about(&self) -> &'static About {
        &About {
            id: "probe-ready",
            severity: Severity::Error,
            title: "Every server has a readiness probe",
            why: "Without one a pod gets traffic the moment its process starts: a model server that still loads its weights answers with errors during every roll-out.",
            fix: "Add a `readinessProbe` that succeeds once the server can answer.",
            looks_at: Subject::Servers,
            passes: Example::Container("readinessProbe:\n  httpGet:\n    path: /ready\n    port: 8080"),
            fails: Example::Container("livenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.servers().filter(|(_, c)| !is_set(c, "readinessProbe")) {
            look.found(it.problem(c.head(), format!("{} has no readiness probe", c.title())).fix(c.with(
                &it.doc,
                &[],
                &example(&c, "readinessProbe", "/ready"),
            )));
        }
    }
}

pub struct Live;

impl Rule for Live {
    fn about(&self) -> &'static About {
        &About {
            id: "probe-live",
            severity: Severity::Warning,
            title: "Every server has a liveness probe",
            why: "A process that hangs is still running to the kubelet; only a failing liveness probe gets it restarted without somebody being woken.",
            fix: "Add a `livenessProbe` that asks whether the process itself still works, not what it depends on.",
            looks_at: Subject::Servers,
            passes: Example::Container("livenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080"),
            fails: Example::Container("readinessProbe:\n  httpGet:\n    path: /ready\n    port: 8080"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.servers().filter(|(_, c)| !is_set(c, "livenessProbe")) {
            look.found(it.problem(c.head(), format!("{} has no liveness probe", c.title())).fix(c.with(
                &it.doc,
                &[],
                &example(&c, "livenessProbe", "/healthz"),
            )));
        }
    }
}

/// An empty probe is none.
fn is_set(c: &Container<'_>, probe: &str) -> bool {
    c.node.get(probe).is_some_and(|p| !p.entries().is_empty())
}

pub struct Same;

impl Rule for Same {
    fn about(&self) -> &'static About {
        &About {
            id: "probe-same",
            severity: Severity::Warning,
            title: "Readiness and liveness ask different questions",
            why: "\"Can't serve now\" should take a pod out of the Service, \"will never serve again\" should restart it. One probe for both restarts a pod that is only busy, and its load kills the next one.",
            fix: "Give liveness a path of its own that checks only the process, or a higher `failureThreshold`.",
            looks_at: Subject::Servers,
            passes: Example::Container(
                "readinessProbe:\n  httpGet:\n    path: /ready\n    port: 8080\nlivenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080",
            ),
            fails: Example::Container(
                "readinessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080\nlivenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut compared = false;
        for (_, c) in it.servers() {
            let (Some(ready), Some(live)) = (c.node.get("readinessProbe"), c.node.entry("livenessProbe")) else { continue };
            compared = true;
            if ready.to_json() == live.value.to_json() {
                look.found(it.problem(live.key_span, format!("liveness and readiness of {} are the same probe", c.title())));
            }
        }
        if !compared {
            look.nothing(it.problem(it.head(), format!("no container of {} has both a readiness and a liveness probe", it.title())));
        }
    }
}

pub struct Port;

impl Rule for Port {
    fn about(&self) -> &'static About {
        &About {
            id: "probe-port",
            severity: Severity::Warning,
            title: "Probes ask a port the container declares",
            why: "A probe of the wrong port always fails: the pod never becomes ready, or is restarted again and again while the server is well.",
            fix: "Declare the port under `ports`, or probe the one that is declared.",
            looks_at: Subject::Servers,
            passes: Example::Container(
                "ports:\n  - name: http\n    containerPort: 8080\nreadinessProbe:\n  httpGet:\n    path: /ready\n    port: http",
            ),
            fails: Example::Container(
                "ports:\n  - name: http\n    containerPort: 8080\nreadinessProbe:\n  httpGet:\n    path: /ready\n    port: 8081",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if !it.servers().any(|(_, c)| PROBES.iter().any(|p| is_set(&c, p))) {
            look.nothing(it.problem(it.head(), format!("no container of {} has a probe", it.title())));
        }
        for (_, c) in it.servers() {
            for probe in PROBES {
                let Some(port) = ["httpGet", "tcpSocket", "grpc"].iter().find_map(|h| c.node.path(&[probe, h, "port"])) else { continue };
                let known = c.ports().iter().any(|p| match port.as_str() {
                    Some(name) => p.get("name").and_then(Node::as_str) == Some(name),
                    None => p.get("containerPort").and_then(Node::as_i64) == port.as_i64(),
                });
                if !known {
                    look.found(it.problem(
                        port.span,
                        format!("the {probe} of {} asks port `{}`, which the container doesn't declare", c.title(), it.doc.shown(port)),
                    ));
                }
            }
        }
    }
}
