//! Rules about model servers, their autoscalers and trainings, near their limits.
use super::said;

/// Each of these manifests is told what it says here, by how the sentences begin.
fn holds(rule: &str, manifest: &str, wrong: &[&str]) {
    let said = said(rule, manifest);
    assert!(said.len() == wrong.len() && said.iter().zip(wrong).all(|(s, w)| s.starts_with(w)), "{manifest}: {said:?}");
}

#[test]
fn shared_memory_leaves_some_of_the_limit_to_the_server() {
    for (size, wrong) in [
        ("4Gi", &[][..]),
        ("8191Mi", &[]),
        ("8Gi", &["the shared memory of container `a` may grow to 8Gi, all of its memory limit"]),
        ("8193Mi", &["the shared memory of container `a` may grow to 8193Mi, above its memory limit"]),
    ] {
        holds(
            "gpu-shm",
            &format!(
                "kind: Pod\nmetadata: {{name: chat}}\nspec:\n  containers: [{{name: a, image: vllm/vllm-openai:v0.11.0, resources: {{limits: {{memory: 8Gi, nvidia.com/gpu: 1}}}}, volumeMounts: [{{name: shm, mountPath: /dev/shm}}]}}]\n  volumes: [{{name: shm, emptyDir: {{medium: Memory, sizeLimit: {size}}}}}]\n"
            ),
            wrong,
        );
    }
}

#[test]
fn a_server_is_drained_before_it_is_stopped() {
    const SERVICE: &str = "---\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: chat}}\n";
    const STOPS: &str = "Service `web` still sends to container `a` while it stops: it has no `preStop`";
    for (grace, lifecycle, service, wrong) in [
        ("120", "", "", &[][..]),
        ("60", "", "", &[]),
        ("59", "", "", &["the pods of Pod `chat` have 59 seconds"]),
        ("120", "", SERVICE, &[STOPS]),
        ("120", ", lifecycle: {preStop: {sleep: {seconds: 10}}}", SERVICE, &[]),
        ("120", ", lifecycle: {preStop: {httpGet: {path: /drain, port: 80}}}", SERVICE, &[]),
        ("120", ", lifecycle: {preStop: {sleep: {seconds: 119}}}", "", &[]),
        ("120", ", lifecycle: {preStop: {sleep: {seconds: 120}}}", "", &["container `a` sleeps 120 of the 120 seconds"]),
        ("120", ", lifecycle: {preStop: {exec: {command: [sleep, \"130\"]}}}", "", &["container `a` sleeps 130 of the 120 seconds"]),
        ("120", ", lifecycle: {preStop: {exec: {command: [sh, -c, sleep 200; kill 1]}}}", "", &["container `a` sleeps 200 of the 120 seconds"]),
        ("120", ", lifecycle: {preStop: {exec: {command: [sh, -c, ./drain]}}}", SERVICE, &[]),
    ] {
        let pod = format!(
            "kind: Pod\nmetadata: {{name: chat, labels: {{app: chat}}}}\nspec:\n  terminationGracePeriodSeconds: {grace}\n  containers: [{{name: a, image: a:1, resources: {{limits: {{nvidia.com/gpu: 1}}}}{lifecycle}}}]\n{service}"
        );
        holds("gpu-grace", &pod, wrong);
    }
}

const TARGET: &str =
    "---\nkind: Deployment\nmetadata: {name: chat}\nspec: {template: {spec: {containers: [{name: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}\n";

