//! Evaluates HCL's expressions as far as they are known, never at more cost than its fuel allows.
use super::fuel::Fuel;
use super::functions;
use super::value::{HOLE, Value, number};
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, FuncCall, Object, ObjectKey, Traversal, TraversalOperator, UnaryOperator};
use hcl_edit::template::{Directive, Element, Strip, Template};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Terraform would stop with an error here; what `try` and `can` are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong;

/// What a value is, or that there is none.
pub type Answer = Result<Value, Wrong>;

/// What names mean where an expression stands.
pub struct Scope<'a> {
    pub variables: &'a BTreeMap<String, Value>,
    pub locals: &'a BTreeMap<String, Value>,
    /// `each.key` and `each.value`.
    pub each: Option<(Value, Value)>,
    /// `count.index`.
    pub count: Option<Value>,
    /// Names that `for` and `dynamic` bind, the innermost last.
    pub bound: RefCell<Vec<(String, Value)>>,
    pub fuel: &'a Fuel,
}

impl Scope<'_> {
    /// The value, unknown where it can't be told or where Terraform would stop.
    pub fn value(&self, e: &Expression) -> Value {
        self.answer(e).unwrap_or_default()
    }

    pub fn answer(&self, e: &Expression) -> Answer {
        if !self.fuel.steps(1) {
            return Ok(Value::Unknown);
        }
        match e {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(b) => Ok(Value::Bool(**b)),
            Expression::Number(n) => Ok(n.as_f64().map_or(Value::Unknown, Value::Number)),
            Expression::String(text) => Ok(self.text(text.as_str())),
            Expression::Array(items) => items.iter().map(|e| self.answer(e)).collect::<Result<_, _>>().map(Value::list),
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(template) => self.template(template),
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template),
            Expression::Parenthesis(inner) => self.answer(inner.inner()),
            Expression::Variable(name) => Ok(self.bound(name.as_str()).unwrap_or_default()),
            Expression::Conditional(c) => match self.answer(&c.cond_expr)? {
                v if v.is_unknown() => Ok(Value::Unknown),
                v => self.answer(if v.as_bool().ok_or(Wrong)? { &c.true_expr } else { &c.false_expr }),
            },
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::UnaryOp(op) => {
                let value = self.answer(&op.expr)?;
                if value.is_unknown() {
                    return Ok(Value::Unknown);
                }
                match op.operator.value() {
                    UnaryOperator::Neg => value.as_number().map(|n| Value::Number(-n)).ok_or(Wrong),
                    UnaryOperator::Not => value.as_bool().map(|b| Value::Bool(!b)).ok_or(Wrong),
                }
            }
            Expression::BinaryOp(op) => self.binary(*op.operator.value(), &op.lhs_expr, &op.rhs_expr),
            Expression::ForExpr(each) => self.for_each(each),
        }
    }

    fn text(&self, text: &str) -> Value {
        if self.fuel.bytes(text.len()) { Value::text(text) } else { Value::Unknown }
    }

    fn bound(&self, name: &str) -> Option<Value> {
        self.bound.borrow().iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }

    /// Evaluates with names bound.
    pub fn with<T>(&self, names: Vec<(String, Value)>, then: impl FnOnce() -> T) -> T {
        let before = self.bound.borrow().len();
        self.bound.borrow_mut().extend(names);
        let result = then();
        self.bound.borrow_mut().truncate(before);
        result
    }

    fn object(&self, object: &Object) -> Answer {
        let mut entries = BTreeMap::new();
        for (key, value) in object {
            let name = match key {
                ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                ObjectKey::Expression(e) => match self.answer(e)? {
                    v if v.is_unknown() => return Ok(Value::Unknown),
                    v => v.shown().ok_or(Wrong)?,
                },
            };
            entries.insert(name, self.answer(value.expr())?);
        }
        Ok(Value::map(entries))
    }

    fn binary(&self, op: BinaryOperator, left: &Expression, right: &Expression) -> Answer {
        let (a, b) = (self.answer(left)?, self.answer(right)?);
        match op {
            BinaryOperator::Eq => return Ok(a.same(&b, self.fuel).map_or(Value::Unknown, Value::Bool)),
            BinaryOperator::NotEq => return Ok(a.same(&b, self.fuel).map_or(Value::Unknown, |same| Value::Bool(!same))),
            _ => {}
        }
        if a.is_unknown() || b.is_unknown() {
            return Ok(match (op, a.as_bool(), b.as_bool()) {
                (BinaryOperator::And, Some(false), _) | (BinaryOperator::And, _, Some(false)) => Value::Bool(false),
                (BinaryOperator::Or, Some(true), _) | (BinaryOperator::Or, _, Some(true)) => Value::Bool(true),
                _ => Value::Unknown,
            });
        }
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let (a, b) = (a.as_bool().ok_or(Wrong)?, b.as_bool().ok_or(Wrong)?);
            return Ok(Value::Bool(if op == BinaryOperator::And { a && b } else { a || b }));
        }
        let (a, b) = (a.as_number().ok_or(Wrong)?, b.as_number().ok_or(Wrong)?);
        let finite = |n: f64| if n.is_finite() { Ok(Value::Number(n)) } else { Err(Wrong) };
        match op {
            BinaryOperator::Plus => finite(a + b),
            BinaryOperator::Minus => finite(a - b),
            BinaryOperator::Mul => finite(a * b),
            BinaryOperator::Div => finite(a / b),
            BinaryOperator::Mod => finite(a % b),
            BinaryOperator::Less => Ok(Value::Bool(a < b)),
            BinaryOperator::LessEq => Ok(Value::Bool(a <= b)),
            BinaryOperator::Greater => Ok(Value::Bool(a > b)),
            BinaryOperator::GreaterEq => Ok(Value::Bool(a >= b)),
            _ => Ok(Value::Unknown),
        }
    }

    fn traversal(&self, t: &Traversal) -> Answer {
        let steps: Vec<&TraversalOperator> = t.operators.iter().map(hcl_edit::Decorated::value).collect();
        let Expression::Variable(root) = &t.expr else { return self.walk(self.answer(&t.expr)?, &steps) };
        if let Some(value) = self.bound(root.as_str()) {
            return self.walk(value, &steps);
        }
        let Some((TraversalOperator::GetAttr(name), rest)) = steps.split_first().map(|(first, rest)| (*first, rest)) else {
            return Ok(Value::Unknown);
        };
        let value = match (root.as_str(), name.as_str()) {
            ("var", name) => self.variables.get(name).cloned(),
            ("local", name) => self.locals.get(name).cloned(),
            ("each", "key") => self.each.as_ref().map(|e| e.0.clone()),
            ("each", "value") => self.each.as_ref().map(|e| e.1.clone()),
            ("count", "index") => self.count.clone(),
            ("path", "module" | "root" | "cwd") => Some(Value::text(".")),
            ("terraform", "workspace") => Some(Value::text("default")),
            ("each" | "count" | "path" | "terraform" | "self", _) => None,
            (root, name) => Some(self.called(format!("{root}.{name}"))),
        };
        self.walk(value.unwrap_or_default(), rest)
    }

    /// A value of which only the address is known.
    fn called(&self, address: String) -> Value {
        if self.fuel.bytes(address.len()) { Value::Of(address.into()) } else { Value::Unknown }
    }

    /// One step further in an address; unknown where the step is.
    fn step(&self, address: &str, step: &TraversalOperator) -> Answer {
        let key = match step {
            TraversalOperator::GetAttr(name) => return Ok(self.called(format!("{address}.{}", name.as_str()))),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => "*".to_owned(),
            TraversalOperator::LegacyIndex(i) => i.to_string(),
            TraversalOperator::Index(e) => match self.answer(e)? {
                Value::Number(n) => number(n),
                Value::Text(key) => serde_json::Value::from(&*key).to_string(),
                _ => return Ok(Value::Unknown),
            },
        };
        Ok(self.called(format!("{address}[{key}]")))
    }

    fn walk(&self, mut value: Value, steps: &[&TraversalOperator]) -> Answer {
        for (n, step) in steps.iter().enumerate() {
            if !self.fuel.steps(1) {
                return Ok(Value::Unknown);
            }
            if let Value::Of(address) = &value {
                value = self.step(address, step)?;
                continue;
            }
            if value.is_unknown() {
                return Ok(Value::Unknown);
            }
            value = match step {
                TraversalOperator::GetAttr(name) => value.entries().and_then(|m| m.get(name.as_str()).cloned()).ok_or(Wrong)?,
                TraversalOperator::LegacyIndex(i) => index(&value, &Value::Number(**i as f64))?,
                TraversalOperator::Index(e) => {
                    let key = self.answer(e)?;
                    index(&value, &key)?
                }
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    let rest = &steps[n + 1..];
                    let attributes = matches!(step, TraversalOperator::AttrSplat(_));
                    let taken = if attributes { rest.iter().take_while(|s| matches!(s, TraversalOperator::GetAttr(_))).count() } else { rest.len() };
                    let items = match &value {
                        Value::Null => Vec::new(),
                        Value::List(items) | Value::Set(items) => items.to_vec(),
                        other => vec![other.clone()],
                    };
                    let walked = items.into_iter().map(|v| self.walk(v, &rest[..taken])).collect::<Result<Vec<_>, _>>()?;
                    return self.walk(Value::list(walked), &rest[taken..]);
                }
            };
        }
        Ok(value)
    }

    fn for_each(&self, e: &ForExpr) -> Answer {
        let collection = self.answer(&e.intro.collection_expr)?;
        let pairs = match collection.pairs() {
            Some(pairs) => pairs,
            None if collection.is_unknown() => return Ok(Value::Unknown),
            None => return Err(Wrong),
        };
        let (mut list, mut map) = (Vec::new(), BTreeMap::<String, Vec<Value>>::new());
        for (key, value) in pairs {
            if !self.fuel.steps(1) {
                return Ok(Value::Unknown);
            }
            let mut names = vec![(e.intro.value_var.as_str().to_owned(), value)];
            if let Some(name) = &e.intro.key_var {
                names.push((name.as_str().to_owned(), key));
            }
            let made = self.with(names, || -> Result<Option<(Option<Value>, Value)>, Wrong> {
                if let Some(cond) = &e.cond {
                    match self.answer(&cond.expr)? {
                        v if v.is_unknown() => return Ok(Some((None, Value::Unknown))),
                        v if !v.as_bool().ok_or(Wrong)? => return Ok(None),
                        _ => {}
                    }
                }
                let key = e.key_expr.as_ref().map(|k| self.answer(k)).transpose()?;
                Ok(Some((key, self.answer(&e.value_expr)?)))
            })?;
            match made {
                None => {}
                Some((None, Value::Unknown)) if e.cond.is_some() || e.key_expr.is_some() => return Ok(Value::Unknown),
                Some((None, value)) => list.push(value),
                Some((Some(key), _)) if key.is_unknown() => return Ok(Value::Unknown),
                Some((Some(key), value)) => map.entry(key.shown().ok_or(Wrong)?).or_default().push(value),
            }
        }
        if e.key_expr.is_none() {
            return Ok(Value::list(list));
        }
        let single = |mut values: Vec<Value>| if values.len() == 1 { values.pop().ok_or(Wrong) } else { Err(Wrong) };
        let entries = map.into_iter().map(|(k, v)| Ok((k, if e.grouping { Value::list(v) } else { single(v)? })));
        entries.collect::<Result<_, _>>().map(Value::map)
    }

    fn call(&self, call: &FuncCall) -> Answer {
        if !call.name.namespace.is_empty() {
            return Ok(Value::Unknown);
        }
        let name = call.name.name.as_str();
        match name {
            "can" => return call.args.iter().next().map_or(Err(Wrong), |e| Ok(self.answer(e).map_or(Value::Bool(false), |v| certain(&v)))),
            "try" => return call.args.iter().map(|e| self.answer(e)).find(Result::is_ok).unwrap_or(Err(Wrong)),
            _ => {}
        }
        let mut args = call.args.iter().map(|e| self.answer(e)).collect::<Result<Vec<_>, _>>()?;
        if call.args.expand_final() {
            match args.pop() {
                Some(Value::List(items) | Value::Set(items)) => args.extend(items.iter().cloned()),
                Some(v) if v.is_unknown() => return Ok(Value::Unknown),
                _ => return Err(Wrong),
            }
        }
        functions::call(name, &args, self.fuel)
    }

    pub fn template(&self, template: &Template) -> Answer {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.answer(&only.expr);
        }
        let mut out = Text::default();
        self.append(template, &mut out)?;
        if !self.fuel.bytes(out.text.len()) {
            return Ok(Value::Unknown);
        }
        Ok(if out.holes { Value::Partly(out.text.into()) } else { Value::Text(out.text.into()) })
    }

    fn append(&self, template: &Template, out: &mut Text) -> Result<(), Wrong> {
        for element in template {
            if !self.fuel.steps(1) {
                out.hole();
                return Ok(());
            }
            match element {
                Element::Literal(text) => out.push(text.value(), self.fuel),
                Element::Interpolation(i) => {
                    out.strip(i.strip);
                    match self.answer(&i.expr)? {
                        Value::Unknown | Value::Of(_) => out.hole(),
                        Value::Partly(text) => {
                            out.push(&text, self.fuel);
                            out.holes = true;
                        }
                        value => out.push(&value.shown().ok_or(Wrong)?, self.fuel),
                    }
                    out.stripping = matches!(i.strip, Strip::End | Strip::Both);
                }
                Element::Directive(directive) => self.directive(directive, out)?,
            }
        }
        Ok(())
    }

    fn directive(&self, directive: &Directive, out: &mut Text) -> Result<(), Wrong> {
        match directive {
            Directive::If(d) => match self.answer(&d.if_expr.cond_expr)? {
                v if v.is_unknown() => out.hole(),
                v if v.as_bool().ok_or(Wrong)? => self.append(&d.if_expr.template, out)?,
                _ => {
                    if let Some(other) = &d.else_expr {
                        self.append(&other.template, out)?;
                    }
                }
            },
            Directive::For(d) => {
                let collection = self.answer(&d.for_expr.collection_expr)?;
                if collection.is_unknown() {
                    out.hole();
                    return Ok(());
                }
                for (key, value) in collection.pairs().ok_or(Wrong)? {
                    let mut names = vec![(d.for_expr.value_var.as_str().to_owned(), value)];
                    names.extend(d.for_expr.key_var.as_ref().map(|k| (k.as_str().to_owned(), key)));
                    self.with(names, || self.append(&d.for_expr.template, out))?;
                }
            }
        }
        Ok(())
    }
}

