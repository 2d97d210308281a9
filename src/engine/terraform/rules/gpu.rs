//! Rules about machines with GPUs: who may land on them, what they start with, what they cost when idle.
use super::instances::volumes;
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::machines;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;
use std::collections::BTreeSet;

/// The known instance types of a node group, a scaling group or a single machine.
pub fn types(module: &Module, block: &Block) -> Vec<String> {
    let texts =
        |v: Option<&Value>| v.and_then(Value::items).unwrap_or_default().iter().filter_map(|i| i.as_str().map(str::to_owned)).collect::<Vec<_>>();
    let mut found = texts(block.value("instance_types"));
    found.extend(block.text("instance_type").map(str::to_owned));
    let overrides = block.at(&["mixed_instances_policy", "launch_template", "override"]);
    found.extend(overrides.iter().filter_map(|o| o.text("instance_type").map(str::to_owned)));
    if found.is_empty() {
        found.extend(templates(module, block).iter().filter_map(|t| t.text("instance_type").map(str::to_owned)));
    }
    found
}

/// The launch templates of the same module that a group names.
pub fn templates<'a>(module: &'a Module, block: &Block) -> Vec<&'a Block> {
    let direct = block.all("launch_template");
    let mixed = block.at(&["mixed_instances_policy", "launch_template", "launch_template_specification"]);
    let holders: Vec<&Block> = direct.chain(mixed).collect();
    let names =
        |holder: &Block, t: &Block| ["id", "name", "launch_template_id", "launch_template_name"].iter().any(|n| holder.points_at(n, t, "name"));
    module.resources("aws_launch_template").filter(|t| holders.iter().any(|h| names(h, t))).collect()
}

/// Whether a group is one of GPU machines: by its types, or by what it says of itself.
pub fn is_gpu(module: &Module, block: &Block) -> bool {
    let types = types(module, block);
    if !types.is_empty() {
        return types.iter().any(|t| machines::has_gpu(t));
    }
    let says = |v: Option<&Value>| v.and_then(Value::entries).is_some_and(|m| m.keys().any(|k| k.contains("nvidia.com")));
    block.text("ami_type").is_some_and(|a| a.contains("NVIDIA") || a.contains("GPU"))
        || says(block.value("labels"))
        || block.all("taint").any(|t| t.text("key").is_some_and(|k| k.contains("nvidia.com")))
}

/// The groups of these types that have GPUs; says what is missing when there is none.
pub fn groups<'a>(look: &mut Look<'a>, kinds: &[&str], what: &str) -> Vec<(&'a Module, &'a Block)> {
    let found: Vec<_> = look.resources(kinds).into_iter().filter(|(m, b)| is_gpu(m, b)).collect();
    if found.is_empty() {
        look.nothing(&format!("There is no {what} with GPUs in what you handed in."));
    }
    found
}

pub static TAINT: Rule = Rule {
    id: "gpu-taint",
    severity: Severity::Error,
    title: "GPU nodes keep others away",
    why: "Without a taint log collectors and cron jobs land on the most expensive machine of the cluster and keep it from being removed.",
    fix: "Add a taint `nvidia.com/gpu` with effect `NO_SCHEDULE`.",
    passes: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n  taint {\n    key    = \"nvidia.com/gpu\"\n    value  = \"present\"\n    effect = \"NO_SCHEDULE\"\n  }\n}\n",
    fails: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n}\n",
    check: taint,
};

fn taint(look: &mut Look<'_>) {
    for (_, group) in groups(look, &["aws_eks_node_group"], "node group") {
        let unknown = group.all("taint").any(|t| t.is_unknown("key") || t.is_unknown("effect"));
        let keyed: Vec<&Block> = group.all("taint").filter(|t| t.text("key") == Some("nvidia.com/gpu")).collect();
        if unknown || keyed.iter().any(|t| matches!(t.text("effect"), Some("NO_SCHEDULE" | "NO_EXECUTE"))) {
            continue;
        }
        let problem = match keyed.first() {
            Some(t) => look.of(t, "effect", format!("The taint of `{}` doesn't keep Pods away.", group.address())).fix(look.replace(
                t,
                "effect",
                "\"NO_SCHEDULE\"",
            )),
            None => look
                .on(group, format!("`{}` has GPUs, but no taint `nvidia.com/gpu`.", group.address()))
                .fix(look.insert(group, "taint {\n  key    = \"nvidia.com/gpu\"\n  value  = \"present\"\n  effect = \"NO_SCHEDULE\"\n}")),
        };
        look.found(problem);
    }
}

pub static AMI: Rule = Rule {
    id: "gpu-ami",
    severity: Severity::Error,
    title: "GPU nodes start with the driver",
    why: "On a plain image the node joins without a GPU: Pods wait for `nvidia.com/gpu` on a machine that has one and bills for it.",
    fix: "Use `AL2023_x86_64_NVIDIA` or Bottlerocket's NVIDIA variant.",
    passes: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n  ami_type       = \"AL2023_x86_64_NVIDIA\"\n}\n",
    fails: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n  ami_type       = \"AL2023_x86_64_STANDARD\"\n}\n",
    check: ami,
};

