//! The parser's events made into a tree: types by the dialect, aliases and merges unfolded within the budget, duplicates found.
use super::budget::{self, Budget};
use super::mapping::Mapping;
use super::scalars::{self, Scalar, Tag};
use super::split::Chunk;
use super::{Dialect, Entry, Node, Position, Span, Value, tabs, words};
use crate::engine::report::{Problem, Severity};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StrInput, StructureStyle};
use std::borrow::Cow;
use std::collections::HashMap;

/// How often a document is read again for tabs between brackets.
const TRIES: u32 = 20;

/// What a file's documents share while they are read.
pub struct Reading<'a> {
    pub file: &'a str,
    pub dialect: Dialect,
    pub budget: Budget,
    pub problems: Vec<Problem>,
    pub notes: Vec<Problem>,
}

impl Reading<'_> {
    pub fn problem(&self, span: Span, message: impl Into<String>) -> Problem {
        Problem::new(message).at(span.place(self.file))
    }

    /// Keeps a problem, up to a hundred of them.
    pub fn tell(&mut self, problem: Problem) {
        if self.problems.len() < budget::TOLD {
            self.problems.push(problem);
        }
    }

    pub fn note(&mut self, span: Span, message: impl Into<String>) {
        if self.notes.len() < budget::TOLD {
            let note = Problem { severity: Severity::Info, ..self.problem(span, message) };
            self.notes.push(note);
        }
    }
}

/// Reads one document. `Err` is what made it impossible to go on; other problems are in `reading` by then.
pub fn document(chunk: Chunk<'_>, reading: &mut Reading<'_>) -> Result<Option<Node>, Problem> {
    if let Some(problem) = after_dashes(chunk, reading) {
        return Err(problem);
    }
    let mut options = granit_parser::options! {
        disallow_directives: reading.dialect == Dialect::Kubernetes,
        // Ours speak first; these are what stops the scanner itself.
        flow_nesting_limit: budget::DEPTH + 2,
        block_nesting_limit: budget::DEPTH + 2,
    };
    options.set_emit_comments(false);
    let (mut text, mut again) = (Cow::Borrowed(chunk.text), 0);
    loop {
        let (budget, told, noted) = (reading.budget.clone(), reading.problems.len(), reading.notes.len());
        let parser = Parser::new_from_str_with_options(&text, options.clone());
        let mut composer =
            Composer { parser, chunk, reading, anchors: HashMap::new(), open: Vec::new(), brackets: Vec::new(), tab_between: None, wide: Vec::new() };
        let read = composer.document();
        let (between, wide) = (composer.tab_between, composer.wide);
        let mended = between.filter(|_| again < TRIES).map(|bracket| tabs::blanked(&text, bracket.offset - chunk.offset));
        let Some(mended) = mended.filter(|m| *m != text) else {
            return read.and_then(|node| refuse_tabs(chunk, &wide, reading).map_or(Ok(node), Err));
        };
        // Read once more without the tabs between these brackets, as if this reading had not been.
        again += 1;
        text = Cow::Owned(mended);
        reading.budget = budget;
        reading.problems.truncate(told);
        reading.notes.truncate(noted);
    }
}

/// A tab in a line without content, which go-yaml takes only in quotes, in blocks and between brackets: `wide` has their first and last lines.
fn refuse_tabs(chunk: Chunk<'_>, wide: &[(u32, u32)], reading: &Reading<'_>) -> Option<Problem> {
    if reading.dialect == Dialect::Core {
        return None;
    }
    let first = Position { line: chunk.line + 1, column: 1, offset: chunk.offset };
    let tab = tabs::empty_lines(chunk.text).into_iter().map(|e| e.span(first)).find(|at| {
        let line = at.start.line;
        // The first that ends here or later: only this one may go over the line.
        let around = wide.get(wide.partition_point(|(_, to)| *to < line));
        around.is_none_or(|(from, _)| *from >= line)
    })?;
    let problem = reading.problem(tab, "there is a tab in this line, which is empty otherwise; Kubernetes refuses it");
    Some(problem.fix("remove the tab; most editors remove blanks at the ends of lines once told to"))
}

/// Kubernetes cuts files at lines that begin with `---` and refuses anything but a comment behind it.
fn after_dashes(chunk: Chunk<'_>, reading: &Reading<'_>) -> Option<Problem> {
    let rest = chunk.text.lines().next()?.strip_prefix("---")?;
    let said = rest.trim();
    if reading.dialect == Dialect::Core || said.is_empty() || said.starts_with('#') {
        return None;
    }
    let column = 4 + rest.chars().take_while(|c| c.is_whitespace()).count() as u32;
    let start = Position { line: chunk.line + 1, column, offset: chunk.offset + 3 };
    let end = Position { column: column + said.chars().count() as u32, ..start };
    Some(reading.problem(Span { start, end }, "only a comment may follow `---` in its line; begin the document in the next one"))
}

struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
    height: usize,
}

struct Composer<'c, 'r, 'a> {
    parser: Parser<'c, StrInput<'c>>,
    chunk: Chunk<'c>,
    reading: &'r mut Reading<'a>,
    anchors: HashMap<usize, Anchored>,
    /// Anchors whose value is still being read.
    open: Vec<usize>,
    /// Where the `[` and `{` that are still open stand.
    brackets: Vec<Position>,
    /// The outermost bracket around a tab that the parser can't take and go-yaml can.
    tab_between: Option<Position>,
    /// First and last lines of what goes over several, in the order of the file: quotes, blocks, brackets.
    wide: Vec<(u32, u32)>,
}

type Spanned<'c> = (Event<'c>, Span);

impl<'c> Composer<'c, '_, '_> {
    fn document(&mut self) -> Result<Option<Node>, Problem> {
        loop {
            match self.next()? {
                Some((Event::StreamStart | Event::DocumentStart(..), _)) => {}
                Some((Event::StreamEnd, _)) | None => return Ok(None),
                Some(event) => {
                    let node = self.node(event, 1)?;
                    self.rest()?;
                    return Ok(Some(node));
                }
            }
        }
    }

    /// What follows the document's value: nothing, or the reader would silently stop here.
    fn rest(&mut self) -> Result<(), Problem> {
        while let Some((event, span)) = self.next()? {
            if event.is_node() {
                return Err(self.reading.problem(span, "nothing is read after `...`: begin the next document with a line `---`"));
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Spanned<'c>>, Problem> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let span = Span { start: self.position(span.start), end: self.position(span.end) };
                Ok(Some((event, span)))
            }
            Some(Err(error)) => {
                let at = self.position(*error.marker());
                if self.reading.dialect == Dialect::Kubernetes && matches!(error.kind(), ErrorKind::TabInBlockIndentation) {
                    self.tab_between = self.brackets.first().copied();
                }
                Err(words::unreadable(&error, at, self.brackets.last().copied(), self.chunk, self.reading.file))
            }
        }
    }

    fn position(&self, mark: granit_parser::Marker) -> Position {
        Position {
            line: self.chunk.line + mark.line().max(1) as u32,
            column: mark.col() as u32 + 1,
            offset: self.chunk.offset + mark.byte_offset().unwrap_or_default(),
        }
    }

    fn node(&mut self, (event, span): Spanned<'c>, depth: usize) -> Result<Node, Problem> {
        self.reading.budget.nodes(1).map_err(|why| self.reading.problem(span, why))?;
        if depth > budget::DEPTH {
            return Err(self.reading.problem(span, format!("lists and mappings are nested deeper than {} here", budget::DEPTH)));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                if !plain {
                    self.goes_over(span);
                }
                let scalar = self.scalar(&text, tag.as_deref(), plain, span)?;
                let note = scalars::note(&text, &scalar, self.reading.dialect).filter(|_| plain && tag.is_none());
                if let Some(note) = note {
                    self.reading.note(span, note);
                }
                let value = scalar.value(self.reading.dialect).map_err(|why| self.reading.problem(span, why))?;
                let node = Node { span, value, plain: plain && tag.is_none() };
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::SequenceStart(style, anchor, _) => self.within(anchor, style, span, |own| own.sequence(style, span, depth)),
            Event::MappingStart(style, anchor, _) => self.within(anchor, style, span, |own| own.mapping(style, span, depth)),
            Event::Alias(id) => self.alias(id, span, depth),
            _ => Err(self.reading.problem(span, "a value is missing here")),
        }
    }

    fn scalar(&mut self, text: &str, tag: Option<&granit_parser::Tag>, plain: bool, span: Span) -> Result<Scalar, Problem> {
        // go-yaml v2 ends a plain scalar there, and then misses a comma.
        if plain && !self.brackets.is_empty() && self.reading.dialect == Dialect::Kubernetes && text.contains('?') {
            return Err(self
                .reading
                .problem(span, "Kubernetes can't read a `?` between brackets: put this value in quotes")
                .fix(format!("\"{text}\"")));
        }
        scalars::tagged(text, tag.map(Tag::of), plain, self.reading.dialect).map_err(|why| self.reading.problem(span, why))
    }

    fn within(
        &mut self,
        anchor: usize,
        style: StructureStyle,
        span: Span,
        read: impl FnOnce(&mut Self) -> Result<Node, Problem>,
    ) -> Result<Node, Problem> {
        self.open.push(anchor);
        if style == StructureStyle::Flow {
            self.brackets.push(span.start);
        }
        let node = read(self)?;
        self.open.pop();
        if style == StructureStyle::Flow {
            self.brackets.pop();
            self.goes_over(node.span);
        }
        self.remember(anchor, &node)?;
        Ok(node)
    }

