//! Rules about what a container may do: its user, its privileges, its file system.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Container, Object, Pod};
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

/// A field of a container's securityContext, or of its pod's where the container doesn't say.
fn context<'a>(pod: &Pod<'a>, c: &Container<'a>, key: &str) -> Option<&'a Node> {
    c.node.path(&["securityContext", key]).or_else(|| pod.spec.path(&["securityContext", key]))
}

/// Asks for `key: wanted` in each container's own securityContext.
fn must_be(it: &Object<'_>, look: &mut Look<'_, '_>, key: &str, wanted: bool, says: &str) {
    for (_, c) in it.containers() {
        let set = c.node.path(&["securityContext", key]);
        if set.and_then(Node::as_bool) == Some(wanted) {
            continue;
        }
        let span = set.map_or_else(|| c.nearest(&["securityContext"]), |n| n.span);
        let fix = match set {
            Some(node) => it.doc.replace(node.span, &wanted.to_string()),
            None => Some(c.with(&it.doc, &["securityContext"], &format!("{key}: {wanted}"))),
        };
        let problem = it.problem(span, format!("{} {says}", c.title()));
        look.found(Problem { fix, ..problem });
    }
}

pub struct NonRoot;

impl Rule for NonRoot {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-nonroot",
            severity: Severity::Error,
            title: "No container runs as root",
            why: "Root in the container is root on the node as soon as the runtime has a hole, and there was one nearly every year. `runAsNonRoot` makes the kubelet refuse an image that would run as root.",
            fix: "Set `runAsNonRoot: true` in the pod's securityContext, or a `runAsUser` above 0; an image that names no user needs both.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  runAsNonRoot: true\n"),
            fails: Example::Pod("securityContext:\n  runAsNonRoot: true\n  runAsUser: 0\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (pod, c) in it.containers() {
            if let Some(user) = context(pod, &c, "runAsUser").filter(|u| u.as_i64() == Some(0)) {
                let problem = it.problem(user.span, format!("{} runs as user 0, which is root", c.title()));
                let fix = it.doc.replace(user.span, "10001");
                look.found(Problem { fix, ..problem });
                continue;
            }
            let set = context(pod, &c, "runAsNonRoot");
            let has_user = context(pod, &c, "runAsUser").and_then(Node::as_i64).is_some_and(|user| user > 0);
            if has_user || set.and_then(Node::as_bool) == Some(true) {
                continue;
            }
            let span = set.map_or_else(|| c.nearest(&["securityContext"]), |n| n.span);
            let fix = match set {
                Some(node) => it.doc.replace(node.span, "true"),
                None => Some(c.with(&it.doc, &["securityContext"], "runAsNonRoot: true")),
            };
            let problem = it.problem(span, format!("{} may run as root: it has no `runAsUser`, and `runAsNonRoot` is not true", c.title()));
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Uid;

impl Rule for Uid {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-uid",
            severity: Severity::Info,
            title: "Containers run as a high user id",
            why: "A low id is a real user of the node, so a process that escapes may own that user's files; ids from 10000 on belong to nobody there.",
            fix: "Set `runAsUser` and `runAsGroup` to 10000 or more.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  runAsUser: 10001\n  runAsGroup: 10001\n"),
            fails: Example::Pod("securityContext:\n  runAsUser: 1000\n  runAsGroup: 10001\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (pod, c) in it.containers() {
            for key in ["runAsUser", "runAsGroup"] {
                match context(pod, &c, key) {
                    Some(id) if id.as_i64().is_some_and(|n| n < 10_000) => {
                        look.found(it.problem(id.span, format!("`{key}` of {} is {}, below 10000", c.title(), it.doc.shown(id))));
                    }
                    Some(_) => {}
                    None => look.found(it.problem(c.nearest(&["securityContext"]), format!("{} has no `{key}`", c.title()))),
                }
            }
        }
    }
}

pub struct Privileged;

impl Rule for Privileged {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-priv",
            severity: Severity::Error,
            title: "No container is privileged",
            why: "A privileged container sees the node's devices and may mount its disks: whoever gets in owns the node. A GPU doesn't need it; the device plugin mounts what is needed.",
            fix: "Remove `privileged: true`; add the one capability that is really needed.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  privileged: false"),
            fails: Example::Container("securityContext:\n  privileged: true"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            if let Some(set) = c.node.path(&["securityContext", "privileged"]).filter(|n| n.as_bool() == Some(true)) {
                let problem = it.problem(set.span, format!("{} is privileged", c.title()));
                let fix = it.doc.replace(set.span, "false");
                look.found(Problem { fix, ..problem });
            }
        }
    }
}

pub struct Escalation;

impl Rule for Escalation {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-ape",
            severity: Severity::Error,
            title: "Processes can't gain privileges",
            why: "`allowPrivilegeEscalation: false` sets no_new_privs: a set-uid program in the image then can't make root of an ordinary user. It is true unless you say otherwise.",
            fix: "Set `allowPrivilegeEscalation: false` in the container's securityContext.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  allowPrivilegeEscalation: false"),
            fails: Example::Container("securityContext:\n  runAsNonRoot: true"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        must_be(it, look, "allowPrivilegeEscalation", false, "lets its processes gain privileges: `allowPrivilegeEscalation` is not false");
    }
}

pub struct ReadOnlyRoot;

impl Rule for ReadOnlyRoot {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-rofs",
            severity: Severity::Warning,
            title: "The root file system is read-only",
            why: "Whoever gets in can't leave a program behind or change yours, and nothing writes unnoticed to the node's disk. Give what must be written a volume.",
            fix: "Set `readOnlyRootFilesystem: true` and mount an `emptyDir` where the program writes, such as /tmp.",
            looks_at: Subject::Pods,
            passes: Example::Container("securityContext:\n  readOnlyRootFilesystem: true"),
            fails: Example::Container("securityContext:\n  readOnlyRootFilesystem: false"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        must_be(it, look, "readOnlyRootFilesystem", true, "can write to its root file system");
    }
}

pub struct Seccomp;

impl Rule for Seccomp {
    fn about(&self) -> &'static About {
        &About {
            id: "sec-seccomp",
            severity: Severity::Warning,
            title: "The runtime's seccomp profile is on",
            why: "It blocks some 60 system calls that no service needs and many kernel exploits do. The level `restricted` of Pod Security demands it.",
            fix: "Set `seccompProfile.type: RuntimeDefault` in the pod's securityContext.",
            looks_at: Subject::Pods,
            passes: Example::Pod("securityContext:\n  seccompProfile:\n    type: RuntimeDefault\n"),
            fails: Example::Pod("securityContext:\n  seccompProfile:\n    type: Unconfined\n"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (pod, c) in it.containers() {
            let profile = context(pod, &c, "seccompProfile").and_then(|p| p.get("type"));
            match profile.map(|p| (p, p.as_str())) {
                Some((_, Some("RuntimeDefault" | "Localhost"))) => {}
                Some((node, _)) => {
                    let problem = it.problem(node.span, format!("{} runs without seccomp: `{}`", c.title(), it.doc.shown(node)));
                    let fix = it.doc.replace(node.span, "RuntimeDefault");
                    look.found(Problem { fix, ..problem });
                }
                None => {
                    let fix = c.with(&it.doc, &["securityContext"], "seccompProfile:\n  type: RuntimeDefault");
                    look.found(it.problem(c.nearest(&["securityContext"]), format!("{} has no seccomp profile", c.title())).fix(fix));
                }
            }
        }
    }
}
