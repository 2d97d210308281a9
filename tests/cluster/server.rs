//! The cluster all tests of a run share, and how a test asks it something.
use super::{control_plane, kubelet};
use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// What a shared cluster is reached by, or why there is none.
static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();
/// Tests take turns: one's nodes and pods would be another's surprise.
static TURN: Mutex<()> = Mutex::const_new(());
static NAMESPACES: AtomicU32 = AtomicU32::new(0);

struct Shared {
    kubeconfig: PathBuf,
    plane: Option<control_plane::ControlPlane>,
}

/// The API server, asked by one test while it is that test's turn.
pub struct Server {
    client: Client,
    /// Its major and minor version.
    pub version: (u32, u32),
    /// Nobody else's nodes or pods are there.
    pub ours_alone: bool,
    _turn: MutexGuard<'static, ()>,
}

/// Why the server didn't do it.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// The server, when it is this test's turn; none where there is none and nobody requires it.
pub async fn server() -> Option<Server> {
    let turn = TURN.lock().await;
    let shared = SHARED.get_or_init(share).as_ref().map_err(|why| skipped(why)).ok()?;
    let kubeconfig = Kubeconfig::read_from(&shared.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let mut server = Server { client, version: (0, 0), ours_alone: shared.plane.is_some(), _turn: turn };
    server.version = server.answers(shared.plane.as_ref().and_then(|p| p.version)).await;
    Some(server)
}

/// The cluster that is named, or one of our own.
fn share() -> Result<Shared, String> {
    let shared = match std::env::var_os("GROUNDCREW_TEST_KUBECONFIG") {
        Some(path) => Shared { kubeconfig: path.into(), plane: None },
        None => {
            let plane = control_plane::start(&control_plane::programs()?)?;
            Shared { kubeconfig: plane.kubeconfig.clone(), plane: Some(plane) }
        }
    };
    kubelet::run(shared.kubeconfig.clone());
    Ok(shared)
}

/// Says what can't be asked here, so that `tests/run` counts it; where a cluster is required, there must be one.
pub fn skipped(why: &str) {
    let required = std::env::var("GROUNDCREW_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|r| r.trim() == "cluster"), "a cluster is required: {why}");
    eprintln!("skipped: cluster: {why}");
}

impl Server {
    /// Waits until it answers, as who just started it must, and says its version, if its program hasn't said it.
    async fn answers(&self, version: Option<(u32, u32)>) -> (u32, u32) {
        let started = Instant::now();
        loop {
            let ready = self.client.request_text(Request::get("/readyz").body(Vec::new()).unwrap()).await;
            if ready.is_ok() && self.get("v1", "Namespace", "", "default").await.is_some() {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "the API server isn't ready after a minute: {ready:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if let Some(version) = version {
            return version;
        }
        let version: Value = self.client.request(Request::get("/version").body(Vec::new()).unwrap()).await.unwrap();
        let mut numbers = version["gitVersion"].as_str().unwrap().trim_start_matches('v').split('.').map(|n| n.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    /// A new namespace with what every pod in it needs.
    pub async fn namespace(&self) -> String {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let name = format!("gc-{}-{}", &id[id.len() - 8..], NAMESPACES.fetch_add(1, Ordering::Relaxed));
        self.create("", &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })).await.unwrap();
        // Pods are refused until the controllers have made it, before 1.24 with its token.
        let token = self.version < (1, 24);
        let has_account = |account: &Value| !token || account["secrets"].is_array();
        self.until(&format!("the default service account of {name}"), || async {
            self.get("v1", "ServiceAccount", &name, "default").await.filter(has_account)
        })
        .await;
        name
    }

    pub async fn create(&self, namespace: &str, object: &Value) -> Result<Value, Refusal> {
        self.post(namespace, object, "").await
    }

    /// Asks whether it would be created.
    pub async fn dry_run(&self, namespace: &str, object: &Value) -> Result<Value, Refusal> {
        self.post(namespace, object, "?dryRun=All").await
    }

    async fn post(&self, namespace: &str, object: &Value, query: &str) -> Result<Value, Refusal> {
        let text = |key: &str| object[key].as_str().unwrap_or_else(|| panic!("an object without {key}: {object}"));
        let path = path(text("apiVersion"), text("kind"), namespace);
        let request = Request::post(format!("{path}{query}")).header("Content-Type", "application/json");
        self.ask(request.body(serde_json::to_vec(object).unwrap()).unwrap()).await
    }

    pub async fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let path = format!("{}/{name}", path(api_version, kind, namespace));
        self.ask(Request::get(path).body(Vec::new()).unwrap()).await.ok()
    }

    pub async fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let list = self.ask(Request::get(path(api_version, kind, namespace)).body(Vec::new()).unwrap()).await.unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Deletes at once, as if what runs were gone already.
    pub async fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let path = format!("{}/{name}?gracePeriodSeconds=0&propagationPolicy=Background", path(api_version, kind, namespace));
        if let Err(refusal) = self.ask(Request::delete(path).body(Vec::new()).unwrap()).await {
            assert_eq!(refusal.code, 404, "{}", refusal.message);
        }
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Value, Refusal> {
        match self.client.request(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => Err(Refusal { code: status.code, message: status.message }),
            Err(other) => Err(Refusal { code: 0, message: other.to_string() }),
        }
    }

    /// Asks again until there is an answer, for half a minute.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, mut ask: impl FnMut() -> F) -> T {
        let started = Instant::now();
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "waited half a minute for {what}");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
}

/// Kinds that live in no namespace.
const CLUSTER_WIDE: [&str; 10] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "StorageClass",
    "IngressClass",
    "RuntimeClass",
    "CustomResourceDefinition",
];

/// Where a kind's objects are: `/apis/apps/v1/namespaces/x/deployments`.
fn path(api_version: &str, kind: &str, namespace: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let lower = kind.to_lowercase();
    let plural = match lower.as_str() {
        "endpoints" => lower,
        _ if lower.ends_with('s') => format!("{lower}es"),
        _ if lower.ends_with("cy") => format!("{}ies", &lower[..lower.len() - 1]),
        _ => format!("{lower}s"),
    };
    match namespace {
        "" => format!("/{root}/{api_version}/{plural}"),
        _ if CLUSTER_WIDE.contains(&kind) => format!("/{root}/{api_version}/{plural}"),
        _ => format!("/{root}/{api_version}/namespaces/{namespace}/{plural}"),
    }
}
