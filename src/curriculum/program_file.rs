//! Reads `program.yaml`, `presets.yaml` and `roles.yaml`: the 16 weeks in order, sandbox sizes, target roles.
use super::lab_file::levels;
use super::tree::{self, Faults, Fields, Node, did_you_mean};
use super::{Amounts, Graduation, Late, Preset, SkillInfo, TargetRole, Timeline, names};
use crate::engine::File;
use jiff::civil::{Time, Weekday};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// `program.yaml` without what its folders hold.
pub struct Outline {
    pub title: String,
    pub pass: u32,
    pub skills: Vec<SkillInfo>,
    pub timeline: Timeline,
    pub required_percent: u32,
    pub capstone: Option<(String, u32)>,
    pub weeks: Vec<WeekLine>,
}

/// A week as `program.yaml` lists it.
pub struct WeekLine {
    pub line: u32,
    pub number: u32,
    pub dir: String,
    pub title: String,
    pub outcome: String,
}

pub fn outline(files: &[File], all: &RefCell<Vec<tree::Fault>>) -> Option<Outline> {
    let faults = Faults::new("program.yaml", all);
    let Some(file) = files.iter().find(|f| f.path == "program.yaml") else {
        faults.say(1, "this file is missing: it lists the weeks");
        return None;
    };
    let root = tree::read(&file.bytes, &faults)?;
    let fields = Fields::of(&root, "the program", &faults)?;
    let title = fields.text("title");
    let pass = percent(&fields, "pass");
    let skills: Vec<SkillInfo> = fields.list("skills").iter().filter_map(|node| skill(node, &faults)).collect();
    super::check_file::twice(skills.iter().map(|s| s.id.as_str()), "skill", fields.line_of("skills"), &faults);
    let timeline = fields.need("timeline").and_then(|node| timeline(node, &faults));
    let (required_percent, capstone) = fields.need("graduation").and_then(|node| graduation(node, &faults)).unwrap_or((70, None));
    let weeks: Vec<WeekLine> = fields.list("weeks").iter().filter_map(|node| week(node, &faults)).collect();
    fields.done(|_| None);
    for (expected, week) in (1..).zip(&weeks) {
        if week.number != expected {
            faults.say(week.line, format!("weeks are numbered from 1 in order: this one is {expected}, not {}", week.number));
            break;
        }
    }
    super::check_file::twice(weeks.iter().map(|w| w.dir.as_str()), "folder", fields.line_of("weeks"), &faults);
    Some(Outline { title: title?, pass: pass?, skills, timeline: timeline?, required_percent, capstone, weeks })
}

fn percent(fields: &Fields<'_>, name: &'static str) -> Option<u32> {
    let percent = fields.number(name)?;
    if !(1..=100).contains(&percent) {
        fields.faults.say(fields.line_of(name), format!("`{name}` is a percentage from 1 to 100, not {percent}"));
    }
    Some(percent)
}

fn skill(node: &Node, faults: &Faults<'_>) -> Option<SkillInfo> {
    let fields = Fields::of(node, "a skill", faults)?;
    let (id, title, about) = (fields.text("id"), fields.text("title"), fields.text("about"));
    fields.done(|_| None);
    let id = id.filter(|id| names::is_good(id, "a skill's id", fields.line, faults));
    Some(SkillInfo { id: id?, title: title?, about: about? })
}

fn week(node: &Node, faults: &Faults<'_>) -> Option<WeekLine> {
    let fields = Fields::of(node, "a week", faults)?;
    let (number, dir) = (fields.number("number"), fields.text("dir"));
    let (title, outcome) = (fields.text("title"), fields.text("outcome"));
    fields.done(|_| None);
    let dir = dir.filter(|dir| names::is_good(dir, "a week's folder", fields.line_of("dir"), faults));
    Some(WeekLine { line: fields.line, number: number?, dir: dir?, title: title?, outcome: outcome? })
}

fn graduation(node: &Node, faults: &Faults<'_>) -> Option<(u32, Option<(String, u32)>)> {
    let fields = Fields::of(node, "`graduation`", faults)?;
    let required = percent(&fields, "required_percent");
    let capstone = fields.maybe_text("capstone").map(|id| (id, fields.line_of("capstone")));
    fields.done(|_| None);
    Some((required?, capstone))
}

/// What `program.yaml` says of graduation, once its capstone is known to exist.
pub fn graduating(outline: &Outline) -> Graduation {
    Graduation { required_percent: outline.required_percent, capstone: outline.capstone.as_ref().and_then(|(id, _)| id.parse().ok()) }
}

fn timeline(node: &Node, faults: &Faults<'_>) -> Option<Timeline> {
    let fields = Fields::of(node, "`timeline`", faults)?;
    let due = fields.need("due").and_then(|node| due(node, faults));
    let grace_hours = fields.number("grace_hours");
    let nodes = fields.list("late");
    let late: Vec<Late> = nodes.iter().filter_map(|node| late_step(node, faults)).collect();
    fields.done(|_| None);
    for (step, node) in late.iter().zip(nodes).rev().skip(1) {
        if step.days.is_none() {
            faults.say(node.line, "only the last step of `late` may leave out `days`: it lasts to the program's end");
        }
    }
    if late.windows(2).any(|pair| pair[0].percent < pair[1].percent) {
        faults.say(fields.line_of("late"), "the steps of `late` go up: later work would keep more");
    }
    let (weekday, time) = due?;
    Some(Timeline { weekday, time, grace_hours: grace_hours?, late })
}

