//! Tries to break out of a box, and says in words what this machine can and cannot contain.
use super::{Boxes, Fate, Limits, Seen, Step, Work, inside};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What a hostile hand-in would want, in words.
    pub what: &'static str,
    /// What it reached; nothing when it was held back.
    pub reached: Option<String>,
    /// Whether nothing hostile may run on a machine that doesn't contain it.
    pub required: bool,
}

/// What a machine contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    pub tried: Vec<Tried>,
    /// What is in force.
    pub confinement: Vec<String>,
    /// Why no box can be made at all.
    pub broken: Option<String>,
}

impl Diagnosis {
    /// Why nothing hostile may run here; nothing when it may.
    pub fn refusal(&self) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(broken.clone());
        }
        let open: Vec<&str> = self.tried.iter().filter(|t| t.required && t.reached.is_some()).map(|t| t.what).collect();
        (!open.is_empty()).then(|| format!("this machine can't contain what is handed in: {}", open.join(", ")))
    }

    /// What is hardened less than it could be, in words.
    pub fn weaknesses(&self) -> Vec<&'static str> {
        self.tried.iter().filter(|t| !t.required && t.reached.is_some()).map(|t| t.what).collect()
    }
}

const MEMORY: u64 = 192 << 20;
const TASKS: u64 = 64;
const LIMITS: Limits = Limits {
    wall: Duration::from_secs(20),
    cpu_seconds: 10,
    memory: MEMORY,
    address_space: 8 << 30,
    file: 8 << 20,
    disk: 32 << 20,
    tasks: TASKS,
    output: 1 << 16,
};

/// Probes that share a box: what is tried, the probe's name, whether it must be contained.
const TOGETHER: [(&str, &str, bool); 9] = [
    ("reading files of this machine", "files", true),
    ("reaching the network", "network", true),
    ("seeing other processes and their arguments", "processes", true),
    ("writing anywhere but into its working copy", "system", true),
    ("reading the portal's environment", "environment", true),
    ("gaining rights", "rights", true),
    ("writing a file without end", "file-size", true),
    ("filling the disk", "disk", true),
    ("running a program of its own", "execute", false),
];

/// Tries everything; takes a second or two.
pub fn examine(boxes: &Boxes) -> Diagnosis {
    let mut diagnosis = Diagnosis { tried: Vec::new(), confinement: Vec::new(), broken: None };
    match together(boxes, &mut diagnosis) {
        Ok(()) if diagnosis.broken.is_none() => {}
        Ok(()) => return diagnosis,
        Err(error) => {
            diagnosis.broken = Some(error.to_string());
            return diagnosis;
        }
    }
    let memory = alone(boxes, "memory", &MEMORY.to_string(), LIMITS.wall);
    diagnosis.say("taking all memory", true, (memory.0 && !matches!(memory.1, Fate::Stopped(_))).then(|| memory.2.clone()));
    let tasks = alone(boxes, "tasks", &TASKS.to_string(), LIMITS.wall);
    diagnosis.say("starting processes without end", true, (tasks.0 && !matches!(tasks.1, Fate::Stopped(_))).then(|| tasks.2.clone()));
    let sleep = alone(boxes, "sleep", "", Duration::from_millis(300));
    diagnosis.say("running on for ever", true, (!matches!(sleep.1, Fate::Stopped(_))).then(|| "no end".into()));
    // Another doctor may look for its own at the same time.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let marker = format!("left-behind-{}-{}", std::process::id(), now.as_nanos());
    let left = alone(boxes, "leave", &marker, LIMITS.wall);
    let stays = left.0 || is_running(&marker);
    diagnosis.say("leaving a process behind", true, stays.then(|| left.2.clone()));
    diagnosis
}

impl Diagnosis {
    fn say(&mut self, what: &'static str, required: bool, reached: Option<String>) {
        self.tried.push(Tried { what, reached, required });
    }
}

fn together(boxes: &Boxes, diagnosis: &mut Diagnosis) -> std::io::Result<()> {
    let folder = boxes.folder()?;
    let canary = folder.path.join("canary");
    fs::write(&canary, "found")?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?.to_string();
    let path = canary.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let hint = |probe: &str| match probe {
        "files" => canary.to_string_lossy().into_owned(),
        "network" => address.clone(),
        "processes" => path.clone(),
        "environment" => "ONLY,PWD".to_owned(),
        _ => String::new(),
    };
    let steps = TOGETHER.iter().map(|(_, probe, _)| step(boxes, probe, &hint(probe), Duration::from_secs(10))).collect();
    let came = boxes.run(&work(boxes, steps), &mut |_| {});
    diagnosis.confinement = came.confinement.clone();
    if let Fate::Broken(why) = &came.fate {
        diagnosis.broken = Some(why.clone());
        return Ok(());
    }
    for (what, probe, required) in TOGETHER {
        let reached = match came.step(probe) {
            Some(step) if step.code == Some(1) => Some(String::from_utf8_lossy(&step.out).trim().to_owned()),
            // Killed by a limit, or held back.
            Some(step) if step.code == Some(0) || (step.code.is_none() && !step.late && step.err.is_empty()) => None,
            Some(step) => Some(format!("unknown: the probe failed ({})", String::from_utf8_lossy(&step.err).trim())),
            None => Some("unknown: it was not tried".to_owned()),
        };
        diagnosis.say(what, required, reached);
    }
    Ok(())
}

/// Whether the probe reached what it tried, how its box ended, and what it said.
fn alone(boxes: &Boxes, probe: &str, hint: &str, wall: Duration) -> (bool, Fate, String) {
    let came = boxes.run(&work(boxes, vec![step(boxes, probe, hint, wall)]), &mut |_| {});
    let reached = came.step(probe).is_some_and(|s| s.code == Some(1));
    let said = came.step(probe).map(|s| String::from_utf8_lossy(&s.out).trim().to_owned()).unwrap_or_default();
    (reached, came.fate, said)
}

fn step(boxes: &Boxes, probe: &str, hint: &str, wall: Duration) -> Step {
    Step {
        name: probe.to_owned(),
        command: boxes.command(&["confined", probe, hint]),
        folder: inside::WORK.into(),
        environment: vec![("ONLY".into(), "this".into())],
        wall,
        serves: None,
        decides: false,
    }
}

fn work(boxes: &Boxes, steps: Vec<Step>) -> Work {
    // Only here may a box run this program: the probes are part of it.
    let seen: Vec<Seen> =
        boxes.hand().into_iter().map(|s| Seen { runs: s.runs || s.inside.ends_with("/groundcrew") || s.inside.contains("/ld-"), ..s }).collect();
    Work { limits: LIMITS, seen, files: vec![("file".into(), b"given".to_vec())], sockets: None, ports: Vec::new(), steps }
}

/// Whether a process of this machine has such an argument.
fn is_running(argument: &str) -> bool {
    let lines = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|e| fs::read(e.path().join("cmdline")).ok());
    lines.into_iter().any(|line| line.split(|b| *b == 0).any(|a| a == argument.as_bytes()))
}
