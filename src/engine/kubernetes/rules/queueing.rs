//! Rules about work that waits for GPUs and starts together: Kueue's queues, and jobs of many pods.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object, is_gpu};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const QUEUED: &str = "apiVersion: kueue.x-k8s.io/v1beta2\nkind: ResourceFlavor\nmetadata:\n  name: l4\nspec:\n  nodeLabels:\n    nvidia.com/gpu.product: NVIDIA-L4\n---\napiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata:\n  name: research\nspec:\n  namespaceSelector: {}\n  resourceGroups:\n    - coveredResources: [cpu, memory, nvidia.com/gpu]\n      flavors:\n        - name: l4\n          resources:\n            - name: cpu\n              nominalQuota: 16\n            - name: memory\n              nominalQuota: 64Gi\n            - name: nvidia.com/gpu\n              nominalQuota: 4\n---\napiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata:\n  name: training\nspec:\n  clusterQueue: research\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\n  labels:\n    kueue.x-k8s.io/queue-name: training\nspec:\n  suspend: true\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0\n          resources:\n            limits:\n              nvidia.com/gpu: 2";

pub struct Kueue;

impl Rule for Kueue {
    fn about(&self) -> &'static About {
        &About {
            id: "kueue",
            severity: Severity::Error,
            title: "Jobs reach their GPUs through a chain of queues",
            why: "A Job names a LocalQueue, that a ClusterQueue, that the flavours of nodes with their quota. With a link missing the Job is never admitted, or it runs past the queue and takes GPUs that others wait for.",
            fix: "Join them by name: the Job's label to the LocalQueue, `clusterQueue` to the ClusterQueue, `flavors` to ResourceFlavors that cover `nvidia.com/gpu`.",
            looks_at: Subject::Kinds(&["LocalQueue", "ClusterQueue", "Job", "JobSet", "PyTorchJob"]),
            passes: Example::Whole(QUEUED),
            fails: Example::Whole(
                "apiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata:\n  name: training\nspec:\n  clusterQueue: reserch\n---\napiVersion: kueue.x-k8s.io/v1beta2\nkind: ClusterQueue\nmetadata:\n  name: research\nspec:\n  namespaceSelector: {}\n  resourceGroups:\n    - coveredResources: [cpu]\n      flavors:\n        - name: l4\n          resources:\n            - name: cpu\n              nominalQuota: 16\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\n  labels:\n    kueue.x-k8s.io/queue-name: trainin\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        match it.kind {
            "LocalQueue" => match it.node.path(&["spec", "clusterQueue"]) {
                Some(name) => drop(joined(it, name, "ClusterQueue", look)),
                None => look.found(it.problem(it.head(), format!("{} feeds no ClusterQueue", it.title()))),
            },
            "ClusterQueue" => cluster_queue(it, look),
            _ => queued_job(it, look),
        }
    }
}

/// The object that a name refers to, or what is wrong with the name.
fn joined<'o, 'a>(it: &Object<'_>, name: &Node, kind: &'static str, look: &mut Look<'o, 'a>) -> Option<&'o Object<'a>> {
    let objects = look.objects;
    let text = name.as_str()?;
    // ClusterQueues and flavours are of no namespace; a LocalQueue is of its jobs'.
    if let Some(found) = objects.kind(kind).find(|o| o.name == text && (kind != "LocalQueue" || o.beside(it))) {
        look.read(found);
        return Some(found);
    }
    let near = words::nearest(text, objects.kind(kind).map(|o| o.name));
    let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
    let problem = it.problem(name.span, format!("there is no {kind} `{}` for {}{asked}", it.doc.shown(name), it.title()));
    let fix = near.and_then(|n| it.doc.replace(name.span, n));
    look.found_if(objects.kind(kind).next().is_some(), Problem { fix, ..problem });
    None
}

fn groups<'a>(queue: &Object<'a>) -> &'a [Node] {
    queue.node.path(&["spec", "resourceGroups"]).map_or(&[], Node::items)
}

fn named(list: Option<&Node>) -> impl Iterator<Item = (&Node, &str)> {
    list.map_or(&[][..], Node::items).iter().filter_map(|i| Some((i, i.get("name")?.as_str()?)))
}

