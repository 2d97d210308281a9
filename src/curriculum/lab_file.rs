//! Reads a lab's folder (`lab.yaml`, instructions, start, given, solution, mistakes) and a week's quiz into a [`Lab`].
use super::check_file::{self, Beside, Read};
use super::quiz_file;
use super::tree::{self, Fault, Faults, Fields, Node, Value, did_you_mean};
use super::{Accepts, Lab, LabId, Preset, ReviewPolicy, names};
use crate::engine::check::{Format, Kind};
use crate::engine::{Check, File};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What hidden checks may be worth at most, in percent of a lab's points.
const HIDDEN: u32 = 20;

/// A lab with the places of what only the whole program can judge.
pub struct ReadLab {
    pub lab: Lab,
    pub at: Lines,
}

/// Where some keys of a lab stand.
pub struct Lines {
    /// Its `lab.yaml` or `quiz.yaml`.
    pub file: String,
    pub id: u32,
    pub needs: u32,
    pub skills: u32,
    pub sandbox: u32,
}

/// The files below `prefix/`, without it.
pub fn below(files: &[File], prefix: &str) -> Vec<File> {
    let inside = |f: &File| f.path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    files.iter().filter_map(|f| Some(File { path: inside(f)?, bytes: f.bytes.clone() })).collect()
}

/// Reads the lab in `dir` (`09-…/chat-in-a-quota`).
pub fn lab(files: &[File], dir: &str, week: u32, presets: &[Preset], all: &RefCell<Vec<Fault>>) -> Option<ReadLab> {
    let file = format!("{dir}/lab.yaml");
    let inside = below(files, dir);
    let faults = Faults::new(&file, all);
    let instructions = inside.iter().find(|f| f.path == "instructions.md");
    let root = inside.iter().find(|f| f.path == "lab.yaml").and_then(|f| tree::read(&f.bytes, &faults))?;
    let fields = Fields::of(&root, "a lab", &faults)?;
    let common = common(&fields);
    let folder = dir.rsplit('/').next().unwrap_or(dir);
    if common.id.as_ref().is_some_and(|id| id.as_str() != folder) {
        faults.say(fields.line_of("id"), format!("`id` must be the folder's name, {folder:?}"));
    }
    let sandbox = fields.maybe_text("sandbox");
    let review = fields.maybe_text("review").map_or(ReviewPolicy::OnRequest, |text| review(&text, &fields));
    let accepts = fields.need("accepts").and_then(|node| accepts(node, &faults));
    let listed = fields.list("checks");
    let given = below(&inside, "given");
    let beside = Beside { presets, given: &given };
    let read: Vec<Read> = listed.iter().filter_map(|node| check_file::read(node, beside, &faults)).collect();
    let attempts = fields.maybe_number("attempts");
    fields.done(|key| (key == "questions").then(|| "questions stand in the week's quiz.yaml".to_owned()));

    points(&read, read.len() == listed.len(), common.points, &fields);
    let accepts = accepts.unwrap_or_else(|| Accepts { include: vec!["**".into()], max_files: usize::MAX, max_kib: usize::MAX / 1024 });
    hand_ins(&inside, &accepts, &read, dir, all);
    let instructions = match instructions.map(|f| std::str::from_utf8(&f.bytes)) {
        Some(Ok(text)) if !text.trim().is_empty() => text.to_owned(),
        Some(Err(_)) => {
            Faults::new(&format!("{dir}/instructions.md"), all).say(1, "this file is not UTF-8");
            String::new()
        }
        _ => {
            faults.say(1, "instructions.md is missing or empty");
            String::new()
        }
    };
    if read.iter().any(|r| r.check.hidden) && !instructions.to_lowercase().contains("hidden") {
        Faults::new(&format!("{dir}/instructions.md"), all)
            .say(1, "the lab has hidden checks, and the instructions don't say so (the word \"hidden\")");
    }
    let checks: Vec<Check> = read.into_iter().map(|r| r.check).collect();
    let hash = hash(&inside, &checks);
    let lab = Lab {
        id: common.id?,
        title: common.title.unwrap_or_default(),
        week,
        minutes: common.minutes.unwrap_or(0),
        points: common.points.unwrap_or(0),
        required: common.required,
        skills: common.skills,
        accepts,
        needs: common.needs,
        review,
        attempts,
        sandbox,
        checks,
        start: below(&inside, "start"),
        given,
        instructions,
        mistakes: mistakes(&inside).into_iter().map(str::to_owned).collect(),
        hash,
        is_quiz: false,
    };
    Some(ReadLab { lab, at: lines(&fields) })
}

