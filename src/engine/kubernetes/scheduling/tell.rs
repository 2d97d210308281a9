//! Says what came of it: which pod has no place and why, node by node, where to look in the file, and what may be done.
use super::nodes::Node;
use super::place::{Placement, Room, Waiting};
use super::pod::Wanted;
use super::reasons::{self, Reason, written};
use crate::engine::figure::{self, Figure, FilledNode, Share};
use crate::engine::kubernetes::Answer;
use crate::engine::kubernetes::demand;
use crate::engine::kubernetes::objects::{Object, is_gpu};
use crate::engine::kubernetes::words;
use crate::engine::report::{Problem, clip};
use crate::engine::yaml::{Node as Yaml, Span};
use std::collections::BTreeMap;

const WHY: &str = "A pod that fits on no node stays Pending; nothing but an event says why.";
const PREEMPTION: &str = " It has a priority: in a cluster pods of a lower one may have to go for it, which is not worked out here.";
/// Node names that a sentence lists.
const NAMES: usize = 3;
/// What a name of a resource or a label may take of a sentence.
const NAME: usize = 100;

pub fn event(room: &Room<'_, '_>, template: usize, reasons: &[Vec<Reason>]) -> String {
    if room.wanted.get(template).is_some_and(|w| w.conflict) {
        return format!("0/{} nodes are available: pod affinity terms conflict.", room.nodes.len());
    }
    reasons::event(reasons.iter().map(Vec::as_slice), &room.resources)
}

