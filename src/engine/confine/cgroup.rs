//! A control group round a box, where this machine lets us make one: the kernel then counts and stops what no rlimit can.
use super::Limits;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Removed with everything in it when it is dropped.
#[derive(Debug)]
pub struct Group {
    folders: Vec<PathBuf>,
    pub version: &'static str,
}

const MOUNT: &str = "/sys/fs/cgroup";

impl Group {
    /// A group of this name with these limits; nothing where we may not make one or it lacks the memory controller.
    pub fn make(name: &str, limits: &Limits) -> Option<Group> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        if Path::new(MOUNT).join("cgroup.controllers").is_file() {
            let path = own.lines().find_map(|l| l.strip_prefix("0::"))?;
            let folder = below(Path::new(MOUNT), path).join(name);
            let group = Group { folders: vec![folder], version: "cgroup v2" };
            return group.prepared(&[("memory.max", limits.memory), ("memory.swap.max", 0), ("pids.max", limits.tasks)]);
        }
        let of = |controller: &str| {
            let named = |l: &&str| l.split(':').nth(1).is_some_and(|names| names.split(',').any(|n| n == controller));
            let path = own.lines().find(named)?.splitn(3, ':').nth(2)?;
            Some(below(&Path::new(MOUNT).join(controller), path).join(name))
        };
        let group = Group { folders: vec![of("memory")?, of("pids")?], version: "cgroup v1" };
        group.prepared(&[("memory.limit_in_bytes", limits.memory), ("pids.max", limits.tasks)])
    }

    /// Makes the folders and writes each limit where its file is.
    fn prepared(self, limits: &[(&str, u64)]) -> Option<Group> {
        for folder in &self.folders {
            fs::create_dir(folder).ok()?;
        }
        for (file, value) in limits {
            let path = self.folders.iter().map(|f| f.join(file)).find(|f| f.is_file());
            match path {
                Some(path) => fs::write(path, value.to_string()).ok()?,
                // Swap isn't counted everywhere.
                None if *file == "memory.swap.max" => {}
                None => return None,
            }
        }
        Some(self)
    }

    /// Takes a process, and what it will start, into the group.
    pub fn take(&self, pid: u32) -> bool {
        self.folders.iter().all(|f| fs::write(f.join("cgroup.procs"), pid.to_string()).is_ok())
    }

    /// Most memory that was in use, in bytes.
    pub fn peak(&self) -> Option<u64> {
        let read = |name: &str| self.folders.iter().find_map(|f| fs::read_to_string(f.join(name)).ok());
        read("memory.peak").or_else(|| read("memory.max_usage_in_bytes"))?.trim().parse().ok()
    }

    /// Whether the kernel killed something in it for want of memory.
    pub fn is_out_of_memory(&self) -> bool {
        let read = |name: &str| self.folders.iter().find_map(|f| fs::read_to_string(f.join(name)).ok());
        let events = read("memory.events").or_else(|| read("memory.oom_control")).unwrap_or_default();
        events.lines().any(|l| l.strip_prefix("oom_kill ").is_some_and(|n| n != "0"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The last process may still be on its way out.
            for _ in 0..100 {
                if fs::remove_dir(folder).is_ok() || !folder.exists() {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Removes the empty groups of processes that were killed.
pub fn sweep() {
    let Ok(own) = fs::read_to_string("/proc/self/cgroup") else { return };
    for line in own.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let folder = below(&Path::new(MOUNT).join(names.split(',').next().unwrap_or_default()), path);
        let stale = fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in stale.filter(|e| e.file_name().to_string_lossy().starts_with("groundcrew-")) {
            drop(fs::remove_dir(entry.path()));
        }
    }
}

fn below(mount: &Path, path: &str) -> PathBuf {
    let inside = mount.join(path.trim_start_matches('/'));
    // In a container the path is the host's, which isn't there.
    if inside.is_dir() { inside } else { mount.to_owned() }
}
