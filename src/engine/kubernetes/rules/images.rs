//! Rules about images: tags that stand still, pull policies that fit them.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::report::Severity;
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
            look.found(crate::engine::report::Problem { fix, ..problem });
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
