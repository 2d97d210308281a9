//! A page as a person meets it: its words, its links, and forms whose fields are known by their labels.
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub struct Page {
    pub url: String,
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub html: String,
    /// What can be read, with single spaces.
    pub text: String,
    pub title: String,
    /// Text and address.
    pub links: Vec<(String, String)>,
    pub forms: Vec<Form>,
}

#[derive(Debug, Clone, Default)]
pub struct Form {
    id: String,
    pub action: String,
    pub method: String,
    pub is_multipart: bool,
    pub fields: Vec<Field>,
    pub buttons: Vec<Button>,
}

#[derive(Debug, Clone, Default)]
pub struct Field {
    pub name: String,
    /// An input's type, or `select`, `textarea`.
    pub kind: String,
    pub id: String,
    pub label: String,
    pub value: String,
    pub is_chosen: bool,
    pub is_disabled: bool,
    /// A select's options: text and value.
    pub options: Vec<(String, String)>,
    pub files: Vec<(String, Vec<u8>)>,
    pub is_multiple: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Button {
    pub text: String,
    pub name: String,
    pub value: String,
    pub action: Option<String>,
    pub method: Option<String>,
    pub is_disabled: bool,
}

enum Token {
    Start(String, BTreeMap<String, String>),
    End(String),
    Text(String),
}

fn decode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').filter(|e| *e < 12);
        let decoded = end.and_then(|e| match &rest[1..e] {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some(' '),
            "hellip" => Some('…'),
            "middot" => Some('·'),
            n if n.starts_with("#x") => u32::from_str_radix(&n[2..], 16).ok().and_then(char::from_u32),
            n if n.starts_with('#') => n[1..].parse().ok().and_then(char::from_u32),
            _ => None,
        });
        match (decoded, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = text.find(|c: char| c.is_whitespace() || c == '=' || c == '/').unwrap_or(text.len());
        if end == 0 {
            return found;
        }
        let name = text[..end].to_lowercase();
        text = text[end..].trim_start();
        let mut value = "";
        if let Some(after) = text.strip_prefix('=') {
            let after = after.trim_start();
            match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let close = after[1..].find(quote).map_or(after.len() - 1, |i| i);
                    value = &after[1..=close];
                    text = after.get(close + 2..).unwrap_or("");
                }
                _ => {
                    let end = after.find(char::is_whitespace).unwrap_or(after.len());
                    (value, text) = after.split_at(end);
                }
            }
        }
        found.entry(name).or_insert_with(|| decode(value));
    }
}

/// Where a tag ends: a `>` outside quotes.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return i,
            _ => {}
        }
    }
    text.len()
}

