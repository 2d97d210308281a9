//! Rules about Services, Ingresses and NetworkPolicies: what they select must be there.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, Objects, Pod};
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::{Entry, Node};

const GOOD: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80\n      targetPort: http\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n          ports:\n            - name: http\n              containerPort: 8080";
const WRONG_LABEL: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat-server\n  ports:\n    - port: 80\n      targetPort: http\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n          ports:\n            - name: http\n              containerPort: 8080";
const WRONG_PORT: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80\n      targetPort: 9000\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: chat\nspec:\n  selector:\n    matchLabels:\n      app: chat\n  template:\n    metadata:\n      labels:\n        app: chat\n    spec:\n      containers:\n        - name: server\n          image: ghcr.io/acme/chat:1.4.2\n          ports:\n            - name: http\n              containerPort: 8080";

/// The pods a Service sends to, each with the object that makes it.
fn backends<'o, 'a>(service: &Object<'_>, look: &Look<'o, 'a>) -> Vec<(&'o Object<'a>, &'o Pod<'a>)> {
    let Some(selector) = service.node.path(&["spec", "selector"]).filter(|s| !s.entries().is_empty()) else { return Vec::new() };
    let pods = look.objects.with_pods().filter(|o| o.beside(service)).flat_map(|o| o.pods.iter().map(move |p| (o, p)));
    pods.filter(|(_, p)| look.objects.send(selector, p)).collect()
}

/// The pods that a Service which selects none was probably meant for, and the labels that are off.
fn meant<'o, 'a>(service: &'o Object<'a>, look: &Look<'o, 'a>) -> Option<(&'o Object<'a>, &'o Pod<'a>, Vec<&'a Entry>)> {
    let selector = service.node.path(&["spec", "selector"]).filter(|s| !s.entries().is_empty())?;
    let pods = look.objects.with_pods().filter(|o| o.beside(service)).flat_map(|o| o.pods.iter().map(move |p| (o, p)));
    let off = |p: &Pod<'a>| selector.entries().iter().filter(|e| !e.value.as_str().is_some_and(|v| p.has(&e.key, v))).collect::<Vec<_>>();
    pods.map(|(o, p)| (o, p, off(p))).min_by_key(|(o, _, off)| (off.len(), o.name != service.name))
}

/// A Service of something outside the cluster, or one whose endpoints are made by hand.
fn selects_nothing_on_purpose(service: &Object<'_>, look: &Look<'_, '_>) -> bool {
    let spec = |key: &str| service.node.path(&["spec", key]);
    let by_hand = look.objects.all().iter().any(|o| matches!(o.kind, "Endpoints" | "EndpointSlice") && o.beside(service));
    spec("type").and_then(Node::as_str) == Some("ExternalName") || (spec("selector").is_none() && by_hand)
}

pub struct DanglingService;

impl Rule for DanglingService {
    fn about(&self) -> &'static About {
        &About {
            id: "svc-dangling",
            severity: Severity::Error,
            title: "A Service selects pods",
            why: "A Service whose selector matches no pod exists, has an address and a name, and refuses every connection: nothing else tells you.",
            fix: "Write the labels of the pod template into the Service's selector.",
            looks_at: Subject::Kinds(&["Service"]),
            passes: Example::Whole(GOOD),
            fails: Example::Whole(WRONG_LABEL),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if selects_nothing_on_purpose(it, look) {
            return;
        }
        let found = backends(it, look);
        for (workload, _) in &found {
            look.read(workload);
        }
        if !found.is_empty() {
            return;
        }
        if it.node.path(&["spec", "selector"]).is_none_or(|s| s.entries().is_empty()) {
            look.found(it.problem(it.head(), format!("{} has no selector", it.title())));
            return;
        }
        let Some((workload, pod, off)) = meant(it, look) else {
            look.found_if(false, it.problem(it.head(), format!("{} selects no pod: nothing you handed in makes any", it.title())));
            return;
        };
        look.read(workload);
        let Some(first) = off.first() else { return };
        let have = pod.labels.get(first.key.as_str());
        let (tail, fix) = match have {
            Some(value) => (format!("; the pods of {} have `{}: {value}`", workload.title(), first.key), it.doc.replace(first.value.span, value)),
            None => (format!("; the pods of {} have no label `{}`", workload.title(), first.key), None),
        };
        let problem =
            it.problem(first.value.span, format!("{} selects no pod: `{}: {}` is on none{tail}", it.title(), first.key, it.doc.shown(&first.value)));
        look.found(Problem { fix, ..problem });
    }
}

