//! Rules about where pods are put and how they find names: apart, by priority, on chosen nodes.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Pod};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const HOST: &str = "kubernetes.io/hostname";

pub struct Apart;

impl Rule for Apart {
    fn about(&self) -> &'static About {
        &About {
            id: "anti-affinity",
            severity: Severity::Info,
            title: "Replicas don't share a node",
            why: "Two replicas on one node go down with it together. An anti-affinity over `kubernetes.io/hostname`, or a spread over it, keeps them apart.",
            fix: "Add a `podAntiAffinity` over `kubernetes.io/hostname` that selects the pods' own labels.",
            looks_at: Subject::Kinds(&["Deployment", "StatefulSet", "Rollout"]),
            passes: Example::Pod(
                "affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n      - weight: 100\n        podAffinityTerm:\n          topologyKey: kubernetes.io/hostname\n          labelSelector:\n            matchLabels:\n              app: chat\n",
            ),
            fails: Example::Pod(
                "affinity:\n  podAntiAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n      - topologyKey: kubernetes.io/hostname\n        labelSelector:\n          matchLabels:\n            app: caht\n",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        // One replica has nobody to be kept apart from, unless an autoscaler adds some.
        if it.replicas() == Some(1) && it.node.path(&["spec", "replicas"]).is_some() && look.objects.autoscaler(it).is_none() {
            return;
        }
        for pod in &it.pods {
            let over_host = |term: &&Node| term.get("topologyKey").and_then(Node::as_str) == Some(HOST);
            let of_these = |term: &&Node| term.get("labelSelector").is_some_and(|s| look.objects.select(s, pod));
            let terms: Vec<&Node> = terms(pod).into_iter().filter(over_host).collect();
            if terms.iter().any(of_these) {
                continue;
            }
            if let Some(term) = terms.first() {
                let span = term.entry("labelSelector").map_or(term.span, |e| e.key_span);
                look.found(
                    it.problem(span, format!("what should keep the pods of {} apart doesn't select them", it.title()))
                        .fix("Write the labels of the pod template into its `labelSelector`."),
                );
                continue;
            }
            let problem = it.problem(pod.spec_key, format!("the pods of {} may all be put on one node", it.title()));
            let snippet = own_labels(pod).map(|labels| {
                format!("topologySpreadConstraints:\n  - maxSkew: 1\n    topologyKey: {HOST}\n    whenUnsatisfiable: ScheduleAnyway\n    labelSelector:\n      matchLabels:\n{labels}")
            });
            // A second list of constraints would replace the first: only where there is none.
            let snippet = snippet.filter(|_| pod.spec.get("topologySpreadConstraints").is_none());
            let fix = snippet.map(|s| it.doc.add(pod.spec, Some(pod.spec_key), &s));
            look.found(Problem { fix, ..problem });
        }
    }
}

/// What keeps a pod from others: terms of its anti-affinity, and constraints of its spread.
fn terms<'a>(pod: &Pod<'a>) -> Vec<&'a Node> {
    let list = |key: &str| pod.spec.path(&["affinity", "podAntiAffinity", key]).map_or(&[][..], Node::items).iter();
    let preferred = list("preferredDuringSchedulingIgnoredDuringExecution").filter_map(|t| t.get("podAffinityTerm"));
    let spread = pod.spec.get("topologySpreadConstraints").map_or(&[][..], Node::items);
    list("requiredDuringSchedulingIgnoredDuringExecution").chain(preferred).chain(spread).collect()
}

/// The first few labels of a pod as the lines of a selector's `matchLabels`, for a diff.
pub(super) fn own_labels(pod: &Pod<'_>) -> Option<String> {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c)) && !text.starts_with(|c: char| c.is_ascii_digit())
    };
    let named = ["app.kubernetes.io/name", "app", "k8s-app"].iter().find_map(|k| pod.labels.get_key_value(k));
    let (key, value) = named.or_else(|| pod.labels.first_key_value()).filter(|(k, v)| plain(k) && plain(v))?;
    Some(format!("        {key}: {value}"))
}