fn ami(look: &mut Look<'_>) {
    for (module, group) in groups(look, &["aws_eks_node_group"], "node group") {
        let message = match group.value("ami_type") {
            Some(v) if v.is_unknown() => continue,
            Some(Value::Text(t)) if t.contains("NVIDIA") => continue,
            // Whoever brings an image of their own brings the driver in it.
            None | Some(_) if templates(module, group).iter().any(|t| t.value("image_id").is_some()) => continue,
            Some(Value::Text(t)) if t.contains("GPU") => format!("`{t}` is of Amazon Linux 2, which EKS ended in November 2025."),
            Some(v) => format!("The image `{}` has no NVIDIA driver.", v.shown().unwrap_or_default()),
            None => format!("`{}` has GPUs and takes EKS' plain image, which has no driver.", group.address()),
        };
        let arm = types(module, group).iter().any(|t| t.starts_with("g5g."));
        let image = if arm { "\"AL2023_ARM_64_NVIDIA\"" } else { "\"AL2023_x86_64_NVIDIA\"" };
        let problem = look.of(group, "ami_type", message);
        look.found(problem.fix(look.replace(group, "ami_type", image)));
    }
}

pub static SPOT: Rule = Rule {
    id: "gpu-spot",
    severity: Severity::Warning,
    title: "GPU pools buy spot in several markets",
    why: "Spot costs a third or less. One type in one zone is one market, and the cheapest is the one that is taken back next.",
    fix: "Buy spot, in at least three types, by `price-capacity-optimized`.",
    passes: "resource \"aws_eks_node_group\" \"gpu\" {\n  capacity_type  = \"SPOT\"\n  instance_types = [\"g6.xlarge\", \"g5.xlarge\", \"g6.2xlarge\"]\n}\n",
    fails: "resource \"aws_eks_node_group\" \"gpu\" {\n  capacity_type  = \"SPOT\"\n  instance_types = [\"g6.xlarge\"]\n}\n",
    check: spot,
};

fn spot(look: &mut Look<'_>) {
    for (module, group) in groups(look, &["aws_eks_node_group", "aws_autoscaling_group"], "node group or scaling group") {
        let address = group.address();
        let markets: BTreeSet<String> = types(module, group).into_iter().collect();
        let holder = if group.of() == "aws_eks_node_group" {
            if group.is_unknown("capacity_type") {
                continue;
            }
            if group.text("capacity_type") != Some("SPOT") {
                let problem = look.of(group, "capacity_type", format!("`{address}` buys on demand."));
                look.found(problem.fix(look.replace(group, "capacity_type", "\"SPOT\"")));
            }
            (group, "instance_types")
        } else {
            let policies = group.at(&["mixed_instances_policy", "instances_distribution"]);
            let Some(policy) = policies.first() else {
                let market =
                    templates(module, group).iter().any(|t| t.at(&["instance_market_options"]).iter().any(|o| o.text("market_type") == Some("spot")));
                let message = if market { format!("`{address}` buys spot of one type only.") } else { format!("`{address}` buys on demand.") };
                let problem = look.on(group, message);
                look.found(problem.fix("Give it a `mixed_instances_policy` with `instances_distribution` and at least three `override` blocks."));
                continue;
            };
            const SHARE: &str = "on_demand_percentage_above_base_capacity";
            if !policy.is_unknown(SHARE) && policy.number(SHARE).unwrap_or(100.0) >= 100.0 {
                let problem = look.of(policy, SHARE, format!("`{address}` buys everything on demand."));
                look.found(problem.fix(look.replace(policy, SHARE, "0")));
            }
            const HOW: &str = "spot_allocation_strategy";
            if !policy.is_unknown(HOW) && !policy.text(HOW).is_some_and(|s| s.contains("capacity-optimized")) {
                let problem = look.of(policy, HOW, format!("`{address}` buys in the cheapest market, not in the deepest."));
                look.found(problem.fix(look.replace(policy, HOW, "\"price-capacity-optimized\"")));
            }
            let mixed = group.at(&["mixed_instances_policy"]);
            (mixed.first().copied().unwrap_or(group), "override")
        };
        if markets.len() < 3 && !group.is_unknown("instance_types") {
            let n = markets.len();
            let problem = look.of(
                holder.0,
                holder.1,
                format!("`{address}` buys {n} instance type{}; at least 3 make a market.", if n == 1 { "" } else { "s" }),
            );
            look.found(problem.fix("Add types with the same card, such as g6.xlarge, g6.2xlarge and g5.xlarge."));
        }
    }
}

