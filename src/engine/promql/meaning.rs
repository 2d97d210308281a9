//! Expressions that Prometheus takes and that don't mean what they look like.
use super::metrics::{self, Type};
use super::tokens::{Kind, Token};
use super::{Fault, labels};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};

/// More of one expression tell nothing new.
const MOST: usize = 10;

/// What stands around a selector, as far as it decides what the selector may be.
#[derive(Clone, Copy, Default)]
struct Around {
    /// Of this kind of function a counter may stand alone: `count`, `absent`, a difference.
    counted: bool,
}

pub fn faults(expr: &Expr, tokens: &[Token<'_>]) -> Vec<Fault> {
    let mut looking = Looking { tokens, faults: Vec::new() };
    looking.walk(expr, Around::default());
    looking.names();
    looking.faults.truncate(MOST);
    looking.faults
}

struct Looking<'t> {
    tokens: &'t [Token<'t>],
    faults: Vec<Fault>,
}

impl Looking<'_> {
    /// Keeps a fault at the first word `name`; the tree doesn't say where its parts stand.
    fn found(&mut self, name: &str, fault: impl FnOnce(std::ops::Range<usize>) -> Fault) {
        let at = self.tokens.iter().find(|t| t.kind == Kind::Word && t.text == name).map_or(0..0, Token::at);
        let fault = fault(at);
        if !self.faults.iter().any(|f| f.message == fault.message) {
            self.faults.push(fault);
        }
    }

    /// The tree is no deeper than `read` let its text be.
    fn walk(&mut self, expr: &Expr, around: Around) {
        match expr {
            Expr::Paren(p) => self.walk(&p.expr, around),
            Expr::Unary(u) => self.walk(&u.expr, around),
            // The function over a subquery decides what its values are; counters in it have had theirs.
            Expr::Subquery(s) => self.walk(&s.expr, Around { counted: true }),
            Expr::Binary(b) => {
                let sign = b.op.to_string();
                // Two readings of a counter may be taken from one another, and a set operation only looks whether something is there.
                let counted = around.counted || sign == "-";
                self.walk(&b.lhs, Around { counted });
                self.walk(&b.rhs, Around { counted: counted || sign == "and" || sign == "unless" });
            }
            Expr::Aggregate(a) => {
                let counts = matches!(a.op.to_string().as_str(), "count" | "group" | "count_values");
                self.walk(&a.expr, Around { counted: around.counted || counts });
            }
            Expr::VectorSelector(v) => {
                let Some(name) = v.name.as_deref().filter(|_| !around.counted) else { return };
                if metrics::counts(name) {
                    self.found(name, |at| {
                        Fault::new(at, format!("`{name}` only ever grows: its value says how long the process has run, its `rate` what happens now"))
                            .instead(format!("rate({name}[5m])"))
                    });
                }
            }
            Expr::Call(call) => {
                let name = call.func.name;
                let args: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
                if matches!(name, "rate" | "irate" | "increase")
                    && let Some(Expr::MatrixSelector(m)) = args.first()
                    && let Some(metric) = m.vs.name.as_deref().filter(|m| metrics::is_gauge(m))
                {
                    self.found(name, |at| {
                        Fault::new(at, format!("`{name}` is for counters, and `{metric}` is a gauge: each time it falls is taken for a restart"))
                            .instead(if name == "increase" { "delta" } else { "avg_over_time" })
                    });
                }
                if name == "histogram_quantile" {
                    self.quantile(&args);
                }
                let counted = matches!(name, "absent" | "timestamp" | "scalar");
                for arg in args {
                    self.walk(arg, Around { counted: around.counted || counted });
                }
            }
            Expr::MatrixSelector(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    /// `histogram_quantile(φ, …)` over buckets.
    fn quantile(&mut self, args: &[&Expr]) {
        if let Some(Expr::NumberLiteral(n)) = args.first()
            && !(0.0..=1.0).contains(&n.val)
        {
            let said = n.val;
            self.found("histogram_quantile", |at| {
                Fault::new(at, format!("the quantile {said} isn't between 0 and 1")).fix("Write the 99th percentile as `0.99`.")
            });
        }
        let Some(of) = args.get(1).map(|a| bare(a)) else { return };
        let Some(name) = bucket(of) else { return };
        if let Expr::Aggregate(AggregateExpr { modifier, op, .. }) = of
            && !labels::of(of).may_have("le")
        {
            let op = op.to_string();
            let how = match modifier {
                Some(LabelModifier::Exclude(_)) => "takes `le` away",
                _ => "doesn't keep `le`",
            };
            self.found(&op, |at| {
                Fault::new(at, format!("`{op}` {how}: without it the buckets of `{name}` are one heap, and there is no quantile of it"))
                    .fix("Group by `le` too: `sum by (le) (rate(…_bucket[5m]))`.")
            });
        } else if is_raw(of) {
            self.found(&name, |at| {
                Fault::new(at, format!("the buckets of `{name}` count since the process began: take their `rate`"))
                    .instead(format!("rate({name}[5m])"))
            });
        }
    }

    /// Names of metrics that nobody gives, with one very near that somebody does.
    fn names(&mut self) {
        let tokens = self.tokens;
        let (mut braces, mut brackets) = (0_i32, 0_i32);
        for (n, token) in tokens.iter().enumerate() {
            match token.text {
                "{" => braces += 1,
                "}" => braces -= 1,
                "(" if n > 0
                    && ["by", "without", "on", "ignoring", "group_left", "group_right"]
                        .contains(&tokens[n - 1].text.to_ascii_lowercase().as_str()) =>
                {
                    brackets = 1;
                }
                ")" => brackets = 0,
                _ => {}
            }
            let called = tokens.get(n + 1).is_some_and(|t| t.text == "(");
            if token.kind != Kind::Word || braces > 0 || brackets > 0 || called {
                continue;
            }
            let name = token.text;
            if metrics::type_of(name) == Some(Type::Histogram) {
                self.found(name, |at| {
                    Fault::new(at, format!("`{name}` is a histogram: its series are `{name}_bucket`, `{name}_sum` and `{name}_count`"))
                        .instead(format!("{name}_bucket"))
                });
            } else if let Some(near) = metrics::meant(name) {
                self.found(name, |at| {
                    Fault::new(at, format!("nothing gives a metric `{}`; did you mean `{near}`?", super::tokens::shown(name))).instead(near)
                });
            }
        }
    }
}

fn bare(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let Expr::Paren(p) = expr {
        expr = &p.expr;
    }
    expr
}

/// The buckets that an expression is of, through rates and sums.
fn bucket(expr: &Expr) -> Option<String> {
    let name = match bare(expr) {
        Expr::VectorSelector(v) => v.name.clone(),
        Expr::MatrixSelector(m) => m.vs.name.clone(),
        Expr::Aggregate(a) => bucket(&a.expr),
        Expr::Call(c) => c.args.args.first().and_then(|a| bucket(a)),
        _ => None,
    };
    name.filter(|n| n.ends_with("_bucket"))
}

/// Buckets without a rate over them.
fn is_raw(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::VectorSelector(_) => true,
        Expr::Aggregate(a) => is_raw(&a.expr),
        _ => false,
    }
}