pub struct Priority;

impl Rule for Priority {
    fn about(&self) -> &'static About {
        &About {
            id: "priority-class",
            severity: Severity::Info,
            title: "Pods say how important they are",
            why: "When a node is full, or runs short, pods of lower priority give way. Without a class a chat server and a batch job are worth the same, 0.",
            fix: "Name a PriorityClass under `priorityClassName`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("priorityClassName: serving\n"),
            fails: Example::Pod("terminationGracePeriodSeconds: 60\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            if pod.spec.get("priorityClassName").and_then(Node::as_str).is_none_or(str::is_empty) {
                look.found(it.problem(pod.spec_key, format!("the pods of {} have no `priorityClassName`", it.title())));
            }
        }
    }
}

pub struct Nodes;

impl Rule for Nodes {
    fn about(&self) -> &'static About {
        &About {
            id: "node-affinity",
            severity: Severity::Info,
            title: "Pods say which nodes they are for",
            why: "A cluster has nodes of several architectures, prices and sizes; a pod that doesn't choose may land on any: a web server on a GPU node, an amd64 image on arm64.",
            fix: "Add a `nodeSelector` such as `kubernetes.io/arch: amd64`, or a node affinity.",
            looks_at: Subject::Pods,
            passes: Example::Pod("nodeSelector:\n  kubernetes.io/arch: amd64\n"),
            fails: Example::Pod("terminationGracePeriodSeconds: 60\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let selected = pod.spec.get("nodeSelector").is_some_and(|s| !s.entries().is_empty());
            let preferred = pod.spec.path(&["affinity", "nodeAffinity"]).is_some_and(|s| !s.entries().is_empty());
            if !selected && !preferred && pod.spec.get("nodeName").is_none() {
                let problem = it.problem(pod.spec_key, format!("the pods of {} may be put on any node", it.title()));
                // An empty `nodeSelector: {}` is written already.
                let fix = pod.spec.get("nodeSelector").is_none();
                let fix = fix.then(|| it.doc.add(pod.spec, Some(pod.spec_key), "nodeSelector:\n  kubernetes.io/arch: amd64"));
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct Names;

impl Rule for Names {
    fn about(&self) -> &'static About {
        &About {
            id: "dns-options",
            severity: Severity::Info,
            title: "Names outside the cluster are looked up once",
            why: "With the usual `ndots: 5` a name such as api.example.org is tried with each of the cluster's own suffixes first: four questions instead of one, at each connection.",
            fix: "Set the DNS option `ndots` to 2 under `dnsConfig.options`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("dnsConfig:\n  options:\n    - name: ndots\n      value: \"2\"\n"),
            fails: Example::Pod("dnsPolicy: ClusterFirst\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            // `Default` and `None` ask nobody's suffixes but one's own.
            if matches!(pod.spec.get("dnsPolicy").and_then(Node::as_str), Some("Default" | "None")) {
                continue;
            }
            let options = pod.spec.path(&["dnsConfig", "options"]).map_or(&[][..], Node::items);
            let ndots = options.iter().find(|o| o.get("name").and_then(Node::as_str) == Some("ndots"));
            let Some(ndots) = ndots else {
                let problem = it.problem(pod.spec_key, format!("the pods of {} look each outside name up several times", it.title()));
                let fix = pod.spec.get("dnsConfig").is_none();
                let fix = fix.then(|| it.doc.add(pod.spec, Some(pod.spec_key), "dnsConfig:\n  options:\n    - name: ndots\n      value: \"2\""));
                look.found(Problem { fix, ..problem });
                continue;
            };
            if let Some(value) = ndots.get("value").filter(|v| v.as_str().and_then(|v| v.parse::<u32>().ok()).is_some_and(|n| n > 2)) {
                let problem = it.problem(value.span, format!("`ndots` of {} is {}, above 2", it.title(), it.doc.shown(value)));
                let fix = it.doc.replace(value.span, "\"2\"");
                look.found(Problem { fix, ..problem });
            }
        }
    }
}
