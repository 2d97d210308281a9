//! Rules about what the table of prices and zones knows: a month within its budget, machines where they can be had.
use super::{Look, Rule};
use crate::engine::cost::{self, Money, prices};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

pub static ESTIMATE: Rule = Rule {
    id: "cost-estimate",
    severity: Severity::Warning,
    title: "A month by list prices stays within its budget",
    why: "A budget that the configuration breaks by itself, before anybody has used it, warns every month from the first week on, until nobody reads it any more.",
    fix: "Take fewer or smaller machines, buy them on the spot market, or raise `limit_amount` to what it costs.",
    passes: "provider \"aws\" {\n  region = \"us-east-1\"\n}\n\nresource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n\nresource \"aws_budgets_budget\" \"month\" {\n  budget_type  = \"COST\"\n  limit_amount = \"700\"\n  limit_unit   = \"USD\"\n  time_unit    = \"MONTHLY\"\n}\n",
    fails: "provider \"aws\" {\n  region = \"us-east-1\"\n}\n\nresource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n\nresource \"aws_budgets_budget\" \"month\" {\n  budget_type  = \"COST\"\n  limit_amount = \"500\"\n  limit_unit   = \"USD\"\n  time_unit    = \"MONTHLY\"\n}\n",
    check: estimate,
};

