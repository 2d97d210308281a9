//! Rules about who gets in through security groups, and what writes it down.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::Block;
use crate::engine::terraform::value::Value;

/// One way in or out: where it is written, from or to where, and which ports.
pub struct Way<'a> {
    pub block: &'a Block,
    pub group: String,
    /// The attribute that means everybody, if one does.
    pub open: Option<&'static str>,
    /// First and last port; all of them without.
    pub ports: Option<(f64, f64)>,
}

pub static SSH: Rule = Rule {
    id: "sg-ssh",
    severity: Severity::Error,
    title: "SSH and RDP aren't open to the internet",
    why: "Port 22 of a new address is tried within minutes. One weak key or one bug in the server and the machine mines coins at your price.",
    fix: "Use Session Manager and no open port, or allow one known range.",
    passes: "resource \"aws_security_group\" \"gpu\" {\n  ingress {\n    from_port   = 22\n    to_port     = 22\n    protocol    = \"tcp\"\n    cidr_blocks = [\"10.0.0.0/16\"]\n  }\n}\n",
    fails: "resource \"aws_security_group\" \"gpu\" {\n  ingress {\n    from_port   = 20\n    to_port     = 30\n    protocol    = \"tcp\"\n    cidr_blocks = [\"0.0.0.0/0\"]\n  }\n}\n",
    check: ssh,
};

fn ssh(look: &mut Look<'_>) {
    for way in ways(look, "ingress") {
        let Some(open) = way.open else { continue };
        for (port, name) in [(22.0, "SSH"), (3389.0, "RDP")] {
            if way.ports.is_none_or(|(from, to)| from <= port && port <= to) {
                let problem = look.of(way.block, open, format!("`{}` lets the whole internet in on port {port} ({name}).", way.group));
                look.found(problem);
            }
        }
    }
}

pub static ALL_PORTS: Rule = Rule {
    id: "sg-all",
    severity: Severity::Error,
    title: "No security group opens all ports to the internet",
    why: "Whatever starts listening later, a metrics port or a notebook, is public from its first second.",
    fix: "Open the one port that serves, to those who use it.",
    passes: "resource \"aws_vpc_security_group_ingress_rule\" \"https\" {\n  from_port   = 443\n  to_port     = 443\n  ip_protocol = \"tcp\"\n  cidr_ipv4   = \"0.0.0.0/0\"\n}\n",
    fails: "resource \"aws_vpc_security_group_ingress_rule\" \"all\" {\n  ip_protocol = \"-1\"\n  cidr_ipv4   = \"0.0.0.0/0\"\n}\n",
    check: all_ports,
};

fn all_ports(look: &mut Look<'_>) {
    for way in ways(look, "ingress") {
        let Some(open) = way.open else { continue };
        if way.ports.is_none_or(|(from, to)| from <= 1.0 && to >= 65535.0) {
            let problem = look.of(way.block, open, format!("`{}` lets the whole internet in on every port.", way.group));
            look.found(problem);
        }
    }
}

/// All ways in (`ingress`) or out (`egress`).
pub fn ways<'a>(look: &Look<'a>, direction: &'static str) -> Vec<Way<'a>> {
    let mut found = Vec::new();
    let rule = if direction == "ingress" { "aws_vpc_security_group_ingress_rule" } else { "aws_vpc_security_group_egress_rule" };
    for (_, block) in look.resources(&["aws_security_group", "aws_default_security_group", "aws_security_group_rule", rule]) {
        let group = block.address();
        match block.of() {
            "aws_security_group" | "aws_default_security_group" => {
                found.extend(block.all(direction).map(|i| way(i, group.clone(), "protocol")));
                // `ingress = [{ … }]`: the attribute is shown as a whole.
                let items = block.value(direction).and_then(Value::items).unwrap_or_default();
                for item in items.iter().filter_map(Value::entries) {
                    let open = ["cidr_blocks", "ipv6_cidr_blocks"].iter().any(|n| item.get(*n).is_some_and(is_open));
                    let every = item.get("protocol").and_then(Value::as_str) == Some("-1");
                    let port = |n: &str| item.get(n).and_then(Value::as_number);
                    let ports = if every { None } else { Some((port("from_port").unwrap_or(-1.0), port("to_port").unwrap_or(-1.0))) };
                    found.push(Way { block, group: group.clone(), open: open.then_some(direction), ports });
                }
            }
            "aws_security_group_rule" if block.text("type") == Some(direction) => found.push(way(block, group, "protocol")),
            of if of == rule => found.push(way(block, group, "ip_protocol")),
            _ => {}
        }
    }
    found
}

