//! What a hand-in asks of a cluster: its pods, how many of each, and their requests and limits as the scheduler and quotas count them.
use super::objects::{Object, Objects, Pod};
use super::quantity::Quantity;
use crate::engine::yaml::Node;
use std::collections::BTreeMap;

/// More pods of one workload than this are counted as this many: far more than any sandbox or any lab's nodes take.
pub const MOST: u64 = 100_000;

/// Amounts by resource: `cpu`, `memory`, `nvidia.com/gpu`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<String, Quantity>);

impl Amounts {
    pub fn get(&self, resource: &str) -> Option<Quantity> {
        self.0.get(resource).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Quantity)> {
        self.0.iter().map(|(k, v)| (k.as_str(), *v))
    }

    pub fn set(&mut self, resource: &str, amount: Quantity) {
        self.0.insert(resource.to_owned(), amount);
    }

    pub fn add(&mut self, other: &Amounts) {
        for (resource, amount) in other.iter() {
            let sum = self.0.entry(resource.to_owned()).or_insert(Quantity::whole(0));
            *sum = sum.plus(amount);
        }
    }

    /// Raises each amount to the other's where that is larger.
    pub fn raise(&mut self, other: &Amounts) {
        for (resource, amount) in other.iter() {
            let largest = self.0.entry(resource.to_owned()).or_insert(amount);
            *largest = (*largest).max(amount);
        }
    }

    #[must_use]
    pub fn times(&self, n: u64) -> Amounts {
        Amounts(self.0.iter().map(|(k, v)| (k.clone(), v.times(n))).collect())
    }

    /// What a mapping of quantities says; what is no quantity is the schema's business.
    pub fn of(node: Option<&Node>) -> Amounts {
        let entries = node.map_or(&[][..], Node::entries);
        Amounts(entries.iter().filter_map(|e| Some((e.key.clone(), Quantity::of(&e.value)?))).collect())
    }
}

/// What one pod or container asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    pub requests: Amounts,
    pub limits: Amounts,
}

impl Demand {
    /// What a container says, a limit counting as the request where none is written, as the API defaults it.
    pub fn of_container(node: &Node) -> Demand {
        let limits = Amounts::of(node.path(&["resources", "limits"]));
        let mut requests = Amounts::of(node.path(&["resources", "requests"]));
        for (resource, limit) in limits.iter() {
            if requests.get(resource).is_none() {
                requests.set(resource, limit);
            }
        }
        Demand { requests, limits }
    }

    fn add(&mut self, other: &Demand) {
        self.requests.add(&other.requests);
        self.limits.add(&other.limits);
    }

    fn raise(&mut self, other: &Demand) {
        self.requests.raise(&other.requests);
        self.limits.raise(&other.limits);
    }
}

/// What a pod asks for as a whole, given what each of its containers does: all containers and sidecars at once, or the
/// largest init container beside the sidecars started before it, whichever is more; and the overhead of its runtime class.
/// Amounts written for the whole pod (`spec.resources`) go before the sums.
pub fn of_pod(pod: &Pod<'_>, of_container: impl Fn(&Node) -> Demand) -> Demand {
    let (mut running, mut sidecars, mut starting) = (Demand::default(), Demand::default(), Demand::default());
    for container in &pod.containers {
        let demand = of_container(container.node);
        if container.init {
            let mut now = sidecars.clone();
            now.add(&demand);
            starting.raise(&now);
            continue;
        }
        if is_sidecar(container.node) {
            sidecars.add(&demand);
        }
        running.add(&demand);
    }
    running.raise(&starting);
    let whole = pod.spec.get("resources").map(|_| Demand::of_container(pod.spec)).unwrap_or_default();
    for (resource, amount) in whole.requests.iter() {
        running.requests.set(resource, amount);
    }
    for (resource, amount) in whole.limits.iter() {
        running.limits.set(resource, amount);
    }
    let overhead = Amounts::of(pod.spec.get("overhead"));
    running.requests.add(&overhead);
    for (resource, amount) in overhead.iter() {
        // Something without a limit stays so.
        if let Some(limit) = running.limits.get(resource) {
            running.limits.set(resource, limit.plus(amount));
        }
    }
    running
}

