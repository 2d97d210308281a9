//! Comments `groundcrew:ignore RULE reason`: what somebody decided to live with. `lint` honours them and says so; grading never does.
use super::files::Files;
use super::grade::is_yaml;
use super::kubernetes::{self, words};
use super::report::{Place, Problem, Severity, clip};
use super::terraform;
use super::yaml::{self, Commented, Dialect, Position, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What such a comment begins with.
const MARK: &str = "groundcrew:ignore";
/// What is said about such comments goes by this name.
const NAME: &str = "ignore";
/// What `lint` says without a rule and may be told to leave.
const BESIDE_RULES: [&str; 3] = ["schema", "yaml-reads-as", "not-kubernetes"];
/// Comments that are honoured in one run.
const MOST: usize = 1_000;
/// Of what they hide, so much is listed; the rest is counted.
const LISTED: usize = 200;
/// A comment that begins farther out stands behind something.
const DEEPEST: u32 = 400;
/// Longest reason that is listed, in characters.
const REASON: usize = 300;

/// A finding that a comment took out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub rule: String,
    pub place: Place,
    pub message: String,
    /// What the comment gives as its reason.
    pub reason: String,
}

/// What the comments took out of a run's findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredFindings {
    pub count: usize,
    /// The first of them.
    pub list: Vec<Ignored>,
}

/// One comment, and the lines it is about.
struct Ignore {
    at: Place,
    rule: String,
    reason: String,
    lines: (u32, u32),
    /// Whether these are the lines of the whole document.
    all: bool,
    used: bool,
}

/// Takes out of `problems` what comments of the files say to ignore, and adds what is wrong with the comments themselves.
pub fn apply(files: &Files, problems: &mut Vec<Problem>) -> IgnoredFindings {
    let (mut ignores, wrong) = read(files);
    let mut by_rule: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (n, ignore) in ignores.iter().enumerate() {
        by_rule.entry((ignore.at.file.clone(), ignore.rule.clone())).or_default().push(n);
    }
    let mut ignored = IgnoredFindings::default();
    if !ignores.is_empty() {
        problems.retain(|problem| {
            let (Some(place), Some(rule)) = (&problem.place, &problem.rule) else { return true };
            let Some(comments) = by_rule.get(&(place.file.clone(), rule.clone())) else { return true };
            let mut reason = None;
            for n in comments {
                if let Some(ignore) = ignores.get_mut(*n).filter(|i| (i.lines.0..=i.lines.1).contains(&place.line)) {
                    ignore.used = true;
                    reason.get_or_insert_with(|| ignore.reason.clone());
                }
            }
            let Some(reason) = reason else { return true };
            ignored.count += 1;
            if ignored.list.len() < LISTED {
                let message = problem.clone().clipped().message;
                ignored.list.push(Ignored { rule: rule.clone(), place: place.clone(), message, reason });
            }
            false
        });
    }
    problems.extend(wrong);
    problems.extend(ignores.into_iter().filter(|i| !i.used).map(unused));
    ignored.list.sort_by(|a, b| (&a.place.file, a.place.line, a.place.column, &a.rule).cmp(&(&b.place.file, b.place.line, b.place.column, &b.rule)));
    ignored
}

fn unused(ignore: Ignore) -> Problem {
    let here = match ignore.lines {
        _ if ignore.all => "in this document".to_owned(),
        (from, to) if from == to => format!("in line {from}"),
        (from, to) => format!("in lines {from} to {to}"),
    };
    warning(ignore.at, format!("this comment ignores nothing: `{}` finds nothing {here}", ignore.rule))
        .why("Such a comment would hide a fault that comes later.")
        .fix("Remove the comment, or move it to the line of the finding or right above it.")
}

fn warning(at: Place, message: impl Into<String>) -> Problem {
    Problem { rule: Some(NAME.to_owned()), severity: Severity::Warning, ..Problem::new(message).at(at) }
}

