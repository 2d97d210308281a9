//! Reads a whole program from its files and judges what only the whole can show: links, needs, skills, strays.
use super::lab_file::{self, ReadLab};
use super::program_file::{self, Outline, WeekLine};
use super::tree::{Fault, Faults, did_you_mean};
use super::{Lab, LabId, Preset, Program, TargetRole, Week, lesson_file, load};
use crate::engine::File;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Files at the top of a program, beside the weeks' folders.
const TOP: [&str; 3] = ["program.yaml", "presets.yaml", "roles.yaml"];

/// A reading: the program as far as it could be understood, and everything that is wrong with it, in the order of the files.
pub struct Reading {
    pub program: Option<Program>,
    pub faults: Vec<Fault>,
}

/// Reads a program from all its files, sorted by path.
pub fn read(files: &[File]) -> Reading {
    let all = RefCell::new(Vec::new());
    let program = program(files, &all);
    let mut faults = all.into_inner();
    faults.sort();
    faults.dedup();
    Reading { program, faults }
}

fn program(files: &[File], all: &RefCell<Vec<Fault>>) -> Option<Program> {
    let presets = program_file::presets(files, all);
    let roles = program_file::roles(files, all);
    let outline = program_file::outline(files, all)?;
    let mut read: Vec<ReadLab> = Vec::new();
    let mut weeks = Vec::new();
    for line in &outline.weeks {
        let (week, labs) = week(files, line, &presets, all);
        weeks.push(week);
        read.extend(labs);
    }
    strays(files, &outline, all);
    ids(&read, all);
    needs(&read, all);
    let whole = outline.weeks.iter().all(|w| files.iter().any(|f| f.path.starts_with(&format!("{}/", w.dir))));
    skills(&read, &outline, whole, &roles, all);
    for lab in &read {
        if let Some(sandbox) = lab.lab.sandbox.as_deref().filter(|id| !presets.iter().any(|p| p.id == *id)) {
            let near = did_you_mean(sandbox, presets.iter().map(|p| p.id.as_str()));
            Faults::new(&lab.at.file, all).say(lab.at.sandbox, format!("presets.yaml has no preset {sandbox:?}{near}"));
        }
    }
    if let Some((capstone, line)) = outline.capstone.as_ref().filter(|(id, _)| !read.iter().any(|r| r.lab.id.as_str() == id)) {
        let near = did_you_mean(capstone, read.iter().map(|r| r.lab.id.as_str()));
        Faults::new("program.yaml", all).say(*line, format!("there is no lab {capstone:?} to be the capstone{near}"));
    }
    let labs: BTreeMap<LabId, Lab> = read.into_iter().map(|r| (r.lab.id.clone(), r.lab)).collect();
    lesson_file::links(files, &labs, &weeks, all);
    let graduation = program_file::graduating(&outline);
    let hash = load::hash(files.iter());
    let roles = roles.into_iter().map(|(_, role)| role).collect();
    let Outline { title, pass, skills, timeline, .. } = outline;
    Some(Program { hash, title, pass, skills, timeline, graduation, weeks, roles, presets, labs })
}

/// A week and its labs, in the order of their folders' names unless `week.md` says another, the quiz last.
fn week(files: &[File], line: &WeekLine, presets: &[Preset], all: &RefCell<Vec<Fault>>) -> (Week, Vec<ReadLab>) {
    let dir = &line.dir;
    let prefix = format!("{dir}/");
    let inside: Vec<&File> = files.iter().filter(|f| f.path.starts_with(&prefix)).collect();
    let lesson = lesson_file::read(files, dir, !inside.is_empty(), all);
    let mut folders: Vec<&str> = inside.iter().filter_map(|f| f.path[prefix.len()..].split_once('/')).map(|(folder, _)| folder).collect();
    folders.dedup();
    let mut labs = Vec::new();
    for folder in folders {
        let path = format!("{dir}/{folder}");
        if !files.iter().any(|f| f.path == format!("{path}/lab.yaml")) {
            Faults::new(&format!("{path}/lab.yaml"), all).say(1, "this file is missing: every folder of a week is a lab");
            continue;
        }
        labs.extend(lab_file::lab(files, &path, line.number, presets, all));
    }
    labs.sort_by_key(|read| lesson.labs.iter().position(|id| id == read.lab.id.as_str()).unwrap_or(usize::MAX));
    for (id, at) in lesson.labs.iter().zip(&lesson.lab_lines) {
        if !labs.iter().any(|read| read.lab.id.as_str() == id) {
            let near = did_you_mean(id, labs.iter().map(|read| read.lab.id.as_str()));
            Faults::new(&format!("{dir}/week.md"), all).say(*at, format!("the week has no lab {id:?}{near}"));
        }
    }
    labs.extend(lab_file::quiz(files, dir, line.number, all));
    for stray in inside.iter().filter(|f| !f.path[prefix.len()..].contains('/') && !["week.md", "quiz.yaml"].contains(&&f.path[prefix.len()..])) {
        let near = did_you_mean(&stray.path[prefix.len()..], ["week.md", "quiz.yaml"].into_iter());
        Faults::new(&stray.path, all).say(1, format!("a week has week.md, quiz.yaml and a folder a lab; this is none of them{near}"));
    }
    let ids = labs.iter().map(|read| read.lab.id.clone()).collect();
    let week = Week {
        number: line.number,
        dir: dir.clone(),
        title: line.title.clone(),
        outcome: line.outcome.clone(),
        minutes: lesson.minutes,
        skills: lesson.skills,
        lesson: lesson.text,
        labs: ids,
    };
    (week, labs)
}

