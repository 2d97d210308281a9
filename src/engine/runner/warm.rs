//! Providers that run already, each in a box of its own: lent to one errand at a time, watched, and replaced when they grow old or large.
use super::relay::{self, Relay};
use super::terraform::{self, credentials};
use super::tools::Tools;
use super::{cloud, plain};
use crate::engine::confine::{Boxes, Came, Fate, Folder, Limits, Running, Seen, Step, Stepped, Work};
use crate::engine::errand::{Cloud, Errand};
use bytes::Bytes;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A provider is replaced after so many errands, at this age, or when it holds more than this.
const MOST_ERRANDS: u32 = 200;
const OLDEST: Duration = Duration::from_secs(3600);
const LARGEST: u64 = 700 << 20;
/// How long a provider may take to start, and with a mock cloud beside it.
const START: Duration = Duration::from_secs(30);
const START_WITH_CLOUD: Duration = Duration::from_secs(90);

/// What a provider's box may use.
const PROVIDER: Limits = Limits {
    wall: Duration::from_secs(2 * 3600),
    cpu_seconds: 3600,
    memory: 1 << 30,
    address_space: 16 << 30,
    // Mock clouds keep nothing on disk, providers neither.
    file: 16 << 20,
    disk: 64 << 20,
    tasks: 256,
    output: 1 << 16,
};
/// What terraform may use beside a provider that runs already.
const TERRAFORM: Limits = Limits {
    wall: Duration::from_secs(120),
    cpu_seconds: 30,
    memory: 512 << 20,
    address_space: 4 << 30,
    file: 64 << 20,
    disk: 128 << 20,
    tasks: 128,
    output: 24 << 20,
};

/// The providers of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Providers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    boxes: Boxes,
    tools: Tools,
    runtime: tokio::runtime::Runtime,
    /// Starts boxes: they end with the thread that started them.
    keeper: Mutex<Sender<Start>>,
    schema: OnceLock<Bytes>,
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Debug)]
struct Idle {
    providers: Vec<Provider>,
    /// How many more may be lent.
    free: usize,
}

type Start = (Work, Folder, Sender<std::io::Result<Running>>);

/// One provider in its box.
#[derive(Debug)]
struct Provider {
    running: Running,
    sockets: PathBuf,
    socket: PathBuf,
    cloud: Cloud,
    errands: u32,
    begun: Instant,
}

/// A provider that belongs to one errand until it is dropped.
#[derive(Debug)]
pub struct Lent {
    of: Providers,
    provider: Option<Provider>,
}

impl Providers {
    /// At most `most` at a time, started when they are needed.
    pub fn new(boxes: Boxes, tools: Tools, most: usize) -> Result<Providers, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("relay").build();
        let (keeper, starts) = channel::<Start>();
        let starter = boxes.clone();
        thread::spawn(move || {
            while let Ok((work, folder, started)) = starts.recv() {
                drop(started.send(starter.start(&work, folder)));
            }
        });
        Ok(Providers(Arc::new(Inner {
            boxes,
            tools,
            runtime: runtime.map_err(|e| format!("the relay can't be started: {e}"))?,
            keeper: Mutex::new(keeper),
            schema: OnceLock::new(),
            idle: Mutex::new(Idle { providers: Vec::new(), free: most.max(1) }),
            returned: Condvar::new(),
        })))
    }

    /// A provider for one errand; waits while all are lent.
    pub fn lend(&self, cloud: Cloud) -> Result<Lent, String> {
        let ready = {
            let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
            while idle.free == 0 {
                idle = self.0.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
            }
            idle.free -= 1;
            let at = idle.providers.iter().position(|p| p.cloud == cloud);
            at.map(|at| idle.providers.swap_remove(at))
        };
        let mut lent = Lent { of: self.clone(), provider: ready };
        if lent.provider.as_mut().is_none_or(|p| !p.running.is_alive()) {
            lent.provider = Some(self.start(cloud)?);
        }
        Ok(lent)
    }

    fn start(&self, cloud: Cloud) -> Result<Provider, String> {
        let told = |e: std::io::Error| format!("the provider can't be started: {e}");
        let mut work = self.work(cloud)?;
        let folder = self.0.boxes.folder_for(&work.seen).map_err(told)?;
        let sockets = folder.path.join("sockets");
        fs::DirBuilder::new().mode(0o700).create(&sockets).map_err(told)?;
        folder.give(&sockets).map_err(told)?;
        work.sockets = Some(sockets.clone());
        let (sender, started) = channel();
        let ask = self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner).send((work, folder, sender));
        ask.map_err(|_| "the provider's keeper is gone".to_owned())?;
        let mut running = started.recv().map_err(|e| e.to_string())?.map_err(told)?;
        let begun = Instant::now();
        let longest = if cloud != Cloud::None { START_WITH_CLOUD } else { START };
        let socket = loop {
            if let Some(socket) = plugin(&sockets) {
                break socket;
            }
            if !running.is_alive() || begun.elapsed() > longest {
                return Err(format!("the provider didn't start: {}", running.last_words()));
            }
            thread::sleep(Duration::from_millis(10));
        };
        Ok(Provider { running, sockets, socket, cloud, errands: 0, begun })
    }

    /// A box with the provider, and the mock cloud before it.
    fn work(&self, cloud: Cloud) -> Result<Work, String> {
        const PROGRAM: &str = "/bin/provider";
        let mut seen = vec![Seen { host: self.0.tools.provider.clone(), inside: PROGRAM.into(), runs: true }];
        let mut steps = Vec::new();
        let mut environment = credentials();
        if cloud != Cloud::None {
            let python = self.0.tools.python.as_ref().map_err(Clone::clone)?;
            seen.extend(cloud::seen(python));
            steps.push(cloud::step(python));
            environment.extend(cloud::environment());
        }
        let own = [("PLUGIN_UNIX_SOCKET_DIR", "/sockets"), ("HOME", "/work"), ("TMPDIR", "/work"), ("GOMAXPROCS", "2"), ("GOMEMLIMIT", "400000000")];
        environment.extend(own.map(|(k, v)| (k.to_owned(), v.to_owned())));
        steps.push(Step {
            name: "provider".into(),
            command: vec![PROGRAM.into(), "-debug".into()],
            folder: "/work".into(),
            environment,
            wall: PROVIDER.wall,
            serves: None,
            decides: true,
        });
        let ports = if cloud != Cloud::None { vec![cloud::PORT] } else { Vec::new() };
        Ok(Work { limits: PROVIDER, seen, files: Vec::new(), sockets: None, ports, steps })
    }

    /// The provider's whole schema: asked for once.
    fn schema(&self, provider: &Provider) -> Result<Bytes, String> {
        if let Some(schema) = self.0.schema.get() {
            return Ok(schema.clone());
        }
        let schema = relay::whole_schema(self.handle(), &provider.socket).map_err(|e| format!("the provider's schema: {e}"))?;
        Ok(self.0.schema.get_or_init(|| schema).clone())
    }

    fn handle(&self) -> &Handle {
        self.0.runtime.handle()
    }
}

