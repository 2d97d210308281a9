//! Who looks at a box from outside: how much memory its processes hold and how many they are.
use std::fs;

/// What a tree of processes takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Memory that is theirs alone, in bytes.
    pub memory: u64,
    pub tasks: u64,
}

/// A page of memory, in bytes: what `statm` counts in.
const PAGE: u64 = 4096;
/// No box has as many processes; whoever makes them is stopped before they are all counted.
const MOST: usize = 4096;

/// What a process and all that descend from it take at this moment.
pub fn taken(root: u32) -> Taken {
    let mut sum = Taken::default();
    let mut next = vec![root];
    let mut seen = 0;
    while let Some(pid) = next.pop() {
        seen += 1;
        if seen > MOST {
            break;
        }
        let numbers = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        let mut numbers = numbers.split(' ').skip(1).map(|n| n.parse::<u64>().unwrap_or(0));
        let (resident, shared) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        sum.memory += resident.saturating_sub(shared) * PAGE;
        for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            sum.tasks += 1;
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            next.extend(children.split_whitespace().filter_map(|n| n.parse::<u32>().ok()));
        }
    }
    sum
}
