//! Makes a box with bubblewrap, runs its steps, and keeps the clock, the memory and the number of processes from outside.
use super::cgroup::{self, Group};
use super::shelf::{Folder, Shelf};
use super::{Came, Fate, Limits, Orders, Said, Seen, Work, inside, watch, wire};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a box is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Where this program and its libraries stand in a box: away from any that its tools need.
const LIBRARIES: &str = "/hand";
const HAND: &str = "/hand/groundcrew";

/// Makes boxes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Boxes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bwrap: PathBuf,
    /// This program, as boxes see it.
    own: PathBuf,
    /// The loader and the libraries that this program was linked to.
    loader: Option<String>,
    libraries: Vec<Seen>,
    shelf: Shelf,
}

/// A box that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Option<Group>,
    limits: Limits,
    said: Receiver<io::Result<Said>>,
    begun: Instant,
    peak: u64,
    /// Removed last, when nothing uses it any more.
    _folder: Folder,
}

impl Boxes {
    /// `own` is this program, whose hand in a box is `groundcrew confined`. Says what is missing.
    pub fn new(own: &Path) -> Result<Boxes, String> {
        let bwrap = found("bwrap").ok_or("bubblewrap is not installed: there is no `bwrap` on PATH")?;
        let shelf = Shelf::new().map_err(|e| format!("no folder for boxes can be made: {e}"))?;
        cgroup::sweep();
        let told = |e: io::Error| format!("{}: {e}", own.display());
        let own = shelf.tool(own).map_err(told)?;
        let (loader, libraries) = linked().map_err(told)?;
        Ok(Boxes(Arc::new(Inner { bwrap, own, loader, libraries, shelf })))
    }

    /// The path by which boxes can read a tool.
    pub fn tool(&self, path: &Path) -> io::Result<PathBuf> {
        self.0.shelf.tool(path)
    }

    /// A folder of a box, made before it.
    pub fn folder(&self) -> io::Result<Folder> {
        self.0.shelf.folder()
    }

    /// A folder of a box that sees these, made before it.
    pub fn folder_for(&self, seen: &[Seen]) -> io::Result<Folder> {
        self.0.shelf.folder_for(seen.iter().map(|s| s.host.as_path()))
    }

    /// This program and its libraries, which every box sees and none may run again.
    pub fn hand(&self) -> Vec<Seen> {
        let own = Seen { host: self.0.own.clone(), inside: HAND.into(), runs: false };
        std::iter::once(own).chain(self.0.libraries.iter().cloned()).collect()
    }

    /// This program's own command in a box.
    pub fn command(&self, arguments: &[&str]) -> Vec<String> {
        let loader = self.0.loader.iter().flat_map(|l| [l.as_str(), "--library-path", LIBRARIES]);
        loader.chain([HAND]).chain(arguments.iter().copied()).map(str::to_owned).collect()
    }

    /// Does the work and says what came; `begins` hears the name of each step.
    pub fn run(&self, work: &Work, begins: &mut dyn FnMut(&str)) -> Came {
        match self.folder() {
            Ok(folder) => self.run_in(work, folder, begins),
            Err(error) => broken(&error),
        }
    }

    /// The same in a folder that was made before.
    pub fn run_in(&self, work: &Work, folder: Folder, begins: &mut dyn FnMut(&str)) -> Came {
        match self.start(work, folder) {
            Ok(mut running) => running.finish(begins),
            Err(error) => broken(&error),
        }
    }

