//! Rules about EC2 instances and what they are made from.
use super::{Look, Rule};
use crate::engine::report::{Problem, Severity};
use crate::engine::terraform::machines::{self, NoMachine};
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::value::Value;

/// A mention of an instance type: the block and attribute that hold it, and the type.
type Mention<'a> = (&'a Block, &'static str, String);

/// Every instance type that a resource asks for, where it is known.
fn mentions<'a>(look: &Look<'a>) -> Vec<Mention<'a>> {
    let mut found = Vec::new();
    let resources: Vec<&Block> = look.modules().iter().flat_map(|m| m.blocks.iter()).filter(|b| b.kind == "resource").collect();
    for block in resources {
        match block.of() {
            "aws_instance" | "aws_launch_template" | "aws_launch_configuration" | "aws_spot_instance_request" => {
                found.extend(block.text("instance_type").map(|t| (block, "instance_type", t.to_owned())));
            }
            "aws_eks_node_group" => {
                let types = block.value("instance_types").and_then(Value::items).unwrap_or_default();
                found.extend(types.iter().filter_map(Value::as_str).map(|t| (block, "instance_types", t.to_owned())));
            }
            "aws_autoscaling_group" => {
                let overrides = block.at(&["mixed_instances_policy", "launch_template", "override"]);
                found.extend(overrides.into_iter().filter_map(|o| o.text("instance_type").map(|t| (o, "instance_type", t.to_owned()))));
            }
            _ => {}
        }
    }
    found
}

/// Whether the hand-in says anywhere which instances it wants, known or not.
fn nobody_asks(look: &mut Look<'_>) -> bool {
    let kinds = [
        "aws_instance",
        "aws_launch_template",
        "aws_launch_configuration",
        "aws_spot_instance_request",
        "aws_eks_node_group",
        "aws_autoscaling_group",
    ];
    look.needed(&kinds).is_empty()
}

pub static TYPE: Rule = Rule {
    id: "ec2-type-valid",
    severity: Severity::Error,
    title: "Instance types exist",
    why: "A type that doesn't exist passes `plan` and fails `apply`, when half of the rest is already made.",
    fix: "Compare with `aws ec2 describe-instance-types`.",
    passes: "resource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n",
    fails: "resource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.3xlarge\"\n}\n",
    check: valid,
};

fn valid(look: &mut Look<'_>) {
    if nobody_asks(look) {
        return;
    }
    for (block, attribute, name) in mentions(look) {
        let Err(why) = machines::machine(&name) else { continue };
        let message = match why {
            NoMachine::Malformed => format!("`{name}` is no instance type: one is written as family.size, such as `g6.xlarge`."),
            NoMachine::Family(near) => {
                let near = near.map(|n| format!("; did you mean `{n}`")).unwrap_or_default();
                format!("The family of `{name}` isn't among EC2's of {}{near}.", machines::as_of())
            }
            NoMachine::Size(mut sizes) => {
                sizes.sort_by_key(|s| (s.trim_end_matches("xlarge").parse::<u32>().unwrap_or(0), s.len()));
                let family = name.split('.').next().unwrap_or_default();
                format!("`{name}` doesn't exist: family {family} comes as {}.", sizes.join(", "))
            }
        };
        let problem = look.of(block, attribute, message);
        look.found(problem);
    }
}

pub static PREVIOUS: Rule = Rule {
    id: "ec2-prev-gen",
    severity: Severity::Warning,
    title: "Instance types are of a current generation",
    why: "A previous generation costs more for the same work, is sold out first and is switched off one day.",
    fix: "Take the family's successor.",
    passes: "resource \"aws_instance\" \"gpu\" {\n  instance_type = \"g6.xlarge\"\n}\n",
    fails: "resource \"aws_instance\" \"gpu\" {\n  instance_type = \"p3.2xlarge\"\n}\n",
    check: previous,
};

fn previous(look: &mut Look<'_>) {
    if nobody_asks(look) {
        return;
    }
    for (block, attribute, name) in mentions(look) {
        let Ok(machine) = machines::machine(&name) else { continue };
        if let Some(instead) = machine.previous {
            let card = machine.gpu.map(|g| format!(" ({g}, {} GiB)", machine.gpu_gib.unwrap_or_default())).unwrap_or_default();
            let problem = look.of(block, attribute, format!("`{name}`{card} is of a previous generation."));
            look.found(problem.fix(format!("Use {instead} instead.")));
        }
    }
}

pub static IMDS: Rule = Rule {
    id: "ec2-imdsv2",
    severity: Severity::Error,
    title: "The metadata service asks for a token",
    why: "Without a token one forged request through the application (SSRF) gets the credentials of the instance's role.",
    fix: "Set `http_tokens = \"required\"` in `metadata_options`.",
    passes: "resource \"aws_launch_template\" \"gpu\" {\n  metadata_options {\n    http_tokens = \"required\"\n  }\n}\n",
    fails: "resource \"aws_launch_template\" \"gpu\" {\n  metadata_options {\n    http_tokens = \"optional\"\n  }\n}\n",
    check: tokens,
};

