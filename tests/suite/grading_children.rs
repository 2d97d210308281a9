//! The pool of grading children: a child that dies or takes too long costs one request, never the portal.
use groundcrew::engine::check::{Check, FixPolicy, Kind};
use groundcrew::engine::child::{Phase, Request};
use groundcrew::engine::pool::{ChildFailure, Pool};
use groundcrew::engine::report::{Graded, Outcome};
use groundcrew::engine::{Checks, File, Files, Surroundings};
use std::path::PathBuf;
use std::time::Duration;

fn pool(size: usize) -> Pool {
    Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_groundcrew")), size)
}

/// A hand-in judged by the schema and one rule.
fn request(files: Vec<File>) -> Request {
    let check = |id: &str, kind| Check {
        id: id.into(),
        points: 10,
        gate: false,
        fix: FixPolicy::Now,
        hints: Vec::new(),
        hidden: false,
        why: None,
        fix_text: None,
        only: None,
        kind,
    };
    let checks =
        vec![check("valid", Kind::KubernetesSchema { version: "1.36".into() }), check("tag", Kind::KubernetesRule { rule: "img-latest".into() })];
    let checks = Checks { lab: "lab".into(), lab_hash: "hash".into(), checks };
    Request::Grade { checks, files: Files::new(files), surroundings: Surroundings::default() }
}

fn small() -> Request {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n  containers: [{ name: a, image: registry.example.org/a:1 }]\n";
    request(vec![File { path: "pod.yaml".into(), bytes: pod.into() }])
}

/// Thirty files of as many values as one may have: seconds of work.
fn large() -> Request {
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\nx: [{}]\n", "1,".repeat(190_000));
    request((0..30).map(|n| File { path: format!("{n}.yaml"), bytes: text.clone().into() }).collect())
}

async fn works(pool: &Pool) {
    let report = pool.grade(&small(), |_| {}).await.unwrap();
    assert_eq!((report.outcome, report.score, report.max), (Graded::Graded, 20, 20));
    assert!(report.findings.iter().all(|f| f.outcome == Outcome::Passed));
}

fn kill(pid: u32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_child_tells_each_phase_and_serves_again() {
    let pool = pool(1);
    let mut phases = Vec::new();
    pool.grade(&small(), |phase| phases.push(phase)).await.unwrap();
    assert_eq!(phases, [Phase::reading(1), Phase::checking("valid", 0, 2), Phase::checking("tag", 1, 2)]);
    let first = pool.idle_pids();
    works(&pool).await;
    assert_eq!(pool.idle_pids(), first);
}

#[tokio::test]
async fn a_child_that_died_while_it_waited_is_replaced() {
    let pool = pool(1);
    works(&pool).await;
    let pid = pool.idle_pids()[0];
    kill(pid);
    tokio::time::sleep(Duration::from_millis(200)).await;
    works(&pool).await;
    assert_ne!(pool.idle_pids(), [pid]);
}

#[tokio::test]
async fn a_child_that_dies_at_work_costs_that_request_alone() {
    let pool = pool(1);
    works(&pool).await;
    let pid = pool.idle_pids()[0];
    let mut killed = false;
    let failed = pool
        .grade(&large(), |_| {
            if !std::mem::replace(&mut killed, true) {
                kill(pid);
            }
        })
        .await;
    assert!(matches!(&failed, Err(ChildFailure::Died(how)) if how.contains("signal: 9")), "{failed:?}");
    works(&pool).await;
}

#[tokio::test]
async fn what_takes_too_long_is_stopped() {
    let pool = pool(1).with_wall(Duration::from_millis(1500));
    works(&pool).await;
    let pid = pool.idle_pids()[0];
    let failed = pool.grade(&large(), |_| {}).await;
    assert!(matches!(failed, Err(ChildFailure::TooLong(_))), "{failed:?}");
    works(&pool).await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}/exe")).exists(), "the child went on working");
}

#[tokio::test]
async fn requests_share_the_children() {
    let pool = pool(2);
    tokio::join!(works(&pool), works(&pool), works(&pool), works(&pool));
    assert!((1..=2).contains(&pool.idle_pids().len()));
}

#[tokio::test]
async fn children_end_with_their_parent() {
    let pid = {
        let pool = pool(1);
        works(&pool).await;
        pool.idle_pids()[0]
    };
    for _ in 0..50 {
        // A zombie has no executable any more.
        if std::fs::read_link(format!("/proc/{pid}/exe")).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("child {pid} outlived its pool");
}

/// The process that a process started, once there is one.
fn child_of(parent: u32) -> Option<u32> {
    let parent_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.into_iter().find(|pid| parent_of(*pid) == Some(parent))
}

/// Few lines, and a minute of work: policies whose long selectors are compared with the labels of as many pods.
fn slow() -> [(&'static str, String); 2] {
    let labels: String = (0..90).map(|n| format!("l{n}: v, ")).collect();
    let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a, labels: {{{labels}}}}}, spec: {{containers: [{{name: a}}]}}}}");
    let policy = format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: a}}, spec: {{podSelector: {{matchLabels: {{{labels} z: z}}}}}}}}"
    );
    let list = |item: &str| format!("apiVersion: v1\nkind: List\nitems:\n  - &i {item}\n{}", "  - *i\n".repeat(900));
    [("pods.yaml", list(&pod)), ("policies.yaml", list(&policy))]
}

#[tokio::test]
async fn a_child_at_work_ends_when_its_parent_is_killed() {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("grading_children");
    std::fs::create_dir_all(&dir).unwrap();
    for (name, text) in slow() {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let mut lint = std::process::Command::new(env!("CARGO_BIN_EXE_groundcrew"));
    let mut parent = lint.arg("lint").arg(&dir).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut child = None;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        child = child_of(parent.id());
        if child.is_some() {
            break;
        }
    }
    let child = child.expect("the child was started");
    // It is at work by now: it would only find the closed pipe when it had something to say.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(std::fs::read_link(format!("/proc/{child}/exe")).is_ok(), "the work was too little");
    parent.kill().unwrap();
    parent.wait().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(std::fs::read_link(format!("/proc/{child}/exe")).is_err(), "the child works on for nobody");
}

#[tokio::test]
async fn a_program_that_is_no_grader_is_a_failure_with_a_reason() {
    let none = Pool::new(PathBuf::from("/nowhere/groundcrew"), 1).grade(&small(), |_| {}).await;
    assert!(matches!(none, Err(ChildFailure::NotStarted(_))), "{none:?}");
}
