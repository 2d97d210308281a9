//! A reader for tests.
use crate::engine::files::{File, Files};
use crate::engine::yaml::{Document, Entry, Node, Position, Span, Stream, Value};
use granit_parser::{Event, Parser, ScalarStyle};

pub fn files(parts: &[(&str, &str)]) -> Files {
    Files::new(parts.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect())
}

pub fn streams(files: &Files) -> Vec<Stream> {
    files.iter().map(|f| read(&f.path, std::str::from_utf8(&f.bytes).unwrap())).collect()
}

fn read(file: &str, text: &str) -> Stream {
    let events: Vec<_> = Parser::new_from_str(text).map(|e| e.unwrap()).filter(|(e, _)| !matches!(e, Event::Comment(..))).collect();
    let mut at = 0;
    let mut documents = Vec::new();
    while at < events.len() {
        if let Event::DocumentStart(..) = events[at].0 {
            at += 1;
            let root = node(&events, &mut at);
            documents.push(Document { file: file.into(), index: documents.len(), root });
        }
        at += 1;
    }
    Stream { documents, ..Stream::default() }
}

fn span(s: &granit_parser::Span) -> Span {
    let p = |m: &granit_parser::Marker| Position { line: m.line() as u32, column: m.col() as u32 + 1, offset: m.index() };
    Span { start: p(&s.start), end: p(&s.end) }
}

fn node(events: &[(Event<'_>, granit_parser::Span)], at: &mut usize) -> Node {
    let (event, s) = &events[*at];
    *at += 1;
    match event {
        Event::Scalar(text, style, ..) => {
            let plain = *style == ScalarStyle::Plain;
            let value = match text.as_ref() {
                "" | "null" | "~" if plain => Value::Null,
                "true" | "yes" | "on" if plain => Value::Bool(true),
                "false" | "no" | "off" if plain => Value::Bool(false),
                t if plain && t.parse::<i64>().is_ok() => Value::Int(t.parse().unwrap()),
                t if plain && t.starts_with(|c: char| c.is_ascii_digit()) && t.parse::<f64>().is_ok() => Value::Float(t.parse().unwrap()),
                t => Value::String(t.into()),
            };
            Node { span: span(s), value, plain }
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while !matches!(events[*at].0, Event::SequenceEnd) {
                items.push(node(events, at));
            }
            *at += 1;
            Node { span: span(s), value: Value::Seq(items), plain: false }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            while !matches!(events[*at].0, Event::MappingEnd) {
                let key = node(events, at);
                let value = node(events, at);
                let key_text = match &key.value {
                    Value::String(s) => s.clone(),
                    _ => key.value_text(),
                };
                entries.push(Entry { key: key_text, key_span: key.span, value });
            }
            *at += 1;
            Node { span: span(s), value: Value::Map(entries), plain: false }
        }
        other => panic!("{other:?}"),
    }
}

trait ValueText {
    fn value_text(&self) -> String;
}

impl ValueText for Node {
    fn value_text(&self) -> String {
        self.to_json().to_string()
    }
}