/// Only init containers can say so, and those that do have been told from the others when the pod was read.
fn is_sidecar(container: &Node) -> bool {
    container.get("restartPolicy").and_then(Node::as_str) == Some("Always")
}

/// A workload's pods of one template.
pub struct Pods<'o, 'a> {
    pub object: &'o Object<'a>,
    pub pod: &'o Pod<'a>,
    /// How many run when all is calm.
    pub count: u64,
    /// How many more there are in the middle of a roll-out.
    pub surge: u64,
}

/// All pods that the objects make by themselves, on a cluster of `nodes` nodes; for each of an autoscaler's targets the fewest it allows.
pub fn pods<'o, 'a>(objects: &'o Objects<'a>, nodes: u64) -> impl Iterator<Item = Pods<'o, 'a>> {
    objects.with_pods().flat_map(move |object| {
        let (count, surge) = counts(objects, object, nodes);
        object.pods.iter().map(move |pod| Pods { object, pod, count, surge })
    })
}

/// How many pods a workload has, and how many more while it rolls out.
pub fn counts(objects: &Objects<'_>, object: &Object<'_>, nodes: u64) -> (u64, u64) {
    let spec = |key: &str| object.node.path(&["spec", key]);
    let number = |node: Option<&Node>| node.and_then(Node::as_i64).map(|n| u64::try_from(n).unwrap_or(0));
    match object.kind {
        "Deployment" | "Rollout" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            let written = object.replicas().map_or(1, |n| u64::try_from(n).unwrap_or(0));
            let scaled = objects.autoscaler(object).filter(|_| spec("replicas").is_none());
            let least = |o: &Object<'_>| number(o.node.path(&["spec", "minReplicas"])).or_else(|| number(o.node.path(&["spec", "minReplicaCount"])));
            let count = scaled.and_then(least).unwrap_or(written).min(MOST);
            (count, surge(object, count))
        }
        "Job" => {
            let parallel = number(spec("parallelism")).unwrap_or(1);
            (number(spec("completions")).map_or(parallel, |n| n.min(parallel)).min(MOST), 0)
        }
        "DaemonSet" => (nodes.min(MOST), 0),
        _ => (1, 0),
    }
}

/// Pods above the wanted number that a roll-out may start: a quarter, rounded up, unless the strategy says otherwise.
fn surge(object: &Object<'_>, count: u64) -> u64 {
    let strategy = object.node.path(&["spec", "strategy"]);
    let is = |wanted: &str| strategy.and_then(|s| s.get("type")).and_then(Node::as_str) == Some(wanted);
    if object.kind != "Deployment" || is("Recreate") {
        return 0;
    }
    share(strategy.and_then(|s| s.path(&["rollingUpdate", "maxSurge"])), count).unwrap_or_else(|| count.div_ceil(4))
}

/// Pods that a roll-out may take away before new ones are there: a quarter, rounded down, unless the strategy says otherwise.
/// The API takes one where neither more nor fewer would be allowed.
pub fn may_be_missing(object: &Object<'_>, count: u64) -> u64 {
    let written = object.node.path(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]);
    let percent = |text: &str| text.strip_suffix('%')?.parse::<u64>().ok();
    let of_text = |text: &str| percent(text).map(|p| count * p.min(1000) / 100);
    let missing = match written {
        Some(node) => node.as_i64().map(|n| u64::try_from(n).unwrap_or(0)).or_else(|| of_text(node.as_str()?)),
        None => None,
    };
    let missing = missing.unwrap_or(count / 4);
    if surge(object, count) == 0 { missing.max(1) } else { missing }
}

