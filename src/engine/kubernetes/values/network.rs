//! Services, Ingresses and ports: what may be sent where, by which number, name, host and path.
use super::names::{is_dns_name, is_port_name};
use super::pods::unique;
use super::{At, Walk};
use crate::engine::yaml::{Node, Value};

pub fn service(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let text = |key: &str| at.node.get(key).and_then(Node::as_str);
    let ports = at.node.get("ports").map_or(&[][..], Node::items);
    if ports.is_empty() && text("type") != Some("ExternalName") && text("clusterIP") != Some("None") {
        let problem = walk.doc.problem(at.head(), "this Service has no `ports`");
        walk.add(problem.why("A Service passes connections on by port; only headless and ExternalName Services need none.").fix(walk.doc.add(
            at.node,
            at.key,
            "ports:\n  - name: http\n    port: 80\n    targetPort: 8080",
        )));
    }
    if ports.len() > 1 {
        for port in ports.iter().filter(|p| p.get("name").is_none_or(super::shapes::is_empty)) {
            let span = port.get("port").map_or(port.span, |n| n.span);
            let problem = walk.doc.problem(span, "each port of a Service with several ports needs a `name`");
            walk.add(problem.why("DNS and probes tell the ports apart by name.").fix(walk.doc.add(port, None, "name: …")));
        }
    }
    unique(walk, ports.iter(), "name", "port");
    if matches!(text("type"), None | Some("" | "ClusterIP")) {
        for open in ports.iter().filter_map(|p| p.entry("nodePort")).filter(|e| e.value.as_i64().is_some_and(|n| n != 0)) {
            let problem = walk.doc.problem(open.key_span, "`nodePort` may not be set when the type is `ClusterIP`");
            walk.add(
                problem
                    .why("Only Services of the types NodePort and LoadBalancer open a port on each node; the API refuses the field on others.")
                    .fix("Remove `nodePort`, or write `type: NodePort`."),
            );
        }
    }
}

/// A port by number or by name: text is a name, digits in quotes too.
pub fn number_or_name(walk: &mut Walk<'_, '_>, at: At<'_>, key: &str) {
    let Some(node) = at.node.get(key) else { return };
    let Some(text) = node.as_str().filter(|t| !is_port_name(t)) else { return };
    let number = text.parse::<u16>().ok().filter(|n| *n > 0);
    let message = match number {
        Some(_) => format!("`{key}` is `{text}` in quotes, which is a name, and a port's name has a letter in it: remove the quotes"),
        None => {
            format!("`{key}` is `{}`: a port's name is at most 15 lower-case letters, digits and `-`, with at least one letter", walk.doc.shown(node))
        }
    };
    let fix = number.and_then(|n| walk.doc.replace(node.span, &n.to_string()));
    let problem = walk.doc.problem(node.span, message);
    walk.add(
        problem
            .why("A number is a port, text is the name that a container gives one of its ports.")
            .fix(fix.unwrap_or_else(|| "Write the port's number without quotes, or its name.".into())),
    );
}

pub fn ingress_path(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let exact = matches!(at.text("pathType"), "Exact" | "Prefix");
    let Some(path) = at.node.get("path").filter(|p| !matches!(p.value, Value::Null)) else {
        if exact {
            let fix = walk.doc.add(at.node, at.key, "path: /");
            walk.refuse(at.head(), format!("the type `{}` needs a `path`", at.text("pathType")), "It is what requests are compared with.", fix);
        }
        return;
    };
    if let Some(part) = ["//", "/./", "/../", "%2f", "%2F"].into_iter().find(|p| exact && path.as_str().is_some_and(|t| t.contains(p))) {
        let message = format!("`path` must not contain `{part}`");
        return walk.refuse(
            path.span,
            message,
            "Proxies clean such paths up, so it would never match; the API refuses it.",
            "Write the path as it arrives.",
        );
    }
    if let Some(text) = path.as_str().filter(|t| if t.is_empty() { exact } else { !t.starts_with('/') }) {
        let problem = walk.doc.problem(path.span, format!("`path` must begin with `/`, but it is `{}`", walk.doc.shown(path)));
        let fix = walk.doc.replace(path.span, &format!("/{text}")).unwrap_or_else(|| "Put a `/` before it.".into());
        walk.add(problem.why("It is compared with the path of a request, which always begins with `/`; the API refuses another.").fix(fix));
    }
}

/// Requests must go somewhere.
pub fn ingress(walk: &mut Walk<'_, '_>, at: At<'_>) {
    if at.items("rules").is_empty() && at.given("defaultBackend").is_none() {
        let why = "An Ingress passes requests on by its rules, and what none fits to the default; the API refuses one with neither.";
        walk.refuse(at.head(), "this Ingress has neither `rules` nor `defaultBackend`", why, "Add `rules`.");
    }
}

pub fn ingress_rule(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(host) = at.node.get("host") else { return };
    let Some(text) = host.as_str().filter(|t| !t.is_empty()) else { return };
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    if is_address || !is_dns_name(text.strip_prefix("*.").unwrap_or(text)) {
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest).split(['/', ':']).next().unwrap_or("").to_ascii_lowercase();
        let problem =
            walk.doc.problem(host.span, format!("`host` must be a DNS name such as `chat.example.org`, but it is `{}`", walk.doc.shown(host)));
        let fix = if !is_address && is_dns_name(&bare) { walk.doc.replace(host.span, &bare) } else { None };
        walk.add(
            problem
                .why("It is compared with the `Host` header of a request: a name, without scheme, port or path.")
                .fix(fix.unwrap_or_else(|| "Write the name alone, or leave `host` out to take every request.".into())),
        );
    }
}