fn cluster_queue(it: &Object<'_>, look: &mut Look<'_, '_>) {
    if groups(it).is_empty() {
        look.found(it.problem(it.head(), format!("{} has no quota: its `resourceGroups` are empty", it.title())));
    }
    for group in groups(it) {
        let covered: Vec<&str> = group.get("coveredResources").map_or(&[][..], Node::items).iter().filter_map(Node::as_str).collect();
        for flavor in group.get("flavors").map_or(&[][..], Node::items) {
            let Some(name) = flavor.get("name") else { continue };
            joined(it, name, "ResourceFlavor", look);
            let has: Vec<&str> = named(flavor.get("resources")).map(|(_, n)| n).collect();
            if has != covered {
                let span = flavor.entry("resources").map_or(name.span, |e| e.key_span);
                let message = format!(
                    "the flavour `{}` must give a quota for each of `coveredResources`, in their order: {}",
                    it.doc.shown(name),
                    covered.join(", ")
                );
                look.found(it.problem(span, message).fix("List the same resources in both, in the same order: the API compares them one by one."));
            }
        }
    }
}

fn queued_job(it: &Object<'_>, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    let Some(label) = it.node.path(&["metadata", "labels", QUEUE]) else {
        let problem = it
            .problem(it.head(), format!("{} names no queue", it.title()))
            .fix(format!("Write `{QUEUE}: …` under `metadata.labels`, with the name of a LocalQueue."));
        if objects.kind("LocalQueue").any(|q| q.beside(it)) && it.asks_for_gpu() {
            look.found(problem);
        } else {
            look.nothing(problem);
        }
        return;
    };
    // Kueue starts a job by ending its suspension.
    let (parent, key): (&[&str], &str) = if it.kind == "PyTorchJob" { (&["spec", "runPolicy"], "runPolicy") } else { (&["spec"], "spec") };
    let set = it.node.path(parent).and_then(|p| p.get("suspend"));
    if set.and_then(Node::as_bool) != Some(true) {
        let spec = it.node.entry("spec");
        let span = set.map(|n| n.span).or(spec.map(|e| e.key_span)).unwrap_or(it.head());
        let problem = it.problem(span, format!("{} starts at once instead of waiting in its queue", it.title()));
        let fix = match (set, spec) {
            (Some(node), _) => it.doc.replace(node.span, "true"),
            (None, Some(spec)) if key == "spec" => Some(it.doc.add(&spec.value, Some(spec.key_span), "suspend: true")),
            _ => Some("Write `suspend: true` under `spec.runPolicy`.".into()),
        };
        look.found(Problem { fix, ..problem });
    }
    let Some(local) = joined(it, label, "LocalQueue", look) else { return };
    let Some(cluster) =
        local.node.path(&["spec", "clusterQueue"]).and_then(Node::as_str).and_then(|n| objects.kind("ClusterQueue").find(|o| o.name == n))
    else {
        return;
    };
    look.read(cluster);
    let pods = it.node.path(&["spec", "parallelism"]).and_then(Node::as_i64).unwrap_or(1).max(0);
    for (_, c) in it.containers() {
        for entry in c.node.path(&["resources", "limits"]).map_or(&[][..], Node::entries).iter().filter(|e| is_gpu(&e.key)) {
            let groups: Vec<&Node> = groups(cluster)
                .iter()
                .filter(|g| g.get("coveredResources").is_some_and(|r| r.items().iter().any(|r| r.as_str() == Some(&entry.key))))
                .collect();
            if groups.is_empty() {
                let message = format!("{} has no quota of `{}`: {} is never admitted", cluster.title(), entry.key, it.title());
                look.found(
                    it.problem(entry.key_span, message)
                        .fix(format!("Add `{}` to `coveredResources` and to a flavour of the ClusterQueue.", entry.key)),
                );
                continue;
            }
            let borrows = ["cohort", "cohortName"].iter().any(|k| cluster.node.path(&["spec", k]).is_some());
            let quotas: Option<Vec<i128>> = groups
                .iter()
                .flat_map(|g| g.get("flavors").map_or(&[][..], Node::items))
                .flat_map(|f| named(f.get("resources")).filter(|(_, n)| *n == entry.key))
                .map(|(r, _)| {
                    let own = r.get("nominalQuota").and_then(Quantity::of)?;
                    // Of a cohort it borrows what the others leave, up to its own limit if it has one.
                    let lent = r.get("borrowingLimit").filter(|_| borrows);
                    let all = if borrows { lent.and_then(Quantity::of).map(|n| own.plus(n)) } else { Some(own) };
                    all.map(Quantity::round_down)
                })
                .collect();
            // The pods of one job are of one flavour.
            let most = quotas.and_then(|q| q.into_iter().max());
            if let (Some(most), Some(each)) = (most, Quantity::of(&entry.value).map(Quantity::round_up))
                && it.kind == "Job"
                && each.saturating_mul(i128::from(pods)) > most
            {
                let message = format!(
                    "{} asks for {} of `{}`, and {} has {most}{}: it is never admitted",
                    it.title(),
                    each.saturating_mul(i128::from(pods)),
                    entry.key,
                    cluster.title(),
                    if borrows { " with what it may borrow" } else { "" }
                );
                look.found(it.problem(entry.value.span, message).fix("Ask for fewer, or raise `nominalQuota` of the flavour."));
            }
        }
    }
}

