//! Rules about what runs, and costs, when nobody needs it.
use super::gpu::is_gpu;
use super::purpose::{Environment, environment, marks, plain};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};

pub static SCHEDULE: Rule = Rule {
    id: "cost-schedule",
    severity: Severity::Warning,
    title: "GPUs for development end by themselves",
    why: "Nights and weekends are three quarters of a month. A machine that somebody must remember to stop is forgotten on the Friday before a holiday.",
    fix: "Let it go down to 0 by an `aws_autoscaling_schedule`, or tag it with when it ends: `TTL = \"8h\"`.",
    passes: r#"resource "aws_instance" "notebook" {
  instance_type = "g6.xlarge"
  tags          = { Environment = "dev", TTL = "8h" }
}
"#,
    fails: r#"resource "aws_instance" "notebook" {
  instance_type = "g6.xlarge"
  tags          = { Environment = "dev" }
}
"#,
    check: schedule,
};

fn schedule(look: &mut Look<'_>) {
    let kinds = ["aws_instance", "aws_autoscaling_group", "aws_eks_node_group", "aws_spot_instance_request"];
    let all: Vec<_> = look.resources(&kinds).into_iter().filter(|(m, b)| is_gpu(m, b)).collect();
    let found: Vec<_> = all.into_iter().filter(|(m, b)| environment(look, m, b) == Environment::Other).collect();
    if found.is_empty() {
        look.nothing("Nothing with a GPU says that it is for development: tag it `Environment = \"dev\"`, or give the provider that default tag.");
    }
    for (module, block) in found {
        if !ends(module, block) {
            let problem = look.on(block, format!("`{}` has GPUs for development, and nothing ever stops it.", block.address()));
            let fix = match block.of() {
                "aws_autoscaling_group" | "aws_eks_node_group" => {
                    "Set its `min_size` to 0 and let a schedule or the autoscaler bring it there.".to_owned()
                }
                _ => "Add a tag `TTL = \"8h\"` that whatever cleans up looks for.".to_owned(),
            };
            look.found(problem.fix(fix));
        }
    }
}

const ENDS: [&str; 8] = ["ttl", "expire", "autostop", "schedule", "stopat", "deleteafter", "shutdown", "enddate"];

/// Whether a resource is stopped by something: a schedule, whoever looks for its tag, or an autoscaler that may go to 0.
fn ends(module: &Module, block: &Block) -> bool {
    // Tags that aren't known may say it.
    if marks(module, block).is_none_or(|all| all.iter().any(|(k, _)| ENDS.iter().any(|e| plain(k).contains(e)))) {
        return true;
    }
    let configs = block.at(&["scaling_config"]);
    let holder = configs.first().copied().unwrap_or(block);
    let grows = matches!(block.of(), "aws_autoscaling_group" | "aws_eks_node_group");
    let empty = |n: &str| holder.is_unknown(n) || holder.number(n) == Some(0.0);
    let desired = if block.of() == "aws_eks_node_group" { "desired_size" } else { "desired_capacity" };
    if grows && empty("min_size") && (holder.value(desired).is_none() || empty(desired) || block.of() == "aws_eks_node_group") {
        return true;
    }
    // A scheduler's target is a text that names what it stops.
    let mentioned = |r: &crate::engine::terraform::module::Reference| {
        r.path.len() >= 2
            && r.path[..2] == block.labels[..]
            && ["aws_autoscaling_schedule", "aws_scheduler_schedule", "aws_cloudwatch_event_target", "aws_ec2_instance_state"]
                .iter()
                .any(|k| r.by.starts_with(k))
    };
    module.references.iter().any(mentioned)
        || module
            .resources("aws_autoscaling_schedule")
            .any(|s| s.points_at("autoscaling_group_name", block, "name") || s.is_unknown("autoscaling_group_name"))
}

pub static ONE_NAT: Rule = Rule {
    id: "cost-nat",
    severity: Severity::Warning,
    title: "Only production pays for a NAT gateway in each zone",
    why: "A NAT gateway is 33 dollars a month before the first byte. In production one in each zone keeps a zone's failure in that zone; for a lab three are two too many.",
    fix: "Make one NAT gateway and let all private route tables lead to it.",
    passes: r#"provider "aws" {
  default_tags {
    tags = { Environment = "dev" }
  }
}

resource "aws_nat_gateway" "one" {
}
"#,
    fails: r#"provider "aws" {
  default_tags {
    tags = { Environment = "dev" }
  }
}

resource "aws_nat_gateway" "each" {
  count = 3
}
"#,
    check: one_nat,
};

fn one_nat(look: &mut Look<'_>) {
    let gateways = look.needed(&["aws_nat_gateway"]);
    for module in look.modules() {
        let own: Vec<&Block> = gateways.iter().filter(|(m, _)| std::ptr::eq(*m, module)).map(|(_, b)| *b).collect();
        let Some(second) = own.get(1).filter(|b| environment(look, module, b) == Environment::Other) else { continue };
        let problem = look.on(second, format!("{} NAT gateways are made for what isn't production.", own.len()));
        look.found(problem);
    }
}
