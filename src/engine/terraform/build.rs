//! Makes modules of sources: values of variables, locals in the order of their needs, blocks for each instance.
use super::document::head;
use super::evaluate::Scope;
use super::fuel::Fuel;
use super::module::{Attribute, Block, Declared, Module, Reference};
use super::refs::Refs;
use super::source::Source;
use super::types::Type;
use super::value::Value;
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block as Tree, BlockLabel, Body, Structure};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// Instances of one block that are looked at: a rule learns nothing from more.
const INSTANCES: usize = 20;
/// A count beyond this asks for a machine park, not for a lab.
pub const REASONABLE: f64 = 1000.0;

/// What is known of a local's definition.
struct Local<'a> {
    expression: &'a Expression,
    needs: BTreeSet<String>,
    source: usize,
    key: Range<usize>,
}

/// One folder's module; `given` are the values that a caller passes.
pub fn module(dir: &str, called: bool, sources: &[(usize, &Source)], given: &BTreeMap<String, Value>, fuel: &Fuel) -> Module {
    let mut made = Module {
        dir: dir.to_owned(),
        called,
        blocks: Vec::new(),
        declared: Vec::new(),
        addresses: HashMap::new(),
        references: Vec::new(),
        calls: Vec::new(),
        variables: BTreeMap::new(),
        locals: BTreeMap::new(),
        cycles: Vec::new(),
        bombs: Vec::new(),
    };
    let none = BTreeMap::new();
    let plain = Scope { variables: &none, locals: &none, each: None, count: None, bound: RefCell::default(), fuel };
    let mut locals: BTreeMap<String, Local<'_>> = BTreeMap::new();
    for (n, source) in sources {
        for block in source.body.blocks() {
            declare(&mut made, *n, block);
            mention(&mut made, *n, block);
            match block.ident.as_str() {
                "variable" => {
                    let Some(name) = block.labels.first().map(|l| l.as_str().to_owned()) else { continue };
                    let value = match variable(&plain, block, given.get(&name)) {
                        Value::Unknown => Value::Of(format!("var.{name}").into()),
                        value => value,
                    };
                    made.variables.insert(name, value);
                }
                "locals" => {
                    for a in block.body.attributes() {
                        let needs = Refs::of(&a.value)
                            .paths
                            .into_iter()
                            .filter(|(p, _)| p.len() > 1 && p[0] == "local")
                            .map(|(mut p, _)| p.swap_remove(1))
                            .collect();
                        let key = a.key.span().unwrap_or_default();
                        locals.insert(a.key.as_str().to_owned(), Local { expression: &a.value, needs, source: *n, key });
                    }
                }
                _ => {}
            }
        }
    }
    settle(&mut made, locals, fuel);
    let mut blocks = Vec::new();
    let mut bombs = Vec::new();
    let scope = Scope { variables: &made.variables, locals: &made.locals, each: None, count: None, bound: RefCell::default(), fuel };
    for (n, source) in sources {
        for block in source.body.blocks() {
            instances(&scope, block, *n, &mut blocks, &mut bombs);
        }
    }
    for (n, declared) in made.declared.iter().enumerate() {
        made.addresses.entry(declared.address.clone()).or_insert(n);
    }
    made.blocks = blocks;
    made.bombs = bombs;
    made
}

/// What a variable holds: what is passed or else its default, as its type has it.
fn variable(scope: &Scope<'_>, block: &Tree, given: Option<&Value>) -> Value {
    let attribute = |name| block.body.get_attribute(name).map(|a| &a.value);
    let default = || attribute("default").map(|e| scope.value(e));
    let no_null = attribute("nullable").is_some_and(|e| scope.value(e).as_bool() == Some(false));
    let given = given.filter(|v| !(no_null && **v == Value::Null)).cloned();
    let value = given.or_else(default).unwrap_or_default();
    let fitting = match attribute("type") {
        None => value,
        Some(e) => Type::read(e, scope).map(|of| of.fit(value, scope.fuel)).unwrap_or_default(),
    };
    fitting.bounded(scope.fuel)
}

