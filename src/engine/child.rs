//! Hostile work runs in a child of the same binary: the wire between them, and the child's own loop.
use super::check::{Checks, Surroundings};
use super::errand::{Back, Errand};
use super::files::Files;
use super::grade;
use super::lint::{self, Lint};
use super::report::Report;
use super::runner::Runner;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a child is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Grade { checks: Checks, files: Files, surroundings: Surroundings },
    Lint { files: Files },
}

/// What a child answers: phases first, then one result.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    Phase(Phase),
    /// Have this done and say what came: the next message to the child is a `Back`.
    Errand {
        errand: Box<Errand>,
    },
    Report {
        report: Box<Report>,
    },
    Lint {
        lint: Box<Lint>,
    },
}

/// How far a grading is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// The check under way; none while files are read.
    pub check: Option<String>,
    pub done: u32,
    pub of: u32,
    /// What a tool does meanwhile.
    #[serde(default)]
    pub tool: Option<String>,
}

impl Phase {
    pub fn reading(files: usize) -> Phase {
        Phase { check: None, done: 0, of: u32::try_from(files).unwrap_or(u32::MAX), tool: None }
    }

    pub fn checking(check: &str, done: usize, of: usize) -> Phase {
        Phase { check: Some(check.to_owned()), done: u32::try_from(done).unwrap_or(u32::MAX), of: u32::try_from(of).unwrap_or(u32::MAX), tool: None }
    }

    /// A tool is at work.
    pub fn running(says: &str, done: usize, of: usize) -> Phase {
        Phase { tool: Some(says.to_owned()), ..Phase::checking("", done, of) }
    }

    pub fn words(&self) -> String {
        if let Some(tool) = &self.tool {
            return tool.clone();
        }
        match &self.check {
            Some(check) => format!("Checking {check}"),
            None if self.of == 1 => "Reading 1 file".to_owned(),
            None => format!("Reading {} files", self.of),
        }
    }
}

/// Address space of a child, in bytes: enough for the schemas of one version and a large hand-in, far from the machine's.
const MEMORY: u64 = 1 << 30;
/// Longest request. A hand-in's files are far smaller.
const LONGEST_REQUEST: usize = 64 << 20;
/// Longest answer: the portal stores a report and reads it again for each page, so a report is bounded where it is made.
pub const LONGEST: usize = 4 << 20;
/// The grading thread's stack: the readers cap their depth well below it.
const STACK: usize = 64 << 20;
/// How often a child looks whether somebody still waits for it.
const WATCHED: Duration = Duration::from_millis(500);
/// No request is waited for as long as this: the portal gives up after 20 s, the command line after 60.
const FORGOTTEN: Duration = Duration::from_secs(75);

/// What allocators are told in a child. The C library's: its one busy thread allocates from the ordinary heap, which grows in large
/// steps; a heap made for a thread grows by pages, and a system call for each of them was a tenth of the work. The client's: it reserves
/// 64 MiB at a time instead of a GiB, which is all that a child may address, and takes no huge pages, a fifth more memory for a tenth less work.
pub const ENVIRONMENT: [(&str, &str); 4] =
    [("MALLOC_ARENA_MAX", "1"), ("MALLOC_TOP_PAD_", "4194304"), ("MIMALLOC_ARENA_RESERVE", "65536"), ("MIMALLOC_ALLOW_THP", "0")];

/// The child: limits itself, then answers requests until its input closes. Exits with 0 then, otherwise with an error.
pub fn main() -> io::Result<()> {
    use rlimit::Resource;
    Resource::AS.set(MEMORY, MEMORY)?;
    Resource::CORE.set(0, 0)?;
    Resource::FSIZE.set(0, 0)?;
    Resource::NOFILE.set(16, 16)?;
    let (busy, ends) = (Arc::new(Mutex::new(None)), std::sync::mpsc::channel());
    let since = Arc::clone(&busy);
    std::thread::Builder::new().stack_size(STACK).spawn(move || {
        // Nobody listens any more when this process is ending already.
        drop(ends.0.send(answer(&mut io::stdin().lock(), &mut io::stdout().lock(), &since)));
    })?;
    watch(&ends.1, &busy)
}

/// Waits for the end of the work, and ends it itself when nobody waits for it any more: whoever started this process holds
/// the wall limit, but may be killed or be stopped.
fn watch(ended: &Receiver<io::Result<()>>, busy: &Mutex<Option<Instant>>) -> io::Result<()> {
    let parent = std::os::unix::process::parent_id();
    loop {
        match ended.recv_timeout(WATCHED) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the grader panicked")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if std::os::unix::process::parent_id() != parent {
            return Err(io::Error::other("whoever asked is gone"));
        }
        if busy.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() > FORGOTTEN) {
            return Err(io::Error::other("the request took longer than anybody waits"));
        }
    }
}

