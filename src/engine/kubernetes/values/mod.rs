//! What the schema lets through and the API refuses: quantities, names, ports, words out of a list, fields that exclude each other.
mod autoscaling;
mod containers;
mod definitions;
mod jobs;
mod limits;
mod names;
mod network;
mod placement;
mod pods;
mod policies;
mod rbac;
#[cfg(test)]
mod refusal_cases;
#[cfg(test)]
mod refusals;
mod resources;
mod schedule;
mod services;
mod shapes;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod volumes;

use super::catalog::Field;
use super::doc::Doc;
use super::words;
use crate::engine::report::Problem;
use crate::engine::yaml::{Node, Span, Value};

pub use names::{label_key_problem, label_value_problem};
pub use resources::QUANTITY;

/// Deeper than any API object goes; custom resources are not walked.
const DEEPEST: usize = 40;
/// More problems of one object than this tell a student nothing new.
pub const MOST: usize = 60;

/// Adds what is wrong with the values of an object to what its schema already found.
/// `version` is that of Kubernetes: `1.36`.
pub fn check(doc: &Doc<'_>, root: &Node, field: Field<'_>, version: &str, found: &mut Vec<Problem>) {
    // A StatefulSet's and a LeaderWorkerSet's.
    let claims = [&["spec", "volumeClaimTemplates"][..], &["spec", "leaderWorkerTemplate", "volumeClaimTemplates"]];
    let claims = claims.iter().filter_map(|path| root.path(path)).flat_map(Node::items);
    let claims = claims.filter_map(|c| c.path(&["metadata", "name"])?.as_str()).collect();
    let minor = version.rsplit('.').next().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX);
    let kind = root.get("kind").and_then(Node::as_str).unwrap_or("");
    let mut walk = Walk { doc, found, root, kind, native: field.definition.is_some(), minor, claims };
    names::of_object(&mut walk, root);
    walk.visit(At { node: root, key: None, name: "" }, field, 0);
}

/// A node with the key it is under.
#[derive(Clone, Copy)]
struct At<'a> {
    node: &'a Node,
    key: Option<Span>,
    name: &'a str,
}

impl<'a> At<'a> {
    fn get(self, key: &'a str) -> Option<At<'a>> {
        self.node.entry(key).map(|e| At { node: &e.value, key: Some(e.key_span), name: key })
    }

    /// What stands under a key, unless it is nothing.
    fn given(self, key: &'a str) -> Option<At<'a>> {
        self.get(key).filter(|at| !matches!(at.node.value, Value::Null))
    }

    /// The text under a key; none is an empty one, as the API reads it.
    fn text(self, key: &str) -> &'a str {
        self.node.get(key).and_then(Node::as_str).unwrap_or("")
    }

    fn is_true(self, key: &str) -> bool {
        self.node.get(key).and_then(Node::as_bool) == Some(true)
    }

    fn number(self, key: &str) -> Option<i64> {
        self.node.get(key).and_then(Node::as_i64)
    }

    fn items(self, key: &str) -> &'a [Node] {
        self.node.get(key).map_or(&[], Node::items)
    }

    /// Where to point at when the value itself is missing.
    fn head(self) -> Span {
        self.key.or_else(|| self.node.entries().first().map(|e| e.key_span)).unwrap_or(self.node.span)
    }
}

struct Walk<'a, 'f> {
    doc: &'a Doc<'a>,
    found: &'f mut Vec<Problem>,
    root: &'a Node,
    kind: &'a str,
    /// Kubernetes' own kind, not a custom resource.
    native: bool,
    /// The version of Kubernetes behind `1.`.
    minor: u32,
    /// Volumes that a StatefulSet makes for each of its pods.
    claims: Vec<&'a str>,
}

