//! Reads the checks of a `lab.yaml`: which keys a kind has, which rules exist, which paths and patterns can be read.
use super::tree::{Faults, Fields, Node, did_you_mean};
use super::{Amounts, Preset, cost_file, names, plan_file, scenario_file};
use crate::engine::check::{Count, Criterion, Expect, FixPolicy, Format, Kind, Where};
use crate::engine::kubernetes::admission::{Bounds, Level, Room};
use crate::engine::kubernetes::scheduling::Nodes;
use crate::engine::{Check, File};

/// The keys every check may have.
const COMMON: [&str; 9] = ["id", "kind", "points", "fix", "hints", "hidden", "why", "fix_text", "gate"];
/// The kinds of this grader, with the keys that are theirs.
const KINDS: [(&str, &[&str]); 12] = [
    ("kubernetes.schema", &["version", "where"]),
    ("kubernetes.rule", &["rule", "where"]),
    ("kubernetes.admission", &["preset", "security", "where"]),
    ("kubernetes.autoscaling", &scenario_file::KEYS),
    ("kubernetes.scheduling", &["nodes", "rollout", "where"]),
    ("terraform.static", &["rule"]),
    ("terraform.plan", &plan_file::KEYS),
    ("terraform.apply", &plan_file::APPLY),
    ("terraform.tests", &plan_file::TESTS),
    ("cost", &cost_file::KEYS),
    ("select", &["file", "format", "where", "path", "expect"]),
    ("rubric", &["criteria"]),
];
/// The version of Kubernetes a lab means when it says none.
const KUBERNETES: &str = "1.36";

/// A check and the line it begins on.
pub struct Read {
    pub line: u32,
    pub check: Check,
}

/// What a check may name: the program's sandbox sizes, and the files in the lab's `given/`.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    pub presets: &'a [Preset],
    /// By their paths below `given/`.
    pub given: &'a [File],
}

impl<'a> Beside<'a> {
    /// The preset that a key names.
    pub fn preset(&self, fields: &Fields<'_>, key: &'static str) -> Option<&'a Preset> {
        let id = fields.text(key)?;
        let found = self.presets.iter().find(|p| p.id == id);
        if found.is_none() {
            let near = did_you_mean(&id, self.presets.iter().map(|p| p.id.as_str()));
            fields.faults.say(fields.line_of(key), format!("presets.yaml has no preset {id:?}{near}"));
        }
        found
    }

    /// The text of the file in `given/` that a key names.
    pub fn given(&self, fields: &Fields<'_>, key: &'static str) -> Option<&'a str> {
        let path = fields.text(key)?;
        let Some(file) = self.given.iter().find(|f| f.path == path) else {
            let near = did_you_mean(&path, self.given.iter().map(|f| f.path.as_str()));
            fields.faults.say(fields.line_of(key), format!("there is no file given/{path} beside this one{near}"));
            return None;
        };
        let text = std::str::from_utf8(&file.bytes);
        if text.is_err() {
            fields.faults.say(fields.line_of(key), format!("given/{path} is not UTF-8"));
        }
        text.ok()
    }

    /// The files of the folder of `given/` that a key names, by their paths in it.
    pub fn folder(&self, fields: &Fields<'_>, key: &'static str) -> Option<Vec<File>> {
        let name = fields.text(key)?;
        let inside = |f: &File| Some(File { path: f.path.strip_prefix(&name)?.strip_prefix('/')?.to_owned(), bytes: f.bytes.clone() });
        let files: Vec<File> = self.given.iter().filter_map(inside).collect();
        if files.is_empty() {
            let near = did_you_mean(&name, self.given.iter().filter_map(|f| Some(f.path.split_once('/')?.0)));
            fields.faults.say(fields.line_of(key), format!("there is no folder given/{name} beside this file{near}"));
            return None;
        }
        Some(files)
    }
}