/// The hash of a lab's files, and of what its checks take from presets.yaml: a report names it for what graded it.
fn hash(inside: &[File], checks: &[Check]) -> String {
    let rooms = checks.iter().filter(|c| matches!(c.kind, Kind::KubernetesAdmission(_)));
    let resolved: Vec<File> =
        rooms.map(|c| File { path: format!("{} as read", c.id), bytes: serde_json::to_vec(&c.kind).unwrap_or_default() }).collect();
    super::load::hash(inside.iter().chain(&resolved))
}

/// Reads the quiz of the week in `dir`, if it has one.
pub fn quiz(files: &[File], dir: &str, week: u32, all: &RefCell<Vec<Fault>>) -> Option<ReadLab> {
    let file = format!("{dir}/quiz.yaml");
    let content = files.iter().find(|f| f.path == file)?;
    let faults = Faults::new(&file, all);
    let root = tree::read(&content.bytes, &faults)?;
    let fields = Fields::of(&root, "a quiz", &faults)?;
    let common = common(&fields);
    let attempts = fields.number("attempts");
    if attempts == Some(0) {
        faults.say(fields.line_of("attempts"), "a quiz has at least one attempt");
    }
    let listed = fields.list("questions");
    let read: Vec<Read> = listed.iter().filter_map(|node| quiz_file::question(node, &faults)).collect();
    fields.done(|key| (key == "checks").then(|| "a quiz has `questions`".to_owned()));
    for Read { line, check } in &read {
        if let (Kind::Quiz(question), Some(most)) = (&check.kind, attempts)
            && question.variants.len() < most as usize
        {
            let n = question.variants.len();
            faults.say(*line, format!("question `{}` has too few variants for {most} attempts, {n}: each attempt asks a new one", check.id));
        }
    }
    points(&read, read.len() == listed.len(), common.points, &fields);
    let lab = Lab {
        id: common.id?,
        title: common.title.unwrap_or_default(),
        week,
        minutes: common.minutes.unwrap_or(0),
        points: common.points.unwrap_or(0),
        required: common.required,
        skills: common.skills,
        accepts: Accepts { include: vec![quiz_file::ANSWERS.into()], max_files: 1, max_kib: 32 },
        needs: common.needs,
        review: ReviewPolicy::OnRequest,
        attempts,
        sandbox: None,
        checks: read.into_iter().map(|r| r.check).collect(),
        start: Vec::new(),
        given: Vec::new(),
        instructions: String::new(),
        mistakes: Vec::new(),
        hash: super::load::hash([content].into_iter()),
        is_quiz: true,
    };
    Some(ReadLab { lab, at: lines(&fields) })
}

/// What labs and quizzes share.
struct Common {
    id: Option<LabId>,
    title: Option<String>,
    minutes: Option<u32>,
    points: Option<u32>,
    required: bool,
    skills: BTreeMap<String, u32>,
    needs: Vec<LabId>,
}

