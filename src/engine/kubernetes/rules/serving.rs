//! Rules about model servers: shared memory, slow starts, tokens of model hubs, draining, scaling.
use super::config::literal_secrets;
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object, Pod};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::report::{Problem, Severity};
use crate::engine::secrets::looks_secret;
use crate::engine::yaml::Node;

/// Parts of image names and commands that mean several processes share tensors through /dev/shm.
const SHARERS: &[&str] =
    &["vllm", "pytorch", "torch", "text-generation-inference", "tgi", "tritonserver", "triton", "sglang", "nccl", "deepspeed", "ray"];

/// How long a server has at least to load its model, in seconds; a startup probe must wait so long.
const LOAD: i64 = 300;

fn shares_memory(c: &Container<'_>) -> bool {
    let words = ["command", "args"].iter().flat_map(|k| c.node.get(k).map_or(&[][..], Node::items)).filter_map(Node::as_str);
    let parts: Vec<String> = std::iter::once(c.image).chain(words).map(str::to_lowercase).collect();
    c.gpu_count() > 1
        || SHARERS
            .iter()
            .any(|s| parts.iter().any(|p| p.split(|ch: char| !ch.is_ascii_alphanumeric()).any(|w| w == *s) || (s.contains('-') && p.contains(s))))
}

/// The container's volume at /dev/shm, if it has one.
fn shm<'a>(pod: &Pod<'a>, c: &Container<'a>) -> Option<&'a Node> {
    let mount = c.mounts().iter().find(|m| m.get("mountPath").and_then(Node::as_str).is_some_and(|p| p.trim_end_matches('/') == "/dev/shm"))?;
    let name = mount.get("name")?.as_str()?;
    pod.volumes().iter().find(|v| v.get("name").and_then(Node::as_str) == Some(name))
}

pub struct SharedMemory;

impl Rule for SharedMemory {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-shm",
            severity: Severity::Error,
            title: "Servers that share tensors have shared memory",
            why: "A container's /dev/shm is 64 MiB. NCCL, PyTorch's loaders and vLLM's workers pass tensors through it and die with \"bus error\" under load; as tmpfs it counts against the memory limit.",
            fix: "Mount an `emptyDir` with `medium: Memory` and a `sizeLimit` below the memory limit at /dev/shm.",
            looks_at: Subject::Gpu,
            passes: Example::Whole(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  containers:\n    - name: server\n      image: vllm/vllm-openai:v0.11.0\n      resources:\n        limits:\n          memory: 24Gi\n          nvidia.com/gpu: 1\n      volumeMounts:\n        - name: shm\n          mountPath: /dev/shm\n  volumes:\n    - name: shm\n      emptyDir:\n        medium: Memory\n        sizeLimit: 4Gi",
            ),
            fails: Example::Container("image: vllm/vllm-openai:v0.11.0\nresources:\n  limits:\n    memory: 24Gi\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (pod, c) in it.servers().filter(|(_, c)| c.gpus().next().is_some()) {
            let Some(volume) = shm(pod, &c) else {
                if shares_memory(&c) {
                    let problem = it
                        .problem(c.nearest(&["volumeMounts"]), format!("{} has 64 MiB of shared memory: nothing is mounted at /dev/shm", c.title()));
                    let fix = (c.mounts().is_empty() && pod.volumes().is_empty()).then(|| {
                        let mount = c.with(&it.doc, &[], "volumeMounts:\n  - name: shm\n    mountPath: /dev/shm");
                        let memory = "volumes:\n  - name: shm\n    emptyDir:\n      medium: Memory\n      sizeLimit: 4Gi";
                        format!("{}\n{mount}", it.doc.add(pod.spec, Some(pod.spec_key), memory))
                    });
                    look.found(Problem { fix, ..problem });
                }
                continue;
            };
            let head = volume.get("name").map_or(volume.span, |n| n.span);
            let Some(empty) = volume.entry("emptyDir") else {
                look.found(it.problem(head, format!("what {} has at /dev/shm is no memory: use an `emptyDir` with `medium: Memory`", c.title())));
                continue;
            };
            if empty.value.get("medium").and_then(Node::as_str) != Some("Memory") {
                let span = empty.value.get("medium").map_or(empty.key_span, |n| n.span);
                let problem = it.problem(span, format!("the volume at /dev/shm of {} is on disk", c.title()));
                let fix = match empty.value.get("medium") {
                    Some(node) => it.doc.replace(node.span, "Memory"),
                    None => Some(it.doc.add(&empty.value, Some(empty.key_span), "medium: Memory")),
                };
                look.found(Problem { fix, ..problem });
            }
            let Some(size) = empty.value.get("sizeLimit") else {
                let fix = it.doc.add(&empty.value, Some(empty.key_span), "sizeLimit: 4Gi");
                look.found(it.problem(empty.key_span, format!("the shared memory of {} has no `sizeLimit`", c.title())).fix(fix));
                continue;
            };
            if let (Some(size_of), Some(limit)) = (Quantity::of(size), c.limit("memory").and_then(Quantity::of))
                && size_of >= limit
            {
                // What is in shared memory counts against the limit, beside what the server itself needs.
                let than = if size_of == limit { "all of its memory limit" } else { "above its memory limit" };
                look.found(it.problem(size.span, format!("the shared memory of {} may grow to {}, {than}", c.title(), it.doc.shown(size))));
            }
        }
    }
}