fn late_step(node: &Node, faults: &Faults<'_>) -> Option<Late> {
    let fields = Fields::of(node, "a step of `late`", faults)?;
    let step = (fields.maybe_number("days"), percent(&fields, "percent"));
    fields.done(|_| None);
    Some(Late { days: step.0, percent: step.1? })
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

fn due(node: &Node, faults: &Faults<'_>) -> Option<(Weekday, Time)> {
    let fields = Fields::of(node, "`due`", faults)?;
    let (weekday, time) = (fields.text("weekday"), fields.text("time"));
    fields.done(|_| None);
    let (weekday, time) = (weekday?, time?);
    let day = WEEKDAYS.iter().find(|(name, _)| *name == weekday).map(|(_, day)| *day);
    if day.is_none() {
        let near = did_you_mean(&weekday, WEEKDAYS.iter().map(|(name, _)| *name));
        faults.say(fields.line_of("weekday"), format!("there is no weekday {weekday:?}{near}"));
    }
    let read = time.parse::<Time>();
    if read.is_err() {
        faults.say(fields.line_of("time"), format!("{time:?} is no time of day such as \"23:59\""));
    }
    Some((day?, read.ok()?))
}

/// Sandbox sizes; a program without the file has none.
pub fn presets(files: &[File], all: &RefCell<Vec<tree::Fault>>) -> Vec<Preset> {
    let faults = Faults::new("presets.yaml", all);
    let Some(file) = files.iter().find(|f| f.path == "presets.yaml") else { return Vec::new() };
    let Some(root) = tree::read(&file.bytes, &faults) else { return Vec::new() };
    let entries = root.map(&faults, "presets.yaml").unwrap_or_default();
    entries.iter().filter_map(|(key, node)| preset(&key.name, key.line, node, &faults)).collect()
}

fn preset(id: &str, line: u32, node: &Node, faults: &Faults<'_>) -> Option<Preset> {
    names::is_good(id, "a preset's id", line, faults);
    let fields = Fields::of(node, "a preset", faults)?;
    let (title, storage) = (fields.text("title"), fields.text("storage"));
    let amounts = |name| fields.need(name).and_then(|node| amounts(node, faults));
    let (cpu, memory) = (amounts("cpu"), amounts("memory"));
    let (pods, pvcs) = (fields.number("pods"), fields.number("pvcs"));
    let mut gpu = BTreeMap::new();
    for (key, node) in fields.need("gpu").and_then(|node| node.map(faults, "`gpu`")).unwrap_or_default() {
        if !key.name.contains('/') {
            faults.say(key.line, format!("{:?} is no extended resource; those look like nvidia.com/gpu", key.name));
        }
        gpu.extend(node.number(faults, &key.name).map(|n| (key.name.clone(), n)));
    }
    let (minutes, idle, longest) = (fields.number("minutes"), fields.number("idle_minutes"), fields.number("longest_minutes"));
    let simulated = fields.flag("simulated", false);
    fields.done(|_| None);
    if minutes.zip(longest).is_some_and(|(minutes, longest)| minutes > longest) {
        faults.say(fields.line_of("longest_minutes"), "`longest_minutes` is below `minutes`");
    }
    Some(Preset {
        id: id.to_owned(),
        title: title?,
        cpu: cpu?,
        memory: memory?,
        pods: pods?,
        storage: storage?,
        pvcs: pvcs?,
        gpu,
        minutes: minutes?,
        idle_minutes: idle?,
        longest_minutes: longest?,
        simulated,
    })
}

fn amounts(node: &Node, faults: &Faults<'_>) -> Option<Amounts> {
    let fields = Fields::of(node, "amounts", faults)?;
    let (request, limit) = (fields.text("request"), fields.text("limit"));
    fields.done(|_| None);
    Some(Amounts { request: request?, limit: limit? })
}

/// Target roles, each with its line; a program without the file has none.
pub fn roles(files: &[File], all: &RefCell<Vec<tree::Fault>>) -> Vec<(u32, TargetRole)> {
    let faults = Faults::new("roles.yaml", all);
    let Some(file) = files.iter().find(|f| f.path == "roles.yaml") else { return Vec::new() };
    let Some(root) = tree::read(&file.bytes, &faults) else { return Vec::new() };
    let roles: Vec<(u32, TargetRole)> = root.list(&faults, "roles.yaml").unwrap_or_default().iter().filter_map(|node| role(node, &faults)).collect();
    super::check_file::twice(roles.iter().map(|(_, r)| r.id.as_str()), "role", 1, &faults);
    roles
}

fn role(node: &Node, faults: &Faults<'_>) -> Option<(u32, TargetRole)> {
    let fields = Fields::of(node, "a role", faults)?;
    let (id, title, pay) = (fields.text("id"), fields.text("title"), fields.text("pay"));
    let (demand, source) = (fields.text("demand"), fields.text("source"));
    let levels = fields.need("levels").map(|node| levels(node, "`levels`", faults)).unwrap_or_default();
    fields.done(|_| None);
    let id = id.filter(|id| names::is_good(id, "a role's id", fields.line, faults));
    let role = TargetRole { id: id?, title: title?, pay: pay?, demand: demand?, source: source?, levels };
    Some((fields.line_of("levels"), role))
}
