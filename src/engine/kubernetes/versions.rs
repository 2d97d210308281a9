//! Which schema an object asks for, and what became of API versions that are gone.
use super::catalog::{Catalog, Field};
use super::custom::{self, Kind};
use super::doc::Doc;
use super::words;
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span, Value};
use jsonschema::Validator;
use std::sync::Arc;

/// API versions that no server of 1.35 to 1.37 takes any more: version, kinds (none: all of it), since, and what came instead.
/// From the deprecation guide of the Kubernetes documentation and the difference of the published schemas.
#[rustfmt::skip]
pub const GONE: &[(&str, &[&str], &str, &str)] = &[
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], "1.16", "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], "1.16", "the Pod Security Standards, set by labels of the namespace"),
    ("settings.k8s.io/v1alpha1", &["PodPreset"], "1.20", "a policy or webhook that changes pods at admission"),
    ("auditregistration.k8s.io/v1alpha1", &["AuditSink"], "1.19", "the audit webhook of the API server"),
    ("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", &["Deployment", "StatefulSet", "ReplicaSet", "ControllerRevision"], "1.16", "apps/v1"),
    ("apps/v1beta2", &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"], "1.16", "apps/v1"),
    ("admissionregistration.k8s.io/v1beta1", &["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"], "1.22", "admissionregistration.k8s.io/v1"),
    ("admissionregistration.k8s.io/v1alpha1", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"], "1.32", "admissionregistration.k8s.io/v1"),
    ("admissionregistration.k8s.io/v1beta1", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"], "1.34", "admissionregistration.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", &[], "1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &[], "1.22", "apiregistration.k8s.io/v1"),
    ("authentication.k8s.io/v1beta1", &[], "1.22", "authentication.k8s.io/v1"),
    ("authorization.k8s.io/v1beta1", &[], "1.22", "authorization.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], "1.22", "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], "1.22", "coordination.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", &[], "1.22", "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1alpha1", &[], "1.22", "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"], "1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], "1.27", "storage.k8s.io/v1"),
    ("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    ("batch/v2alpha1", &["CronJob"], "1.21", "batch/v1"),
    ("discovery.k8s.io/v1beta1", &[], "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &[], "1.25", "events.k8s.io/v1"),
    ("autoscaling/v2beta1", &[], "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", &[], "1.26", "autoscaling/v2"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], "1.25", "the Pod Security Standards, set by labels of the namespace"),
    ("node.k8s.io/v1beta1", &[], "1.25", "node.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &[], "1.26", "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", &[], "1.29", "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &[], "1.32", "flowcontrol.apiserver.k8s.io/v1"),
    ("resource.k8s.io/v1alpha2", &[], "1.31", "resource.k8s.io/v1"),
    ("resource.k8s.io/v1alpha3", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"], "1.34", "resource.k8s.io/v1"),
];

/// API versions that are still served but on their way out.
pub const GOING: &[(&str, &[&str], &str, &str)] = &[
    ("v1", &["Endpoints"], "1.33", "discovery.k8s.io/v1 EndpointSlice"),
    ("v1", &["ComponentStatus"], "1.19", "the health endpoints of the components"),
    ("networking.k8s.io/v1beta1", &["IPAddress", "ServiceCIDR"], "1.33", "networking.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", &["VolumeAttributesClass"], "1.34", "storage.k8s.io/v1"),
    ("certificates.k8s.io/v1alpha1", &["ClusterTrustBundle"], "1.33", "certificates.k8s.io/v1beta1"),
    (
        "admissionregistration.k8s.io/v1alpha1",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"],
        "1.36",
        "admissionregistration.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"],
        "1.36",
        "admissionregistration.k8s.io/v1",
    ),
    ("resource.k8s.io/v1beta1", &[], "1.34", "resource.k8s.io/v1"),
    ("resource.k8s.io/v1beta2", &[], "1.34", "resource.k8s.io/v1"),
];

/// Since when and for what an API version was given up, by one of the tables.
pub fn listed(table: &'static [(&str, &[&str], &str, &str)], api: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    table.iter().find(|(a, kinds, ..)| *a == api && (kinds.is_empty() || kinds.contains(&kind))).map(|(_, _, since, instead)| (*since, *instead))
}

/// What an object must look like.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    pub field: Field<'a>,
    /// None for a definition of Kubernetes' own.
    custom: Option<&'a Kind>,
}

impl Shape<'_> {
    /// The schema in the form that says what is wrong; compiled when first asked for.
    pub fn validator(&self, catalog: &Catalog) -> Result<Arc<Validator>, String> {
        match (self.custom, self.field.definition) {
            (Some(kind), _) => kind.validator(catalog),
            (None, definition) => catalog.validator(definition.unwrap_or_default()),
        }
    }
}