fn tokens(look: &mut Look<'_>) {
    for (_, block) in look.needed(&["aws_instance", "aws_launch_template", "aws_launch_configuration"]) {
        let options = block.at(&["metadata_options"]);
        let Some(options) = options.first() else {
            // An instance made from a template takes the template's.
            if block.all("launch_template").next().is_none() {
                let problem =
                    look.on(block, format!("`{}` has no `metadata_options`, so the metadata service answers without a token.", block.address()));
                look.found(problem.fix(look.insert(block, "metadata_options {\n  http_endpoint = \"enabled\"\n  http_tokens   = \"required\"\n}")));
            }
            continue;
        };
        let off = options.text("http_endpoint") == Some("disabled");
        if !off && !options.is_unknown("http_tokens") && options.text("http_tokens") != Some("required") {
            let problem = look.of(options, "http_tokens", format!("The metadata service of `{}` answers without a token.", block.address()));
            look.found(problem.fix(look.replace(options, "http_tokens", "\"required\"")));
        }
    }
}

pub static ENCRYPTED: Rule = Rule {
    id: "ec2-ebs-enc",
    severity: Severity::Error,
    title: "Volumes are encrypted",
    why: "Snapshots of a volume are copied and shared; one that isn't encrypted can be read by whoever gets it. Encryption costs nothing.",
    fix: "Set `encrypted = true`.",
    passes: "resource \"aws_ebs_volume\" \"weights\" {\n  encrypted = true\n}\n",
    fails: "resource \"aws_ebs_volume\" \"weights\" {\n  size = 100\n}\n",
    check: encrypted,
};

/// The blocks that stand for volumes of a resource.
pub fn volumes(block: &Block) -> Vec<&Block> {
    match block.of() {
        "aws_launch_template" => block.at(&["block_device_mappings", "ebs"]),
        "aws_instance" | "aws_launch_configuration" | "aws_spot_instance_request" => {
            block.blocks.iter().filter(|b| matches!(b.kind.as_str(), "root_block_device" | "ebs_block_device")).collect()
        }
        "aws_ebs_volume" => vec![block],
        _ => Vec::new(),
    }
}

fn encrypted(look: &mut Look<'_>) {
    let machines = look.needed(&["aws_instance", "aws_launch_template", "aws_launch_configuration", "aws_ebs_volume"]);
    let by_default = look.resources(&["aws_ebs_encryption_by_default"]).iter().any(|(_, b)| b.attribute("enabled").is_none() || b.is_true("enabled"));
    for (_, block) in machines {
        let volumes = volumes(block);
        // A machine made from a template takes the template's root volume.
        let root = match block.of() {
            "aws_instance" | "aws_launch_configuration" => block.all("root_block_device").next().is_some(),
            _ => !volumes.is_empty(),
        };
        if by_default {
            continue;
        }
        if !root && block.all("launch_template").next().is_none() {
            let lines = if block.of() == "aws_launch_template" {
                "block_device_mappings {\n  device_name = \"/dev/xvda\"\n\n  ebs {\n    encrypted = true\n  }\n}"
            } else {
                "root_block_device {\n  encrypted = true\n}"
            };
            let problem = look.on(block, format!("`{}` says nothing about its root volume, which is then not encrypted.", block.address()));
            look.found(problem.fix(look.insert(block, lines)));
        }
        for volume in volumes {
            if !volume.is_true("encrypted") && !volume.is_unknown("encrypted") {
                let problem = look.of(volume, "encrypted", format!("A volume of `{}` isn't encrypted.", block.address()));
                look.found(problem.fix(look.replace(volume, "encrypted", "true")));
            }
        }
    }
}

pub static PUBLIC: Rule = Rule {
    id: "ec2-public-ip",
    severity: Severity::Warning,
    title: "No instance gets a public address",
    why: "A machine with a public address is found by scanners within minutes, and IPv4 addresses cost by the hour.",
    fix: "Leave it private; reach it through a load balancer or Session Manager.",
    passes: "resource \"aws_instance\" \"gpu\" {\n  associate_public_ip_address = false\n}\n",
    fails: "resource \"aws_instance\" \"gpu\" {\n  associate_public_ip_address = true\n}\n",
    check: public,
};

fn public(look: &mut Look<'_>) {
    for (_, block) in look.needed(&["aws_instance", "aws_launch_template", "aws_launch_configuration", "aws_subnet"]) {
        let mut holders: Vec<(&Block, &str)> = vec![(block, "associate_public_ip_address"), (block, "map_public_ip_on_launch")];
        holders.extend(block.all("network_interfaces").map(|n| (n, "associate_public_ip_address")));
        for (holder, name) in holders {
            if holder.is_true(name) {
                let what = if name.starts_with("map") { "gives every instance in it a public address" } else { "asks for a public address" };
                let problem = look.of(holder, name, format!("`{}` {what}.", block.address()));
                look.found(problem.fix(look.replace(holder, name, "false")));
            }
        }
    }
}

