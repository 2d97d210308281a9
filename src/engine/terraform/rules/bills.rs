//! Rules about what it costs and who hears of it.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::Block;

pub static BUDGET: Rule = Rule {
    id: "cost-budget",
    severity: Severity::Error,
    title: "A budget tells somebody before the money is spent",
    why: "One forgotten eight-GPU machine is tens of thousands a month, and the invoice comes after it. A budget writes to a person at a share of the limit.",
    fix: "Declare an `aws_budgets_budget` with a `notification` at 80 % and one at 100 %, each with a subscriber.",
    passes: "resource \"aws_budgets_budget\" \"month\" {\n  budget_type  = \"COST\"\n  limit_amount = \"500\"\n  limit_unit   = \"USD\"\n  time_unit    = \"MONTHLY\"\n\n  notification {\n    comparison_operator        = \"GREATER_THAN\"\n    threshold                  = 80\n    threshold_type             = \"PERCENTAGE\"\n    notification_type          = \"ACTUAL\"\n    subscriber_email_addresses = [\"team@example.org\"]\n  }\n}\n",
    fails: "resource \"aws_budgets_budget\" \"month\" {\n  budget_type  = \"COST\"\n  limit_amount = \"500\"\n  limit_unit   = \"USD\"\n  time_unit    = \"MONTHLY\"\n}\n",
    check: budgets,
};

/// Warned of below this, there is time to act, in percent of the limit.
const IN_TIME: f64 = 90.0;

fn budgets(look: &mut Look<'_>) {
    for (_, budget) in look.needed(&["aws_budgets_budget"]) {
        let notes: Vec<&Block> = budget.all("notification").collect();
        if notes.is_empty() {
            let block = "notification {\n  comparison_operator        = \"GREATER_THAN\"\n  threshold                  = 80\n  threshold_type             = \"PERCENTAGE\"\n  notification_type          = \"ACTUAL\"\n  subscriber_email_addresses = [var.team_email]\n}";
            let problem = look.on(budget, format!("`{}` tells nobody anything.", budget.address()));
            look.found(problem.fix(look.insert(budget, block)));
            continue;
        }
        for note in notes.iter().filter(|n| !is_heard(n)) {
            let problem = look.on(note, format!("A notification of `{}` has no subscriber.", budget.address()));
            look.found(problem.fix(look.insert(note, "subscriber_email_addresses = [var.team_email]")));
        }
        // An absolute threshold is compared with the limit; a forecast is early whatever it is.
        let limit = budget.value("limit_amount").and_then(|v| v.as_number().or_else(|| v.as_str()?.parse().ok()));
        let early = |n: &&&Block| {
            let Some(at) = n.number("threshold") else { return n.attribute("threshold").is_some() };
            let percent = if n.text("threshold_type") == Some("ABSOLUTE_VALUE") { limit.map(|l| at / l * 100.0) } else { Some(at) };
            n.text("notification_type") == Some("FORECASTED") || percent.is_none_or(|p| p <= IN_TIME)
        };
        if !notes.iter().any(|n| early(&n)) {
            let problem = look.of(notes[0], "threshold", format!("`{}` speaks up when the money is spent.", budget.address()));
            look.found(problem.fix(look.replace(notes[0], "threshold", "80")));
        }
    }
}

/// Whether anybody gets it.
fn is_heard(note: &Block) -> bool {
    ["subscriber_email_addresses", "subscriber_sns_topic_arns"]
        .iter()
        .filter_map(|name| note.value(name))
        .any(|v| v.is_unknown() || v.items().is_some_and(|all| !all.is_empty()))
}

pub static NAT: Rule = Rule {
    id: "cost-endpoint",
    severity: Severity::Warning,
    title: "Traffic to S3 doesn't pay the NAT gateway",
    why: "A NAT gateway takes 4.5 cents for each GB. Weights and checkpoints come from S3: through a gateway endpoint, which costs nothing, they don't pass it.",
    fix: "Declare an `aws_vpc_endpoint` of type `Gateway` for S3 with the private route tables.",
    passes: "resource \"aws_nat_gateway\" \"a\" {\n}\n\nresource \"aws_vpc_endpoint\" \"s3\" {\n  service_name      = \"com.amazonaws.eu-west-1.s3\"\n  vpc_endpoint_type = \"Gateway\"\n}\n",
    fails: "resource \"aws_nat_gateway\" \"a\" {\n}\n",
    check: nat,
};

fn nat(look: &mut Look<'_>) {
    let gateways = look.needed(&["aws_nat_gateway"]);
    let to_s3 = |b: &Block| b.is_unknown("service_name") || b.text("service_name").is_some_and(|s| s.ends_with(".s3"));
    // One without a type is a gateway.
    let gateway = |b: &Block| b.value("vpc_endpoint_type").is_none_or(|v| v.is_unknown() || v.as_str() == Some("Gateway"));
    if look.resources(&["aws_vpc_endpoint"]).iter().any(|(_, b)| to_s3(b) && gateway(b)) {
        return;
    }
    if let Some((_, first)) = gateways.first() {
        let problem = look.on(first, format!("What goes to S3 pays `{}` by the GB.", first.address()));
        look.found(problem);
    }
}

pub static ANOMALY: Rule = Rule {
    id: "cost-anomaly",
    severity: Severity::Info,
    title: "Unusual spending is noticed",
    why: "A budget speaks once a month's share is gone; a monitor for anomalies speaks on the day something new begins to cost.",
    fix: "Declare an `aws_ce_anomaly_subscription` for the `aws_ce_anomaly_monitor`.",
    passes: "resource \"aws_ce_anomaly_monitor\" \"all\" {\n}\n\nresource \"aws_ce_anomaly_subscription\" \"team\" {\n  monitor_arn_list = [aws_ce_anomaly_monitor.all.arn]\n}\n",
    fails: "resource \"aws_ce_anomaly_monitor\" \"all\" {\n}\n",
    check: |look| {
        let monitors = look.needed(&["aws_ce_anomaly_monitor"]);
        for (module, monitor) in monitors {
            let told = module.resources("aws_ce_anomaly_subscription").any(|s| s.points_at("monitor_arn_list", monitor, "arn") || may_be_any(s));
            if !told {
                let problem = look.on(monitor, format!("Nobody is told what `{}` finds.", monitor.address()));
                look.found(problem);
            }
        }
    },
};

/// Whether nothing is known of the monitors that a subscription means.
fn may_be_any(subscription: &Block) -> bool {
    let named = |path: &Vec<String>| path.first().is_some_and(|root| root == "aws_ce_anomaly_monitor");
    subscription.is_unknown("monitor_arn_list") && !subscription.attribute("monitor_arn_list").is_some_and(|a| a.refs.iter().any(named))
}
