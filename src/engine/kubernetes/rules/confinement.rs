//! Rules about how a container is confined: kernel modules, users, low ports, and tools that are ways in.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
/// SELinux types that the baseline level of the Pod Security Standards allows.
const SELINUX: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

pub struct KernelModules;

impl Rule for KernelModules {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-apparmor-selinux",
            severity: Severity::Info,
            title: "AppArmor and SELinux stay on",
            why: "They are the node's last fence around a container: `Unconfined`, or a type of one's own, takes it down, and the level `baseline` of Pod Security refuses the pod.",
            fix: "Remove the setting: the runtime's own profile is used then.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  appArmorProfile:\n    type: RuntimeDefault\n"),
            fails: Example::Pod("securityContext:\n  appArmorProfile:\n    type: Unconfined\n  seLinuxOptions:\n    type: spc_t\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let of_pods = it.node.path(&["spec", "template", "metadata", "annotations"]);
        for entry in it.node.path(&["metadata", "annotations"]).into_iter().chain(of_pods).flat_map(Node::entries) {
            if entry.key.starts_with(APPARMOR) && entry.value.as_str() == Some("unconfined") {
                let problem = it.problem(entry.value.span, format!("an annotation of {} turns AppArmor off", it.title()));
                let fix = it.doc.replace(entry.value.span, "runtime/default");
                look.found(Problem { fix, ..problem });
            }
        }
        let contexts = it.pods.iter().filter_map(|p| p.spec.get("securityContext")).map(|n| (it.title(), n));
        let own = it.containers().filter_map(|(_, c)| Some((c.title(), c.node.get("securityContext")?)));
        for (who, context) in contexts.chain(own) {
            if let Some(kind) = context.path(&["appArmorProfile", "type"]).filter(|t| t.as_str() == Some("Unconfined")) {
                let problem = it.problem(kind.span, format!("{who} turns AppArmor off"));
                let fix = it.doc.replace(kind.span, "RuntimeDefault");
                look.found(Problem { fix, ..problem });
            }
            for entry in context.get("seLinuxOptions").map_or(&[][..], Node::entries) {
                let chosen = entry.value.as_str().unwrap_or("");
                let wrong = match entry.key.as_str() {
                    "type" => !SELINUX.contains(&chosen),
                    "user" | "role" => !chosen.is_empty(),
                    _ => false,
                };
                if wrong {
                    let problem = it.problem(entry.value.span, format!("{who} asks SELinux for the {} `{}`", entry.key, it.doc.shown(&entry.value)));
                    let fix = it.doc.without_line(entry.key_span.start.line);
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

pub struct Context;

impl Rule for Context {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-context",
            severity: Severity::Info,
            title: "Every container has a securityContext",
            why: "What nobody says is decided by the image and the cluster: often root, with 14 capabilities and a root file system it may write to.",
            fix: "Add a `securityContext` to the container or to its pod.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  runAsNonRoot: true\n"),
            fails: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let says = |n: &Node| n.get("securityContext").is_some_and(|c| !c.entries().is_empty());
        for (_, c) in it.containers().filter(|(pod, c)| !says(pod.spec) && !says(c.node)) {
            let fix = c.with(&it.doc, &["securityContext"], "runAsNonRoot: true\nallowPrivilegeEscalation: false\ncapabilities:\n  drop: [ALL]");
            look.found(it.problem(c.head(), format!("{} has no securityContext, and its pod neither", c.title())).fix(fix));
        }
    }
}

pub struct HostProcess;

impl Rule for HostProcess {
    fn about(&self) -> &'static About {
        &About {
            id: "host-process",
            severity: Severity::Error,
            title: "No container is a process of a Windows node",
            why: "`hostProcess` runs the program on the node itself, in the node's network and as the account it names: a privileged container by another name.",
            fix: "Remove `hostProcess`.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  windowsOptions:\n    runAsUserName: ContainerUser"),
            fails: Example::Container("securityContext:\n  windowsOptions:\n    hostProcess: true"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let contexts = it.pods.iter().map(|p| (it.title(), p.spec)).chain(it.containers().map(|(_, c)| (c.title(), c.node)));
        for (who, holder) in contexts {
            let options = holder.path(&["securityContext", "windowsOptions"]);
            if let Some(set) = options.and_then(|o| o.entry("hostProcess")).filter(|e| e.value.as_bool() == Some(true)) {
                let problem = it.problem(set.value.span, format!("{who} runs as a process of the node"));
                let fix = it.doc.replace(set.value.span, "false");
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct LowPort;

impl Rule for LowPort {
    fn about(&self) -> &'static About {
        &About {
            id: "port-priv",
            severity: Severity::Info,
            title: "Containers listen on ports from 1024 on",
            why: "A port below 1024 needs root or NET_BIND_SERVICE unless the node was told otherwise; a Service can offer port 80 whatever the container listens on.",
            fix: "Let the program listen on 8080, say, and send the Service's port there by `targetPort`.",
            looks_at: Subject::Pods,
            passes: Example::Container("ports:\n  - containerPort: 8080"),
            fails: Example::Container("ports:\n  - containerPort: 80"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for port in c.ports().iter().filter_map(|p| p.get("containerPort")).filter(|p| p.as_i64().is_some_and(|n| (1..1024).contains(&n))) {
                look.found(it.problem(port.span, format!("{} listens on port {}, which only root may", c.title(), it.doc.shown(port))));
            }
        }
    }
}

/// Images by the last part of their name, with what is the matter with each.
const TOOLS: &[(&str, &str, &str)] = &[
    (
        "tiller",
        "Tiller installs whatever anybody asks of it, with the rights of an administrator",
        "Use Helm 3 or later: it needs nothing in the cluster.",
    ),
    (
        "tiller-deploy",
        "Tiller installs whatever anybody asks of it, with the rights of an administrator",
        "Use Helm 3 or later: it needs nothing in the cluster.",
    ),
    (
        "dashboard",
        "the Kubernetes dashboard is archived, and a way in for whoever reaches its port",
        "Use Headlamp or `k9s` with your own kubeconfig.",
    ),
    (
        "dashboard-web",
        "the Kubernetes dashboard is archived, and a way in for whoever reaches its port",
        "Use Headlamp or `k9s` with your own kubeconfig.",
    ),
    (
        "kubernetes-dashboard-amd64",
        "the Kubernetes dashboard is archived, and a way in for whoever reaches its port",
        "Use Headlamp or `k9s` with your own kubeconfig.",
    ),
    (
        "git-sync",
        "git-sync runs whatever is pushed to its repository, without a release",
        "Build the files into an image, or let Argo CD or Flux bring them.",
    ),
    ("kube2iam", "kube2iam hands the node's cloud roles to pods, and is given up", "Use IRSA or EKS Pod Identity."),
    ("kaniko", "kaniko is archived: holes in it stay open", "Build with BuildKit without root, or with Buildah."),
];

pub struct Tools;

impl Rule for Tools {
    fn about(&self) -> &'static About {
        &About {
            id: "tool-bad",
            severity: Severity::Info,
            title: "No tool that is known as a way in",
            why: "Some tools of the early years run with an administrator's rights or are given up: an attacker looks for them first.",
            fix: "Use what took its place.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
            fails: Example::Container("image: ghcr.io/helm/tiller:v2.17.0"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let name = c.image.split('@').next().and_then(|i| i.rsplit('/').next()).and_then(|i| i.split(':').next()).unwrap_or("");
            let in_kaniko = c.image.contains("kaniko-project/executor");
            let known = TOOLS.iter().find(|(tool, ..)| *tool == name || (in_kaniko && *tool == "kaniko"));
            // `dashboard` alone may be anybody's.
            let known = known.filter(|(tool, ..)| !tool.starts_with("dashboard") || c.image.contains("kubernetesui/"));
            if let (Some((_, said, instead)), Some(image)) = (known, c.node.get("image")) {
                look.found(it.problem(image.span, format!("{}: {said}", c.title())).fix(*instead));
            }
        }
    }
}