/// The result for the workloads that are `chosen`; `other` is a way in which all pods have a place, if the first one had none for all.
pub fn tell(room: &Room<'_, '_>, first: &Placement, other: Option<&Placement>, chosen: &dyn Fn(&Object<'_>) -> bool, rollout: bool) -> Answer {
    let placement = other.unwrap_or(first);
    let is_chosen = |t: usize| room.wanted.get(t).is_some_and(|w| chosen(w.of.object));
    let mut problems: Vec<Problem> = Vec::new();
    let mut notes = Vec::new();
    for waiting in placement.waiting.iter().filter(|w| is_chosen(w.template)) {
        problems.extend(no_place(room, placement, waiting));
    }
    for (template, it) in room.wanted.iter().enumerate().filter(|(t, _)| is_chosen(*t)) {
        if it.each_node && it.count() == 0 {
            problems.extend(nowhere(room, placement, template));
        }
        notes.extend(outside(it));
        if let Some(problem) = stuck(room, placement, template) {
            if rollout { problems.push(problem) } else { notes.push(format!("{}.", capital(&problem.message))) }
        }
    }
    if other.is_some() {
        let names: Vec<&str> = first.waiting.iter().filter_map(|w| room.wanted.get(w.template)).map(|w| w.name.as_str()).take(NAMES).collect();
        let names = clip(words::either(names).replace(" or ", " and "), NAME);
        notes.insert(0, format!("It depends on the order: placed one after another as the files have them, pods of {names} would find no room."));
    }
    Answer {
        passed: [vec![summary(room, placement, &is_chosen)], notes].concat().join(" "),
        problems,
        figure: Some(figure(room, placement)),
        ..Answer::default()
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `All 3 pods of 2 workloads fit: llm on gpu-1; tokenizer on cpu-1 and cpu-2.`
fn summary(room: &Room<'_, '_>, placement: &Placement, chosen: &dyn Fn(usize) -> bool) -> String {
    let (mut pods, mut workloads, mut places) = (0, 0, Vec::new());
    for (template, it) in room.wanted.iter().enumerate().filter(|(t, _)| chosen(*t)) {
        (pods, workloads) = (pods + placement.placed(template), workloads + 1);
        let on = placement.counts.get(template).into_iter().flatten().enumerate().filter(|(_, n)| **n > 0);
        let on: Vec<usize> = on.map(|(node, _)| node).collect();
        if !on.is_empty() && places.len() < NAMES {
            places.push(format!("`{}` on {}", clip(it.name.clone(), NAME), names(room, &on)));
        }
    }
    let all = match pods {
        0 => return "There are no pods to place.".into(),
        1 => "The only pod fits".to_owned(),
        n => format!("All {n} pods of {} fit", if workloads == 1 { "one workload".into() } else { format!("{workloads} workloads") }),
    };
    format!("{all}: {}.", places.join("; "))
}

/// `gpu-1`, `gpu-2` and 4 more nodes.
fn names(room: &Room<'_, '_>, nodes: &[usize]) -> String {
    let named: Vec<String> = nodes.iter().take(NAMES).filter_map(|n| room.nodes.0.get(*n)).map(|n| format!("`{}`", n.name)).collect();
    let more = nodes.len().saturating_sub(NAMES);
    match named.split_last() {
        _ if more > 0 => format!("{} and {more} more node{}", named.join(", "), if more == 1 { "" } else { "s" }),
        Some((last, [])) => last.clone(),
        Some((last, init)) => format!("{} and {last}", init.join(", ")),
        None => String::new(),
    }
}

fn no_place(room: &Room<'_, '_>, placement: &Placement, waiting: &Waiting) -> Option<Problem> {
    let it = room.wanted.get(waiting.template)?;
    let (title, all) = (it.of.object.title(), it.count());
    let who = match (waiting.pods, all) {
        (1, 1) => format!("the pod of {title} fits on no node"),
        (n, all) if n == all => format!("none of the {all} pods of {title} fits on a node"),
        (n, all) => format!("{n} of the {all} pods of {title} {} on no node", if n == 1 { "fits" } else { "fit" }),
    };
    // The node that was nearest to fitting says what to change.
    let nearest =
        waiting.reasons.iter().enumerate().filter_map(|(node, r)| Some((r.first()?, node))).max_by_key(|(r, node)| (**r, usize::MAX - node));
    let message = format!("{who}: {}", event(room, waiting.template, &waiting.reasons));
    // The figure has a sentence for every node.
    let nearby = nearest.map(|(_, node)| in_words_of_all(room, placement, it, waiting, node)).unwrap_or_default();
    let (span, fix) = match nearest {
        Some((reason, node)) => mend(room, placement, it, *reason, node, waiting),
        None => (it.of.object.head(), None),
    };
    let problem = it
        .of
        .object
        .problem(span, message)
        .why(format!("{nearby}{WHY}{}", if it.of.pod.spec.get("priorityClassName").is_some() { PREEMPTION } else { "" }));
    Some(Problem { fix, ..problem }.clipped())
}

/// A DaemonSet that no node takes.
fn nowhere(room: &Room<'_, '_>, placement: &Placement, template: usize) -> Option<Problem> {
    let reasons = room.verdicts(template, placement);
    let problem = no_place(room, placement, &Waiting { template, pods: 0, reasons })?;
    let title = room.wanted.get(template)?.of.object.title();
    Some(Problem { message: format!("{title} runs on none of these nodes: its selectors and tolerations take none of them"), ..problem })
}

/// What kept the pod off the node that was nearest to taking it, and off those like it.
fn in_words_of_all(room: &Room<'_, '_>, placement: &Placement, it: &Wanted<'_, '_>, waiting: &Waiting, nearest: usize) -> String {
    let told = waiting.reasons.get(nearest);
    let alike: Vec<usize> = (0..room.nodes.len()).filter(|n| waiting.reasons.get(*n) == told).collect();
    let said: Vec<String> = told.into_iter().flatten().map(|r| in_words(room, placement, it, *r, nearest)).collect();
    format!("{} came nearest: {}. ", capital(&names(room, &alike)), said.join(", and "))
}

/// One sentence for nodes with the same reasons.
fn node_by_node(room: &Room<'_, '_>, placement: &Placement, it: &Wanted<'_, '_>, waiting: &Waiting) -> Vec<String> {
    let mut alike: Vec<(String, Vec<usize>)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (node, reasons) in waiting.reasons.iter().enumerate() {
        let said: Vec<String> = reasons.iter().map(|r| in_words(room, placement, it, *r, node)).collect();
        let said = said.join(", and ");
        let at = *known.entry(said.clone()).or_insert_with(|| {
            alike.push((said, Vec::new()));
            alike.len() - 1
        });
        if let Some((_, nodes)) = alike.get_mut(at) {
            nodes.push(node);
        }
    }
    alike.into_iter().map(|(said, nodes)| format!("{}: {said}.", capital(&names(room, &nodes)))).collect()
}

fn in_words(room: &Room<'_, '_>, placement: &Placement, it: &Wanted<'_, '_>, reason: Reason, node: usize) -> String {
    let Some(of) = room.nodes.0.get(node) else { return String::new() };
    match reason {
        Reason::NotNamed if it.each_node => "isn't the node this pod is for".into(),
        Reason::NotNamed => "the affinity names other nodes".into(),
        Reason::Unschedulable => "is cordoned (`unschedulable: true`)".into(),
        Reason::NodeName => "`nodeName` names another node".into(),
        Reason::Taint(n) => format!("its taint `{}` isn't tolerated", of.taints.get(n).map(super::nodes::Taint::written).unwrap_or_default()),
        Reason::Affinity => match unmatched(it, of) {
            Some((key, wanted)) => match of.labels.get(key) {
                Some(have) => format!("its label `{key}` is `{have}`, the selector wants `{wanted}`"),
                None => format!("it has no label `{key}`, the selector wants `{wanted}`"),
            },
            None => "no term of the node affinity matches its labels".into(),
        },
        Reason::Ports => format!("port {} of the node is taken", it.ports.first().map_or_else(|| "asked for".into(), |p| p.number().to_string())),
        Reason::TooManyPods => format!("it takes {} pods and has them", of.allocatable.get("pods").copied().unwrap_or(0)),
        Reason::Insufficient(r) => {
            let resource = room.resources.get(r).map_or("", String::as_str);
            let all = of.allocatable.get(resource).copied().unwrap_or(0);
            let asked = it.requests.iter().find(|(n, _)| *n == r).map_or(0, |(_, n)| *n);
            let free = room.free(node, r, placement);
            let (asked, name) = (written(resource, asked), clip(resource.to_owned(), NAME));
            match all {
                0 => format!("it has no `{name}`"),
                all => format!("the pod asks for {asked} of `{name}`, {} of {} is free", written(resource, free), written(resource, all)),
            }
        }
        Reason::SpreadLabel(n) => format!("it has no label `{}` to spread over", topology_key(it, n)),
        Reason::Spread(n) => format!("one more pod there would be more than `maxSkew` above the emptiest `{}`", topology_key(it, n)),
        Reason::PodAffinity => "none of the pods that this one wants to be near is there".into(),
        Reason::AntiAffinity => "a pod that this one keeps away from is there".into(),
        Reason::ExistingAntiAffinity => "a pod there keeps this one away".into(),
    }
}

fn topology_key(it: &Wanted<'_, '_>, n: usize) -> String {
    let constraint = it.of.pod.spec.get("topologySpreadConstraints").and_then(|c| c.items().get(n));
    clip(constraint.and_then(|c| c.get("topologyKey")).and_then(Yaml::as_str).unwrap_or("topology").to_owned(), NAME)
}

/// The first label of the node selector that a node doesn't have so.
fn unmatched<'a>(it: &Wanted<'_, 'a>, node: &Node) -> Option<(&'a str, &'a str)> {
    let wanted = it.of.pod.spec.get("nodeSelector")?.entries().iter().filter_map(|e| Some((e.key.as_str(), e.value.as_str()?)));
    wanted.filter(|(k, v)| k.len() <= NAME && v.len() <= NAME).find(|(k, v)| node.labels.get(*k).map(String::as_str) != Some(*v))
}

/// Where to look in the file, and what to write there.
fn mend(room: &Room<'_, '_>, placement: &Placement, it: &Wanted<'_, '_>, reason: Reason, node: usize, waiting: &Waiting) -> (Span, Option<String>) {
    let (spec, doc, spec_key) = (it.of.pod.spec, &it.of.object.doc, it.of.pod.spec_key);
    let key = |name: &str| spec.entry(name).map_or(spec_key, |e| e.key_span);
    let Some(of) = room.nodes.0.get(node) else { return (spec_key, None) };
    let fix = |text: &str| Some(text.to_owned());
    match reason {
        Reason::NotNamed => (key("affinity"), fix("Name a node that exists, or better select by a label: a node's name ends with the node.")),
        Reason::Unschedulable => (spec_key, fix("Wait until the node is uncordoned, or select another.")),
        Reason::NodeName => (key("nodeName"), fix("Leave `nodeName` out and select by labels: no scheduler looks at a pod that names its node.")),
        Reason::Taint(n) => {
            let Some(taint) = of.taints.get(n) else { return (spec_key, None) };
            let own = if taint.value.is_empty() { "operator: Exists".into() } else { format!("operator: Equal, value: {}", taint.value) };
            let item = format!("- {{ key: {}, {own}, effect: {} }}", taint.key, taint.effect);
            let diff = match spec.entry("tolerations") {
                None => doc.add(spec, Some(spec_key), &format!("tolerations:\n  {item}")),
                Some(_) => format!("Add to `tolerations`: `{}`.", item.trim_start_matches("- ")),
            };
            (key("tolerations"), Some(diff))
        }
        Reason::Affinity => selector(room, it, of),
        Reason::Ports => {
            let span = it.ports.first().map_or(spec_key, |p| p.node.entry("hostPort").map_or(p.node.span, |e| e.value.span));
            (span, fix("Leave `hostPort` out and put a Service before the pods: one pod of each node can have the port."))
        }
        Reason::TooManyPods => (replicas(it), fix("Ask for fewer pods, or spread them over more nodes.")),
        Reason::Insufficient(r) => resource(room, placement, it, r, waiting),
        Reason::SpreadLabel(n) | Reason::Spread(n) => {
            let constraint = spec.get("topologySpreadConstraints").and_then(|c| c.items().get(n));
            let text = if matches!(reason, Reason::Spread(_)) {
                "Let the pods reach every domain that counts (`nodeTaintsPolicy: Honor` leaves out nodes they don't tolerate), or write `whenUnsatisfiable: ScheduleAnyway`."
            } else {
                "Spread over a label that the nodes have: `kubernetes.io/hostname` or `topology.kubernetes.io/zone`."
            };
            (constraint.map_or(key("topologySpreadConstraints"), |c| c.get("topologyKey").map_or(c.span, |k| k.span)), fix(text))
        }
        Reason::PodAffinity => (
            inner(spec, "podAffinity"),
            fix("Say what pods are wanted near by their labels, in their namespace, or prefer it instead of requiring it."),
        ),
        Reason::AntiAffinity => (
            inner(spec, "podAntiAffinity"),
            fix("Ask for no more pods than there are domains to keep them apart in, or prefer it instead of requiring it."),
        ),
        Reason::ExistingAntiAffinity => {
            (spec_key, fix("Another workload's `podAntiAffinity` selects this pod: narrow its selector, or give this pod a node of its own."))
        }
    }
}

fn inner(spec: &Yaml, key: &str) -> Span {
    let affinity = spec.get("affinity").and_then(|a| a.entry(key));
    affinity.or_else(|| spec.entry("affinity")).map_or(spec.span, |e| e.key_span)
}

fn replicas(it: &Wanted<'_, '_>) -> Span {
    it.of.object.node.path(&["spec", "replicas"]).map_or_else(|| it.of.object.head(), |n| n.span)
}

/// The selector's label that no node has so, with the nearest that one has.
fn selector(room: &Room<'_, '_>, it: &Wanted<'_, '_>, nearest: &Node) -> (Span, Option<String>) {
    let (spec, doc) = (it.of.pod.spec, &it.of.object.doc);
    let Some(selector) = spec.entry("nodeSelector") else {
        return (
            inner(spec, "nodeAffinity"),
            Some("Compare the terms with the nodes' labels; all expressions of one term must hold, and one term is enough.".into()),
        );
    };
    let has = |key: &str, value: &str| room.nodes.0.iter().any(|n| n.labels.get(key).map(String::as_str) == Some(value));
    let entries = || selector.value.entries().iter().filter_map(|e| Some((e, e.value.as_str()?)));
    if let Some((entry, wanted)) = entries().find(|(e, value)| !has(&e.key, value)) {
        let mut values: Vec<&str> = room.nodes.0.iter().filter_map(|n| n.labels.get(&entry.key)).map(String::as_str).collect();
        values.sort_unstable();
        values.dedup();
        let diff = words::nearest(wanted, values.iter().copied()).and_then(|near| doc.replace(entry.value.span, near));
        let known = match values.as_slice() {
            [] => {
                let keys = nearest.labels.keys().map(String::as_str);
                let near = words::nearest(&entry.key, keys).map(|n| format!("; there is `{n}`")).unwrap_or_default();
                format!("No node has the label `{}`{near}.", clip(entry.key.clone(), NAME))
            }
            values => format!("No node has this value; they have {}.", words::either(values.iter().copied().take(6)).replace(" or ", " and ")),
        };
        return (entry.value.span, diff.or(Some(known)));
    }
    let span = unmatched(it, nearest).and_then(|(key, _)| selector.value.entry(key)).map_or(selector.key_span, |e| e.value.span);
    (span, Some("No node has all these labels at once: leave out what isn't needed.".into()))
}

/// The request that is too much: where it stands, and what there is.
fn resource(room: &Room<'_, '_>, placement: &Placement, it: &Wanted<'_, '_>, r: usize, waiting: &Waiting) -> (Span, Option<String>) {
    let name = room.resources.get(r).map_or("", String::as_str);
    let amount = |node: &Yaml| crate::engine::kubernetes::quantity::Quantity::of(node);
    let largest = it.of.pod.containers.iter().filter_map(|c| c.request(name).or_else(|| c.limit(name))).max_by_key(|n| amount(n));
    let span = largest.map_or_else(|| it.of.object.head(), |n| n.span);
    // Only nodes that nothing else forbids can be counted on.
    let open = || waiting.reasons.iter().enumerate().filter(|(_, told)| told.iter().all(|t| matches!(t, Reason::Insufficient(_)))).map(|(n, _)| n);
    let all = open().filter_map(|n| room.nodes.0.get(n)?.allocatable.get(name)).max().copied().unwrap_or(0);
    let free = open().map(|n| room.free(n, r, placement)).max().unwrap_or(0);
    let asked = it.requests.iter().find(|(n, _)| *n == r).map_or(0, |(_, n)| *n);
    let shown = clip(name.to_owned(), NAME);
    let text = if all == 0 {
        format!("No node that this pod may go to has `{shown}`: select one that does, or leave the request out.")
    } else if asked > all {
        format!("The largest node that this pod may go to has {} of `{shown}`: ask for no more than that.", written(name, all))
    } else {
        let what = if is_gpu(name) { "fewer replicas" } else { "less, or fewer replicas" };
        format!(
            "At most {} of `{shown}` is left on a node that this pod may go to: ask for {what}, or take it from another workload.",
            written(name, free)
        )
    };
    (span, Some(text))
}

/// A roll-out that could never end: there is no room for one more pod, and none of the old ones may go first.
fn stuck(room: &Room<'_, '_>, placement: &Placement, template: usize) -> Option<Problem> {
    let it = room.wanted.get(template)?;
    let object = it.of.object;
    if it.of.surge == 0 || placement.waiting.iter().any(|w| w.template == template) || demand::may_be_missing(object, it.of.count) > 0 {
        return None;
    }
    if room.takes_one_more(template, placement) {
        return None;
    }
    let strategy = object.node.path(&["spec"]).and_then(|s| s.entry("strategy"));
    let problem = object
        .problem(
            strategy.map_or_else(|| object.head(), |e| e.key_span),
            format!(
                "a roll-out of {} would never end: its new pod finds no room while the old ones run, and none of them may go first",
                object.title()
            ),
        )
        .why("By default a new pod starts before an old one ends. Where the nodes are full, the new one waits for the old and the old for the new.")
        .fix("Write `strategy: {type: Recreate}`, or `maxSurge: 0` with `maxUnavailable: 1`.");
    Some(problem.clipped())
}

/// What keeps a pod from being placed that no node has to do with.
fn outside(it: &Wanted<'_, '_>) -> Option<String> {
    let (spec, name) = (it.of.pod.spec, clip(it.name.clone(), NAME));
    let scheduler = spec.get("schedulerName").and_then(Yaml::as_str).filter(|s| *s != "default-scheduler");
    let gates: Vec<&str> =
        spec.get("schedulingGates").map_or(&[][..], Yaml::items).iter().filter_map(|g| g.get("name")?.as_str()).take(NAMES).collect();
    if !gates.is_empty() {
        return Some(format!("`{name}` waits for its gates first: {}.", clip(words::either(gates).replace(" or ", " and "), NAME)));
    }
    scheduler.map(|s| format!("`{name}` is placed by `{}`; this is what the default scheduler would do.", clip(s.to_owned(), NAME)))
}

fn figure(room: &Room<'_, '_>, placement: &Placement) -> Figure {
    let mut told = 0;
    let mut filled = Vec::new();
    for (n, node) in room.nodes.0.iter().enumerate() {
        let mut pods = Vec::new();
        for (template, it) in room.wanted.iter().enumerate() {
            // Numbered through over all nodes, in their order.
            let on = |n: usize| placement.counts.get(template).and_then(|c| c.get(n)).copied().unwrap_or(0);
            let before: u64 = (0..n).map(|m| u64::from(on(m))).sum();
            for k in 1..=u64::from(on(n)) {
                if told < figure::MOST {
                    pods.push(clip(it.pod_name(before + k), NAME));
                    told += 1;
                }
            }
        }
        let shares = room.resources.iter().enumerate().filter_map(|(r, resource)| {
            let of = *node.allocatable.get(resource)?;
            let used = of - room.free(n, r, placement);
            let percent = if of == 0 { 0 } else { (used * 100 + of - 1) / of };
            Some(Share {
                resource: clip(resource.clone(), NAME),
                used: written(resource, used),
                of: written(resource, of),
                percent: u32::try_from(percent).unwrap_or(101),
            })
        });
        filled.push(FilledNode { name: node.name.clone(), about: about(node), shares: shares.take(8).collect(), pods });
    }
    let waiting = placement.waiting.iter().take(20).filter_map(|w| {
        let it = room.wanted.get(w.template)?;
        let more = if w.pods > 1 { format!(" and {} more", w.pods - 1) } else { String::new() };
        let pod = clip(it.pod_name(placement.placed(w.template) + 1), NAME);
        let reasons = node_by_node(room, placement, it, w).into_iter().take(20).map(|r| clip(r, 300)).collect();
        Some(figure::Waiting { pod: format!("{pod}{more}"), reasons })
    });
    Figure::Placement { nodes: filled, waiting: waiting.collect() }
}

/// `NVIDIA-L4, zone eu-1a, tainted nvidia.com/gpu`.
fn about(node: &Node) -> String {
    let label = |key: &str| node.labels.get(key).cloned();
    let kind = label("nvidia.com/gpu.product").or_else(|| label("node.kubernetes.io/instance-type"));
    let zone = label("topology.kubernetes.io/zone").map(|z| format!("zone {z}"));
    let taints = node.taints.iter().filter(|t| t.keeps_off()).map(|t| format!("tainted {}", t.key));
    let cordoned = node.unschedulable.then(|| "cordoned".to_owned());
    kind.into_iter().chain(zone).chain(taints).chain(cordoned).collect::<Vec<_>>().join(", ")
}
