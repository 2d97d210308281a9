//! The built-in rules: what each looks for, why, how to mend it, with an example that passes and one that fails.
mod availability;
mod bounds;
mod canary;
mod config;
mod confinement;
mod conflicts;
mod dashboards;
mod devices;
mod example;
mod fleet;
mod gpu;
mod gpu_pool;
mod host;
mod images;
mod ingress;
mod jobs;
mod labels;
mod mig;
mod network;
mod observing;
mod placement;
mod pods;
mod probes;
mod promrule;
mod queueing;
mod rbac;
mod resources;
mod scaling;
mod security;
mod serving;
#[cfg(test)]
mod tests;
mod weights;

use super::objects::{Object, Objects};
use super::words;
use super::{DocumentId, RuleResult};
use crate::engine::check::Where;
use crate::engine::report::{Problem, Severity};
pub use example::Example;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// More problems of one rule than this tell a student nothing new.
const MOST: usize = 100;

/// What a page or a linter says about a rule.
pub struct About {
    /// Permanent; labs name it.
    pub id: &'static str,
    pub severity: Severity,
    pub title: &'static str,
    /// Why it matters in production.
    pub why: &'static str,
    /// What to do, in a sentence, where no diff can be made.
    pub fix: &'static str,
    pub looks_at: Subject,
    pub passes: Example,
    pub fails: Example,
}

/// The objects a rule is about. With none of them there, a check by the rule fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Every object.
    Any,
    /// Whatever is a pod or makes pods.
    Pods,
    /// Pods that are kept running: no jobs.
    Servers,
    /// Pods that ask for a GPU.
    Gpu,
    /// Objects of these kinds.
    Kinds(&'static [&'static str]),
}

/// A built-in rule.
pub trait Rule: Sync {
    fn about(&self) -> &'static About;
    /// Looks at one object that the rule is about.
    fn check(&self, it: &Object<'_>, look: &mut Look<'_, '_>);
}

/// What a rule sees, and where it says what it found.
pub struct Look<'o, 'a> {
    pub objects: &'o Objects<'a>,
    about: &'static About,
    result: RuleResult,
    absent: Vec<Problem>,
    elsewhere: usize,
    read: BTreeSet<DocumentId>,
}

impl Look<'_, '_> {
    /// Keeps a problem, with the rule's own words where it has none.
    pub fn found(&mut self, problem: Problem) {
        if self.result.problems.len() < MOST {
            let problem = self.worded(problem);
            self.result.problems.push(problem);
        }
    }

    /// Says what the object lacks for the rule to be about it at all; it counts only if all objects lack it.
    pub fn nothing(&mut self, problem: Problem) {
        self.absent.push(self.worded(problem));
    }

    /// Keeps a problem. Where nothing is here of the kind it is about, `here` is false: a linter may pass over it then,
    /// for what is in the cluster already may well be all it needs.
    pub fn found_if(&mut self, here: bool, problem: Problem) {
        self.elsewhere += usize::from(!here);
        self.found(problem);
    }

    fn worded(&self, problem: Problem) -> Problem {
        let about = self.about;
        Problem {
            why: problem.why.or_else(|| Some(about.why.into())),
            fix: problem.fix.or_else(|| Some(about.fix.into())),
            rule: Some(about.id.into()),
            severity: about.severity,
            ..problem
        }
        .clipped()
    }

    /// Notes that another object shaped the answer.
    pub fn read(&mut self, other: &Object<'_>) {
        self.read.insert(other.id);
    }
}

/// All rules, in the order a page lists them.
pub fn all() -> &'static [&'static dyn Rule] {
    &ALL
}

pub fn by_id(id: &str) -> Option<&'static dyn Rule> {
    ALL.iter().find(|r| r.about().id == id).copied()
}

/// The id nearest to one that doesn't exist.
pub fn nearest_id(wrong: &str) -> Option<&'static str> {
    words::nearest(wrong, ALL.iter().map(|r| r.about().id))
}