impl<'a> Walk<'a, '_> {
    fn add(&mut self, problem: Problem) {
        // The schema's word about a place is enough.
        if !self.is_full() && !self.found.iter().any(|p| p.place == problem.place) {
            self.found.push(problem.clipped());
        }
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, why: &str, fix: impl Into<String>) {
        if !self.is_full() {
            let problem = self.doc.problem(span, message);
            self.add(problem.why(why).fix(fix));
        }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    fn visit(&mut self, at: At<'a>, field: Field<'_>, depth: usize) {
        if depth > DEEPEST || self.is_full() {
            return;
        }
        if let Some(definition) = field.definition {
            shapes::check(self, at, tables::short(definition));
            self.checks(at, definition);
        }
        match &at.node.value {
            Value::Map(entries) => {
                let short = field.definition.map_or("", tables::short);
                for entry in entries {
                    let Some(next) = field.step(&entry.key) else { continue };
                    let child = At { node: &entry.value, key: Some(entry.key_span), name: &entry.key };
                    self.tables(short, child);
                    self.visit(child, next, depth + 1);
                }
            }
            Value::Seq(items) => {
                let Some(next) = field.item() else { return };
                for item in items {
                    self.visit(At { node: item, key: None, name: at.name }, next, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// The words and numbers a field of this definition may have.
    fn tables(&mut self, definition: &str, at: At<'a>) {
        shapes::field(self, at, definition);
        if let Some(options) = tables::options(definition, at.name) {
            let each: &[Node] = if at.node.items().is_empty() { std::slice::from_ref(at.node) } else { at.node.items() };
            for node in each {
                if node.as_str().is_some_and(|s| !options.contains(&s)) {
                    let problem = not_one_of(self.doc, node, &format!("`{}`", at.name), options);
                    self.add(problem.why("The API compares the word letter by letter and refuses the object if it is none of these."));
                }
            }
        }
        if let (Some((least, most)), Some(n)) = (tables::bounds(definition, at.name), at.node.as_i64())
            && (n < least || n > most)
        {
            let range = if most == tables::ANY { format!("at least {least}") } else { format!("between {least} and {most}") };
            let fix = if n < least { format!("Write {least} or more.") } else { format!("Write a number up to {most}.") };
            let problem = self.doc.problem(at.node.span, format!("`{}` must be {range}, but it is {n}", at.name));
            self.add(problem.why("The API refuses numbers out of this range.").fix(fix));
        }
    }

    fn checks(&mut self, at: At<'a>, definition: &str) {
        match tables::short(definition) {
            "resource.Quantity" => resources::quantity(self, at),
            "v1.ResourceRequirements" => resources::requirements(self, at),
            "v1.ResourceQuotaSpec" => {
                resources::quota(self, at);
                limits::quota(self, at);
            }
            "v1.LimitRangeItem" => limits::range(self, at),
            "v1.LimitRangeSpec" => pods::unique(self, at.items("limits").iter(), "type", "limit"),
            "v1.ObjectMeta" => names::labels_and_annotations(self, at),
            "v1.LabelSelector" => names::selector(self, at),
            "v1.PodTemplateSpec" => containers::template(self, at),
            "v1.Pod" => containers::pod(self, at),
            "v1.PodSpec" => {
                pods::spec(self, at);
                containers::spec(self, at);
                volumes::mounted(self, at);
                placement::spread(self, at);
            }
            "v1.Container" => {
                pods::container(self, at);
                containers::container(self, at);
            }
            "v1.ContainerPort" => names::port_name(self, at),
            "v1.ServicePort" => {
                names::port_name(self, at);
                network::number_or_name(self, at, "targetPort");
            }
            "v1.HTTPGetAction" | "v1.TCPSocketAction" => network::number_or_name(self, at, "port"),
            "v1.NetworkPolicyPort" => policies::port(self, at),
            "v1.NetworkPolicyPeer" => policies::peer(self, at),
            "v1.IPBlock" => policies::block(self, at),
            "v1.IngressSpec" => network::ingress(self, at),
            "v1.HTTPIngressPath" => network::ingress_path(self, at),
            "v1.IngressRule" => network::ingress_rule(self, at),
            "v1.Secret" => stored::secret(self, at),
            "v1.ConfigMap" => stored::config_map(self, at),
            "v1.PersistentVolumeClaimSpec" => stored::claim(self, at),
            "v1.PersistentVolumeSpec" => stored::volume(self, at),
            "v1.StorageClass" => stored::class(self, at),
            "v1.Probe" => pods::probe(self, at),
            "v1.EnvVar" => pods::env(self, at),
            "v1.Volume" => pods::volume(self, at),
            "v1.ProjectedVolumeSource" => volumes::projected(self, at),
            "v1.DownwardAPIVolumeFile" => volumes::downward(self, at),
            "v1.EnvVarSource" => containers::source(self, at),
            "v1.SecurityContext" => containers::security(self, at),
            "v1.SeccompProfile" | "v1.AppArmorProfile" => containers::profile(self, at),
            "v1.NodeAffinity" => placement::node_affinity(self, at),
            "v1.NodeSelectorRequirement" => placement::requirement(self, at),
            "v1.PodAffinityTerm" => placement::pod_term(self, at),
            "v1.DeploymentSpec" | "v1.ReplicaSetSpec" | "v1.StatefulSetSpec" | "v1.DaemonSetSpec" => {
                pods::workload(self, at);
                jobs::controller(self, at);
            }
            "v1.JobSpec" => {
                pods::workload(self, at);
                jobs::job(self, at);
            }
            "v1.CronJobSpec" => {
                schedule::check(self, at);
                jobs::cron_job(self, at);
            }
            "v1.Toleration" => placement::toleration(self, at),
            "v1.DeploymentStrategy" => pods::strategy(self, at),
            "v1.StatefulSetUpdateStrategy" | "v1.DaemonSetUpdateStrategy" => jobs::strategy(self, at),
            "v1.ServiceSpec" => {
                network::service(self, at);
                services::check(self, at);
            }
            "v1.PodDisruptionBudgetSpec" => jobs::shares(self, at, &["minAvailable", "maxUnavailable"]),
            "v2.MetricSpec" => autoscaling::metric(self, at),
            "v2.HPAScalingRules" => autoscaling::rules(self, at),
            "v2.HorizontalPodAutoscalerSpec" | "v1.HorizontalPodAutoscalerSpec" => autoscaling::check(self, at),
            "v1.PolicyRule" => rbac::rule(self, at),
            "v1.RoleRef" => rbac::role(self, at),
            "v1.Subject" => rbac::subject(self, at),
            "v1.CustomResourceDefinitionSpec" => definitions::check(self, at),
            _ => {}
        }
    }

    /// Fields of which an object may have one at most.
    fn only_one(&mut self, at: At<'_>, names: &[&str]) {
        let present: Vec<_> = at.node.entries().iter().filter(|e| names.contains(&e.key.as_str()) && !matches!(e.value.value, Value::Null)).collect();
        let [first, second, ..] = present.as_slice() else { return };
        let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
        let problem = self.doc.problem(second.key_span, message);
        self.add(
            problem
                .why("The API refuses the object: it couldn't know which of the two you mean.")
                .fix(format!("Keep one of {}.", words::either(names.iter().copied()))),
        );
    }
}

/// A value that is none of the words it may be.
pub fn not_one_of(doc: &Doc<'_>, node: &Node, name: &str, options: &[&str]) -> Problem {
    let written = doc.shown(node);
    // An empty word is the same as none at all: nothing to recommend.
    let listed = words::either(options.iter().copied().filter(|o| !o.is_empty()));
    let near = words::nearest(&written, options.iter().copied()).or(if options.len() == 1 { options.first().copied() } else { None });
    let message = match near {
        Some(right) if options.len() > 1 => {
            format!("{name} is `{written}`; did you mean `{right}`? It may be {listed}")
        }
        _ => format!("{name} must be {listed}, but it is `{written}`"),
    };
    let fix = near.and_then(|right| doc.replace(node.span, right));
    doc.problem(node.span, message).fix(fix.unwrap_or_else(|| format!("Write {listed}.")))
}