/// A text that is being made.
#[derive(Default)]
struct Text {
    text: String,
    holes: bool,
    stripping: bool,
}

impl Text {
    fn push(&mut self, text: &str, fuel: &Fuel) {
        let text = if std::mem::take(&mut self.stripping) { text.trim_start() } else { text };
        if fuel.bytes(text.len()) {
            self.text.push_str(text);
        } else {
            self.hole();
        }
    }

    fn strip(&mut self, strip: Strip) {
        if matches!(strip, Strip::Start | Strip::Both) {
            self.text.truncate(self.text.trim_end().len());
        }
    }

    fn hole(&mut self) {
        self.text.push(HOLE);
        self.holes = true;
    }
}

/// Whether `can` is sure: an unknown value might still turn out wrong.
fn certain(value: &Value) -> Value {
    if value.is_unknown() { Value::Unknown } else { Value::Bool(true) }
}

/// `value[key]`.
pub fn index(value: &Value, key: &Value) -> Answer {
    if value.is_unknown() || key.is_unknown() {
        return Ok(Value::Unknown);
    }
    match value {
        Value::Map(entries) => entries.get(&key.shown().ok_or(Wrong)?).cloned().ok_or(Wrong),
        Value::List(items) => {
            let n = key.as_number().filter(|n| n.fract() == 0.0 && *n >= 0.0 && *n < 1e9).ok_or(Wrong)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive and small: checked above")]
            let n = n as usize;
            items.get(n).cloned().ok_or(Wrong)
        }
        _ => Err(Wrong),
    }
}
