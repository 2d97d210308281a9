//! Rules about networks as a whole: defaults that nobody chose, and access lists.
use super::network::is_open;
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::Block;
use crate::engine::terraform::value::Value;

pub static DEFAULT: Rule = Rule {
    id: "vpc-default",
    severity: Severity::Warning,
    title: "Nothing runs in the default VPC",
    why: "Every subnet of the default VPC is public and gives out public addresses, and everything else of the account that was made in a hurry is in it too.",
    fix: "Declare an `aws_vpc` with private subnets.",
    passes: r#"resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"#,
    fails: r#"data "aws_vpc" "default" {
  default = true
}
"#,
    check: |look| {
        for block in look.modules().iter().flat_map(|m| &m.blocks) {
            if matches!(block.of(), "aws_default_vpc" | "aws_default_subnet") {
                let problem = look.on(block, format!("`{}` takes over what the account came with.", block.address()));
                look.found(problem);
            }
            if block.kind == "data" && block.labels.first().is_some_and(|l| l == "aws_vpc") && block.is_true("default") {
                let problem = look.of(block, "default", format!("`{}` looks up the default VPC.", block.address()));
                look.found(problem);
            }
        }
    },
};

pub static DEFAULT_GROUP: Rule = Rule {
    id: "default-sg",
    severity: Severity::Warning,
    title: "The default security group lets nobody in",
    why: "What names no group gets the VPC's default one, in which everything reaches everything. Closed, a forgotten group is noticed on the first day.",
    fix: "Declare an `aws_default_security_group` for the VPC with no rules in it.",
    passes: r#"resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_default_security_group" "main" {
  vpc_id = aws_vpc.main.id
}
"#,
    fails: r#"resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"#,
    check: default_group,
};

fn default_group(look: &mut Look<'_>) {
    for (module, vpc) in look.needed(&["aws_vpc"]) {
        let may_be_any = |g: &Block| {
            g.is_unknown("vpc_id") && g.attribute("vpc_id").is_some_and(|a| a.refs.iter().all(|r| r.first().is_none_or(|k| k != "aws_vpc")))
        };
        let mut groups = module.resources("aws_default_security_group").filter(|g| g.points_at("vpc_id", vpc, "id") || may_be_any(g));
        let Some(group) = groups.next() else {
            let name = vpc.labels.get(1).map_or("main", String::as_str);
            let problem = look.on(vpc, format!("The default security group of `{}` is as AWS made it: open inside.", vpc.address()));
            let fix = format!("+resource \"aws_default_security_group\" \"{name}\" {{\n+  vpc_id = aws_vpc.{name}.id\n+}}");
            look.found(problem.fix(fix));
            continue;
        };
        for part in group.blocks.iter().filter(|b| matches!(b.kind.as_str(), "ingress" | "egress")) {
            let problem = look.on(part, format!("`{}` has a rule.", group.address()));
            look.found(problem.fix("Move it to a group of its own."));
        }
    }
}

pub static NACL: Rule = Rule {
    id: "nacl",
    severity: Severity::Warning,
    title: "Access lists don't let everybody in",
    why: "An access list is the second lock, for the day a security group is opened by mistake. One that lets the whole internet in to SSH is no lock.",
    fix: "Allow the ports that are served, and 1024 to 65535 for answers; leave 22 and 3389 to known ranges.",
    passes: r#"resource "aws_network_acl_rule" "answers" {
  rule_number = 100
  rule_action = "allow"
  protocol    = "tcp"
  cidr_block  = "0.0.0.0/0"
  from_port   = 1024
  to_port     = 65535
}
"#,
    fails: r#"resource "aws_network_acl_rule" "all" {
  rule_number = 100
  rule_action = "allow"
  protocol    = "-1"
  cidr_block  = "0.0.0.0/0"
}
"#,
    check: nacl,
};

/// One line of an access list.
struct Line<'a> {
    block: &'a Block,
    list: String,
    number: Option<f64>,
    /// Nothing where it isn't known.
    allows: Option<bool>,
    open: Option<&'static str>,
    /// First and last port; all of them without.
    ports: Option<(f64, f64)>,
}

impl Line<'_> {
    fn covers(&self, port: f64) -> bool {
        self.ports.is_none_or(|(from, to)| from <= port && port <= to)
    }
}

fn nacl(look: &mut Look<'_>) {
    let mut lines = Vec::new();
    for (_, block) in look.needed(&["aws_network_acl", "aws_network_acl_rule", "aws_default_network_acl"]) {
        if block.of() == "aws_network_acl_rule" {
            if !block.is_true("egress") && !block.is_unknown("egress") {
                // Which list a rule is of shows in what it names.
                let list = block.attribute("network_acl_id").and_then(|a| a.refs.first()).map(|p| p.join(".")).unwrap_or_default();
                lines.push(line(block, list, "rule_number", "rule_action"));
            }
        } else {
            lines.extend(block.all("ingress").map(|i| line(i, format!("{}.id", block.address()), "rule_no", "action")));
        }
    }
    for l in lines.iter().filter(|l| l.allows == Some(true)) {
        let Some(open) = l.open else { continue };
        let denied = |port: f64| {
            lines.iter().any(|d| {
                d.list == l.list && d.allows != Some(true) && d.open.is_some() && d.covers(port) && (d.number.is_none() || d.number < l.number)
            })
        };
        // Answers come to the ports from 1024 on: a list knows no connections.
        let wide = l.ports.is_none_or(|(from, to)| to - from > 1000.0 && from >= 1024.0);
        let name = if l.block.labels.is_empty() { "This rule".to_owned() } else { format!("`{}`", l.block.address()) };
        let message = if l.covers(22.0) && !denied(22.0) {
            let what = if l.ports.is_none() { "every port" } else { "port 22 (SSH)" };
            format!("{name} lets the whole internet in on {what}.")
        } else if l.covers(3389.0) && !wide && !denied(3389.0) {
            format!("{name} lets the whole internet in on port 3389 (RDP).")
        } else {
            continue;
        };
        let problem = look.of(l.block, open, message);
        look.found(problem);
    }
}

fn line<'a>(block: &'a Block, list: String, number: &str, action: &str) -> Line<'a> {
    let every = block.value("protocol").and_then(Value::shown).is_some_and(|p| p == "-1" || p == "all");
    let other = block.value("protocol").and_then(Value::shown).is_some_and(|p| matches!(p.to_lowercase().as_str(), "udp" | "17" | "icmp" | "1"));
    // SSH is TCP; a port that isn't known proves nothing.
    let port = |n: &str| if other { -1.0 } else { block.number(n).unwrap_or(-1.0) };
    Line {
        block,
        list,
        number: block.number(number),
        allows: block.text(action).map(|a| a.eq_ignore_ascii_case("allow")),
        open: ["cidr_block", "ipv6_cidr_block"].into_iter().find(|n| block.value(n).is_some_and(is_open)),
        ports: if every { None } else { Some((port("from_port"), port("to_port"))) },
    }
}
