//! Verdicts node by node. Pods and nodes of the tables marked so are those of kube-scheduler's own tests of its plugins.
use super::{Nodes, Verdict};
use crate::engine::figure::Figure;
use crate::engine::kubernetes::Kubernetes;
use crate::engine::kubernetes::testing::{files, streams};
use std::time::Instant;

const ROOM: &str = "{cpu: 4, memory: 16Gi, pods: 110, nvidia.com/gpu: 1}";

/// A node of flow mappings: its labels, its spec, what it can allocate.
fn node(name: &str, labels: &str, spec: &str, allocatable: &str) -> String {
    let head = format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, labels: {{{labels}}}}}");
    format!("---\n{head}\nspec: {{{spec}}}\nstatus: {{allocatable: {allocatable}}}\n")
}

fn nodes(text: &str) -> Nodes {
    Nodes::read("nodes.yaml", text).unwrap_or_else(|p| panic!("{p:?}"))
}

fn pod(name: &str, labels: &str, spec: &str) -> String {
    format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nspec: {{{spec}}}\n")
}

fn asking(requests: &str) -> String {
    format!("containers: [{{name: a, resources: {{requests: {{{requests}}}}}}}]")
}

fn deployment(name: &str, replicas: u32, spec: &str) -> String {
    let head = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}");
    format!("---\n{head}\nspec:\n  replicas: {replicas}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{{spec}}}\n")
}

fn verdicts(manifests: &str, nodes: &Nodes) -> Vec<Verdict> {
    let files = files(&[("a.yaml", manifests)]);
    let streams = streams(&files);
    Kubernetes::read(&files, &streams).verdicts(nodes, 1_000)
}

fn result(manifests: &str, nodes: &Nodes, rollout: bool) -> crate::engine::kubernetes::Answer {
    let files = files(&[("a.yaml", manifests)]);
    let streams = streams(&files);
    Kubernetes::read(&files, &streams).scheduling(nodes, None, rollout)
}

/// Where each pod goes, or its event.
fn told(manifests: &str, nodes: &Nodes) -> Vec<String> {
    let one = |v: Verdict| format!("{}: {}", v.pod, v.node.or(v.event).unwrap_or_default());
    verdicts(manifests, nodes).into_iter().map(one).collect()
}

/// What keeps a pod of this spec off one node.
fn kept_off(spec: &str, labels: &str, node_spec: &str, allocatable: &str) -> String {
    let all = verdicts(&pod("p", "", spec), &nodes(&node("n1", labels, node_spec, allocatable)));
    all[0].nodes[0].1.join(", ")
}

#[test]
fn taints_keep_pods_off_as_the_schedulers_own_tests_say() {
    let gpu = "taints: [{key: dedicated, value: user1, effect: NoSchedule}]";
    let no = "node(s) had untolerated taint(s)";
    let with = |t: &str| format!("tolerations: [{{{t}}}], containers: [{{name: a}}]");
    for (spec, taints, said) in [
        ("containers: [{name: a}]".to_owned(), gpu, no),
        (with("key: dedicated, value: user1, effect: NoSchedule"), gpu, ""),
        (with("key: dedicated, operator: Equal, value: user2, effect: NoSchedule"), gpu, no),
        (with("key: foo, operator: Exists, effect: NoSchedule"), "taints: [{key: foo, value: bar, effect: NoSchedule}]", ""),
        (with("key: foo, operator: Equal, value: bar, effect: PreferNoSchedule"), "taints: [{key: foo, value: bar, effect: NoSchedule}]", no),
        (with("key: foo, operator: Equal, value: bar"), "taints: [{key: foo, value: bar, effect: NoSchedule}]", ""),
        (with("key: dedicated, value: user2, effect: NoSchedule"), "taints: [{key: dedicated, value: user1, effect: PreferNoSchedule}]", ""),
        (with("operator: Exists"), "taints: [{key: a, effect: NoExecute}, {key: b, effect: NoSchedule}]", ""),
        (with("operator: Exists, effect: NoSchedule"), "taints: [{key: a, effect: NoExecute}]", no),
        (with("key: level, operator: Gt, value: '950'"), "taints: [{key: level, value: '1000', effect: NoSchedule}]", ""),
        (with("key: level, operator: Lt, value: '950'"), "taints: [{key: level, value: '1000', effect: NoSchedule}]", no),
        ("containers: [{name: a}]".to_owned(), "taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}]", ""),
        ("containers: [{name: a}]".to_owned(), "unschedulable: true", "node(s) were unschedulable"),
        (with("key: node.kubernetes.io/unschedulable, operator: Exists"), "unschedulable: true", ""),
        ("nodeName: other, containers: [{name: a}]".to_owned(), "", "node(s) didn't match the requested node name"),
        ("nodeName: n1, containers: [{name: a}]".to_owned(), "", ""),
    ] {
        assert_eq!(kept_off(&spec, "", taints, ROOM), said, "{spec} on {taints}");
    }
}

