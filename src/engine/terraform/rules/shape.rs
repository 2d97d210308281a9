//! What `terraform validate` asks of a file's top level, provider or not: which blocks there are, their labels, and who may hold what.
use super::Look;
use crate::engine::kubernetes::words;
use crate::engine::terraform::intake;
use crate::engine::terraform::source::Source;
use hcl_edit::Span as _;
use hcl_edit::structure::{Attribute, Block, BlockLabel};
use std::ops::Range;

/// Blocks at the top of a file, each with what its labels are. After the Terraform 1.11 language.
const BLOCKS: [(&str, &[&str]); 13] = [
    ("terraform", &[]),
    ("provider", &["name"]),
    ("variable", &["name"]),
    ("locals", &[]),
    ("output", &["name"]),
    ("resource", &["type", "name"]),
    ("data", &["type", "name"]),
    ("ephemeral", &["type", "name"]),
    ("module", &["name"]),
    ("moved", &[]),
    ("import", &[]),
    ("removed", &[]),
    ("check", &["name"]),
];
const OF_VARIABLE: [&str; 6] = ["type", "default", "description", "sensitive", "nullable", "ephemeral"];
const OF_OUTPUT: [&str; 5] = ["value", "description", "sensitive", "depends_on", "ephemeral"];

/// Looks at every file of configuration.
pub fn check(look: &mut Look<'_>) {
    let sources = &look.terraform.sources;
    for (n, source) in sources.iter().enumerate().filter(|(_, s)| intake::is_configuration(&s.path)) {
        for attribute in source.body.attributes() {
            let message = format!("`{}` stands outside of any block; a file holds blocks alone.", attribute.key.as_str());
            found(look, n, attribute.key.span(), message, "A value to use elsewhere goes into `locals { … }`.");
        }
        for block in source.body.blocks() {
            top(look, n, source, block);
        }
    }
}

fn found(look: &mut Look<'_>, source: usize, span: Option<Range<usize>>, message: String, fix: &str) {
    let problem = look.at(source, &span.unwrap_or_default(), message);
    look.found(problem.fix(fix));
}

fn top(look: &mut Look<'_>, n: usize, source: &Source, block: &Block) {
    let kind = block.ident.as_str();
    let Some((_, wanted)) = BLOCKS.iter().find(|(name, _)| *name == kind) else {
        let near = words::nearest(kind, BLOCKS.iter().map(|(name, _)| *name)).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        return found(
            look,
            n,
            block.ident.span(),
            format!("There is no block `{kind}` at the top of a file{near}"),
            "Blocks of a file are resource, data, module, variable, output, locals, provider, terraform and a few more.",
        );
    };
    if block.labels.len() != wanted.len() {
        let asked = match wanted {
            [] => "none".to_owned(),
            wanted => wanted.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(" "),
        };
        let head = [kind.to_owned()].into_iter().chain(wanted.iter().map(|label| format!("\"{label}\""))).collect::<Vec<_>>().join(" ");
        let message = format!("`{kind}` has {} label{}; it takes {asked}.", block.labels.len(), if block.labels.len() == 1 { "" } else { "s" });
        return found(look, n, block.ident.span(), message, &format!("Write `{head} {{`."));
    }
    for label in &block.labels {
        let (text, span) = match label {
            BlockLabel::Ident(ident) => (ident.as_str(), ident.span()),
            BlockLabel::String(text) => (text.value().as_str(), text.span()),
        };
        if !is_name(text) {
            let message = format!("`{}` can't be a name.", source.slice(&span.clone().unwrap_or_default()).trim_matches('"'));
            found(look, n, span, message, "A name begins with a letter or `_` and goes on with letters, digits, `_` and `-`.");
        }
    }
    match kind {
        "variable" => only(look, n, block, &OF_VARIABLE),
        "output" => {
            only(look, n, block, &OF_OUTPUT);
            if block.body.get_attribute("value").is_none() {
                found(
                    look,
                    n,
                    block.ident.span(),
                    "This output has no `value`.".into(),
                    "Add `value = …`: what it gives to whoever calls the module.",
                );
            }
        }
        "resource" | "data" | "module" | "ephemeral" => {
            if let (Some(_), Some(second)) = (block.body.get_attribute("count"), block.body.get_attribute("for_each")) {
                found(
                    look,
                    n,
                    second.key.span(),
                    "`count` and `for_each` exclude each other.".into(),
                    "Keep `for_each` if the instances have names, `count` if they have only a number.",
                );
            }
        }
        _ => {}
    }
}

/// Attributes that a block doesn't know.
fn only(look: &mut Look<'_>, n: usize, block: &Block, known: &[&str]) {
    let unknown: Vec<&Attribute> = block.body.attributes().filter(|a| !known.contains(&a.key.as_str())).collect();
    for attribute in unknown {
        let name = attribute.key.as_str();
        let near = words::nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let message = format!("`{}` has no argument `{name}`{near}", block.ident.as_str());
        found(look, n, attribute.key.span(), message, &format!("It knows {}.", words::either(known.iter().copied())));
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
