//! Rules about how a configuration is written: spellings of older Terraform, and which file holds what.
use super::{Look, Rule};
use crate::engine::report::{Problem, Severity};
use crate::engine::terraform::{intake, walk};
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, TraversalOperator};
use hcl_edit::template::Element;

pub static DEPRECATED: Rule = Rule {
    id: "tf-deprecated",
    severity: Severity::Info,
    title: "Nothing is written as in older Terraform",
    why: "Old spellings stay in old answers on the web: they read like another language, and those that Terraform dropped stop `plan`.",
    fix: "Write it as Terraform has it since 0.12.",
    passes: r#"variable "names" {
  default = ["a"]
}

locals {
  map   = { a = 1 }
  first = var.names[0]
  one   = local.map["a"]
  two   = lookup(local.map, "b", 2)
  text  = "the ${var.names[0]}"
}
"#,
    fails: r#"variable "names" {
  default = ["a"]
}

locals {
  map   = { a = 1 }
  all   = "${var.names}"
  first = var.names.0
  one   = lookup(local.map, "a")
}
"#,
    check: deprecated,
};

fn deprecated(look: &mut Look<'_>) {
    let terraform = look.terraform;
    for (n, source) in terraform.sources.iter().enumerate().filter(|(_, s)| intake::is_configuration(&s.path)) {
        let mut found = Vec::new();
        walk::body(&source.body, &mut |e| found.extend(old(look, n, e)));
        found.into_iter().for_each(|p| look.found(p));
    }
}

fn old(look: &Look<'_>, n: usize, e: &Expression) -> Option<Problem> {
    let source = look.terraform.sources.get(n)?;
    let span = e.span()?;
    match e {
        Expression::StringTemplate(template) => {
            let Element::Interpolation(only) = template.as_single_element()? else { return None };
            let inner = source.slice(&only.expr.span()?);
            let problem = look.at(n, &span, "This text is one expression and nothing else.");
            Some(problem.fix(changed(look, n, &span, inner)))
        }
        Expression::Traversal(t) => {
            let index = t.operators.iter().find_map(|s| if let TraversalOperator::LegacyIndex(i) = s.value() { Some(**i) } else { None })?;
            let written = source.slice(&span);
            let problem = look.at(n, &span, format!("An index is written in brackets, not as `.{index}`."));
            Some(problem.fix(changed(look, n, &span, &written.replacen(&format!(".{index}"), &format!("[{index}]"), 1))))
        }
        Expression::FuncCall(call) if call.name.namespace.is_empty() => {
            let args: Vec<&str> = call.args.iter().filter_map(|a| Some(source.slice(&a.span()?))).collect();
            match (call.name.name.as_str(), args.as_slice()) {
                ("lookup", [map, key]) if !call.args.expand_final() => {
                    let problem = look.at(n, &span, "`lookup` without a default does what an index does.");
                    Some(problem.fix(changed(look, n, &span, &format!("{map}[{key}]"))))
                }
                ("list", args) => {
                    let problem = look.at(n, &span, "The function `list` is gone since Terraform 0.12.");
                    Some(problem.fix(changed(look, n, &span, &format!("[{}]", args.join(", ")))))
                }
                ("map", args) => {
                    let pairs: Vec<String> = args.chunks(2).map(|pair| pair.join(" = ")).collect();
                    let problem = look.at(n, &span, "The function `map` is gone since Terraform 0.12.");
                    Some(problem.fix(changed(look, n, &span, &format!("{{ {} }}", pairs.join(", ")))))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The lines of a span with other text in its place, as a diff.
fn changed(look: &Look<'_>, n: usize, span: &std::ops::Range<usize>, to: &str) -> String {
    let Some(source) = look.terraform.sources.get(n) else { return to.to_owned() };
    let old: String = source.whole_lines(span).lines().map(|l| format!("-{l}\n")).collect();
    let (before, after) = source.around(span);
    format!("{old}+{before}{to}{after}")
}

pub static STRUCTURE: Rule = Rule {
    id: "tf-structure",
    severity: Severity::Info,
    title: "Variables and outputs have files of their own",
    why: "Whoever calls a module opens variables.tf and outputs.tf and nothing else: what stands elsewhere is found by an error.",
    fix: "Move variables to variables.tf and outputs to outputs.tf.",
    passes: "resource \"aws_sqs_queue\" \"jobs\" {\n}\n",
    fails: "variable \"name\" {\n  type = string\n}\n\nresource \"aws_sqs_queue\" \"jobs\" {\n  name = var.name\n}\n",
    check: structure,
};

fn structure(look: &mut Look<'_>) {
    let terraform = look.terraform;
    for module in look.modules() {
        for block in &module.blocks {
            // A large module has variables-gpu.tf beside variables.tf.
            let (home, word) = match block.kind.as_str() {
                "variable" => ("variables.tf", "variable"),
                "output" => ("outputs.tf", "output"),
                _ => continue,
            };
            let file = terraform.sources.get(block.source).map_or("", |s| s.path.rsplit('/').next().unwrap_or_default());
            if !file.contains(word) {
                let problem = look.on(block, format!("`{}` stands in {file}, not in {home}.", block.address()));
                look.found(problem.fix(format!("Move it to {home}.")));
            }
        }
    }
}
