//! A few children at hand for grading: one request at a time each, a wall limit, replaced when they die or grow old.
use super::child::{ENVIRONMENT, LONGEST, Phase, Request, Response};
use super::report::Report;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

/// Longest that one request may take by the clock.
const WALL: Duration = Duration::from_secs(20);
/// A child is replaced after so many requests, so that what it keeps stays small.
const MOST_REQUESTS: u32 = 500;

/// Why a child gave no report. Ours to answer for, whatever made it die.
#[derive(Debug, thiserror::Error)]
pub enum ChildFailure {
    #[error("the grading child took longer than {} s", .0.as_secs())]
    TooLong(Duration),
    #[error("the grading child died ({0})")]
    Died(String),
    #[error("the grading child can't be started: {0}")]
    NotStarted(std::io::Error),
}

/// The children of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    program: PathBuf,
    free: Semaphore,
    size: usize,
    wall: Duration,
    idle: Mutex<Vec<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    requests: u32,
}

impl Pool {
    /// At most `size` children of `program`, started when they are needed.
    pub fn new(program: PathBuf, size: usize) -> Pool {
        Pool(Arc::new(Inner { program, free: Semaphore::new(size), size, wall: WALL, idle: Mutex::new(Vec::new()) }))
    }

    /// The same without children yet, with another longest time for one request.
    #[must_use]
    pub fn with_wall(&self, wall: Duration) -> Pool {
        let Inner { program, size, .. } = &*self.0;
        Pool(Arc::new(Inner { program: program.clone(), free: Semaphore::new(*size), size: *size, wall, idle: Mutex::new(Vec::new()) }))
    }

    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The process ids of the children that are waiting for work.
    pub fn idle_pids(&self) -> Vec<u32> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(|r| r.child.id()).collect()
    }

    /// Grades in a child, telling each phase. A child that dies or takes too long is replaced by the next request.
    pub async fn grade(&self, request: &Request, on_phase: impl FnMut(Phase) + Send) -> Result<Report, ChildFailure> {
        match self.ask(request, on_phase).await? {
            Response::Report { report } => Ok(*report),
            _ => Err(ChildFailure::Died("it answered something else".into())),
        }
    }

    async fn ask(&self, request: &Request, on_phase: impl FnMut(Phase) + Send) -> Result<Response, ChildFailure> {
        let _turn = self.0.free.acquire().await.map_err(|e| ChildFailure::Died(e.to_string()))?;
        let message = serde_json::to_vec(request).map_err(|e| ChildFailure::Died(e.to_string()))?;
        let mut running = match self.take() {
            Some(running) => running,
            None => self.start()?,
        };
        let outcome = tokio::time::timeout(self.0.wall, running.exchange(&message, on_phase)).await;
        match outcome {
            Ok(Ok(response)) => {
                running.requests += 1;
                if running.requests < MOST_REQUESTS {
                    self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(running);
                }
                Ok(response)
            }
            Ok(Err(error)) => {
                // Dropping kills it if it still runs; its status says how it ended.
                let status = tokio::time::timeout(Duration::from_secs(1), running.child.wait()).await;
                Err(ChildFailure::Died(status.ok().and_then(Result::ok).map_or_else(|| error.to_string(), |s| s.to_string())))
            }
            Err(_) => {
                // The next request must not compete with the one that was given up.
                drop(running.child.kill().await);
                Err(ChildFailure::TooLong(self.0.wall))
            }
        }
    }

    /// An idle child that still runs; ones that died meanwhile are left aside.
    fn take(&self) -> Option<Running> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut running) = idle.pop() {
            if matches!(running.child.try_wait(), Ok(None)) {
                return Some(running);
            }
        }
        None
    }

    fn start(&self) -> Result<Running, ChildFailure> {
        let mut command = Command::new(&self.0.program);
        command
            .arg("engine-child")
            .env_clear()
            .envs(ENVIRONMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(ChildFailure::NotStarted)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Running { child, input, output, requests: 0 }),
            _ => Err(ChildFailure::Died("its pipes are missing".into())),
        }
    }
}

impl Running {
    async fn exchange(&mut self, message: &[u8], mut on_phase: impl FnMut(Phase) + Send) -> std::io::Result<Response> {
        let length = u32::try_from(message.len()).map_err(std::io::Error::other)?;
        self.input.write_all(&length.to_be_bytes()).await?;
        self.input.write_all(message).await?;
        self.input.flush().await?;
        loop {
            let length = self.output.read_u32().await? as usize;
            if length > LONGEST {
                return Err(std::io::Error::other("its answer is too long"));
            }
            let mut answer = vec![0; length];
            self.output.read_exact(&mut answer).await?;
            match serde_json::from_slice(&answer)? {
                Response::Phase(phase) => on_phase(phase),
                result => return Ok(result),
            }
        }
    }
}
