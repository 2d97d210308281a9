//! The plain way: terraform starts its provider itself and asks for its whole schema each time. Slow, and the reference.
use super::terraform::{self, PLUGINS};
use super::tools::Tools;
use crate::engine::confine::{Boxes, Came, Limits, Seen};
use crate::engine::errand::Errand;
use std::time::Duration;

const LIMITS: Limits = Limits {
    wall: Duration::from_secs(120),
    cpu_seconds: 90,
    memory: 1536 << 20,
    address_space: 8 << 30,
    file: 64 << 20,
    disk: 256 << 20,
    tasks: 256,
    output: 24 << 20,
};

pub fn run(boxes: &Boxes, tools: &Tools, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Came {
    let platform = format!("linux_{}", if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" });
    let name = tools.provider.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let inside = format!("{PLUGINS}/registry.terraform.io/hashicorp/aws/{}/{platform}/{name}", tools.provider_version);
    let provider = Seen { host: tools.provider.clone(), inside, runs: true };
    let work = terraform::work(&tools.terraform, errand, vec![provider], &terraform::credentials(), LIMITS);
    boxes.run(&work, &mut |step| begins(says(errand, step)))
}

/// What a step does, for those who wait.
pub fn says<'a>(errand: &'a Errand, step: &'a str) -> &'a str {
    errand.commands.iter().find(|c| c.name == step).map_or(step, |c| c.says.as_str())
}