/// The shape an object must have, or what is wrong with the way it names itself; `own` are kinds that the hand-in defines.
pub fn identify<'a>(catalog: &'a Catalog, own: &'a [Kind], doc: &Doc<'_>, root: &Node) -> Result<Shape<'a>, Vec<Problem>> {
    let Value::Map(entries) = &root.value else {
        return Err(vec![
            doc.problem(root.span, "a Kubernetes object is a mapping with `apiVersion`, `kind` and `metadata`, and this is none")
                .fix("Begin with `apiVersion:` and `kind:`."),
        ]);
    };
    let start = entries.first().map_or(root.span, |e| e.key_span);
    let text = |key: &str| root.get(key).and_then(Node::as_str);
    match (text("apiVersion"), text("kind")) {
        (Some(api), Some(kind)) => {
            let named = |k: &&Kind| k.api == api && k.kind == kind;
            let custom = |k: &'a Kind| Shape { field: k.field(catalog), custom: Some(k) };
            if let Some(field) = catalog.definition(api, kind).and_then(|definition| catalog.schema(definition)) {
                Ok(Shape { field, custom: None })
            } else if let Some(kind) = own.iter().find(named) {
                // Only here may a schema be broken: that is said whatever the object is.
                kind.usable(catalog, root).map(|()| custom(kind)).map_err(|reason| vec![unusable(doc, start, &kind.kind, &reason)])
            } else {
                custom::embedded().iter().find(named).map(custom).ok_or_else(|| vec![unknown(catalog, doc, root, api, kind)])
            }
        }
        (None, Some(kind)) => {
            let homes: Vec<&str> = catalog.kinds().filter(|(_, k)| *k == kind).map(|(a, _)| a).collect();
            let problem = match root.entry("apiVersion") {
                Some(e) => doc.problem(e.value.span, format!("`apiVersion` must be a string, but {}", doc.describe(&e.value))),
                None => doc.problem(start, "`apiVersion` is missing: every object names the API it belongs to"),
            };
            let home = best(&homes);
            let fix =
                home.map_or_else(|| "Add `apiVersion:` as the first line.".into(), |h| format!("+apiVersion: {h}\n {}", doc.line(start.start.line)));
            Err(vec![problem.fix(fix)])
        }
        (_, None) => {
            let problem = match root.entry("kind") {
                Some(e) => doc.problem(e.value.span, format!("`kind` must be a string, but {}", doc.describe(&e.value))),
                None => doc.problem(start, "`kind` is missing: every object says what it is"),
            };
            Err(vec![problem.fix("Add `kind:` below `apiVersion:`.")])
        }
    }
}

/// Says that a schema can't be used, and why.
pub fn unusable(doc: &Doc<'_>, at: Span, kind: &str, reason: &str) -> Problem {
    doc.problem(at, format!("the schema of {kind} can't be used: {reason}")).fix("Mend the schema in the CustomResourceDefinition.")
}

fn unknown(catalog: &Catalog, doc: &Doc<'_>, root: &Node, api: &str, kind: &str) -> Problem {
    let (api_span, kind_span) = (root.get("apiVersion").map_or(root.span, |n| n.span), root.get("kind").map_or(root.span, |n| n.span));
    let custom = || custom::embedded().iter().map(|k| (k.api.as_str(), k.kind.as_str()));
    let homes: Vec<&str> = catalog.kinds().chain(custom()).filter(|(_, k)| *k == kind).map(|(a, _)| a).collect();
    if let Some((since, instead)) = listed(GONE, api, kind) {
        let problem = doc.problem(api_span, format!("`{api}` {kind} was removed in Kubernetes {since}; use {}", name(instead)));
        let fix = if instead.contains(' ') { None } else { doc.replace(api_span, instead) };
        return Problem { fix, ..problem }
            .why("A server that no longer has this API version refuses the object, so an upgrade of the cluster breaks your deployment.");
    }
    if let Some((since, instead)) = listed(GOING, api, kind) {
        let message =
            format!("`{api}` {kind} is deprecated since Kubernetes {since} and no longer served in {}; use {}", catalog.version, name(instead));
        let fix = if instead.contains(' ') { None } else { doc.replace(api_span, instead) };
        return Problem { fix, ..doc.problem(api_span, message) }.why("A server that no longer has this API version refuses the object.");
    }
    let group = |api: &str| api.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_string());
    let (ours, known) = (group(api), |g: &str| catalog.kinds().chain(custom()).any(|(a, _)| group(a) == g));
    // A group of somebody else's may have a Service or a Gateway of its own; one that is nearly ours is a slip.
    let foreign = ours.contains('.') && !known(&ours);
    let homes: Vec<&str> = homes.into_iter().filter(|h| !foreign || strsim::osa_distance(&group(h), &ours) <= 3).collect();
    if let Some(home) = best(&homes) {
        let problem = doc.problem(api_span, format!("{kind} is in `{home}`, not in `{api}`"));
        return Problem { fix: doc.replace(api_span, home), ..problem }
            .why("`apiVersion` and `kind` together name the schema; the server looks for the kind in this API only.");
    }
    let near = if foreign { None } else { words::nearest(kind, catalog.kinds().chain(custom()).map(|(_, k)| k)) };
    if let Some(right) = near {
        let homes: Vec<&str> = catalog.kinds().chain(custom()).filter(|(_, k)| *k == right).map(|(a, _)| a).collect();
        let also = best(&homes).filter(|h| *h != api).map(|h| format!(" of `{h}`")).unwrap_or_default();
        let problem = doc.problem(kind_span, format!("there is no kind `{kind}`; did you mean `{right}`{also}?"));
        return Problem { fix: doc.replace(kind_span, right), ..problem };
    }
    doc.problem(kind_span, format!("no schema is known for {kind} of `{api}` in Kubernetes {}", catalog.version))
        .why("Only objects whose schema is known can be graded; a custom resource needs its definition.")
        .fix("Check `apiVersion` and `kind` for slips. If it is a custom resource, leave it out of what you hand in.")
}

/// The version a kind is best written in: the stable one.
fn best<'a>(homes: &[&'a str]) -> Option<&'a str> {
    let stable = |h: &&&str| !h.contains("alpha") && !h.contains("beta");
    homes.iter().rfind(stable).or(homes.last()).copied()
}

fn name(instead: &str) -> String {
    if instead.contains(' ') { instead.to_string() } else { format!("`{instead}`") }
}
