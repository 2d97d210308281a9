//! How values are written on pages: times with their zone, sizes, counts.
use crate::db::values::Timestamp;
use std::fmt::Display;

/// `Sun 29 Nov, 23:59 CET`: a time in a zone, always with its name.
pub fn in_zone(at: Timestamp, zone: &str) -> String {
    let zoned = jiff::tz::TimeZone::get(zone)
        .map_or_else(|_| at.instant().to_zoned_datetime(jiff::tz::TimeZone::UTC), |tz| at.instant().to_zoned_datetime(tz));
    zoned.strftime("%a %-d %b, %H:%M %Z").to_string()
}

/// `{{ at|when(zone) }}`
#[askama::filter_fn]
pub fn when(at: &Timestamp, _: &dyn askama::Values, zone: &str) -> askama::Result<String> {
    Ok(in_zone(*at, zone))
}

/// `{{ bytes|size }}`: `812 B`, `14 kB`, `2.1 MB`.
#[askama::filter_fn]
pub fn size(bytes: &i64, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(match *bytes {
        b @ ..1_000 => format!("{b} B"),
        b @ ..1_000_000 => format!("{} kB", b / 1_000),
        b => format!("{}.{} MB", b / 1_000_000, b % 1_000_000 / 100_000),
    })
}

/// `{{ n|count("lab") }}`: `1 lab`, `3 labs`.
#[askama::filter_fn]
pub fn count(n: impl Display, _: &dyn askama::Values, noun: &str) -> askama::Result<String> {
    let n = n.to_string();
    let s = if n == "1" { "" } else { "s" };
    Ok(format!("{n} {noun}{s}"))
}
