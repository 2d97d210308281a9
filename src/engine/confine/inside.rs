//! The box's own hand: `groundcrew confined` limits itself, runs the steps it was told one after the other, and says what came.
use super::{Orders, Said, Step, Stepped, landlocked, seccomp, wire};
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub const ORDERS: &str = "/orders.json";
pub const GIVEN: &str = "/given";
pub const WORK: &str = "/work";
pub const SOCKETS: &str = "/sockets";

/// How often a running step is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// How long the output of a step that ended is waited for: what it left behind may still hold it open.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Runs what `/orders.json` says. Everything that still runs ends with this process, which is the first of its namespace.
pub fn main() -> io::Result<()> {
    let orders: Orders = serde_json::from_slice(&fs::read(ORDERS)?)?;
    let mut to = io::stdout().lock();
    if Path::new(GIVEN).is_dir() {
        copy(Path::new(GIVEN), Path::new(WORK))?;
    }
    let under = limit(&orders)?;
    wire::write(&mut to, &Said::Under(under))?;
    let mut beside = Vec::new();
    for step in &orders.steps {
        wire::write(&mut to, &Said::Begins(step.name.clone()))?;
        let stepped = match step.serves {
            Some(port) => serve(step, port, &mut beside)?,
            None => run(step, orders.limits.output),
        };
        let ends = stepped.late || (step.decides && !stepped.is_good());
        wire::write(&mut to, &Said::Stepped(stepped))?;
        if ends {
            break;
        }
    }
    wire::write(&mut to, &Said::Ends)
}

/// Files and folders, with no right to run.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Puts this process under everything the kernel offers, and says under what.
fn limit(orders: &Orders) -> io::Result<Vec<String>> {
    use rlimit::Resource;
    let limits = &orders.limits;
    Resource::AS.set(limits.address_space, limits.address_space)?;
    Resource::CPU.set(limits.cpu_seconds, limits.cpu_seconds)?;
    Resource::FSIZE.set(limits.file, limits.file)?;
    Resource::NOFILE.set(1024, 1024)?;
    Resource::NPROC.set(limits.tasks, limits.tasks)?;
    Resource::CORE.set(0, 0)?;
    let mut under = vec!["namespaces".to_owned(), "rlimits".to_owned()];
    let writes: &[&str] = if orders.sockets { &[WORK, SOCKETS] } else { &[WORK] };
    under.extend(landlocked::apply(&orders.runs, writes, &orders.ports));
    if seccomp::apply().is_ok() {
        under.push("seccomp".to_owned());
    }
    Ok(under)
}

fn command(step: &Step) -> Command {
    let (program, arguments) = step.command.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(step.environment.iter().map(|(k, v)| (k, v))).current_dir(&step.folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn failed(step: &Step, why: impl Into<Vec<u8>>) -> Stepped {
    Stepped { name: step.name.clone(), code: None, out: Vec::new(), err: why.into(), cut: false, late: false, took: Duration::ZERO }
}

fn run(step: &Step, most: usize) -> Stepped {
    let begun = Instant::now();
    let mut child = match command(step).spawn() {
        Ok(child) => child,
        Err(error) => return failed(step, format!("it can't be started: {error}")),
    };
    let (out, err) = (listen(child.stdout.take(), most), listen(child.stderr.take(), most));
    let code = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.code(),
            Ok(None) if begun.elapsed() < step.wall => thread::sleep(LOOK),
            _ => break None,
        }
    };
    let late = code.is_none() && begun.elapsed() >= step.wall;
    if late {
        drop(child.kill());
    }
    let took = begun.elapsed();
    let ((out, out_cut), (err, err_cut)) = (heard(&out), heard(&err));
    Stepped { name: step.name.clone(), code, out, err, cut: out_cut || err_cut, late, took }
}

/// Starts what the later steps talk to, and waits until it answers.
fn serve(step: &Step, port: u16, beside: &mut Vec<Child>) -> io::Result<Stepped> {
    let begun = Instant::now();
    let mut child = command(step).spawn()?;
    let (out, err) = (listen(child.stdout.take(), 1 << 16), listen(child.stderr.take(), 1 << 16));
    while begun.elapsed() < step.wall {
        if child.try_wait()?.is_some() {
            let (out, err) = (heard(&out).0, heard(&err).0);
            return Ok(Stepped { out, err, took: begun.elapsed(), ..failed(step, "") });
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            beside.push(child);
            if Path::new(SOCKETS).is_dir() {
                let listener = UnixListener::bind(format!("{SOCKETS}/{}", step.name))?;
                thread::spawn(move || listener.incoming().flatten().for_each(|s| pass(&s, port)));
            }
            return Ok(Stepped { code: Some(0), took: begun.elapsed(), ..failed(step, "") });
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Stepped { late: true, took: begun.elapsed(), ..failed(step, format!("nothing answers on port {port}")) })
}

/// Passes one request from outside on to a port of the box, and the answer back.
fn pass(from: &UnixStream, port: u16) {
    let passed = || -> io::Result<()> {
        let to = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let (mut asks, mut hears) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || io::copy(&mut asks, &mut hears));
        io::copy(&mut &to, &mut &*from)?;
        from.shutdown(std::net::Shutdown::Both)
    };
    // Whoever asked sees that nothing more comes.
    drop(passed());
}

/// What a stream says up to `most` bytes; the rest is read and forgotten. Told in pieces, so that what was said is there when time is up.
fn listen(stream: Option<impl Read + Send + 'static>, most: usize) -> Receiver<(Vec<u8>, bool)> {
    let (sender, receiver) = channel();
    if let Some(mut stream) = stream {
        thread::spawn(move || {
            let (mut buffer, mut kept) = (vec![0; 1 << 16], 0);
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                let take = n.min(most - kept);
                kept += take;
                if sender.send((buffer[..take].to_vec(), take < n)).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

fn heard(from: &Receiver<(Vec<u8>, bool)>) -> (Vec<u8>, bool) {
    let (mut all, mut cut) = (Vec::new(), false);
    let until = Instant::now() + LAST_WORDS;
    loop {
        match from.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((piece, more)) => {
                all.extend(piece);
                cut |= more;
            }
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return (all, cut),
        }
    }
}