fn common(fields: &Fields<'_>) -> Common {
    let faults = fields.faults;
    let id = fields.text("id").filter(|id| names::is_good(id, "a lab's id", fields.line_of("id"), faults));
    let skills = fields.need("skills").map(|node| levels(node, "`skills`", faults)).unwrap_or_default();
    let needs = fields.maybe("needs").and_then(|node| node.texts(faults, "`needs`")).unwrap_or_default();
    let minutes = fields.number("minutes");
    if minutes == Some(0) {
        faults.say(fields.line_of("minutes"), "nothing takes 0 minutes");
    }
    let lab_id = |id: String| match id.parse() {
        Ok(id) => Some(id),
        Err(_) => {
            names::is_good(&id, "a lab's id", fields.line_of("needs"), faults);
            None
        }
    };
    Common {
        id: id.and_then(|id| id.parse().ok()),
        title: fields.text("title"),
        minutes,
        points: fields.number("points"),
        required: fields.flag("required", true),
        skills,
        needs: needs.into_iter().filter_map(lab_id).collect(),
    }
}

/// A mapping from skill to level, 1 to 4.
pub fn levels(node: &Node, name: &str, faults: &Faults<'_>) -> BTreeMap<String, u32> {
    let mut levels = BTreeMap::new();
    for (key, node) in node.map(faults, name).unwrap_or_default() {
        match node.number(faults, &format!("the level of `{}`", key.name)) {
            Some(level @ 1..=4) => {
                levels.insert(key.name.clone(), level);
            }
            Some(_) => faults.say(key.line, format!("the level of `{}` is 1 (aware), 2 (guided), 3 (alone) or 4 (under pressure)", key.name)),
            None => {}
        }
    }
    levels
}

fn lines(fields: &Fields<'_>) -> Lines {
    let line = |key| fields.line_of(key);
    Lines { file: fields.faults.file.to_owned(), id: line("id"), needs: line("needs"), skills: line("skills"), sandbox: line("sandbox") }
}

fn review(text: &str, fields: &Fields<'_>) -> ReviewPolicy {
    match (text, text.strip_prefix("sample ").map(str::parse)) {
        ("all", _) => ReviewPolicy::All,
        ("on request", _) => ReviewPolicy::OnRequest,
        (_, Some(Ok(n @ 1..=100))) => ReviewPolicy::Sample(n),
        _ => {
            let near = did_you_mean(text, ["all", "on request", "sample 10"].into_iter());
            fields.faults.say(fields.line_of("review"), format!("`review` is all, on request, or sample N of a hundred, not {text:?}{near}"));
            ReviewPolicy::OnRequest
        }
    }
}

fn accepts(node: &Node, faults: &Faults<'_>) -> Option<Accepts> {
    let fields = Fields::of(node, "`accepts`", faults)?;
    let include = fields.need("include").and_then(|node| node.texts(faults, "`include`"));
    let (max_files, max_kib) = (fields.number("max_files"), fields.number("max_kib"));
    fields.done(|_| None);
    if include.as_ref().is_some_and(Vec::is_empty) {
        faults.say(fields.line_of("include"), "`include` is empty, so nothing can be handed in");
    }
    for (key, value) in [("max_files", max_files), ("max_kib", max_kib)] {
        if value == Some(0) {
            faults.say(fields.line_of(key), format!("`{key}` is 0, so nothing can be handed in"));
        }
    }
    Some(Accepts { include: include?, max_files: max_files? as usize, max_kib: max_kib? as usize })
}

/// The checks' ids, their sum, and what may be hidden; sums only if all of them could be read (`whole`).
fn points(read: &[Read], whole: bool, points: Option<u32>, fields: &Fields<'_>) {
    let faults = fields.faults;
    let key = if fields.faults.file.ends_with("quiz.yaml") { "questions" } else { "checks" };
    for (i, one) in read.iter().enumerate() {
        if let Some(first) = read[..i].iter().find(|r| r.check.id == one.check.id) {
            faults.say(one.line, format!("`{}` is there twice; the first is on line {}", one.check.id, first.line));
        }
    }
    if read.is_empty() {
        faults.say(fields.line_of(key), format!("`{key}` has none that can be read"));
        return;
    }
    let sum: u32 = read.iter().map(|r| r.check.points).sum();
    if !whole {
        return;
    }
    if let Some(points) = points.filter(|points| *points != sum) {
        faults.say(fields.line_of("points"), format!("`points` is {points}, but the {key} sum to {sum}"));
    }
    let hidden: u32 = read.iter().filter(|r| r.check.hidden).map(|r| r.check.points).sum();
    if hidden * 100 > sum * HIDDEN {
        let line = read.iter().find(|r| r.check.hidden).map_or(fields.line, |r| r.line);
        faults.say(line, format!("hidden checks have {hidden} of {sum} points; more than {HIDDEN} % may not be hidden"));
    }
}

