//! What our admission says of a hand-in is what a namespace with the same quota and limit range does.
use super::refusals::{handed_in, objects_of};
use super::server::{Server, server};
use groundcrew::engine::kubernetes::Kubernetes;
use groundcrew::engine::kubernetes::admission::{Level, Namespace, Verdict, admission};
use serde_json::Value;

const QUOTA: &str = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {…}}\n";
const RANGE: &str = "---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: r}\nspec: {limits: [{…}]}\n";

/// What a quota has, what a limit range says (nothing where there is none), and what is handed in.
struct Case(&'static str, &'static str, String);

fn pod(name: &str, spec: &str) -> String {
    format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{spec}]}}\n")
}

fn one(name: &str, requests: &str, limits: &str) -> String {
    pod(name, &format!("{{name: c, image: a, resources: {{requests: {{{requests}}}, limits: {{{limits}}}}}}}"))
}

fn many(kind: &str, more: &str, resources: &str) -> String {
    let (api, policy, selector) = match kind {
        "Job" => ("batch/v1", "restartPolicy: Never, ", ""),
        _ => ("apps/v1", "", "selector: {matchLabels: {a: a}}, "),
    };
    let template = format!("{{metadata: {{labels: {{a: a}}}}, spec: {{{policy}containers: [{{name: c, image: a, resources: {{{resources}}}}}]}}}}");
    format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: w}}\nspec: {{{selector}{more} template: {template}}}\n")
}

fn service(name: &str, kind: &str) -> String {
    format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{type: {kind}, ports: [{{port: 80}}]}}\n")
}

