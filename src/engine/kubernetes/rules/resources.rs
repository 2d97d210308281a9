//! Rules about requests and limits of CPU and memory.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

/// Says so for each container that lacks `resources.<side>.<resource>`; `example` is what to write.
fn lacking(it: &Object<'_>, look: &mut Look<'_, '_>, side: &str, resource: &str, example: &str) {
    for (_, c) in it.containers() {
        // A request that isn't given is taken from the limit.
        let given = |side: &str| c.node.path(&["resources", side, resource]).filter(|n| Quantity::of(n).is_some());
        match given(side).or_else(|| given("limits").filter(|_| side == "requests")) {
            Some(amount) => tiny(it, look, c, side, resource, amount),
            None => {
                let what = if side == "requests" { "request" } else { "limit" };
                let problem = it.problem(c.nearest(&["resources", side, resource]), format!("{} has no {resource} {what}", c.title()));
                look.found(problem.fix(c.with(&it.doc, &["resources", side], &format!("{resource}: {example}"))));
            }
        }
    }
}

/// `memory: 512m` is half a byte: what nobody means.
fn tiny(it: &Object<'_>, look: &mut Look<'_, '_>, c: Container<'_>, side: &str, resource: &str, amount: &Node) {
    if resource == "memory" && Quantity::of(amount).is_some_and(|q| !q.is_zero() && q < Quantity::whole(1 << 20)) {
        let written = it.doc.shown(amount);
        let meant = format!("{}Mi", written.trim_end_matches(|ch: char| !ch.is_ascii_digit()));
        let problem =
            it.problem(amount.span, format!("the memory {side} of {} are `{written}`, less than a megabyte; did you mean `{meant}`?", c.title()));
        let fix = it.doc.replace(amount.span, &meant);
        look.found(Problem { fix, ..problem });
    }
}

pub struct CpuRequest;

impl Rule for CpuRequest {
    fn about(&self) -> &'static About {
        &About {
            id: "res-cpu-req",
            severity: Severity::Error,
            title: "Every container requests CPU",
            why: "The scheduler places pods by their requests, and under load the kernel shares CPU in their proportion: without one a pod lands anywhere and gets what is left.",
            fix: "Add `resources.requests.cpu`, near what it uses in a quiet hour.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    cpu: 250m"),
            fails: Example::Container("resources:\n  requests:\n    memory: 256Mi"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        lacking(it, look, "requests", "cpu", "250m");
    }
}

pub struct CpuLimit;

impl Rule for CpuLimit {
    fn about(&self) -> &'static About {
        &About {
            id: "res-cpu-lim",
            severity: Severity::Info,
            title: "Every container has a CPU limit",
            why: "A namespace with a quota on `limits.cpu` refuses pods without one. Elsewhere a limit throttles a container even when the node is idle, so set it on purpose.",
            fix: "Add `resources.limits.cpu`.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  limits:\n    cpu: \"1\""),
            fails: Example::Container("resources:\n  requests:\n    cpu: 250m"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        lacking(it, look, "limits", "cpu", "\"1\"");
    }
}

pub struct MemoryRequest;

impl Rule for MemoryRequest {
    fn about(&self) -> &'static About {
        &About {
            id: "res-mem-req",
            severity: Severity::Error,
            title: "Every container requests memory",
            why: "The scheduler fills nodes by requests; a pod without one is placed on a node that has no memory left for it, and is the first to be evicted.",
            fix: "Add `resources.requests.memory`, what it needs to stay alive.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    memory: 256Mi"),
            fails: Example::Container("resources:\n  requests:\n    cpu: 250m"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        lacking(it, look, "requests", "memory", "256Mi");
    }
}

pub struct MemoryLimit;

impl Rule for MemoryLimit {
    fn about(&self) -> &'static About {
        &About {
            id: "res-mem-lim",
            severity: Severity::Error,
            title: "Every container has a memory limit",
            why: "A leak without a limit takes the whole node with it: the kernel then kills whatever it likes, other teams' pods included. With a limit only the leaking container is restarted.",
            fix: "Add `resources.limits.memory`.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  limits:\n    memory: 512Mi"),
            fails: Example::Container("resources:\n  requests:\n    memory: 256Mi"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        lacking(it, look, "limits", "memory", "512Mi");
    }
}

