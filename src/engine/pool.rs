//! A few children at hand for grading: one request at a time each, a wall limit, replaced when they die or grow old.
use super::child::{ENVIRONMENT, LONGEST, Phase, Request, Response};
use super::errand::Errand;
use super::report::Report;
use super::runner::{Runner, Settings};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
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
    runner: Runner,
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
        let runner = Runner::new(&program, Settings::default());
        Pool::running(program, size, runner)
    }

    /// The same with who runs the tools that a grading asks for.
    pub fn running(program: PathBuf, size: usize, runner: Runner) -> Pool {
        Pool(Arc::new(Inner { program, free: Semaphore::new(size), size, wall: WALL, runner, idle: Mutex::new(Vec::new()) }))
    }

    /// Who runs the tools.
    pub fn runner(&self) -> &Runner {
        &self.0.runner
    }

    /// The same without children yet, with another longest time for one request.
    #[must_use]
    pub fn with_wall(&self, wall: Duration) -> Pool {
        let Inner { program, size, runner, .. } = &*self.0;
        let (free, idle) = (Semaphore::new(*size), Mutex::new(Vec::new()));
        Pool(Arc::new(Inner { program: program.clone(), free, size: *size, wall, runner: runner.clone(), idle }))
    }

    /// The same without children yet, with another who runs the tools.
    #[must_use]
    pub fn with_runner(&self, runner: Runner) -> Pool {
        Pool::running(self.0.program.clone(), self.0.size, runner)
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
        let outcome = self.converse(&mut running, &message, on_phase).await;
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

    /// Says the message and hears the answers. The wall limit is the child's own time: tools have their own.
    async fn converse(
        &self,
        running: &mut Running,
        message: &[u8],
        on_phase: impl FnMut(Phase) + Send,
    ) -> Result<std::io::Result<Response>, tokio::time::error::Elapsed> {
        let on_phase = &mut { on_phase };
        let mut left = self.0.wall;
        let mut next = message.to_vec();
        loop {
            let begun = Instant::now();
            let errand = match tokio::time::timeout(left, running.exchange(&next, &mut *on_phase)).await? {
                Ok(Response::Errand { errand }) => errand,
                other => return Ok(other),
            };
            left = left.saturating_sub(begun.elapsed());
            match self.carry_out(*errand, &mut *on_phase).await {
                Ok(back) => next = back,
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Has an errand carried out on a blocking thread, and tells what is being done.
    async fn carry_out(&self, errand: Errand, on_phase: &mut (impl FnMut(Phase) + Send)) -> std::io::Result<Vec<u8>> {
        let runner = self.0.runner.clone();
        let (sender, mut steps) = tokio::sync::mpsc::unbounded_channel();
        let of = errand.commands.len();
        let done = tokio::task::spawn_blocking(move || {
            let mut n = 0;
            let back = runner.carry_out(&errand, &mut |says| {
                drop(sender.send(Phase::running(says, n, of)));
                n += 1;
            });
            serde_json::to_vec(&back)
        });
        while let Some(phase) = steps.recv().await {
            on_phase(phase);
        }
        Ok(done.await.map_err(std::io::Error::other)??)
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
