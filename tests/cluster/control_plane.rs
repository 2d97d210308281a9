//! A control plane of this test run's own on loopback: etcd, API server, controller manager and scheduler, gone when the run is.
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::fs::DirBuilder;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAMS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

/// Starts the four programs and stops them by their ids when its own input ends, which is when the test process does, however
/// that happens. The last two read the certificate that the server makes itself.
const WATCH: &str = r#"
trap '' HUP INT TERM
cd "$1"
set -f
IFS='
'
start() {
  "$2/$3" $(cat "$3.args") </dev/null >"$3.log" 2>&1 &
  pids="$pids$!
"
}
pids=
start "$@" etcd
start "$@" kube-apiserver
until [ -s certificates/apiserver.crt ] || ! kill -0 $!; do sleep 0.1; done
start "$@" kube-controller-manager
start "$@" kube-scheduler
cat >/dev/null
kill -TERM $pids
sleep 0.5
kill -KILL $pids
wait
rm -rf "$1"
"#;

/// A control plane that runs; it stops when this process ends.
pub struct ControlPlane {
    pub kubeconfig: PathBuf,
    /// What the API server's program says of itself; a build of one's own may answer its clients otherwise.
    pub version: Option<(u32, u32)>,
    /// Its input keeps the control plane alive.
    _watch: Child,
}

/// Where the programs are: `KUBEBUILDER_ASSETS`, as envtest names it, else what `tests/cluster/build` left in the user's cache.
pub fn programs() -> Result<PathBuf, String> {
    let (dir, from) = match std::env::var_os("KUBEBUILDER_ASSETS") {
        Some(dir) => (PathBuf::from(dir), "KUBEBUILDER_ASSETS"),
        None => {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).ok_or("no HOME, so no cache")?;
            (cache.join("groundcrew/kubernetes-1.20.2"), "the cache that tests/cluster/build fills")
        }
    };
    match PROGRAMS.iter().find(|p| !dir.join(p).is_file()) {
        Some(missing) => Err(format!("no {missing} in {}, {from}", dir.display())),
        None => Ok(dir),
    }
}

pub fn start(programs: &Path) -> Result<ControlPlane, String> {
    let io = |e: std::io::Error| e.to_string();
    let id = uuid::Uuid::now_v7().simple().to_string();
    let dir = std::env::temp_dir().join(format!("groundcrew-cluster-{}", &id[id.len() - 10..]));
    DirBuilder::new().mode(0o700).create(&dir).map_err(io)?;
    let [etcd, peers, api, controllers, scheduler] = free_ports().map_err(io)?;
    // 148 random bits.
    let token = format!("{}{}", uuid::Uuid::now_v7().simple(), uuid::Uuid::now_v7().simple());
    std::fs::write(dir.join("tokens.csv"), format!("{token},tests,tests,system:masters\n")).map_err(io)?;
    let (private, public) = signing_keys()?;
    std::fs::write(dir.join("service-accounts.key"), private).map_err(io)?;
    std::fs::write(dir.join("service-accounts.pub"), public).map_err(io)?;
    let kubeconfig = dir.join("kubeconfig");
    std::fs::write(&kubeconfig, kubeconfig_text(&dir, api, &token)).map_err(io)?;
    let version = version(&programs.join("kube-apiserver"));
    let before_1_24 = version.is_some_and(|v| v < (1, 24));
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let file = |name: &str| dir.join(name).display().to_string();
    let arguments = |program: &str, arguments: &[String]| std::fs::write(dir.join(format!("{program}.args")), arguments.join("\n")).map_err(io);

    arguments(
        "etcd",
        &[
            format!("--data-dir={}", file("etcd")),
            format!("--listen-client-urls={}", at(etcd)),
            format!("--advertise-client-urls={}", at(etcd)),
            format!("--listen-peer-urls={}", at(peers)),
            format!("--initial-advertise-peer-urls={}", at(peers)),
            format!("--initial-cluster=default={}", at(peers)),
            "--unsafe-no-fsync=true".to_owned(),
        ],
    )?;
    arguments(
        "kube-apiserver",
        &[
            format!("--etcd-servers={}", at(etcd)),
            format!("--secure-port={api}"),
            // It makes itself a certificate for the address it advertises.
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--cert-dir={}", file("certificates")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--service-account-issuer=https://groundcrew.test".to_owned(),
            format!("--service-account-key-file={}", file("service-accounts.pub")),
            format!("--service-account-signing-key-file={}", file("service-accounts.key")),
            "--allow-privileged=true".to_owned(),
        ],
    )?;
    // Before 1.24 these two serve on every address too, unless told not to.
    let no_open_port = before_1_24.then(|| "--port=0".to_owned());
    let common = |port: u16| {
        let common = [format!("--kubeconfig={}", kubeconfig.display()), "--leader-elect=false".to_owned()];
        let serving = [format!("--secure-port={port}"), "--bind-address=127.0.0.1".to_owned(), format!("--cert-dir={}", file("certificates"))];
        let rate = ["--kube-api-qps=400".to_owned(), "--kube-api-burst=800".to_owned()];
        common.into_iter().chain(serving).chain(rate).chain(no_open_port.clone())
    };
    let own = [
        format!("--root-ca-file={}", file("certificates/apiserver.crt")),
        format!("--service-account-private-key-file={}", file("service-accounts.key")),
        "--concurrent-resource-quota-syncs=10".to_owned(),
        // Nodes here have no kubelet: they stay as they were made.
        "--node-monitor-grace-period=24h".to_owned(),
    ];
    arguments("kube-controller-manager", &common(controllers).chain(own).collect::<Vec<_>>())?;
    arguments("kube-scheduler", &common(scheduler).collect::<Vec<_>>())?;

    let mut watch = Command::new("/bin/sh");
    watch.args(["-c", WATCH, "groundcrew-cluster"]).arg(&dir).arg(programs);
    // Its own group: an interrupt from the keyboard is the test process's to die of.
    watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let watch = watch.spawn().map_err(io)?;
    let plane = ControlPlane { kubeconfig, version, _watch: watch };
    plane.is_up(&dir, api)?;
    Ok(plane)
}

