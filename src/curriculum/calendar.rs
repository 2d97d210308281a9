//! The calendar of a cohort: when its weeks open, when their labs are due, what late work keeps; resolved here, never stored.
use super::Timeline;
use crate::db::values::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};

/// One step of a lab's credit: what arrives before `until` keeps `percent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub until: Timestamp,
    pub percent: u32,
}

/// Whether `text` is a date such as `2026-09-28`.
pub fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok()
}

/// Whether `text` is a zone's IANA name.
pub fn is_zone(text: &str) -> bool {
    TimeZone::get(text).is_ok()
}

/// A local date and time such as `2026-11-29T23:59`, as forms write it, in a zone.
pub fn moment(text: &str, zone: &str) -> Option<Timestamp> {
    let local: DateTime = text.trim().parse().ok()?;
    Some(at(local, zone)).filter(|at| *at != NEVER)
}

/// The same the other way: what a form's field shows.
pub fn local(at: Timestamp, zone: &str) -> String {
    at.instant().to_zoned_datetime(tz(zone)).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// Whether a date is a Monday, which weeks begin with.
pub fn is_monday(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|date| date.weekday() == Weekday::Monday)
}

/// When week `week` (from 1) opens: Monday 00:00 of its week in the cohort's zone.
/// A date nobody can read never comes: what is due then stays closed rather than open to all.
pub fn opens(starts: &str, zone: &str, week: u32) -> Timestamp {
    match monday(starts, week) {
        Some(monday) => at(monday.at(0, 0, 0, 0), zone),
        None => NEVER,
    }
}

/// When the labs of week `week` are due.
pub fn due(timeline: &Timeline, starts: &str, zone: &str, week: u32) -> Timestamp {
    let days = i64::from(timeline.weekday.to_monday_zero_offset());
    match monday(starts, week).and_then(|monday| monday.checked_add(days.days()).ok()) {
        Some(day) => at(day.to_datetime(timeline.time), zone),
        None => NEVER,
    }
}

/// Which week it is: 1 in the first, 0 or less before it, above the last after it.
pub fn week_at(starts: &str, zone: &str, now: Timestamp) -> i64 {
    let Some(first) = monday(starts, 1) else { return 0 };
    let today = now.instant().to_zoned_datetime(tz(zone)).date();
    let days = first.until(today).map_or(0, |span| i64::from(span.get_days()));
    days.div_euclid(7) + 1
}

/// When a program of `weeks` weeks ends: the Monday after the last.
pub fn ends(starts: &str, zone: &str, weeks: u32) -> Timestamp {
    opens(starts, zone, weeks + 1)
}

/// What a hand-in keeps by when it arrives: everything until the grace ends, then step by step, the last one to the
/// program's end. Days are the cohort's days, so a step ends at the hour the lab was due, summer time or not.
/// After the last step nothing is kept. A due time of the last week may push its steps beyond the program's end: the
/// grace holds, the later steps are cut off.
pub fn steps(timeline: &Timeline, due: Timestamp, zone: &str, ends: Timestamp) -> Vec<Step> {
    let grace = due.plus(std::time::Duration::from_secs(u64::from(timeline.grace_hours) * 3600));
    let mut steps = vec![Step { until: grace, percent: 100 }];
    let mut from = grace;
    for late in &timeline.late {
        let until = match late.days {
            Some(days) => later(from, zone, i64::from(days).days()).min(ends),
            None => ends,
        };
        if until <= from {
            break;
        }
        steps.push(Step { until, percent: late.percent });
        from = until;
    }
    steps
}

/// The percent that something received at `at` keeps; 0 after the last step.
pub fn percent(steps: &[Step], at: Timestamp) -> u32 {
    steps.iter().find(|step| at <= step.until).map_or(0, |step| step.percent)
}

const NEVER: Timestamp = Timestamp(i64::MAX);

/// The Monday of week `week`; `starts` may be any day of week 1.
fn monday(starts: &str, week: u32) -> Option<Date> {
    let starts: Date = starts.parse().ok()?;
    let weeks = i64::from(week) - 1;
    let back = i64::from(starts.weekday().to_monday_zero_offset());
    starts.checked_add((weeks * 7 - back).days()).ok()
}

fn tz(zone: &str) -> TimeZone {
    TimeZone::get(zone).unwrap_or(TimeZone::UTC)
}

/// A local time as an instant: one that summer time skips is taken an hour later, one that comes twice the first time.
fn at(local: DateTime, zone: &str) -> Timestamp {
    local.to_zoned_datetime(tz(zone)).map_or(NEVER, |zoned| zoned.timestamp().into())
}

fn later(from: Timestamp, zone: &str, span: Span) -> Timestamp {
    from.instant().to_zoned_datetime(tz(zone)).checked_add(span).map_or(NEVER, |zoned| zoned.timestamp().into())
}

