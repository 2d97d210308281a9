//! PostgreSQL for the suite: one cluster for all test processes of a run, a database a test, gone half a minute after the last one.
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::fs::File;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr as _;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// Where the cluster's socket and data are; none without server programs.
static CLUSTER: OnceLock<Option<PathBuf>> = OnceLock::new();

/// A cluster is used while its heartbeat is younger than this, and stops itself when it is older than 30 s.
const FRESH: Duration = Duration::from_secs(15);

/// A new, empty database: its address and name.
pub async fn new_database() -> Option<(String, String)> {
    let dir = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(cluster).clone()).await.unwrap()?;
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    let url = |database: &str| format!("postgres://tests@localhost/{database}?host={}", dir.display());
    run(&url("postgres"), &format!("CREATE DATABASE {name}")).await.unwrap();
    Some((url(&name), name))
}

/// Removes a test's database; its connections may still be open.
pub fn drop_database(name: &str) {
    let Some(Some(dir)) = CLUSTER.get() else { return };
    let url = format!("postgres://tests@localhost/postgres?host={}", dir.display());
    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    // Its own thread and runtime: this runs while the test's runtime ends.
    let _ = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = runtime.block_on(run(&url, &statement));
    })
    .join();
}

async fn run(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::any::install_default_drivers();
    let mut last = None;
    for _ in 0..100 {
        let options = sqlx::any::AnyConnectOptions::from_str(url)?;
        match options.connect().await {
            Ok(mut conn) => match conn.execute(sqlx::AssertSqlSafe(statement.to_owned())).await {
                Ok(_) => return conn.close().await,
                Err(error) => last = Some(error),
            },
            Err(error) => last = Some(error),
        }
        // Starting up, or somebody else copies the template right now.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.unwrap())
}

/// The folder with `initdb` and `postgres`: on the PATH, else where Debian keeps each version, the newest first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    std::env::split_paths(&path).chain(versions.into_iter().map(|v| v.1)).find(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file())
}

fn cluster() -> Option<PathBuf> {
    let Some(programs) = programs() else {
        let required = std::env::var("GROUNDCREW_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|r| r.trim() == "postgres"),
            "PostgreSQL is required, and no initdb was found on the PATH or in /usr/lib/postgresql"
        );
        eprintln!("skipped: postgres: no initdb on the PATH or in /usr/lib/postgresql");
        return None;
    };
    // One cluster a checkout; processes of the same run meet at the lock.
    let checkout = groundcrew::secrets::token_hash(env!("CARGO_MANIFEST_DIR"));
    let lock = std::env::temp_dir().join(format!("groundcrew-postgres-{}", &checkout[..12]));
    let file = File::options().create(true).truncate(false).read(true).write(true).open(&lock).unwrap();
    file.lock().unwrap();
    let running = std::fs::read_to_string(&lock).ok().map(|dir| PathBuf::from(dir.trim())).filter(|dir| is_running(dir));
    let dir = running.unwrap_or_else(|| {
        let dir = start(&programs);
        std::fs::write(&lock, dir.to_str().unwrap()).unwrap();
        dir
    });
    beat(&dir);
    let heart = dir.clone();
    std::thread::spawn(move || {
        while beat(&heart) {
            std::thread::sleep(Duration::from_secs(3));
        }
    });
    Some(dir)
}

fn is_running(dir: &Path) -> bool {
    let beaten = std::fs::metadata(dir.join("alive")).and_then(|m| m.modified());
    beaten.is_ok_and(|at| at.elapsed().unwrap_or_default() < FRESH) && UnixStream::connect(dir.join(".s.PGSQL.5432")).is_ok()
}

fn beat(dir: &Path) -> bool {
    File::options().write(true).open(dir.join("alive")).and_then(|f| f.set_modified(SystemTime::now())).is_ok()
}

/// Makes and starts the cluster, watched over by a shell that stops it once nobody beats its heart.
const WATCH: &str = r#"
trap '' HUP INT
"$1/initdb" -D "$2/data" -U tests -A trust --no-sync -E UTF8 --locale=C >"$2/log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
  -c max_connections=400 -c shared_buffers=64MB >>"$2/log" 2>&1 &
server=$!
while kill -0 $server 2>/dev/null && [ -n "$(find "$2/alive" -mmin -0.5)" ]; do sleep 2; done
kill -INT $server 2>/dev/null
wait $server
rm -rf "$2"
"#;

#[expect(clippy::zombie_processes, reason = "the watch outlives this process: another test process may still use the cluster")]
fn start(programs: &Path) -> PathBuf {
    // A short name: a socket's path has at most 107 bytes.
    let id = uuid::Uuid::now_v7().simple().to_string();
    let dir = PathBuf::from("/tmp").join(format!("gc-pg-{}", &id[id.len() - 10..]));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("alive"), "").unwrap();
    std::fs::set_permissions(dir.join("alive"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut watch = Command::new("/bin/sh");
    watch.args(["-c", WATCH, "groundcrew-postgres"]).arg(programs).arg(&dir).current_dir("/");
    watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    // initdb refuses root.
    if std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0) {
        let (uid, gid) = other_user();
        chown(&dir, Some(uid), Some(gid)).unwrap();
        watch.uid(uid).gid(gid);
    }
    let mut watch = watch.spawn().unwrap();
    for _ in 0..600 {
        if UnixStream::connect(dir.join(".s.PGSQL.5432")).is_ok() {
            return dir;
        }
        if let Ok(Some(status)) = watch.try_wait() {
            panic!("PostgreSQL didn't start ({status}): {}", std::fs::read_to_string(dir.join("log")).unwrap_or_default());
        }
        beat(&dir);
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("PostgreSQL didn't start within a minute: {}", std::fs::read_to_string(dir.join("log")).unwrap_or_default());
}

/// Somebody other than root who exists on this machine.
fn other_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = users.lines().find(|l| l.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody")).unwrap_or((65_534, 65_534))
}