impl ControlPlane {
    /// Waits for the server's certificate and socket; whether it answers well is asked by the first request.
    fn is_up(&self, dir: &Path, api: u16) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if dir.join("certificates/apiserver.crt").is_file() && std::net::TcpStream::connect(("127.0.0.1", api)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(dir.join("kube-apiserver.log")).unwrap_or_default();
        let end = log.lines().rev().take(15).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        Err(format!("the API server didn't start within a minute; its last words:\n{end}"))
    }
}

/// Ports nobody listens on, all open at once so that they differ.
fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// `Kubernetes v1.20.2` as (1, 20).
fn version(server: &Path) -> Option<(u32, u32)> {
    let output = Command::new(server).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().rsplit_once(" v")?.1.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What comes before a point of P-256 in the encoding of a public key (RFC 5480).
const P256: [u8; 26] = [48, 89, 48, 19, 6, 7, 42, 134, 72, 206, 61, 2, 1, 6, 8, 42, 134, 72, 206, 61, 3, 1, 7, 3, 66, 0];

/// What service accounts' tokens are signed with and checked by, as PEM.
fn signing_keys() -> Result<(String, String), String> {
    let random = SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|e| e.to_string())?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, private.as_ref(), &random).map_err(|e| e.to_string())?;
    Ok((pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", &[&P256[..], pair.public_key().as_ref()].concat())))
}

fn pem(what: &str, der: &[u8]) -> String {
    // Kubernetes' own type for bytes is written as base64.
    let base64 = serde_json::to_value(k8s_openapi::ByteString(der.to_vec())).unwrap_or_default();
    let lines = base64.as_str().unwrap_or_default().as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned());
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.collect::<Vec<_>>().join("\n"))
}

/// For our client, the controllers and any `kubectl`.
fn kubeconfig_text(dir: &Path, port: u16, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: tests\n\
         clusters:\n- name: tests\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority: {dir}/certificates/apiserver.crt\n\
         users:\n- name: tests\n  user:\n    token: {token}\n\
         contexts:\n- name: tests\n  context:\n    cluster: tests\n    user: tests\n",
        dir = dir.display(),
    )
}