#[test]
fn selectors_and_affinity_match_as_the_schedulers_own_tests_say() {
    let no = "node(s) didn't match Pod's node affinity/selector";
    let required = |terms: &str| {
        let required = format!("requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}");
        format!("affinity: {{nodeAffinity: {{{required}}}}}, containers: [{{name: a}}]")
    };
    let one = |e: &str| required(&format!("{{matchExpressions: [{{{e}}}]}}"));
    for (spec, labels, said) in [
        ("nodeSelector: {foo: bar}, containers: [{name: a}]".to_owned(), "", no),
        ("nodeSelector: {foo: bar}, containers: [{name: a}]".to_owned(), "foo: bar, baz: blah", ""),
        ("nodeSelector: {foo: bar, baz: blah}, containers: [{name: a}]".to_owned(), "foo: bar", no),
        (one("key: foo, operator: In, values: [bar, value2]"), "foo: bar", ""),
        (one("key: kernel-version, operator: Gt, values: ['0204']"), "kernel-version: '0206'", ""),
        (one("key: kernel-version, operator: Lt, values: ['0204']"), "kernel-version: '0206'", no),
        (one("key: mem-type, operator: NotIn, values: [DDR, DDR2]"), "mem-type: DDR3", ""),
        (one("key: mem-type, operator: NotIn, values: [DDR]"), "", ""),
        (one("key: GPU, operator: Exists"), "GPU: NVIDIA-GRID-K1", ""),
        (one("key: GPU, operator: DoesNotExist"), "GPU: NVIDIA-GRID-K1", no),
        (one("key: foo, operator: In, values: [value1, value2]"), "foo: bar", no),
        (required(""), "foo: bar", no),
        (required("{}"), "foo: bar", no),
        (required("{matchExpressions: [{key: GPU, operator: Exists}, {key: GPU, operator: NotIn, values: [AMD]}]}"), "GPU: AMD", no),
        (required("{matchExpressions: [{key: no, operator: Exists}]}, {matchExpressions: [{key: foo, operator: Exists}]}"), "foo: bar", ""),
        (required("{matchFields: [{key: metadata.name, operator: In, values: [n1]}]}"), "", ""),
        (required("{matchFields: [{key: metadata.name, operator: NotIn, values: [n1]}]}"), "", no),
        (
            required("{matchFields: [{key: metadata.name, operator: In, values: [m]}]}"),
            "",
            "node(s) didn't satisfy plugin(s) [NodeAffinity]",
        ),
        (required("{matchFields: [{key: metadata.name, operator: In, values: [n1]}], matchExpressions: [{key: foo, operator: Exists}]}"), "", no),
        ("affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: no, operator: Exists}]}}]}}, containers: [{name: a}]".to_owned(), "", ""),
    ] {
        assert_eq!(kept_off(&spec, labels, "", ROOM), said, "{spec} on {labels}");
    }
    let conflict = required("{matchFields: [{key: metadata.name, operator: In, values: [n1]}, {key: metadata.name, operator: In, values: [m]}]}");
    assert_eq!(told(&pod("p", "", &conflict), &nodes(&node("n1", "", "", ROOM))), ["p: 0/1 nodes are available: pod affinity terms conflict."]);
}