impl Lent {
    /// Runs an errand's commands beside this provider.
    pub fn run(mut self, boxes: &Boxes, tools: &Tools, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Came {
        let came = self.try_run(boxes, tools, errand, begins).unwrap_or_else(|why| Came {
            fate: Fate::Broken(why),
            steps: Vec::new(),
            confinement: Vec::new(),
            peak: 0,
        });
        // Only one that did what it was asked, and was asked nothing that changes anything, is lent again.
        if came.fate != Fate::Finished || errand.cloud == Cloud::Changes {
            self.provider = None;
        }
        came
    }

    fn try_run(&mut self, boxes: &Boxes, tools: &Tools, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Result<Came, String> {
        const SOCKET: &str = "/provider.sock";
        let Some(provider) = &mut self.provider else { return Err("no provider was lent".into()) };
        provider.errands += 1;
        let told = |e: std::io::Error| format!("the relay can't be opened: {e}");
        let folder = boxes.folder().map_err(told)?;
        let socket = folder.path.join("relay.sock");
        let schema = self.of.schema(provider)?;
        let relay = Relay::open(self.of.handle(), &socket, &provider.socket, &schema, &errand.types).map_err(told)?;
        folder.give(&socket).map_err(told)?;
        let seen = vec![Seen { host: socket.clone(), inside: SOCKET.into(), runs: false }];
        // Terraform looks once a second whether that process lives, and gives up its calls when it can't tell: the first of a box always does.
        let reattach = format!(
            r#"{{"registry.terraform.io/hashicorp/aws":{{"Protocol":"grpc","ProtocolVersion":5,"Pid":1,"Test":true,"Addr":{{"Network":"unix","String":"{SOCKET}"}}}}}}"#
        );
        let work = terraform::work(&tools.terraform, errand, seen, &[("TF_REATTACH_PROVIDERS".into(), reattach)], TERRAFORM);
        let mut came = boxes.run_in(&work, folder, &mut |step| begins(plain::says(errand, step)));
        drop(relay);
        if errand.cloud == Cloud::Changes && came.fate == Fate::Finished {
            let out = cloud::holds(&provider.sockets.join(cloud::SOCKET)).map_err(|e| format!("the mock cloud: {e}"))?;
            let name = cloud::SOCKET.to_owned();
            came.steps.push(Stepped { name, code: Some(0), out, err: Vec::new(), cut: false, late: false, took: Duration::ZERO });
        }
        Ok(came)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let keeps =
            |p: &mut Provider| p.errands < MOST_ERRANDS && p.begun.elapsed() < OLDEST && p.running.is_alive() && p.running.taken().memory < LARGEST;
        let kept = self.provider.take().and_then(|mut p| keeps(&mut p).then_some(p));
        let mut idle = self.of.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.providers.extend(kept);
        idle.free += 1;
        self.of.0.returned.notify_one();
    }
}

/// The socket that a provider made, once it is there.
fn plugin(sockets: &Path) -> Option<PathBuf> {
    let made = fs::read_dir(sockets).ok()?.flatten().map(|e| e.path());
    made.into_iter().find(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("plugin")))
}
