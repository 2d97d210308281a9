//! Machines: single ones, scaling groups and node groups, on demand and on the spot market.
use super::book::{Book, Count, Whose};
use super::money::Money;
use super::prices;
use super::volumes::{self, whole};
use super::walk::Asked;
use crate::engine::terraform::machines;
use crate::engine::terraform::module::Block;
use crate::engine::terraform::value::Value;

/// What EKS takes for a node group that says no type, and how large its disks are.
const NODE: &str = "t3.medium";
const NODE_GIB: u64 = 20;

/// Prices a resource if it is one of machines; says whether it is.
pub fn price(asked: &Asked<'_>, book: &mut Book<'_>) -> bool {
    match asked.block.of() {
        "aws_instance" | "aws_spot_instance_request" => single(asked, book),
        "aws_autoscaling_group" => scaling(asked, book),
        "aws_eks_node_group" => nodes(asked, book),
        "aws_ebs_volume" => volumes::alone(asked, book),
        _ => return false,
    }
    true
}

/// A type a fleet may take, with how much of the wanted capacity one of it is.
struct Choice<'a> {
    kind: String,
    weight: u64,
    holder: &'a Block,
    attribute: &'static str,
}

fn single(asked: &Asked<'_>, book: &mut Book<'_>) {
    let template = template(asked);
    let holder = if asked.block.value("instance_type").is_some() { Some(asked.block) } else { template };
    let spot = asked.block.of() == "aws_spot_instance_request" || [Some(asked.block), template].into_iter().flatten().any(is_spot);
    let Some(choices) = one(asked, holder, book) else { return };
    buy(asked, &choices, Count::fixed(1), spot, book);
    if asked.block.is_true("associate_public_ip_address") {
        book.service(asked, "public-ipv4", "public IPv4 address", Count::fixed(1));
    }
    let disks = if asked.block.all("root_block_device").next().is_some() { asked.block } else { template.unwrap_or(asked.block) };
    volumes::of_machine(asked, disks, Count::fixed(1), book);
}

fn is_spot(holder: &Block) -> bool {
    holder.value("spot_price").is_some() || holder.all("instance_market_options").any(|o| o.text("market_type") == Some("spot"))
}

/// The one type that a block or template says; a gap where it can't be known.
fn one<'a>(asked: &Asked<'_>, holder: Option<&'a Block>, book: &mut Book<'_>) -> Option<Vec<Choice<'a>>> {
    let Some(holder) = holder else {
        book.gap(asked, "its instances", "the launch template isn't part of the hand-in, or says no type", Whose::Students);
        return None;
    };
    let Some(kind) = holder.text("instance_type") else {
        let why = if holder.value("instance_type").is_some() { "their type isn't known" } else { "the launch template says no type" };
        book.gap_of(asked, holder, "instance_type", "its instances", why, Whose::Students);
        return None;
    };
    Some(vec![Choice { kind: kind.to_owned(), weight: 1, holder, attribute: "instance_type" }])
}

/// The launch template or configuration of the same module that a block names.
fn template<'a>(asked: &Asked<'a>) -> Option<&'a Block> {
    let holders: Vec<&Block> = asked
        .block
        .all("launch_template")
        .chain(asked.block.at(&["mixed_instances_policy", "launch_template", "launch_template_specification"]))
        .chain([asked.block])
        .collect();
    let names = |t: &Block| {
        holders.iter().any(|h| ["id", "launch_template_id", "launch_configuration"].iter().any(|n| h.points_at(n, t, "id")))
            || holders.iter().any(|h| ["name", "launch_template_name", "launch_configuration"].iter().any(|n| h.points_at(n, t, "name")))
    };
    let of = |b: &&Block| matches!(b.of(), "aws_launch_template" | "aws_launch_configuration");
    asked.module.blocks.iter().filter(of).find(|t| names(t))
}

/// How many a group wants, in the words of these attributes.
fn wanted(asked: &Asked<'_>, holder: &Block, [now, least, most]: [&str; 3], book: &mut Book<'_>) -> Option<Count> {
    let number = |name: &str| holder.value(name).map(|v| v.as_number().and_then(whole));
    let lower = number(least).unwrap_or(Some(0));
    // A group that says no number begins with its smallest.
    let Some(count) = number(now).unwrap_or(lower) else {
        book.gap_of(asked, holder, if holder.value(now).is_some() { now } else { least }, "its instances", "how many isn't known", Whose::Students);
        return None;
    };
    let upper = number(most).unwrap_or(Some(count));
    Some(Count { least: lower.unwrap_or(0).min(count), now: count, most: upper.map(|m| m.max(count)) })
}

