//! Templates of annotations: `{{ $labels.gpu }}`, `{{ $value | humanize }}`.
use super::{Fault, Labels};

/// Longer templates are not looked at.
const LONGEST: usize = 16 << 10;
const VARIABLES: &[&str] = &["labels", "value", "externalLabels", "externalURL"];

/// What is wrong with a template, given the labels of the expression's result, if they are known.
pub fn faults_of(text: &str, labels: Option<&Labels>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if text.len() > LONGEST {
        return faults;
    }
    let mut at = 0;
    // Names that the template gives values to itself: `{{ $x := … }}`, `{{ range $i, $e := … }}`.
    let mut own: Vec<&str> = Vec::new();
    while let Some(begin) = text[at..].find("{{").map(|n| at + n) {
        let Some(end) = text[begin..].find("}}").map(|n| begin + n) else {
            faults.push(Fault::new(begin..begin + 2, "this `{{` is never closed").fix("Write `}}` behind the expression."));
            break;
        };
        action(text, begin + 2, end, labels, &mut own, &mut faults);
        at = end + 2;
    }
    faults.truncate(10);
    faults
}

fn action<'t>(text: &'t str, begin: usize, end: usize, labels: Option<&Labels>, own: &mut Vec<&'t str>, faults: &mut Vec<Fault>) {
    let body = &text[begin..end];
    if body.trim_start().starts_with("/*") {
        return;
    }
    // What stands in quotes is text, or a query of its own.
    let mut quote: Option<char> = None;
    let mut n = 0;
    while let Some(c) = body[n..].chars().next() {
        let step = c.len_utf8();
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(q), '\\') if q != '`' => n += body[n + step..].chars().next().map_or(0, char::len_utf8),
            (None, '"' | '`') => quote = Some(c),
            (None, '$') => {
                let rest = &body[n + 1..];
                let name = word(rest);
                let here = begin + n;
                let defines = rest[name.len()..].trim_start().starts_with(":=") || rest[name.len()..].trim_start().starts_with(',');
                if defines && own.len() < 100 {
                    own.push(name);
                } else if name == "labels" {
                    if let Some(label) = rest.strip_prefix("labels.").map(word).filter(|l| !l.is_empty()) {
                        known(label, here..here + 8 + label.len(), labels, faults);
                    }
                } else if !name.is_empty() && !VARIABLES.contains(&name) && !own.contains(&name) {
                    let near = crate::engine::kubernetes::words::nearest(name, VARIABLES.iter().copied());
                    let asked = near.map(|v| format!("; did you mean `${v}`?")).unwrap_or_default();
                    let fault = Fault::new(
                        here..here + 1 + name.len(),
                        format!("templates of alerts have no variable `${}`{asked}", super::tokens::shown(name)),
                    );
                    faults.push(match near {
                        Some(near) => fault.instead(format!("${near}")),
                        None => fault.fix("Write `$labels.…` or `$value`."),
                    });
                }
            }
            (None, '.') if body[n..].starts_with(".Labels.") => {
                let label = word(&body[n + 8..]);
                known(label, begin + n..begin + n + 8 + label.len(), labels, faults);
            }
            _ => {}
        }
        n += step;
    }
}

fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())]
}

fn known(label: &str, at: std::ops::Range<usize>, labels: Option<&Labels>, faults: &mut Vec<Fault>) {
    let Some(labels) = labels.filter(|l| !label.is_empty() && !l.may_have(label)) else { return };
    let has = match labels {
        Labels::Just(names) if names.is_empty() => "; it has none".to_string(),
        Labels::Just(names) => {
            format!("; it has {}", crate::engine::kubernetes::words::either(names.iter().take(8).map(String::as_str)).replace(" or ", " and "))
        }
        Labels::AllBut(_) => String::new(),
    };
    let message = format!("the expression's result has no label `{}`{has}", super::tokens::shown(label));
    faults.push(Fault::new(at, message).fix("Keep the label in the expression, with `by` or `without`, or leave it out of the text."));
}