fn tokens(html: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let Some(at) = rest.find('<') else {
            out.push(Token::Text(decode(rest)));
            break;
        };
        if at > 0 {
            out.push(Token::Text(decode(&rest[..at])));
            rest = &rest[at..];
        }
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, r)| r);
            continue;
        }
        let end = tag_end(rest);
        let inside = rest.get(1..end).unwrap_or("");
        rest = rest.get(end + 1..).unwrap_or("");
        if let Some(name) = inside.strip_prefix('/') {
            out.push(Token::End(name.trim().to_lowercase()));
        } else if !inside.starts_with(['!', '?']) {
            let split = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len());
            let name = inside[..split].to_lowercase();
            out.push(Token::Start(name.clone(), attributes(&inside[split..])));
            // The text of these is taken as it stands.
            if matches!(name.as_str(), "script" | "style" | "textarea" | "title") {
                let close = format!("</{name}");
                let at = rest.to_ascii_lowercase().find(&close).unwrap_or(rest.len());
                let text = &rest[..at];
                out.push(Token::Text(if matches!(name.as_str(), "script" | "style") { text.to_owned() } else { decode(text) }));
                rest = &rest[at..];
            }
        }
    }
    out
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements that stand inside a line: their borders part no words.
const INLINE: &[&str] = &["a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "sub", "sup", "time", "u"];

#[derive(Default)]
struct Reading {
    page: Page,
    text: String,
    /// Text collected since an element opened, with the element's name: link, button, label, option, title, textarea.
    open: Vec<(String, String)>,
    form: Option<usize>,
    loose: Vec<(String, Field)>,
    labels_for: Vec<(String, String)>,
    label: Option<(String, Vec<(usize, usize)>)>,
    in_fieldset_disabled: u32,
}

impl Reading {
    fn form_of(&mut self, attributes: &BTreeMap<String, String>) -> Option<usize> {
        match attributes.get("form") {
            Some(id) => self.page.forms.iter().position(|f| f.id == *id),
            None => self.form,
        }
    }

    fn start(&mut self, name: &str, attributes: &BTreeMap<String, String>) {
        let get = |key: &str| attributes.get(key).cloned().unwrap_or_default();
        if !INLINE.contains(&name) {
            self.text.push(' ');
        }
        match name {
            "form" => {
                self.page.forms.push(Form {
                    id: get("id"),
                    action: get("action"),
                    method: if get("method").is_empty() { "get".to_owned() } else { get("method").to_lowercase() },
                    is_multipart: get("enctype") == "multipart/form-data",
                    ..Form::default()
                });
                self.form = Some(self.page.forms.len() - 1);
            }
            "label" => {
                self.label = Some((get("for"), Vec::new()));
                self.open.push((name.to_owned(), String::new()));
            }
            "a" if attributes.contains_key("href") => {
                self.page.links.push((get("aria-label"), get("href")));
                self.open.push((name.to_owned(), String::new()));
            }
            "title" => self.open.push((name.to_owned(), String::new())),
            "input" | "textarea" | "select" => self.field(name, attributes),
            "option" => {
                self.open.push((name.to_owned(), String::new()));
                if let Some(field) = self.last_field() {
                    field.options.push((String::new(), attributes.get("value").cloned().unwrap_or_else(|| "\0".to_owned())));
                    if attributes.contains_key("selected") {
                        field.value = format!("\0{}", field.options.len() - 1);
                    }
                }
            }
            "button" if get("type") != "button" => {
                let button = Button {
                    text: get("aria-label"),
                    name: get("name"),
                    value: get("value"),
                    action: attributes.get("formaction").cloned(),
                    method: attributes.get("formmethod").map(|m| m.to_lowercase()),
                    is_disabled: attributes.contains_key("disabled"),
                };
                if let Some(form) = self.form_of(attributes) {
                    self.page.forms[form].buttons.push(button);
                    self.open.push((format!("button {form}"), String::new()));
                }
            }
            _ => {}
        }
    }

    fn last_field(&mut self) -> Option<&mut Field> {
        let form = self.form?;
        self.page.forms[form].fields.last_mut()
    }

    fn field(&mut self, name: &str, attributes: &BTreeMap<String, String>) {
        let get = |key: &str| attributes.get(key).cloned().unwrap_or_default();
        let kind = match name {
            "input" if get("type").is_empty() => "text".to_owned(),
            "input" => get("type").to_lowercase(),
            other => other.to_owned(),
        };
        let value = if matches!(kind.as_str(), "checkbox" | "radio") && !attributes.contains_key("value") { "on".to_owned() } else { get("value") };
        let Some(form) = self.form_of(attributes) else { return };
        if matches!(kind.as_str(), "submit" | "image") {
            let button = Button { text: value.clone(), name: get("name"), value, ..Button::default() };
            self.page.forms[form].buttons.push(button);
            return;
        }
        self.page.forms[form].fields.push(Field {
            name: get("name"),
            id: get("id"),
            label: get("aria-label"),
            value,
            is_chosen: attributes.contains_key("checked"),
            is_disabled: attributes.contains_key("disabled"),
            is_multiple: attributes.contains_key("multiple"),
            kind: kind.clone(),
            ..Field::default()
        });
        let field = self.page.forms[form].fields.len() - 1;
        if let Some((_, inside)) = &mut self.label {
            inside.push((form, field));
        }
        if kind == "textarea" {
            self.open.push((format!("textarea {form} {field}"), String::new()));
        }
    }

    fn words(&mut self, text: &str, hidden: bool) {
        for (_, collected) in &mut self.open {
            collected.push_str(text);
        }
        if !hidden {
            self.text.push_str(text);
        }
    }

    fn end(&mut self, name: &str) {
        if !INLINE.contains(&name) {
            self.text.push(' ');
        }
        if name == "form" {
            self.form = None;
        }
        let Some(at) = self.open.iter().rposition(|(n, _)| n.split(' ').next() == Some(name)) else { return };
        let (of, raw) = self.open.remove(at);
        let text = squeezed(&raw);
        match name {
            "title" => self.page.title = text,
            "a" => {
                if let Some(link) = self.page.links.iter_mut().rev().find(|l| l.0.is_empty()) {
                    link.0 = text;
                }
            }
            "button" => {
                let form: usize = of.split(' ').nth(1).and_then(|f| f.parse().ok()).unwrap_or(0);
                if let Some(button) = self.page.forms[form].buttons.last_mut()
                    && button.text.is_empty()
                {
                    button.text = text;
                }
            }
            "textarea" => {
                let mut at = of.split(' ').skip(1).filter_map(|n| n.parse::<usize>().ok());
                if let (Some(form), Some(field)) = (at.next(), at.next()) {
                    // A browser drops the line break right after the tag.
                    self.page.forms[form].fields[field].value = raw.strip_prefix('\n').unwrap_or(&raw).to_owned();
                }
            }
            "option" => {
                if let Some(option) = self.last_field().and_then(|f| f.options.last_mut()) {
                    if option.1 == "\0" {
                        option.1.clone_from(&text);
                    }
                    option.0 = text;
                }
            }
            "label" => {
                if let Some((id, inside)) = self.label.take() {
                    for (form, field) in &inside {
                        self.page.forms[*form].fields[*field].label.clone_from(&text);
                    }
                    if !id.is_empty() {
                        self.labels_for.push((id, text));
                    }
                }
            }
            _ => {}
        }
    }
}

impl Page {
    pub fn read(url: &str, status: u16, headers: axum::http::HeaderMap, html: String) -> Page {
        let mut reading = Reading::default();
        let mut unread = 0_u32;
        for token in tokens(&html) {
            match token {
                Token::Start(name, attributes) => {
                    if matches!(name.as_str(), "script" | "style" | "head" | "textarea") {
                        unread += 1;
                    }
                    reading.start(&name, &attributes);
                }
                Token::End(name) => {
                    if matches!(name.as_str(), "script" | "style" | "head" | "textarea") {
                        unread = unread.saturating_sub(1);
                    }
                    reading.end(&name);
                }
                Token::Text(text) => reading.words(&text, unread > 0),
            }
        }
        let mut page = reading.page;
        for (id, label) in reading.labels_for {
            for field in page.forms.iter_mut().flat_map(|f| &mut f.fields).filter(|f| f.id == id) {
                field.label.clone_from(&label);
            }
        }
        for field in page.forms.iter_mut().flat_map(|f| &mut f.fields).filter(|f| f.kind == "select") {
            let chosen: usize = field.value.strip_prefix('\0').and_then(|n| n.parse().ok()).unwrap_or(0);
            field.value = field.options.get(chosen).map(|o| o.1.clone()).unwrap_or_default();
        }
        Page { url: url.to_owned(), status, headers, text: squeezed(&reading.text), html, ..page }
    }

    /// The field with this label: exactly, else the first that begins with it.
    pub fn field(&mut self, label: &str) -> &mut Field {
        let labels: Vec<String> = self.forms.iter().flat_map(|f| &f.fields).map(|f| f.label.clone()).collect();
        let at = labels.iter().position(|l| l == label).or_else(|| labels.iter().position(|l| l.starts_with(label)));
        match at {
            Some(at) => self.forms.iter_mut().flat_map(|f| &mut f.fields).nth(at).unwrap(),
            None => panic!("no field is labelled {label:?} on {}; there are {labels:?}\n{}", self.url, self.text),
        }
    }

    /// The button with this text and its form: exactly, else the first that begins with it.
    pub fn button(&self, text: &str) -> (&Form, &Button) {
        let all = || self.forms.iter().flat_map(|f| f.buttons.iter().map(move |b| (f, b)));
        all().find(|(_, b)| b.text == text).or_else(|| all().find(|(_, b)| b.text.starts_with(text))).unwrap_or_else(|| {
            let there: Vec<&str> = all().map(|(_, b)| b.text.as_str()).collect();
            panic!("no button says {text:?} on {} ({}); there are {there:?}\n{}", self.url, self.status, self.text)
        })
    }

    pub fn link(&self, text: &str) -> &str {
        let links = &self.links;
        let found = links.iter().find(|l| l.0 == text).or_else(|| links.iter().find(|l| l.0.starts_with(text)));
        found.map_or_else(
            || panic!("no link says {text:?} on {}; there are {:?}", self.url, links.iter().map(|l| &l.0).collect::<Vec<_>>()),
            |l| l.1.as_str(),
        )
    }
}

#[test]
fn a_page_is_read_as_a_person_meets_it() {
    let html = r#"<!doctype html><title>A &amp; B</title><h1>Hand <b>in</b></h1><script>let hidden = "<p>";</script>
        <form method="post" action="/go" enctype="multipart/form-data"><label for="e">Email <small>yours</small></label><input id=e name='email' value="a&#34;b">
        <label><input type="checkbox" name="ok"> I agree</label><label for="z">Zone</label><select id="z" name="zone"><option>UTC<option value="B" selected>Berlin</option></select>
        <textarea name="t" aria-label="Text">
one &lt; two</textarea><button name="do" value="1">Hand in <span>now</span></button></form><a href="/x?a=1&amp;b=2">Next</a>"#;
    let mut page = Page::read("/", 200, axum::http::HeaderMap::new(), html.to_owned());
    assert_eq!(page.title, "A & B");
    assert!(page.text.contains("Hand in") && !page.text.contains("hidden"), "{}", page.text);
    assert_eq!(page.field("Email").value, "a\"b");
    assert_eq!(page.field("I agree").value, "on");
    assert_eq!(page.field("Zone").value, "B");
    assert_eq!(page.field("Text").value, "one < two");
    assert_eq!(page.button("Hand in now").1.name, "do");
    assert!(page.button("Hand in").0.is_multipart);
    assert_eq!(page.link("Next"), "/x?a=1&b=2");
}
