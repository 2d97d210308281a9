//! Colours for the few languages lessons are written in; a table of words and marks, since general highlighters cost more memory than the server has.
use std::fmt::Write as _;

/// What tells one language's tokens apart.
struct Language {
    /// Begins a comment that lasts to the line's end.
    comment: &'static str,
    quotes: &'static [char],
    keywords: &'static [&'static str],
    constants: &'static [&'static str],
    /// What follows a key: `:` in YAML and JSON, `=` in TOML and HCL.
    key: Option<char>,
    /// Words at a line's start are keywords, whatever they are: a Dockerfile's instructions.
    leads: bool,
}

const PLAIN: Language = Language { comment: "", quotes: &[], keywords: &[], constants: &[], key: None, leads: false };
const SHELL: Language = Language {
    comment: "#",
    quotes: &['"', '\''],
    keywords: &[
        "if", "then", "else", "elif", "fi", "for", "in", "do", "done", "while", "until", "case", "esac", "function", "export", "local", "return",
        "set", "trap", "exit",
    ],
    ..PLAIN
};
const YAML: Language =
    Language { comment: "#", quotes: &['"', '\''], constants: &["true", "false", "null", "yes", "no", "on", "off"], key: Some(':'), ..PLAIN };
const JSON: Language = Language { quotes: &['"'], constants: &["true", "false", "null"], key: Some(':'), ..PLAIN };
const TOML: Language = Language { comment: "#", quotes: &['"', '\''], constants: &["true", "false"], key: Some('='), ..PLAIN };
const HCL: Language = Language {
    comment: "#",
    quotes: &['"'],
    keywords: &[
        "resource",
        "data",
        "variable",
        "output",
        "locals",
        "module",
        "provider",
        "terraform",
        "moved",
        "import",
        "removed",
        "check",
        "for",
        "in",
        "if",
        "dynamic",
        "lifecycle",
        "run",
        "assert",
    ],
    constants: &["true", "false", "null"],
    key: Some('='),
    ..PLAIN
};
const PYTHON: Language = Language {
    comment: "#",
    quotes: &['"', '\''],
    keywords: &[
        "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from",
        "global", "if", "import", "in", "is", "lambda", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
    ],
    constants: &["True", "False", "None"],
    ..PLAIN
};
const PROMQL: Language = Language {
    comment: "#",
    quotes: &['"', '\''],
    keywords: &[
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "and",
        "or",
        "unless",
        "sum",
        "avg",
        "min",
        "max",
        "count",
        "rate",
        "irate",
        "increase",
        "histogram_quantile",
        "quantile",
        "topk",
        "bottomk",
        "absent",
        "delta",
        "deriv",
        "avg_over_time",
        "max_over_time",
        "min_over_time",
        "sum_over_time",
        "count_over_time",
        "predict_linear",
        "label_replace",
        "clamp_max",
        "clamp_min",
        "time",
        "vector",
        "changes",
    ],
    ..PLAIN
};
const DOCKERFILE: Language = Language { comment: "#", quotes: &['"', '\''], keywords: &["AS"], leads: true, ..PLAIN };
/// systemd units and other files of `Key=value` below `[Section]`.
const INI: Language = Language { comment: "#", key: Some('='), ..PLAIN };

fn language(name: &str) -> Option<&'static Language> {
    Some(match name.to_ascii_lowercase().as_str() {
        "sh" | "bash" | "shell" | "console" | "shell-session" => &SHELL,
        "yaml" | "yml" => &YAML,
        "json" => &JSON,
        "toml" => &TOML,
        "hcl" | "terraform" | "tf" => &HCL,
        "python" | "py" => &PYTHON,
        "promql" => &PROMQL,
        "dockerfile" | "docker" => &DOCKERFILE,
        "ini" | "systemd" => &INI,
        _ => return None,
    })
}

/// The language of a file by its name.
pub fn of_file(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.starts_with("Dockerfile") {
        return "dockerfile";
    }
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "service" | "timer" | "conf" => "ini",
        "tfvars" => "hcl",
        end => end,
    }
}

/// `code` as HTML: escaped, with `span`s of classes only. What isn't known stays plain.
pub fn html(code: &str, name: &str) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    let console = matches!(name, "console" | "shell-session");
    for line in code.split_inclusive('\n') {
        match language(name) {
            // In a listing only what was typed is a command; the rest is what came back.
            Some(_) if console && !line.starts_with("$ ") && !line.starts_with("# ") => escape(&mut out, line),
            Some(language) if console => {
                span(&mut out, "hl-constant", &line[..2]);
                tokens(&mut out, &line[2..], language);
            }
            Some(language) => tokens(&mut out, line, language),
            None => escape(&mut out, line),
        }
    }
    out
}

