//! What the doctor's steps try from within a box: each ends with 0 if it was held back, otherwise it says what it reached.
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

/// Tries one thing. `hint` is what it needs to know of the world outside.
pub fn main(what: &str, hint: &str) -> ExitCode {
    let reached = match what {
        "files" => files(hint),
        "network" => TcpStream::connect(hint).is_ok().then(|| format!("a port of this machine, {hint}")),
        "processes" => processes(hint),
        "system" => system(),
        "environment" => environment(hint),
        "rights" => rights(),
        "file-size" => fill("/work/large", 1),
        "disk" => fill("/work/part", 64),
        "execute" => execute(),
        "memory" => memory(hint),
        "tasks" => tasks(hint),
        "leave" => leave(hint),
        "sleep" => {
            thread::sleep(Duration::from_secs(3600));
            None
        }
        other => Some(format!("there is no probe {other:?}")),
    };
    match reached {
        None => ExitCode::SUCCESS,
        Some(reached) => {
            println!("{reached}");
            ExitCode::FAILURE
        }
    }
}

/// Files of the machine: the ones everybody knows, and one that was put there to be found.
fn files(canary: &str) -> Option<String> {
    ["/etc/passwd", "/etc/shadow", "/bin/sh", "/usr/bin/env", "/root", "/home", canary]
        .into_iter()
        .find(|p| fs::metadata(p).is_ok())
        .map(str::to_owned)
}

/// Other processes, and paths of the machine in the arguments of those of the box.
fn processes(canary: &str) -> Option<String> {
    let pids: Vec<String> =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|e| e.file_name().into_string().ok()).filter(|n| n.parse::<u32>().is_ok()).collect();
    if pids.len() > 4 {
        return Some(format!("{} processes", pids.len()));
    }
    // Its own arguments hold what it looks for.
    let shows = |pid: &&String| {
        **pid != std::process::id().to_string() && fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(canary))
    };
    pids.iter().find(shows).map(|pid| format!("a path of this machine in /proc/{pid}/cmdline"))
}

/// Places that must not be written.
fn system() -> Option<String> {
    ["/here", "/hand/here", "/given/here", "/dev/here", "/dev/shm/here", "/proc/here", "/tmp/here", "/orders.json"]
        .into_iter()
        .find(|p| fs::OpenOptions::new().create(true).append(true).open(p).is_ok())
        .map(|p| format!("{p}, which it could write"))
}

fn environment(allowed: &str) -> Option<String> {
    std::env::vars().map(|(name, _)| name).find(|n| !allowed.split(',').any(|a| a == n)).map(|n| format!("the variable {n}"))
}

/// No capability, and none to be had by running something.
fn rights() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).map(str::trim).unwrap_or_default();
    if ["CapEff:", "CapBnd:"].iter().any(|name| !of(name).trim_start_matches('0').is_empty()) {
        return Some("capabilities".into());
    }
    if of("Uid:").split_whitespace().next() == Some("0") {
        return Some("root's number".into());
    }
    (of("NoNewPrivs:") != "1").then(|| "programs that give rights".into())
}

/// Writes far more than it may, into `files` files.
fn fill(path: &str, files: usize) -> Option<String> {
    let piece = vec![b'x'; 1 << 20];
    for n in 0..files {
        let mut file = fs::File::create(format!("{path}{n}")).ok()?;
        for _ in 0..(if files == 1 { 1024 } else { 16 }) {
            file.write_all(&piece).ok()?;
        }
    }
    Some("more disk than it may use".into())
}

/// Makes a program and runs it.
fn execute() -> Option<String> {
    fs::copy("/hand/groundcrew", "/work/program").ok()?;
    fs::set_permissions("/work/program", fs::Permissions::from_mode(0o755)).ok()?;
    Command::new("/work/program").arg("--version").output().ok().map(|_| "a program it wrote itself".into())
}

fn memory(limit: &str) -> Option<String> {
    let limit: usize = limit.parse().ok()?;
    let mut held: Vec<Vec<u8>> = Vec::new();
    while held.len() << 20 < 2 * limit {
        let mut piece = Vec::new();
        piece.try_reserve_exact(1 << 20).ok()?;
        piece.resize(1 << 20, 1);
        held.push(piece);
        // Slow enough for whoever looks only now and then.
        thread::sleep(Duration::from_micros(500));
    }
    Some(format!("{} MiB of memory", held.len()))
}

fn tasks(limit: &str) -> Option<String> {
    let limit: usize = limit.parse().ok()?;
    let mut held = Vec::new();
    while held.len() < 2 * limit + 64 {
        held.push(thread::Builder::new().stack_size(16 << 10).spawn(|| thread::sleep(Duration::from_secs(2))).ok()?);
    }
    Some(format!("{} threads", held.len()))
}

/// Leaves a process behind that nobody waits for, with an argument to find it by.
fn leave(marker: &str) -> Option<String> {
    let own = std::env::args().next().unwrap_or_default();
    let loader = Path::new("/hand").read_dir().ok().into_iter().flatten().flatten().map(|e| e.path());
    let loader = loader.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("ld-"))).last();
    let mut command = match loader {
        Some(loader) => {
            let mut command = Command::new(loader);
            command.args(["--library-path", "/hand", "/hand/groundcrew"]);
            command
        }
        None => Command::new(own),
    };
    command.args(["confined", "sleep", marker]).spawn().err().map(|e| format!("nothing: it could leave no process ({e})"))
}
