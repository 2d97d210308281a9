//! Rules about jobs: how they end, are cleaned up, and survive a node that is taken away.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object, Pod};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const CRON: &str = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: nightly\nspec:\n  schedule: \"0 3 * * *\"\n  startingDeadlineSeconds: 600\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: OnFailure\n          containers:\n            - name: index\n              image: ghcr.io/acme/index:1.2.0";
const BARE_CRON: &str = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: nightly\nspec:\n  schedule: \"0 3 * * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: OnFailure\n          containers:\n            - name: index\n              image: ghcr.io/acme/index:1.2.0";
const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  ttlSecondsAfterFinished: 86400\n  backoffLimit: 3\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0";
const BARE_JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  template:\n    spec:\n      restartPolicy: Always\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0";

pub struct Deadline;

impl Rule for Deadline {
    fn about(&self) -> &'static About {
        &About {
            id: "cron-deadline",
            severity: Severity::Warning,
            title: "A CronJob says how late it may start",
            why: "Without `startingDeadlineSeconds` a CronJob that missed 100 starts, after a long outage say, never starts again, and only an event says so.",
            fix: "Set `startingDeadlineSeconds: 600`.",
            looks_at: Subject::Kinds(&["CronJob"]),
            passes: Example::Whole(CRON),
            fails: Example::Whole(BARE_CRON),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(spec) = it.node.entry("spec") else { return };
        if spec.value.get("startingDeadlineSeconds").is_none() {
            let fix = it.doc.add(&spec.value, Some(spec.key_span), "startingDeadlineSeconds: 600");
            look.found(it.problem(spec.key_span, format!("{} doesn't say how late it may start", it.title())).fix(fix));
        }
    }
}

pub struct Restart;

impl Rule for Restart {
    fn about(&self) -> &'static About {
        &About {
            id: "restart-policy",
            severity: Severity::Error,
            title: "A job's pods end",
            why: "`Always`, which is what you get when you say nothing, would start a job again after it has succeeded; the API refuses it.",
            fix: "Set `restartPolicy: OnFailure` or `Never`.",
            looks_at: Subject::Kinds(&["Job", "CronJob"]),
            passes: Example::Whole(JOB),
            fails: Example::Whole(BARE_JOB),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let policy = pod.spec.get("restartPolicy");
            if matches!(policy.and_then(Node::as_str), Some("OnFailure" | "Never")) {
                continue;
            }
            let problem = it.problem(policy.map_or(pod.spec_key, |n| n.span), format!("the pods of {} would be started again for ever", it.title()));
            let fix = match policy {
                Some(node) => it.doc.replace(node.span, "OnFailure"),
                None => Some(it.doc.add(pod.spec, Some(pod.spec_key), "restartPolicy: OnFailure")),
            };
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Cleanup;

impl Rule for Cleanup {
    fn about(&self) -> &'static About {
        &About {
            id: "job-ttl",
            severity: Severity::Warning,
            title: "Finished jobs are removed",
            why: "A finished Job and its pods stay until somebody deletes them; they count against the quota of objects and fill `kubectl get pods`.",
            fix: "Set `ttlSecondsAfterFinished: 86400`.",
            looks_at: Subject::Kinds(&["Job"]),
            passes: Example::Whole(JOB),
            fails: Example::Whole(BARE_JOB),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(spec) = it.node.entry("spec") else { return };
        if spec.value.get("ttlSecondsAfterFinished").is_none() {
            let fix = it.doc.add(&spec.value, Some(spec.key_span), "ttlSecondsAfterFinished: 86400");
            look.found(it.problem(spec.key_span, format!("{} stays for ever once it has finished", it.title())).fix(fix));
        }
    }
}

/// Volumes that are there again for the next pod.
const KEPT: &[&str] = &["persistentVolumeClaim", "nfs", "csi", "cephfs", "azureFile"];

pub struct SpotSafe;

/// The labels by which clouds tell spot nodes, and their value there.
const SPOT: &[(&str, &str)] = &[
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("cloud.google.com/gke-spot", "true"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
];

/// Where a pod says that it runs on spot nodes: by selector, required affinity or toleration.
fn spot<'a>(pod: &Pod<'a>) -> Option<&'a Node> {
    let selected = SPOT.iter().find_map(|(label, value)| pod.spec.path(&["nodeSelector", label]).filter(|n| is(n, value)));
    let terms = pod.spec.path(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]);
    let affine = terms.map_or(&[][..], Node::items).iter().flat_map(|t| t.get("matchExpressions").map_or(&[][..], Node::items)).find_map(|e| {
        let (_, value) = SPOT.iter().find(|(label, _)| e.get("key").and_then(Node::as_str) == Some(label))?;
        let chosen = e.get("operator").and_then(Node::as_str) == Some("In");
        e.get("values").filter(|_| chosen)?.items().iter().find(|v| is(v, value))
    });
    let tolerated = pod
        .spec
        .get("tolerations")
        .map_or(&[][..], Node::items)
        .iter()
        .find_map(|t| t.get("key").filter(|k| k.as_str().is_some_and(|k| k.contains("spot") || SPOT.iter().any(|(label, _)| k == *label))));
    selected.or(affine).or(tolerated)
}