fn claim(name: &str, storage: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {storage}}}}}}}\n"
    )
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let gpu = |name: &str, n: u32| one(name, "", &format!("nvidia.com/gpu: {n}"));
    let init = "{name: c, image: a, resources: {requests: {cpu: 1}, limits: {cpu: 1}}}], initContainers: [{name: i, image: a, resources: {requests: {cpu: 3}, limits: {cpu: 3}}}";
    let two = "{name: c, image: a, resources: {limits: {cpu: 1, memory: 1Gi}}}, {name: d, image: a, resources: {limits: {cpu: 2, memory: 1Gi}}}";
    let calm = "replicas: 3, strategy: {rollingUpdate: {maxSurge: 0}},";
    let defaults = "type: Container, default: {cpu: 500m, memory: 256Mi}, defaultRequest: {cpu: 250m, memory: 128Mi}";
    vec![
        // The quota over pods.
        Case("requests.nvidia.com/gpu: 1", "", gpu("a", 1)),
        Case("requests.nvidia.com/gpu: 1", "", gpu("a", 2)),
        Case("requests.nvidia.com/gpu: 2", "", [gpu("a", 1), gpu("b", 1), gpu("c", 1)].concat()),
        Case("requests.nvidia.com/gpu: 0", "", gpu("a", 1)),
        Case("requests.nvidia.com/gpu: 1", "", one("a", "cpu: 1", "cpu: 1")),
        Case("requests.cpu: 1", "", one("a", "cpu: 1500m", "cpu: 2")),
        Case("requests.cpu: 1", "", one("a", "cpu: 1000m", "cpu: 2")),
        Case("requests.cpu: 1", "", one("a", "", "cpu: 2")),
        Case("limits.cpu: 1", "", one("a", "cpu: 500m", "cpu: 1500m")),
        Case("requests.memory: 1Gi", "", one("a", "memory: 1025Mi", "memory: 2Gi")),
        Case("requests.memory: 1Gi, limits.memory: 2Gi", "", one("a", "memory: 2Gi", "memory: 4Gi")),
        Case("requests.memory: 1G", "", one("a", "memory: 1Gi", "memory: 1Gi")),
        Case("cpu: 1, memory: 1Gi", "", one("a", "cpu: 2, memory: 2Gi", "cpu: 2, memory: 2Gi")),
        Case("pods: 1", "", [pod("a", "{name: c, image: a}"), pod("b", "{name: c, image: a}")].concat()),
        Case("pods: 0", "", pod("a", "{name: c, image: a}")),
        Case("requests.cpu: 2", "", pod("a", init)),
        Case("requests.cpu: 3", "", pod("a", init)),
        Case("requests.cpu: 2, limits.memory: 2Gi", "", pod("a", two)),
        Case("limits.cpu: 3, limits.memory: 2Gi", "", pod("a", two)),
        Case("requests.ephemeral-storage: 1Gi", "", one("a", "ephemeral-storage: 2Gi", "")),
        // What must be stated.
        Case("limits.cpu: 2", "", pod("a", "{name: c, image: a}")),
        Case("requests.cpu: 2, requests.memory: 1Gi", "", pod("a", "{name: c, image: a}")),
        Case("requests.cpu: 2, limits.memory: 1Gi", "", one("a", "cpu: 1", "")),
        Case("requests.nvidia.com/gpu: 2", "", pod("a", "{name: c, image: a}")),
        // Limit ranges fill in and bound.
        Case("limits.cpu: 2", defaults, pod("a", "{name: c, image: a}")),
        Case("limits.cpu: 1", defaults, [pod("a", "{name: c, image: a}"), pod("b", "{name: c, image: a}"), pod("c", "{name: c, image: a}")].concat()),
        Case("requests.cpu: 600m", defaults, [pod("a", "{name: c, image: a}"), pod("b", "{name: c, image: a}"), pod("c", "{name: c, image: a}")].concat()),
        Case("requests.cpu: 2", defaults, one("a", "cpu: 1", "")),
        Case("requests.cpu: 2", "type: Container, max: {cpu: 1}", one("a", "cpu: 500m", "cpu: 2")),
        Case("requests.cpu: 9", "type: Container, max: {cpu: 1}", one("a", "cpu: 2", "cpu: 2")),
        Case("pods: 5", "type: Container, min: {cpu: 200m}", one("a", "cpu: 100m", "cpu: 1")),
        Case("pods: 5", "type: Container, min: {memory: 64Mi}", one("a", "memory: 32Mi", "memory: 32Mi")),
        Case("pods: 5", "type: Container, max: {cpu: 1, memory: 1Gi}", one("a", "cpu: 2, memory: 2Gi", "cpu: 2, memory: 2Gi")),
        Case("pods: 5", "type: Container, maxLimitRequestRatio: {cpu: 2}", one("a", "cpu: 100m", "cpu: 300m")),
        Case("pods: 5", "type: Container, maxLimitRequestRatio: {cpu: 3}", one("a", "cpu: 100m", "cpu: 300m")),
        Case("pods: 5", "type: Pod, max: {cpu: 2}", pod("a", two)),
        Case("pods: 5", "type: Pod, max: {cpu: 3}", pod("a", two)),
        Case("pods: 5", "type: PersistentVolumeClaim, max: {storage: 1Gi}", claim("a", "2Gi")),
        Case("pods: 5", "type: PersistentVolumeClaim, min: {storage: 1Gi}", claim("a", "500Mi")),
        // Counts of objects.
        Case("services: 1", "", [service("a", "ClusterIP"), service("b", "ClusterIP")].concat()),
        Case("services.loadbalancers: 0", "", service("a", "LoadBalancer")),
        Case("services.nodeports: 0", "", service("a", "NodePort")),
        Case("services.nodeports: 1", "", [service("a", "NodePort"), service("b", "NodePort")].concat()),
        Case("services.nodeports: 0", "", service("a", "ClusterIP")),
        Case("persistentvolumeclaims: 1", "", [claim("a", "1Gi"), claim("b", "1Gi")].concat()),
        Case("requests.storage: 2Gi", "", [claim("a", "1Gi"), claim("b", "2Gi")].concat()),
        Case("count/deployments.apps: 0", "", many("Deployment", "replicas: 1,", "")),
        Case("count/jobs.batch: 0", "", many("Job", "", "")),
        // Controllers are let in; their pods may not be.
        Case("requests.nvidia.com/gpu: 2", "", many("Deployment", calm, "limits: {nvidia.com/gpu: 1}")),
        Case("requests.nvidia.com/gpu: 3", "", many("Deployment", calm, "limits: {nvidia.com/gpu: 1}")),
        Case("requests.cpu: 1", "", many("Deployment", calm, "requests: {cpu: 400m}")),
        Case("limits.cpu: 1", "", many("Deployment", calm, "")),
        Case("requests.cpu: 5", "type: Container, max: {cpu: 200m}", many("Deployment", calm, "limits: {cpu: 300m}")),
        Case("pods: 2", "", many("StatefulSet", "replicas: 4, podManagementPolicy: Parallel, serviceName: s,", "")),
        Case("pods: 2", "", many("Job", "parallelism: 3, completions: 3,", "")),
        Case("pods: 5", "", many("Job", "parallelism: 3, completions: 2,", "")),
    ]
}