fn scaling(asked: &Asked<'_>, book: &mut Book<'_>) {
    let group = asked.block;
    let Some(count) = wanted(asked, group, ["desired_capacity", "min_size", "max_size"], book) else { return };
    let template = template(asked);
    let schedules = asked.module.resources("aws_autoscaling_schedule").any(|s| s.points_at("autoscaling_group_name", group, "name"));
    if schedules {
        book.assume("Groups are counted as they start: a schedule that makes them smaller at night isn't followed.");
    }
    if group.all("warm_pool").next().is_some() {
        book.aside(asked, "its warm pool pays for disks and for the time it takes to warm up");
    }
    let Some(policy) = group.all("mixed_instances_policy").next() else {
        let Some(choices) = one(asked, template, book) else { return };
        let machines = buy(asked, &choices, count, template.is_some_and(is_spot), book);
        return disks(asked, template, machines, book);
    };
    let distribution = policy.all("instances_distribution").next();
    let share = |name: &str, usual: u64| match distribution.and_then(|d| d.value(name)) {
        None => Some(usual),
        Some(v) => v.as_number().and_then(whole),
    };
    let (Some(base), Some(percent)) = (share("on_demand_base_capacity", 0), share("on_demand_percentage_above_base_capacity", 100)) else {
        return book.gap(asked, "its instances", "which of them are on demand isn't known", Whose::Students);
    };
    let overrides = policy.at(&["launch_template", "override"]);
    let choices = if overrides.is_empty() { one(asked, template, book) } else { choices(asked, &overrides, book) };
    let Some(mut choices) = choices else { return };
    let on_demand = |n: u64| {
        let above = n.saturating_sub(base);
        n.min(base).saturating_add(u64::try_from((u128::from(above) * u128::from(percent.min(100))).div_ceil(100)).unwrap_or(above))
    };
    let full = count.map(on_demand);
    let rest = Count { least: count.least - full.least, now: count.now - full.now, most: count.most.zip(full.most).map(|(c, f)| c - f) };
    let bought = buy(asked, &choices, rest, true, book);
    // On demand the first type is taken, unless the price decides.
    if distribution.and_then(|d| d.text("on_demand_allocation_strategy")) == Some("lowest-price") {
        choices.sort_by_key(|c| prices::on_demand(&c.kind, asked.region).map_or(u64::MAX, |p| p.0 / c.weight));
    }
    choices.truncate(1);
    let machines = bought.and(buy(asked, &choices, full, false, book));
    disks(asked, template, machines, book);
}

/// The types that a group's overrides list.
fn choices<'a>(asked: &Asked<'_>, overrides: &[&'a Block], book: &mut Book<'_>) -> Option<Vec<Choice<'a>>> {
    let mut found = Vec::new();
    for holder in overrides {
        let weight = match holder.value("weighted_capacity") {
            None => Some(1),
            Some(v) => v.as_number().and_then(whole).filter(|w| *w > 0),
        };
        let (Some(kind), Some(weight)) = (holder.text("instance_type"), weight) else {
            let by_needs = holder.all("instance_requirements").next().is_some();
            let why = if by_needs { "they are chosen by what they have, not by type" } else { "a type or its weight isn't known" };
            book.gap_of(asked, holder, "instance_type", "its instances", why, Whose::Students);
            return None;
        };
        found.push(Choice { kind: kind.to_owned(), weight, holder, attribute: "instance_type" });
    }
    Some(found)
}

fn disks(asked: &Asked<'_>, template: Option<&Block>, machines: Count, book: &mut Book<'_>) {
    match template {
        Some(template) => volumes::of_machine(asked, template, machines, book),
        None => book.aside(asked, "its launch template isn't part of the hand-in, so its disks aren't counted"),
    }
}