    /// Keeps the lines of what is in quotes, a block or brackets, the outermost only.
    fn goes_over(&mut self, span: Span) {
        if self.brackets.is_empty() && span.start.line < span.end.line {
            self.wide.push((span.start.line, span.end.line));
        }
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Problem> {
        if anchor == 0 {
            return Ok(());
        }
        let (nodes, bytes, height) = measure(node);
        self.reading.budget.keep(nodes).map_err(|why| self.reading.problem(node.span, why))?;
        self.reading.budget.copy(bytes).map_err(|why| self.reading.problem(node.span, why))?;
        self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes, height });
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node, Problem> {
        let Some(anchored) = self.anchors.get(&id) else {
            let message = if self.open.contains(&id) {
                "this alias stands inside the value it repeats, which would never end"
            } else {
                "this alias has no anchor"
            };
            return Err(self.reading.problem(span, message));
        };
        let taken = self.reading.budget.nodes(anchored.nodes).and_then(|()| self.reading.budget.copy(anchored.bytes));
        taken.map_err(|why| self.reading.problem(span, why))?;
        if depth + anchored.height > budget::DEPTH + 1 {
            return Err(self
                .reading
                .problem(span, format!("lists and mappings are nested deeper than {} once this alias is unfolded", budget::DEPTH)));
        }
        Ok(Node { span, ..anchored.node.clone() })
    }

    fn sequence(&mut self, style: StructureStyle, span: Span, depth: usize) -> Result<Node, Problem> {
        let (mut items, mut span) = (Vec::<Node>::new(), span);
        while let Some((event, here)) = self.next()? {
            if event == Event::SequenceEnd {
                span.end = match items.last() {
                    Some(last) if style == StructureStyle::Block => last.span.end,
                    _ => here.end,
                };
                break;
            }
            let pair = matches!(event, Event::MappingStart(StructureStyle::Flow, 0, None));
            let item = self.node((event, here), depth + 1)?;
            items.push(if pair { self.unpaired(item) } else { item });
        }
        items.shrink_to_fit();
        Ok(Node { span, value: Value::Seq(items), plain: false })
    }

    fn mapping(&mut self, style: StructureStyle, span: Span, depth: usize) -> Result<Node, Problem> {
        let (mut mapping, mut span) = (Mapping::default(), span);
        while let Some((event, here)) = self.next()? {
            if event == Event::MappingEnd {
                if style == StructureStyle::Flow {
                    span.end = here.end;
                }
                break;
            }
            if is_merge(&event) {
                self.merge(&mut mapping, depth)?;
                continue;
            }
            let (mut key, mut key_span) = self.key(event, here, depth)?;
            let Some(next) = self.next()? else { break };
            let mut value = self.node(next, depth + 1)?;
            if let Some(colon) = self.glued(key_span).filter(|_| matches!(value.value, Value::Null)) {
                (key, key_span.end) = (key + ":", colon);
            }
            // An empty value stands where it is missed: behind its key, not on the next line.
            if matches!(value.value, Value::Null) && value.span.start.line > key_span.end.line && value.span.start == value.span.end {
                value.span = Span { start: key_span.end, end: key_span.end };
            }
            if style == StructureStyle::Block {
                span.start = if mapping.is_empty() { key_span.start } else { span.start };
                span.end = value.span.end;
            }
            if let Some(first) = mapping.put(Entry { key: key.clone(), key_span, value }) {
                self.reading.tell(words::duplicate(&key, first, key_span, self.reading.file));
            }
        }
        let mut entries = mapping.into_entries();
        entries.shrink_to_fit();
        Ok(Node { span, value: Value::Map(entries), plain: false })
    }

    /// The end of a `:` between brackets that belongs to the plain value before it: go-yaml v2 takes one that stands right
    /// before `,`, `]` or `}` for a letter.
    fn glued(&self, key: Span) -> Option<Position> {
        if self.brackets.is_empty() || self.reading.dialect == Dialect::Core {
            return None;
        }
        let text = self.chunk.text.as_bytes();
        let at = key.end.offset.checked_sub(self.chunk.offset)?;
        let plain = !matches!(text.get(at.checked_sub(1)?)?, b'"' | b'\'' | b' ' | b'\t' | b'\n' | b'\r');
        let glued = plain && text.get(at) == Some(&b':') && matches!(text.get(at + 1), Some(b',' | b']' | b'}'));
        glued.then(|| Position { column: key.end.column + 1, offset: key.end.offset + 1, ..key.end })
    }