pub static GP2: Rule = Rule {
    id: "gp2",
    severity: Severity::Warning,
    title: "No volume is of type gp2",
    why: "gp3 costs a fifth less, and its speed doesn't depend on the size: a small gp2 loads weights at a few MB/s once its credits are gone.",
    fix: "Write `gp3`.",
    passes: "resource \"aws_ebs_volume\" \"weights\" {\n  type = \"gp3\"\n}\n",
    fails: "resource \"aws_ebs_volume\" \"weights\" {\n  type = \"gp2\"\n}\n",
    check: gp2,
};

/// The attribute that says of which type a volume is, where EC2 makes a gp2 if it isn't there:
/// CreateVolume's default and a block device mapping's. A root volume has its image's type.
fn takes_gp2(holder: &Block) -> Option<&'static str> {
    match holder.kind.as_str() {
        "ebs_block_device" => Some("volume_type"),
        _ => (holder.of() == "aws_ebs_volume").then_some("type"),
    }
}

fn gp2(look: &mut Look<'_>) {
    let modules: &[Module] = look.modules();
    let mut problems: Vec<Problem> = Vec::new();
    for block in modules.iter().flat_map(|m| m.blocks.iter()).filter(|b| b.kind == "resource") {
        for holder in volumes(block) {
            if let Some(name) = takes_gp2(holder).filter(|name| holder.value(name).is_none()) {
                let message = format!("A volume of `{}` says no type and is gp2 then.", block.address());
                problems.push(look.on(holder, message).fix(look.insert(holder, &format!("{name} = \"gp3\""))));
            }
        }
        let holders = volumes(block).into_iter().chain([block]);
        for (holder, name) in holders.flat_map(|h| ["type", "volume_type", "storage_type"].map(|n| (h, n))) {
            if holder.text(name) == Some("gp2") {
                problems.push(look.of(holder, name, format!("`{}` uses gp2.", block.address())).fix(look.replace(holder, name, "\"gp3\"")));
            }
        }
    }
    problems.into_iter().for_each(|p| look.found(p));
}

pub static HOP: Rule = Rule {
    id: "ec2-hop",
    severity: Severity::Info,
    title: "Containers can't reach the machine's credentials",
    why: "With a hop limit of 2 a container asks the metadata service for the machine's role. Pods of EKS have roles of their own; what needs the machine's runs on the host network.",
    fix: "Set `http_put_response_hop_limit = 1`.",
    passes: "resource \"aws_launch_template\" \"gpu\" {\n  metadata_options {\n    http_put_response_hop_limit = 1\n  }\n}\n",
    fails: "resource \"aws_launch_template\" \"gpu\" {\n  metadata_options {\n    http_put_response_hop_limit = 2\n  }\n}\n",
    check: |look| {
        for (_, block) in look.needed(&["aws_instance", "aws_launch_template"]) {
            for options in block.all("metadata_options").filter(|o| o.number("http_put_response_hop_limit").is_some_and(|n| n > 1.0)) {
                let problem = look.of(options, "http_put_response_hop_limit", format!("Containers on `{}` get the machine's role.", block.address()));
                look.found(problem.fix(look.replace(options, "http_put_response_hop_limit", "1")));
            }
        }
    },
};

pub static OWNER: Rule = Rule {
    id: "ec2-ami-owner",
    severity: Severity::Error,
    title: "An image's owner is named",
    why: "Without `owners` the newest image of that name wins, whoever published it: anybody may call theirs `ubuntu-24.04` and have your machines.",
    fix: "Set `owners`, for example `[\"amazon\"]`.",
    passes: "data \"aws_ami\" \"gpu\" {\n  most_recent = true\n  owners      = [\"amazon\"]\n}\n",
    fails: "data \"aws_ami\" \"gpu\" {\n  most_recent = true\n}\n",
    check: |look| {
        let images: Vec<&Block> = look.modules().iter().flat_map(|m| m.data("aws_ami")).collect();
        if images.is_empty() {
            look.nothing("There is no data source `aws_ami` in what you handed in.");
        }
        for image in images {
            let by_filter = image.all("filter").any(|f| matches!(f.text("name"), Some("owner-id" | "owner-alias" | "image-id")));
            let named = image.value("owners").is_some_and(|v| v.is_unknown() || v.items().is_some_and(|all| !all.is_empty()));
            if !named && !by_filter {
                let problem = look.on(image, format!("`{}` takes an image from anybody.", image.address()));
                look.found(problem.fix(look.insert(image, "owners = [\"amazon\"]")));
            }
        }
    },
};
