//! Rules about roles and their bindings: who may become more than meant.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::Severity;
use crate::engine::yaml::Node;

const ROLES: Subject = Subject::Kinds(&["Role", "ClusterRole"]);
const GOOD: Example = Example::Whole(
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: deployer\nrules:\n  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: [get, list, patch]",
);

/// The word of a list, by name or by `*`.
fn named<'a>(rule: &'a Node, list: &str, words: &[&str]) -> Option<&'a Node> {
    rule.get(list).map_or(&[][..], Node::items).iter().find(|n| n.as_str().is_some_and(|w| words.contains(&w)))
}

/// Whether a rule is about this API group: `secrets` of another group are somebody's own kind. The core group is "".
fn in_group(rule: &Node, group: &str) -> bool {
    rule.get("apiGroups").is_none() || named(rule, "apiGroups", &[group, "*"]).is_some()
}

fn rules<'a>(it: &Object<'a>) -> &'a [Node] {
    it.node.get("rules").map_or(&[], Node::items)
}

const READ: &[&str] = &["get", "list", "watch", "*"];
const CREATE: &[&str] = &["create", "*"];

pub struct ClusterAdmin;

impl Rule for ClusterAdmin {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-cluster-admin",
            severity: Severity::Error,
            title: "Nobody is bound to cluster-admin",
            why: "cluster-admin may read every secret and delete every namespace. A service account with it makes each pod that runs as it an administrator.",
            fix: "Bind a Role with the verbs and resources that are needed.",
            looks_at: Subject::Kinds(&["RoleBinding", "ClusterRoleBinding"]),
            passes: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: deployer\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: deployer\nsubjects:\n  - kind: ServiceAccount\n    name: ci",
            ),
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: ci\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: cluster-admin\nsubjects:\n  - kind: ServiceAccount\n    name: ci\n    namespace: ci",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        if let Some(name) = it.node.path(&["roleRef", "name"]).filter(|n| n.as_str() == Some("cluster-admin")) {
            look.found(it.problem(name.span, format!("{} gives cluster-admin away", it.title())));
        }
    }
}

pub struct Wildcard;

impl Rule for Wildcard {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-wildcard",
            severity: Severity::Error,
            title: "No rule of a role says *",
            why: "`*` also means what is invented tomorrow: every custom resource and every verb of a later version.",
            fix: "Name the API groups, resources and verbs.",
            looks_at: ROLES,
            passes: GOOD,
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: deployer\nrules:\n  - apiGroups: [apps]\n    resources: [deployments]\n    verbs: [\"*\"]",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for rule in rules(it) {
            for list in ["apiGroups", "resources", "verbs"] {
                if let Some(star) = named(rule, list, &["*"]) {
                    look.found(it.problem(star.span, format!("a rule of {} has `*` under `{list}`", it.title())));
                }
            }
        }
    }
}

pub struct Secrets;

impl Rule for Secrets {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-secrets",
            severity: Severity::Warning,
            title: "No role reads all secrets",
            why: "Whoever may read a namespace's secrets has its database passwords and the tokens of its service accounts, and is all of them.",
            fix: "Name the one secret under `resourceNames`, or mount it instead.",
            looks_at: ROLES,
            passes: GOOD,
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: reader\nrules:\n  - apiGroups: [\"\"]\n    resources: [secrets]\n    verbs: [get, list]",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for rule in rules(it).iter().filter(|r| in_group(r, "") && r.get("resourceNames").is_none_or(|n| n.items().is_empty())) {
            if let (Some(secrets), Some(_)) = (named(rule, "resources", &["secrets", "*"]), named(rule, "verbs", READ)) {
                look.found(it.problem(secrets.span, format!("{} may read every secret", it.title())));
            }
        }
    }
}

pub struct CreatePods;

impl Rule for CreatePods {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-create-pods",
            severity: Severity::Warning,
            title: "No role creates pods by itself",
            why: "Whoever may create a pod may run it as any service account of the namespace and mount any of its secrets.",
            fix: "Let it change Deployments by name instead.",
            looks_at: ROLES,
            passes: GOOD,
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: runner\nrules:\n  - apiGroups: [\"\"]\n    resources: [pods]\n    verbs: [create]",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for rule in rules(it).iter().filter(|r| in_group(r, "")) {
            if let (Some(pods), Some(_)) = (named(rule, "resources", &["pods", "*"]), named(rule, "verbs", CREATE)) {
                look.found(it.problem(pods.span, format!("{} may create pods", it.title())));
            }
        }
    }
}

pub struct Exec;

impl Rule for Exec {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-exec",
            severity: Severity::Warning,
            title: "No role opens shells in pods",
            why: "`pods/exec`, `pods/attach` and `nodes/proxy` are a shell in every pod they reach, with that pod's secrets in its environment.",
            fix: "Remove the subresource; for debugging give it to people, for an hour.",
            looks_at: ROLES,
            passes: GOOD,
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: debugger\nrules:\n  - apiGroups: [\"\"]\n    resources: [pods/exec]\n    verbs: [create]",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for rule in rules(it).iter().filter(|r| in_group(r, "")) {
            if let Some(way) = named(rule, "resources", &["pods/exec", "pods/attach", "pods/ephemeralcontainers", "nodes/proxy"]) {
                look.found(it.problem(way.span, format!("{} may get into running pods by `{}`", it.title(), it.doc.shown(way))));
            }
        }
    }
}

pub struct Escalate;

impl Rule for Escalate {
    fn about(&self) -> &'static About {
        &About {
            id: "rbac-escalate",
            severity: Severity::Error,
            title: "No role can make itself stronger",
            why: "`escalate` and `bind` on roles, `impersonate`, and changing webhooks or approving certificates each lead to cluster-admin in one step.",
            fix: "Remove the verb.",
            looks_at: ROLES,
            passes: GOOD,
            fails: Example::Whole(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: helper\nrules:\n  - apiGroups: [rbac.authorization.k8s.io]\n    resources: [clusterroles]\n    verbs: [bind]",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for rule in rules(it) {
            let verb = named(rule, "verbs", &["escalate", "bind", "impersonate", "approve", "sign"]);
            let webhooks = named(rule, "resources", &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"])
                .filter(|_| in_group(rule, "admissionregistration.k8s.io") && named(rule, "verbs", &["create", "update", "patch", "*"]).is_some());
            if let Some(way) = verb.or(webhooks) {
                look.found(it.problem(way.span, format!("{} may make itself stronger by `{}`", it.title(), it.doc.shown(way))));
            }
        }
    }
}