#[test]
fn resources_are_counted_as_the_scheduler_counts_them() {
    let small = "{cpu: 2, memory: 4Gi, pods: 2, nvidia.com/gpu: 1, ephemeral-storage: 10Gi}";
    for (spec, said) in [
        (asking("cpu: 2, memory: 4Gi"), ""),
        (asking("cpu: 2001m"), "Insufficient cpu"),
        (asking("cpu: 3, memory: 5Gi"), "Insufficient cpu, Insufficient memory"),
        (asking("nvidia.com/gpu: 2"), "Insufficient nvidia.com/gpu"),
        (asking("example.com/fpga: 1"), "Insufficient example.com/fpga"),
        (asking("example.com/fpga: 0"), ""),
        (asking("ephemeral-storage: 11Gi"), "Insufficient ephemeral-storage"),
        ("containers: [{name: a, resources: {limits: {cpu: 3}}}]".into(), "Insufficient cpu"),
        (format!("overhead: {{cpu: 1m}}, {}", asking("cpu: 2")), "Insufficient cpu"),
        (format!("initContainers: [{{name: i, resources: {{requests: {{cpu: 3}}}}}}], {}", asking("cpu: 1")), "Insufficient cpu"),
        (
            format!("initContainers: [{{name: i, restartPolicy: Always, resources: {{requests: {{cpu: 1500m}}}}}}], {}", asking("cpu: 1")),
            "Insufficient cpu",
        ),
        (format!("initContainers: [{{name: i, resources: {{requests: {{cpu: 2}}}}}}], {}", asking("cpu: 2")), ""),
    ] {
        assert_eq!(kept_off(&spec, "", "", small), said, "{spec}");
    }
    let three = [pod("a", "", "containers: [{name: a}]"), pod("b", "", &asking("cpu: 1")), pod("c", "", &asking("cpu: 2"))].concat();
    assert_eq!(
        told(&three, &nodes(&node("n1", "", "", small))),
        ["a: n1", "b: n1", "c: 0/1 nodes are available: 1 Insufficient cpu, 1 Too many pods."]
    );
}

#[test]
fn ports_of_a_node_are_given_once() {
    let port = |p: &str| format!("containers: [{{name: a, ports: [{{containerPort: 80, {p}}}]}}]");
    let no = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
    for (one, other, fits) in [
        ("hostPort: 8080", "hostPort: 8080", false),
        ("hostPort: 8080", "hostPort: 8081", true),
        ("hostPort: 8080", "hostPort: 8080, protocol: UDP", true),
        ("hostPort: 8001, hostIP: 127.0.0.1", "hostPort: 8001, hostIP: 127.0.0.2", true),
        ("hostPort: 8001, hostIP: 127.0.0.1", "hostPort: 8001", false),
        ("hostPort: 8001, hostIP: 0.0.0.0", "hostPort: 8001, hostIP: 127.0.0.1", false),
        ("name: x", "name: x", true),
    ] {
        let both = [pod("p", "", &port(one)), pod("q", "", &port(other))].concat();
        let last = if fits { "q: n1".to_owned() } else { format!("q: {no}") };
        assert_eq!(told(&both, &nodes(&node("n1", "", "", ROOM))), ["p: n1".to_owned(), last], "{one} and {other}");
    }
}

/// Two zones of two nodes each.
fn zones() -> Nodes {
    let one = |name: &str, zone: &str| node(name, &format!("zone: {zone}, node: {name}"), "", ROOM);
    nodes(&[one("a", "z1"), one("b", "z1"), one("x", "z2"), one("w", "z2")].concat())
}

