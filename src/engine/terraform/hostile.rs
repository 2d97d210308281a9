//! Hand-ins that want to hurt: each is read within its fuel, without a panic and without a deep stack.
use super::rules;
use super::*;
use crate::engine::File;

fn read(text: impl AsRef<[u8]>) -> Terraform {
    Terraform::read(&Files::new(vec![File { path: "main.tf".into(), bytes: text.as_ref().to_vec() }]))
}

/// Reads and asks everything there is to ask.
fn survives(text: impl AsRef<[u8]>) -> Terraform {
    let terraform = read(text);
    let _ = terraform.lint();
    let _ = terraform.json();
    for rule in rules::all() {
        let _ = terraform.rule(rule.id);
    }
    terraform
}

/// The fuel that evaluating a text takes.
fn used(text: &str) -> (u64, u64) {
    let source = Source::parse("main.tf", text.as_bytes()).unwrap_or_else(|p| panic!("{p:?}"));
    let fuel = Fuel::default();
    let _ = modules(&[source], &fuel);
    fuel.used()
}

#[test]
fn a_hundred_thousand_brackets() {
    for open in ["[", "(", "{a=", "\"${", "[for a in ", "!", "-", "a ? b : ", "1 + ", "f(", "a[", "x {"] {
        let terraform = survives(format!("locals {{\n  a = {}\n}}\n", open.repeat(100_000)));
        assert!(!terraform.rule("parses").is_empty(), "{open}");
    }
}

#[test]
fn a_huge_range_is_refused_and_not_made() {
    let terraform = survives("locals {\n  a = range(1e9)\n  b = [for x in range(1024) : [for y in range(1024) : [for z in range(1024) : z]]]\n}\n");
    assert!(terraform.spent);
    assert!(!terraform.rule("tf-refused").is_empty());
}

#[test]
fn texts_that_double_stop_growing() {
    let mut text = String::from("locals {\n  a0 = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n");
    for n in 0..40 {
        text += &format!("  a{} = \"${{local.a{n}}}${{local.a{n}}}\"\n", n + 1);
    }
    let terraform = survives(text + "}\n");
    assert!(terraform.spent);
    for bomb in [
        "join(\",\", [for i in range(1000) : join(\"x\", range(1000))])",
        "replace(replace(\"aaaaaaaaaaaaaaaa\", \"a\", \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"), \"\", \"bbbbbbbbbbbbbbbbbbb\")",
    ] {
        survives(format!("locals {{\n  a = {bomb}\n}}\n"));
    }
    let grown = format!("locals {{\n  a = {}\"a\"{}\n}}\n", "replace(".repeat(30), ", \"a\", \"aaaaaaaaaaaaaaaa\")".repeat(30));
    assert!(survives(grown).spent);
}

#[test]
fn lists_that_double_stop_growing() {
    let mut text = String::from("locals {\n  a0 = [1, 2, 3, 4]\n");
    for n in 0..60 {
        text += &format!("  a{} = [local.a{n}, local.a{n}]\n", n + 1);
    }
    text += "  all  = jsonencode(local.a60)\n  flat = flatten(local.a60)\n  same = local.a60 == local.a59\n}\n";
    assert!(survives(text).spent);
}

#[test]
fn locals_that_need_themselves_are_named_and_stay_unknown() {
    let terraform = survives("locals {\n  a = local.b\n  b = local.a\n  c = local.c\n  d = [local.d]\n}\n");
    let problems = terraform.rule("parses");
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn a_chain_of_locals_does_not_use_up_the_stack() {
    let mut text = String::from("locals {\n  a0 = 1\n");
    for n in 0..8_000 {
        text += &format!("  a{} = [local.a{n}]\n", n + 1);
    }
    survives(text + "}\n");
}

#[test]
fn a_billion_instances_are_refused() {
    let terraform = survives("resource \"aws_instance\" \"a\" {\n  count = 1e9\n}\n");
    assert!(terraform.rule("tf-refused").iter().any(|p| p.message.contains("1,000")));
    survives(
        "resource \"aws_instance\" \"a\" {\n  for_each = toset([for i in range(1000000000) : \"x\"])\n  dynamic \"x\" {\n    for_each = range(1e18)\n    content {}\n  }\n}\n",
    );
}

#[test]
fn loops_inside_of_loops_do_not_multiply_what_they_hold() {
    let (open, close) = ("dynamic \"x\" {\n  for_each = range(20)\n  content {\n", "}\n}\n");
    let inner = "a {\n}\n".repeat(20_000);
    survives(format!("resource \"a\" \"b\" {{\n{}{inner}{}}}\n", open.repeat(8), close.repeat(8)));
}

#[test]
fn addresses_that_are_passed_around_stay_few_and_short() {
    let mut text = format!("locals {{\n  a0 = [{}]\n", "aws_subnet.a.id, ".repeat(2_000));
    for n in 0..30 {
        text += &format!("  a{} = [local.a{n}, local.a{n}]\n", n + 1);
    }
    text += "  b0 = aws_x.y\n";
    for n in 0..5_000 {
        text += &format!("  b{} = local.b{n}.attribute\n", n + 1);
    }
    text += "}\nmodule \"m\" {\n  source = \"./m\"\n  a = local.a30\n}\n";
    survives(text);
}

#[test]
fn long_lines_and_bytes_that_are_no_text() {
    let line = format!("locals {{\n  a = \"{}\"\n}}\n", "x".repeat(1024 * 1024));
    assert!(!survives(line).rule("parses").is_empty());
    survives(format!("locals {{\n  a = \"{}\"\n}}\n", "ä".repeat(100_000)));
    assert!(!survives(b"\xff\xfe\x00a").rule("parses").is_empty());
    survives("\u{0}\u{0}\u{0}");
    survives("");
}

#[test]
fn patterns_that_explode_are_cut_off() {
    survives(
        "locals {\n  a = regex(\"(((a{1,100}){1,100}){1,100}){1,100}\", \"aaaa\")\n  b = can(regex(\"(\", \"a\"))\n  c = regexall(\"\", \"aaaa\")\n}\n",
    );
}

#[test]
fn modules_that_call_themselves_are_read_once() {
    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.into() };
    let call = "module \"a\" {\n  source = \"../a\"\n}\nmodule \"b\" {\n  source = \"../b\"\n}\n";
    let terraform = Terraform::read(&Files::new(vec![file("a/main.tf", call), file("b/main.tf", call)]));
    assert_eq!(terraform.modules.len(), 2);
    let _ = terraform.lint();
}

#[test]
fn an_ordinary_module_takes_little_of_its_fuel() {
    let (steps, bytes) = used(include_str!("../../../labs/06-cloud-terraform/gpu-ready-network/solution/compute.tf"));
    assert!(steps < 2_000 && bytes < 20_000, "{steps} steps, {bytes} bytes");
}