/// The solution and the mistakes: that they could be handed in, name real checks, and let every check find something to read.
fn hand_ins(inside: &[File], accepts: &Accepts, read: &[Read], dir: &str, all: &RefCell<Vec<Fault>>) {
    let file = format!("{dir}/lab.yaml");
    let faults = Faults::new(&file, all);
    let solution = below(inside, "solution");
    if solution.is_empty() {
        faults.say(1, "there is no solution/ beside it");
    } else {
        fits(&solution, &format!("{dir}/solution"), accepts, all);
        unreachable(&solution, read, &faults);
    }
    let names = mistakes(inside);
    if names.is_empty() {
        faults.say(1, "there is no mistakes/<name>/ beside it: at least one wrong hand-in shows that the checks find something");
    }
    for name in names {
        mistake(inside, name, accepts, read, dir, all);
    }
    let known = ["lab.yaml", "instructions.md"];
    for stray in inside
        .iter()
        .filter(|f| !known.contains(&f.path.as_str()) && !["start/", "given/", "solution/", "mistakes/"].iter().any(|d| f.path.starts_with(d)))
    {
        let near = did_you_mean(&stray.path, known.into_iter());
        Faults::new(&format!("{dir}/{}", stray.path), all)
            .say(1, format!("a lab has lab.yaml, instructions.md, start/, given/, solution/ and mistakes/; this is none of them{near}"));
    }
}

/// The names of a lab's wrong hand-ins; its files are sorted by path.
pub fn mistakes(inside: &[File]) -> Vec<&str> {
    let mut names: Vec<&str> = inside.iter().filter_map(|f| f.path.strip_prefix("mistakes/")?.split_once('/')).map(|(name, _)| name).collect();
    names.dedup();
    names
}

fn fits(files: &[File], dir: &str, accepts: &Accepts, all: &RefCell<Vec<Fault>>) {
    for file in files.iter().filter(|f| !accepts.admits(&f.path)) {
        let words = format!("the lab accepts {}, so this file could never be handed in", accepts.include.join(", "));
        Faults::new(&format!("{dir}/{}", file.path), all).say(1, words);
    }
    let bytes: usize = files.iter().map(|f| f.bytes.len()).sum();
    if files.len() > accepts.max_files || bytes > accepts.max_kib * 1024 {
        let words = format!("{} files of {} bytes are more than the lab accepts: {}", files.len(), bytes, accepts.in_words());
        Faults::new(dir, all).say(1, words);
    }
}

