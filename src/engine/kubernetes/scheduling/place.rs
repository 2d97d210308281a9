//! Places pods one after another as the scheduler does, and looks for another way when that leaves some waiting.
//!
//! Of the nodes that fit, the emptiest in cores and memory after the pod is on it is taken, with as few pods of the same
//! template as can be, and without soft taints; of equals the first. That is less than the scheduler weighs, so a pod that
//! finds no room this way may find it in another: see [`Room::search`].
use super::around::{self, Around, Asks, Topology};
use super::nodes::Nodes;
use super::pod::Wanted;
use super::reasons::Reason;
use crate::engine::kubernetes::objects::Objects;

/// Looks at a node that placing all pods may take, and that looking for another way may take.
const STEPS: usize = 500_000;
const SEARCHED: usize = 150_000;
/// Pods that another way is searched for step by step; more are only tried in another order.
const FEW: usize = 120;

/// What all placements share.
pub(super) struct Room<'o, 'a> {
    pub nodes: &'o Nodes,
    pub resources: Vec<String>,
    pub wanted: Vec<Wanted<'o, 'a>>,
    asks: Vec<Asks>,
    topology: Topology,
    /// For each template those whose ports can't be beside its own.
    ports: Vec<Vec<usize>>,
}

/// Who is where.
#[derive(Clone)]
pub(super) struct Placement {
    /// By template and node.
    pub counts: Vec<Vec<u32>>,
    /// By node and resource; a negative amount is never reached.
    free: Vec<Vec<i128>>,
    /// Pods on each node.
    pods: Vec<u32>,
    pub waiting: Vec<Waiting>,
    /// It took more steps than are made.
    pub unfinished: bool,
}

/// Pods of a template that fit nowhere, and why the first of them didn't.
#[derive(Clone)]
pub(super) struct Waiting {
    pub template: usize,
    pub pods: u64,
    /// By node.
    pub reasons: Vec<Vec<Reason>>,
}

/// Template, number, node and reasons of a pod.
type Told<'t> = dyn FnMut(usize, u64, Option<usize>, &[Vec<Reason>]) + 't;

/// How a node is chosen of those that fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Liking {
    /// As the scheduler does: load is spread.
    Emptiest,
    /// Leaves large gaps for large pods.
    Fullest,
}

impl<'o, 'a> Room<'o, 'a> {
    pub fn new(nodes: &'o Nodes, resources: Vec<String>, wanted: Vec<Wanted<'o, 'a>>, objects: &Objects<'a>) -> Room<'o, 'a> {
        let mut topology = Topology::default();
        let asks = around::asks(&wanted, objects, nodes, &mut topology);
        let conflicts = |a: &Wanted<'_, '_>, b: &Wanted<'_, '_>| a.ports.iter().any(|p| b.ports.iter().any(|q| p.conflicts(q)));
        let ports = wanted.iter().map(|a| (0..wanted.len()).filter(|b| wanted.get(*b).is_some_and(|b| conflicts(a, b))).collect()).collect();
        Room { nodes, resources, wanted, asks, topology, ports }
    }

    fn empty(&self) -> Placement {
        let free = |n: &super::nodes::Node| {
            let of = |r: &String| n.allocatable.get(r).copied().unwrap_or(0);
            self.resources.iter().map(of).collect()
        };
        Placement {
            counts: vec![vec![0; self.nodes.len()]; self.wanted.len()],
            free: self.nodes.0.iter().map(free).collect(),
            pods: vec![0; self.nodes.len()],
            waiting: Vec::new(),
            unfinished: false,
        }
    }

    /// Why the next pod of a template can't go to a node, all else being placed; nothing if it can.
    fn refuses(&self, template: usize, node: usize, placement: &Placement, around: &Around) -> Vec<Reason> {
        let (Some(it), Some(asks)) = (self.wanted.get(template), self.asks.get(template)) else { return Vec::new() };
        if let Some(Some(never)) = it.never.get(node) {
            return vec![*never];
        }
        let on_it = |t: &usize| placement.counts.get(*t).and_then(|c| c.get(node)).copied().unwrap_or(0);
        if self.ports.get(template).is_some_and(|with| with.iter().any(|t| on_it(t) > 0)) {
            return vec![Reason::Ports];
        }
        let mut lacks = Vec::new();
        let pods = placement.pods.get(node).copied().unwrap_or(0);
        let most = self.nodes.0.get(node).and_then(|n| n.allocatable.get("pods")).copied().unwrap_or(0);
        if i128::from(pods) + 1 > most {
            lacks.push(Reason::TooManyPods);
        }
        let free = placement.free.get(node);
        let short = |(r, n): &&(usize, i128)| free.and_then(|f| f.get(*r)).is_none_or(|free| n > free);
        lacks.extend(it.requests.iter().filter(short).map(|(r, _)| Reason::Insufficient(*r)));
        if lacks.is_empty() {
            lacks.extend(asks.refuses(node, around, &self.topology));
        }
        lacks
    }