/// A number, or a percentage of `whole` rounded up.
fn share(node: Option<&Node>, whole: u64) -> Option<u64> {
    let node = node?;
    match node.as_i64() {
        Some(n) => Some(u64::try_from(n).unwrap_or(0).min(MOST)),
        None => node.as_str()?.strip_suffix('%')?.parse::<u64>().ok().map(|percent| (whole * percent.min(1000)).div_ceil(100)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::File;
    use crate::engine::files::Files;
    use crate::engine::kubernetes::Kubernetes;
    use crate::engine::yaml::{self, Dialect};

    /// `count+surge: cpu request/limit` of each template.
    fn told(text: &str) -> Vec<String> {
        let files = Files::new(vec![File { path: "a.yaml".into(), bytes: text.as_bytes().to_vec() }]);
        let streams = [yaml::read("a.yaml", text.as_bytes(), Dialect::Kubernetes)];
        let kubernetes = Kubernetes::read(&files, &streams);
        let of = |amounts: &Amounts| amounts.get("cpu").map_or("-".into(), |q| q.canonical(false));
        pods(kubernetes.objects(), 3)
            .map(|p| {
                let demand = of_pod(p.pod, Demand::of_container);
                format!("{}+{}: {}/{}", p.count, p.surge, of(&demand.requests), of(&demand.limits))
            })
            .collect()
    }

    fn workload(kind: &str, spec: &str, pod: &str) -> String {
        format!("kind: {kind}\nmetadata: {{name: a}}\nspec: {{{spec} template: {{spec: {{{pod}}}}}}}\n")
    }

    #[test]
    fn pods_are_counted_as_their_controllers_make_them() {
        let one = "containers: [{name: a}]";
        for (kind, spec, told_of) in [
            ("Deployment", "", "1+1: -/-"),
            ("Deployment", "replicas: 5,", "5+2: -/-"),
            ("Deployment", "replicas: 10, strategy: {rollingUpdate: {maxSurge: 10%}},", "10+1: -/-"),
            ("Deployment", "replicas: 10, strategy: {rollingUpdate: {maxSurge: 0}},", "10+0: -/-"),
            ("Deployment", "replicas: 3, strategy: {type: Recreate},", "3+0: -/-"),
            ("Deployment", "replicas: -1,", "0+0: -/-"),
            ("StatefulSet", "replicas: 3,", "3+0: -/-"),
            ("Job", "", "1+0: -/-"),
            ("Job", "parallelism: 4, completions: 2,", "2+0: -/-"),
            ("DaemonSet", "", "3+0: -/-"),
        ] {
            assert_eq!(told(&workload(kind, spec, one)), [told_of], "{kind} {spec}");
        }
        let scaled = format!(
            "{}---\nkind: HorizontalPodAutoscaler\nmetadata: {{name: b}}\nspec: {{minReplicas: 4, scaleTargetRef: {{kind: Deployment, name: a}}}}\n",
            workload("Deployment", "", one)
        );
        assert_eq!(told(&scaled), ["4+1: -/-"]);
    }

    #[test]
    fn a_pod_asks_for_what_runs_at_once() {
        let cpu = |n: &str, more: &str| format!("{{name: a, {more} resources: {{requests: {{cpu: {n}}}}}}}");
        let plain = format!("containers: [{}, {}]", cpu("1", ""), cpu("500m", ""));
        assert_eq!(told(&workload("Pod", "", "")), [""; 0]);
        assert_eq!(told(&workload("Job", "", &plain)), ["1+0: 1500m/-"]);
        let init = format!("initContainers: [{}, {}], {plain}", cpu("2", ""), cpu("1", ""));
        assert_eq!(told(&workload("Job", "", &init)), ["1+0: 2/-"]);
        let sidecar = format!("initContainers: [{}, {}], {plain}", cpu("1", "restartPolicy: Always,"), cpu("2", ""));
        assert_eq!(told(&workload("Job", "", &sidecar)), ["1+0: 3/-"]);
        let before = format!("initContainers: [{}, {}], {plain}", cpu("2", ""), cpu("1", "restartPolicy: Always,"));
        assert_eq!(told(&workload("Job", "", &before)), ["1+0: 2500m/-"]);
        assert_eq!(told(&workload("Job", "", "containers: [{name: a, resources: {limits: {cpu: 2}}}]")), ["1+0: 2/2"]);
        let overhead = "overhead: {cpu: 250m}, containers: [{name: a, resources: {limits: {cpu: 2}}}]";
        assert_eq!(told(&workload("Job", "", overhead)), ["1+0: 2250m/2250m"]);
        let whole = "resources: {requests: {cpu: 3}, limits: {cpu: 4}}, containers: [{name: a, resources: {requests: {cpu: 1}}}]";
        assert_eq!(told(&workload("Job", "", whole)), ["1+0: 3/4"]);
    }
}
