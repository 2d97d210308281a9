//! Rules about security groups as things: what they let out, how their rules are written, whether anything wears them.
use super::network::ways;
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

pub static EGRESS: Rule = Rule {
    id: "sg-egress",
    severity: Severity::Info,
    title: "Not everything may leave for everywhere",
    why: "Whoever gets into a server sends the weights and the data out through the port you left open. Most servers talk to a database, S3 and the cluster, by HTTPS.",
    fix: "Let out the ports and ranges that are needed: 443 to begin with.",
    passes: r#"resource "aws_vpc_security_group_egress_rule" "https" {
  from_port   = 443
  to_port     = 443
  ip_protocol = "tcp"
  cidr_ipv4   = "0.0.0.0/0"
}
"#,
    fails: r#"resource "aws_security_group" "gpu" {
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
"#,
    check: |look| {
        for way in ways(look, "egress") {
            if let Some(open) = way.open.filter(|_| way.ports.is_none_or(|(from, to)| from <= 1.0 && to >= 65535.0)) {
                let problem = look.of(way.block, open, format!("`{}` lets everything out to everywhere.", way.group));
                look.found(problem);
            }
        }
    },
};

pub static INLINE: Rule = Rule {
    id: "sg-inline",
    severity: Severity::Info,
    title: "Each rule of a security group is a resource of its own",
    why: "Rules inside of a group and rules beside it remove each other at every apply. The provider's documentation advises against both older forms: only the new resources have one range, a description and tags each.",
    fix: "Use `aws_vpc_security_group_ingress_rule` and `aws_vpc_security_group_egress_rule`.",
    passes: r#"resource "aws_security_group" "gpu" {
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.gpu.id
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
  cidr_ipv4         = "10.0.0.0/16"
}
"#,
    fails: r#"resource "aws_security_group" "gpu" {
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/16"]
  }
}
"#,
    check: inline,
};

/// Resources that are one rule of a group.
const RULES: [&str; 3] = ["aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"];

fn inline(look: &mut Look<'_>) {
    for (module, block) in look.needed(&["aws_security_group", "aws_security_group_rule"]) {
        if block.of() == "aws_security_group_rule" {
            let problem = look.on(block, format!("`{}` is of the older form of rules.", block.address()));
            look.found(problem);
            continue;
        }
        let beside = RULES.iter().flat_map(|kind| module.resources(kind)).any(|r| r.points_at("security_group_id", block, "id"));
        let also = if beside { ", and other resources give it more: each apply removes the other's" } else { "" };
        for part in block.blocks.iter().filter(|b| matches!(b.kind.as_str(), "ingress" | "egress")) {
            let problem = look.on(part, format!("`{}` holds a rule inside of it{also}.", block.address()));
            look.found(problem);
        }
        for name in ["ingress", "egress"] {
            // An empty list closes the group.
            if block.value(name).and_then(Value::items).is_some_and(|all| !all.is_empty()) {
                let problem = look.of(block, name, format!("`{}` holds rules inside of it{also}.", block.address()));
                look.found(problem);
            }
        }
    }
}

pub static UNATTACHED: Rule = Rule {
    id: "sg-unattached",
    severity: Severity::Info,
    title: "Every security group is worn by something",
    why: "A group that nothing wears protects nothing, and the next one takes it for what protects the servers.",
    fix: "Name it in `vpc_security_group_ids` or `security_groups` of what it is for, or delete it.",
    passes: r#"resource "aws_security_group" "gpu" {
}

resource "aws_instance" "gpu" {
  vpc_security_group_ids = [aws_security_group.gpu.id]
}
"#,
    fails: r#"resource "aws_security_group" "gpu" {
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.gpu.id
}
"#,
    check: |look| {
        for (module, group) in look.needed(&["aws_security_group"]) {
            if !is_worn(module, group) {
                let problem = look.on(group, format!("Nothing wears `{}`.", group.address()));
                look.found(problem);
            }
        }
    },
};

/// Whether anything but groups and their rules mentions a group; an output hands it to somebody else.
fn is_worn(module: &Module, group: &Block) -> bool {
    let only_rules = |by: &str| {
        let kind = by.split('.').next().unwrap_or_default();
        matches!(kind, "aws_security_group" | "import") || RULES.contains(&kind)
    };
    module.references.iter().any(|r| r.path.len() >= 2 && r.path[..2] == group.labels[..] && !only_rules(&r.by))
        // Looked up again by its name.
        || group.value("name").is_some_and(|name| module.data("aws_security_group").any(|d| d.value("name") == Some(name)))
}