impl Default for Timeline {
    /// PRODUCT.md's: Sunday 23:59, 48 hours' grace, 90 % for five days, then 70 %.
    fn default() -> Timeline {
        Timeline {
            weekday: Weekday::Sunday,
            time: Time::constant(23, 59, 0, 0),
            grace_hours: 48,
            late: vec![super::Late { days: Some(5), percent: 90 }, super::Late { days: None, percent: 70 }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(at: Timestamp) -> String {
        at.rfc3339()
    }

    fn ts(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn weeks_open_on_monday_at_midnight_where_the_cohort_is() {
        let table = [
            ("2026-09-28", "Europe/Berlin", 1, "2026-09-27T22:00:00Z"),
            // Summer time ended on 25 October: the same midnight is an hour later in UTC.
            ("2026-09-28", "Europe/Berlin", 5, "2026-10-25T23:00:00Z"),
            ("2026-09-28", "America/New_York", 6, "2026-11-02T05:00:00Z"),
            ("2026-09-28", "Asia/Kolkata", 1, "2026-09-27T18:30:00Z"),
            ("2026-09-28", "Pacific/Auckland", 1, "2026-09-27T11:00:00Z"),
            // Any day of the first week will do.
            ("2026-10-01", "Europe/Berlin", 1, "2026-09-27T22:00:00Z"),
            ("2026-10-04", "UTC", 2, "2026-10-05T00:00:00Z"),
        ];
        for (starts, zone, week, expected) in table {
            assert_eq!(utc(opens(starts, zone, week)), expected, "{starts} {zone} week {week}");
        }
    }

    #[test]
    fn labs_are_due_on_sunday_before_midnight() {
        let timeline = Timeline::default();
        let table = [
            ("Europe/Berlin", 1, "2026-10-04T21:59:00Z"),
            // The Sunday on which the clocks go back has 25 hours; 23:59 is in winter time.
            ("Europe/Berlin", 4, "2026-10-25T22:59:00Z"),
            ("America/Los_Angeles", 5, "2026-11-02T07:59:00Z"),
        ];
        for (zone, week, expected) in table {
            assert_eq!(utc(due(&timeline, "2026-09-28", zone, week)), expected, "{zone} week {week}");
        }
    }

    #[test]
    fn a_local_time_that_is_skipped_or_doubled_is_still_one_moment() {
        let timeline = |hour| Timeline { time: Time::constant(hour, 30, 0, 0), ..Timeline::default() };
        // 29 March 2026, 02:30 does not exist in Berlin; 25 October 2026, 02:30 is there twice.
        assert_eq!(utc(due(&timeline(2), "2026-03-23", "Europe/Berlin", 1)), "2026-03-29T01:30:00Z");
        assert_eq!(utc(due(&timeline(2), "2026-10-19", "Europe/Berlin", 1)), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn the_week_changes_at_local_midnight() {
        let table = [
            ("2026-09-27T21:59:59Z", 0),
            ("2026-09-27T22:00:00Z", 1),
            ("2026-09-20T12:00:00Z", -1),
            ("2026-10-25T22:59:59Z", 4),
            ("2026-10-25T23:00:00Z", 5),
            ("2027-01-18T00:00:00Z", 17),
        ];
        for (now, week) in table {
            assert_eq!(week_at("2026-09-28", "Europe/Berlin", ts(now)), week, "{now}");
        }
    }

    #[test]
    fn late_work_keeps_less_step_by_step() {
        let timeline = Timeline::default();
        let (starts, zone) = ("2026-09-28", "Europe/Berlin");
        let due = due(&timeline, starts, zone, 9);
        let steps = steps(&timeline, due, zone, ends(starts, zone, 16));
        let shown: Vec<_> = steps.iter().map(|s| (utc(s.until), s.percent)).collect();
        let expected = [("2026-12-01T22:59:00Z", 100), ("2026-12-06T22:59:00Z", 90), ("2027-01-17T23:00:00Z", 70)];
        assert_eq!(shown, expected.map(|(at, p)| (at.to_owned(), p)));
        for (at, expected) in [
            ("2026-11-29T22:59:00Z", 100),
            ("2026-12-01T22:59:00Z", 100),
            ("2026-12-01T22:59:01Z", 90),
            ("2026-12-10T00:00:00Z", 70),
            ("2027-01-18T00:00:00Z", 0),
        ] {
            assert_eq!(percent(&steps, ts(at)), expected, "{at}");
        }
    }

    #[test]
    fn days_of_late_credit_are_local_days() {
        let timeline = Timeline { grace_hours: 0, ..Timeline::default() };
        // Due on Sunday 18 October; the five days end on Friday; with seven they would cross the change of the clocks.
        let timeline = Timeline { late: vec![super::super::Late { days: Some(7), percent: 90 }], ..timeline };
        let due = ts("2026-10-18T21:59:00Z");
        let steps = steps(&timeline, due, "Europe/Berlin", NEVER);
        assert_eq!(utc(steps[1].until), "2026-10-25T22:59:00Z");
    }

    #[test]
    fn the_last_week_keeps_its_grace_though_the_program_ends() {
        let timeline = Timeline::default();
        let (starts, zone) = ("2026-09-28", "UTC");
        let steps = steps(&timeline, due(&timeline, starts, zone, 16), zone, ends(starts, zone, 16));
        assert_eq!(steps.len(), 1);
        assert_eq!(utc(steps[0].until), "2027-01-19T23:59:00Z");
    }

    #[test]
    fn what_cannot_be_read_never_opens() {
        assert_eq!(opens("soon", "UTC", 1), NEVER);
        assert!(!is_date("2026-02-30") && is_date("2026-02-28"));
        assert!(!is_zone("Europe/Atlantis") && is_zone("Europe/Berlin"));
    }
}
