//! Rules about how a pod is given its device: shared in time, by a runtime class, by a claim.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Pod};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const SHARED: &str = "nvidia.com/gpu.shared";

pub struct Shared;

impl Rule for Shared {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-shared",
            severity: Severity::Error,
            title: "One share of a GPU at a time",
            why: "Time-slicing hands one GPU to many pods by turns: two shares are no twice as much of it, and the device plugin refuses them. Memory isn't divided at all: what one pod takes, the others lack.",
            fix: "Ask for `nvidia.com/gpu.shared: 1`, for a MIG slice where memory must be kept apart, or for a whole GPU.",
            looks_at: Subject::Gpu,
            passes: Example::Container("resources:\n  limits:\n    nvidia.com/gpu.shared: 1"),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu.shared: 2"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut any = false;
        for (pod, c) in it.containers() {
            let selected = pod.spec.path(&["nodeSelector", "nvidia.com/gpu.product"]).and_then(Node::as_str);
            let on_shares = selected.is_some_and(|p| p.ends_with("-SHARED"));
            let whole = c.gpus().any(|e| e.key == "nvidia.com/gpu");
            for entry in c.node.path(&["resources", "limits"]).map_or(&[][..], Node::entries) {
                if entry.key != SHARED && !(entry.key == "nvidia.com/gpu" && on_shares) {
                    continue;
                }
                any = true;
                if Quantity::of(&entry.value).is_some_and(|n| n > Quantity::whole(1)) {
                    let shown = it.doc.shown(&entry.value);
                    let problem = it.problem(
                        entry.value.span,
                        format!("{} asks for {shown} shares of one GPU, which is no more of it than one share", c.title()),
                    );
                    let fix = it.doc.replace(entry.value.span, "1");
                    look.found(Problem { fix, ..problem });
                } else if entry.key == SHARED && whole {
                    look.found(it.problem(entry.key_span, format!("{} asks for a share and a whole GPU: no node counts both", c.title())));
                }
            }
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} shares no GPU", it.title())));
        }
    }
}

pub struct Runtime;

