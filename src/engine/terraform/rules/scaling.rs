//! Rules about scaling groups: what their machines are made from, what they are called, and what makes them grow.
use super::gpu::{is_gpu, templates};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};

pub static TEMPLATE: Rule = Rule {
    id: "asg-template",
    severity: Severity::Warning,
    title: "Scaling groups use launch templates and tag their machines",
    why: "Launch configurations know no new instance type, no mix of spot and on-demand, and accounts made since 2023 can't create any. The provider's default tags don't reach the machines a group starts.",
    fix: "Declare an `aws_launch_template`, and a `tag` with `propagate_at_launch = true`.",
    passes: r#"resource "aws_launch_template" "gpu" {
}

resource "aws_autoscaling_group" "gpu" {
  launch_template {
    id = aws_launch_template.gpu.id
  }

  tag {
    key                 = "Project"
    value               = "chat"
    propagate_at_launch = true
  }
}
"#,
    fails: r#"resource "aws_launch_configuration" "gpu" {
}

resource "aws_autoscaling_group" "gpu" {
  launch_configuration = aws_launch_configuration.gpu.name
}
"#,
    check: template,
};

fn template(look: &mut Look<'_>) {
    for (module, block) in look.needed(&["aws_autoscaling_group", "aws_launch_configuration"]) {
        if block.of() == "aws_launch_configuration" {
            let problem = look.on(block, format!("`{}` is a launch configuration, which AWS has ended.", block.address()));
            look.found(problem.fix("Declare an `aws_launch_template` instead; its arguments are nearly the same."));
            continue;
        }
        if block.value("launch_configuration").is_some() {
            let problem = look.of(block, "launch_configuration", format!("`{}` is made from a launch configuration.", block.address()));
            look.found(problem);
        }
        if !tags_machines(module, block) {
            let tag = "tag {\n  key                 = \"Project\"\n  value               = \"…\"\n  propagate_at_launch = true\n}";
            let problem = look.on(block, format!("The machines of `{}` have no tag.", block.address()));
            look.found(problem.fix(look.insert(block, tag)));
        }
    }
}

/// Whether machines of a group get a tag from it or from its template, or may.
fn tags_machines(module: &Module, group: &Block) -> bool {
    let propagated = group.all("tag").any(|t| t.is_true("propagate_at_launch") || t.is_unknown("propagate_at_launch"));
    let templates = templates(module, group);
    // A template from elsewhere may tag them.
    let named = group.all("launch_template").next().is_some() || group.all("mixed_instances_policy").next().is_some();
    let elsewhere = named && templates.is_empty();
    let specified = |t: &&Block| {
        let kind = |s: &Block| s.is_unknown("resource_type") || s.text("resource_type") == Some("instance");
        t.all("tag_specifications").any(|s| kind(s) && s.value("tags").is_some())
    };
    propagated || elsewhere || templates.iter().any(specified)
}

pub static ALARM: Rule = Rule {
    id: "asg-alarm",
    severity: Severity::Warning,
    title: "GPU groups grow by the work that waits",
    why: "An inference server keeps its CPU idle while the queue grows: a group that scales by CPU never starts a second machine, and one without a policy none at all.",
    fix: "Give it an `aws_autoscaling_policy` on the queue's depth or the GPUs' use: `customized_metric_specification`, or steps with an alarm.",
    passes: r#"resource "aws_launch_template" "gpu" {
  instance_type = "g6.xlarge"
}

resource "aws_autoscaling_group" "gpu" {
  min_size = 0
  max_size = 4
  launch_template {
    id = aws_launch_template.gpu.id
  }
}

resource "aws_autoscaling_policy" "queue" {
  name                   = "queue"
  autoscaling_group_name = aws_autoscaling_group.gpu.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = 5
    customized_metric_specification {
      namespace   = "Chat"
      metric_name = "RequestsWaitingPerReplica"
      statistic   = "Average"
    }
  }
}
"#,
    fails: r#"resource "aws_launch_template" "gpu" {
  instance_type = "g6.xlarge"
}

resource "aws_autoscaling_group" "gpu" {
  min_size = 0
  max_size = 4
  launch_template {
    id = aws_launch_template.gpu.id
  }
}
"#,
    check: alarm,
};

fn alarm(look: &mut Look<'_>) {
    let groups: Vec<_> = look.resources(&["aws_autoscaling_group"]).into_iter().filter(|(m, g)| is_gpu(m, g)).collect();
    if groups.is_empty() {
        look.nothing("There is no scaling group with GPUs in what you handed in.");
    }
    for (module, group) in groups {
        let policies: Vec<&Block> = module.resources("aws_autoscaling_policy").filter(|p| belongs(p, group)).collect();
        if policies.is_empty() && !is_scaled_elsewhere(group) {
            let problem = look.on(group, format!("Nothing makes `{}` grow.", group.address()));
            look.found(problem);
        }
        for policy in policies {
            let metrics = policy.at(&["target_tracking_configuration", "predefined_metric_specification"]);
            for metric in metrics.iter().filter(|m| m.text("predefined_metric_type") == Some("ASGAverageCPUUtilization")) {
                let problem = look.of(metric, "predefined_metric_type", format!("`{}` grows by CPU, which GPU work leaves idle.", group.address()));
                look.found(problem);
            }
            // Steps are taken when an alarm says so; without a type a policy is a simple one.
            let stepped = !policy.is_unknown("policy_type") && matches!(policy.text("policy_type"), None | Some("StepScaling" | "SimpleScaling"));
            let rung = module
                .resources("aws_cloudwatch_metric_alarm")
                .any(|a| ["alarm_actions", "ok_actions"].iter().any(|n| a.points_at(n, policy, "arn") || a.is_unknown(n) && names_no_policy(a, n)));
            let mentioned = module.references.iter().any(|r| r.path.len() >= 2 && r.path[..2] == policy.labels[..] && r.by != policy.address());
            if stepped && policy.all("target_tracking_configuration").next().is_none() && !rung && !mentioned {
                let problem = look.on(policy, format!("No alarm ever starts `{}`.", policy.address()));
                look.found(problem.fix("Name its `arn` in the `alarm_actions` of an `aws_cloudwatch_metric_alarm`."));
            }
        }
    }
}

/// Whether a policy is a group's, or may be.
fn belongs(policy: &Block, group: &Block) -> bool {
    const NAME: &str = "autoscaling_group_name";
    let other = policy.attribute(NAME).is_some_and(|a| a.refs.iter().any(|p| p.first().is_some_and(|r| r == "aws_autoscaling_group")));
    policy.points_at(NAME, group, "name") || (policy.is_unknown(NAME) && !other)
}

fn names_no_policy(alarm: &Block, attribute: &str) -> bool {
    alarm.attribute(attribute).is_some_and(|a| !a.refs.iter().any(|p| p.first().is_some_and(|r| r == "aws_autoscaling_policy")))
}

/// Whether a group doesn't grow, or the cluster's autoscaler, which finds its groups by tag, makes it grow.
fn is_scaled_elsewhere(group: &Block) -> bool {
    let fixed = group.number("min_size").is_some() && group.number("min_size") == group.number("max_size");
    let tagged = |t: &Block| {
        t.is_unknown("key") || t.text("key").is_some_and(|k| k.starts_with("k8s.io/cluster-autoscaler") || k.starts_with("kubernetes.io/cluster"))
    };
    fixed || group.all("tag").any(tagged)
}
