//! What an expression refers to and which functions it calls, without evaluating it.
use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, TraversalOperator};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::{Directive, Element, Template};
use std::ops::Range;

/// What was found in an expression or a body.
#[derive(Default)]
pub struct Refs {
    /// `aws_subnet.private.id` as its names up to the first index, and its span.
    pub paths: Vec<(Vec<String>, Range<usize>)>,
    pub calls: Vec<Call>,
    bound: Vec<String>,
}

/// A function call.
pub struct Call {
    pub name: String,
    pub span: Range<usize>,
    /// Where the first argument stands, if there is one.
    pub first: Option<Range<usize>>,
    /// How many arguments there are.
    pub arguments: usize,
    /// Whether the last one, `list...`, stands for any number.
    pub expanded: bool,
}

impl Refs {
    pub fn of(e: &Expression) -> Refs {
        let mut refs = Refs::default();
        refs.expression(e);
        refs
    }

    /// Everything in a body but the attributes that `skip` names by the path of blocks to them.
    pub fn body(&mut self, body: &Body, path: &mut Vec<String>, skip: &dyn Fn(&[String]) -> bool) {
        for structure in body {
            match structure {
                Structure::Attribute(a) => {
                    path.push(a.key.as_str().to_owned());
                    if !skip(path) {
                        self.expression(&a.value);
                    }
                    path.pop();
                }
                Structure::Block(b) => {
                    let before = self.bound.len();
                    if b.ident.as_str() == "dynamic" {
                        self.bound.extend(b.labels.first().map(|l| l.as_str().to_owned()));
                        let iterator = b.body.get_attribute("iterator").map(|a| &a.value);
                        self.bound.extend(iterator.and_then(Expression::as_variable).map(|v| v.as_str().to_owned()));
                    }
                    path.push(b.ident.as_str().to_owned());
                    self.body(&b.body, path, skip);
                    path.pop();
                    self.bound.truncate(before);
                }
            }
        }
    }

    fn expression(&mut self, e: &Expression) {
        match e {
            Expression::Array(items) => items.iter().for_each(|e| self.expression(e)),
            Expression::Object(object) => {
                for (key, value) in object {
                    // A bare name as a key is text.
                    if let ObjectKey::Expression(e) = key {
                        self.expression(e);
                    }
                    self.expression(value.expr());
                }
            }
            Expression::StringTemplate(t) => self.template(t),
            Expression::HeredocTemplate(t) => self.template(&t.template),
            Expression::Parenthesis(inner) => self.expression(inner.inner()),
            Expression::Variable(name) => self.path(name.as_str(), &[], e.span()),
            Expression::Conditional(c) => [&c.cond_expr, &c.true_expr, &c.false_expr].into_iter().for_each(|e| self.expression(e)),
            Expression::FuncCall(call) => {
                let first = call.args.iter().next().and_then(Span::span);
                if call.name.namespace.is_empty() {
                    let span = call.name.name.span().or_else(|| e.span()).unwrap_or_default();
                    let (arguments, expanded) = (call.args.iter().count(), call.args.expand_final());
                    self.calls.push(Call { name: call.name.name.as_str().to_owned(), span, first, arguments, expanded });
                }
                call.args.iter().for_each(|e| self.expression(e));
            }
            Expression::Traversal(t) => {
                let steps: Vec<&TraversalOperator> = t.operators.iter().map(hcl_edit::Decorated::value).collect();
                match &t.expr {
                    Expression::Variable(name) => self.path(name.as_str(), &steps, e.span()),
                    other => self.expression(other),
                }
                for step in steps {
                    if let TraversalOperator::Index(e) = step {
                        self.expression(e);
                    }
                }
            }
            Expression::UnaryOp(op) => self.expression(&op.expr),
            Expression::BinaryOp(op) => {
                self.expression(&op.lhs_expr);
                self.expression(&op.rhs_expr);
            }
            Expression::ForExpr(each) => {
                self.expression(&each.intro.collection_expr);
                let before = self.bound.len();
                self.bound.push(each.intro.value_var.as_str().to_owned());
                self.bound.extend(each.intro.key_var.as_ref().map(|k| k.as_str().to_owned()));
                each.key_expr.iter().chain([&each.value_expr]).chain(each.cond.as_ref().map(|c| &c.expr)).for_each(|e| self.expression(e));
                self.bound.truncate(before);
            }
            Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => {}
        }
    }

    fn path(&mut self, root: &str, steps: &[&TraversalOperator], span: Option<Range<usize>>) {
        if self.bound.iter().any(|b| b == root) {
            return;
        }
        let names = steps.iter().map_while(|s| if let TraversalOperator::GetAttr(name) = s { Some(name.as_str().to_owned()) } else { None });
        let path = std::iter::once(root.to_owned()).chain(names).collect();
        self.paths.push((path, span.unwrap_or_default()));
    }

    fn template(&mut self, template: &Template) {
        for element in template {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(i) => self.expression(&i.expr),
                Element::Directive(d) => match &**d {
                    Directive::If(d) => {
                        self.expression(&d.if_expr.cond_expr);
                        self.template(&d.if_expr.template);
                        if let Some(other) = &d.else_expr {
                            self.template(&other.template);
                        }
                    }
                    Directive::For(d) => {
                        self.expression(&d.for_expr.collection_expr);
                        let before = self.bound.len();
                        self.bound.push(d.for_expr.value_var.as_str().to_owned());
                        self.bound.extend(d.for_expr.key_var.as_ref().map(|k| k.as_str().to_owned()));
                        self.template(&d.for_expr.template);
                        self.bound.truncate(before);
                    }
                },
            }
        }
    }
}