/// Reads one check; what can't be understood of it is said, and it is left out.
pub fn read(node: &Node, beside: Beside<'_>, faults: &Faults<'_>) -> Option<Read> {
    let fields = Fields::of(node, "a check", faults)?;
    let id = fields.text("id").filter(|id| names::is_good(id, "a check's id", fields.line_of("id"), faults));
    let points = fields.number("points");
    if points == Some(0) {
        faults.say(fields.line_of("points"), "a check is worth at least one point");
    }
    let fix = fix_policy(&fields);
    let hints = fields.maybe("hints").and_then(|node| node.texts(faults, "`hints`")).unwrap_or_default();
    let hidden = match fields.maybe_text("hidden").as_deref() {
        None => false,
        Some("until-due") => true,
        Some(other) => {
            faults.say(fields.line_of("hidden"), format!("`hidden` is `until-due` or left out, not {other:?}"));
            true
        }
    };
    let (why, fix_text) = (fields.maybe_text("why"), fields.maybe_text("fix_text"));
    let gate = fields.flag("gate", false);
    let kind_name = fields.text("kind");
    let read = kind_name.as_deref().and_then(|name| kind(name, &fields, beside));
    let own = kind_name.as_deref().and_then(|name| KINDS.iter().find(|(kind, _)| *kind == name)).map(|(_, own)| *own);
    let only = if own.is_some_and(|own| own.contains(&"where")) { fields.maybe("where").and_then(|node| only(node, faults)) } else { None };
    if gate && matches!(read, Some(Kind::Rubric { .. })) {
        faults.say(fields.line_of("gate"), "a rubric is marked later, so it can't be a gate");
    }
    if hidden && matches!(read, Some(Kind::Rubric { .. })) {
        faults.say(fields.line_of("hidden"), "a rubric can't be hidden: its criteria stand on the lab's page");
    }
    if let Some(own) = own {
        let kind = kind_name.clone().unwrap_or_default();
        fields.done(|key| belongs(key, &kind, own));
    }
    Some(Read { line: fields.line, check: Check { id: id?, points: points?, gate, fix, hints, hidden, why, fix_text, only, kind: read? } })
}

/// Says whose key it is, if it is another kind's.
fn belongs(key: &str, kind: &str, own: &[&str]) -> Option<String> {
    let owners: Vec<&str> = KINDS.iter().filter(|(_, keys)| keys.contains(&key)).map(|(name, _)| *name).collect();
    if !owners.is_empty() {
        return Some(format!("it belongs to {}, and this check is a {kind}", owners.join(" and ")));
    }
    super::tree::nearest(key, COMMON.iter().chain(own).copied()).map(|near| format!("did you mean `{near}`?"))
}

fn fix_policy(fields: &Fields<'_>) -> FixPolicy {
    match fields.maybe_text("fix").as_deref() {
        None | Some("now") => FixPolicy::Now,
        Some("after_hints") => FixPolicy::AfterHints,
        Some("never") => FixPolicy::Never,
        Some(other) => {
            let near = did_you_mean(other, ["now", "after_hints", "never"].into_iter());
            let words = format!("`fix` says when a fix may be shown (now, after_hints or never), not {other:?}{near}");
            let words = if other.contains(' ') { format!("{words}; what to change goes into `fix_text`") } else { words };
            fields.faults.say(fields.line_of("fix"), words);
            FixPolicy::Never
        }
    }
}

