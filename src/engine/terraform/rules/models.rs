//! Rules about whether machines suit the model that they serve or train, where the hand-in says what that is.
use super::gpu::{is_gpu, templates, types};
use super::purpose::{marks, plain, said, trains};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::machines::{self, Machine};
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

/// What starts machines.
const GROUPS: [&str; 4] = ["aws_eks_node_group", "aws_autoscaling_group", "aws_instance", "aws_spot_instance_request"];

pub static SIZE: Rule = Rule {
    id: "gpu-rightsize",
    severity: Severity::Warning,
    title: "The GPU fits the model",
    why: "Weights that don't fit end the server at its first load; a machine with eight cards for a model that needs one costs ten times what it should, day and night.",
    fix: "Reckon parameters times bytes each, a fifth more for the cache, and take the smallest machine with that memory.",
    passes: r#"resource "aws_eks_node_group" "chat" {
  instance_types = ["g6.xlarge"]
  labels         = { model_params_b = "7", model_dtype = "fp16" }
}
"#,
    fails: r#"resource "aws_eks_node_group" "chat" {
  instance_types = ["g4dn.xlarge"]
  labels         = { model_params_b = "13", model_dtype = "fp16" }
}
"#,
    check: size,
};

/// Beside the weights: the cache of keys and values, activations, CUDA's own.
const BESIDE: f64 = 1.2;
/// From this many billions on eight cards are no luxury.
const SMALL: f64 = 13.0;

fn size(look: &mut Look<'_>) {
    let mut any = false;
    for (module, block) in look.resources(&GROUPS).into_iter().filter(|(m, b)| is_gpu(m, b)) {
        let Some(declared) = said(module, block, &["modelparamsb", "modelsizeb", "modelparams", "modelsize"]) else { continue };
        any = true;
        let Some(billions) = billions(&declared) else { continue };
        let dtype = said(module, block, &["modeldtype", "dtype", "modelprecision", "quantization", "modelquantization"]);
        let word = match &dtype {
            None => "fp16",
            Some(Value::Text(word)) => word,
            Some(_) => continue,
        };
        let Some(bytes) = bytes(word) else { continue };
        let stages = said(module, block, &["pipelineparallelsize", "pipelineparallel"]).map_or(Some(1.0), |v| v.as_number());
        // Weights in GiB.
        let weights = billions * bytes * 1e9 / f64::from(1 << 30);
        let (training, justified) = (trains(module, block), is_justified(module, block));
        for machine in types(module, block).iter().filter_map(|t| machines::machine(t).ok()) {
            let Some(memory) = machine.gpu_gib.map(|g| g * f64::from(machine.gpus)) else { continue };
            let name = &machine.name;
            let model = format!("{billions}B parameters in {word}");
            let short = stages.is_some_and(|n| n >= 1.0 && weights * BESIDE > memory * n);
            let message = if short && training != Some(true) {
                format!("`{name}` has {memory} GiB of GPU memory; {model} take {weights:.0} GiB and a fifth more for the cache.")
            } else if matches!(word.to_lowercase().as_str(), "bf16" | "bfloat16")
                && machine.gpu.is_some_and(|g| g.contains("T4") || g.contains("V100"))
            {
                format!("The {} of `{name}` knows no bf16: write `dtype = \"fp16\"`, or take a newer card.", machine.gpu.unwrap_or_default())
            } else if billions <= SMALL && is_large(&machine) && training != Some(true) && !justified {
                format!("`{name}` has {} GPUs with {memory} GiB; {model} need {:.0} GiB.", machine.gpus, (weights * BESIDE).ceil())
            } else {
                continue;
            };
            let holder = if block.attribute("instance_types").is_some() { "instance_types" } else { "instance_type" };
            let problem = look.of(block, holder, message);
            let fix = fitting(weights * BESIDE)
                .map_or_else(|| "Spread it over several machines.".to_owned(), |t| format!("Take {t}, or a type with as much memory."));
            look.found(problem.fix(fix));
        }
    }
    if !any {
        look.nothing(
            "Nothing says how large the model is: give the GPU group a tag or label `model_params_b`, or the module a variable of that name.",
        );
    }
}

/// `7`, `"7"`, `"7B"`, `"1.5b"`: billions of parameters.
fn billions(value: &Value) -> Option<f64> {
    let number = value.as_number().or_else(|| value.as_str()?.trim().trim_end_matches(['b', 'B']).trim().parse().ok());
    number.filter(|n| *n > 0.0 && *n < 10_000.0)
}

/// Bytes of a parameter in a format; nothing for one we don't know.
fn bytes(dtype: &str) -> Option<f64> {
    match dtype.to_lowercase().as_str() {
        "fp32" | "float32" | "f32" => Some(4.0),
        "fp16" | "float16" | "half" | "f16" | "bf16" | "bfloat16" | "auto" | "none" => Some(2.0),
        "fp8" | "int8" | "8bit" | "w8a8" => Some(1.0),
        "int4" | "4bit" | "awq" | "gptq" | "nf4" | "fp4" | "nvfp4" | "mxfp4" => Some(0.5),
        _ => None,
    }
}

/// Machines with eight cards made for training.
fn is_large(machine: &Machine) -> bool {
    machine.gpus >= 8 && ["p4", "p5", "p6"].iter().any(|family| machine.name.starts_with(family))
}

/// The first of a ladder of types that holds so many GiB.
fn fitting(gib: f64) -> Option<&'static str> {
    const LADDER: [&str; 7] = ["g6.xlarge", "g6e.xlarge", "g6.12xlarge", "g6e.12xlarge", "g6e.48xlarge", "p5.48xlarge", "p5en.48xlarge"];
    let holds = |name: &&str| machines::machine(name).is_ok_and(|m| m.gpu_gib.is_some_and(|g| g * f64::from(m.gpus) >= gib));
    LADDER.into_iter().find(holds)
}

