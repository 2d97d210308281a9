//! Markdown as pages show it: raw HTML escaped, links checked, headings linked, code coloured with a button to copy it.
use super::highlight::{self, escape};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html as writer};
use std::fmt;

/// HTML that was made here from Markdown or code: the one type a template may show unescaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A heading, for the contents of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub id: String,
    pub text: String,
}

/// A rendered text with the headings of its first level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    pub html: Html,
    pub headings: Vec<Heading>,
}

/// Renders a lesson or instructions.
pub fn render(markdown: &str) -> Rendered {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut parser = Parser::new_ext(markdown, options);
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut headings: Vec<Heading> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => events.push(Event::Html(code(&mut parser, &kind).into())),
            Event::Start(Tag::Heading { level, .. }) => heading(&mut parser, level, &mut events, &mut headings, &mut ids),
            Event::Start(Tag::Table(alignments)) => {
                events.push(Event::Html("<div class=\"scroll\">".into()));
                events.push(Event::Start(Tag::Table(alignments)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html("</div>".into()));
            }
            other => events.push(tamed(other)),
        }
    }
    let mut html = String::with_capacity(markdown.len() * 2);
    writer::push_html(&mut html, events.into_iter());
    Rendered { html: Html(html), headings }
}

/// One line of Markdown inside other text: a hint, a reason.
pub fn inline(markdown: &str) -> Html {
    let Html(html) = render(markdown).html;
    let trimmed = html.trim();
    let bare = trimmed.strip_prefix("<p>").and_then(|rest| rest.strip_suffix("</p>")).filter(|inner| !inner.contains("<p>"));
    Html(bare.unwrap_or(trimmed).to_owned())
}

/// A file as a block of code with its name on top.
pub fn file(path: &str, text: &str) -> Html {
    Html(figure(path, highlight::of_file(path), text))
}

/// A line of a file, coloured.
pub fn code_line(path: &str, line: &str) -> Html {
    Html(highlight::html(line, highlight::of_file(path)))
}

/// What Markdown would pass through as HTML becomes text; where a link would lead out of http it leads nowhere.
fn tamed(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id }),
        // Pages load nothing from elsewhere: a picture is named and linked, not shown.
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id }),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    }
}

/// A link's target, if it is a place on this site, on this page, or on the web.
fn safe(url: CowStr<'_>) -> CowStr<'_> {
    let here = (url.starts_with('/') && !url.starts_with("//")) || url.starts_with('#');
    if here || url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:") { url } else { "#".into() }
}

/// Reads a code block to its end.
fn code(parser: &mut Parser<'_>, kind: &CodeBlockKind<'_>) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or("").to_owned(),
        CodeBlockKind::Indented => String::new(),
    };
    let mut text = String::new();
    for event in parser {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::End(TagEnd::CodeBlock) => break,
            _ => {}
        }
    }
    let shown = if language.is_empty() { "text" } else { &language };
    figure(shown, &language, &text)
}

fn figure(title: &str, language: &str, text: &str) -> String {
    let mut out = String::from("<figure class=\"code\"><figcaption><span>");
    escape(&mut out, title);
    out.push_str("</span><button class=\"copy\" type=\"button\" data-copy>Copy</button></figcaption><pre tabindex=\"0\"><code>");
    out.push_str(&highlight::html(text, language));
    out.push_str("</code></pre></figure>\n");
    out
}

/// Reads a heading to its end and gives it an id and a link to itself. A lesson's own title would be a second `h1`: it becomes an `h2`.
fn heading<'a>(parser: &mut Parser<'a>, level: HeadingLevel, events: &mut Vec<Event<'a>>, headings: &mut Vec<Heading>, ids: &mut Vec<String>) {
    let level = if level == HeadingLevel::H1 { HeadingLevel::H2 } else { level };
    let mut inside = Vec::new();
    let mut text = String::new();
    for event in parser {
        match event {
            Event::End(TagEnd::Heading(_)) => break,
            event => {
                if let Event::Text(part) | Event::Code(part) = &event {
                    text.push_str(part);
                }
                inside.push(tamed(event));
            }
        }
    }
    let id = unused(&slug(&text), ids);
    let mut open = format!("<{level} id=\"{id}\"><a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to: ");
    escape(&mut open, &text);
    open.push_str("\"></a>");
    events.push(Event::Html(open.into()));
    events.extend(inside);
    events.push(Event::Html(format!("</{level}>\n").into()));
    if level == HeadingLevel::H2 {
        headings.push(Heading { id, text });
    }
}

