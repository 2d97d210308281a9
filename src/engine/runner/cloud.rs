//! The mock cloud beside a provider, in the provider's own box: moto answers the provider alone, and at the end says what it holds.
use super::tools::Python;
use crate::engine::confine::{Seen, Step};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The loopback port of the box on which it answers.
pub const PORT: u16 = 5000;
/// By this the box's hand passes it on to us.
pub const SOCKET: &str = "cloud";
/// Most that is read of what it holds.
const MOST: u64 = 32 << 20;

/// Where a python outside of the usual folders has its libraries.
const SYSTEM: [&str; 4] = ["/usr/lib", "/usr/local/lib", "/lib", "/lib64"];

/// What the box sees of python.
pub fn seen(python: &Python) -> Vec<Seen> {
    let system = SYSTEM.iter().map(PathBuf::from).filter(|p| p.is_dir());
    let folders = system.chain(python.folders.iter().filter(|f| !SYSTEM.iter().any(|s| f.starts_with(s))).cloned());
    let mut seen: Vec<Seen> = folders.map(|f| Seen { inside: f.to_string_lossy().into_owned(), runs: false, host: f }).collect();
    // What the kernel starts python by must be allowed to run too.
    let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].iter().filter_map(|l| fs::canonicalize(l).ok());
    seen.extend(loaders.map(|l| Seen { inside: l.to_string_lossy().into_owned(), runs: true, host: l }));
    seen.push(Seen { host: python.program.clone(), inside: python.program.to_string_lossy().into_owned(), runs: true });
    seen
}

/// Starts it; the steps after it wait until it answers.
pub fn step(python: &Python) -> Step {
    let environment = [
        ("HOME", "/work"),
        ("TMPDIR", "/work"),
        ("PYTHONPATH", python.path.as_str()),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONUNBUFFERED", "1"),
        ("MOTO_IAM_LOAD_MANAGED_POLICIES", "true"),
        ("AWS_ACCESS_KEY_ID", "mock"),
        ("AWS_SECRET_ACCESS_KEY", "mock"),
    ];
    let port = PORT.to_string();
    let arguments = ["-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", &port];
    Step {
        name: SOCKET.into(),
        command: std::iter::once(python.program.to_string_lossy().as_ref()).chain(arguments).map(str::to_owned).collect(),
        folder: "/work".into(),
        environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        wall: Duration::from_secs(60),
        serves: Some(PORT),
        decides: true,
    }
}

/// What the provider needs to know of it.
pub fn environment() -> Vec<(String, String)> {
    vec![("AWS_ENDPOINT_URL".into(), format!("http://127.0.0.1:{PORT}"))]
}

/// What it holds, as JSON.
pub fn holds(socket: &Path) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"GET /moto-api/data.json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut all = Vec::new();
    stream.take(MOST).read_to_end(&mut all)?;
    let head = all.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(|| io::Error::other("the mock cloud doesn't say what it holds"))?;
    Ok(all.split_off(head + 4))
}
