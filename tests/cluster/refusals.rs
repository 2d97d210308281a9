//! What our schema check refuses is what an API server refuses: each case of its own tests, asked of the server in a dry run.
use super::server::server;
use groundcrew::engine::File;
use groundcrew::engine::files::Files;
use groundcrew::engine::kubernetes::Kubernetes;
use groundcrew::engine::yaml::{self, Dialect, Stream};
use serde_json::Value;

#[path = "../../src/engine/kubernetes/values/refusal_cases.rs"]
mod refusal_cases;

/// The version of Kubernetes that our check is asked for.
const OURS: &str = "1.36";

/// Where an older server says otherwise: part of the line, the first version that says what we do, and why.
const DIFFERENT: &[(&str, (u32, u32), &str)] = &[
    ("preStop: {sleep: {seconds: 5}}", (1, 30), "a hook may sleep"),
    ("name: \"1 a\"", (1, 34), "names of variables may be almost anything"),
    ("readinessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds", (1, 25), "probes have a grace period of their own"),
    ("ephemeralContainers:", (1, 23), "ephemeral containers are known"),
    ("restartPolicy: Always, readinessProbe", (1, 29), "init containers may be sidecars"),
    ("hostUsers: false", (1, 33), "pods may have users of their own"),
    ("matchLabelKeys: [b]", (1, 31), "affinity may match label keys"),
    ("minDomains: 2", (1, 27), "a spread may ask for domains"),
    ("10.0.0.1/8", (1, 36), "ranges with bits behind the prefix are refused"),
    ("sessionAffinityConfig:", (1, 36), "the configuration is checked without the affinity too"),
    ("rollingUpdate: {maxSurge: 1", (1, 25), "a DaemonSet may surge"),
    ("completionMode: Indexed", (1, 24), "jobs may be indexed"),
    ("backoffLimitPerIndex: 1", (1, 33), "each index may have a limit of its own"),
    ("ttlSecondsAfterFinished: -1", (1, 23), "finished jobs may be removed"),
    ("podFailurePolicy:", (1, 31), "jobs have a policy for failures"),
];

/// A file as it would be handed in.
pub fn handed_in(text: &str) -> (Files, [Stream; 1]) {
    let files = Files::new(vec![File { path: "a.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    (files, [yaml::read("a.yaml", text.as_bytes(), Dialect::Kubernetes)])
}

/// Its objects as a server is sent them.
pub fn objects_of(text: &str) -> Vec<Value> {
    yaml::read("a.yaml", text.as_bytes(), Dialect::Kubernetes).documents.iter().map(|d| d.root.to_json()).collect()
}

/// What our check says of a document.
fn ours(text: &str) -> Vec<String> {
    let (files, streams) = handed_in(text);
    let found = Kubernetes::read(&files, &streams).schema(OURS, None).unwrap();
    found.into_iter().flat_map(|(_, problems)| problems).map(|p| p.message).collect()
}

#[tokio::test]
async fn the_server_refuses_what_we_refuse() {
    let Some(server) = server().await else { return };
    let namespace = server.namespace().await;
    let (mut agreed, mut unasked, mut known, mut wrong) = (0, Vec::new(), Vec::new(), Vec::new());
    for (frame, cases) in refusal_cases::CASES {
        for (line, _) in *cases {
            let text = frame.replace('…', line);
            let (said, theirs) = (ours(&text), server.dry_run(&namespace, &objects_of(&text)[0]).await);
            let told = match &theirs {
                // The server doesn't have this version of the kind at all.
                Err(refusal) if refusal.code == 404 => {
                    unasked.push(*line);
                    continue;
                }
                Err(refusal) => refusal.message.clone(),
                Ok(_) => "taken".into(),
            };
            if said.is_empty() == theirs.is_ok() {
                agreed += 1;
            } else if let Some((_, since, why)) = DIFFERENT.iter().find(|(part, since, _)| line.contains(part) && server.version < *since) {
                known.push(format!("{line}: from {}.{} on as we say: {why}", since.0, since.1));
            } else {
                wrong.push(format!("{line}\n    we: {said:?}\n    it: {told}"));
            }
        }
    }
    let (major, minor) = server.version;
    println!(
        "Kubernetes {major}.{minor}: {agreed} cases agree, {} differ by the server's age, {} are of versions it hasn't",
        known.len(),
        unasked.len()
    );
    println!("by age:\n  {}\nnot asked:\n  {}", known.join("\n  "), unasked.join("\n  "));
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), agreed + wrong.len(), wrong.join("\n"));
    assert!(agreed >= 60, "only {agreed} cases could be compared");
    server.delete("v1", "Namespace", "", &namespace).await;
}
