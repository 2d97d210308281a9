//! Rules about bounds of whole namespaces, and of what containers may use beyond what they ask for.
use super::{About, Example, Look, Rule, Subject};
use crate::engine::kubernetes::objects::Object;
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::report::{Problem, Severity};

pub struct NamespaceQuota;

impl Rule for NamespaceQuota {
    fn about(&self) -> &'static About {
        &About {
            id: "quota",
            severity: Severity::Info,
            title: "A namespace has a quota, and defaults for containers",
            why: "Without a ResourceQuota one loop in one namespace takes the whole cluster, GPUs first; without a LimitRange a container that asks for nothing is refused by the quota or runs without bounds.",
            fix: "Hand in a ResourceQuota and a LimitRange for the namespace.",
            looks_at: Subject::Kinds(&["Namespace"]),
            passes: Example::Whole(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: chat\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: chat\n  namespace: chat\nspec:\n  hard:\n    requests.cpu: \"8\"\n    requests.memory: 32Gi\n    requests.nvidia.com/gpu: \"2\"\n---\napiVersion: v1\nkind: LimitRange\nmetadata:\n  name: chat\n  namespace: chat\nspec:\n  limits:\n    - type: Container\n      defaultRequest:\n        cpu: 100m\n        memory: 128Mi",
            ),
            fails: Example::Whole("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: chat"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        let objects = look.objects;
        let mut lacks = Vec::new();
        for kind in ["ResourceQuota", "LimitRange"] {
            // One that names no namespace may well be applied to this one.
            match objects.kind(kind).find(|o| o.namespace.is_empty() || o.namespace == it.name) {
                Some(found) => look.read(found),
                None => lacks.push(kind),
            }
        }
        if !lacks.is_empty() {
            look.found(it.problem(it.head(), format!("{} has no {}", it.title(), lacks.join(" and no "))));
        }
    }
}

pub struct Ratio;

/// What may be limited beyond its request, and how many times.
const RATIOS: [(&str, u64, &str); 2] = [("memory", 2, "twice"), ("cpu", 10, "ten times")];

impl Rule for Ratio {
    fn about(&self) -> &'static About {
        &About {
            id: "res-ratio",
            severity: Severity::Info,
            title: "A limit is not far above its request",
            why: "Nodes are filled by requests. If every container may use many times what it asks for, a busy hour takes more than the node has: memory ends in evictions, CPU in replies that take ten times as long.",
            fix: "Raise the request to what it uses in a busy hour: at least half of the memory limit and a tenth of the CPU limit.",
            looks_at: Subject::Pods,
            passes: Example::Container("resources:\n  requests:\n    cpu: 250m\n    memory: 1Gi\n  limits:\n    cpu: \"1\"\n    memory: 2Gi"),
            fails: Example::Container("resources:\n  requests:\n    cpu: 250m\n    memory: 128Mi\n  limits:\n    cpu: \"1\"\n    memory: 2Gi"),
        }
    }

    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>) {
        for (_, c) in it.containers() {
            for (resource, times, words) in RATIOS {
                let (Some(request), Some(limit)) = (c.request(resource), c.limit(resource)) else { continue };
                let (Some(r), Some(l)) = (Quantity::of(request), Quantity::of(limit)) else { continue };
                if l <= r.times(times) {
                    continue;
                }
                let (asked, may) = (it.doc.shown(request), it.doc.shown(limit));
                let problem =
                    it.problem(request.span, format!("{} requests {asked} of {resource} but may use {may}, more than {words} as much", c.title()));
                let fix = it.doc.replace(request.span, &l.divided(times).canonical(resource == "memory"));
                look.found(Problem { fix, ..problem });
            }
        }
        if !it.containers().any(|(_, c)| RATIOS.iter().any(|(r, ..)| c.request(r).or_else(|| c.limit(r)).is_some())) {
            look.nothing(it.problem(it.head(), format!("no container of {} has a request or a limit", it.title())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::said;

    #[test]
    fn a_quota_is_for_its_own_namespace() {
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: chat}\n---\n";
        let bounds = |of: &str| {
            ["ResourceQuota", "LimitRange"].map(|kind| format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a{of}}}\nspec: {{}}\n")).join("---\n")
        };
        for (bounds, lacks) in [
            (bounds(""), None),
            (bounds(", namespace: chat"), None),
            (bounds(", namespace: other"), Some("Namespace `chat` has no ResourceQuota and no LimitRange")),
            (bounds("").replace("LimitRange", "ConfigMap"), Some("Namespace `chat` has no LimitRange")),
        ] {
            assert_eq!(said("quota", &format!("{namespace}{bounds}")), lacks.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{bounds}");
        }
    }

    #[test]
    fn ratios_are_counted() {
        for (requests, limits, found) in [
            ("{memory: 1Gi, cpu: 100m}", "{memory: 2Gi, cpu: 1}", 0),
            ("{memory: 1023Mi, cpu: 100m}", "{memory: 2Gi, cpu: 1001m}", 2),
            ("{memory: 0}", "{memory: 1}", 1),
            ("{}", "{memory: 2Gi}", 0),
            ("{memory: x}", "{memory: 2Gi}", 0),
        ] {
            let pod = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: a:1, resources: {{requests: {requests}, limits: {limits}}}}}]}}\n"
            );
            assert_eq!(said("res-ratio", &pod).len(), found, "{requests} {limits}");
        }
    }
}