impl Rule for Runtime {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-runtimeclass",
            severity: Severity::Warning,
            title: "GPU pods run by NVIDIA's container runtime",
            why: "Where NVIDIA's runtime isn't the node's default, a pod without `runtimeClassName: nvidia` gets its device but not the driver's libraries: `nvidia-smi` isn't found. A class that isn't there keeps the pod from being made at all.",
            fix: "Write `runtimeClassName: nvidia` in the pod's spec, with a RuntimeClass whose `handler` is `nvidia`.",
            looks_at: Subject::Gpu,
            passes: Example::Whole(
                "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: nvidia\nhandler: nvidia\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  runtimeClassName: nvidia\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        limits:\n          nvidia.com/gpu: 1",
            ),
            fails: Example::Whole(
                "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: nvidia\nhandler: runc\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  runtimeClassName: nvidia\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        limits:\n          nvidia.com/gpu: 1\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat-2\nspec:\n  runtimeClassName: nvdia\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        limits:\n          nvidia.com/gpu: 1",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        // The GPU operator makes the first three by itself.
        let names = || ["nvidia", "nvidia-cdi", "nvidia-legacy"].into_iter().chain(objects.kind("RuntimeClass").map(|o| o.name));
        for pod in it.pods.iter().filter(|p| p.containers.iter().any(|c| c.gpus().next().is_some())) {
            let Some(class) = pod.spec.get("runtimeClassName") else {
                let problem = it.problem(pod.spec_key, format!("the pods of {} don't say by which runtime they run", it.title()));
                let problem = problem.fix(it.doc.add(pod.spec, Some(pod.spec_key), "runtimeClassName: nvidia"));
                // Many clusters have NVIDIA's runtime as their default; a class in the hand-in says that this one hasn't.
                if objects.kind("RuntimeClass").any(|o| o.node.get("handler").and_then(Node::as_str).is_some_and(|h| h.starts_with("nvidia"))) {
                    look.found(problem);
                } else {
                    look.nothing(problem);
                }
                continue;
            };
            let Some(name) = class.as_str() else { continue };
            match objects.kind("RuntimeClass").find(|o| o.name == name) {
                Some(found) => {
                    look.read(found);
                    if let Some(handler) = found.node.get("handler").filter(|h| h.as_str().is_some_and(|h| !h.starts_with("nvidia"))) {
                        let message = format!(
                            "{} hands the GPU pods of {} to `{}`, which gives them no driver",
                            found.title(),
                            it.title(),
                            found.doc.shown(handler)
                        );
                        let problem = found.problem(handler.span, message);
                        let fix = found.doc.replace(handler.span, "nvidia");
                        look.found(Problem { fix, ..problem });
                    }
                }
                None if names().any(|n| n == name) => {}
                None => {
                    let near = words::nearest(name, names());
                    if near.is_none() && objects.kind("RuntimeClass").next().is_none() {
                        continue;
                    }
                    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                    let problem = it.problem(class.span, format!("there is no RuntimeClass `{}`{asked}", it.doc.shown(class)));
                    let fix = near.and_then(|n| it.doc.replace(class.span, n));
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

/// The classes that NVIDIA's driver for dynamic resource allocation installs; from the chart of NVIDIA/k8s-dra-driver-gpu and what it installs.
const CLASSES: &[&str] =
    &["gpu.nvidia.com", "mig.nvidia.com", "vfio.gpu.nvidia.com", "compute-domain-daemon.nvidia.com", "compute-domain-default-channel.nvidia.com"];

const CLAIMED: &str = "apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata:\n  name: one-gpu\nspec:\n  spec:\n    devices:\n      requests:\n        - name: gpu\n          exactly:\n            deviceClassName: gpu.nvidia.com\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  resourceClaims:\n    - name: gpu\n      resourceClaimTemplateName: one-gpu\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        claims:\n          - name: gpu";

pub struct Claims;

impl Rule for Claims {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-dra",
            severity: Severity::Error,
            title: "Claims of devices are joined from class to container",
            why: "A device reaches a container by a chain: a DeviceClass, a claim or its template, the pod's `resourceClaims`, the container's `resources.claims`. With one link missing the pod stays Pending, or runs without a GPU.",
            fix: "Name the template under `spec.resourceClaims` of the pod and that entry under `resources.claims` of the container.",
            looks_at: Subject::Any,
            passes: Example::Whole(CLAIMED),
            fails: Example::Whole(
                "apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata:\n  name: one-gpu\nspec:\n  spec:\n    devices:\n      requests:\n        - name: gpu\n          exactly:\n            deviceClassName: gpu.nvidia.co\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  resourceClaims:\n    - name: gpu\n      resourceClaimTemplateName: one-gpus\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        claims:\n          - name: gpus",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if matches!(it.kind, "ResourceClaim" | "ResourceClaimTemplate") {
            classes(it, look);
            return;
        }
        let claiming =
            |p: &&Pod<'_>| p.spec.get("resourceClaims").is_some() || p.containers.iter().any(|c| c.node.path(&["resources", "claims"]).is_some());
        let mut any = false;
        for pod in it.pods.iter().filter(claiming) {
            any = true;
            claims(it, pod, look);
        }
        if !any {
            look.nothing(it.problem(it.head(), format!("{} claims no device", it.title())));
        }
    }
}

/// What a claim, or the template of one, asks for.
fn requests<'a>(claim: &Object<'a>) -> &'a [Node] {
    let path: &[&str] = if claim.kind == "ResourceClaim" { &["spec", "devices", "requests"] } else { &["spec", "spec", "devices", "requests"] };
    claim.node.path(path).map_or(&[], Node::items)
}

/// The classes that a claim asks for exist, and a pod uses it.
fn classes(it: &Object<'_>, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    let asked = requests(it);
    if asked.is_empty() {
        look.found(
            it.problem(it.head(), format!("{} asks for no device", it.title())).fix("Give it `devices.requests` with an `exactly.deviceClassName`."),
        );
    }
    for request in asked {
        let alternatives = request.get("firstAvailable").map_or(&[][..], Node::items);
        for class in request.path(&["exactly", "deviceClassName"]).into_iter().chain(alternatives.iter().filter_map(|a| a.get("deviceClassName"))) {
            let Some(name) = class.as_str() else { continue };
            if let Some(found) = objects.kind("DeviceClass").find(|o| o.name == name) {
                look.read(found);
                continue;
            }
            if CLASSES.contains(&name) {
                continue;
            }
            let near = words::nearest(name, CLASSES.iter().copied().chain(objects.kind("DeviceClass").map(|o| o.name)));
            let said = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = it.problem(class.span, format!("there is no DeviceClass `{}`{said}", it.doc.shown(class)));
            let fix = near.and_then(|n| it.doc.replace(class.span, n));
            look.found_if(near.is_some() || objects.kind("DeviceClass").next().is_some(), Problem { fix, ..problem });
        }
    }
    let key = if it.kind == "ResourceClaim" { "resourceClaimName" } else { "resourceClaimTemplateName" };
    let used = |o: &&Object<'_>| {
        let claims = o.pods.iter().flat_map(|p| p.spec.get("resourceClaims").map_or(&[][..], Node::items));
        o.beside(it) && claims.into_iter().any(|c| c.get(key).and_then(Node::as_str) == Some(it.name))
    };
    match objects.with_pods().find(used) {
        Some(user) => look.read(user),
        None => look.found_if(
            objects.with_pods().next().is_some(),
            it.problem(it.head(), format!("no pod uses {}", it.title())).fix(format!("Name it as `{key}` under `resourceClaims` of the pod's spec.")),
        ),
    }
}

/// The claims of a pod exist, and its containers use them by the pod's names for them.
fn claims(it: &Object<'_>, pod: &Pod<'_>, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    let listed = pod.spec.get("resourceClaims").map_or(&[][..], Node::items);
    let names: Vec<&str> = listed.iter().filter_map(|c| c.get("name")?.as_str()).collect();
    for claim in listed {
        let (by_name, by_template) = (claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName"));
        let (kind, reference) = match (by_name, by_template) {
            (Some(name), None) => ("ResourceClaim", name),
            (None, Some(name)) => ("ResourceClaimTemplate", name),
            _ => {
                let span = claim.get("name").map_or(claim.span, |n| n.span);
                look.found(it.problem(span, "a claim of a pod is of exactly one of `resourceClaimName` and `resourceClaimTemplateName`"));
                continue;
            }
        };
        let Some(name) = reference.as_str() else { continue };
        let own = claim.get("name").and_then(Node::as_str);
        let uses = |c: &&Node| c.get("name").and_then(Node::as_str) == own;
        let using: Vec<&Node> =
            pod.containers.iter().flat_map(|c| c.node.path(&["resources", "claims"]).map_or(&[][..], Node::items)).filter(uses).collect();
        if using.is_empty() && pod.spec.path(&["resources", "claims"]).is_none() {
            let span = claim.get("name").map_or(claim.span, |n| n.span);
            let message = format!("no container of {} uses the claim `{}`: the device is taken and nobody sees it", it.title(), own.unwrap_or("?"));
            look.found(it.problem(span, message).fix("Name it under `resources.claims` of the container."));
        }
        let Some(found) = objects.find(kind, name, it) else {
            let known: Vec<&str> = objects.kind(kind).filter(|o| o.beside(it)).map(|o| o.name).collect();
            let near = words::nearest(name, known.iter().copied());
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = it.problem(reference.span, format!("there is no {kind} `{}`{asked}", it.doc.shown(reference)));
            let fix = near.and_then(|n| it.doc.replace(reference.span, n));
            look.found_if(!known.is_empty(), Problem { fix, ..problem });
            continue;
        };
        look.read(found);
        let asked: Vec<&str> = requests(found).iter().filter_map(|r| r.get("name")?.as_str()).collect();
        for request in using.iter().filter_map(|c| c.get("request")).filter(|r| r.as_str().is_some_and(|r| !asked.contains(&r))) {
            look.found(it.problem(request.span, format!("{} has no request named `{}`", found.title(), it.doc.shown(request))));
        }
    }
    for c in &pod.containers {
        for name in c.node.path(&["resources", "claims"]).map_or(&[][..], Node::items).iter().filter_map(|c| c.get("name")) {
            let Some(text) = name.as_str().filter(|n| !names.contains(n)) else { continue };
            let near = words::nearest(text, names.iter().copied());
            let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            let problem = it.problem(name.span, format!("{} uses a claim `{}` that its pod doesn't list{asked}", c.title(), it.doc.shown(name)));
            let fix = near.and_then(|n| it.doc.replace(name.span, n));
            look.found(Problem { fix, ..problem });
        }
    }
}