/// The words after `forbidden: `, as all versions have them: in any order, and without what only newer ones say, which container
/// must state something (from 1.27) and what the limit is that a request is above.
fn words(message: &str) -> Vec<&str> {
    let after = [" is forbidden: ", " is invalid: "].iter().find_map(|said| message.split_once(said)).map_or(message, |(_, after)| after);
    let parts = after.trim_start_matches('[').trim_end_matches(']').split([';', ','].as_slice());
    let mut words: Vec<&str> = parts.map(|part| part.split(" for: ").next().unwrap_or(part).split(" limit of ").next().unwrap_or(part)).collect();
    words.iter_mut().for_each(|w| *w = w.trim().trim_end_matches(" limit"));
    words.sort_unstable();
    words
}

/// What became of one object on the server.
async fn asked(server: &Server, namespace: &str, object: &Value, ours: &Verdict) -> Result<(), String> {
    let made = server.create(namespace, object).await;
    match (&made, &ours.refused) {
        (Ok(_), None) => {}
        (Err(theirs), Some(refusal)) if words(&theirs.message) == words(&refusal.message) => return Ok(()),
        (Err(theirs), _) => return Err(format!("it: {}\n    we: {:?}", theirs.message, ours.refused)),
        (Ok(_), Some(refusal)) => return Err(format!("it is let in, we: {}", refusal.message)),
    }
    if ours.pods == 0 || ours.kind == "Pod" {
        return Ok(());
    }
    // A controller makes as many as it may, and says in an event why there are no more.
    let (mut pods, mut event) = (0, None);
    for _ in 0..150 {
        // A job's pods end and count no more; all that were made are told.
        pods = server.list("v1", "Pod", namespace).await.len() as u64;
        let events = server.list("v1", "Event", namespace).await;
        event = events.iter().rfind(|e| e["reason"] == "FailedCreate").and_then(|e| e["message"].as_str().map(str::to_owned));
        if pods == ours.admitted && event.is_some() == ours.pod_refused.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    match (&event, &ours.pod_refused) {
        _ if pods != ours.admitted => Err(format!("it makes {pods} pods, we say {} of {}", ours.admitted, ours.pods)),
        (None, None) => Ok(()),
        (Some(theirs), Some(refusal)) if theirs.contains(&refusal.message) || words(theirs) == words(&refusal.message) => Ok(()),
        _ => Err(format!("it: {event:?}\n    we: {:?}", ours.pod_refused)),
    }
}

#[tokio::test]
async fn a_namespace_lets_in_what_we_say() {
    let Some(server) = server().await else { return };
    let mut wrong = Vec::new();
    let cases = cases();
    for Case(quota, range, handed) in &cases {
        let range = if range.is_empty() { String::new() } else { RANGE.replace('…', range) };
        let text = format!("{}{range}{handed}", QUOTA.replace('…', quota));
        let (files, streams) = handed_in(&text);
        let namespace = Namespace { quotas: Vec::new(), ranges: Vec::new(), level: Level::Baseline, gpus: true };
        let ours = admission(&Kubernetes::read(&files, &streams), namespace, "test", None);
        let name = server.namespace().await;
        for (object, verdict) in objects_of(&text).iter().zip(&ours.verdicts) {
            if let Err(differs) = asked(&server, &name, object, verdict).await {
                wrong.push(format!("{quota} | {range} {handed}    {differs}"));
            }
            if object["kind"] == "ResourceQuota" {
                let counted = || async { server.get("v1", "ResourceQuota", &name, "q").await.filter(|q| q["status"]["used"].is_object()) };
                server.until("the quota's count", counted).await;
            }
        }
        server.delete("v1", "Namespace", "", &name).await;
    }
    println!("admission: {} of {} cases agree with Kubernetes {}.{}", cases.len() - wrong.len(), cases.len(), server.version.0, server.version.1);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
