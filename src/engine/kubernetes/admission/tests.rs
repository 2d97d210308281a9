//! What a namespace says to small hand-ins, in the words of the API server.
use super::*;
use crate::engine::File;
use crate::engine::files::Files;
use crate::engine::kubernetes::sources;
use std::collections::BTreeMap;

fn room(security: Level) -> Room {
    let bounds = |request: &str, limit: &str| Bounds { request: request.into(), limit: limit.into() };
    Room {
        preset: "gpu-sim".into(),
        cpu: bounds("2", "4"),
        memory: bounds("4Gi", "6Gi"),
        pods: 30,
        storage: "10Gi".into(),
        pvcs: 5,
        gpu: BTreeMap::from([("nvidia.com/gpu".into(), 2)]),
        security,
    }
}

fn asked(room: &Room, text: &str, only: Option<&Where>) -> Admission {
    let files = Files::new(vec![File { path: "a.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    let streams = [sources::read("a.yaml", text.as_bytes())];
    Kubernetes::read(&files, &streams).admission(room, only)
}

fn of(text: &str) -> Admission {
    asked(&room(Level::Baseline), text, None)
}

fn told(admission: &Admission) -> Vec<String> {
    admission.answer.problems.iter().map(|p| p.message.clone()).collect()
}

/// A workload named `a` with container `c`.
fn workload(kind: &str, spec: &str, container: &str) -> String {
    format!("kind: {kind}\nmetadata: {{name: a}}\nspec: {{{spec} template: {{spec: {{containers: [{{name: c, {container}}}]}}}}}}\n")
}

fn pod(spec: &str, container: &str) -> String {
    format!("kind: Pod\nmetadata: {{name: a}}\nspec: {{{spec} containers: [{{name: c, {container}}}]}}\n")
}

const GPU: &str = "resources: {limits: {nvidia.com/gpu: 1}}";
const CALM: &str = "strategy: {rollingUpdate: {maxSurge: 0}},";

#[test]
fn pods_are_counted_until_the_quota_is_full() {
    let gpus = |requested: &str, used: &str| {
        format!(
            "exceeded quota: sandbox, requested: requests.nvidia.com/gpu={requested}, used: requests.nvidia.com/gpu={used}, limited: requests.nvidia.com/gpu=2"
        )
    };
    for (text, admitted, message) in [
        (workload("Deployment", &format!("replicas: 2, {CALM}"), GPU), 2, None),
        (workload("Deployment", &format!("replicas: 3, {CALM}"), GPU), 2, Some(format!("pod 3 of 3 of Deployment `a` is refused: {}", gpus("1", "2")))),
        (workload("StatefulSet", "replicas: 5,", GPU), 2, Some(format!("pods 3 to 5 of 5 of StatefulSet `a` are refused: {}", gpus("1", "2")))),
        (pod("", "resources: {limits: {nvidia.com/gpu: 3}}"), 0, Some(format!("Pod `a` is refused: {}", gpus("3", "0")))),
        (workload("Job", "parallelism: 2, completions: 2,", "resources: {limits: {nvidia.com/gpu: 4}}"), 0, Some(format!("all 2 pods of Job `a` are refused: {}", gpus("4", "0")))),
        (
            workload("Deployment", "", "resources: {limits: {amd.com/gpu: 1}}"),
            0,
            Some("the pod of Deployment `a` is refused: exceeded quota: sandbox, requested: requests.amd.com/gpu=1, used: requests.amd.com/gpu=0, limited: requests.amd.com/gpu=0".into()),
        ),
        (
            workload("Deployment", &format!("replicas: 3, {CALM}"), "resources: {requests: {cpu: 500m, memory: 2Gi}, limits: {cpu: 1, memory: 2Gi}}"),
            2,
            Some("pod 3 of 3 of Deployment `a` is refused: exceeded quota: sandbox, requested: requests.memory=2Gi, used: requests.memory=4Gi, limited: requests.memory=4Gi".into()),
        ),
        (
            workload("Deployment", &format!("replicas: 3, {CALM}"), "resources: {requests: {cpu: 1500m}, limits: {cpu: 4, memory: 1500Mi}}"),
            1,
            Some("pods 2 to 3 of 3 of Deployment `a` are refused: exceeded quota: sandbox, requested: limits.cpu=4,requests.cpu=1500m, used: limits.cpu=4,requests.cpu=1500m, limited: limits.cpu=4,requests.cpu=2".into()),
        ),
        (workload("Deployment", &format!("replicas: 9, {CALM}"), ""), 8, Some("pod 9 of 9 of Deployment `a` is refused: exceeded quota: sandbox, requested: limits.cpu=500m,requests.cpu=250m,requests.ephemeral-storage=1280Mi,requests.memory=512Mi, used: limits.cpu=4,requests.cpu=2,requests.ephemeral-storage=10Gi,requests.memory=4Gi, limited: limits.cpu=4,requests.cpu=2,requests.ephemeral-storage=10Gi,requests.memory=4Gi".into())),
    ] {
        let answer = of(&text);
        assert_eq!(told(&answer), message.clone().into_iter().collect::<Vec<_>>(), "{text}");
        let verdict = &answer.verdicts[0];
        assert_eq!(verdict.admitted, admitted, "{text}");
        let refusal = verdict.pod_refused.as_ref().map(|r| (r.by, message.as_deref().is_some_and(|m| m.ends_with(&r.message))));
        assert_eq!(refusal, message.as_ref().map(|_| (Gate::Quota, true)), "{text}");
        assert_eq!(verdict.refused.is_some(), verdict.kind == "Pod" && message.is_some());
    }
}

#[test]
fn objects_are_counted_in_the_order_of_the_files() {
    let service = |name: &str, spec: &str| format!("---\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n");
    let claim = |name: &str, size: &str| {
        format!("---\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: {{resources: {{requests: {{storage: {size}}}}}}}\n")
    };
    for (text, messages) in [
        (service("a", "ports: [{port: 80}]"), vec![]),
        (
            service("a", "type: LoadBalancer, ports: [{port: 80}, {port: 443}]"),
            vec![
                "Service `a` is refused: exceeded quota: sandbox, requested: services.loadbalancers=1,services.nodeports=2, used: services.loadbalancers=0,services.nodeports=0, limited: services.loadbalancers=0,services.nodeports=0",
            ],
        ),
        (
            service("a", "type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]"),
            vec![
                "Service `a` is refused: exceeded quota: sandbox, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0",
            ],
        ),
        (
            service("a", "type: NodePort, ports: [{port: 80}]"),
            vec![
                "Service `a` is refused: exceeded quota: sandbox, requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0",
            ],
        ),
        (
            claim("a", "6Gi") + &claim("b", "5Gi") + &claim("c", "4Gi"),
            vec![
                "PersistentVolumeClaim `b` is refused: exceeded quota: sandbox, requested: requests.storage=5Gi, used: requests.storage=6Gi, limited: requests.storage=10Gi",
            ],
        ),
        (
            (0..6).map(|n| claim(&format!("c{n}"), "1Gi")).collect(),
            vec![
                "PersistentVolumeClaim `c5` is refused: exceeded quota: sandbox, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=5, limited: persistentvolumeclaims=5",
            ],
        ),
        (
            workload("StatefulSet", "replicas: 3, volumeClaimTemplates: [{metadata: {name: d}, spec: {resources: {requests: {storage: 4Gi}}}}],", ""),
            vec![
                "2 of 3 claims `d` of StatefulSet `a` are made, the next is refused: exceeded quota: sandbox, requested: requests.storage=4Gi, used: requests.storage=8Gi, limited: requests.storage=10Gi",
            ],
        ),
        (
            (0..60).map(|n| format!("---\nkind: ConfigMap\nmetadata: {{name: m{n}}}\n")).collect(),
            vec!["ConfigMap `m59` is refused: exceeded quota: sandbox, requested: configmaps=1, used: configmaps=60, limited: configmaps=60"],
        ),
    ] {
        assert_eq!(told(&of(&text)), messages, "{text}");
    }
}

#[test]
fn limit_ranges_fill_in_and_bound() {
    for (container, message) in [
        ("resources: {limits: {cpu: 5, memory: 1Gi}, requests: {cpu: 1}}", Some("maximum cpu usage per Container is 4, but limit is 5")),
        ("resources: {limits: {cpu: 1, memory: 7Gi}, requests: {memory: 1Gi}}", Some("maximum memory usage per Container is 6Gi, but limit is 7Gi")),
        (
            "resources: {requests: {cpu: 1}}",
            Some("spec.containers[0].resources.requests: Invalid value: \"1\": must be less than or equal to cpu limit of 500m"),
        ),
        ("resources: {requests: {cpu: 250m}}", None),
        ("resources: {limits: {cpu: 2}}", None),
    ] {
        let answer = of(&workload("Deployment", CALM, container));
        let wanted: Vec<String> = message.iter().map(|m| format!("the pods of Deployment `a` are refused: {m}")).collect();
        assert_eq!(told(&answer).iter().filter(|m| !m.contains("exceeded")).cloned().collect::<Vec<_>>(), wanted, "{container}");
        let refusal = answer.verdicts[0].pod_refused.as_ref();
        assert_eq!(refusal.map(|r| (r.by, r.message.as_str())), message.map(|m| (Gate::LimitRange, m)), "{container}");
    }
    let own = "kind: LimitRange\nmetadata: {name: small}\nspec: {limits: [{type: Container, min: {cpu: 100m}}, {type: Pod, max: {memory: 1Gi}}, {type: PersistentVolumeClaim, max: {storage: 1Gi}}]}\n---\n";
    let small = "resources: {limits: {cpu: 50m, memory: 2Gi}}";
    assert_eq!(
        told(&of(&format!(
            "{own}{}---\nkind: PersistentVolumeClaim\nmetadata: {{name: d}}\nspec: {{resources: {{requests: {{storage: 2Gi}}}}}}\n",
            pod("", small)
        ))),
        [
            "Pod `a` is refused: minimum cpu usage per Container is 100m, but request is 50m",
            "Pod `a` is refused: maximum memory usage per Pod is 1Gi, but limit is 2Gi",
            "PersistentVolumeClaim `d` is refused: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi",
        ]
    );
}

#[test]
fn a_quota_without_defaults_asks_every_container() {
    let text = "kind: Pod\nmetadata: {name: a}\nspec: {initContainers: [{name: i}], containers: [{name: d, resources: {limits: {memory: 1Gi}}}, {name: c}]}\n";
    let files = Files::new(vec![File { path: "a.yaml".into(), bytes: text.into() }]);
    let streams = [sources::read("a.yaml", text.as_bytes())];
    let namespace = Namespace { ranges: Vec::new(), ..room(Level::Baseline).namespace() };
    let answer = admission(&Kubernetes::read(&files, &streams), namespace, "bare", None);
    assert_eq!(
        told(&answer),
        [
            "Pod `a` is refused: failed quota: sandbox: must specify limits.cpu for: c,d,i; limits.memory for: c,i; requests.cpu for: c,d,i; requests.memory for: c,i"
        ]
    );
}

#[test]
fn quotas_that_are_handed_in_count_too() {
    let own = "kind: ResourceQuota\nmetadata: {name: mine}\nspec: {hard: {pods: 1, count/services: 0}}\n---\n";
    let text = format!("{own}{}---\nkind: Service\nmetadata: {{name: s}}\n", workload("StatefulSet", "replicas: 2,", ""));
    assert_eq!(
        told(&of(&text)),
        [
            "pod 2 of 2 of StatefulSet `a` is refused: exceeded quota: mine, requested: pods=1, used: pods=1, limited: pods=1",
            "Service `s` is refused: exceeded quota: mine, requested: count/services=1, used: count/services=0, limited: count/services=0",
        ]
    );
    let scoped = own.replace("spec: {", "spec: {scopes: [Terminating], ");
    assert_eq!(told(&of(&text.replace(own, &scoped))), [""; 0]);
}

#[test]
fn a_roll_out_needs_room_of_its_own() {
    let of_gpu = |spec: &str| told(&of(&workload("Deployment", spec, GPU)));
    let stuck = "Deployment `a` can be started but never updated: its pods fit the quota, the one more that a roll-out begins with doesn't: exceeded quota: sandbox, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=2";
    assert_eq!(of_gpu("replicas: 2,"), [stuck]);
    for spec in [
        "replicas: 1,",
        "replicas: 2, strategy: {type: Recreate},",
        "replicas: 2, strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}},",
        "replicas: 2, strategy: {rollingUpdate: {maxUnavailable: 1}},",
        "replicas: 2, strategy: {rollingUpdate: {maxUnavailable: 50%}},",
    ] {
        assert_eq!(of_gpu(spec), [""; 0], "{spec}");
    }
    assert_eq!(of_gpu("replicas: 2, strategy: {rollingUpdate: {maxUnavailable: 0}},").len(), 1);
    let block = "kind: Deployment\nmetadata:\n  name: a\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n        - name: c\n          resources:\n            limits:\n              nvidia.com/gpu: 1\n";
    let problem = &of(block).answer.problems[0];
    assert_eq!(problem.fix.as_deref(), Some(" spec:\n+  strategy:\n+    rollingUpdate:\n+      maxSurge: 0\n+      maxUnavailable: 1"));
    assert_eq!(problem.place.as_ref().map(|p| (p.line, p.column)), Some((5, 13)));
    let three = &of(&block.replace("replicas: 2", "replicas: 3")).answer.problems[0];
    assert_eq!(three.fix.as_deref(), Some("-  replicas: 3\n+  replicas: 2"));
    assert_eq!(three.place.as_ref().map(|p| (p.line, p.column)), Some((12, 31)));
}

#[test]
fn an_autoscaler_is_told_how_far_it_can_go() {
    let scaled = format!(
        "{}---\nkind: HorizontalPodAutoscaler\nmetadata: {{name: b}}\nspec: {{minReplicas: 1, maxReplicas: 9, scaleTargetRef: {{kind: Deployment, name: a}}}}\n",
        workload("Deployment", "", GPU)
    );
    let answer = of(&scaled);
    assert_eq!(told(&answer), [""; 0]);
    assert_eq!(
        answer.answer.passed,
        "The pod fits a namespace of preset `gpu-sim`: it uses 1 of 2 `requests.nvidia.com/gpu`, 250m of 2 `requests.cpu`, 500m of 4 `limits.cpu`, 512Mi of 4Gi `requests.memory`, 512Mi of 6Gi `limits.memory`, 1280Mi of 20Gi `limits.ephemeral-storage`. HorizontalPodAutoscaler `b` may ask for 9 pods; 2 of them fit, the next one lacks `requests.nvidia.com/gpu`."
    );
}

#[test]
fn a_figure_shows_all_that_is_asked() {
    let Some(Figure::Quota { rows }) = of(&workload("StatefulSet", "replicas: 3,", GPU)).answer.figure else { panic!("no figure") };
    let first: Vec<_> = rows.iter().take(3).map(|r| (r.resource.as_str(), r.used.as_str(), r.of.as_str(), r.percent)).collect();
    assert_eq!(first, [("requests.nvidia.com/gpu", "3", "2", 150), ("pods", "3", "30", 10), ("requests.cpu", "750m", "2", 38)]);
}

#[test]
fn what_other_gates_refuse_takes_nothing_of_the_quota() {
    let bad = workload("Deployment", &format!("replicas: 2, {CALM}"), &format!("{GPU}, securityContext: {{privileged: true}}"));
    let good = workload("StatefulSet", "replicas: 2,", GPU).replace("name: a", "name: b");
    let answer = of(&format!("{bad}---\n{good}"));
    assert_eq!(answer.answer.problems.len(), 2, "{:?}", told(&answer));
    let by: Vec<_> = answer.verdicts.iter().map(|v| (v.admitted, v.pod_refused.as_ref().map(|r| r.by))).collect();
    assert_eq!(by, [(0, Some(Gate::PodSecurity)), (2, None)]);
}

#[test]
fn policies_of_the_sandbox() {
    for (spec, container, message) in [
        ("nodeName: node-1,", "", "a pod of a sandbox has no `nodeName` of its own"),
        ("schedulerName: mine,", "", "a pod of a sandbox has no `schedulerName` of its own"),
        ("schedulerName: default-scheduler,", "", ""),
        ("priorityClassName: system-node-critical,", "", "a pod of a sandbox has no `priorityClassName` of its own"),
        ("terminationGracePeriodSeconds: 600,", "", "a pod of a sandbox may take 120 seconds to end, not 600"),
        ("terminationGracePeriodSeconds: 120,", "", ""),
        ("tolerations: [{operator: Exists}],", "", "a pod of a sandbox doesn't tolerate every taint there is"),
        ("tolerations: [{key: nvidia.com/gpu, operator: Exists}],", "", ""),
        ("runtimeClassName: nvidia,", "", "a pod of a sandbox that asks for no GPU has no `runtimeClassName: nvidia`"),
        ("runtimeClassName: nvidia,", GPU, ""),
        ("", "env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}]", "container `c` asks for no GPU, so its `NVIDIA_VISIBLE_DEVICES` is `void`"),
        ("", "env: [{name: NVIDIA_VISIBLE_DEVICES, value: void}]", ""),
    ] {
        let wanted: Vec<String> =
            [message].into_iter().filter(|m| !m.is_empty()).map(|m| format!("Pod `a` is refused by the sandbox's policy: {m}")).collect();
        assert_eq!(told(&of(&pod(spec, container))), wanted, "{spec} {container}");
    }
    let none = Room { gpu: BTreeMap::new(), ..room(Level::Baseline) };
    let tolerant = pod("tolerations: [{key: nvidia.com/gpu, operator: Exists}],", "");
    assert_eq!(asked(&none, &tolerant, None).answer.problems.len(), 1);
    assert_eq!(told(&of("kind: Service\nmetadata: {name: a, finalizers: [b/c]}\nspec: {externalIPs: [1.2.3.4]}\n")).len(), 2);
}

#[test]
fn only_what_is_picked_is_told_of() {
    let only = |name: &str| Where { name: Some(name.into()), ..Where::default() };
    let text = format!(
        "{}---\n{}",
        workload("StatefulSet", "replicas: 2,", GPU),
        workload("StatefulSet", "replicas: 2,", GPU).replace("name: a", "name: b")
    );
    let (a, b) = (asked(&room(Level::Baseline), &text, Some(&only("a"))), asked(&room(Level::Baseline), &text, Some(&only("b"))));
    assert_eq!((told(&a).len(), told(&b).len()), (0, 1));
    let missing = asked(&room(Level::Baseline), &text, Some(&only("z"))).answer;
    assert!(missing.missing && missing.problems.len() == 1 && missing.figure.is_none());
}

#[test]
fn numbers_without_end_end() {
    let huge = workload("Deployment", "replicas: 9223372036854775807,", "resources: {limits: {cpu: 9E, memory: 9E, nvidia.com/gpu: 9E}}");
    let answer = of(&huge.replace("kind", "---\nkind").repeat(500));
    assert_eq!(answer.answer.problems.len(), MOST);
}