/// Evaluates locals, each after those it needs; what depends on itself stays unknown.
fn settle(made: &mut Module, mut waiting: BTreeMap<String, Local<'_>>, fuel: &Fuel) {
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for (name, local) in &waiting {
        let needs: Vec<&String> = local.needs.iter().filter(|n| waiting.contains_key(*n)).collect();
        open.insert(name.clone(), needs.len());
        needs.into_iter().for_each(|n| users.entry(n.clone()).or_default().push(name.clone()));
    }
    let mut ready: Vec<String> = open.iter().filter(|(_, n)| **n == 0).map(|(name, _)| name.clone()).collect();
    while let Some(name) = ready.pop() {
        let Some(local) = waiting.remove(&name) else { continue };
        let scope = Scope { variables: &made.variables, locals: &made.locals, each: None, count: None, bound: RefCell::default(), fuel };
        let value = scope.value(local.expression).bounded(fuel);
        made.locals.insert(name.clone(), value);
        for user in users.remove(&name).unwrap_or_default() {
            if let Some(n) = open.get_mut(&user) {
                *n -= 1;
                if *n == 0 {
                    ready.push(user);
                }
            }
        }
    }
    made.cycles = waiting.into_iter().map(|(name, local)| (name, local.source, local.key)).collect();
}

fn declare(made: &mut Module, source: usize, block: &Tree) {
    let labels: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
    let address = match (block.ident.as_str(), labels.as_slice()) {
        ("resource", [of, name]) => format!("{of}.{name}"),
        ("data" | "ephemeral", [of, name]) => format!("{}.{of}.{name}", block.ident.as_str()),
        ("variable", [name]) => format!("var.{name}"),
        (kind @ ("module" | "output"), [name]) => format!("{kind}.{name}"),
        ("locals", []) => {
            for a in block.body.attributes() {
                let span = a.key.span().unwrap_or_default();
                made.declared.push(Declared { address: format!("local.{}", a.key.as_str()), source, span, counted: false, for_each: false });
            }
            return;
        }
        // A data source may stand in a check.
        ("check", _) => return block.body.blocks().for_each(|b| declare(made, source, b)),
        _ => return,
    };
    let has = |name| block.body.get_attribute(name).is_some();
    made.declared.push(Declared { address, source, span: head(block), counted: has("count"), for_each: has("for_each") });
}

/// Attributes that name things without referring to them.
fn skipped(kind: &str, path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        (kind, path.as_slice()),
        ("variable", ["type"])
            | ("moved" | "removed" | "terraform", _)
            | ("import", ["to" | "provider"])
            | ("resource" | "data" | "ephemeral", ["provider"])
            | ("module", ["providers"])
            | (_, ["lifecycle", "ignore_changes"] | [.., "dynamic", "iterator"])
    )
}

fn mention(made: &mut Module, source: usize, block: &Tree) {
    let kind = block.ident.as_str();
    let labels: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
    let by = match kind {
        "resource" => labels.join("."),
        "variable" => format!("var.{}", labels.join(".")),
        "locals" => String::new(),
        _ => format!("{kind}.{}", labels.join(".")),
    };
    if kind == "locals" {
        for a in block.body.attributes() {
            note(made, source, &format!("local.{}", a.key.as_str()), Refs::of(&a.value));
        }
        return;
    }
    let mut refs = Refs::default();
    refs.body(&block.body, &mut Vec::new(), &|path| skipped(kind, path));
    note(made, source, &by, refs);
    if kind == "import"
        && let Some(to) = block.body.get_attribute("to")
    {
        note(made, source, &by, Refs::of(&to.value));
    }
}

fn note(made: &mut Module, source: usize, by: &str, refs: Refs) {
    made.calls.extend(refs.calls.into_iter().map(|c| (source, c)));
    made.references.extend(refs.paths.into_iter().map(|(path, span)| Reference { path, source, span, by: by.to_owned() }));
}

/// The block once for each instance that `count` or `for_each` makes of it.
fn instances(scope: &Scope<'_>, tree: &Tree, source: usize, into: &mut Vec<Block>, bombs: &mut Vec<(usize, Range<usize>)>) {
    let with = |each, count| {
        let bound = RefCell::default();
        let scope = Scope { each, count, bound, ..*scope };
        block(&scope, tree, source)
    };
    if let Some(a) = tree.body.get_attribute("count") {
        let count = scope.value(&a.value).as_number();
        if count.is_some_and(|n| n > REASONABLE) {
            bombs.push((source, a.value.span().unwrap_or_default()));
        }
        match count {
            None => into.push(Block { stands_for: None, ..with(None, Some(Value::Unknown)) }),
            Some(n) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped right here")]
                let n = n.clamp(0.0, 1e15) as u64;
                into.extend((0..n.min(INSTANCES as u64)).map(|i| with(None, Some(Value::Number(i as f64)))));
                stand_for(into, INSTANCES, n);
            }
        }
    } else if let Some(a) = tree.body.get_attribute("for_each") {
        let over = scope.value(&a.value);
        match over.pairs() {
            // Each of what is made from `aws_s3_bucket.many` stands for one of them.
            None => {
                let each = (Value::Unknown, if matches!(over, Value::Of(_)) { over } else { Value::Unknown });
                into.push(Block { stands_for: None, ..with(Some(each), None) });
            }
            Some(pairs) => {
                if pairs.len() as f64 > REASONABLE {
                    bombs.push((source, a.value.span().unwrap_or_default()));
                }
                let n = pairs.len() as u64;
                into.extend(pairs.into_iter().take(INSTANCES).map(|each| with(Some(each), None)));
                stand_for(into, INSTANCES, n);
            }
        }
    } else {
        into.push(block(scope, tree, source));
    }
}