fn way<'a>(block: &'a Block, group: String, protocol: &str) -> Way<'a> {
    let open = ["cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6"].into_iter().find(|n| block.value(n).is_some_and(is_open));
    let every = block.value(protocol).and_then(Value::shown).is_some_and(|p| p == "-1" || p == "all");
    // A port that isn't known is no proof of anything.
    let ports = if every { None } else { Some((block.number("from_port").unwrap_or(-1.0), block.number("to_port").unwrap_or(-1.0))) };
    Way { block, group, open, ports }
}

/// Whether a range, or one of a list, is most of the internet.
pub fn is_open(value: &Value) -> bool {
    match value {
        Value::List(items) | Value::Set(items) => items.iter().any(is_open),
        Value::Text(text) => text
            .split_once('/')
            .is_some_and(|(address, length)| length.parse::<u32>().is_ok_and(|l| l < 8 && (l == 0 || !address.starts_with("10.")))),
        _ => false,
    }
}

pub static FLOW_LOGS: Rule = Rule {
    id: "vpc-flow-logs",
    severity: Severity::Warning,
    title: "A VPC writes down who talked to whom",
    why: "After a break-in the first question is where the data went; without flow logs nobody can say.",
    fix: "Declare an `aws_flow_log` for the VPC.",
    passes: "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n\nresource \"aws_flow_log\" \"main\" {\n  vpc_id       = aws_vpc.main.id\n  traffic_type = \"ALL\"\n}\n",
    fails: "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n",
    check: |look| {
        for (module, vpc) in look.needed(&["aws_vpc"]) {
            let any = |log: &Block| {
                log.is_unknown("vpc_id") && log.attribute("vpc_id").is_some_and(|a| a.refs.iter().all(|r| r.first().is_none_or(|k| k != "aws_vpc")))
            };
            if !module.resources("aws_flow_log").any(|log| log.points_at("vpc_id", vpc, "id") || any(log)) {
                let problem = look.on(vpc, format!("Nothing logs the traffic of `{}`.", vpc.address()));
                look.found(problem);
            }
        }
    },
};

pub static DESCRIBED: Rule = Rule {
    id: "sg-desc",
    severity: Severity::Info,
    title: "Security groups and their rules say what for",
    why: "In a year nobody dares to remove a rule nobody can explain. \"Managed by Terraform\", the default, explains nothing and can't be changed later.",
    fix: "Add a `description`.",
    passes: "resource \"aws_security_group\" \"gpu\" {\n  description = \"inference servers\"\n}\n",
    fails: "resource \"aws_security_group\" \"gpu\" {\n  name = \"gpu\"\n}\n",
    check: |look| {
        for (_, group) in look.needed(&["aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]) {
            let parts = group.blocks.iter().filter(|b| matches!(b.kind.as_str(), "ingress" | "egress"));
            for block in std::iter::once(group).chain(parts).filter(|b| b.value("description").is_none()) {
                let what = if block.labels.is_empty() { format!("A rule of `{}`", group.address()) } else { format!("`{}`", group.address()) };
                let problem = look.on(block, format!("{what} doesn't say what it is for."));
                look.found(problem.fix(look.insert(block, "description = \"who calls, and why\"")));
            }
        }
    },
};