/// Files that belong to no week.
fn strays(files: &[File], outline: &Outline, all: &RefCell<Vec<Fault>>) {
    let mut said = Vec::new();
    for file in files {
        let (first, is_folder) = file.path.split_once('/').map_or((file.path.as_str(), false), |(folder, _)| (folder, true));
        if is_folder && !outline.weeks.iter().any(|w| w.dir == first) && !said.contains(&first) {
            said.push(first);
            let near = did_you_mean(first, outline.weeks.iter().map(|w| w.dir.as_str()));
            Faults::new(&file.path, all).say(1, format!("no week of program.yaml has the folder {first:?}{near}"));
        } else if !is_folder && !TOP.contains(&first) {
            let near = did_you_mean(first, TOP.into_iter());
            Faults::new(&file.path, all).say(1, format!("beside the weeks there are {}; this is none of them{near}", TOP.join(", ")));
        }
    }
}

/// Lab ids are unique in the whole program: they are addresses.
fn ids(read: &[ReadLab], all: &RefCell<Vec<Fault>>) {
    for (i, one) in read.iter().enumerate() {
        if let Some(first) = read[..i].iter().find(|other| other.lab.id == one.lab.id) {
            Faults::new(&one.at.file, all).say(one.at.id, format!("the id `{}` is taken by {}", one.lab.id, first.at.file));
        }
    }
}

/// Needs name labs of this or an earlier week, and don't go round in a circle.
fn needs(read: &[ReadLab], all: &RefCell<Vec<Fault>>) {
    let find = |id: &LabId| read.iter().find(|r| r.lab.id == *id);
    for one in read {
        let faults = Faults::new(&one.at.file, all);
        for need in &one.lab.needs {
            match find(need) {
                None => {
                    let near = did_you_mean(need.as_str(), read.iter().map(|r| r.lab.id.as_str()));
                    faults.say(one.at.needs, format!("there is no lab `{need}` to need{near}"));
                }
                Some(other) if other.lab.week > one.lab.week => {
                    faults.say(one.at.needs, format!("`{need}` is in week {}, which opens after this lab's", other.lab.week));
                }
                Some(_) => {}
            }
        }
        if let Some(circle) = circle(one, &find) {
            faults.say(one.at.needs, format!("`needs` go round in a circle: {}", circle.join(" → ")));
        }
    }
}

/// The way from a lab over its needs back to itself, if there is one.
fn circle<'a>(from: &'a ReadLab, find: &impl Fn(&LabId) -> Option<&'a ReadLab>) -> Option<Vec<String>> {
    let mut ways = vec![vec![from]];
    let mut seen: Vec<&LabId> = Vec::new();
    while let Some(way) = ways.pop() {
        for next in way.last().into_iter().flat_map(|last| &last.lab.needs).filter_map(find) {
            if next.lab.id == from.lab.id {
                return Some(way.iter().chain([&from]).map(|r| r.lab.id.to_string()).collect());
            }
            if !seen.contains(&&next.lab.id) {
                seen.push(&next.lab.id);
                ways.push(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

/// Skills exist, and no role asks for a level that no lab proves (PRODUCT.md §3); the latter only once every week has its
/// folder (`whole`), since the labs to come may prove it.
fn skills(read: &[ReadLab], outline: &Outline, whole: bool, roles: &[(u32, TargetRole)], all: &RefCell<Vec<Fault>>) {
    let known = || outline.skills.iter().map(|s| s.id.as_str());
    let unknown = |skill: &str| format!("program.yaml has no skill {skill:?}{}", did_you_mean(skill, known()));
    for one in read {
        for skill in one.lab.skills.keys().filter(|skill| !known().any(|k| k == *skill)) {
            Faults::new(&one.at.file, all).say(one.at.skills, unknown(skill));
        }
    }
    for (line, role) in roles {
        let faults = Faults::new("roles.yaml", all);
        for (skill, level) in &role.levels {
            let proved = read.iter().filter_map(|r| r.lab.skills.get(skill)).max().copied().unwrap_or(0);
            if !known().any(|k| k == skill) {
                faults.say(*line, unknown(skill));
            } else if *level > proved && whole {
                faults.say(*line, format!("role `{}` asks for level {level} of {skill}; the labs prove at most {proved}", role.id));
            }
        }
    }
}