pub struct Guaranteed;

impl Rule for Guaranteed {
    fn about(&self) -> &'static About {
        &About {
            id: "res-req-eq-lim",
            severity: Severity::Info,
            title: "The memory request equals the limit",
            why: "Memory can't be taken back like CPU: what a container uses above its request is what gets it evicted when the node runs short.",
            fix: "Write the same amount under `requests.memory` and `limits.memory`.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    memory: 512Mi\n  limits:\n    memory: 512Mi"),
            fails: Example::Container("resources:\n  requests:\n    memory: 256Mi\n  limits:\n    memory: 512Mi"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let (request, limit) = (c.request("memory"), c.limit("memory"));
            match (request.and_then(Quantity::of), limit.and_then(Quantity::of)) {
                (Some(r), Some(l)) if r == l => {}
                (None, Some(_)) => {}
                (Some(_), Some(_)) => {
                    let (Some(request), Some(limit)) = (request, limit) else { continue };
                    let (r, l) = (it.doc.shown(request), it.doc.shown(limit));
                    let problem = it.problem(request.span, format!("{} requests {r} of memory, but may use {l}", c.title()));
                    let fix = it.doc.replace(request.span, &it.doc.raw(limit));
                    look.found(Problem { fix, ..problem });
                }
                (_, None) => look.found(
                    it.problem(c.nearest(&["resources", "limits"]), format!("{} has no memory limit that its request could equal", c.title())),
                ),
            }
        }
    }
}

pub struct WithinLimit;

impl Rule for WithinLimit {
    fn about(&self) -> &'static About {
        &About {
            id: "res-req-le-lim",
            severity: Severity::Error,
            title: "No request is above its limit",
            why: "A request is what is set aside, a limit the most one may use: the API refuses a pod that sets aside more than it may use.",
            fix: "Lower the request or raise the limit.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    cpu: 500m\n  limits:\n    cpu: \"1\""),
            fails: Example::Container("resources:\n  requests:\n    cpu: \"2\"\n  limits:\n    cpu: \"1\""),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut compared = false;
        for (_, c) in it.containers() {
            for entry in c.node.path(&["resources", "requests"]).map_or(&[][..], Node::entries) {
                let Some(limit) = c.limit(&entry.key) else { continue };
                compared = true;
                if let (Some(r), Some(l)) = (Quantity::of(&entry.value), Quantity::of(limit))
                    && r > l
                {
                    let (r, l) = (it.doc.shown(&entry.value), it.doc.shown(limit));
                    let problem = it.problem(entry.value.span, format!("{} requests {r} of `{}`, but its limit is {l}", c.title(), entry.key));
                    let fix = it.doc.replace(entry.value.span, &it.doc.raw(limit));
                    look.found(Problem { fix, ..problem });
                }
            }
        }
        if !compared {
            look.nothing(it.problem(it.head(), format!("no container of {} has both a request and a limit", it.title())));
        }
    }
}

pub struct Ephemeral;

impl Rule for Ephemeral {
    fn about(&self) -> &'static About {
        &About {
            id: "res-ephemeral",
            severity: Severity::Info,
            title: "Local disk has a request and a limit",
            why: "Logs, caches and model weights written to the container's disk fill the node; the kubelet then evicts pods until there is room, not only the one that wrote.",
            fix: "Add `ephemeral-storage` to `requests` and `limits`.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    ephemeral-storage: 1Gi\n  limits:\n    ephemeral-storage: 2Gi"),
            fails: Example::Container("resources:\n  requests:\n    memory: 256Mi"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        lacking(it, look, "requests", "ephemeral-storage", "1Gi");
        lacking(it, look, "limits", "ephemeral-storage", "2Gi");
    }
}
