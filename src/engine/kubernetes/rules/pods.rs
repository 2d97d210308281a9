//! Rules about pods as a whole: who makes them, where, as whom, on which ports and volumes.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2";

pub struct Bare;

impl Rule for Bare {
    fn about(&self) -> &'static About {
        &About {
            id: "pod-bare",
            severity: Severity::Warning,
            title: "No pod without a controller",
            why: "Nobody starts a bare Pod again when its node goes: it is gone for good.",
            fix: "Make it a Deployment, a StatefulSet or a Job.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
            fails: Example::Whole(POD),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if it.kind == "Pod" {
            look.found(
                it.problem(it.node.get("kind").map_or(it.head(), |n| n.span), format!("{} has no controller that would start it again", it.title())),
            );
        }
    }
}

pub struct DefaultNamespace;

impl Rule for DefaultNamespace {
    fn about(&self) -> &'static About {
        &About {
            id: "ns-default",
            severity: Severity::Info,
            title: "Nothing is put into the namespace default",
            why: "Quotas, roles and network policies are set up per namespace; `default` has none of them and everybody's leftovers.",
            fix: "Name a namespace of your own, or leave it to `kubectl -n`.",
            looks_at: Subject::Any,
            passes: Example::Whole("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\n  namespace: chat"),
            fails: Example::Whole("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: chat\n  namespace: default"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if let Some(namespace) = it.node.path(&["metadata", "namespace"]).filter(|n| n.as_str() == Some("default")) {
            look.found(it.problem(namespace.span, format!("{} is put into the namespace `default`", it.title())));
        }
    }
}

pub struct Labelled;

impl Rule for Labelled {
    fn about(&self) -> &'static About {
        &About {
            id: "label-required",
            severity: Severity::Info,
            title: "Workloads say what they are part of",
            why: "Dashboards, cost reports and whoever is woken at night go by labels: without `app.kubernetes.io/name` nobody knows whose pod it is.",
            fix: "Add the label `app.kubernetes.io/name`.",
            looks_at: Subject::Pods,
            passes: Example::Whole(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    app.kubernetes.io/name: chat\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2",
            ),
            fails: Example::Whole(POD),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if !it.has_label("app.kubernetes.io/name") {
            let labels = it.node.get("metadata").and_then(|m| m.entry("labels"));
            let problem = it.problem(labels.map_or(it.head(), |l| l.key_span), format!("{} has no label `app.kubernetes.io/name`", it.title()));
            let fix = labels.map(|l| it.doc.add(&l.value, Some(l.key_span), &format!("app.kubernetes.io/name: {}", it.name)));
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct CostLabels;

impl Rule for CostLabels {
    fn about(&self) -> &'static About {
        &About {
            id: "cost-labels",
            severity: Severity::Warning,
            title: "GPU workloads say who pays",
            why: "OpenCost and Kubecost share the bill out by labels; GPU hours without one end up on everybody's account, which is nobody's.",
            fix: "Add the label `team` or `cost-center` to the pod template.",
            looks_at: Subject::Gpu,
            passes: Example::Whole(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels:\n    team: search\nspec:\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2\n      resources:\n        limits:\n          nvidia.com/gpu: 1",
            ),
            fails: Example::Container("resources:\n  limits:\n    nvidia.com/gpu: 1"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            if !pod.labels.keys().any(|k| {
                matches!(*k, "team" | "cost-center" | "cost-centre" | "owner" | "project")
                    || k.ends_with("/team")
                    || k.ends_with("/cost-center")
                    || k.ends_with("/owner")
            }) {
                look.found(it.problem(it.head(), format!("nobody knows who pays for the GPUs of {}", it.title())));
            }
        }
    }
}

pub struct DefaultAccount;

impl Rule for DefaultAccount {
    fn about(&self) -> &'static About {
        &About {
            id: "sa-default",
            severity: Severity::Info,
            title: "Pods have a service account of their own",
            why: "What one pod is allowed as `default` every pod of the namespace is allowed.",
            fix: "Make a ServiceAccount and name it under `serviceAccountName`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("serviceAccountName: chat\n"),
            fails: Example::Pod("serviceAccountName: default\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let name = pod.spec.get("serviceAccountName");
            if name.and_then(Node::as_str).is_none_or(|n| n == "default" || n.is_empty()) {
                look.found(
                    it.problem(name.map_or(pod.spec_key, |n| n.span), format!("the pods of {} run as the namespace's default account", it.title())),
                );
            }
        }
    }
}

pub struct MissingAccount;

impl Rule for MissingAccount {
    fn about(&self) -> &'static About {
        &About {
            id: "sa-missing",
            severity: Severity::Warning,
            title: "The service account a pod names is there",
            why: "A Deployment whose account doesn't exist makes no pod at all; only the ReplicaSet's events say why.",
            fix: "Hand in the ServiceAccount, or correct the name.",
            looks_at: Subject::Pods,
            passes: Example::Whole(
                "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: chat\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\nspec:\n  serviceAccountName: chat\n  containers:\n    - name: server\n      image: ghcr.io/acme/chat:1.4.2",
            ),
            fails: Example::Pod("serviceAccountName: chat\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let mut named = false;
        for pod in &it.pods {
            let Some(name) = pod.spec.get("serviceAccountName").filter(|n| n.as_str() != Some("default")) else { continue };
            named = true;
            match look.objects.find("ServiceAccount", name.as_str().unwrap_or(""), it) {
                Some(account) => look.read(account),
                None => look.found(it.problem(name.span, format!("no ServiceAccount `{}` is handed in", it.doc.shown(name)))),
            }
        }
        if !named {
            look.nothing(it.problem(it.head(), format!("{} names no service account", it.title())));
        }
    }
}

pub struct OldAccountField;

impl Rule for OldAccountField {
    fn about(&self) -> &'static About {
        &About {
            id: "sa-deprecated",
            severity: Severity::Warning,
            title: "Pods name their account under serviceAccountName",
            why: "`serviceAccount` is kept for old clients alone: where both fields are set the API goes by `serviceAccountName`, and the pod runs as somebody else than the line says.",
            fix: "Write `serviceAccountName`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("serviceAccountName: chat\n"),
            fails: Example::Pod("serviceAccount: chat\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let Some(old) = pod.spec.entry("serviceAccount") else { continue };
            let problem = it.problem(old.key_span, format!("{} names its account by the deprecated field `serviceAccount`", it.title()));
            let fix = match pod.spec.get("serviceAccountName") {
                Some(_) => it.doc.without(old),
                None => it.doc.replace(old.key_span, "serviceAccountName"),
            };
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct PortNames;

impl Rule for PortNames {
    fn about(&self) -> &'static About {
        &About {
            id: "port-dup-name",
            severity: Severity::Error,
            title: "Ports of a pod have names of their own",
            why: "A Service that sends to `http` must find one port of that name; with two it takes the first, and which that is may change.",
            fix: "Give each port a name of its own.",
            looks_at: Subject::Pods,
            passes: Example::Container("ports:\n  - name: http\n    containerPort: 8080\n  - name: metrics\n    containerPort: 9090"),
            fails: Example::Container("ports:\n  - name: http\n    containerPort: 8080\n  - name: http\n    containerPort: 9090"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            let mut seen = std::collections::HashSet::new();
            for name in pod.containers.iter().flat_map(super::super::objects::Container::ports).filter_map(|p| p.get("name")) {
                if name.as_str().is_some_and(|n| !seen.insert(n)) {
                    look.found(it.problem(name.span, format!("a second port of {} is named `{}`", it.title(), it.doc.shown(name))));
                }
            }
        }
    }
}

pub struct Ssh;

impl Rule for Ssh {
    fn about(&self) -> &'static About {
        &About {
            id: "port-ssh",
            severity: Severity::Warning,
            title: "No SSH server in a container",
            why: "It is a second way in with keys that nobody rotates; `kubectl exec` and `kubectl debug` ask the API who you are.",
            fix: "Remove the port and the SSH server.",
            looks_at: Subject::Pods,
            passes: Example::Container("ports:\n  - containerPort: 8080"),
            fails: Example::Container("ports:\n  - containerPort: 22"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for port in c.ports().iter().filter_map(|p| p.get("containerPort")).filter(|p| p.as_i64() == Some(22)) {
                look.found(it.problem(port.span, format!("{} listens on port 22", c.title())));
            }
        }
    }
}

pub struct ScratchLimit;

impl Rule for ScratchLimit {
    fn about(&self) -> &'static About {
        &About {
            id: "emptydir-limit",
            severity: Severity::Warning,
            title: "Scratch volumes have a size limit",
            why: "An emptyDir grows until the node's disk, or with `medium: Memory` its memory, is full; then other pods are evicted too.",
            fix: "Set `sizeLimit`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("volumes:\n  - name: scratch\n    emptyDir:\n      sizeLimit: 1Gi\n"),
            fails: Example::Pod("volumes:\n  - name: scratch\n    emptyDir: {}\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for volume in it.pods.iter().flat_map(super::super::objects::Pod::volumes) {
            if let Some(empty) = volume.entry("emptyDir").filter(|e| e.value.get("sizeLimit").is_none()) {
                let problem = it.problem(
                    empty.key_span,
                    format!("the scratch volume `{}` may fill the node's disk", volume.get("name").and_then(Node::as_str).unwrap_or("")),
                );
                let fix = if it.doc.written(empty.value.span) == Some("{}") {
                    it.doc.replace(empty.value.span, "{ sizeLimit: 1Gi }")
                } else {
                    Some(it.doc.add(&empty.value, Some(empty.key_span), "sizeLimit: 1Gi"))
                };
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct Headless;

impl Rule for Headless {
    fn about(&self) -> &'static About {
        &About {
            id: "sts-headless",
            severity: Severity::Error,
            title: "A StatefulSet's Service is headless",
            why: "Each pod's own name, `db-0.db`, exists only if `serviceName` is a Service with `clusterIP: None`; without it the members don't find each other.",
            fix: "Hand in a Service with `clusterIP: None` and name it under `serviceName`.",
            looks_at: Subject::Kinds(&["StatefulSet"]),
            passes: Example::Whole(
                "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: db\nspec:\n  serviceName: db\n  selector:\n    matchLabels:\n      app: db\n  template:\n    metadata:\n      labels:\n        app: db\n    spec:\n      containers:\n        - name: db\n          image: docker.io/library/postgres:17.2\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: db\nspec:\n  clusterIP: None\n  selector:\n    app: db\n  ports:\n    - port: 5432",
            ),
            fails: Example::Whole(
                "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: db\nspec:\n  serviceName: db\n  selector:\n    matchLabels:\n      app: db\n  template:\n    metadata:\n      labels:\n        app: db\n    spec:\n      containers:\n        - name: db\n          image: docker.io/library/postgres:17.2\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: db\nspec:\n  selector:\n    app: db\n  ports:\n    - port: 5432",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let Some(name) = it.node.path(&["spec", "serviceName"]) else {
            look.found(it.problem(it.head(), format!("{} has no `serviceName`", it.title())));
            return;
        };
        let Some(service) = look.objects.find("Service", name.as_str().unwrap_or(""), it) else {
            look.found(it.problem(name.span, format!("there is no Service `{}`", it.doc.shown(name))));
            return;
        };
        look.read(service);
        if service.node.path(&["spec", "clusterIP"]).and_then(Node::as_str) != Some("None") {
            let problem = service.problem(service.head(), format!("{} isn't headless", service.title()));
            let fix = service.node.entry("spec").map(|s| service.doc.add(&s.value, Some(s.key_span), "clusterIP: None"));
            look.found(Problem { fix, ..problem });
        }
    }
}