    /// Looks around for the next pod of a template: what keeps it off each node.
    pub fn verdicts(&self, template: usize, placement: &Placement) -> Vec<Vec<Reason>> {
        let Some(asks) = self.asks.get(template) else { return Vec::new() };
        let around = asks.look(&placement.counts, &self.topology);
        (0..self.nodes.len()).map(|node| self.refuses(template, node, placement, &around)).collect()
    }

    /// How much room a pod leaves on a node, or how little, in thousandths, with what else counts for it.
    fn score(&self, template: usize, node: usize, placement: &Placement, liking: Liking) -> i128 {
        let Some(it) = self.wanted.get(template) else { return 0 };
        let mut left = 0;
        for (r, resource) in self.resources.iter().enumerate().filter(|(_, r)| matches!(r.as_str(), "cpu" | "memory")) {
            let of = self.nodes.0.get(node).and_then(|n| n.allocatable.get(resource)).copied().unwrap_or(0).max(1);
            let asked = it.requests.iter().find(|(n, _)| *n == r).map_or(0, |(_, n)| *n);
            let free = placement.free.get(node).and_then(|f| f.get(r)).copied().unwrap_or(0);
            left += (free - asked) * 1000 / of;
        }
        let alike = placement.counts.get(template).and_then(|c| c.get(node)).copied().unwrap_or(0);
        let unliked = it.unliked.get(node).copied().unwrap_or(0) * 10_000;
        // A node with devices the pod doesn't ask for is left to those that do, when gaps are to be kept.
        let spare = |(r, free): (usize, &i128)| {
            *free > 0 && self.resources.get(r).is_some_and(|r| r.contains('/')) && !it.requests.iter().any(|(n, _)| *n == r)
        };
        let devices = placement.free.get(node).is_some_and(|f| f.iter().enumerate().any(spare));
        match liking {
            Liking::Emptiest => left - i128::from(alike) * 500 - unliked,
            Liking::Fullest => -left - if devices { 100_000 } else { 0 },
        }
    }

    fn change(&self, template: usize, node: usize, placement: &mut Placement, by: i32) {
        if let Some(count) = placement.counts.get_mut(template).and_then(|c| c.get_mut(node)) {
            *count = count.saturating_add_signed(by);
        }
        if let Some(pods) = placement.pods.get_mut(node) {
            *pods = pods.saturating_add_signed(by);
        }
        let (Some(it), Some(free)) = (self.wanted.get(template), placement.free.get_mut(node)) else { return };
        for (resource, n) in &it.requests {
            if let Some(free) = free.get_mut(*resource) {
                *free -= n * i128::from(by);
            }
        }
    }

    /// How many steps one pod of a template takes.
    fn steps(&self, template: usize) -> usize {
        self.nodes.len() * self.asks.get(template).map_or(1, Asks::steps)
    }

    /// Places all pods in the order of the files. Who finds no room tries again after others have been placed, as in a cluster.
    pub fn place(&self) -> Placement {
        self.replay(&mut |_, _, _, _| {})
    }

    /// The same, telling of each pod: its template, its number from 1, its node and what kept it off each.
    pub fn replay(&self, told: &mut Told<'_>) -> Placement {
        let order: Vec<usize> = (0..self.wanted.len()).collect();
        self.in_order(&order, Liking::Emptiest, STEPS, told)
    }

    fn in_order(&self, order: &[usize], liking: Liking, most: usize, told: &mut Told<'_>) -> Placement {
        let mut placement = self.empty();
        let mut steps = 0;
        let mut left: Vec<(usize, u64)> = order.iter().filter_map(|t| Some((*t, self.wanted.get(*t)?.count()))).collect();
        loop {
            let (mut again, mut progress) = (Vec::new(), false);
            placement.waiting.clear();
            for (template, count) in left {
                let mut done = 0;
                while done < count {
                    steps += self.steps(template);
                    if steps > most {
                        placement.unfinished = true;
                        return placement;
                    }
                    let reasons = self.verdicts(template, &placement);
                    let number = placement.placed(template) + 1;
                    let Some(node) = self.fitting(template, &reasons, &placement, liking).first().copied() else {
                        let mut reasons = reasons;
                        self.tell_of_each_node(template, &placement, &mut reasons);
                        told(template, number, None, &reasons);
                        placement.waiting.push(Waiting { template, pods: count - done, reasons });
                        again.push((template, count - done));
                        break;
                    };
                    told(template, number, Some(node), &reasons);
                    self.change(template, node, &mut placement, 1);
                    (done, progress) = (done + 1, true);
                }
            }
            if again.is_empty() || !progress {
                return placement;
            }
            left = again;
        }
    }

