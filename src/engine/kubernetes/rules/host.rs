//! Rules about the node a pod runs on: capabilities, namespaces, paths and ports of the host.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::admission::CAPABILITIES;
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

pub struct DropAll;

impl Rule for DropAll {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-drop-all",
            severity: Severity::Warning,
            title: "All capabilities are dropped",
            why: "A container starts with 14 capabilities, among them NET_RAW, with which it can forge packets of its neighbours. Nearly no service needs any.",
            fix: "Set `capabilities.drop: [ALL]` and add back what is really needed.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  capabilities:\n    drop: [ALL]"),
            fails: Example::Container("securityContext:\n  capabilities:\n    drop: [NET_RAW]"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let drop = c.node.path(&["securityContext", "capabilities"]).and_then(|n| n.entry("drop"));
            if drop.is_some_and(|d| d.value.items().iter().any(|i| i.as_str().is_some_and(|s| s.eq_ignore_ascii_case("all")))) {
                continue;
            }
            let problem = it.problem(
                c.nearest(&["securityContext", "capabilities", "drop"]),
                format!("{} keeps capabilities: `drop` doesn't name ALL", c.title()),
            );
            let fix = match drop {
                Some(d) => it
                    .doc
                    .written(d.value.span)
                    .filter(|w| w.starts_with('[') && w.ends_with(']'))
                    .and_then(|_| it.doc.replace(d.value.span, "[ALL]")),
                None => Some(c.with(&it.doc, &["securityContext", "capabilities"], "drop: [ALL]")),
            };
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct AddedCapabilities;

impl Rule for AddedCapabilities {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-add-cap",
            severity: Severity::Error,
            title: "No dangerous capability is added",
            why: "SYS_ADMIN is nearly all of root, SYS_PTRACE reads other processes, NET_ADMIN changes the node's network: each is a way out of the container.",
            fix: "Remove it. A port below 1024 needs NET_BIND_SERVICE only, or a higher port and no capability at all.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  capabilities:\n    drop: [ALL]\n    add: [NET_BIND_SERVICE]"),
            fails: Example::Container("securityContext:\n  capabilities:\n    add: [SYS_ADMIN]"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for added in c.node.path(&["securityContext", "capabilities", "add"]).map_or(&[][..], Node::items) {
                let name = added.as_str().unwrap_or("").to_ascii_uppercase();
                if !CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(&name)) {
                    look.found(it.problem(added.span, format!("{} adds the capability `{}`", c.title(), it.doc.shown(added))));
                }
            }
        }
    }
}

pub struct Namespaces;

impl Rule for Namespaces {
    fn about(&self) -> &'static About {
        &About {
            id: "host-namespaces",
            severity: Severity::Error,
            title: "No namespace of the node is shared",
            why: "With hostNetwork a pod listens on the node's own addresses and no NetworkPolicy holds it; with hostPID or hostIPC it sees the processes and memory of everybody on the node.",
            fix: "Remove `hostNetwork`, `hostPID` and `hostIPC`.",
            looks_at: Subject::Pods,
            passes: Example::Pod("hostNetwork: false\n"),
            fails: Example::Pod("hostNetwork: true\nhostPID: true\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            for key in ["hostNetwork", "hostPID", "hostIPC"] {
                if let Some(set) = pod.spec.entry(key).filter(|e| e.value.as_bool() == Some(true)) {
                    let problem = it.problem(set.key_span, format!("the pods of {} share the node's namespace: `{key}`", it.title()));
                    let fix = it.doc.without_line(set.key_span.start.line);
                    look.found(Problem { fix, ..problem });
                }
            }
        }
    }
}

pub struct HostPath;

impl Rule for HostPath {
    fn about(&self) -> &'static About {
        &About {
            id: "host-path",
            severity: Severity::Error,
            title: "No path of the node is mounted",
            why: "A hostPath ties the pod to one node's disk and opens that disk to whoever gets in: /var/lib/kubelet alone holds the secrets of every pod there.",
            fix: "Use a PersistentVolumeClaim for data, an `emptyDir` for scratch, an `emptyDir` with `medium: Memory` for /dev/shm.",
            looks_at: Subject::Pods,
            passes: Example::Pod("volumes:\n  - name: cache\n    emptyDir:\n      sizeLimit: 10Gi\n"),
            fails: Example::Pod("volumes:\n  - name: cache\n    hostPath:\n      path: /var/cache/models\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for volume in it.pods.iter().flat_map(super::super::objects::Pod::volumes) {
            if let Some(path) = volume.entry("hostPath") {
                let name = volume.get("name").and_then(Node::as_str).unwrap_or("");
                let of = path.value.get("path").and_then(Node::as_str).unwrap_or("?");
                look.found(it.problem(path.key_span, format!("the volume `{name}` of {} is the node's own `{of}`", it.title())));
            }
        }
    }
}