#[test]
fn spreading_follows_the_schedulers_arithmetic() {
    let spread = |more: &str| {
        format!(
            "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: s}}}}{more}}}]"
        )
    };
    let on = |spec: String, pin: &str| {
        let all = verdicts(
            &[
                pod("first", "app: s", "nodeSelector: {node: a}, containers: [{name: a}]"),
                pod("p", "app: s", &format!("{spec}, {pin} containers: [{{name: a}}]")),
            ]
            .concat(),
            &zones(),
        );
        all[1].nodes.iter().map(|(_, r)| r.first().cloned().unwrap_or_else(|| "fits".into())).collect::<Vec<_>>()
    };
    let no = "node(s) didn't match pod topology spread constraints";
    assert_eq!(on(spread(""), ""), [no, no, "fits", "fits"]);
    assert_eq!(on(spread("").replace("DoNotSchedule", "ScheduleAnyway"), ""), ["fits"; 4]);
    assert_eq!(on(spread("").replace("app: s", "app: other"), ""), ["fits"; 4]);
    assert_eq!(on(spread("").replace("maxSkew: 1", "maxSkew: 2"), ""), ["fits"; 4]);
    // Three domains are wanted and two are there: the least counts as none, and one is in z1 already.
    assert_eq!(on(spread(", minDomains: 3"), ""), [no, no, "fits", "fits"]);
    assert_eq!(on(spread("").replace("topologyKey: zone", "topologyKey: rack"), ""), [format!("{no} (missing required label)").as_str(); 4]);
    // Only z1 counts where the selector takes only z1, unless the policy says otherwise.
    let off = "node(s) didn't match Pod's node affinity/selector";
    assert_eq!(on(spread(""), "nodeSelector: {zone: z1},"), ["fits", "fits", off, off]);
    assert_eq!(on(spread(", nodeAffinityPolicy: Ignore"), "nodeSelector: {zone: z1},"), [no, no, off, off]);
    // Pods of another revision don't count by their hash.
    assert_eq!(on(spread(", matchLabelKeys: [pod-template-hash]"), ""), ["fits"; 4]);
    // A tainted zone counts as empty, unless the policy leaves it out.
    let tainted = [node("a", "zone: z1", "", ROOM), node("x", "zone: z2", "taints: [{key: t, effect: NoSchedule}]", ROOM)].concat();
    let two = |more: &str| deployment("s", 2, &format!("{}, containers: [{{name: a}}]", spread(more)));
    let event = format!("s-2: 0/2 nodes are available: 1 {no}, 1 node(s) had untolerated taint(s).");
    assert_eq!(told(&two(""), &nodes(&tainted)), ["s-1: a".to_owned(), event]);
    assert_eq!(told(&two(", nodeTaintsPolicy: Honor"), &nodes(&tainted)), ["s-1: a", "s-2: a"]);
}

#[test]
fn pods_are_kept_together_and_apart_both_ways() {
    let term = |which: &str, app: &str, key: &str, more: &str| {
        let term = format!("{{topologyKey: {key}, labelSelector: {{matchLabels: {{app: {app}}}}}{more}}}");
        format!("affinity: {{{which}: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}}}, containers: [{{name: a}}]")
    };
    let first = |spec: &str| pod("first", "app: s", &format!("nodeSelector: {{node: a}}, {spec}"));
    let plain = "containers: [{name: a}]";
    let on = |first: String, second: String| {
        let all = verdicts(&[first, second].concat(), &zones());
        all[1].nodes.iter().map(|(_, r)| r.first().cloned().unwrap_or_else(|| "fits".into())).collect::<Vec<_>>()
    };
    let (near, apart, shunned) = (
        "node(s) didn't match pod affinity rules",
        "node(s) didn't match pod anti-affinity rules",
        "node(s) didn't satisfy existing pods anti-affinity rules",
    );
    let second = |spec: &str| pod("p", "app: p", spec);
    assert_eq!(on(first(plain), second(&term("podAffinity", "s", "zone", ""))), ["fits", "fits", near, near]);
    assert_eq!(on(first(plain), second(&term("podAffinity", "s", "node", ""))), ["fits", near, near, near]);
    assert_eq!(on(first(plain), second(&term("podAffinity", "s", "rack", ""))), [near; 4]);
    assert_eq!(on(first(plain), second(&term("podAffinity", "nobody", "zone", ""))), [near; 4]);
    assert_eq!(on(first(plain), second(&term("podAffinity", "p", "zone", ""))), ["fits"; 4]);
    assert_eq!(on(first(plain), second(&term("podAntiAffinity", "s", "zone", ""))), [apart, apart, "fits", "fits"]);
    assert_eq!(on(first(&term("podAntiAffinity", "p", "zone", "")), second(plain)), [shunned, shunned, "fits", "fits"]);
    assert_eq!(on(first(&term("podAntiAffinity", "p", "node", "")), second(plain)), [shunned, "fits", "fits", "fits"]);
    // Other namespaces are others, unless they are named or selected.
    let elsewhere = |text: String| text.replace("metadata: {name: first", "metadata: {namespace: one, name: first");
    let here = |more: &str| second(&term("podAntiAffinity", "s", "zone", more)).replace("metadata: {name: p", "metadata: {namespace: two, name: p");
    assert_eq!(on(elsewhere(first(plain)), here("")), ["fits"; 4]);
    assert_eq!(on(elsewhere(first(plain)), here(", namespaces: [one]")), [apart, apart, "fits", "fits"]);
    assert_eq!(on(elsewhere(first(plain)), here(", namespaceSelector: {}")), [apart, apart, "fits", "fits"]);
    assert_eq!(on(elsewhere(first(plain)), here(", namespaceSelector: {matchLabels: {team: x}}")), ["fits"; 4]);
    // One pod on each node, and the fifth has none.
    let five = deployment("s", 5, &term("podAntiAffinity", "s", "node", ""));
    assert_eq!(told(&five, &zones())[4], format!("s-5: 0/4 nodes are available: 4 {apart}."));
}

