//! The comments of a file, for whoever wants them: the reader itself leaves them out, which makes it faster.
use super::split::{self, Chunk};
use super::{Dialect, Position, Span, budget};
use granit_parser::{Event, Parser, ScalarStyle};

/// Comments in a row that the parser keeps while it looks ahead.
const IN_A_ROW: usize = 4096;

/// A document's comments, and those of the comments-only part before it.
#[derive(Debug, Clone, Default)]
pub struct Commented {
    /// Its first line and its last.
    pub lines: (u32, u32),
    /// Where each stands, from its `#` on, and what follows that.
    pub comments: Vec<(Span, String)>,
    /// First and last lines of scalars that go over several: no comment can stand within one.
    pub wide: Vec<(u32, u32)>,
}

/// The comments of every document, as far as it can be parsed. What is no text has none.
pub fn comments(bytes: &[u8], dialect: Dialect) -> Vec<Commented> {
    let Ok((text, _)) = split::text(bytes) else { return Vec::new() };
    if bytes.len() > budget::BYTES {
        return Vec::new();
    }
    let mut documents = Vec::new();
    let mut ahead: Option<Commented> = None;
    for chunk in split::chunks(text, dialect).into_iter().take(2 * budget::DOCUMENTS) {
        let mut read = of_chunk(chunk, dialect);
        if let Some(before) = ahead.take() {
            read.lines.0 = before.lines.0;
            read.comments.splice(0..0, before.comments);
        }
        if split::is_empty(chunk.text) {
            ahead = Some(read);
        } else {
            documents.push(read);
        }
    }
    documents.extend(ahead);
    documents
}

fn of_chunk(chunk: Chunk<'_>, dialect: Dialect) -> Commented {
    parsed(chunk, chunk.text, dialect).unwrap_or_else(|to_error| {
        // A tab that Kubernetes takes may stop the parser; with a blank in its stead nothing moves.
        if chunk.text.contains('\t') { parsed(chunk, &chunk.text.replace('\t', " "), dialect).unwrap_or_else(|read| read) } else { to_error }
    })
}

/// What was read, or what was read up to an error.
fn parsed(chunk: Chunk<'_>, text: &str, dialect: Dialect) -> Result<Commented, Commented> {
    let mut options = granit_parser::options! {
        disallow_directives: dialect == Dialect::Kubernetes,
        flow_nesting_limit: budget::DEPTH + 2,
        block_nesting_limit: budget::DEPTH + 2,
    };
    options.set_emit_comments(true);
    options.max_buffered_comment_events = IN_A_ROW;
    let position = |mark: granit_parser::Marker| Position {
        line: chunk.line + mark.line().max(1) as u32,
        column: mark.col() as u32 + 1,
        offset: chunk.offset + mark.byte_offset().unwrap_or_default(),
    };
    let last = chunk.line + split::lines(chunk.text).count().max(1) as u32;
    let mut read = Commented { lines: (chunk.line + 1, last), ..Commented::default() };
    let mut parser = Parser::new_from_str_with_options(text, options);
    loop {
        match parser.next_event() {
            None => return Ok(read),
            Some(Err(_)) => return Err(read),
            Some(Ok((event, span))) => {
                let span = Span { start: position(span.start), end: position(span.end) };
                match event {
                    Event::Comment(text, _) => read.comments.push((span, text.into_owned())),
                    Event::Scalar(_, style, ..) => {
                        // A block begins in the line of its `|` or `>`, above its text, and ends where the next line begins.
                        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                        let (above, below) = (u32::from(block), u32::from(block && span.end.column == 1));
                        let lines = (span.start.line - above, span.end.line - below);
                        if lines.0 < lines.1 {
                            read.wide.push(lines);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document's first and last lines, and its comments with their places.
    type Flat = ((u32, u32), Vec<(u32, u32, String)>);

    fn of(text: &str) -> Vec<Flat> {
        let flat = |c: Commented| (c.lines, c.comments.into_iter().map(|(at, text)| (at.start.line, at.start.column, text)).collect());
        comments(text.as_bytes(), Dialect::Kubernetes).into_iter().map(flat).collect()
    }

    #[test]
    fn a_hash_in_text_is_no_comment() {
        let text = "a: |\n  # no\n  x\nb: \"# no\" # one\nc: x#no\nd: 'é' # two\n";
        assert_eq!(of(text), [((1, 6), vec![(4, 11, " one".into()), (6, 8, " two".into())])]);
    }

    #[test]
    fn what_stands_before_the_dashes_belongs_to_the_document_after_them() {
        let text = "# a\n---\n# b\nx: 1\n--- # c\ny: 1\n# d\n---\n# e\n";
        let one = |line, column, text: &str| (line, column, format!(" {text}"));
        assert_eq!(
            of(text),
            [((1, 4), vec![one(1, 1, "a"), one(3, 1, "b")]), ((5, 7), vec![one(5, 5, "c"), one(7, 1, "d")]), ((8, 9), vec![one(9, 1, "e")])]
        );
    }

    #[test]
    fn many_comments_and_tabs_between_brackets_are_read() {
        let many = format!("a:\n{}  b: 1\n", "  # x\n".repeat(2_000));
        assert_eq!(of(&many)[0].1.len(), 2_000);
        assert_eq!(of("a: [1, # one\n\t2] # two\nb: 1 # three\n")[0].1.len(), 3);
    }

    #[test]
    fn scalars_over_several_lines_are_known() {
        let wide = |text: &str| comments(text.as_bytes(), Dialect::Kubernetes)[0].wide.clone();
        assert_eq!(wide("a: |\n  x\n  y\nb: 1\n"), [(1, 3)]);
        assert_eq!(wide("a: >-\n  x\n  y\nb: \"1\n  2\"\n"), [(1, 3), (4, 5)]);
    }
}