pub struct StartupProbe;

impl Rule for StartupProbe {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-startup-probe",
            severity: Severity::Error,
            title: "A startup probe waits for the model to load",
            why: "Loading weights takes minutes. A liveness probe that begins at once kills the server before it is up, again and again; a startup probe holds the others back until it has loaded.",
            fix: "Add a `startupProbe` whose `failureThreshold` × `periodSeconds` is at least 300 seconds.",
            looks_at: Subject::Gpu,
            passes: Example::Container(
                "resources:\n  limits:\n    nvidia.com/gpu: 1\nstartupProbe:\n  httpGet:\n    path: /health\n    port: 8000\n  periodSeconds: 10\n  failureThreshold: 60",
            ),
            fails: Example::Container(
                "resources:\n  limits:\n    nvidia.com/gpu: 1\nstartupProbe:\n  httpGet:\n    path: /health\n    port: 8000\n  failureThreshold: 5",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.runs_to_an_end() {
            look.nothing(it.problem(it.head(), format!("{} runs to an end and has nothing to probe", it.title())));
            return;
        }
        for (_, c) in it.servers().filter(|(_, c)| c.gpus().next().is_some()) {
            let Some(probe) = c.node.entry("startupProbe").filter(|p| !p.value.entries().is_empty()) else {
                let path = c.node.path(&["readinessProbe", "httpGet", "path"]).and_then(Node::as_str).unwrap_or("/health");
                let port = c.node.path(&["readinessProbe", "httpGet", "port"]).map_or_else(|| "8000".into(), |p| it.doc.shown(p));
                let fix = c.with(
                    &it.doc,
                    &[],
                    &format!("startupProbe:\n  httpGet:\n    path: {path}\n    port: {port}\n  periodSeconds: 10\n  failureThreshold: 60"),
                );
                look.found(it.problem(c.head(), format!("{} has no startup probe", c.title())).fix(fix));
                continue;
            };
            let number = |key: &str, default: i64| probe.value.get(key).and_then(Node::as_i64).unwrap_or(default);
            let period = number("periodSeconds", 10).max(1);
            let waits = number("initialDelaySeconds", 0).saturating_add(number("failureThreshold", 3).saturating_mul(period));
            if waits < LOAD {
                let set = probe.value.get("failureThreshold");
                let problem = it.problem(
                    set.map_or(probe.key_span, |n| n.span),
                    format!("the startup probe of {} gives up after {waits} seconds; a model needs {LOAD} or more", c.title()),
                );
                let wanted = (LOAD + period - 1) / period;
                let fix = match set {
                    Some(node) => it.doc.replace(node.span, &wanted.to_string()),
                    None => Some(it.doc.add(&probe.value, Some(probe.key_span), &format!("failureThreshold: {wanted}"))),
                };
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct HubToken;

impl Rule for HubToken {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-secret-token",
            severity: Severity::Error,
            title: "Tokens of model hubs come from a Secret",
            why: "A Hugging Face or NGC token in a manifest is in git, in the CI's log and in every `kubectl describe`: whoever reads it downloads your gated models and pushes to your account.",
            fix: "Put it into a Secret that isn't in git and refer to it with `secretKeyRef`.",
            looks_at: Subject::Pods,
            passes: Example::Container(
                "env:\n  - name: HF_TOKEN\n    valueFrom:\n      secretKeyRef:\n        name: hugging-face\n        key: token",
            ),
            fails: Example::Container("env:\n  - name: HF_TOKEN\n    value: hf_AbCdEfGhIjKlMnOpQr"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        literal_secrets(it, look, |name, value| {
            let name = name.to_ascii_uppercase().replace('-', "_");
            let hub = [
                "HF_TOKEN",
                "HUGGING_FACE_HUB_TOKEN",
                "HUGGINGFACE_HUB_TOKEN",
                "HUGGINGFACE_TOKEN",
                "HUGGINGFACEHUB_API_TOKEN",
                "HF_API_TOKEN",
                "HUGGINGFACE_API_KEY",
                "NGC_API_KEY",
                "NGC_CLI_API_KEY",
                "NVIDIA_API_KEY",
                "WANDB_API_KEY",
                "OPENAI_API_KEY",
                "ANTHROPIC_API_KEY",
                "VLLM_API_KEY",
            ];
            hub.contains(&name.as_str()) || looks_secret(value)
        });
    }
}

pub struct Unprivileged;

impl Rule for Unprivileged {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-no-priv",
            severity: Severity::Error,
            title: "GPUs come through the device plugin",
            why: "A privileged pod, a hostPath to /dev/nvidia0 or NVIDIA_VISIBLE_DEVICES=all sees every GPU of the node, also those given to others: the plugin's accounting is worth nothing then.",
            fix: "Ask for `nvidia.com/gpu` under `resources.limits`; the plugin mounts the device and sets the variable.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
            fails: Example::Container("env:\n  - name: NVIDIA_VISIBLE_DEVICES\n    value: all"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for variable in c.env().iter().filter(|v| v.get("name").and_then(Node::as_str) == Some("NVIDIA_VISIBLE_DEVICES")) {
                if let Some(value) = variable.get("value").filter(|v| !matches!(v.as_str(), Some("void" | "none" | ""))) {
                    look.found(it.problem(
                        value.span,
                        format!("{} takes GPUs past the device plugin: NVIDIA_VISIBLE_DEVICES is `{}`", c.title(), it.doc.shown(value)),
                    ));
                }
            }
            if let Some(set) = c.node.path(&["securityContext", "privileged"]).filter(|n| n.as_bool() == Some(true)) {
                look.found(it.problem(set.span, format!("{} is privileged and sees every GPU of its node", c.title())));
            }
        }
        for path in it.pods.iter().flat_map(super::super::objects::Pod::volumes).filter_map(|v| v.path(&["hostPath", "path"])) {
            if path.as_str().is_some_and(|p| p == "/dev" || p.starts_with("/dev/nvidia")) {
                look.found(it.problem(path.span, format!("{} mounts the node's devices: `{}`", it.title(), it.doc.shown(path))));
            }
        }
    }
}

pub struct Grace;

impl Rule for Grace {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-grace",
            severity: Severity::Warning,
            title: "A model server may finish what it answers",
            why: "An answer of a language model takes tens of seconds. With the usual 30 seconds of grace every roll-out and every drained node cuts answers off in the middle.",
            fix: "Set `terminationGracePeriodSeconds: 120` in the pod's spec.",
            looks_at: Subject::Gpu,
            passes: Example::Pod(
                "terminationGracePeriodSeconds: 120\ninitContainers:\n  - name: warm\n    image: ghcr.io/acme/warm:1.0.0\n    resources:\n      limits:\n        nvidia.com/gpu: 1\n",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.runs_to_an_end() {
            look.nothing(it.problem(it.head(), format!("{} runs to an end and answers nobody", it.title())));
            return;
        }
        for pod in &it.pods {
            let set = pod.spec.get("terminationGracePeriodSeconds");
            let Some(seconds) = set.map_or(Some(30), Node::as_i64) else { continue };
            drained(it, pod, seconds, look);
            if seconds < 60 {
                let problem = it.problem(
                    set.map_or(pod.spec_key, |n| n.span),
                    format!("the pods of {} have {seconds} seconds to finish their answers", it.title()),
                );
                let fix = match set {
                    Some(node) => it.doc.replace(node.span, "120"),
                    None => Some(it.doc.add(pod.spec, Some(pod.spec_key), "terminationGracePeriodSeconds: 120")),
                };
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

/// A pod that a Service sends to is taken out of it while it is being stopped, not before: it waits a little in `preStop`, and not for all of its grace.
fn drained(it: &Object<'_>, pod: &Pod<'_>, grace: i64, look: &mut Look<'_, '_>) {
    let hooks: Vec<(Container<'_>, &Node)> =
        pod.containers.iter().filter(|c| !c.init).filter_map(|c| Some((*c, c.node.path(&["lifecycle", "preStop"])?))).collect();
    for (c, hook) in &hooks {
        if let Some((at, sleeps)) = sleep(hook).filter(|(_, n)| *n >= grace) {
            let message = format!("{} sleeps {sleeps} of the {grace} seconds it is given: nothing is left to finish its answers", c.title());
            look.found(it.problem(at.span, message).fix("Sleep a few seconds in `preStop`, and set `terminationGracePeriodSeconds` well above."));
        }
    }
    if !hooks.is_empty() {
        return;
    }
    let objects = look.objects;
    let sends = |s: &&Object<'_>| {
        let selector = s.node.path(&["spec", "selector"]).filter(|s| !s.entries().is_empty());
        s.beside(it) && selector.is_some_and(|s| objects.send(s, pod))
    };
    let server = pod.containers.iter().find(|c| !c.init && c.gpus().next().is_some());
    if let (Some(c), Some(service)) = (server, objects.kind("Service").find(sends)) {
        look.read(service);
        let message = format!("{} still sends to {} while it stops: it has no `preStop`", service.title(), c.title());
        let fix = c.with(&it.doc, &[], "lifecycle:\n  preStop:\n    sleep:\n      seconds: 10");
        look.found(it.problem(c.head(), message).fix(fix));
    }
}

/// How long a hook sleeps, if that is what it does.
fn sleep(hook: &Node) -> Option<(&Node, i64)> {
    if let Some(seconds) = hook.path(&["sleep", "seconds"]) {
        return Some((seconds, seconds.as_i64()?));
    }
    let words = hook.path(&["exec", "command"])?.items();
    let last = words.last()?;
    let text = last.as_str().map_or_else(|| last.as_i64().map(|n| n.to_string()), |t| Some(t.to_owned()))?;
    let by_itself = words.len() >= 2 && words[words.len() - 2].as_str().is_some_and(|w| w == "sleep" || w.ends_with("/sleep"));
    let seconds = if by_itself { text.trim() } else { text.trim().strip_prefix("sleep ")?.split([';', '&', ' ']).next()? };
    Some((last, seconds.trim_end_matches('s').parse().ok()?))
}

pub struct ScaledByCpu;

impl Rule for ScaledByCpu {
    fn about(&self) -> &'static About {
        &About {
            id: "gpu-hpa-metric",
            severity: Severity::Warning,
            title: "GPU servers aren't scaled by CPU",
            why: "A model server's CPU is idle while its GPU is full: an autoscaler that watches CPU never adds a replica. What waits in the queue is what counts.",
            fix: "Scale by a Pods, Object or External metric such as `vllm:num_requests_waiting`.",
            looks_at: Subject::Kinds(&["HorizontalPodAutoscaler", "ScaledObject"]),
            passes: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 4\n  metrics:\n    - type: Pods\n      pods:\n        metric:\n          name: vllm:num_requests_waiting\n        target:\n          type: AverageValue\n          averageValue: \"4\"\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: vllm/vllm-openai:v0.11.0\n          resources:\n            limits:\n              nvidia.com/gpu: 1",
            ),
            fails: Example::Whole(
                "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: chat\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: chat\n  maxReplicas: 4\n  metrics:\n    - type: Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n          averageUtilization: 70\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: vllm/vllm-openai:v0.11.0\n          resources:\n            limits:\n              nvidia.com/gpu: 1",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let target = |key: &str| it.node.path(&["spec", "scaleTargetRef", key]).and_then(Node::as_str).unwrap_or("");
        let kind = if target("kind").is_empty() { "Deployment" } else { target("kind") };
        let Some(scaled) = look.objects.find(kind, target("name"), it).filter(|o| o.asks_for_gpu()) else {
            look.nothing(it.problem(it.head(), format!("{} scales nothing that asks for a GPU", it.title())));
            return;
        };
        look.read(scaled);
        let keda = it.kind == "ScaledObject";
        let metrics = it.node.path(&["spec", if keda { "triggers" } else { "metrics" }]).map_or(&[][..], Node::items);
        let by_load = metrics.iter().filter_map(|m| m.get("type")?.as_str()).any(|t| match keda {
            true => !matches!(t, "cpu" | "memory"),
            false => matches!(t, "Pods" | "Object" | "External"),
        });
        if !by_load {
            let named = |m: &Node| {
                let own = ["resource", "containerResource"].iter().find_map(|k| m.path(&[k, "name"]));
                own.or_else(|| m.get("type").filter(|_| keda)).map(|n| n.span)
            };
            let span = metrics.first().and_then(named).unwrap_or(it.head());
            look.found(it.problem(span, format!("{} scales GPU servers by CPU or memory", it.title())));
        }
    }
}
