//! The portal killed at random moments: what it acknowledged is graded exactly once, whatever happened in between.
use groundcrew::db::Db;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The demo's labs to hand in for, each once: a lab takes one hand-in a minute.
const LABS: [&str; 15] = [
    "09-kubernetes-workloads/rollouts-and-probes",
    "09-kubernetes-workloads/three-tier-app",
    "08-terraform-drift-spot/refactor-without-destroying",
    "08-terraform-drift-spot/review-a-plan",
    "08-terraform-drift-spot/spot-pool-with-fallback",
    "07-terraform-modules/gpu-nodepool",
    "06-cloud-terraform/gpu-ready-network",
    "06-cloud-terraform/stop-idle-gpus",
    "05-ci-cd/audit-a-pipeline",
    "05-ci-cd/pipeline-that-refuses",
    "04-containers/compose-for-inference",
    "03-python/gpu-inventory",
    "02-networking/trace-a-failing-request",
    "01-linux/read-a-gpu-host",
    "01-linux/runbook-lost-gpu",
];
/// In each round the portal is killed within so many milliseconds: from before anything is kept to after everything is graded.
const WINDOWS: [u128; 5] = [60, 30, 200, 90, 700];

/// A folder and the server on it; both gone at the end.
struct Server {
    data: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

impl Server {
    fn start(&mut self, args: &[&str]) {
        // A port that was free a moment ago; another one each time.
        self.address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew"));
        command.arg("serve").args(args).args(["--listen", &self.address.to_string()]).arg("--data").arg(&self.data);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GROUNDCREW_") || name == "DATABASE_URL") {
            command.env_remove(name);
        }
        command.env("GROUNDCREW_GRADERS", "2").stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while get(self.address, "", "/healthz").is_none_or(|r| r.status != 200) {
            assert!(begun.elapsed() < Duration::from_secs(120), "it doesn't start");
            assert_eq!(self.child.as_mut().unwrap().try_wait().unwrap(), None, "it ended by itself");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What `kill -9` does.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|l| l.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
    }
}

/// One request on its own connection; none when the server was gone before it answered whole.
fn send(address: SocketAddr, head: &str, body: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let length = body.len();
    stream.write_all(format!("{head}Host: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let reply = Reply { status: head.split(' ').nth(1)?.parse().ok()?, head: head.to_owned(), body: body.to_owned() };
    let whole = reply.header("content-length").is_none_or(|n| n.parse() == Ok(reply.body.len()));
    whole.then_some(reply)
}

fn get(address: SocketAddr, cookie: &str, path: &str) -> Option<Reply> {
    send(address, &format!("GET {path} HTTP/1.1\r\nCookie: {cookie}\r\n"), b"")
}

fn post(address: SocketAddr, cookie: &str, path: &str, kind: &str, body: &[u8]) -> Option<Reply> {
    let head =
        format!("POST {path} HTTP/1.1\r\nCookie: {cookie}\r\nOrigin: http://{address}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {kind}\r\n");
    send(address, &head, body)
}

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=part";

fn signed_in(address: SocketAddr) -> String {
    let reply = post(address, "", "/demo/sign-in", FORM, b"who=student").unwrap();
    assert_eq!(reply.status, 303, "{reply:?}");
    reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// The solution of a lab as a browser would upload it.
fn solution(lab: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("labs").join(lab).join("solution");
    let mut body = Vec::new();
    for file in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        body.extend_from_slice(format!("--part\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n").as_bytes());
        body.extend(std::fs::read(file.path()).unwrap());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--part--\r\n");
    body
}

/// Hands in, and says where the submission is when that was acknowledged.
fn hand_in(address: SocketAddr, cookie: &str, lab: &str) -> Option<String> {
    let id = lab.rsplit('/').next().unwrap();
    let reply = if id == "chat-in-a-quota" {
        post(address, cookie, &format!("/labs/{id}/sample"), FORM, b"")?
    } else {
        post(address, cookie, &format!("/labs/{id}/submissions"), PARTS, &solution(lab))?
    };
    assert_eq!(reply.status, 303, "{lab}: {reply:?}");
    Some(reply.header("location").unwrap().to_owned())
}

#[tokio::test]
async fn what_was_acknowledged_is_graded_once_though_the_portal_is_killed_again_and_again() {
    let data = std::env::temp_dir().join(format!("groundcrew-test-{}", uuid::Uuid::now_v7()));
    let mut server = Server { data: data.clone(), address: SocketAddr::from(([127, 0, 0, 1], 0)), child: None };
    server.start(&["--demo"]);
    let before = gradings(&data).await;
    assert!(before > 50, "the demo is lively: {before}");
    let mut acknowledged = Vec::new();
    for (round, labs) in LABS.chunks(LABS.len() / WINDOWS.len()).enumerate() {
        let (address, cookie) = (server.address, signed_in(server.address));
        let (told, tells) = mpsc::channel();
        let labs = labs.iter().copied().chain((round == 0).then_some("09-kubernetes-workloads/chat-in-a-quota"));
        let senders: Vec<_> = labs
            .map(|lab| {
                let (cookie, told) = (cookie.clone(), told.clone());
                std::thread::spawn(move || {
                    if let Some(at) = hand_in(address, &cookie, lab) {
                        let _ = told.send(at);
                    }
                })
            })
            .collect();
        drop(told);
        // In odd rounds the time is counted from the first acknowledgement.
        if round % 2 == 1 {
            acknowledged.extend(tells.recv_timeout(Duration::from_secs(30)));
        }
        let wait = Duration::from_millis(u64::try_from(uuid::Uuid::now_v7().as_u128() % WINDOWS[round]).unwrap());
        println!("round {round}: killed after {wait:?}");
        std::thread::sleep(wait);
        server.kill();
        for sender in senders {
            sender.join().unwrap();
        }
        acknowledged.extend(tells.iter());
        server.start(&[]);
    }
    println!("{} hand-ins were acknowledged", acknowledged.len());
    assert!(acknowledged.len() >= 2, "nothing was acknowledged, so nothing was tested");

    // Leases of the killed run out after 15 s.
    let cookie = signed_in(server.address);
    let begun = Instant::now();
    for path in &acknowledged {
        let report = loop {
            let reply = get(server.address, &cookie, &format!("{path}/report.json")).unwrap();
            if reply.status == 200 {
                break reply.body;
            }
            assert_eq!(reply.status, 404, "{path} is lost: {reply:?}");
            assert!(begun.elapsed() < Duration::from_secs(90), "{path} isn't graded");
            std::thread::sleep(Duration::from_millis(200));
        };
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["outcome"], "graded", "{path}: {report}");
    }
    // Those whose acknowledgement was cut off may be there too, and are then graded like any other.
    while waiting(&data).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(90), "something still waits");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    server.kill();
    let again = count(&data, "SELECT COUNT(*) FROM jobs WHERE claims > 1").await;
    println!("{again} gradings were cut off and done again");
    each_is_graded_once(&data, &acknowledged, before).await;
}

async fn count(data: &Path, statement: &'static str) -> i64 {
    let db = Db::sqlite(&data.join("groundcrew.db")).await.unwrap();
    let n = sqlx::query_scalar(statement).fetch_one(&mut *db.read().await.unwrap()).await.unwrap();
    db.close().await;
    n
}

async fn gradings(data: &Path) -> i64 {
    count(data, "SELECT COUNT(*) FROM gradings").await
}

async fn waiting(data: &Path) -> i64 {
    count(data, "SELECT COUNT(*) FROM jobs WHERE state IN ('waiting', 'running')").await
}

async fn each_is_graded_once(data: &Path, acknowledged: &[String], before: i64) {
    let db = Db::sqlite(&data.join("groundcrew.db")).await.unwrap();
    let mut conn = db.read().await.unwrap();
    for path in acknowledged {
        let id = path.strip_prefix("/submissions/").unwrap();
        let gradings: Vec<(Option<i64>,)> =
            sqlx::query_as("SELECT superseded FROM gradings WHERE submission = $1").bind(id).fetch_all(&mut *conn).await.unwrap();
        assert_eq!(gradings, [(None,)], "gradings of {id}");
    }
    drop(conn);
    db.close().await;
    let jobs = count(data, "SELECT COUNT(*) FROM jobs").await;
    assert!(jobs >= i64::try_from(acknowledged.len()).unwrap());
    for (what, statement, expected) in [
        ("jobs that aren't done", "SELECT COUNT(*) FROM jobs WHERE state <> 'done'", 0),
        (
            "jobs with another number of gradings than one",
            "SELECT COUNT(*) FROM jobs j WHERE (SELECT COUNT(*) FROM gradings g WHERE g.job = j.id) <> 1",
            0,
        ),
        (
            "submissions with another number of current gradings than one",
            "SELECT COUNT(*) FROM submissions s WHERE (SELECT COUNT(*) FROM gradings g WHERE g.submission = s.id AND g.superseded IS NULL) <> 1",
            0,
        ),
        (
            "submissions without files",
            "SELECT COUNT(*) FROM submissions s WHERE NOT EXISTS (SELECT 1 FROM submission_files f WHERE f.submission = s.id)",
            0,
        ),
        ("gradings", "SELECT COUNT(*) FROM gradings", before + jobs),
        ("submissions and gradings apart", "SELECT (SELECT COUNT(*) FROM submissions) - (SELECT COUNT(*) FROM gradings)", 0),
    ] {
        assert_eq!(count(data, statement).await, expected, "{what}");
    }
}