fn tokens(out: &mut String, line: &str, language: &Language) {
    let key = language.key.and_then(|mark| key_of(line, mark, language));
    let mut rest = line;
    let mut at_start = true;
    if let Some((before, key)) = key {
        escape(out, &line[..before]);
        span(out, "hl-tag", &line[before..before + key]);
        rest = &line[before + key..];
        at_start = false;
    }
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let length = if !language.comment.is_empty() && rest.starts_with(language.comment) && (before.is_whitespace() || at_start) {
            let end = rest.trim_end_matches('\n').len();
            span(out, "hl-comment", &rest[..end]);
            end
        } else if language.quotes.contains(&c) && !before.is_alphanumeric() {
            let end = quoted(rest, c);
            span(out, "hl-string", &rest[..end]);
            end
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).unwrap_or(rest.len());
            word(out, &rest[..end], at_start, language);
            at_start = false;
            end
        } else if c.is_ascii_digit() && !before.is_alphanumeric() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._".contains(c)).unwrap_or(rest.len());
            span(out, "hl-constant", &rest[..end]);
            end
        } else {
            escape(out, &rest[..c.len_utf8()]);
            c.len_utf8()
        };
        at_start &= rest[..length].trim().is_empty();
        before = rest[..length].chars().last().unwrap_or(' ');
        rest = &rest[length..];
    }
}

fn word(out: &mut String, word: &str, at_start: bool, language: &Language) {
    if language.constants.contains(&word) {
        span(out, "hl-constant", word);
    } else if language.keywords.contains(&word) || (language.leads && at_start && word.chars().all(|c| c.is_ascii_uppercase())) {
        span(out, "hl-keyword", word);
    } else {
        escape(out, word);
    }
}

/// Where a line's key begins and how long it is, if the line is `key: …`, `- key: …`, `key = …`.
fn key_of(line: &str, mark: char, language: &Language) -> Option<(usize, usize)> {
    let start = line.len() - line.trim_start_matches([' ', '\t', '-', '{']).len();
    let body = &line[start..];
    let quote = body.chars().next().filter(|c| language.quotes.contains(c));
    let length = match quote {
        Some(quote) => quoted(body, quote),
        None => body.find(|c: char| c == mark || c.is_whitespace() || "#\"'[{(".contains(c))?,
    };
    let after = &body[length..];
    let follows = if mark == ':' { after.starts_with(": ") || after.trim_end() == ":" } else { after.trim_start().starts_with(mark) };
    (length > 0 && follows && !after.trim_start().starts_with("==")).then_some((start, length))
}

/// The length of a quoted text, quotes included; to the line's end if it isn't closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            '\\' if !escaped => escaped = true,
            c if c == quote && !escaped => return at + c.len_utf8(),
            _ => escaped = false,
        }
    }
    text.len()
}

fn span(out: &mut String, class: &str, text: &str) {
    let _ = write!(out, "<span class=\"{class}\">");
    escape(out, text);
    out.push_str("</span>");
}

/// Text as HTML text or as an attribute's value in double quotes.
pub fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::html;

    /// The text without its marks: highlighting must never change what is read.
    fn text(html: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' if inside => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
    }

    #[test]
    fn languages_are_told_apart() {
        let table = [
            (
                "yaml",
                "  - cpu: \"500m\" # why",
                "  - <span class=\"hl-tag\">cpu</span>: <span class=\"hl-string\">&quot;500m&quot;</span> <span class=\"hl-comment\"># why</span>",
            ),
            ("yaml", "on: true", "<span class=\"hl-tag\">on</span>: <span class=\"hl-constant\">true</span>"),
            ("yaml", "image: a:1.2", "<span class=\"hl-tag\">image</span>: a:<span class=\"hl-constant\">1.2</span>"),
            ("hcl", "count = 2", "<span class=\"hl-tag\">count</span> = <span class=\"hl-constant\">2</span>"),
            (
                "hcl",
                "resource \"a\" \"b\" {",
                "<span class=\"hl-keyword\">resource</span> <span class=\"hl-string\">&quot;a&quot;</span> <span class=\"hl-string\">&quot;b&quot;</span> {",
            ),
            ("console", "$ ls # x\nfor a\n", "<span class=\"hl-constant\">$ </span>ls <span class=\"hl-comment\"># x</span>\nfor a\n"),
            (
                "python",
                "def f(): return None",
                "<span class=\"hl-keyword\">def</span> f(): <span class=\"hl-keyword\">return</span> <span class=\"hl-constant\">None</span>",
            ),
            ("dockerfile", "FROM a AS b", "<span class=\"hl-keyword\">FROM</span> a <span class=\"hl-keyword\">AS</span> b"),
            ("json", "\"a\": 1", "<span class=\"hl-tag\">&quot;a&quot;</span>: <span class=\"hl-constant\">1</span>"),
            (
                "promql",
                "sum(rate(x[5m]))",
                "<span class=\"hl-keyword\">sum</span>(<span class=\"hl-keyword\">rate</span>(x[<span class=\"hl-constant\">5m</span>]))",
            ),
            ("text", "<b>", "&lt;b&gt;"),
        ];
        for (language, code, expected) in table {
            assert_eq!(html(code, language), expected, "{language}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_lost_and_nothing_escapes(code in "[ -~äß\n\t]{0,200}", language in proptest::sample::select(vec!["yaml", "sh", "console", "hcl", "python", "json", "toml", "promql", "dockerfile", "ini", ""])) {
            let html = html(&code, language);
            proptest::prop_assert_eq!(text(&html), code);
            let marks: Vec<&str> = html.split('<').skip(1).collect();
            proptest::prop_assert!(marks.iter().all(|m| m.starts_with("span class=\"hl-") || m.starts_with("/span>")));
        }
    }
}