/// The comments that say what to ignore, and what is wrong with those that say it badly.
fn read(files: &Files) -> (Vec<Ignore>, Vec<Problem>) {
    let (mut ignores, mut wrong) = (Vec::new(), Vec::new());
    for file in files.iter() {
        let Some(text) = std::str::from_utf8(&file.bytes).ok().filter(|text| text.contains(MARK)) else { continue };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let documents = if is_yaml(&file.path) {
            yaml::comments(&file.bytes, Dialect::Kubernetes)
        } else if file.path.ends_with(".tf") {
            vec![of_terraform(text)]
        } else {
            continue;
        };
        let lines: Vec<&str> = text.lines().collect();
        for document in documents {
            for told in of_document(&file.path, &document, &lines) {
                if ignores.len() + wrong.len() == MOST {
                    let at = told.map_or_else(|problem| problem.place, |ignore| Some(ignore.at));
                    let most = format!("more than {MOST} comments say what to ignore: this one and those after it are not looked at");
                    wrong.extend(at.map(|at| warning(at, most).fix("Mend the findings.")));
                    return (ignores, wrong);
                }
                match told {
                    Ok(ignore) => ignores.push(ignore),
                    Err(problem) => wrong.push(problem),
                }
            }
        }
    }
    (ignores, wrong)
}

/// The comments of a Terraform file, which is one document.
fn of_terraform(text: &str) -> Commented {
    let mut at = Position { line: 1, column: 1, offset: 0 };
    let mut comments = Vec::new();
    for range in terraform::comments(text) {
        let start = after(at, text.get(at.offset..range.start).unwrap_or(""));
        let comment = text.get(range).unwrap_or("");
        at = after(start, comment);
        // What stands between `/*` and `*/` says nothing, but is no code either.
        let said = comment.strip_prefix("//").or_else(|| comment.strip_prefix('#')).unwrap_or("");
        comments.push((Span { start, end: at }, said.to_owned()));
    }
    Commented { lines: (1, text.lines().count() as u32), comments, wide: Vec::new() }
}

/// Where a text ends that begins at `at`.
fn after(at: Position, text: &str) -> Position {
    let offset = at.offset + text.len();
    let chars = |t: &str| t.chars().count() as u32;
    match text.rsplit_once('\n') {
        None => Position { column: at.column + chars(text), offset, ..at },
        Some((before, last)) => Position { line: at.line + before.matches('\n').count() as u32 + 1, column: chars(last) + 1, offset },
    }
}

fn of_document(file: &str, document: &Commented, lines: &[&str]) -> Vec<Result<Ignore, Problem>> {
    if !document.comments.iter().any(|(_, text)| said(text).is_some()) {
        return Vec::new();
    }
    let line = |n: u32| lines.get(n.saturating_sub(1) as usize).copied().unwrap_or("");
    let alone = |at: Position| at.column <= DEEPEST && line(at.line).chars().take(at.column as usize - 1).all(char::is_whitespace);
    // Lines that hold a comment and nothing else, each with the first line below it that is none.
    let mut bare: BTreeMap<u32, u32> = BTreeMap::new();
    for (span, _) in document.comments.iter().rev().filter(|(span, _)| alone(span.start)) {
        for n in (span.start.line..=span.end.line).rev() {
            let below = bare.get(&(n + 1)).copied().unwrap_or(n + 1);
            bare.insert(n, below);
        }
    }
    let empty = |n: u32| line(n).trim().is_empty() || line(n).starts_with("---") || bare.contains_key(&n);
    let (first, last) = document.lines;
    let begins = (first..=last).find(|n| !empty(*n)).unwrap_or(last);
    let mut told = Vec::new();
    for (span, text) in &document.comments {
        let Some((rule, reason)) = said(text) else { continue };
        let all = span.start.line < begins;
        let lines = if all {
            document.lines
        } else {
            let on = bare.get(&span.start.line).copied().unwrap_or(span.start.line);
            let wide = document.wide.get(document.wide.partition_point(|(from, _)| *from < on)).filter(|(from, _)| *from == on);
            (on, wide.map_or(on, |(_, to)| *to))
        };
        let at = span.place(file);
        told.push(judged(at, rule, reason).map(|at| Ignore {
            at,
            rule: rule.to_owned(),
            reason: clip(reason.to_owned(), REASON),
            lines,
            all,
            used: false,
        }));
    }
    told
}

