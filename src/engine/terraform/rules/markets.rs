//! Rules about how GPU machines are bought: what production can count on, and what the account may have.
use super::gpu::{groups, is_gpu, templates, types};
use super::purpose::{Environment, environment, plain};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::machines;
use crate::engine::terraform::module::{Block, Module};

const GROUPS: [&str; 2] = ["aws_eks_node_group", "aws_autoscaling_group"];
const WHAT: &str = "node group or scaling group";

/// The groups with GPUs that are for production; says so when there is none.
fn production<'a>(look: &mut Look<'a>) -> Vec<(&'a Module, &'a Block)> {
    let all = groups(look, &GROUPS, WHAT);
    let found: Vec<_> = all.iter().copied().filter(|(m, b)| environment(look, m, b) == Environment::Production).collect();
    if found.is_empty() && !all.is_empty() {
        look.nothing("No GPU group says that it is for production: tag it `Environment = \"prod\"`, or give the provider that default tag.");
    }
    found
}

pub static BASE: Rule = Rule {
    id: "gpu-ondemand-base",
    severity: Severity::Warning,
    title: "Production keeps machines that nobody takes back",
    why: "Spot machines of one kind are taken back together, with two minutes' notice. Without one that stays, the service is down until the market has pity.",
    fix: "Set `on_demand_base_capacity = 1` and buy the rest as spot; on EKS add a second node group that is on demand.",
    passes: r#"resource "aws_autoscaling_group" "gpu" {
  tag {
    key                 = "Environment"
    value               = "prod"
    propagate_at_launch = true
  }

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 1
      on_demand_percentage_above_base_capacity = 0
    }
    launch_template {
      override {
        instance_type = "g6.xlarge"
      }
    }
  }
}
"#,
    fails: r#"resource "aws_autoscaling_group" "gpu" {
  tag {
    key                 = "Environment"
    value               = "prod"
    propagate_at_launch = true
  }

  mixed_instances_policy {
    instances_distribution {
      on_demand_percentage_above_base_capacity = 0
    }
    launch_template {
      override {
        instance_type = "g6.xlarge"
      }
    }
  }
}
"#,
    check: base,
};

fn base(look: &mut Look<'_>) {
    for (module, group) in production(look) {
        if group.of() == "aws_eks_node_group" {
            let stays = |g: &Block| g.is_unknown("capacity_type") || g.text("capacity_type") != Some("SPOT");
            let other = || module.resources("aws_eks_node_group").any(|g| is_gpu(module, g) && stays(g));
            if !stays(group) && !other() {
                let problem = look.of(group, "capacity_type", format!("All GPU nodes beside `{}` are spot too.", group.address()));
                look.found(problem);
            }
            continue;
        }
        for policy in group.at(&["mixed_instances_policy", "instances_distribution"]) {
            const SHARE: &str = "on_demand_percentage_above_base_capacity";
            const BASE: &str = "on_demand_base_capacity";
            // Without a share everything is on demand.
            let spot = policy.number(SHARE).is_some_and(|n| n < 100.0);
            if spot && policy.number(SHARE) == Some(0.0) && !policy.is_unknown(BASE) && policy.number(BASE).unwrap_or(0.0) < 1.0 {
                let problem = look.of(policy, BASE, format!("Every machine of `{}` is spot.", group.address()));
                look.found(problem.fix(look.replace(policy, BASE, "1")));
            }
        }
    }
}

pub static BLOCK: Rule = Rule {
    id: "gpu-capacity-block",
    severity: Severity::Warning,
    title: "The largest machines are reserved before they are needed",
    why: "A p5 on demand is a wish: in most zones there is none for weeks, and `apply` waits until it gives up with InsufficientInstanceCapacity.",
    fix: "Buy a capacity block or a reservation and name it in the launch template.",
    passes: r#"resource "aws_eks_node_group" "train" {
  instance_types = ["p5.48xlarge"]
  capacity_type  = "CAPACITY_BLOCK"
  tags           = { Environment = "prod" }
}
"#,
    fails: r#"resource "aws_eks_node_group" "train" {
  instance_types = ["p5.48xlarge"]
  tags           = { Environment = "prod" }
}
"#,
    check: block,
};

fn block(look: &mut Look<'_>) {
    for (module, group) in production(look) {
        let types = types(module, group);
        let Some(scarce) = types.iter().find(|t| ["p4", "p5", "p6"].iter().any(|f| t.starts_with(f))) else { continue };
        let templates = templates(module, group);
        let named = group.all("launch_template").next().is_some() || group.all("mixed_instances_policy").next().is_some();
        let bought = group.is_unknown("capacity_type") || matches!(group.text("capacity_type"), Some("CAPACITY_BLOCK" | "SPOT"));
        if bought || is_spot(group) || (named && templates.is_empty()) {
            continue;
        }
        let reserved = |h: &&Block| {
            h.all("capacity_reservation_specification").next().is_some()
                || h.all("instance_market_options")
                    .any(|o| o.is_unknown("market_type") || matches!(o.text("market_type"), Some("capacity-block" | "spot")))
        };
        if !templates.iter().chain([&group]).any(reserved) {
            let problem = look.on(group, format!("Nothing reserves the `{scarce}` of `{}`.", group.address()));
            look.found(problem);
        }
    }
}