pub struct Gang;

const GANG: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: train\nspec:\n  clusterIP: None\n  selector:\n    job-name: train\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  completionMode: Indexed\n  parallelism: 4\n  completions: 4\n  backoffLimit: 3\n  ttlSecondsAfterFinished: 86400\n  template:\n    spec:\n      subdomain: train\n      restartPolicy: Never\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0\n          env:\n            - name: MASTER_ADDR\n              value: train-0.train\n          resources:\n            limits:\n              nvidia.com/gpu: 8";

impl Rule for Gang {
    fn about(&self) -> &'static About {
        &About {
            id: "gang",
            severity: Severity::Error,
            title: "Training over many pods starts whole and finds itself",
            why: "The ranks of a training wait for one another: if not all run at once, or can't find the first by name, those that run hold their GPUs and do nothing until NCCL gives up.",
            fix: "Set `parallelism` and `completions` alike, give the pods a headless Service as `subdomain`, and set `backoffLimit` and `ttlSecondsAfterFinished`.",
            looks_at: Subject::Kinds(&["Job", "JobSet", "PyTorchJob", "LeaderWorkerSet"]),
            passes: Example::Whole(GANG),
            fails: Example::Whole(
                "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  completionMode: Indexed\n  parallelism: 2\n  completions: 4\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0\n          env:\n            - name: MASTER_ADDR\n              value: train-0.train\n          resources:\n            limits:\n              nvidia.com/gpu: 8",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(spec) = it.node.entry("spec") else { return };
        match it.kind {
            "Job" => {
                let parallel = spec.value.get("parallelism").map_or(Some(1), Node::as_i64);
                let indexed = spec.value.get("completionMode").and_then(Node::as_str) == Some("Indexed");
                if parallel.is_some_and(|n| n < 2) && !indexed {
                    look.nothing(it.problem(spec.key_span, format!("{} runs one pod at a time", it.title())));
                    return;
                }
                whole(it, &spec.value, spec.key_span, look);
                bounded(it, &spec.value, spec.key_span, &["backoffLimit", "ttlSecondsAfterFinished"], look);
                names(it, look);
            }
            "JobSet" => {
                for job in spec.value.get("replicatedJobs").map_or(&[][..], Node::items) {
                    if let Some(inner) = job.get("template").and_then(|t| t.entry("spec")) {
                        whole(it, &inner.value, inner.key_span, look);
                    }
                }
                bounded(it, &spec.value, spec.key_span, &["failurePolicy", "ttlSecondsAfterFinished"], look);
                if let Some(off) = spec.value.path(&["network", "enableDNSHostnames"]).filter(|n| n.as_bool() == Some(false)) {
                    let problem = it.problem(off.span, format!("the pods of {} can't find one another by name", it.title()));
                    let fix = it.doc.replace(off.span, "true");
                    look.found(Problem { fix, ..problem });
                }
            }
            "PyTorchJob" => {
                let masters = spec.value.path(&["pytorchReplicaSpecs", "Master", "replicas"]);
                if let Some(masters) = masters.filter(|n| n.as_i64().is_some_and(|n| n != 1)) {
                    let problem = it.problem(masters.span, format!("{} has {} masters; rank 0 is one pod", it.title(), it.doc.shown(masters)));
                    let fix = it.doc.replace(masters.span, "1");
                    look.found(Problem { fix, ..problem });
                }
                let policy = spec.value.entry("runPolicy");
                let (node, key) = policy.map_or((&spec.value, spec.key_span), |p| (&p.value, p.key_span));
                if policy.is_some() {
                    bounded(it, node, key, &["backoffLimit", "ttlSecondsAfterFinished"], look);
                } else {
                    look.found(it.problem(key, format!("{} has no `runPolicy`: it starts again for ever and is never removed", it.title())));
                }
            }
            _ => {
                let size = spec.value.path(&["leaderWorkerTemplate", "size"]);
                if size.is_none_or(|n| n.as_i64().is_some_and(|n| n < 2)) {
                    let span = size.map_or(spec.key_span, |n| n.span);
                    look.found(
                        it.problem(span, format!("each group of {} is a leader alone", it.title()))
                            .fix("Set `leaderWorkerTemplate.size` to the pods of a group, the leader counted."),
                    );
                }
                let policy = spec.value.path(&["leaderWorkerTemplate", "restartPolicy"]).filter(|n| n.as_str() == Some("None"));
                if let Some(policy) = policy {
                    let problem = it.problem(policy.span, format!("when one pod of a group of {} ends, the others wait for it in vain", it.title()));
                    let fix = it.doc.replace(policy.span, "RecreateGroupOnPodRestart");
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

/// All pods of a job at once.
fn whole(it: &Object<'_>, spec: &Node, key: crate::engine::yaml::Span, look: &mut Look<'_, '_>) {
    let number = |k: &str| spec.get(k).map_or(Some(1), Node::as_i64);
    let (Some(parallel), Some(complete)) = (number("parallelism"), spec.get("completions").map_or(number("parallelism"), Node::as_i64)) else {
        return;
    };
    if parallel != complete {
        let set = spec.get("parallelism");
        let message = format!("{parallel} of the {complete} pods of {} run at once, and wait for the others", it.title());
        let problem = it.problem(set.map_or(key, |n| n.span), message);
        let fix = match set {
            Some(node) => it.doc.replace(node.span, &complete.to_string()),
            None => Some(it.doc.add(spec, Some(key), &format!("parallelism: {complete}"))),
        };
        look.found(Problem { fix, ..problem });
    }
}

fn bounded(it: &Object<'_>, spec: &Node, key: crate::engine::yaml::Span, fields: &[&str], look: &mut Look<'_, '_>) {
    for field in fields.iter().filter(|f| spec.get(f).is_none()) {
        let (snippet, message) = match *field {
            "backoffLimit" => ("backoffLimit: 3", "doesn't say how often it starts again: with many pods the usual 6 is soon used up"),
            "failurePolicy" => ("failurePolicy:\n  maxRestarts: 3", "fails for good with the first of its pods"),
            _ => ("ttlSecondsAfterFinished: 86400", "stays for ever once it has finished"),
        };
        look.found(it.problem(key, format!("{} {message}", it.title())).fix(it.doc.add(spec, Some(key), snippet)));
    }
}

/// The pods of an Indexed job have names of their own in the domain of a headless Service.
fn names(it: &Object<'_>, look: &mut Look<'_, '_>) {
    let objects = look.objects;
    for pod in &it.pods {
        let Some(subdomain) = pod.spec.get("subdomain") else {
            let fix = it.doc.add(pod.spec, Some(pod.spec_key), &format!("subdomain: {}", it.name));
            look.found(it.problem(pod.spec_key, format!("the pods of {} have no names to find one another by", it.title())).fix(fix));
            continue;
        };
        let Some(name) = subdomain.as_str() else { continue };
        match objects.find("Service", name, it) {
            Some(service) => {
                look.read(service);
                if service.node.path(&["spec", "clusterIP"]).and_then(Node::as_str) != Some("None") {
                    let span = service
                        .node
                        .path(&["spec", "clusterIP"])
                        .map(|n| n.span)
                        .or(service.node.entry("spec").map(|e| e.key_span))
                        .unwrap_or(service.head());
                    look.found(
                        service
                            .problem(span, format!("{} isn't headless: the pods of {} get no names of their own", service.title(), it.title()))
                            .fix("Write `clusterIP: None` in its spec."),
                    );
                }
            }
            None => look.found_if(
                objects.kind("Service").next().is_some(),
                it.problem(subdomain.span, format!("there is no Service `{}` for the names of the pods of {}", it.doc.shown(subdomain), it.title()))
                    .fix("Add a Service of this name with `clusterIP: None`."),
            ),
        }
        for address in pod
            .containers
            .iter()
            .flat_map(Container::env)
            .filter(|e| e.get("name").and_then(Node::as_str) == Some("MASTER_ADDR"))
            .filter_map(|e| e.get("value"))
        {
            let Some(text) = address.as_str().filter(|t| !t.contains('$')) else { continue };
            if text.split('.').nth(1).is_some_and(|domain| domain != name) {
                let problem = it.problem(address.span, format!("`{}` isn't in the domain of the pods, `{name}`", it.doc.shown(address)));
                let fix = it.doc.replace(address.span, &format!("{}.{name}", text.split('.').next().unwrap_or(it.name)));
                look.found(Problem { fix, ..problem });
            }
        }
    }
}