fn kind(name: &str, fields: &Fields<'_>, beside: Beside<'_>) -> Option<Kind> {
    let faults = fields.faults;
    match name {
        "kubernetes.schema" => {
            let version = fields.maybe_text("version").unwrap_or_else(|| KUBERNETES.into());
            if !names::kubernetes_versions().contains(&version.as_str()) {
                let known = names::kubernetes_versions().join(", ");
                faults.say(fields.line_of("version"), format!("there are no schemas of Kubernetes {version}; there are those of {known}"));
            }
            Some(Kind::KubernetesSchema { version })
        }
        "kubernetes.rule" => rule(fields, &names::kubernetes_rules()).map(|rule| Kind::KubernetesRule { rule }),
        "kubernetes.admission" => room(fields, beside).map(Kind::KubernetesAdmission),
        "kubernetes.autoscaling" => scenario_file::scenario(fields, beside).map(|s| Kind::KubernetesAutoscaling(Box::new(s))),
        "kubernetes.scheduling" => scheduling(fields, beside),
        "terraform.static" => rule(fields, &names::terraform_rules()).map(|rule| Kind::TerraformStatic { rule }),
        "terraform.plan" => plan_file::ask(fields, beside).map(Kind::TerraformPlan),
        "terraform.apply" => plan_file::apply(fields).map(Kind::TerraformApply),
        "terraform.tests" => plan_file::tests(fields).map(Kind::TerraformTests),
        "cost" => cost_file::ask(fields, beside).map(|ask| Kind::Cost(Box::new(ask))),
        "select" => select(fields),
        "rubric" => {
            let criteria: Vec<Criterion> = fields.list("criteria").iter().filter_map(|node| criterion(node, faults)).collect();
            let sum: u32 = criteria.iter().map(|c| c.points).sum();
            let points = fields.maybe("points").and_then(|node| node.number(faults, "`points`"));
            if points.is_some_and(|points| points != sum) {
                faults.say(fields.line_of("criteria"), format!("the criteria sum to {sum} points, the check says {}", points.unwrap_or(0)));
            }
            twice(criteria.iter().map(|c| c.id.as_str()), "criterion", fields.line_of("criteria"), faults);
            Some(Kind::Rubric { criteria })
        }
        other => {
            let known = KINDS.iter().map(|(name, _)| *name);
            let near = did_you_mean(other, known.clone());
            let all = if near.is_empty() { format!("; there are {}", known.collect::<Vec<_>>().join(", ")) } else { near };
            faults.say(fields.line_of("kind"), format!("this grader has no kind {other:?}{all}"));
            None
        }
    }
}

/// The nodes stand in the lab's `given/`: what is wrong with them is said where they are named.
fn scheduling(fields: &Fields<'_>, beside: Beside<'_>) -> Option<Kind> {
    let rollout = fields.flag("rollout", false);
    let nodes = beside.given(fields, "nodes")?;
    for problem in Nodes::read("nodes", nodes).err().into_iter().flatten() {
        let line = problem.place.map(|p| format!(" on line {}", p.line)).unwrap_or_default();
        fields.faults.say(fields.line_of("nodes"), format!("the file of nodes is wrong{line}: {}", problem.message));
    }
    Some(Kind::KubernetesScheduling { nodes: nodes.to_owned(), rollout })
}

fn rule(fields: &Fields<'_>, known: &[&'static str]) -> Option<String> {
    let rule = fields.text("rule")?;
    if !known.contains(&rule.as_str()) {
        fields.faults.say(fields.line_of("rule"), format!("there is no rule {rule:?}{}", did_you_mean(&rule, known.iter().copied())));
    }
    Some(rule)
}

/// A namespace of a preset, with the level of pod security that it enforces.
fn room(fields: &Fields<'_>, beside: Beside<'_>) -> Option<Room> {
    let security = match fields.maybe_text("security").as_deref() {
        None | Some("baseline") => Level::Baseline,
        Some("restricted") => Level::Restricted,
        Some(other) => {
            let near = did_you_mean(other, ["baseline", "restricted"].into_iter());
            fields.faults.say(fields.line_of("security"), format!("`security` is baseline or restricted, not {other:?}{near}"));
            Level::Baseline
        }
    };
    let preset = beside.preset(fields, "preset")?;
    let bounds = |amounts: &Amounts| Bounds { request: amounts.request.clone(), limit: amounts.limit.clone() };
    Some(Room {
        preset: preset.id.clone(),
        cpu: bounds(&preset.cpu),
        memory: bounds(&preset.memory),
        pods: preset.pods,
        storage: preset.storage.clone(),
        pvcs: preset.pvcs,
        gpu: preset.gpu.clone(),
        security,
    })
}

fn select(fields: &Fields<'_>) -> Option<Kind> {
    let faults = fields.faults;
    let file = fields.maybe_text("file");
    let format = match fields.maybe_text("format").as_deref() {
        None => None,
        Some("kubernetes") => Some(Format::Kubernetes),
        Some("yaml") => Some(Format::Yaml),
        Some("json") => Some(Format::Json),
        Some("toml") => Some(Format::Toml),
        Some("hcl") => Some(Format::Hcl),
        Some("plan") => Some(Format::Plan),
        Some(other) => {
            let near = did_you_mean(other, ["kubernetes", "yaml", "json", "toml", "hcl", "plan"].into_iter());
            faults.say(fields.line_of("format"), format!("there is no format {other:?}: it is kubernetes, yaml, json, toml, hcl or plan{near}"));
            None
        }
    };
    if fields.maybe("where").is_some() && format.is_some_and(|f| f != Format::Kubernetes) {
        faults.say(fields.line_of("where"), "`where` picks Kubernetes objects; leave it out with this format");
    }
    let path = fields.text("path");
    if let Some(Err(error)) = path.as_deref().map(serde_json_path::JsonPath::parse) {
        faults.say(fields.line_of("path"), format!("`path` is no JSONPath (RFC 9535): {error}"));
    }
    let expect = fields.need("expect").and_then(|node| expect(node, faults));
    Some(Kind::Select { file, format, path: path?, expect: expect? })
}