#[test]
fn every_node_has_its_pod_of_a_daemonset() {
    let three = [
        node("a", "", "", ROOM),
        node("b", "", "taints: [{key: t, effect: NoSchedule}]", ROOM),
        node("c", "", "unschedulable: true", "{cpu: 100m, memory: 1Gi, pods: 9}"),
    ];
    let agent = |spec: &str| deployment("agent", 1, spec).replace("Deployment", "DaemonSet").replace("  replicas: 1\n", "");
    assert_eq!(told(&agent(&asking("cpu: 50m")), &nodes(&three.concat())), ["agent-1: a", "agent-2: c"]);
    let event = "agent-2: 0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].";
    assert_eq!(told(&agent(&asking("cpu: 200m")), &nodes(&three.concat())), ["agent-1: a", event]);
    let none = result(&agent("nodeSelector: {gpu: 'yes'}, containers: [{name: a}]"), &nodes(&three.concat()), false);
    assert!(none.problems[0].message.contains("runs on none of these nodes"), "{none:?}");
}

#[test]
fn another_way_is_looked_for_before_a_pod_is_left_waiting() {
    // Spread over both nodes the small ones leave no room for the large one.
    let two = [node("a", "", "", ROOM), node("b", "", "", ROOM)].concat();
    let small = deployment("small", 2, &asking("cpu: 2")).replace("  replicas: 2\n", "  replicas: 2\n  strategy: {type: Recreate}\n");
    let pods = [small, pod("large", "", &asking("cpu: 4"))].concat();
    assert_eq!(told(&pods, &nodes(&two))[2], "large: 0/2 nodes are available: 2 Insufficient cpu.");
    let found = result(&pods, &nodes(&two), false);
    assert_eq!(found.problems, []);
    assert_eq!(
        found.passed,
        "All 3 pods of 2 workloads fit: `small` on `b`; `large` on `a`. It depends on the order: placed one after another as the files have them, pods of `large` would find no room."
    );
    // 3 + 3 + 2 + 2 + 2 in two of six: the tightest first finds no way, taking back does.
    let six = "{cpu: 6, memory: 16Gi, pods: 110}";
    let two = [node("a", "", "", six), node("b", "", "", six)].concat();
    let pods = [deployment("two", 3, &asking("cpu: 2")), deployment("three", 2, &asking("cpu: 3"))].concat();
    let found = result(&pods, &nodes(&two), false);
    assert_eq!(found.problems, []);
    assert!(result(&[pods, pod("one", "", &asking("cpu: 1"))].concat(), &nodes(&two), false).problems.len() == 1);
}

#[test]
fn a_pod_waits_for_those_it_wants_to_be_near() {
    let near = "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: later}}}]}}, containers: [{name: a}]";
    let found = result(&[pod("first", "app: f", near), pod("later", "app: later", "containers: [{name: a}]")].concat(), &zones(), false);
    assert_eq!((found.problems.len(), found.passed.contains("depends")), (0, false), "{found:?}");
}

