//! Rules of access: what a rule is about, which role a binding names, and to whom.
use super::shapes::{Spelling, spelled};
use super::{At, Walk};

const GROUP: &str = "rbac.authorization.k8s.io";

/// A rule is about resources or about paths, never both.
pub fn rule(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(paths) = at.get("nonResourceURLs").filter(|p| !p.node.items().is_empty()) {
        if walk.kind == "Role" {
            let why = "Paths such as `/metrics` belong to no namespace; the API refuses them in a Role.";
            walk.refuse(paths.head(), "a Role can't allow `nonResourceURLs`", why, "Use a ClusterRole for it.");
        } else if ["apiGroups", "resources", "resourceNames"].iter().any(|k| !at.items(k).is_empty()) {
            let why = "A rule is about objects or about paths of the API; the API refuses one about both.";
            walk.refuse(paths.head(), "`nonResourceURLs` may not stand beside `resources`", why, "Make two rules of it.");
        }
        return;
    }
    for (key, example) in [("apiGroups", "apiGroups: [\"\"]"), ("resources", "resources: [pods]")] {
        if at.items(key).is_empty() {
            let span = at.get(key).map_or(at.head(), At::head);
            let fix = if at.get(key).is_some() { format!("Write `{example}`.") } else { walk.doc.add(at.node, at.key, example) };
            let why = "A rule names groups and resources; the core group is the empty text. The API refuses a rule that leaves one of them out.";
            // Both may be missing at one place.
            let also = if key == "apiGroups" && at.items("resources").is_empty() { " and `resources`" } else { "" };
            walk.refuse(span, format!("this rule has no `{key}`{also}"), why, fix);
        }
    }
}

pub fn role(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if let Some(group) = at.get("apiGroup").filter(|g| g.node.as_str().is_some_and(|t| !t.is_empty() && t != GROUP)) {
        let fix = walk.doc.replace(group.node.span, GROUP);
        let message = format!("`apiGroup` of a role is `{GROUP}`, not `{}`", walk.doc.shown(group.node));
        walk.refuse(
            group.node.span,
            message,
            "Roles are in this group alone; it has no version here.",
            fix.unwrap_or_else(|| format!("Write `{GROUP}`.")),
        );
    }
    if walk.kind == "ClusterRoleBinding"
        && let Some(kind) = at.get("kind").filter(|k| k.node.as_str() == Some("Role"))
    {
        let why = "A Role belongs to a namespace, and this binding to none; the API refuses it.";
        walk.refuse(
            kind.node.span,
            "a ClusterRoleBinding can't bind a Role",
            why,
            "Write `ClusterRole`, or use a RoleBinding in the Role's namespace.",
        );
    }
}

pub fn subject(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let (kind, group) = (at.text("kind"), at.get("apiGroup").filter(|g| g.node.as_str().is_some_and(|t| !t.is_empty())));
    match kind {
        "ServiceAccount" => {
            if let Some(group) = group {
                let why = "ServiceAccounts are in the core group, whose name is empty.";
                walk.refuse(group.head(), "a ServiceAccount as a subject has no `apiGroup`", why, "Remove `apiGroup`.");
            }
            if let Some((node, text)) = at.node.get("name").and_then(|n| Some((n, n.as_str()?))).filter(|(_, t)| !t.is_empty()) {
                spelled(walk, node, "name", text, Spelling::Name);
            }
            if walk.kind == "ClusterRoleBinding" && at.text("namespace").is_empty() {
                let fix = walk.doc.add(at.node, at.key, "namespace: …");
                walk.refuse(
                    at.head(),
                    "this ServiceAccount needs its `namespace`",
                    "A ClusterRoleBinding is in no namespace of its own, so it can't be filled in.",
                    fix,
                );
            }
        }
        // Left out it is filled in.
        "User" | "Group" => {
            if let Some(group) = group.filter(|g| g.node.as_str() != Some(GROUP)) {
                let fix = walk.doc.replace(group.node.span, GROUP).unwrap_or_else(|| format!("Write `{GROUP}`."));
                walk.refuse(group.node.span, format!("`apiGroup` of a {kind} is `{GROUP}`"), "The API refuses another.", fix);
            }
        }
        _ => {}
    }
}