/// Ids of the page's own parts, which a lesson's heading must not take.
const TAKEN: [&str; 4] = ["main", "start", "graded", "hand-in"];

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-').to_owned();
    if slug.is_empty() {
        "section".to_owned()
    } else if TAKEN.contains(&slug.as_str()) {
        format!("about-{slug}")
    } else {
        slug
    }
}

fn unused(slug: &str, ids: &mut Vec<String>) -> String {
    let mut id = slug.to_owned();
    let mut n = 2;
    while ids.contains(&id) {
        id = format!("{slug}-{n}");
        n += 1;
    }
    ids.push(id.clone());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(markdown: &str) -> String {
        render(markdown).html.to_string()
    }

    #[test]
    fn hostile_html_is_shown_and_does_nothing() {
        let table = [
            "<script>alert(1)</script>",
            "text <img src=x onerror=alert(1)> text",
            "<div onclick=\"x\">\n\nhello\n\n</div>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,<script>)",
            "[x](//evil.test/)",
            "![x](https://evil.test/pixel.png)",
            "<javascript:alert(1)>",
            "## <b onmouseover=x>\n",
            "```\"><script>\nx\n```",
            "[x](/a \"\\\" onclick=x\")",
        ];
        for markdown in table {
            let html = html(markdown);
            for tag in html.split('<').skip(1) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                let known = ["p", "a", "h2", "figure", "figcaption", "span", "button", "pre", "code", "div"];
                assert!(known.contains(&name.as_str()), "{markdown:?} made <{tag}: {html}");
                let inside = tag.split('>').next().unwrap();
                assert!(!inside.contains("onclick=x") || inside.contains("&quot;"), "{html}");
            }
            assert!(!html.to_lowercase().contains("href=\"javascript") && !html.contains("href=\"data:") && !html.contains("href=\"//"), "{html}");
        }
    }

    #[test]
    fn headings_are_linked_and_listed() {
        let rendered = render("## One `two`\n\n### Deeper\n\n## One two\n\n# Top\n\n## Hand in\n");
        let ids: Vec<&str> = rendered.headings.iter().map(|h| h.id.as_str()).collect();
        assert_eq!(ids, ["one-two", "one-two-2", "top", "about-hand-in"]);
        let html = rendered.html.to_string();
        assert!(
            html.contains("<h2 id=\"one-two\"><a class=\"anchor\" href=\"#one-two\" aria-label=\"Link to: One two\"></a>One <code>two</code></h2>"),
            "{html}"
        );
        assert!(html.contains("<h3 id=\"deeper\">"), "{html}");
    }

    #[test]
    fn code_is_coloured_and_can_be_copied() {
        let html = html("```yaml\na: 1 # <b>\n```\n");
        assert_eq!(
            html,
            "<figure class=\"code\"><figcaption><span>yaml</span><button class=\"copy\" type=\"button\" data-copy>Copy</button></figcaption><pre tabindex=\"0\"><code><span class=\"hl-tag\">a</span>: <span class=\"hl-constant\">1</span> <span class=\"hl-comment\"># &lt;b&gt;</span>\n</code></pre></figure>\n"
        );
    }

    #[test]
    fn tables_and_links_into_the_program_work() {
        let html = html("| a | b |\n|---|---|\n| [lab](/labs/x) | [week](/weeks/3) |\n");
        assert!(html.contains("<div class=\"scroll\"><table>") && html.contains("href=\"/labs/x\"") && html.contains("href=\"/weeks/3\""), "{html}");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(inline("Set `replicas` to **2**.").to_string(), "Set <code>replicas</code> to <strong>2</strong>.");
        assert_eq!(inline("<b>").to_string(), "&lt;b&gt;");
    }
}
