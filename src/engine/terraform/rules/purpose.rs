//! What a hand-in says of its own resources in tags, labels, variables and locals: the environment, the work, the model.
use super::Look;
use super::gpu::templates;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

/// Where a resource runs, as far as anything says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Production,
    /// Development, test, staging, a lab.
    Other,
    Unsaid,
}

/// A name without what people write differently: `CostCenter`, `cost_center`, `team.example/cost-center`.
pub fn plain(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The tags and labels of a resource, of the machines that its templates start too; nothing in place of a map that isn't known.
pub fn marks(module: &Module, block: &Block) -> Option<Vec<(String, Value)>> {
    let mut found = Vec::new();
    let specified = |b: &Block| b.all("tag_specifications").filter_map(|s| s.value("tags").cloned()).collect::<Vec<_>>();
    let mut maps: Vec<Value> = ["tags", "labels"].iter().filter_map(|n| block.value(n).cloned()).chain(specified(block)).collect();
    for template in templates(module, block) {
        maps.extend(template.value("tags").cloned().into_iter().chain(specified(template)));
    }
    for map in maps {
        found.extend(map.entries()?.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    for tag in block.all("tag") {
        found.push((tag.text("key")?.to_owned(), tag.value("value").cloned().unwrap_or_default()));
    }
    Some(found)
}

/// What the first of these names (written as [`plain`] has them) stands for: on the resource, then among the module's variables and locals.
pub fn said(module: &Module, block: &Block, names: &[&str]) -> Option<Value> {
    let of = |entries: Vec<(String, Value)>| names.iter().find_map(|n| entries.iter().find(|(k, _)| plain(k) == *n).map(|(_, v)| v.clone()));
    let Some(marks) = marks(module, block) else { return Some(Value::Unknown) };
    let named = || module.locals.iter().chain(&module.variables).map(|(k, v)| (k.clone(), v.clone())).collect();
    of(marks).or_else(|| of(named()))
}

const ENVIRONMENT: [&str; 4] = ["environment", "env", "stage", "environmentname"];

/// Where a resource runs: by its own tags, by what the provider gives, by a variable.
pub fn environment(look: &Look<'_>, module: &Module, block: &Block) -> Environment {
    let own = marks(module, block).and_then(|all| ENVIRONMENT.iter().find_map(|n| all.iter().find(|(k, _)| plain(k) == *n).map(|(_, v)| v.clone())));
    let given = || {
        defaults(look)
            .into_iter()
            .find_map(|d| ENVIRONMENT.iter().find_map(|n| d.entries()?.iter().find(|(k, _)| plain(k) == *n).map(|(_, v)| v.clone())))
    };
    let Some(value) = own.or_else(given).or_else(|| said(module, block, &ENVIRONMENT)) else { return Environment::Unsaid };
    match value.as_str().map(str::to_lowercase) {
        Some(word) if word.starts_with("prod") || word == "prd" || word == "live" => Environment::Production,
        Some(_) => Environment::Other,
        None => Environment::Unsaid,
    }
}

/// What the hand-in's providers tag everything with, a map or unknown for each.
pub fn defaults(look: &Look<'_>) -> Vec<Value> {
    let providers = look.modules().iter().flat_map(|m| m.of_kind("provider")).filter(|b| b.labels.first().is_some_and(|l| l == "aws"));
    providers.flat_map(|p| p.all("default_tags")).filter_map(|d| d.value("tags").cloned()).collect()
}

/// Whether a resource says that it trains models, or that it serves them; neither where nothing says so.
pub fn trains(module: &Module, block: &Block) -> Option<bool> {
    let words: Vec<String> = said(module, block, &["workload", "purpose", "workloadtype", "role"])
        .and_then(|v| v.as_str().map(str::to_lowercase))
        .into_iter()
        .chain(block.labels.get(1).map(|l| l.to_lowercase()))
        .chain(["name", "node_group_name", "name_prefix"].iter().filter_map(|n| block.text(n).map(str::to_lowercase)))
        .collect();
    let any = |parts: &[&str]| words.iter().any(|w| parts.iter().any(|p| w.contains(p)));
    if any(&["train", "finetun", "fine-tun", "fine_tun"]) {
        return Some(true);
    }
    any(&["infer", "serving", "serve", "chat", "vllm"]).then_some(false)
}
