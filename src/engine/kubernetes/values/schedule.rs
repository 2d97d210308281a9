//! A CronJob's schedule: five fields as the controller's cron (robfig/cron) reads them, or a word such as `@daily`. Its Sunday is 0 and never 7.
use super::{At, Walk};
use crate::engine::yaml::Node;

const WHY: &str = "The API refuses a schedule that cron couldn't read; one with a slip in it that can be read runs at the wrong time for months.";
const FIELDS: [(&str, u32, u32); 5] = [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6)];
const WORDS: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

pub fn check(walk: &mut Walk<'_, '_>, at: At<'_>) {
    let Some(node) = at.node.get("schedule") else { return };
    let Some(text) = Node::as_str(node) else { return };
    if let Some(wrong) = wrong(text) {
        let problem = walk.doc.problem(node.span, format!("`schedule` {wrong}"));
        walk.add(problem.why(WHY).fix("Write minute, hour, day of the month, month and day of the week: `0 3 * * *` is three o'clock every night."));
    }
}

/// What is wrong with a schedule, in words that follow its name.
fn wrong(text: &str) -> Option<String> {
    if text.starts_with('@') {
        return (!WORDS.contains(&text) && !text.starts_with("@every ")).then(|| format!("must be one of {}, or five fields", WORDS.join(", ")));
    }
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        return Some("can't name a time zone; that is what `timeZone` is for".into());
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("has {} fields, and cron reads five", fields.len()));
    }
    let off = FIELDS.iter().zip(&fields).find(|((name, least, most), field)| !field.split(',').all(|part| fits(part, *least, *most, name)));
    off.map(|((name, least, most), field)| {
        format!("has `{}` for the {name}, which goes from {least} to {most}", field.chars().take(20).collect::<String>())
    })
}

/// `*`, `5`, `1-5`, `*/15`, `mon-fri`.
fn fits(part: &str, least: u32, most: u32, name: &str) -> bool {
    let (range, step) = part.split_once('/').map_or((part, None), |(r, s)| (r, Some(s)));
    let number = |text: &str| -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let named = match name {
            "month" => MONTHS.iter().position(|m| *m == lower).map(|n| n + 1),
            "day of the week" => DAYS.iter().position(|d| *d == lower),
            _ => None,
        };
        named.and_then(|n| u32::try_from(n).ok()).or_else(|| text.parse().ok()).filter(|n| (least..=most).contains(n))
    };
    let step_fits = step.is_none_or(|s| s.parse::<u32>().is_ok_and(|n| n > 0));
    step_fits
        && match range.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).is_some_and(|(a, b)| a <= b),
            None => range == "*" || range == "?" || number(range).is_some(),
        }
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn schedules_are_read_as_cron_reads_them() {
        for good in ["0 3 * * *", "*/15 * * * *", "0 9-17/2 * jan-mar mon-fri", "0 0 1,15 * ?", "@daily", "5 4 * * sun"] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for (bad, says) in [
            ("0 3 * *", "4 fields"),
            ("60 3 * * *", "minute"),
            ("0 24 * * *", "hour"),
            ("* * * * funday", "week"),
            ("0 3 * * 7", "week"),
            ("@nightly", "@daily"),
            ("*/0 * * * *", "minute"),
        ] {
            assert!(wrong(bad).is_some_and(|w| w.contains(says)), "{bad}: {:?}", wrong(bad));
        }
    }
}