    /// A DaemonSet's next pod is for the first node without one, and the others are none of its business.
    fn tell_of_each_node(&self, template: usize, placement: &Placement, reasons: &mut [Vec<Reason>]) {
        if !self.wanted.get(template).is_some_and(|w| w.each_node) {
            return;
        }
        let has = |n: usize| placement.counts.get(template).and_then(|c| c.get(n)).is_some_and(|c| *c > 0);
        for (node, told) in reasons.iter_mut().enumerate() {
            if told.is_empty() || has(node) || self.wanted.get(template).and_then(|w| w.never.get(node)).is_some_and(Option::is_some) {
                *told = vec![Reason::NotNamed];
            }
        }
    }

    /// The nodes that fit, the best first.
    fn fitting(&self, template: usize, reasons: &[Vec<Reason>], placement: &Placement, liking: Liking) -> Vec<usize> {
        let once = self.wanted.get(template).is_some_and(|w| w.each_node);
        let taken = |n: &usize| once && placement.counts.get(template).and_then(|c| c.get(*n)).is_some_and(|c| *c > 0);
        let fit = reasons.iter().enumerate().filter(|(_, r)| r.is_empty()).map(|(n, _)| n).filter(|n| !taken(n));
        let mut fit: Vec<(i128, usize)> = fit.map(|n| (-self.score(template, n, placement, liking), n)).collect();
        fit.sort_unstable();
        fit.into_iter().map(|(_, n)| n).collect()
    }

    /// Another way in which all pods have a place, if one is found: the hardest to place first, gaps kept large, and then,
    /// if there are few pods, one choice after another taken back. Bounded: that none is found is no proof that there is none.
    pub fn search(&self) -> Option<Placement> {
        let mut order: Vec<usize> = (0..self.wanted.len()).collect();
        order.sort_by_key(|t| self.hardness(*t));
        for liking in [Liking::Fullest, Liking::Emptiest] {
            let other = self.in_order(&order, liking, SEARCHED, &mut |_, _, _, _| {});
            if other.waiting.is_empty() && !other.unfinished {
                return Some(other);
            }
        }
        let pods =
            |t: &usize| std::iter::repeat_n(*t, usize::try_from(self.wanted.get(*t).map_or(0, Wanted::count)).unwrap_or(usize::MAX).min(FEW + 1));
        let pods: Vec<usize> = order.iter().flat_map(pods).take(FEW + 1).collect();
        (pods.len() <= FEW).then(|| self.try_all(&pods)).flatten()
    }

    /// The fewer nodes take it and the more it wants of one, the earlier.
    fn hardness(&self, template: usize) -> (usize, i128, usize) {
        let Some(it) = self.wanted.get(template) else { return (0, 0, template) };
        let nodes = it.never.iter().filter(|n| n.is_none()).count();
        let most =
            |r: usize| self.resources.get(r).and_then(|r| self.nodes.0.iter().filter_map(|n| n.allocatable.get(r)).max()).copied().unwrap_or(0);
        let share: i128 = it.requests.iter().map(|(r, n)| n.saturating_mul(1000) / most(*r).max(1)).sum();
        (nodes, -share, template)
    }

    /// Depth first, without recursion: for each pod the nodes still to be tried.
    fn try_all(&self, pods: &[usize]) -> Option<Placement> {
        let mut placement = self.empty();
        let mut open: Vec<(Vec<usize>, Option<usize>)> = Vec::new();
        let mut steps = 0;
        loop {
            let Some(template) = pods.get(open.len()) else { return Some(placement) };
            steps += self.steps(*template);
            if steps > SEARCHED {
                return None;
            }
            let reasons = self.verdicts(*template, &placement);
            let mut nodes = self.fitting(*template, &reasons, &placement, Liking::Fullest);
            // Pods that are alike may change places: only nodes at or after the last one's are tried.
            let before = open.len().checked_sub(1).and_then(|n| Some((pods.get(n)?, open.get(n)?.1?)));
            if let Some((_, last)) = before.filter(|(t, _)| *t == template && self.asks.get(**t).is_none_or(|a| a.steps() == 1)) {
                nodes.retain(|n| *n >= last);
            }
            nodes.reverse();
            open.push((nodes, None));
            // Take back until there is a node left to try.
            loop {
                let depth = open.len().checked_sub(1)?;
                let (template, (nodes, at)) = (*pods.get(depth)?, open.last_mut()?);
                if let Some(node) = at.take() {
                    self.change(template, node, &mut placement, -1);
                }
                if let Some(node) = nodes.pop() {
                    *at = Some(node);
                    self.change(template, node, &mut placement, 1);
                    break;
                }
                open.pop();
            }
        }
    }

    /// Whether one pod more of a template fits beside all that are placed.
    pub fn takes_one_more(&self, template: usize, placement: &Placement) -> bool {
        self.verdicts(template, placement).iter().any(Vec::is_empty)
    }

    /// What is free of a resource on a node.
    pub fn free(&self, node: usize, resource: usize, placement: &Placement) -> i128 {
        placement.free.get(node).and_then(|f| f.get(resource)).copied().unwrap_or(0)
    }
}