/// Looks at every object the rule is about and `only` picks.
pub fn run(rule: &'static dyn Rule, objects: &Objects<'_>, only: Option<&Where>) -> RuleResult {
    let about = rule.about();
    let mut look = Look { objects, about, result: RuleResult::default(), absent: Vec::new(), elsewhere: 0, read: BTreeSet::new() };
    let mut seen = false;
    for it in objects.all().iter().filter(|o| about.looks_at.takes(o) && only.is_none_or(|w| o.is(w))) {
        let before = look.absent.len();
        look.read(it);
        rule.check(it, &mut look);
        seen |= look.absent.len() == before;
    }
    if !seen && look.absent.is_empty() {
        look.nothing(about.looks_at.missing(objects, only));
    }
    let Look { mut result, absent, read, elsewhere, .. } = look;
    result.missing = elsewhere > 0 && elsewhere == result.problems.len();
    result.looked_at = read.into_iter().collect();
    if !seen && result.problems.is_empty() {
        result.missing = true;
        result.problems = absent;
    }
    result
}

impl Subject {
    fn takes(self, o: &Object<'_>) -> bool {
        match self {
            Subject::Any => true,
            Subject::Pods => !o.pods.is_empty(),
            Subject::Servers => !o.pods.is_empty() && !o.runs_to_an_end(),
            Subject::Gpu => o.asks_for_gpu(),
            Subject::Kinds(kinds) => kinds.contains(&o.kind),
        }
    }

    /// Whether objects of a kind can be what a rule is about: a check that says otherwise could never pass.
    pub fn may_be(self, kind: &str) -> bool {
        match self {
            Subject::Kinds(kinds) => kinds.contains(&kind),
            Subject::Any => true,
            Subject::Servers if matches!(kind, "Job" | "CronJob") => false,
            _ => !matches!(
                kind,
                "Service"
                    | "ConfigMap"
                    | "Secret"
                    | "NetworkPolicy"
                    | "PodDisruptionBudget"
                    | "HorizontalPodAutoscaler"
                    | "ResourceQuota"
                    | "Namespace"
                    | "Ingress"
            ),
        }
    }

    pub fn missing(self, objects: &Objects<'_>, only: Option<&Where>) -> Problem {
        let fix = "Hand in the object that this is about, with the kind and the name that the instructions say.";
        if let Some(only) = only {
            let kind = only.kind.as_deref().unwrap_or("object");
            let name = only.name.as_ref().map(|n| format!(" named `{n}`")).unwrap_or_default();
            let Some(there) = objects.all().iter().find(|o| o.is(only)) else {
                let others: Vec<&str> = objects.kind(kind).map(|o| o.name).filter(|n| !n.is_empty()).take(5).collect();
                let others = if others.is_empty() { String::new() } else { format!("; there is {}", words::either(others).replace(" or ", " and ")) };
                return Problem::new(format!("there is no {kind}{name} in what you handed in{others}")).fix(fix);
            };
            return there.problem(there.head(), format!("{} {}", there.title(), self.lacks())).fix(fix);
        }
        let what = match self {
            Subject::Any => "no Kubernetes object".into(),
            Subject::Pods => "nothing that runs pods: no Pod, Deployment, StatefulSet, DaemonSet or Job".into(),
            Subject::Servers => "nothing that keeps pods running: no Pod, Deployment, StatefulSet or DaemonSet".into(),
            Subject::Gpu => "no container that asks for a GPU".into(),
            Subject::Kinds(kinds) => format!("no {}", kinds.join(" or ")),
        };
        Problem::new(format!("there is {what} in what you handed in")).fix(if self == Subject::Gpu {
            "Ask for one: `nvidia.com/gpu: 1` under `resources.limits` of the container."
        } else {
            fix
        })
    }

    fn lacks(self) -> String {
        match self {
            Subject::Any => "can't be looked at".into(),
            Subject::Pods => "has no pod with containers".into(),
            Subject::Servers => "has no pods that are kept running".into(),
            Subject::Gpu => "has no container that asks for a GPU".into(),
            Subject::Kinds(kinds) => format!("is no {}", kinds.join(" or ")),
        }
    }
}

/// Rules of one subject, as a page groups them.
pub struct Family {
    pub title: &'static str,
    pub rules: &'static [&'static dyn Rule],
}

/// All rules, by family, in the order a page lists them.
pub fn families() -> &'static [Family] {
    FAMILIES
}

static ALL: LazyLock<Vec<&'static dyn Rule>> = LazyLock::new(|| FAMILIES.iter().flat_map(|f| f.rules).copied().collect());

