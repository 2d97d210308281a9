//! Rules about jobs: how they end, are cleaned up, and survive a node that is taken away.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
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

pub struct SpotSafe;

const SPOT: &[&str] =
    &["karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType", "cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"];

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
            let selected = SPOT.iter().find_map(|l| pod.spec.path(&["nodeSelector", l]));
            let tolerated = pod
                .spec
                .get("tolerations")
                .map_or(&[][..], Node::items)
                .iter()
                .find_map(|t| t.get("key").filter(|k| k.as_str().is_some_and(|k| k.contains("spot") || SPOT.contains(&k))));
            let Some(spot) = selected.or(tolerated) else {
                look.nothing(it.problem(pod.spec_key, format!("{} doesn't run on spot nodes", it.title())));
                continue;
            };
            if !pod.volumes().iter().any(|v| v.get("persistentVolumeClaim").is_some() || v.get("ephemeral").is_some()) {
                look.found(it.problem(spot.span, format!("{} runs on spot nodes and keeps nothing on a volume", it.title())));
            }
            let again = pod.spec.get("restartPolicy").and_then(Node::as_str) == Some("OnFailure");
            if let Some(limit) = it.node.path(&["spec", "backoffLimit"]).filter(|n| !again && n.as_i64() == Some(0)) {
                look.found(it.problem(limit.span, format!("{} runs on spot nodes and gives up with the first of them", it.title())));
            }
        }
    }
}