#[test]
fn a_finding_names_node_place_and_fix() {
    let fleet = nodes(
        &[
            node("gpu-1", "nvidia.com/gpu.product: NVIDIA-L4", "taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]", ROOM),
            node("cpu-1", "", "", "{cpu: 4, memory: 16Gi, pods: 110}"),
            node("cpu-2", "", "", "{cpu: 4, memory: 16Gi, pods: 110}"),
        ]
        .concat(),
    );
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: llm\nspec:\n  template:\n    spec:\n      nodeSelector:\n        nvidia.com/gpu.product: NVIDIA-L5\n      containers:\n        - name: server\n          resources:\n            limits:\n              nvidia.com/gpu: 2\n";
    let first = |text: &str| result(text, &fleet, false).problems.remove(0);
    let at = |p: &crate::engine::report::Problem| p.place.as_ref().map(|p| (p.line, p.column)).unwrap();

    // The nearest node is held off by what is looked at last.
    let wrong_label = first(text);
    let event = "the pod of Deployment `llm` fits on no node: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector.";
    assert_eq!(wrong_label.message, event);
    assert_eq!(
        (at(&wrong_label), wrong_label.fix.as_deref()),
        ((9, 33), Some("-        nvidia.com/gpu.product: NVIDIA-L5\n+        nvidia.com/gpu.product: NVIDIA-L4"))
    );
    let why = wrong_label.why.unwrap();
    assert!(why.starts_with("`cpu-1` and `cpu-2` came nearest: it has no label `nvidia.com/gpu.product`, the selector wants `NVIDIA-L5`. "), "{why}");
    let Some(Figure::Placement { waiting, .. }) = result(text, &fleet, false).figure else { panic!("no figure") };
    assert_eq!(
        waiting[0].reasons,
        [
            "`gpu-1`: its taint `nvidia.com/gpu=present:NoSchedule` isn't tolerated.",
            "`cpu-1` and `cpu-2`: it has no label `nvidia.com/gpu.product`, the selector wants `NVIDIA-L5`."
        ]
    );

    let no_toleration = first(&text.replace("      nodeSelector:\n        nvidia.com/gpu.product: NVIDIA-L5\n", "").replace("gpu: 2", "gpu: 1"));
    assert!(no_toleration.message.ends_with("1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/gpu."), "{no_toleration:?}");

    let tolerating = text.replace("NVIDIA-L5\n", "NVIDIA-L4\n      tolerations: [{key: nvidia.com/gpu, operator: Exists}]\n");
    let two = first(&tolerating);
    assert_eq!(at(&two), (15, 31));
    assert_eq!(two.fix.unwrap(), "The largest node that this pod may go to has 1 of `nvidia.com/gpu`: ask for no more than that.");
    assert!(two.why.unwrap().starts_with("`gpu-1` came nearest: the pod asks for 2 of `nvidia.com/gpu`, 1 of 1 is free."));

    let only_taint = nodes(&node("gpu-1", "", "taints: [{key: nvidia.com/gpu, value: present, effect: NoSchedule}]", ROOM));
    let fix = result(&text.replace("NVIDIA-L5", "NVIDIA-L4"), &only_taint, false).problems.remove(0).fix.unwrap();
    assert_eq!(fix, "     spec:\n+      tolerations:\n+        - { key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule }");

    let passed = result(&tolerating.replace("gpu: 2", "gpu: 1"), &fleet, false);
    assert!(passed.passed.starts_with("The only pod fits: `llm` on `gpu-1`. A roll-out of Deployment `llm` would never end"), "{}", passed.passed);
    let Some(Figure::Placement { nodes, waiting }) = passed.figure else { panic!("no figure") };
    assert_eq!((nodes[0].pods.as_slice(), nodes[0].about.as_str(), waiting.len()), (&["llm".to_owned()][..], "NVIDIA-L4, tainted nvidia.com/gpu", 0));
    assert_eq!(
        nodes[0].shares.iter().map(|s| format!("{} {}/{} {}", s.resource, s.used, s.of, s.percent)).next_back().unwrap(),
        "nvidia.com/gpu 1/1 100"
    );
}

#[test]
fn a_roll_out_that_never_ends_is_a_note_or_a_problem() {
    let full = nodes(&node("n1", "", "", ROOM));
    let plain = deployment("s", 1, &asking("nvidia.com/gpu: 1"));
    assert_eq!(result(&plain, &full, false).problems.len(), 0);
    assert!(result(&plain, &full, true).problems[0].message.contains("would never end"));
    let may =
        |strategy: &str| result(&plain.replace("  replicas: 1\n", &format!("  replicas: 1\n  strategy: {strategy}\n")), &full, true).problems.len();
    assert_eq!(may("{type: Recreate}"), 0);
    assert_eq!(may("{rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}"), 0);
    assert_eq!(may("{rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"), 0);
    assert_eq!(may("{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"), 1);
}