#[rustfmt::skip]
static FAMILIES: &[Family] = &[
    Family { title: "Images", rules: &[&images::Latest, &images::PullPolicy, &images::Digest, &images::Registry] },
    Family { title: "Requests and limits", rules: &[
        &resources::CpuRequest, &resources::CpuLimit, &resources::MemoryRequest, &resources::MemoryLimit, &resources::WithinLimit, &resources::Guaranteed, &resources::Ephemeral,
        &pods::ScratchLimit, &bounds::Ratio, &bounds::NamespaceQuota,
    ] },
    Family { title: "Probes", rules: &[&probes::Ready, &probes::Live, &probes::Same, &probes::Port] },
    Family { title: "Security of containers", rules: &[
        &security::NonRoot, &security::Uid, &security::Privileged, &security::Escalation, &security::ReadOnlyRoot, &security::Seccomp,
        &host::DropAll, &host::AddedCapabilities, &host::Namespaces, &host::HostPath, &host::HostPort, &host::DockerSocket, &host::Sysctls, &host::ProcMount, &pods::Ssh,
        &confinement::KernelModules, &confinement::Context, &confinement::HostProcess, &confinement::LowPort, &confinement::Tools,
    ] },
    Family { title: "Configuration and secrets", rules: &[
        &config::EnvDuplicate, &config::EnvSecret, &config::EnvReadsSecret, &config::ConfigMapSecret, &config::References, &config::Automount, &pods::DefaultAccount, &pods::MissingAccount,
        &pods::OldAccountField,
    ] },
    Family { title: "Roles", rules: &[&rbac::ClusterAdmin, &rbac::Wildcard, &rbac::Secrets, &rbac::CreatePods, &rbac::Exec, &rbac::Escalate] },
    Family { title: "Availability", rules: &[
        &availability::OneReplica, &availability::NoBudget, &availability::BudgetBlocks, &availability::UnhealthyPods, &availability::Strategy, &availability::Spread, &pods::Bare, &pods::Headless,
        &placement::Apart, &placement::Priority, &placement::Nodes, &placement::Names,
    ] },
    Family { title: "Autoscaling", rules: &[&scaling::Target, &scaling::Least, &scaling::Most, &scaling::FixedReplicas, &conflicts::BudgetAgainstScaler, &conflicts::TwoScalers] },
    Family { title: "Jobs", rules: &[&jobs::Deadline, &jobs::Restart, &jobs::Cleanup, &jobs::SpotSafe, &queueing::Kueue, &queueing::Gang] },
    Family { title: "Network and traffic", rules: &[
        &network::DanglingService, &network::ServicePort, &network::Exposed, &network::DanglingIngress, &network::IngressTls, &network::NoPolicy, &network::DanglingPolicy, &network::DanglingPeer,
        &pods::PortNames, &conflicts::SameRoute, &conflicts::SameSelector, &ingress::TlsHosts, &ingress::Snippets, &weights::CanaryWeights, &canary::Analysis,
    ] },
    Family { title: "Labels and versions", rules: &[&labels::SelectorMatch, &labels::LabelValues, &labels::ApiDeprecated, &pods::Labelled, &pods::DefaultNamespace] },
    Family { title: "Monitoring", rules: &[&observing::DanglingMonitor, &observing::MonitorPort, &promrule::Alerts, &dashboards::Exporter, &dashboards::Grafana] },
    Family { title: "GPUs", rules: &[
        &gpu::LimitRequired, &gpu::Whole, &gpu::Toleration, &gpu::TolerationUnneeded, &gpu::ProductKnown, &gpu::NodeSelector, &gpu::Quota, &mig::MigName, &gpu_pool::Proportion,
        &gpu_pool::RollOut, &pods::CostLabels, &devices::Shared, &devices::Runtime, &devices::Claims,
    ] },
    Family { title: "Model servers", rules: &[
        &serving::SharedMemory, &serving::StartupProbe, &serving::HubToken, &serving::Unprivileged, &serving::Grace, &serving::ScaledByCpu, &gpu_pool::ScaleDown, &gpu_pool::Keda, &fleet::Budget, &fleet::Spread, &fleet::ModelCache,
    ] },
];
