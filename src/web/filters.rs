//! How values are written on pages: times with their zone, sizes, counts.
use crate::db::values::Timestamp;
use askama::filters::HtmlSafeOutput;
use std::fmt::Display;

/// `Sun 29 Nov, 23:59 CET`: a time of the program's weeks in a zone, always with its name.
pub fn in_zone(at: Timestamp, zone: &str) -> String {
    written(at, zone, "%a %-d %b, %H:%M %Z")
}

/// `Sun 29 Nov 2026, 23:59 CET`: the same for what may be years away.
pub fn dated_in_zone(at: Timestamp, zone: &str) -> String {
    written(at, zone, "%a %-d %b %Y, %H:%M %Z")
}

fn written(at: Timestamp, zone: &str, format: &str) -> String {
    let zoned = jiff::tz::TimeZone::get(zone)
        .map_or_else(|_| at.instant().to_zoned_datetime(jiff::tz::TimeZone::UTC), |tz| at.instant().to_zoned_datetime(tz));
    zoned.strftime(format).to_string()
}

/// `{{ at|when(zone) }}`
#[askama::filter_fn]
pub fn when(at: &Timestamp, _: &dyn askama::Values, zone: &str) -> askama::Result<String> {
    Ok(in_zone(*at, zone))
}

/// `{{ at|dated(zone) }}`
#[askama::filter_fn]
pub fn dated(at: &Timestamp, _: &dyn askama::Values, zone: &str) -> askama::Result<String> {
    Ok(dated_in_zone(*at, zone))
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

/// `{{ message|ticks }}`: what stands between backticks becomes code. Everything is escaped before, so a file's words stay words.
#[askama::filter_fn]
pub fn ticks(text: impl Display, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(ticked(&text.to_string())))
}

/// `{{ message|sentence }}`: the same as a heading. Messages begin small where they follow a place, as on the command line.
#[askama::filter_fn]
pub fn sentence(text: impl Display, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    let mut text = text.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Ok(HtmlSafeOutput(ticked(&text)))
}

fn ticked(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks leaves the last one as it is.
    let pairs = (parts.len() - 1) / 2 * 2;
    for (i, part) in parts.iter().enumerate() {
        match (i % 2 == 1, i > pairs) {
            (_, true) => html.push('`'),
            (true, _) => html.push_str("<code>"),
            (false, _) if i > 0 => html.push_str("</code>"),
            (false, _) => {}
        }
        for c in part.chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                c => html.push(c),
            }
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_become_code_and_nothing_else_becomes_markup() {
        assert_eq!(ticked("`replicas` is \"3\""), "<code>replicas</code> is &quot;3&quot;");
        assert_eq!(ticked("`a` and `b`"), "<code>a</code> and <code>b</code>");
        assert_eq!(ticked("<b>`<script>`</b>"), "&lt;b&gt;<code>&lt;script&gt;</code>&lt;/b&gt;");
        assert_eq!(ticked("one ` alone"), "one ` alone");
        assert_eq!(ticked("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(ticked(""), "");
    }
}