/// The last of `looked_at` blocks stands for all that aren't looked at, of `n` in all.
fn stand_for(made: &mut [Block], looked_at: usize, n: u64) {
    if let (Some(last), Some(rest)) = (made.last_mut(), n.checked_sub(looked_at as u64).filter(|rest| *rest > 0)) {
        last.stands_for = Some(1 + rest);
    }
}

fn block(scope: &Scope<'_>, tree: &Tree, source: usize) -> Block {
    let mut made = Block {
        kind: tree.ident.as_str().to_owned(),
        labels: tree.labels.iter().map(|l| l.as_str().to_owned()).collect(),
        source,
        head: head(tree),
        attributes: Vec::new(),
        blocks: Vec::new(),
        stands_for: Some(1),
    };
    fill(scope, &tree.body, source, &mut made);
    made
}

fn fill(scope: &Scope<'_>, body: &Body, source: usize, made: &mut Block) {
    for structure in body {
        match structure {
            Structure::Attribute(a) => {
                let key = a.key.span().unwrap_or_default();
                let value = scope.value(&a.value);
                made.attributes.push(Attribute {
                    name: a.key.as_str().to_owned(),
                    span: a.value.span().unwrap_or_else(|| key.clone()),
                    key,
                    refs: Refs::of(&a.value).paths.into_iter().map(|(p, _)| p).chain(value.path()).collect(),
                    value,
                });
            }
            Structure::Block(inner) if inner.ident.as_str() == "dynamic" => dynamic(scope, inner, source, made),
            Structure::Block(inner) => made.blocks.push(block(scope, inner, source)),
        }
    }
}

/// A `dynamic` block becomes the blocks it makes.
fn dynamic(scope: &Scope<'_>, tree: &Tree, source: usize, made: &mut Block) {
    let before = made.blocks.len();
    let n = unfold(scope, tree, |kind, content| {
        let inner = block(scope, content, source);
        made.blocks.push(Block { kind: kind.to_owned(), head: head(tree), ..inner });
    });
    let made = &mut made.blocks[before..];
    match n {
        None => made.iter_mut().for_each(|b| b.stands_for = None),
        Some(n) => stand_for(made, made.len(), n),
    }
}

/// How much there is to look at in a body.
fn weight(body: &Body) -> usize {
    body.iter().map(|s| if let Structure::Block(b) = s { 1 + weight(&b.body) } else { 1 }).sum()
}

/// Calls `each` with the kind and the content of a `dynamic` block once for each block it makes, its iterator bound.
/// Says how many it makes, if that is known: more than are looked at, perhaps.
pub fn unfold<'t>(scope: &Scope<'_>, tree: &'t Tree, mut each: impl FnMut(&str, &'t Tree)) -> Option<u64> {
    let kind = tree.labels.first().map(BlockLabel::as_str)?;
    let content = tree.body.blocks().find(|b| b.ident.as_str() == "content")?;
    let iterator = tree.body.get_attribute("iterator").and_then(|a| a.value.as_variable()).map_or(kind, |v| v.as_str());
    let over = tree.body.get_attribute("for_each").map(|a| scope.value(&a.value)).unwrap_or_default();
    let pairs = over.pairs();
    let n = pairs.as_ref().map(|p| p.len() as u64);
    let values: Vec<Value> = match pairs {
        None => vec![Value::Unknown],
        Some(pairs) => pairs
            .into_iter()
            .take(INSTANCES)
            .map(|(key, value)| Value::map(BTreeMap::from([("key".to_owned(), key), ("value".to_owned(), value)])))
            .collect(),
    };
    let weight = weight(&content.body);
    for value in values {
        // Loops inside of loops multiply what they hold.
        if !scope.fuel.steps(weight) {
            return None;
        }
        scope.with(vec![(iterator.to_owned(), value)], || each(kind, content));
    }
    n
}
