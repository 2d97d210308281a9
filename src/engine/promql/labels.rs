//! Which labels the result of an expression has, as far as the expression says.
use promql_parser::label::MatchOp;
use promql_parser::parser::{Call, Expr, LabelModifier, VectorMatchCardinality};
use std::collections::BTreeSet;

/// Labels of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// These and no others.
    Just(BTreeSet<String>),
    /// Those of the series, which the expression doesn't say, but not these.
    AllBut(BTreeSet<String>),
}

impl Labels {
    fn unknown() -> Labels {
        Labels::AllBut(BTreeSet::new())
    }

    fn none() -> Labels {
        Labels::Just(BTreeSet::new())
    }

    pub fn may_have(&self, label: &str) -> bool {
        match self {
            Labels::Just(names) => names.contains(label),
            Labels::AllBut(names) => !names.contains(label),
        }
    }

    fn with<'n>(mut self, more: impl IntoIterator<Item = &'n String>) -> Labels {
        for name in more {
            match &mut self {
                Labels::Just(names) => drop(names.insert(name.clone())),
                Labels::AllBut(names) => drop(names.remove(name)),
            }
        }
        self
    }

    fn without<'n>(mut self, less: impl IntoIterator<Item = &'n String>) -> Labels {
        for name in less {
            match &mut self {
                Labels::Just(names) => drop(names.remove(name)),
                Labels::AllBut(names) => drop(names.insert(name.clone())),
            }
        }
        self
    }

    fn or(self, other: Labels) -> Labels {
        match (self, other) {
            (Labels::Just(a), Labels::Just(b)) => Labels::Just(a.union(&b).cloned().collect()),
            (Labels::AllBut(a), Labels::AllBut(b)) => Labels::AllBut(a.intersection(&b).cloned().collect()),
            (Labels::AllBut(not), Labels::Just(also)) | (Labels::Just(also), Labels::AllBut(not)) => {
                Labels::AllBut(not.difference(&also).cloned().collect())
            }
        }
    }
}

/// The labels of an expression's result. The tree is no deeper than `read` let its text be.
pub fn of(expr: &Expr) -> Labels {
    match expr {
        Expr::Paren(p) => of(&p.expr),
        Expr::Unary(u) => of(&u.expr),
        Expr::Subquery(s) => of(&s.expr),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Labels::none(),
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::Extension(_) => Labels::unknown(),
        Expr::Aggregate(a) => {
            // These keep whole series.
            if matches!(a.op.to_string().as_str(), "topk" | "bottomk" | "limitk" | "limit_ratio") {
                return of(&a.expr);
            }
            let counted = match a.param.as_deref() {
                Some(Expr::StringLiteral(s)) => Some(&s.val),
                _ => None,
            };
            let inner = of(&a.expr);
            let grouped = match &a.modifier {
                None => Labels::none(),
                Some(LabelModifier::Include(names)) => Labels::none().with(names.labels.iter().filter(|n| inner.may_have(n))),
                Some(LabelModifier::Exclude(names)) => inner.without(&names.labels),
            };
            grouped.with(counted)
        }
        Expr::Binary(b) => {
            let (left, right) = (of(&b.lhs), of(&b.rhs));
            if is_number(&b.lhs) {
                return right;
            }
            if is_number(&b.rhs) {
                return left;
            }
            let name = b.op.to_string();
            match name.as_str() {
                "or" => return left.or(right),
                "and" | "unless" => return left,
                _ => {}
            }
            let modifier = b.modifier.as_ref();
            match modifier.map(|m| &m.card) {
                Some(VectorMatchCardinality::ManyToOne(more)) => left.with(&more.labels),
                Some(VectorMatchCardinality::OneToMany(more)) => right.with(&more.labels),
                // A comparison that only filters keeps the left side's labels, an `on` that counts reduces them.
                _ => match modifier.and_then(|m| m.matching.as_ref()) {
                    Some(LabelModifier::Include(names)) => Labels::none().with(&names.labels),
                    Some(LabelModifier::Exclude(names)) => left.without(&names.labels),
                    None => left,
                },
            }
        }
        Expr::Call(call) => called(call),
    }
}

fn called(call: &Call) -> Labels {
    let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
    let text = |n: usize| match args.get(n) {
        Some(Expr::StringLiteral(s)) => Some(&s.val),
        _ => None,
    };
    match call.func.name {
        "scalar" | "vector" | "time" | "pi" => Labels::none(),
        "absent" | "absent_over_time" => match args.first() {
            Some(Expr::VectorSelector(v)) => equals(&v.matchers.matchers),
            Some(Expr::MatrixSelector(m)) => equals(&m.vs.matchers.matchers),
            _ => Labels::none(),
        },
        "histogram_quantile" => args.get(1).map_or_else(Labels::unknown, |a| of(a).without(&["le".to_string()])),
        "label_replace" | "label_join" => args.first().map_or_else(Labels::unknown, |a| of(a).with(text(1))),
        "info" => Labels::unknown(),
        "quantile_over_time" => args.get(1).map_or_else(Labels::unknown, |a| of(a)),
        _ => args.first().map_or_else(Labels::unknown, |a| of(a)),
    }
}

fn equals(matchers: &[promql_parser::label::Matcher]) -> Labels {
    Labels::Just(matchers.iter().filter(|m| m.op == MatchOp::Equal && m.name != "__name__").map(|m| m.name.clone()).collect())
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(p) => is_number(&p.expr),
        Expr::Unary(u) => is_number(&u.expr),
        Expr::NumberLiteral(_) => true,
        Expr::Call(c) => matches!(c.func.name, "scalar" | "time" | "pi"),
        Expr::Binary(b) => is_number(&b.lhs) && is_number(&b.rhs),
        _ => false,
    }
}
