//! What things cost, as the embedded, dated table knows it: a price that isn't known isn't there.
use super::money::Money;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Hours of a month, as AWS' own calculator counts them.
pub const HOURS: u64 = 730;

/// The table as its file has it; see data/SOURCES.md. Lists have one entry for each of `regions`.
#[derive(Deserialize, Default)]
struct Table {
    as_of: String,
    spot_as_of: String,
    offered_as_of: String,
    regions: Vec<String>,
    on_demand: BTreeMap<String, Vec<Option<Money>>>,
    spot: BTreeMap<String, Vec<Option<Money>>>,
    services: BTreeMap<String, Service>,
    offered: BTreeMap<String, Vec<Vec<String>>>,
    network: BTreeMap<String, (String, bool)>,
}

#[derive(Deserialize)]
struct Service {
    unit: String,
    prices: Vec<Option<Money>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| serde_json::from_str(include_str!("../data/prices.json")).unwrap_or_default());

/// The day of the list prices.
pub fn as_of() -> &'static str {
    &TABLE.as_of
}

/// When the typical spot prices were looked at.
pub fn spot_as_of() -> &'static str {
    &TABLE.spot_as_of
}

/// When it was looked where types are offered.
pub fn offered_as_of() -> &'static str {
    &TABLE.offered_as_of
}

/// The regions that have prices.
pub fn regions() -> &'static [String] {
    &TABLE.regions
}

fn column(region: &str) -> Option<usize> {
    TABLE.regions.iter().position(|r| r == region)
}

/// An instance by the hour.
pub fn on_demand(kind: &str, region: &str) -> Option<Money> {
    *TABLE.on_demand.get(kind)?.get(column(region)?)?
}

/// What an interruptible instance usually costs by the hour.
pub fn spot(kind: &str, region: &str) -> Option<Money> {
    *TABLE.spot.get(kind)?.get(column(region)?)?
}

/// Anything else, by its unit.
pub fn service(name: &str, region: &str) -> Option<Money> {
    *TABLE.services.get(name)?.prices.get(column(region)?)?
}

/// What a service is paid by: `hour`, `GiB-month`.
pub fn unit(name: &str) -> &'static str {
    TABLE.services.get(name).map_or("", |s| s.unit.as_str())
}

/// The zones of a region that offer a type with accelerators, by their ids, which are the same in every account: `use1-az4`.
/// Nothing where nobody looked; an empty list where there is none.
pub fn zones(kind: &str, region: &str) -> Option<Vec<String>> {
    let zones = TABLE.offered.get(kind)?.get(column(region)?)?;
    Some(zones.iter().map(|zone| format!("{}-{zone}", short(region))).collect())
}

/// The regions that offer a type with accelerators; nothing where nobody looked.
pub fn offering(kind: &str) -> Option<Vec<&'static str>> {
    let offered = TABLE.offered.get(kind)?;
    Some(TABLE.regions.iter().zip(offered).filter(|(_, zones)| !zones.is_empty()).map(|(region, _)| region.as_str()).collect())
}

/// How fast a type's network is, in AWS' words, and whether it has an Elastic Fabric Adapter.
pub fn network(kind: &str) -> Option<(&'static str, bool)> {
    TABLE.network.get(kind).map(|(speed, efa)| (speed.as_str(), *efa))
}

/// A region as zone ids begin: `use1`, `euc1`, `apse1`.
fn short(region: &str) -> String {
    let (mut parts, mut out) = (region.split('-'), String::new());
    out += parts.next().unwrap_or_default();
    for part in parts {
        let sides = ["north", "south", "east", "west", "central"].iter().filter(|side| part.contains(**side));
        out.extend(sides.filter_map(|side| side.chars().next()));
        out.extend(part.chars().filter(char::is_ascii_digit));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::terraform::machines;

    #[test]
    fn the_table_is_read_and_every_priced_type_exists() {
        assert_eq!(on_demand("g6.xlarge", "us-east-1"), Some(Money(804_800)));
        assert_eq!((on_demand("g6.xlarge", "eu-west-1"), on_demand("g6.xlarge", "moon-1")), (None, None));
        assert_eq!(service("nat-gateway", "eu-west-1"), Some(Money(48_000)));
        assert_eq!(unit("ebs-gp3"), "GiB-month");
        assert!(network("p5.48xlarge").is_some_and(|(_, efa)| efa) && network("g6.xlarge").is_some_and(|(_, efa)| !efa));
        for kind in TABLE.on_demand.keys().chain(TABLE.spot.keys()) {
            assert!(machines::machine(kind).is_ok(), "{kind}");
        }
        let rows = TABLE.on_demand.values().chain(TABLE.spot.values()).chain(TABLE.services.values().map(|s| &s.prices));
        assert!(rows.into_iter().all(|r| r.len() == regions().len() && r.iter().flatten().all(|p| p.0 > 0)));
        assert!(TABLE.offered.values().all(|r| r.len() == regions().len()));
    }

    #[test]
    fn spot_costs_less_than_the_list_price() {
        for (kind, prices) in &TABLE.spot {
            for (region, price) in regions().iter().zip(prices).filter_map(|(r, p)| Some((r, (*p)?))) {
                assert!(on_demand(kind, region).is_none_or(|full| price < full), "{kind} in {region}");
            }
        }
    }

    #[test]
    fn zones_are_told_by_their_ids() {
        assert_eq!(zones("p4d.24xlarge", "eu-west-1"), Some(vec!["euw1-az2".to_owned()]));
        assert_eq!(zones("g6.xlarge", "eu-west-1"), Some(Vec::new()));
        assert_eq!((zones("m7i.large", "eu-west-1"), zones("g6.xlarge", "eu-north-1")), (None, None));
        assert!(offering("g6.xlarge").is_some_and(|r| r.contains(&"us-east-1") && !r.contains(&"eu-west-1")));
        assert_eq!(["us-east-1", "eu-central-1", "ap-southeast-1", "eu-west-2"].map(short), ["use1", "euc1", "apse1", "euw2"]);
    }
}
