//! Rules about Ingresses beyond where they send: the hosts of their certificates, and configuration that is pasted into the proxy.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::{Object, short};
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

pub struct TlsHosts;

impl Rule for TlsHosts {
    fn about(&self) -> &'static About {
        &About {
            id: "ing-tls-hosts",
            severity: Severity::Warning,
            title: "Every host of an Ingress has a certificate",
            why: "For a host that no `tls` entry names the controller presents its own self-signed certificate, or speaks plain HTTP: browsers warn and API clients refuse.",
            fix: "List the host under `tls.hosts`, with the Secret of a certificate that is valid for it.",
            looks_at: Subject::Kinds(&["Ingress"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  tls:\n    - hosts: [chat.example.org]\n      secretName: chat-tls\n  rules:\n    - host: chat.example.org",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\nspec:\n  tls:\n    - hosts:\n        - example.org\n      secretName: chat-tls\n  rules:\n    - host: chat.example.org",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let entries = it.node.path(&["spec", "tls"]).map_or(&[][..], Node::items);
        if entries.is_empty() {
            look.nothing(it.problem(it.head(), format!("{} has no `tls`, so no certificate for any host", it.title())));
            return;
        }
        let lists: Vec<&Node> = entries.iter().filter_map(|e| e.get("hosts")).filter(|h| !h.items().is_empty()).collect();
        // An entry without hosts is for whatever the controller serves.
        if lists.len() < entries.len() {
            return;
        }
        let named: Vec<&str> = lists.iter().flat_map(|l| l.items()).filter_map(Node::as_str).take(MOST_HOSTS).collect();
        for host in it.node.path(&["spec", "rules"]).map_or(&[][..], Node::items).iter().filter_map(|r| r.get("host")).take(MOST_HOSTS) {
            let Some(wanted) = host.as_str().filter(|h| !h.is_empty()) else { continue };
            if named.iter().any(|name| covers(name, wanted)) {
                continue;
            }
            let near = words::nearest(wanted, named.iter().copied()).map(|n| format!("; did you mean `{}`?", short(n))).unwrap_or_default();
            let problem = it.problem(host.span, format!("no `tls` entry of {} names the host `{}`{near}", it.title(), short(wanted)));
            // With several it can't be said which certificate the host is in.
            let fix = if let [only] = lists.as_slice() { it.doc.append(only, &it.doc.raw(host)) } else { None };
            look.found(Problem { fix, ..problem });
        }
    }
}

/// Hosts that are compared with each other.
const MOST_HOSTS: usize = 200;

/// Whether a certificate's name is good for a host; `*` stands for one label.
fn covers(name: &str, host: &str) -> bool {
    let one_label = || name.strip_prefix("*.").zip(host.split_once('.')).is_some_and(|(domain, (label, rest))| label != "*" && domain == rest);
    name == host || one_label()
}

pub struct Snippets;

impl Rule for Snippets {
    fn about(&self) -> &'static About {
        &About {
            id: "ing-nginx-snippet",
            severity: Severity::Error,
            title: "No configuration is pasted into the proxy",
            why: "A snippet is written into the configuration of a proxy that all namespaces share and that may read every Secret of the cluster (CVE-2021-25742): whoever may change an Ingress may take them all.",
            fix: "Remove the snippet and use the annotation that is made for it; controllers refuse snippets by default since ingress-nginx 1.9.",
            looks_at: Subject::Kinds(&["Ingress"]),
            passes: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\n  annotations:\n    nginx.ingress.kubernetes.io/proxy-read-timeout: \"300\"\nspec:\n  defaultBackend:\n    service:\n      name: chat\n      port:\n        number: 80",
            ),
            fails: Example::Whole(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: chat\n  annotations:\n    nginx.ingress.kubernetes.io/configuration-snippet: proxy_read_timeout 300s;\nspec:\n  defaultBackend:\n    service:\n      name: chat\n      port:\n        number: 80",
            ),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for entry in it.node.path(&["metadata", "annotations"]).map_or(&[][..], Node::entries) {
            let Some((owner, name)) = entry.key.split_once('/') else { continue };
            let pasted = matches!(owner, "nginx.ingress.kubernetes.io" | "nginx.org") && (name.ends_with("-snippet") || name.ends_with("-snippets"));
            if pasted {
                let problem = it.problem(entry.key_span, format!("{} pastes `{}` into the proxy's configuration", it.title(), short(name)));
                look.found(Problem { fix: it.doc.without(entry), ..problem });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_one_label() {
        for (name, host, good) in [
            ("chat.example.org", "chat.example.org", true),
            ("*.example.org", "chat.example.org", true),
            ("*.example.org", "*.example.org", true),
            ("*.example.org", "example.org", false),
            ("*.example.org", "a.chat.example.org", false),
            ("*.org", "*.example.org", false),
            ("example.org", "chat.example.org", false),
        ] {
            assert_eq!(covers(name, host), good, "{name} {host}");
        }
    }
}