fn answer(from: &mut impl Read, to: &mut impl Write, busy: &Mutex<Option<Instant>>) -> io::Result<()> {
    let set = |since| *busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
    while let Some(message) = read(from, LONGEST_REQUEST)? {
        set(Some(Instant::now()));
        let request: Request = serde_json::from_slice(&message)?;
        drop(message);
        let response = match request {
            Request::Grade { checks, files, surroundings } => {
                let mut asker = Asker { from, to, busy, failed: Ok(()) };
                let report = grade::grade(&checks, &files, &surroundings, &mut asker);
                asker.failed?;
                Response::Report { report: Box::new(report) }
            }
            Request::Lint { files } => Response::Lint { lint: Box::new(lint::lint(&files)) },
        };
        say(to, &response)?;
        set(None);
    }
    Ok(())
}

/// Grading in a child: it tells its parent how far it is, and has it run the tools.
struct Asker<'a, R, W> {
    from: &'a mut R,
    to: &'a mut W,
    busy: &'a Mutex<Option<Instant>>,
    /// The first failure to say or hear something.
    failed: io::Result<()>,
}

impl<R: Read, W: Write> grade::Outside for Asker<'_, R, W> {
    fn told(&mut self, phase: Phase) {
        if self.failed.is_ok() {
            self.failed = say(self.to, &Response::Phase(phase));
        }
    }

    fn carry_out(&mut self, errand: &Errand) -> Back {
        // The tools have their own limits: meanwhile this process waits.
        let set = |since| *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
        set(None);
        let mut asked = || -> io::Result<Back> {
            write(self.to, &serde_json::to_vec(&Response::Errand { errand: Box::new(errand.clone()) })?, LONGEST_REQUEST)?;
            let back = read(self.from, LONGEST_REQUEST)?.ok_or_else(|| io::Error::other("whoever asked is gone"))?;
            Ok(serde_json::from_slice(&back)?)
        };
        let back = asked();
        set(Some(Instant::now()));
        back.unwrap_or_else(|error| {
            let words = error.to_string();
            self.failed = Err(error);
            Back::Away(words)
        })
    }
}

fn say(to: &mut impl Write, response: &Response) -> io::Result<()> {
    write(to, &serde_json::to_vec(response)?, LONGEST)
}

/// One message: its length in four bytes, big-endian, then JSON.
fn write(to: &mut impl Write, message: &[u8], longest: usize) -> io::Result<()> {
    let length = u32::try_from(message.len()).ok().filter(|n| *n as usize <= longest).ok_or_else(|| io::Error::other("a message is too long"))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(message)?;
    to.flush()
}

/// The next message; None at the end of the input.
fn read(from: &mut impl Read, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > longest {
        return Err(io::Error::other("a message is too long"));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Asks one child of this binary one thing and waits, at most `wall` for each of its answers: for the command line.
pub fn once(program: &std::path::Path, request: &Request, wall: Duration, runner: Option<&Runner>) -> io::Result<Response> {
    use std::process::{Command, Stdio};
    let mut child = Command::new(program).arg("engine-child").env_clear().envs(ENVIRONMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the grader's pipes are missing"));
    };
    let message = serde_json::to_vec(request)?;
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // Nobody listens any more when the wall limit was met.
        while let Some(answer) = read(&mut output, LONGEST_REQUEST).transpose() {
            let ends = answer.is_err();
            if sender.send(answer).is_err() || ends {
                return;
            }
        }
    });
    let answered = write(&mut input, &message, LONGEST_REQUEST).and_then(|()| converse(&mut input, &answers, wall, runner));
    // Ends a child that is still at work; one that is done is only waited for.
    drop(child.kill());
    child.wait()?;
    answered
}

fn converse(input: &mut impl Write, answers: &Receiver<io::Result<Vec<u8>>>, wall: Duration, runner: Option<&Runner>) -> io::Result<Response> {
    loop {
        let answer = match answers.recv_timeout(wall) {
            Ok(answer) => answer?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(io::Error::other(format!("the grader took longer than {} s and was stopped", wall.as_secs())));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the grader stopped without an answer: the input is more than it can take"));
            }
        };
        match serde_json::from_slice(&answer)? {
            Response::Phase(_) => {}
            Response::Errand { errand } => {
                let back = runner.map_or_else(|| Back::Away("no tools are run here".into()), |r| r.carry_out(&errand, &mut |_| {}));
                write(input, &serde_json::to_vec(&back)?, LONGEST_REQUEST)?;
            }
            result => return Ok(result),
        }
    }
}