    /// An item of a `[…]` that is a pair without braces: text after all, if its `:` belongs to it.
    fn unpaired(&self, item: Node) -> Node {
        let Value::Map(entries) = &item.value else { return item };
        let braced = self.chunk.text.as_bytes().get(item.span.start.offset.saturating_sub(self.chunk.offset)) == Some(&b'{');
        match entries.as_slice() {
            [Entry { key, key_span, value }] if !braced && key.ends_with(':') && value.span.start <= key_span.end => {
                Node { span: *key_span, value: Value::String(key.clone()), plain: true }
            }
            _ => item,
        }
    }

    /// A key as JSON will have it. One that JSON can't have is told, and reading goes on.
    fn key(&mut self, event: Event<'c>, span: Span, depth: usize) -> Result<(String, Span), Problem> {
        if let Event::Scalar(text, style, anchor, tag) = &event {
            self.reading.budget.nodes(1).map_err(|why| self.reading.problem(span, why))?;
            let plain = *style == ScalarStyle::Plain;
            let scalar = self.scalar(text, tag.as_deref(), plain, span)?;
            let node = Node { span, value: Value::String(text.to_string()), plain: plain && tag.is_none() };
            self.remember(*anchor, &node)?;
            if let Scalar::Bool(b) = scalar
                && plain
                && self.reading.dialect == Dialect::Kubernetes
                && text.as_ref() != b.to_string()
            {
                self.reading.note(span, format!("`{text}` is a boolean here, so the key becomes `{b}`: quote it if the word is meant"));
            }
            return match scalar.key(text, self.reading.dialect) {
                Ok(key) => Ok((key, span)),
                Err(why) => {
                    let problem = self.reading.problem(span, why);
                    self.reading.tell(problem);
                    Ok((text.to_string(), span))
                }
            };
        }
        let node = self.node((event, span), depth + 1)?;
        let key = match node.value {
            Value::String(s) => s,
            Value::Int(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Float(n) => n.to_string(),
            _ => {
                let problem = self.reading.problem(node.span, "a list or mapping can't be a key");
                self.reading.tell(problem);
                format!("?{}", node.span.start.offset)
            }
        };
        Ok((key, node.span))
    }

    /// `<<`: the entries of the mappings it names, put into this one.
    fn merge(&mut self, mapping: &mut Mapping, depth: usize) -> Result<(), Problem> {
        let Some((event, span)) = self.next()? else { return Ok(()) };
        let alias = event.is_alias();
        let node = self.node((event, span), depth + 1)?;
        let maps = match node.value {
            Value::Map(entries) => vec![entries],
            Value::Seq(items) if !alias => items
                .into_iter()
                .map(|item| match item.value {
                    Value::Map(entries) => Ok(entries),
                    _ => Err(self.reading.problem(item.span, "`<<` merges mappings; this is none")),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(self.reading.problem(node.span, "`<<` merges a mapping, or a list of mappings; this is neither")),
        };
        let taken = self.reading.budget.merge(maps.iter().map(Vec::len).sum());
        taken.map_err(|why| self.reading.problem(span, why))?;
        // Of several, the first one wins; go-yaml v2 lets a merge win even over keys above it.
        let wins = self.reading.dialect == Dialect::Kubernetes;
        let ordered: Vec<_> = if wins { maps.into_iter().rev().collect() } else { maps };
        for entry in ordered.into_iter().flatten() {
            if let Some(lost) = mapping.merge(entry, wins) {
                self.reading.note(lost.1, format!("`{}` is overwritten by the merge (`<<`) below it: Kubernetes lets the later one win", lost.0));
            }
        }
        Ok(())
    }
}

fn is_merge(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(Cow::Borrowed("<<"), ScalarStyle::Plain, _, None) => true,
        Event::Scalar(text, ScalarStyle::Plain, _, None) => text == "<<",
        Event::Scalar(text, _, _, Some(tag)) => text == "<<" && tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() == Some("merge"),
        _ => false,
    }
}

/// Nodes (keys included), bytes of text and levels of a value.
fn measure(node: &Node) -> (usize, usize, usize) {
    let join = |(n, b, h): (usize, usize, usize), child: &Node, key: usize| {
        let (cn, cb, ch) = measure(child);
        (n + cn + usize::from(key > 0), b + cb + key, h.max(ch + 1))
    };
    match &node.value {
        Value::String(s) => (1, s.len(), 1),
        Value::Seq(items) => items.iter().fold((1, 0, 1), |sum, item| join(sum, item, 0)),
        Value::Map(entries) => entries.iter().fold((1, 0, 1), |sum, e| join(sum, &e.value, e.key.len().max(1))),
        _ => (1, 0, 1),
    }
}
