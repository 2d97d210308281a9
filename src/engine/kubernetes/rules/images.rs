//! Rules about images: tags that stand still, pull policies that fit them.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::{Problem, Severity};
use crate::engine::yaml::Node;

/// The tag of a reference, and whether it is pinned by digest.
fn tag(image: &str) -> (Option<&str>, bool) {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or(name);
    (last.split_once(':').map(|(_, tag)| tag), digest)
}

pub struct Latest;

impl Rule for Latest {
    fn about(&self) -> &'static About {
        &About {
            id: "img-latest",
            severity: Severity::Error,
            title: "Images have a tag that stands still",
            why: "`latest`, or no tag, is whatever was pushed last: two pods of one Deployment may run different code, and a roll-back brings nothing back.",
            fix: "Name the version you tested: `image: ghcr.io/acme/chat:1.4.2`.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
            fails: Example::Container("image: ghcr.io/acme/chat:latest"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let Some(image) = c.node.get("image") else { continue };
            match tag(c.image) {
                (_, true) => {}
                (None, _) => look.found(it.problem(image.span, format!("the image of {} has no tag, which means `latest`", c.title()))),
                (Some("latest"), _) => look.found(it.problem(image.span, format!("the image of {} has the tag `latest`", c.title()))),
                _ => {}
            }
        }
    }
}

pub struct PullPolicy;

impl Rule for PullPolicy {
    fn about(&self) -> &'static About {
        &About {
            id: "img-pull-policy",
            severity: Severity::Info,
            title: "The pull policy fits the tag",
            why: "`Never` fails on every node that lacks the image; a moving tag without `Always` runs whatever a node happened to keep; a fixed tag with `Always` makes every start wait for the registry.",
            fix: "Leave `imagePullPolicy` out, or write `IfNotPresent` with a version tag.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2\nimagePullPolicy: IfNotPresent"),
            fails: Example::Container("image: ghcr.io/acme/chat:latest\nimagePullPolicy: IfNotPresent"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let Some(policy) = c.node.get("imagePullPolicy") else { continue };
            let (tag, pinned) = tag(c.image);
            let moving = !pinned && matches!(tag, None | Some("latest"));
            let (wrong, right) = match policy.as_str() {
                Some("Never") => ("`Never` works only on nodes that already have the image", "IfNotPresent"),
                Some("IfNotPresent") if moving => ("`IfNotPresent` with a moving tag runs whatever the node kept", "Always"),
                Some("Always") if !moving => ("`Always` with a fixed tag makes every start depend on the registry", "IfNotPresent"),
                _ => continue,
            };
            let problem = it.problem(policy.span, format!("{}: {wrong}", c.title()));
            let fix = it.doc.replace(policy.span, right);
            look.found(Problem { fix, ..problem });
        }
    }
}

pub struct Digest;

impl Rule for Digest {
    fn about(&self) -> &'static About {
        &About {
            id: "img-digest",
            severity: Severity::Info,
            title: "Images are pinned by digest",
            why: "A tag can be pushed again with other contents; a digest is the contents. It is what you scanned and signed that runs.",
            fix: "Add the digest: `image: ghcr.io/acme/chat:1.4.2@sha256:…`; `crane digest IMAGE` prints it.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2@sha256:9b7c6d7f0f5f4f1a0f0c8f4c5a4c1b8a2d0e6f7a8b9c0d1e2f3a4b5c6d7e8f90"),
            fails: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            if let Some(image) = c.node.get("image").filter(|i: &&Node| i.as_str().is_some_and(|t| !t.contains("@sha256:"))) {
                look.found(it.problem(image.span, format!("the image of {} is not pinned by digest", c.title())));
            }
        }
    }
}

pub struct Registry;

/// Registries that are frozen or gone, and where their images are now.
const RETIRED: [(&str, Option<&str>); 3] =
    [("k8s.gcr.io", Some("registry.k8s.io")), ("gcr.io/google-containers", Some("registry.k8s.io")), ("docker.pkg.github.com", None)];

/// The registry that a reference names, if it names one: a first part that looks like a host.
fn registry(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

impl Rule for Registry {
    fn about(&self) -> &'static About {
        &About {
            id: "img-registry",
            severity: Severity::Warning,
            title: "Images say which registry they come from",
            why: "A name without a registry is whatever the node's runtime makes of it: Docker Hub mostly, which counts pulls per address and stops a whole cluster behind one, or a mirror with other contents. A retired registry gets no more fixes.",
            fix: "Write the registry in front: `ghcr.io/acme/chat:1.4.2`.",
            looks_at: Subject::Pods,
            passes: Example::Container("image: ghcr.io/acme/chat:1.4.2"),
            fails: Example::Container("image: nginx:1.29.3"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            let Some(node) = c.node.get("image").filter(|_| !c.image.is_empty() && !c.image.contains(['{', '$'])) else { continue };
            let retired = RETIRED.iter().find_map(|(old, new)| Some((old, new, c.image.strip_prefix(old)?.strip_prefix('/')?)));
            let (message, image) = match (retired, registry(c.image)) {
                (Some((old, new, rest)), _) => {
                    let message = format!("the image of {} comes from `{old}`, which is retired", c.title());
                    (message, new.map(|new| format!("{new}/{rest}")))
                }
                (None, Some(host)) if host.split(':').next() == Some("localhost") => {
                    (format!("the image of {} comes from `localhost`, which is each node itself", c.title()), None)
                }
                (None, Some(_)) => continue,
                (None, None) => {
                    let library = if c.image.contains('/') { "" } else { "library/" };
                    let message = format!("the image of {} doesn't say which registry it comes from", c.title());
                    (message, Some(format!("docker.io/{library}{}", c.image)))
                }
            };
            let problem = it.problem(node.span, message);
            look.found(Problem { fix: image.and_then(|image| it.doc.replace(node.span, &image)), ..problem });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::registry;

    #[test]
    fn a_registry_is_told_from_an_account() {
        for (image, host) in [
            ("chat", None),
            ("chat:1.4", None),
            ("acme/chat:1.4", None),
            ("ghcr.io/acme/chat", Some("ghcr.io")),
            ("registry:5000/chat", Some("registry:5000")),
            ("localhost/chat", Some("localhost")),
        ] {
            assert_eq!(registry(image), host, "{image}");
        }
    }
}