/// A check that finds no file to read in the solution can never be passed.
fn unreachable(solution: &[File], read: &[Read], faults: &Faults<'_>) {
    let ends = |ends: &[&str]| solution.iter().any(|f| ends.iter().any(|end| f.path.ends_with(end)));
    let yaml = ends(&[".yaml", ".yml", ".json"]);
    for Read { line, check } in read {
        let why = match &check.kind {
            Kind::KubernetesSchema { .. }
            | Kind::KubernetesRule { .. }
            | Kind::KubernetesAdmission(_)
            | Kind::KubernetesAutoscaling(_)
            | Kind::KubernetesScheduling { .. }
                if !yaml =>
            {
                Some("the solution has no YAML file".to_owned())
            }
            Kind::TerraformStatic { .. } | Kind::TerraformPlan(_) | Kind::TerraformApply(_) | Kind::Cost(_) if !ends(&[".tf"]) => {
                Some("the solution has no .tf file".to_owned())
            }
            Kind::TerraformTests(_) if !ends(&[".tftest.hcl"]) => Some("the solution has no .tftest.hcl file".to_owned()),
            Kind::Select { file: Some(glob), .. } if !solution.iter().any(|f| crate::engine::glob::matches(glob, &f.path)) => {
                Some(format!("no file of the solution matches {glob:?}"))
            }
            Kind::Select { file: None, format: Some(Format::Hcl), .. } if !ends(&[".tf", ".hcl"]) => Some("the solution has no .tf file".to_owned()),
            Kind::Select { file: None, format: Some(Format::Toml), .. } if !ends(&[".toml"]) => Some("the solution has no .toml file".to_owned()),
            Kind::Select { file: None, format: Some(Format::Json), .. } if !ends(&[".json"]) => Some("the solution has no .json file".to_owned()),
            Kind::KubernetesRule { rule } => {
                let kind = check.only.as_ref().and_then(|only| only.kind.as_deref());
                kind.filter(|kind| !names::may_be(rule, kind)).map(|kind| format!("rule {rule} never looks at a {kind}"))
            }
            _ => None,
        };
        if let Some(why) = why {
            faults.say(*line, format!("check `{}` is unreachable: {why}", check.id));
        }
    }
}

fn mistake(inside: &[File], name: &str, accepts: &Accepts, read: &[Read], dir: &str, all: &RefCell<Vec<Fault>>) {
    let folder = format!("mistakes/{name}");
    let files = below(inside, &folder);
    let path = format!("{dir}/{folder}/expect.yaml");
    let faults = Faults::new(&path, all);
    let Some(expected) = files.iter().find(|f| f.path == "expect.yaml") else {
        faults.say(1, "this file is missing: it names the checks that must fail and those that must pass");
        return;
    };
    let handed_in: Vec<File> = files.iter().filter(|f| f.path != "expect.yaml").cloned().collect();
    if handed_in.is_empty() {
        faults.say(1, "there are no files beside it: a mistake is a whole wrong hand-in");
    }
    fits(&handed_in, &format!("{dir}/{folder}"), accepts, all);
    if let Some(expect) = expectation(&expected.bytes, &faults) {
        let known: Vec<&Check> = read.iter().map(|r| &r.check).collect();
        for (id, line) in expect.fails.iter().chain(&expect.passes) {
            match known.iter().find(|c| c.id == *id) {
                None => {
                    let near = did_you_mean(id, known.iter().map(|c| c.id.as_str()));
                    faults.say(*line, format!("the lab has no check `{id}`{near}"));
                }
                Some(check) if matches!(check.kind, Kind::Rubric { .. }) => {
                    faults.say(*line, format!("check `{id}` is a rubric: it stays open, so it neither fails nor passes here"));
                }
                Some(_) => {}
            }
        }
    }
}

/// What a mistake must lead to: checks with the line each is named on.
pub struct Expectation {
    pub fails: Vec<(String, u32)>,
    pub passes: Vec<(String, u32)>,
}

/// Reads an `expect.yaml`.
pub fn expectation(bytes: &[u8], faults: &Faults<'_>) -> Option<Expectation> {
    let root = tree::read(bytes, faults)?;
    let fields = Fields::of(&root, "expect.yaml", faults)?;
    let ids = |name: &'static str| -> Vec<(String, u32)> {
        let texts = |node: &Node| match &node.value {
            Value::Text(id) => Some((id.clone(), node.line)),
            _ => node.wrong(faults, &format!("`{name}`"), "a list of checks"),
        };
        fields.list(name).iter().filter_map(texts).collect()
    };
    let (fails, passes) = (ids("fails"), ids("passes"));
    fields.text("why");
    fields.done(|_| None);
    if fails.is_empty() {
        faults.say(fields.line_of("fails"), "a mistake fails at least one check");
    }
    for (id, line) in passes.iter().filter(|(id, _)| fails.iter().any(|(other, _)| other == id)) {
        faults.say(*line, format!("check `{id}` can't both fail and pass"));
    }
    Some(Expectation { fails, passes })
}