fn estimate(look: &mut Look<'_>) {
    let budgets = look.needed(&["aws_budgets_budget"]);
    // One of usage, of another currency or period, or of a part of the account says nothing about a month of this.
    let is = |b: &Block, name: &str, wanted: &str| b.text(name) == Some(wanted);
    let whole = |b: &Block| !b.blocks.iter().any(|f| f.kind == "cost_filter" || f.kind == "filter_expression");
    let monthly = |b: &&Block| is(b, "budget_type", "COST") && is(b, "limit_unit", "USD") && is(b, "time_unit", "MONTHLY") && whole(b);
    let budgets: Vec<&Block> = budgets.into_iter().map(|(_, b)| b).filter(monthly).collect();
    if budgets.is_empty() {
        return;
    }
    let estimate = cost::estimate(look.terraform);
    let total = estimate.total();
    for budget in budgets {
        let limit = budget.number("limit_amount").filter(|n| n.is_finite() && *n >= 0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and cut at what fits")]
        let Some(limit) = limit.map(|n| Money((n.min(1e12) * 1e6) as u64)) else { continue };
        if total <= limit {
            continue;
        }
        let dearest = estimate.lines.first().map(|l| format!(", most of it `{}`", l.address)).unwrap_or_default();
        let least = if estimate.is_whole() { "" } else { "at least " };
        let message = format!(
            "By list prices of {} this costs {least}{} a month{dearest}; the limit of `{}` is {}.",
            prices::as_of(),
            total.rounded(),
            budget.address(),
            limit.rounded()
        );
        let problem = look.of(budget, "limit_amount", message);
        look.found(problem);
    }
}

pub static OFFERED: Rule = Rule {
    id: "gpu-az",
    severity: Severity::Warning,
    title: "Machines with accelerators stand where they are offered",
    why: "A type that the region or the zone doesn't have passes `plan`, and the group then stays at no machines with `InstanceType is not supported in your requested Availability Zone`.",
    fix: "Take a region and zones that have the type, or a type that they have: `aws ec2 describe-instance-type-offerings`.",
    passes: "provider \"aws\" {\n  region = \"eu-central-1\"\n}\n\nresource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n",
    fails: "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n\nresource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n",
    check: offered,
};

fn offered(look: &mut Look<'_>) {
    let kinds = [
        "aws_instance",
        "aws_launch_template",
        "aws_launch_configuration",
        "aws_spot_instance_request",
        "aws_eks_node_group",
        "aws_autoscaling_group",
    ];
    if look.needed(&kinds).is_empty() {
        return;
    }
    for (module, block, region) in cost::placed(look.terraform) {
        let direct = asked(block);
        for (holder, attribute, kind) in &direct {
            let Some(zones) = prices::zones(kind, &region) else { continue };
            if zones.is_empty() {
                let elsewhere = prices::offering(kind).unwrap_or_default();
                let elsewhere = if elsewhere.is_empty() { String::new() } else { format!("; {} have it", elsewhere.join(", ")) };
                let message = format!("`{kind}` isn't offered in {region}, as of {}{elsewhere}.", prices::offered_as_of());
                let problem = look.of(holder, attribute, message);
                look.found(problem);
            }
        }
        let all: Vec<_> = if direct.is_empty() { templates(module, block).into_iter().flat_map(asked).collect() } else { direct };
        let Some(subnets) = zones_of(module, block) else { continue };
        for (holder, attribute, kind) in all {
            let Some(zones) = prices::zones(&kind, &region).filter(|z| !z.is_empty()) else { continue };
            if !subnets.iter().any(|(_, zone)| zones.iter().any(|z| z == zone)) {
                let lie: Vec<&str> = subnets.iter().map(|(_, zone)| *zone).collect();
                let have = zones.join(", ");
                let message = format!("The subnets of `{}` lie in {}; `{kind}` is offered in {have}.", block.address(), lie.join(", "));
                let problem = look.of(holder, attribute, message);
                look.found(problem);
            }
        }
    }
}

/// The types that a block asks for itself, each with where it stands.
fn asked(block: &Block) -> Vec<(&Block, &'static str, String)> {
    let mut found: Vec<(&Block, &'static str, String)> = Vec::new();
    found.extend(block.text("instance_type").map(|t| (block, "instance_type", t.to_owned())));
    let listed = block.value("instance_types").and_then(Value::items).unwrap_or_default();
    found.extend(listed.iter().filter_map(Value::as_str).map(|t| (block, "instance_types", t.to_owned())));
    for holder in block.at(&["mixed_instances_policy", "launch_template", "override"]) {
        found.extend(holder.text("instance_type").map(|t| (holder, "instance_type", t.to_owned())));
    }
    found
}

/// The launch templates of the same module that a block names.
fn templates<'a>(module: &'a Module, block: &'a Block) -> Vec<&'a Block> {
    let mixed = block.at(&["mixed_instances_policy", "launch_template", "launch_template_specification"]);
    let holders: Vec<&Block> = block.all("launch_template").chain(mixed).collect();
    let named = |t: &&Block| holders.iter().any(|h| ["id", "launch_template_id"].iter().any(|n| h.points_at(n, t, "id")));
    module.resources("aws_launch_template").filter(named).collect()
}

/// The ids of the zones that a block's machines start in; nothing unless all of them are known.
fn zones_of<'a>(module: &'a Module, block: &Block) -> Option<Vec<(&'a Block, &'a str)>> {
    let attribute = ["subnet_id", "subnet_ids", "vpc_zone_identifier"].into_iter().find(|n| block.attribute(n).is_some())?;
    let only_subnets = block.attribute(attribute)?.refs.iter().all(|path| path.first().is_some_and(|p| p == "aws_subnet"));
    let subnets: Vec<&Block> = module.resources("aws_subnet").filter(|s| block.points_at(attribute, s, "id")).collect();
    if !only_subnets || subnets.is_empty() {
        return None;
    }
    subnets.into_iter().map(|s| Some((s, s.text("availability_zone_id")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{found, tests::read};
    use super::*;

    fn said(rule: &'static Rule, text: &str) -> Vec<String> {
        found(rule, &read(text)).into_iter().map(|p| p.message).collect()
    }

    #[test]
    fn zones_are_judged_where_all_of_them_are_known_by_their_ids() {
        let with = |zone: &str| {
            format!(
                "provider \"aws\" {{\n  region = \"eu-west-1\"\n}}\nresource \"aws_subnet\" \"a\" {{\n  {zone}\n}}\nresource \"aws_instance\" \"gpu\" {{\n  instance_type = \"p4d.24xlarge\"\n  subnet_id     = aws_subnet.a.id\n}}\n"
            )
        };
        let wrong = said(&OFFERED, &with("availability_zone_id = \"euw1-az1\""));
        assert_eq!(wrong, ["The subnets of `aws_instance.gpu` lie in euw1-az1; `p4d.24xlarge` is offered in euw1-az2."]);
        for fine in ["availability_zone_id = \"euw1-az2\"", "availability_zone = \"eu-west-1a\"", "availability_zone_id = var.zone"] {
            assert!(said(&OFFERED, &with(fine)).is_empty(), "{fine}");
        }
    }

    #[test]
    fn a_region_is_judged_only_where_it_is_known() {
        for (region, bad) in [("\"eu-west-1\"", true), ("\"eu-central-1\"", false), ("\"eu-north-1\"", false), ("var.region", false)] {
            let text = format!(
                "provider \"aws\" {{\n  region = {region}\n}}\nresource \"aws_eks_node_group\" \"g\" {{\n  instance_types = [\"g5.xlarge\", \"g6.xlarge\"]\n}}\n"
            );
            let wrong = said(&OFFERED, &text);
            assert_eq!(wrong.len(), usize::from(bad), "{region}: {wrong:?}");
        }
    }

    #[test]
    fn a_budget_of_a_part_or_a_year_is_not_compared() {
        let with = |more: &str| ESTIMATE.fails.replace("  limit_unit   = \"USD\"\n", &format!("  limit_unit   = \"USD\"\n{more}"));
        assert_eq!(
            said(&ESTIMATE, ESTIMATE.fails),
            ["By list prices of 2026-01-19 this costs $588 a month, most of it `aws_instance.gpu`; the limit of `aws_budgets_budget.month` is $500."]
        );
        assert!(said(&ESTIMATE, &with("  cost_filter {\n  }\n")).is_empty());
        assert!(said(&ESTIMATE, &ESTIMATE.fails.replace("MONTHLY", "ANNUALLY")).is_empty());
    }
}