#[test]
fn a_scaled_object_asks_what_prometheus_can_answer() {
    const GOOD: &str = "[{type: prometheus, metadata: {serverAddress: \"http://p\", query: \"sum(up)\", threshold: \"4\"}}]";
    let by = |query: &str| format!("[{{type: prometheus, metadata: {{serverAddress: \"http://p\", query: \"{query}\", threshold: \"4\"}}}}]");
    for (fields, triggers, wrong) in [
        ("", GOOD.to_owned(), &[][..]),
        ("cooldownPeriod: 300,", GOOD.to_owned(), &[]),
        ("cooldownPeriod: 299,", GOOD.to_owned(), &["ScaledObject `a` scales to nothing after 299 quiet seconds"]),
        ("cooldownPeriod: 30, minReplicaCount: 1,", GOOD.to_owned(), &[]),
        ("cooldownPeriod: 30, minReplicaCount: 1, idleReplicaCount: 0,", GOOD.to_owned(), &["ScaledObject `a` scales to nothing after 30"]),
        ("minReplicaCount: 3, maxReplicaCount: 3,", GOOD.to_owned(), &[]),
        ("minReplicaCount: 3, maxReplicaCount: 2,", GOOD.to_owned(), &["`maxReplicaCount` of ScaledObject `a` is 2, below the 3"]),
        ("", by("sum(vllm:num_requests_waiting"), &["this `(` is never closed"]),
        ("", by("sum(vllm:num_requests_waitng)"), &["nothing gives a metric `vllm:num_requests_waitng`; did you mean"]),
        (
            "",
            "[{type: prometheus, metadata: {query: up, threshold: four}}]".into(),
            &["a trigger of ScaledObject `a` has no `serverAddress`", "`threshold` is `four`"],
        ),
        ("", "[{type: cpu, metadata: {value: \"60\"}}]".into(), &["ScaledObject `a` never starts again from nothing"]),
        ("minReplicaCount: 1,", "[{type: cpu, metadata: {value: \"60\"}}]".into(), &[]),
        ("", "[]".into(), &["ScaledObject `a` has no trigger"]),
    ] {
        let scaler =
            format!("kind: ScaledObject\nmetadata: {{name: a}}\nspec: {{{fields} scaleTargetRef: {{name: chat}}, triggers: {triggers}}}\n{TARGET}");
        holds("gpu-keda", &scaler, wrong);
    }
}

#[test]
fn a_gpu_server_is_scaled_by_what_waits() {
    const BY_CPU: &str = "a` scales GPU servers by CPU or memory";
    for (kind, metrics, fine) in [
        ("HorizontalPodAutoscaler", "metrics: [{type: Pods}]", true),
        ("HorizontalPodAutoscaler", "metrics: [{type: Resource, resource: {name: cpu}}, {type: External}]", true),
        ("HorizontalPodAutoscaler", "metrics: [{type: ContainerResource, containerResource: {name: cpu}}]", false),
        ("HorizontalPodAutoscaler", "minReplicas: 1", false),
        ("ScaledObject", "triggers: [{type: cpu}, {type: prometheus}]", true),
        ("ScaledObject", "triggers: [{type: cpu}, {type: memory}]", false),
    ] {
        let scaler = format!("kind: {kind}\nmetadata: {{name: a}}\nspec: {{scaleTargetRef: {{kind: Deployment, name: chat}}, {metrics}}}\n{TARGET}");
        let said = said("gpu-hpa-metric", &scaler);
        assert!(if fine { said.is_empty() } else { said.len() == 1 && said[0].ends_with(BY_CPU) }, "{scaler}: {said:?}");
    }
}

#[test]
fn each_term_of_an_affinity_chooses_a_gpu() {
    let term = |key: &str, operator: &str| format!("{{matchExpressions: [{{key: {key}, operator: {operator}, values: [x]}}]}}");
    let product = "nvidia.com/gpu.product";
    for (terms, problems) in [
        (term(product, "In"), 0),
        (term("nvidia.com/gpu.memory", "Gt"), 0),
        (term("karpenter.k8s.aws/instance-gpu-name", "In"), 0),
        (term("cloud.google.com/gke-accelerator", "In"), 0),
        (term(product, "NotIn"), 1),
        (term(product, "Exists"), 1),
        (term("zone", "In"), 1),
        (format!("{}, {}", term(product, "In"), term("zone", "In")), 1),
        (format!("{}, {}", term(product, "In"), term("cloud.google.com/gke-accelerator", "In")), 0),
    ] {
        let pod = format!(
            "kind: Pod\nmetadata: {{name: chat}}\nspec:\n  affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}}}}}\n  containers: [{{name: a, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]\n"
        );
        assert_eq!(said("gpu-node-selector", &pod).len(), problems, "{terms}");
    }
}

