//! Goes through every expression of a body, the outer before the inner, without evaluating any.
use hcl_edit::expr::{Expression, ObjectKey, TraversalOperator};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::{Directive, Element, Template};

/// Calls `each` with all expressions of a body but an object's keys, which have rules of their own.
pub fn body<'t>(body: &'t Body, each: &mut dyn FnMut(&'t Expression)) {
    for structure in body {
        match structure {
            Structure::Attribute(a) => expression(&a.value, each),
            Structure::Block(b) => self::body(&b.body, each),
        }
    }
}

/// Calls `each` with an expression and all that it holds.
pub fn expression<'t>(e: &'t Expression, each: &mut dyn FnMut(&'t Expression)) {
    each(e);
    match e {
        Expression::Array(items) => items.iter().for_each(|e| expression(e, each)),
        Expression::Object(object) => {
            for (key, value) in object {
                // A template as a key is how names are made of parts; what is inside of it counts.
                if let ObjectKey::Expression(key) = key {
                    inside(key, each);
                }
                expression(value.expr(), each);
            }
        }
        Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => inside(e, each),
        Expression::Parenthesis(inner) => expression(inner.inner(), each),
        Expression::Conditional(c) => [&c.cond_expr, &c.true_expr, &c.false_expr].into_iter().for_each(|e| expression(e, each)),
        Expression::FuncCall(call) => call.args.iter().for_each(|e| expression(e, each)),
        Expression::Traversal(t) => {
            expression(&t.expr, each);
            for step in &t.operators {
                if let TraversalOperator::Index(e) = step.value() {
                    expression(e, each);
                }
            }
        }
        Expression::UnaryOp(op) => expression(&op.expr, each),
        Expression::BinaryOp(op) => [&op.lhs_expr, &op.rhs_expr].into_iter().for_each(|e| expression(e, each)),
        Expression::ForExpr(f) => {
            expression(&f.intro.collection_expr, each);
            f.key_expr.iter().chain([&f.value_expr]).chain(f.cond.as_ref().map(|c| &c.expr)).for_each(|e| expression(e, each));
        }
        Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) | Expression::Variable(_) => {}
    }
}

/// What a template holds, or else the expression itself.
fn inside<'t>(e: &'t Expression, each: &mut dyn FnMut(&'t Expression)) {
    match e {
        Expression::StringTemplate(t) => template(t, each),
        Expression::HeredocTemplate(t) => template(&t.template, each),
        other => expression(other, each),
    }
}

fn template<'t>(template: &'t Template, each: &mut dyn FnMut(&'t Expression)) {
    for element in template {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(i) => expression(&i.expr, each),
            Element::Directive(d) => match &**d {
                Directive::If(d) => {
                    expression(&d.if_expr.cond_expr, each);
                    self::template(&d.if_expr.template, each);
                    if let Some(other) = &d.else_expr {
                        self::template(&other.template, each);
                    }
                }
                Directive::For(d) => {
                    expression(&d.for_expr.collection_expr, each);
                    self::template(&d.for_expr.template, each);
                }
            },
        }
    }
}