const EXPECTATIONS: [&str; 9] = ["exists", "absent", "equals", "one_of", "matches", "min", "max", "count", "contains"];

fn expect(node: &Node, faults: &Faults<'_>) -> Option<Expect> {
    let entries = node.map(faults, "`expect`")?;
    let [(key, value)] = entries else {
        faults.say(node.line, format!("`expect` has exactly one of {}; this has {}", EXPECTATIONS.join(", "), entries.len()));
        return None;
    };
    let name = format!("`{}`", key.name);
    match key.name.as_str() {
        which @ ("exists" | "absent") => {
            let yes = value.yes_no(faults, &name)?;
            if !yes {
                let other = if which == "exists" { "absent" } else { "exists" };
                faults.say(key.line, format!("write `{other}: true` instead of `{which}: false`"));
            }
            Some(if which == "exists" { Expect::Exists(yes) } else { Expect::Absent(yes) })
        }
        "equals" => Some(Expect::Equals(value.json())),
        "contains" => Some(Expect::Contains(value.json())),
        "one_of" => {
            let items: Vec<_> = value.list(faults, &name)?.iter().map(Node::json).collect();
            if items.is_empty() {
                faults.say(key.line, "`one_of` is an empty list, which nothing can be one of");
            }
            Some(Expect::OneOf(items))
        }
        "matches" => {
            let pattern = value.text(faults, &name)?;
            if let Err(error) = regex::Regex::new(&pattern) {
                let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                faults.say(value.line, format!("`matches` is no regular expression: {last}"));
            }
            Some(Expect::Matches(pattern))
        }
        "min" => value.float(faults, &name).map(Expect::Min),
        "max" => value.float(faults, &name).map(Expect::Max),
        "count" => {
            let fields = Fields::of(value, "`count`", faults)?;
            let count = Count { min: fields.maybe_number("min"), max: fields.maybe_number("max"), equals: fields.maybe_number("equals") };
            fields.done(|_| None);
            if count == Count::default() {
                faults.say(key.line, "`count` needs min, max or equals");
            }
            if count.min.zip(count.max).is_some_and(|(min, max)| min > max) {
                faults.say(key.line, "`count` has a min above its max: nothing can pass");
            }
            Some(Expect::Count(count))
        }
        other => {
            faults.say(key.line, format!("there is no expectation {other:?}{}", did_you_mean(other, EXPECTATIONS.into_iter())));
            None
        }
    }
}

fn only(node: &Node, faults: &Faults<'_>) -> Option<Where> {
    let fields = Fields::of(node, "`where`", faults)?;
    let only = Where { kind: fields.maybe_text("kind"), name: fields.maybe_text("name"), namespace: fields.maybe_text("namespace") };
    fields.done(|_| None);
    Some(only)
}

fn criterion(node: &Node, faults: &Faults<'_>) -> Option<Criterion> {
    let fields = Fields::of(node, "a criterion", faults)?;
    let (id, points, text) = (fields.text("id"), fields.number("points"), fields.text("text"));
    fields.done(|_| None);
    let id = id.filter(|id| names::is_good(id, "a criterion's id", fields.line, faults));
    Some(Criterion { id: id?, points: points?, text: text? })
}

/// Says which ids are there more than once.
pub fn twice<'a>(ids: impl Iterator<Item = &'a str>, what: &str, line: u32, faults: &Faults<'_>) {
    let mut seen = Vec::new();
    for id in ids {
        if seen.contains(&id) {
            faults.say(line, format!("there are two of {what} `{id}`"));
        }
        seen.push(id);
    }
}