#[test]
fn training_on_spot_nodes_keeps_what_it_mounts() {
    const CLAIM: &str = "volumes: [{name: kept, persistentVolumeClaim: {claimName: kept}}]";
    const MOUNT: &str = ", volumeMounts: [{name: kept, mountPath: /kept}]";
    for (pod, mount, job, wrong) in [
        ("nodeSelector: {karpenter.sh/capacity-type: spot},", MOUNT, "", &[][..]),
        ("nodeSelector: {karpenter.sh/capacity-type: spot},", "", "", &["no container of Job `a` mounts the volume for checkpoints"]),
        ("nodeSelector: {karpenter.sh/capacity-type: on-demand},", "", "", &["Job `a` doesn't run on spot nodes"]),
        ("nodeSelector: {cloud.google.com/gke-spot: \"true\"},", MOUNT, "backoffLimit: 0,", &["Job `a` runs on spot nodes and gives up"]),
        ("nodeSelector: {cloud.google.com/gke-spot: \"true\"},", MOUNT, "backoffLimit: 1,", &[]),
        (
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: eks.amazonaws.com/capacityType, operator: In, values: [SPOT]}]}]}}},",
            "",
            "",
            &["no container of Job `a` mounts the volume"],
        ),
        ("tolerations: [{key: kubernetes.azure.com/scalesetpriority, operator: Exists}],", MOUNT, "", &[]),
    ] {
        holds(
            "spot-safe",
            &format!(
                "kind: Job\nmetadata: {{name: a}}\nspec: {{{job} template: {{spec: {{restartPolicy: Never, {pod} containers: [{{name: a{mount}}}], {CLAIM}}}}}}}\n"
            ),
            wrong,
        );
    }
    let lost = "kind: Job\nmetadata: {name: a}\nspec: {template: {spec: {nodeSelector: {karpenter.sh/capacity-type: spot}, containers: [{name: a, volumeMounts: [{name: x, mountPath: /x}]}], volumes: [{name: x, ephemeral: {}}]}}}\n";
    holds("spot-safe", lost, &["Job `a` runs on spot nodes and keeps nothing on a volume"]);
}

#[test]
fn a_queue_lends_no_more_than_its_cohort_allows() {
    for (cohort, borrowing, gpus, fits) in [
        ("", "", 4, true),
        ("", "", 5, false),
        ("cohortName: all,", "", 100, true),
        ("cohort: all,", "", 100, true),
        ("cohortName: all,", ", borrowingLimit: 2", 6, true),
        ("cohortName: all,", ", borrowingLimit: 2", 7, false),
        ("cohortName: all,", ", borrowingLimit: 0", 5, false),
        ("", ", borrowingLimit: 2", 5, false),
    ] {
        let chain = format!(
            "kind: ResourceFlavor\nmetadata: {{name: l4}}\n---\nkind: ClusterQueue\nmetadata: {{name: c}}\nspec: {{{cohort} resourceGroups: [{{coveredResources: [nvidia.com/gpu], flavors: [{{name: l4, resources: [{{name: nvidia.com/gpu, nominalQuota: 4{borrowing}}}]}}]}}]}}\n---\nkind: LocalQueue\nmetadata: {{name: q}}\nspec: {{clusterQueue: c}}\n---\nkind: Job\nmetadata: {{name: a, labels: {{kueue.x-k8s.io/queue-name: q}}}}\nspec: {{suspend: true, template: {{spec: {{restartPolicy: Never, containers: [{{name: a, resources: {{limits: {{nvidia.com/gpu: {gpus}}}}}}}]}}}}}}\n"
        );
        let said = said("kueue", &chain);
        assert_eq!(said.is_empty(), fits, "{cohort} {borrowing} {gpus}: {said:?}");
    }
}
