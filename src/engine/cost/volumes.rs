//! Disks: those a machine is made with, and those that stand alone.
use super::book::{Book, Count, Whose};
use super::money::Money;
use super::prices;
use super::walk::Asked;
use crate::engine::terraform::module::Block;

/// What a gp3 volume has at no further cost.
const GP3_IOPS: u64 = 3_000;
const GP3_THROUGHPUT: u64 = 125;

/// The disks that a machine's block or launch template describes, one line each for `machines` machines.
pub fn of_machine(asked: &Asked<'_>, holder: &Block, machines: Count, book: &mut Book<'_>) {
    let mut root = false;
    let disks = match holder.of() {
        "aws_launch_template" => holder.at(&["block_device_mappings", "ebs"]),
        _ => holder.blocks.iter().filter(|b| matches!(b.kind.as_str(), "root_block_device" | "ebs_block_device")).collect(),
    };
    for disk in disks {
        root |= disk.kind != "ebs_block_device";
        disk_of(asked, disk, ["volume_size", "volume_type"], machines, book);
    }
    if !root {
        book.aside(asked, "the disk it starts from has the size of its image, which isn't known here");
    }
}

/// An `aws_ebs_volume`.
pub fn alone(asked: &Asked<'_>, book: &mut Book<'_>) {
    disk_of(asked, asked.block, ["size", "type"], Count::fixed(1), book);
}

fn disk_of(asked: &Asked<'_>, disk: &Block, [size, kind]: [&'static str; 2], machines: Count, book: &mut Book<'_>) {
    // The default of CreateVolume; a root volume that says no type has its image's, which has been gp3 for years.
    let usual = if disk.kind == "resource" || disk.kind == "ebs_block_device" { "gp2" } else { "gp3" };
    let kind_name = match disk.value(kind) {
        None => usual,
        Some(v) => match v.as_str() {
            Some(text) => text,
            None => return book.gap_of(asked, disk, kind, "a disk", "its type isn't known", Whose::Students),
        },
    };
    if disk.kind != "resource" && disk.value(kind).is_none() && usual == "gp3" {
        book.assume("A root volume that says no type is counted as gp3.");
    }
    let gib = match disk.value(size) {
        None => return book.aside(asked, "a disk has the size of its image or snapshot, which isn't known here"),
        Some(v) => match v.as_number().and_then(whole) {
            Some(gib) => gib,
            None => return book.gap_of(asked, disk, size, "a disk", "its size isn't known", Whose::Students),
        },
    };
    // Nested blocks of a `dynamic` may stand for several, or for nobody knows how many.
    let disks = if disk.kind == "resource" { Some(1) } else { disk.stands_for };
    let Some(disks) = disks else {
        return book.gap_of(asked, disk, size, "disks", "how many there are isn't known", Whose::Students);
    };
    let Some(price) = prices::service(&format!("ebs-{kind_name}"), asked.region) else {
        return book.gap_of(asked, disk, kind, "a disk", &format!("no price of {kind_name} is known in {}", asked.region), Whose::Ours);
    };
    let span = disk.attribute(size).map_or(&disk.head, |a| &a.span);
    let line = format!("disk, {kind_name}, {gib} GiB");
    book.line(asked, line, machines.times(disks), price.times(gib), format!("{} a GiB and month", price.as_price()), false, span);
    if let Some(more) = extras(asked, disk, kind_name, book).filter(|m| m.0 > 0) {
        book.line(asked, format!("speed of a {kind_name} disk"), machines.times(disks), more, "by IOPS and MiB/s".into(), false, span);
    }
}

/// What is paid for speed beyond what comes with the volume.
fn extras(asked: &Asked<'_>, disk: &Block, kind: &str, book: &mut Book<'_>) -> Option<Money> {
    let mut sum = Money::default();
    let parts = match kind {
        "gp3" => vec![("iops", "ebs-gp3-iops", GP3_IOPS), ("throughput", "ebs-gp3-throughput", GP3_THROUGHPUT)],
        "io1" | "io2" => vec![("iops", "ebs-io-iops", 0)],
        _ => Vec::new(),
    };
    for (attribute, service, free) in parts {
        let Some(value) = disk.value(attribute) else { continue };
        let Some(wanted) = value.as_number().and_then(whole) else {
            book.gap_of(asked, disk, attribute, "a disk's speed", "it isn't known", Whose::Students);
            continue;
        };
        let beyond = wanted.saturating_sub(free);
        match prices::service(service, asked.region) {
            _ if beyond == 0 => {}
            Some(price) => sum = sum + price.times(beyond),
            None => book.gap_of(asked, disk, attribute, "a disk's speed", &format!("no price is known in {}", asked.region), Whose::Ours),
        }
    }
    Some(sum)
}

/// A number that can be counted: whole, not below zero, and no more than anybody could mean.
pub fn whole(n: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds: checked right here")]
    (n.is_finite() && n >= 0.0).then_some(n.min(1e15) as u64)
}