pub struct HostPort;

impl Rule for HostPort {
    fn about(&self) -> &'static About {
        &About {
            id: "host-port",
            severity: Severity::Warning,
            title: "No port of the node is taken",
            why: "Only one pod of a kind then fits on a node, and whoever reaches the node reaches the pod, past every Service and NetworkPolicy.",
            fix: "Remove `hostPort` and put a Service in front.",
            looks_at: Subject::Pods,
            passes: Example::Container("ports:\n  - containerPort: 8080"),
            fails: Example::Container("ports:\n  - containerPort: 8080\n    hostPort: 8080"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for port in c.ports().iter().filter_map(|p| p.entry("hostPort")).filter(|e| e.value.as_i64() != Some(0)) {
                let problem = it.problem(port.key_span, format!("{} takes port {} of its node", c.title(), it.doc.shown(&port.value)));
                let fix = it.doc.without_line(port.key_span.start.line);
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct DockerSocket;

impl Rule for DockerSocket {
    fn about(&self) -> &'static About {
        &About {
            id: "docker-sock",
            severity: Severity::Error,
            title: "The runtime's socket isn't mounted",
            why: "Whoever can write to the socket of Docker or containerd starts any container with any mount: it is root on the node without a password.",
            fix: "Build images with a builder that needs no socket, such as BuildKit without root.",
            looks_at: Subject::Pods,
            passes: Example::Pod("volumes:\n  - name: scratch\n    emptyDir: {}\n"),
            fails: Example::Pod("volumes:\n  - name: docker\n    hostPath:\n      path: /var/run/docker.sock\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for path in it.pods.iter().flat_map(super::super::objects::Pod::volumes).filter_map(|v| v.path(&["hostPath", "path"])) {
            if path.as_str().is_some_and(|p| ["docker.sock", "containerd.sock", "crio.sock"].iter().any(|s| p.ends_with(s))) {
                look.found(it.problem(path.span, format!("{} mounts the runtime's socket", it.title())));
            }
        }
    }
}

pub struct Sysctls;

/// From the baseline level of the Pod Security Standards.
const SAFE_SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

impl Rule for Sysctls {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-sysctl",
            severity: Severity::Error,
            title: "Only safe kernel settings are changed",
            why: "Most settings of the kernel aren't separated between pods: one pod's change is everybody's on the node, and the kubelet refuses the pod unless an administrator allowed it.",
            fix: "Remove the setting, or have it set on the node.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  sysctls:\n    - name: net.ipv4.ip_unprivileged_port_start\n      value: \"80\"\n"),
            fails: Example::Pod("securityContext:\n  sysctls:\n    - name: kernel.msgmax\n      value: \"65536\"\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for pod in &it.pods {
            for name in pod.spec.path(&["securityContext", "sysctls"]).map_or(&[][..], Node::items).iter().filter_map(|s| s.get("name")) {
                if name.as_str().is_none_or(|n| !SAFE_SYSCTLS.contains(&n)) {
                    look.found(it.problem(name.span, format!("{} changes the kernel setting `{}`", it.title(), it.doc.shown(name))));
                }
            }
        }
    }
}

pub struct ProcMount;

impl Rule for ProcMount {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-procmount",
            severity: Severity::Error,
            title: "/proc stays masked",
            why: "`procMount: Unmasked` shows the container parts of /proc that tell about, and change, the whole node.",
            fix: "Remove `procMount`.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  procMount: Default"),
            fails: Example::Container("securityContext:\n  procMount: Unmasked"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            if let Some(mount) = c.node.path(&["securityContext", "procMount"]).filter(|m| m.as_str() != Some("Default")) {
                let problem = it.problem(mount.span, format!("{} sees all of /proc", c.title()));
                let fix = it.doc.replace(mount.span, "Default");
                look.found(Problem { fix, ..problem });
            }
        }
    }
}