    /// Starts a box. It ends with the thread that started it.
    pub fn start(&self, work: &Work, folder: Folder) -> io::Result<Running> {
        for (path, bytes) in &work.files {
            folder.write(&format!("given/{path}"), bytes)?;
        }
        let mut seen = work.seen.clone();
        let hand = self.hand().into_iter().filter(|h| !work.seen.iter().any(|s| s.inside == h.inside));
        seen.extend(hand);
        let runs = seen.iter().filter(|s| s.runs).map(|s| s.inside.clone()).collect();
        let orders = Orders { limits: work.limits, runs, ports: work.ports.clone(), sockets: work.sockets.is_some(), steps: work.steps.clone() };
        folder.write("orders.json", &serde_json::to_vec(&orders)?)?;
        let mut command = Command::new(&self.0.bwrap);
        // Its arguments name paths of this machine: a box's first process would show them to the others.
        command
            .args(["--args", "0", "--"])
            .args(self.command(&["confined"]))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(user) = folder.user {
            command.uid(user).gid(user).current_dir("/");
        }
        let mut child = command.spawn()?;
        // It waits for its arguments: nothing has been started that the group doesn't hold.
        let group = Group::make(&folder.name, &work.limits).filter(|g| g.take(child.id()));
        let mut arguments = self.arguments(work, &folder, &seen).join("\0");
        arguments.push('\0');
        let sent = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(arguments.as_bytes()));
        let said = listen(&mut child);
        let begun = Instant::now();
        let running = Running { child, group, limits: work.limits, said, begun, peak: 0, _folder: folder };
        sent.map(|()| running)
    }

    fn arguments(&self, work: &Work, folder: &Folder, seen: &[Seen]) -> Vec<String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut all = words("--unshare-all --unshare-user --disable-userns --uid 65534 --gid 65534 --cap-drop ALL --clearenv");
        all.extend(words("--die-with-parent --new-session --hostname box --proc /proc --dev /dev --remount-ro /dev"));
        let mut bind = |how: &str, host: &Path, inside: &str| all.extend([how.to_owned(), host.to_string_lossy().into_owned(), inside.to_owned()]);
        for s in seen {
            bind("--ro-bind", &s.host, &s.inside);
        }
        if !work.files.is_empty() {
            bind("--ro-bind", &folder.path.join("given"), inside::GIVEN);
        }
        bind("--ro-bind", &folder.path.join("orders.json"), inside::ORDERS);
        if let Some(sockets) = &work.sockets {
            bind("--bind", sockets, inside::SOCKETS);
        }
        all.extend(["--size".to_owned(), work.limits.disk.to_string()]);
        all.extend(words("--tmpfs /work --remount-ro / --chdir /work"));
        all
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What its processes take now.
    pub fn taken(&self) -> watch::Taken {
        watch::taken(self.child.id())
    }

    /// Waits for the end and keeps the limits meanwhile.
    fn finish(&mut self, begins: &mut dyn FnMut(&str)) -> Came {
        let mut came = Came { fate: Fate::Finished, steps: Vec::new(), confinement: Vec::new(), peak: 0 };
        let mut looked = Instant::now();
        came.fate = loop {
            match self.said.recv_timeout(LOOK) {
                Ok(Ok(Said::Under(under))) => came.confinement = under,
                Ok(Ok(Said::Begins(step))) => begins(&step),
                Ok(Ok(Said::Stepped(step))) => came.steps.push(step),
                Ok(Ok(Said::Ends)) => break Fate::Finished,
                Ok(Err(error)) => break Fate::Broken(format!("the box says something that can't be read: {error}")),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break self.broke(),
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if let Some(why) = self.exceeds() {
                    break Fate::Stopped(why);
                }
            }
        };
        if self.group.as_ref().is_some_and(Group::is_out_of_memory) {
            came.fate = Fate::Stopped(too_much_memory(&self.limits));
        }
        if let Some(late) = came.steps.iter().find(|s| s.late) {
            came.fate = Fate::Stopped(format!("`{}` took longer than {} s", late.name, late.took.as_secs()));
        }
        came.peak = self.group.as_ref().and_then(Group::peak).unwrap_or(self.peak);
        came.confinement.extend(self.group.as_ref().map(|g| g.version.to_owned()));
        self.end();
        came
    }

    /// Why it may not go on.
    fn exceeds(&mut self) -> Option<String> {
        if self.begun.elapsed() > self.limits.wall {
            return Some(format!("it took longer than {} s", self.limits.wall.as_secs()));
        }
        let taken = self.taken();
        self.peak = self.peak.max(taken.memory);
        if taken.memory > self.limits.memory {
            return Some(too_much_memory(&self.limits));
        }
        // Those of the box itself are few.
        (taken.tasks > self.limits.tasks + 8).then(|| format!("it started more than {} processes", self.limits.tasks))
    }

    /// What a box that ended without a word has to say for itself.
    fn broke(&mut self) -> Fate {
        let mut why = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            drop(stderr.take(4096).read_to_string(&mut why));
        }
        let status = self.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
        Fate::Broken(format!("the box ended early ({status}): {}", why.trim()))
    }

    /// What its steps said that ended, for whoever wants to know why it isn't as it should be.
    pub fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        while let Ok(Ok(said)) = self.said.try_recv() {
            if let Said::Stepped(step) = said {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
                words.push(format!("{} ended with {:?}: {} {}", step.name, step.code, text(&step.err), text(&step.out)));
            }
        }
        if words.is_empty()
            && !self.is_alive()
            && let Fate::Broken(why) = self.broke()
        {
            words.push(why);
        }
        words.join("; ")
    }

    /// Ends everything in it: the first process of its namespace goes, and takes the others along.
    pub fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn broken(error: &io::Error) -> Came {
    Came { fate: Fate::Broken(format!("the box can't be made: {error}")), steps: Vec::new(), confinement: Vec::new(), peak: 0 }
}

fn too_much_memory(limits: &Limits) -> String {
    format!("it asked for more than {} MiB of memory", limits.memory >> 20)
}

fn listen(child: &mut Child) -> Receiver<io::Result<Said>> {
    let (sender, said) = channel();
    if let Some(mut output) = child.stdout.take() {
        thread::spawn(move || {
            while let Some(message) = wire::read(&mut output).transpose() {
                let ends = message.is_err();
                if sender.send(message).is_err() || ends {
                    return;
                }
            }
        });
    }
    said
}

/// A program on PATH.
pub fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The loader and the libraries of this process, as they shall stand in a box. A static program has none.
fn linked() -> io::Result<(Option<String>, Vec<Seen>)> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let mut libraries: Vec<Seen> = Vec::new();
    let mut loader = None;
    for path in maps.lines().filter_map(|l| l.find('/').map(|at| Path::new(&l[at..]))) {
        let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|n| n.contains(".so")) else { continue };
        let inside = format!("{LIBRARIES}/{name}");
        if libraries.iter().any(|l| l.inside == inside) {
            continue;
        }
        if name.starts_with("ld-") {
            loader = Some(inside.clone());
        }
        libraries.push(Seen { host: path.to_owned(), runs: false, inside });
    }
    Ok((loader, libraries))
}