/// The rule and the reason of a comment that says what to ignore.
fn said(comment: &str) -> Option<(&str, &str)> {
    let rest = comment.trim_start_matches('#').trim().strip_prefix(MARK)?;
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let rest = rest.trim();
    Some(rest.split_once(char::is_whitespace).map_or((rest, ""), |(rule, reason)| (rule, reason.trim())))
}

fn names() -> impl Iterator<Item = &'static str> {
    let rules = kubernetes::rules::all().iter().map(|r| r.about().id);
    rules.chain(terraform::rules::all().iter().map(|r| r.id)).chain(BESIDE_RULES)
}

/// The place of a comment that can be honoured, or what is wrong with it.
fn judged(at: Place, rule: &str, reason: &str) -> Result<Place, Problem> {
    let how = "Write `# groundcrew:ignore RULE reason`, with the rule's name as a finding has it in brackets.";
    if rule.is_empty() {
        return Err(warning(at, "this comment names no rule, so it ignores nothing").fix(how));
    }
    if !names().any(|name| name == rule) {
        let short = clip(rule.to_owned(), 60);
        return Err(match words::nearest(&short, names()) {
            Some(near) => warning(at, format!("there is no rule `{short}`, so this comment ignores nothing: did you mean `{near}`?"))
                .fix(format!("Write `# groundcrew:ignore {near} reason`.")),
            None => warning(at, format!("there is no rule `{short}`, so this comment ignores nothing")).fix(how),
        });
    }
    if reason.is_empty() {
        return Err(warning(at, format!("this comment gives no reason to ignore `{rule}`, so it ignores nothing"))
            .why("Whoever reads it later must know whether the reason still holds.")
            .fix(format!("Write why: `# groundcrew:ignore {rule} reason`.")));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::super::{File, lint};
    use super::*;

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec:
  containers:
    - name: chat
      image: chat:latest
    - name: log
      image: log:latest
";

    fn linted(path: &str, text: &str) -> lint::Lint {
        lint::lint(&Files::new(vec![File { path: path.into(), bytes: text.as_bytes().to_vec() }]))
    }

    fn lines_of(problems: &[Problem], rule: &str) -> Vec<u32> {
        problems.iter().filter(|p| p.rule.as_deref() == Some(rule)).filter_map(|p| p.place.as_ref()).map(|p| p.line).collect()
    }

    /// The lines in which a Pod's images are found fault with, how often that was ignored, and what is said about the comments.
    fn images(text: &str) -> (Vec<u32>, usize, Vec<String>) {
        let linted = linted("pod.yaml", text);
        let about = linted.problems.iter().filter(|p| p.rule.as_deref() == Some(NAME));
        let about = about.map(|p| format!("{}: {}", p.place.as_ref().map_or(0, |p| p.line), p.message)).collect();
        (lines_of(&linted.problems, "img-latest"), linted.ignored.count, about)
    }

    #[test]
    fn a_comment_is_about_its_line_the_line_below_or_the_document() {
        let comment = "# groundcrew:ignore img-latest set by the pipeline";
        assert_eq!(images(POD), (vec![7, 9], 0, vec![]));
        let on_line = POD.replace("chat:latest", &format!("chat:latest {comment}"));
        assert_eq!(images(&on_line), (vec![9], 1, vec![]));
        let above = POD.replace("      image: log", &format!("      {comment}\n      # more\n      image: log"));
        assert_eq!(images(&above), (vec![7], 1, vec![]));
        for head in [
            format!("{comment}\n{POD}"),
            format!("# of ours\n\n{comment}\n\n---\n{POD}"),
            format!("--- {comment}\n{POD}"),
            format!("\u{feff}{comment}\n{POD}"),
        ] {
            assert_eq!(images(&head), (vec![], 2, vec![]), "{head}");
        }
        let two = format!("{comment}\n{POD}---\n{}", POD.replace("name: chat}", "name: other}"));
        assert_eq!(images(&two), (vec![18, 20], 2, vec![]));
    }

    #[test]
    fn only_a_comment_is_one() {
        let text = format!("{POD}      command:\n        - |\n          # groundcrew:ignore img-latest no comment\n");
        assert_eq!(images(&text), (vec![7, 9], 0, vec![]));
        assert_eq!(images(&format!("# groundcrew:ignored img-latest x\n# see groundcrew:ignore img-latest\n{POD}")), (vec![9, 11], 0, vec![]));
    }

    #[test]
    fn a_comment_that_cannot_be_honoured_says_why() {
        for (comment, said) in [
            ("# groundcrew:ignore", "7: this comment names no rule, so it ignores nothing"),
            ("# groundcrew:ignore img-latest", "7: this comment gives no reason to ignore `img-latest`, so it ignores nothing"),
            ("# groundcrew:ignore img-lastest why", "7: there is no rule `img-lastest`, so this comment ignores nothing: did you mean `img-latest`?"),
            ("# groundcrew:ignore everything why", "7: there is no rule `everything`, so this comment ignores nothing"),
            ("# groundcrew:ignore pdb-blocks why", "7: this comment ignores nothing: `pdb-blocks` finds nothing in line 7"),
        ] {
            let text = POD.replace("chat:latest", &format!("chat:latest {comment}"));
            assert_eq!(images(&text), (vec![7, 9], 0, vec![said.to_owned()]), "{comment}");
        }
        assert_eq!(
            images(&format!("# groundcrew:ignore pdb-blocks why\n{POD}")).2,
            ["1: this comment ignores nothing: `pdb-blocks` finds nothing in this document"]
        );
    }

    #[test]
    fn the_schema_is_ignored_too_and_a_comment_covers_the_text_it_stands_above() {
        let typo = POD.replace("spec:\n", "spec:\n  # groundcrew:ignore schema a field of our own\n  nodes: 1\n");
        let linted = linted("pod.yaml", &typo);
        assert!(lines_of(&linted.problems, "schema").is_empty() && linted.ignored.list[0].rule == "schema", "{:?}", linted.ignored);
        assert_eq!(linted.ignored.list[0].reason, "a field of our own");
        let at = |column| Position { line: 2, column, offset: 0 };
        let comment = (Span { start: at(1), end: at(30) }, " groundcrew:ignore img-latest x".into());
        let document = Commented { lines: (1, 5), comments: vec![comment], wide: vec![(3, 5)] };
        let told = of_document("a.yaml", &document, &["a: 1", "# groundcrew:ignore img-latest x", "b: |", "  x", "  y"]);
        assert!(matches!(told.as_slice(), [Ok(Ignore { lines: (3, 5), all: false, .. })]));
    }

    #[test]
    fn terraform_is_linted_the_same_way() {
        let comment = "groundcrew:ignore ec2-imdsv2 a machine of the lab";
        let machine = |head: &str, inside: &str| {
            let text =
                format!("{head}resource \"aws_instance\" \"a\" {{{inside}\n  ami       = \"ami-1\" /* é */\n  user_data = \"# {comment}\"\n}}\n");
            let found = linted("main.tf", &text);
            (lines_of(&found.problems, "ec2-imdsv2").len(), found.ignored.count)
        };
        assert_eq!(machine("", ""), (1, 0));
        assert_eq!(machine(&format!("/* a\n*/\n\n# {comment}\n"), ""), (0, 1));
        assert_eq!(machine("", &format!(" // {comment}")), (0, 1));
        assert_eq!(machine("", &format!(" /* {comment} */")), (1, 0));
    }

    #[test]
    fn there_is_an_end_to_comments() {
        let many = format!("{POD}{}", "# groundcrew:ignore\n".repeat(3_000));
        let (_, _, about) = images(&many);
        assert_eq!(about.len(), MOST + 1);
        assert!(about[MOST].contains("more than 1000 comments"), "{}", about[MOST]);
    }
}