fn nodes(asked: &Asked<'_>, book: &mut Book<'_>) {
    let group = asked.block;
    let Some(scaling) = group.all("scaling_config").next() else {
        return book.gap(asked, "its nodes", "how many isn't said", Whose::Students);
    };
    let Some(count) = wanted(asked, scaling, ["desired_size", "min_size", "max_size"], book) else { return };
    let template = template(asked);
    let kinds = group.value("instance_types");
    let choices = match (kinds, template.filter(|t| t.value("instance_type").is_some())) {
        (Some(kinds), _) => {
            let Some(names) = kinds.items().and_then(|all| all.iter().map(Value::as_str).collect::<Option<Vec<_>>>()).filter(|all| !all.is_empty())
            else {
                return book.gap_of(asked, group, "instance_types", "its nodes", "their types aren't known", Whose::Students);
            };
            names.into_iter().map(|n| Choice { kind: n.to_owned(), weight: 1, holder: group, attribute: "instance_types" }).collect()
        }
        (None, Some(template)) => match one(asked, Some(template), book) {
            Some(choices) => choices,
            None => return,
        },
        (None, None) => {
            if group.all("launch_template").next().is_some() && template.is_none() {
                return book.gap(asked, "its nodes", "the launch template isn't part of the hand-in", Whose::Students);
            }
            book.assume(format!("A node group that says no type has {NODE}."));
            vec![Choice { kind: NODE.to_owned(), weight: 1, holder: group, attribute: "instance_types" }]
        }
    };
    let spot = match group.value("capacity_type") {
        None => false,
        Some(v) => match v.as_str() {
            Some(text) => text == "SPOT",
            None => return book.gap_of(asked, group, "capacity_type", "its nodes", "whether they are on demand isn't known", Whose::Students),
        },
    };
    let machines = buy(asked, &choices, count, spot, book);
    match template {
        Some(template) => volumes::of_machine(asked, template, machines, book),
        None if group.all("launch_template").next().is_some() => disks(asked, None, machines, book),
        None => node_disks(asked, machines, book),
    }
}

/// The disks EKS gives nodes that have no launch template.
fn node_disks(asked: &Asked<'_>, machines: Count, book: &mut Book<'_>) {
    let gib = match asked.block.value("disk_size") {
        None => Some(NODE_GIB),
        Some(v) => v.as_number().and_then(whole),
    };
    let Some(gib) = gib else { return book.gap_of(asked, asked.block, "disk_size", "its disks", "their size isn't known", Whose::Students) };
    let Some(price) = prices::service("ebs-gp3", asked.region) else { return book.unpriced(asked, "its disks") };
    book.assume(format!("Nodes without a launch template have a disk of {NODE_GIB} GiB unless they say another; it is counted as gp3."));
    let words = format!("{} a GiB and month", price.as_price());
    let span = asked.block.attribute("disk_size").map_or(&asked.block.head, |a| &a.span);
    book.line(asked, format!("disk, gp3, {gib} GiB"), machines, price.times(gib), words, false, span);
}

/// Writes down `count` of capacity of one of these types, and says how many machines that is.
///
/// On demand it is the first. On the spot market it is the middle one by its typical price, as which is taken changes by the hour; where
/// no typical price is known, the list price is counted, which spot instances don't go beyond.
fn buy(asked: &Asked<'_>, choices: &[Choice<'_>], count: Count, spot: bool, book: &mut Book<'_>) -> Count {
    let considered = if spot { choices } else { &choices[..choices.len().min(1)] };
    let mut priced: Vec<(Money, &Choice<'_>, bool)> = Vec::new();
    for choice in considered {
        if machines::machine(&choice.kind).is_err() {
            let why = format!("there is no type {}", clipped(&choice.kind));
            book.gap_of(asked, choice.holder, choice.attribute, "its instances", &why, Whose::Students);
            continue;
        }
        let usual = if spot { prices::spot(&choice.kind, asked.region) } else { None };
        match usual.or_else(|| prices::on_demand(&choice.kind, asked.region)) {
            Some(price) => priced.push((price, choice, spot && usual.is_none())),
            None => {
                let why = format!("no price is known for {} in {}", choice.kind, clipped(asked.region));
                book.gap_of(asked, choice.holder, choice.attribute, "its instances", &why, Whose::Ours);
            }
        }
    }
    priced.sort_by_key(|(price, choice, _)| price.0 / choice.weight);
    let Some((price, choice, at_most)) = priced.get(priced.len() / 2) else { return count };
    if *at_most && count != Count::fixed(0) {
        book.assume(format!(
            "No spot price is known for {} in {}: it is counted at the list price, which spot doesn't go beyond.",
            choice.kind, asked.region
        ));
    }
    if spot && priced.len() > 1 {
        book.assume("Of several types on the spot market the middle one by price is counted.");
    }
    let machines = count.map(|n| n.div_ceil(choice.weight));
    let span = choice.holder.attribute(choice.attribute).map_or(&asked.block.head, |a| &a.span);
    book.hourly(asked, choice.kind.clone(), machines, *price, spot, span);
    machines
}

/// A name from a file, no longer than anybody reads.
fn clipped(name: &str) -> String {
    crate::engine::report::clip(name.to_owned(), 40)
}