pub struct ServicePort;

impl Rule for ServicePort {
    fn about(&self) -> &'static About {
        &About {
            id: "svc-port",
            severity: Severity::Error,
            title: "A Service sends to a port that its pods have",
            why: "Nobody checks `targetPort`: with a wrong one every connection is refused although pods, Service and endpoints all look well.",
            fix: "Write the container port's name or number as `targetPort`.",
            looks_at: Subject::Kinds(&["Service"]),
            passes: Example::Whole(GOOD),
            fails: Example::Whole(WRONG_PORT),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if selects_nothing_on_purpose(it, look) {
            return;
        }
        let mut found = backends(it, look);
        if found.is_empty() {
            // A slip in the selector is another rule's business: the port is judged by the pods that were meant.
            found.extend(meant(it, look).filter(|(_, p, off)| off.iter().all(|e| p.labels.contains_key(e.key.as_str()))).map(|(o, p, _)| (o, p)));
        }
        let Some((first, _)) = found.first() else {
            let problem = it
                .problem(it.head(), format!("{} selects no pod, so nothing listens on its port", it.title()))
                .fix("Mend the selector first: it must match the labels of the pod template.");
            look.found_if(look.objects.with_pods().next().is_some(), problem);
            return;
        };
        for (workload, _) in &found {
            look.read(workload);
        }
        let declared: Vec<&Node> = found.iter().flat_map(|(_, p)| p.containers.iter()).flat_map(super::super::objects::Container::ports).collect();
        let ports = it.node.path(&["spec", "ports"]).map_or(&[][..], Node::items);
        if ports.is_empty() {
            look.found(it.problem(it.head(), format!("{} has no ports", it.title())));
        }
        for port in ports {
            let Some(target) = port.get("targetPort").or_else(|| port.get("port")) else { continue };
            // What a container declares only informs: with nothing declared, a number may well be right.
            if declared.is_empty() && target.as_str().is_none() {
                continue;
            }
            let same = |p: &&&Node| match target.as_str() {
                Some(name) => p.get("name").and_then(Node::as_str) == Some(name),
                None => p.get("containerPort").and_then(Node::as_i64) == target.as_i64(),
            };
            if declared.iter().any(|p| same(&p)) {
                continue;
            }
            let names: Vec<String> = declared
                .iter()
                .filter_map(|p| {
                    p.get("name")
                        .and_then(Node::as_str)
                        .map(str::to_string)
                        .or_else(|| p.get("containerPort").and_then(Node::as_i64).map(|n| n.to_string()))
                })
                .collect();
            let have = if names.is_empty() {
                "declare no port".into()
            } else {
                format!("have {}", words::either(names.iter().map(String::as_str)).replace(" or ", " and "))
            };
            let problem =
                it.problem(target.span, format!("{} sends to port `{}`, but the pods of {} {have}", it.title(), it.doc.shown(target), first.title()));
            let fix = match (names.as_slice(), port.get("targetPort")) {
                ([one], Some(target)) => it.doc.replace(target.span, one),
                ([one], None) => Some(it.doc.add(port, None, &format!("targetPort: {one}"))),
                _ => None,
            };
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Exposed;

impl Rule for Exposed {
    fn about(&self) -> &'static About {
        &About {
            id: "svc-type",
            severity: Severity::Warning,
            title: "Services stay inside the cluster",
            why: "A LoadBalancer is an address on the Internet and a line on the bill, a NodePort a hole in every node; one Ingress or Gateway with TLS serves all.",
            fix: "Leave `type` out and let an Ingress or a Gateway send to the Service.",
            looks_at: Subject::Kinds(&["Service"]),
            passes: Example::Whole(GOOD),
            fails: Example::Whole(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  type: NodePort\n  selector:\n    app: chat\n  ports:\n    - port: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if let Some(kind) = it.node.path(&["spec", "type"]).filter(|t| matches!(t.as_str(), Some("NodePort" | "LoadBalancer"))) {
            let problem = it.problem(kind.span, format!("{} is open to the outside: `{}`", it.title(), it.doc.shown(kind)));
            let fix = it.doc.replace(kind.span, "ClusterIP");
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct DanglingIngress;

impl Rule for DanglingIngress {
    fn about(&self) -> &'static About {
        &About {
            id: "ing-dangling",
            severity: Severity::Error,
            title: "An Ingress sends to a Service that is there",
            why: "The controller answers 503 for a backend that doesn't exist, and only its own log says why.",
            fix: "Write the name and the port of the Service.",
            looks_at: Subject::Kinds(&["Ingress"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  defaultBackend:\n    service:\n      name: chat\n      port:\n        number: 80\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  defaultBackend:\n    service:\n      name: chat-server\n      port:\n        number: 80\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: chat\nspec:\n  selector:\n    app: chat\n  ports:\n    - port: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let rules = it.node.path(&["spec", "rules"]).map_or(&[][..], Node::items);
        let paths = rules.iter().flat_map(|r| r.path(&["http", "paths"]).map_or(&[][..], Node::items)).filter_map(|p| p.get("backend"));
        let services: Vec<&Node> = it.node.path(&["spec", "defaultBackend"]).into_iter().chain(paths).filter_map(|b| b.get("service")).collect();
        if services.is_empty() {
            look.nothing(it.problem(it.head(), format!("{} sends to no Service", it.title())));
        }
        for service in services {
            let Some(name) = service.get("name") else { continue };
            let objects = look.objects;
            let Some(found) = objects.find("Service", name.as_str().unwrap_or(""), it) else {
                let near = words::nearest(name.as_str().unwrap_or(""), objects.kind("Service").map(|o| o.name));
                let asked = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                let problem = it.problem(name.span, format!("{} sends to a Service `{}` that isn't there{asked}", it.title(), it.doc.shown(name)));
                let fix = near.and_then(|n| it.doc.replace(name.span, n));
                let problem = Problem { fix, ..problem };
                look.found_if(objects.kind("Service").next().is_some(), problem);
                continue;
            };
            look.read(found);
            let ports = found.node.path(&["spec", "ports"]).map_or(&[][..], Node::items);
            let number = service.path(&["port", "number"]).filter(|n| !ports.iter().any(|p| p.get("port").and_then(Node::as_i64) == n.as_i64()));
            let named = service.path(&["port", "name"]).filter(|n| !ports.iter().any(|p| p.get("name").and_then(Node::as_str) == n.as_str()));
            if let Some(port) = number.or(named) {
                look.found(it.problem(port.span, format!("{} has no port `{}`", found.title(), it.doc.shown(port))));
            }
        }
    }
}

pub struct NoPolicy;

const POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: chat\nspec:\n  podSelector:\n    matchLabels:\n      app: chat\n  policyTypes: [Ingress]\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2";
const NO_POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: chat\nspec:\n  podSelector:\n    matchLabels:\n      app: chatt\n  policyTypes: [Ingress]\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2";

impl Rule for NoPolicy {
    fn about(&self) -> &'static About {
        &About {
            id: "np-missing",
            severity: Severity::Warning,
            title: "A NetworkPolicy covers every pod",
            why: "Without one every pod of the cluster may connect to it, and it to everything: one hole in one service opens all of them.",
            fix: "Hand in a NetworkPolicy whose podSelector matches the pod's labels, beginning with one that denies everything.",
            looks_at: Subject::Pods,
            passes: Example::Whole(POLICY),
            fails: Example::Whole(NO_POLICY),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let policies: Vec<_> = objects.kind("NetworkPolicy").filter(|p| p.beside(it)).collect();
        for policy in &policies {
            look.read(policy);
        }
        for pod in &it.pods {
            if !policies.iter().any(|p| selected_by(p, pod, look.objects)) {
                look.found(it.problem(it.head(), format!("no NetworkPolicy covers the pods of {}", it.title())));
            }
        }
    }
}

/// A policy without a podSelector selects every pod of its namespace.
fn selected_by(policy: &Object<'_>, pod: &Pod<'_>, objects: &Objects<'_>) -> bool {
    policy.node.get("spec").is_some_and(|spec| spec.get("podSelector").is_none_or(|s| objects.select(s, pod)))
}

pub struct DanglingPolicy;

impl Rule for DanglingPolicy {
    fn about(&self) -> &'static About {
        &About {
            id: "np-dangling",
            severity: Severity::Error,
            title: "A NetworkPolicy selects pods",
            why: "A policy whose selector matches nothing protects nothing, and looks just like one that does.",
            fix: "Write the labels of the pods to protect under `podSelector.matchLabels`.",
            looks_at: Subject::Kinds(&["NetworkPolicy"]),
            passes: Example::Whole(POLICY),
            fails: Example::Whole(NO_POLICY),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let mut any = false;
        for workload in objects.with_pods().filter(|o| o.beside(it)) {
            if workload.pods.iter().any(|p| selected_by(it, p, objects)) {
                any = true;
                look.read(workload);
            }
        }
        if any {
            return;
        }
        let selector = it.node.path(&["spec", "podSelector"]);
        let span = selector.and_then(|s| s.path(&["matchLabels"])).and_then(|m| m.entries().first().map(|e| e.value.span)).unwrap_or(it.head());
        let problem = it.problem(span, format!("{} selects no pod of what you handed in", it.title()));
        look.found_if(objects.with_pods().next().is_some(), problem);
    }
}

pub struct DanglingPeer;

impl Rule for DanglingPeer {
    fn about(&self) -> &'static About {
        &About {
            id: "np-peer-dangling",
            severity: Severity::Warning,
            title: "A NetworkPolicy lets in pods that are there",
            why: "A peer without a namespaceSelector means pods of the policy's own namespace. Where none has these labels, nobody is let through, and what was meant to pass is dropped.",
            fix: "Write the labels of the pods that call; for pods of another namespace add a `namespaceSelector` to the same item.",
            looks_at: Subject::Kinds(&["NetworkPolicy"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: chat\nspec:\n  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n    - from:\n        - podSelector:\n            matchLabels:\n              app: chat\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: chat\nspec:\n  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n    - from:\n        - podSelector:\n            matchLabels:\n              app: chatt\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let rules = ["ingress", "egress"].iter().filter_map(|way| it.node.path(&["spec", way])).flat_map(Node::items);
        let peers = rules.flat_map(|r| [r.get("from"), r.get("to")]).flatten().flat_map(Node::items);
        for selector in peers.filter(|p| p.get("namespaceSelector").is_none()).filter_map(|p| p.get("podSelector")) {
            let mut workloads = objects.with_pods().filter(|o| o.beside(it)).peekable();
            if workloads.peek().is_none() {
                continue;
            }
            match workloads.find(|w| w.pods.iter().any(|p| objects.select(selector, p))) {
                Some(workload) => look.read(workload),
                None => {
                    let first = selector.get("matchLabels").and_then(|m| m.entries().first());
                    let span = first.map_or(selector.span, |e| e.value.span);
                    look.found(it.problem(span, format!("{} lets pods through that aren't in what you handed in", it.title())));
                }
            }
        }
    }
}

pub struct IngressTls;

impl Rule for IngressTls {
    fn about(&self) -> &'static About {
        &About {
            id: "ing-tls",
            severity: Severity::Warning,
            title: "An Ingress speaks TLS",
            why: "Without TLS every prompt and every session cookie passes in the clear through each network between the user and you.",
            fix: "Add `tls` with the host and the name of the Secret that holds its certificate.",
            looks_at: Subject::Kinds(&["Ingress"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  tls:\n    - hosts: [chat.example.org]\n      secretName: chat-tls\n  defaultBackend:\n    service:\n      name: chat\n      port:\n        number: 80",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  defaultBackend:\n    service:\n      name: chat\n      port:\n        number: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.node.path(&["spec", "tls"]).is_none_or(|t| t.items().is_empty()) {
            look.found(it.problem(it.head(), format!("{} has no `tls`", it.title())));
        }
    }
}