fn is(node: &Node, value: &str) -> bool {
    node.as_str() == Some(value) || value == "true" && node.as_bool() == Some(true)
}

impl Rule for SpotSafe {
    fn about(&self) -> &'static About {
        &About {
            id: "spot-safe",
            severity: Severity::Warning,
            title: "Training on spot nodes keeps checkpoints",
            why: "A spot node goes with two minutes' notice. Without a volume for checkpoints and a policy that starts again, twenty GPU hours are gone with it.",
            fix: "Mount a PersistentVolumeClaim for checkpoints and set `restartPolicy: OnFailure` or a `backoffLimit` above 0.",
            looks_at: Subject::Kinds(&["Job", "CronJob", "JobSet", "PyTorchJob"]),
            passes: Example::Whole(
                "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  backoffLimit: 6\n  template:\n    spec:\n      restartPolicy: OnFailure\n      nodeSelector:\n        karpenter.sh/capacity-type: spot\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0\n          volumeMounts:\n            - name: checkpoints\n              mountPath: /checkpoints\n      volumes:\n        - name: checkpoints\n          persistentVolumeClaim:\n            claimName: checkpoints",
            ),
            fails: Example::Whole(
                "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: train\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      nodeSelector:\n        karpenter.sh/capacity-type: spot\n      containers:\n        - name: train\n          image: ghcr.io/acme/train:1.0.0",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let Some(spot) = spot(pod) else {
                look.nothing(it.problem(pod.spec_key, format!("{} doesn't run on spot nodes", it.title())));
                continue;
            };
            // A volume that outlives the pod: an ephemeral claim is deleted with it.
            let kept: Vec<&Node> = pod.volumes().iter().filter(|v| KEPT.iter().any(|k| v.get(k).is_some())).collect();
            let mounted = |v: &&&Node| {
                let name = v.get("name").and_then(Node::as_str);
                name.is_some() && pod.containers.iter().flat_map(Container::mounts).any(|m| m.get("name").and_then(Node::as_str) == name)
            };
            match kept.first() {
                None => look.found(it.problem(spot.span, format!("{} runs on spot nodes and keeps nothing on a volume", it.title()))),
                Some(volume) if !kept.iter().any(|v| mounted(&v)) => {
                    let at = volume.get("name").map_or(volume.span, |n| n.span);
                    let message = format!("no container of {} mounts the volume for checkpoints", it.title());
                    look.found(it.problem(at, message).fix("Name the volume under `volumeMounts` of the container."));
                }
                Some(_) => {}
            }
            let again = pod.spec.get("restartPolicy").and_then(Node::as_str) == Some("OnFailure");
            let spec: &[&str] = if it.kind == "CronJob" { &["spec", "jobTemplate", "spec", "backoffLimit"] } else { &["spec", "backoffLimit"] };
            if let Some(limit) = it.node.path(spec).filter(|n| !again && n.as_i64() == Some(0)) {
                look.found(it.problem(limit.span, format!("{} runs on spot nodes and gives up with the first of them", it.title())));
            }
        }
    }
}