/// Whether a scaling group buys spot above its base.
fn is_spot(group: &Block) -> bool {
    const SHARE: &str = "on_demand_percentage_above_base_capacity";
    group.at(&["mixed_instances_policy", "instances_distribution"]).iter().any(|p| p.is_unknown(SHARE) || p.number(SHARE).is_some_and(|n| n < 100.0))
}

pub static QUOTA: Rule = Rule {
    id: "gpu-quota-note",
    severity: Severity::Info,
    title: "The pools together stay within the account's quota",
    why: "AWS counts vCPUs of families G and P, and a new account has 0 of them. A pool that may grow beyond the quota doesn't grow, and says so only in an event.",
    fix: "Make the largest sizes smaller, or ask for a higher quota days before it is needed.",
    passes: r#"variable "gpu_vcpu_quota" {
  default = 64
}

resource "aws_eks_node_group" "gpu" {
  instance_types = ["g6.xlarge"]
  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = 4
  }
}
"#,
    fails: r#"variable "gpu_vcpu_quota" {
  default = 64
}

resource "aws_eks_node_group" "gpu" {
  instance_types = ["g6.12xlarge"]
  scaling_config {
    min_size     = 0
    desired_size = 0
    max_size     = 4
  }
}
"#,
    check: quota,
};

/// A stated quota: the families it counts, whether spot only or on-demand only, vCPUs.
struct Quota {
    family: Option<char>,
    spot: Option<bool>,
    vcpus: f64,
    named: String,
}

fn quota(look: &mut Look<'_>) {
    let groups = groups(look, &GROUPS, WHAT);
    for module in look.modules() {
        let quotas = stated(module);
        let own: Vec<&Block> = groups.iter().filter(|(m, _)| std::ptr::eq(*m, module)).map(|(_, b)| *b).collect();
        if quotas.is_empty() && !own.is_empty() {
            look.nothing("Nothing says how many vCPUs of GPU families the account may have: give the module a variable `gpu_vcpu_quota`.");
        }
        for quota in quotas {
            let counted: Vec<(&Block, f64)> = own.iter().filter_map(|g| Some((*g, least(module, g, &quota)?))).collect();
            let all: f64 = counted.iter().map(|(_, n)| n).sum();
            if let Some((first, _)) = counted.iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| all > quota.vcpus) {
                let message = format!("At their largest the GPU pools take {all} vCPUs; `{}` says {}.", quota.named, quota.vcpus);
                let holder = first.at(&["scaling_config"]).first().copied().unwrap_or(first);
                let problem = look.of(holder, "max_size", message);
                look.found(problem);
            }
        }
    }
}

/// The quotas that a module states: variables and locals such as `gpu_vcpu_quota` and `p_vcpu_quota`, and those it asks AWS for.
fn stated(module: &Module) -> Vec<Quota> {
    let mut found = Vec::new();
    for (name, value) in module.variables.iter().chain(&module.locals) {
        let words: Vec<&str> = name.split(['_', '-']).collect();
        let flat = plain(name);
        if !flat.contains("quota") || !(flat.contains("vcpu") || flat.contains("gpu")) {
            continue;
        }
        let family = words.iter().find_map(|w| match *w {
            "g" | "gvt" => Some('g'),
            "p" => Some('p'),
            _ => None,
        });
        let spot = words.contains(&"spot").then_some(true);
        found.extend(value.as_number().map(|vcpus| Quota { family, spot, vcpus, named: name.clone() }));
    }
    for block in module.resources("aws_servicequotas_service_quota") {
        let (family, spot) = match block.text("quota_code") {
            Some("L-DB2E81BA") => ('g', false),
            Some("L-3819A6DF") => ('g', true),
            Some("L-417A185B") => ('p', false),
            Some("L-7212CCBC") => ('p', true),
            _ => continue,
        };
        found.extend(block.number("value").map(|vcpus| Quota { family: Some(family), spot: Some(spot), vcpus, named: block.address() }));
    }
    found
}

/// The vCPUs that a group takes of a quota at its largest, made of its smallest type; nothing where that isn't known.
fn least(module: &Module, group: &Block, quota: &Quota) -> Option<f64> {
    let spot = group.text("capacity_type") == Some("SPOT") || is_spot(group);
    if quota.spot.is_some_and(|s| s != spot) {
        return None;
    }
    let types = types(module, group);
    if !types.iter().all(|t| quota.family.is_none_or(|f| t.starts_with(f))) {
        return None;
    }
    let vcpus: Vec<u32> = types.iter().map(|t| machines::machine(t).ok()?.vcpu).collect::<Option<_>>()?;
    let holder = group.at(&["scaling_config"]).first().copied().unwrap_or(group);
    Some(f64::from(*vcpus.iter().min()?) * holder.number("max_size")?)
}
