//! Reads what a `cost` check asks for: a ceiling for a month, a saving against the files of a folder in `given/`.
use super::check_file::Beside;
use super::tree::{Fields, Node, did_you_mean};
use crate::engine::Files;
use crate::engine::cost::{Ask, At, Money, Saves, judge};

/// The keys of such a check.
pub const KEYS: [&str; 3] = ["monthly_below", "saves", "at"];

/// Reads one; what is wrong with it is said.
pub fn ask(fields: &Fields<'_>, beside: Beside<'_>) -> Option<Ask> {
    let faults = fields.faults;
    let at = match fields.maybe_text("at").as_deref() {
        None | Some("start") => At::Start,
        Some("largest") => At::Largest,
        Some(other) => {
            let near = did_you_mean(other, ["start", "largest"].into_iter());
            faults.say(fields.line_of("at"), format!("`at` is start or largest, which size of the groups counts, not {other:?}{near}"));
            At::Start
        }
    };
    let monthly_below = fields.maybe_number("monthly_below");
    if monthly_below == Some(0) {
        faults.say(fields.line_of("monthly_below"), "`monthly_below` is above 0, in whole US dollars");
    }
    let saves = fields.maybe("saves").and_then(|node| saves(node, fields, beside, at));
    if fields.maybe("monthly_below").is_none() && fields.maybe("saves").is_none() {
        faults.say(fields.line, "the check asks for nothing: `monthly_below` in US dollars, or `saves`");
    }
    Some(Ask { monthly_below: monthly_below.map(|dollars| Money(1_000_000).times(dollars.into())), saves, at })
}

fn saves(node: &Node, check: &Fields<'_>, beside: Beside<'_>, at: At) -> Option<Saves> {
    let fields = Fields::of(node, "`saves`", check.faults)?;
    let (percent, against, files) = (fields.number("percent"), fields.text("against"), beside.folder(&fields, "against"));
    fields.done(|_| None);
    if percent.is_some_and(|p| !(1..=100).contains(&p)) {
        fields.faults.say(fields.line_of("percent"), "`percent` is between 1 and 100");
    }
    let (percent, against, files) = (percent?, against?, files?);
    let line = fields.line_of("against");
    let baseline = Files::new(files);
    if let Err(why) = judge::baseline(&baseline, at) {
        fields.faults.say(line, format!("what given/{against} costs can't be told: {why}"));
    }
    Some(Saves { percent, baseline })
}