/// Whether somebody wrote down why it has to be this machine.
fn is_justified(module: &Module, block: &Block) -> bool {
    let why = |name: &str| ["justification", "justified", "exception", "approvedby"].iter().any(|w| plain(name).contains(w));
    marks(module, block).is_none_or(|all| all.iter().any(|(k, _)| why(k)))
}

pub static TRAINING: Rule = Rule {
    id: "gpu-training-vs-inference",
    severity: Severity::Warning,
    title: "Training has a network for it, inference no machine for training",
    why: "Between machines gradients cross at every step: over plain Ethernet eight H100 wait most of the time. An inference server uses none of the network that makes such a machine dear.",
    fix: "For training of several machines give the launch template EFA interfaces and a placement group of strategy `cluster`; for inference take a machine of family g.",
    passes: r#"resource "aws_placement_group" "train" {
  name     = "train"
  strategy = "cluster"
}

resource "aws_launch_template" "train" {
  placement {
    group_name = aws_placement_group.train.name
  }

  network_interfaces {
    interface_type = "efa"
  }
}

resource "aws_eks_node_group" "train" {
  instance_types = ["p5.48xlarge"]
  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = 4
  }
  launch_template {
    id = aws_launch_template.train.id
  }
}
"#,
    fails: r#"resource "aws_eks_node_group" "train" {
  instance_types = ["p5.48xlarge"]
  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = 4
  }
}
"#,
    check: training,
};

fn training(look: &mut Look<'_>) {
    let large = |m: &Module, b: &Block| types(m, b).iter().filter_map(|t| machines::machine(t).ok()).any(|t| is_large(&t));
    let groups: Vec<_> = look.resources(&GROUPS).into_iter().filter(|(m, b)| large(m, b)).collect();
    if groups.is_empty() {
        look.nothing("There is no group of machines with eight GPUs in what you handed in.");
    }
    for (module, group) in groups {
        match trains(module, group) {
            Some(false) if !is_justified(module, group) => {
                let problem = look.on(group, format!("`{}` serves a model on machines made for training.", group.address()));
                look.found(problem.fix("Take g6 or g6e; if it has to be this machine, write why into a tag `justification`."));
            }
            Some(true) if machines_of(module, group) > 1.0 => connected(look, module, group),
            _ => {}
        }
    }
}

/// How many machines a group may have; one where it isn't known.
fn machines_of(module: &Module, group: &Block) -> f64 {
    match group.of() {
        "aws_eks_node_group" => group.at(&["scaling_config"]).first().and_then(|c| c.number("max_size")).unwrap_or(1.0),
        "aws_autoscaling_group" => group.number("max_size").unwrap_or(1.0),
        _ => module.blocks.iter().filter(|b| b.kind == "resource" && b.labels == group.labels).count() as f64,
    }
}

/// Whether the machines of a training group reach each other fast.
fn connected(look: &mut Look<'_>, module: &Module, group: &Block) {
    let templates = templates(module, group);
    let named = group.all("launch_template").next().is_some() || group.all("mixed_instances_policy").next().is_some();
    // A template from elsewhere may have all of it.
    if named && templates.is_empty() {
        return;
    }
    let holders: Vec<&Block> = templates.iter().copied().chain([group]).collect();
    let fast = |i: &&Block| i.is_unknown("interface_type") || matches!(i.text("interface_type"), Some("efa" | "efa-only"));
    let efa = holders.iter().any(|h| h.all("network_interfaces").any(|i| fast(&i))) || module.resources("aws_network_interface").any(|i| fast(&i));
    let shown = templates.first().copied().unwrap_or(group);
    if !efa {
        let problem = look.on(shown, format!("The machines of `{}` train together without EFA.", group.address()));
        look.found(problem.fix("Give its launch template `network_interfaces` with `interface_type = \"efa\"`, one for each card of the machine."));
    }
    // What is bought as a block lies together already.
    let block = |h: &&Block| h.at(&["instance_market_options"]).iter().any(|o| o.text("market_type") == Some("capacity-block"));
    if holders.iter().any(block) || group.text("capacity_type") == Some("CAPACITY_BLOCK") {
        return;
    }
    let places: Vec<(&Block, &str)> = holders
        .iter()
        .flat_map(|h| h.all("placement").map(|p| (p, "group_name")).chain([(*h, "placement_group")]))
        .filter(|(p, name)| p.value(name).is_some())
        .collect();
    let spread = |(p, name): &(&Block, &str)| {
        module.resources("aws_placement_group").any(|g| p.points_at(name, g, "name") && g.text("strategy").is_some_and(|s| s != "cluster"))
    };
    if places.is_empty() || places.iter().all(spread) {
        let problem = look.on(shown, format!("The machines of `{}` may lie anywhere in the zone.", group.address()));
        look.found(problem.fix("Declare an `aws_placement_group` with `strategy = \"cluster\"` and name it in the launch template's `placement`."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_formats_are_read_as_people_write_them() {
        assert_eq!(billions(&Value::text("7B")), Some(7.0));
        assert_eq!(billions(&Value::text("1.5b")), Some(1.5));
        assert_eq!(billions(&Value::Number(70.0)), Some(70.0));
        assert_eq!(billions(&Value::text("large")), None);
        assert_eq!((bytes("BF16"), bytes("awq"), bytes("odd")), (Some(2.0), Some(0.5), None));
        assert_eq!((fitting(16.0), fitting(160.0), fitting(5_000.0)), (Some("g6.xlarge"), Some("g6e.12xlarge"), None));
    }
}