pub static ZERO: Rule = Rule {
    id: "gpu-scale-zero",
    severity: Severity::Warning,
    title: "An idle GPU pool costs nothing",
    why: "A GPU machine that waits costs as much as one that works: nights and weekends are three quarters of the month.",
    fix: "Set the smallest size to 0.",
    passes: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n  scaling_config {\n    min_size     = 0\n    desired_size = 0\n    max_size     = 4\n  }\n}\n",
    fails: "resource \"aws_eks_node_group\" \"gpu\" {\n  instance_types = [\"g6.xlarge\"]\n  scaling_config {\n    min_size     = 2\n    desired_size = 2\n    max_size     = 4\n  }\n}\n",
    check: zero,
};

fn zero(look: &mut Look<'_>) {
    for (_, group) in groups(look, &["aws_eks_node_group", "aws_autoscaling_group"], "node group or scaling group") {
        let configs = group.at(&["scaling_config"]);
        let holder = if group.of() == "aws_eks_node_group" { configs.first().copied().unwrap_or(group) } else { group };
        if holder.is_unknown("min_size") || holder.number("min_size") == Some(0.0) {
            continue;
        }
        let n = holder.number("min_size").map_or_else(|| "an unstated number of".to_owned(), |n| format!("{n}"));
        let problem = look.of(holder, "min_size", format!("`{}` keeps {n} GPU machines running when nobody asks for them.", group.address()));
        look.found(problem.fix(look.replace(holder, "min_size", "0")));
    }
}

pub static ROOT: Rule = Rule {
    id: "gpu-root-vol",
    severity: Severity::Error,
    title: "GPU machines have room for images and weights",
    why: "Driver, CUDA and one unpacked image take 30 GiB, a model as much again. A full disk evicts the Pods and pulls the image anew, for ever.",
    fix: "Give the root volume at least 100 GiB of gp3.",
    passes: "resource \"aws_launch_template\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n  block_device_mappings {\n    device_name = \"/dev/xvda\"\n    ebs {\n      volume_type = \"gp3\"\n      volume_size = 150\n    }\n  }\n}\n",
    fails: "resource \"aws_launch_template\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n  block_device_mappings {\n    device_name = \"/dev/xvda\"\n    ebs {\n      volume_type = \"gp3\"\n      volume_size = 30\n    }\n  }\n}\n",
    check: root,
};

const LEAST: f64 = 100.0;

fn root(look: &mut Look<'_>) {
    let mut any = false;
    for module in look.modules() {
        let groups: Vec<&Block> =
            module.blocks.iter().filter(|b| matches!(b.of(), "aws_eks_node_group" | "aws_autoscaling_group") && is_gpu(module, b)).collect();
        for group in &groups {
            if group.of() == "aws_eks_node_group" && group.all("launch_template").next().is_none() {
                any = true;
                if !group.is_unknown("disk_size") && group.number("disk_size").unwrap_or(20.0) < LEAST {
                    let problem = look.of(
                        group,
                        "disk_size",
                        format!("The nodes of `{}` have {} GiB of disk.", group.address(), group.number("disk_size").unwrap_or(20.0)),
                    );
                    look.found(problem.fix(look.replace(group, "disk_size", "150")));
                }
            }
        }
        let of_groups: Vec<&Block> = groups.iter().flat_map(|g| templates(module, g)).collect();
        for block in module.blocks.iter().filter(|b| matches!(b.of(), "aws_launch_template" | "aws_instance")) {
            let own = block.text("instance_type").is_some_and(machines::has_gpu);
            if !own && !of_groups.iter().any(|t| std::ptr::eq(*t, block)) {
                continue;
            }
            any = true;
            volume(look, block);
        }
    }
    if !any {
        look.nothing("There is no machine with a GPU in what you handed in.");
    }
}

/// The largest volume of a machine must hold what it needs: device names differ from image to image.
fn volume(look: &mut Look<'_>, block: &Block) {
    let volumes = volumes(block);
    let Some(first) = volumes.first().copied() else {
        if block.all("launch_template").next().is_none() {
            let problem = look.on(block, format!("`{}` doesn't say how large its root volume is, so it has its image's few GiB.", block.address()));
            let lines = if block.of() == "aws_instance" {
                "root_block_device {\n  volume_type = \"gp3\"\n  volume_size = 150\n}"
            } else {
                "block_device_mappings {\n  device_name = \"/dev/xvda\"\n\n  ebs {\n    volume_type = \"gp3\"\n    volume_size = 150\n  }\n}"
            };
            look.found(problem.fix(look.insert(block, lines)));
        }
        return;
    };
    if volumes.iter().any(|v| v.is_unknown("volume_size") || v.number("volume_size").is_some_and(|n| n >= LEAST)) {
        if first.text("volume_type") == Some("gp2") {
            let problem = look.of(first, "volume_type", format!("The root volume of `{}` is gp2.", block.address()));
            look.found(problem.fix(look.replace(first, "volume_type", "\"gp3\"")));
        }
        return;
    }
    let size = first.number("volume_size").map_or_else(|| "no stated size".to_owned(), |n| format!("{n} GiB"));
    let problem = look.of(first, "volume_size", format!("The root volume of `{}` has {size}; at least {LEAST} GiB are needed.", block.address()));
    look.found(problem.fix(look.replace(first, "volume_size", "150")));
}