#[test]
fn gates_other_schedulers_and_priorities_are_said() {
    let one = nodes(&node("n1", "", "", ROOM));
    let gated = result(&pod("p", "", "schedulingGates: [{name: kueue.x-k8s.io/admission}], containers: [{name: a}]"), &one, false);
    assert_eq!(gated.passed, "The only pod fits: `p` on `n1`. `p` waits for its gates first: `kueue.x-k8s.io/admission`.");
    let other = result(&pod("p", "", "schedulerName: volcano, containers: [{name: a}]"), &one, false);
    assert!(other.passed.contains("`p` is placed by `volcano`"), "{}", other.passed);
    let urgent = result(&pod("p", "", &format!("priorityClassName: high, {}", asking("cpu: 9"))), &one, false);
    assert!(
        urgent.problems[0]
            .why
            .as_ref()
            .unwrap()
            .ends_with("It has a priority: in a cluster pods of a lower one may have to go for it, which is not worked out here.")
    );
    let nothing = result("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n", &one, false);
    assert!(nothing.missing && nothing.problems.len() == 1);
}

#[test]
fn faults_of_a_nodes_file_are_named() {
    let good = node("n1", "a: b", "taints: [{key: t, effect: NoSchedule}]", ROOM);
    for (text, said) in [
        (good.replace("kind: Node", "kind: Nod"), "this is no Node"),
        (good.replace("taints:", "taint:"), "did you mean `taints`?"),
        (good.replace("NoSchedule", "NoScheduling"), "a taint's `effect` is"),
        (good.replace("16Gi", "16GB"), "`memory` is no quantity"),
        (good.replace("pods: 110, ", ""), "how much `pods`"),
        (good.replace("a: b", "a: 1"), "the label `a` is no string"),
        (good.replace("name: n1,", ""), "a node has a name"),
        (format!("{good}{good}"), "two nodes named `n1`"),
        (String::new(), "the file has no nodes"),
        ((0..241).map(|n| node(&format!("n{n}"), "", "", ROOM)).collect(), "241 nodes; 240 are the most"),
        ("a: [".into(), ""),
    ] {
        let problems = Nodes::read("nodes.yaml", &text).expect_err(&text);
        assert!(problems.iter().any(|p| p.message.contains(said)), "{said}: {problems:?}");
    }
}

#[test]
fn hostile_hand_ins_are_answered_at_once() {
    let many: String = (0..240).map(|n| node(&format!("n{n}"), &format!("zone: z{}", n % 9), "", ROOM)).collect();
    let (many, few) = (nodes(&many), zones());
    let term = |n: usize| {
        format!("{{topologyKey: kubernetes.io/hostname, labelSelector: {{matchExpressions: [{{key: app, operator: NotIn, values: [x{n}]}}]}}}}")
    };
    let apart = |n: usize| {
        let terms = (0..40).map(|m| term(n + m)).collect::<Vec<_>>().join(", ");
        format!("affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{terms}]}}}}, containers: [{{name: a}}]")
    };
    let all = [
        deployment("s", 100_000, &asking("cpu: 1")),
        deployment("s", 100_000, "containers: [{name: a}]"),
        (0..149).map(|n| deployment(&format!("d{n}"), 100_000, &apart(n))).collect(),
        (0..20).map(|n| deployment(&format!("d{n}"), 50, &apart(n))).collect(),
        (0..60).map(|n| deployment(&format!("d{n}"), 2, &asking(&format!("cpu: {}m", 1_301 + n * 7)))).collect(),
        (0..400).map(|n| deployment(&format!("d{n}"), 1, "containers: [{name: a}]")).collect(),
    ];
    for (n, manifests) in all.iter().enumerate() {
        for nodes in [&many, &few] {
            let started = Instant::now();
            result(manifests, nodes, true);
            // A hundred milliseconds when compiled for use; tests run unoptimised beside others.
            assert!(started.elapsed().as_millis() < 5_000, "{n} took {:?}", started.elapsed());
        }
    }
}
