//! What expressions come to: a table of them.
use super::build;
use super::fuel::Fuel;
use super::source::Source;
use super::value::Value;
use std::collections::BTreeMap;

const TYPED: &str = r#"
variable "pools" {
  type    = map(object({ min = optional(number, 0), spot = optional(bool, true), in = optional(object({ x = optional(number, 3) }), {}) }))
  default = { gpu = {}, cpu = { min = "2", spot = null, more = 1 } }
}
variable "set" {
  type    = set(string)
  default = ["b", "a", "b"]
}
variable "number" {
  type    = number
  default = "5"
}
variable "any" {
  type    = map(any)
  default = { a = 1, b = "x" }
}
variable "pair" {
  type    = tuple([string, bool])
  default = [1, "true"]
}
variable "odd" {
  type    = object({ a = string })
  default = {}
}
"#;

/// The value of `local.it` as JSON; unknown parts are `?`.
fn value(expression: &str) -> String {
    let text = format!(
        "{TYPED}variable \"v\" {{}}\nvariable \"d\" {{\n  default = [\"x\", \"y\"]\n}}\nlocals {{\n  m  = {{ a = 1, b = [2, 3] }}\n  it = {expression}\n}}\n"
    );
    let source = Source::parse("main.tf", text.as_bytes()).unwrap_or_else(|p| panic!("{expression}: {p:?}"));
    let fuel = Fuel::default();
    let module = build::module("", false, &[(0, &source)], &BTreeMap::new(), &fuel);
    let it: &Value = &module.locals["it"];
    it.to_json(&fuel).unwrap().to_string().replace('\u{fffc}', "?")
}

#[test]
fn expressions_come_to_what_terraform_says() {
    for (expression, wanted) in [
        ("1 + 2 * 3", "7"),
        ("-(4 % 3) < 0 && !false", "true"),
        ("\"a${1 + 1}b\"", "\"a2b\""),
        ("\"%{if true}yes%{else}no%{endif}\"", "\"yes\""),
        ("\"%{for x in [1, 2] ~} ${x},%{endfor}\"", "\" 1, 2,\""),
        ("var.v", "\"?\""),
        ("\"${var.v}-x\"", "\"?-x\""),
        ("var.v ? 1 : 2", "\"?\""),
        ("true || var.v", "true"),
        ("local.m.b[1]", "3"),
        ("local.m[\"a\"]", "1"),
        ("var.d[*]", "[\"x\",\"y\"]"),
        ("[{ n = 1 }, { n = 2 }][*].n", "[1,2]"),
        ("[for i, x in var.d : \"${i}${x}\" if x != \"x\"]", "[\"1y\"]"),
        ("{ for x in var.d : x => upper(x) }", "{\"x\":\"X\",\"y\":\"Y\"}"),
        ("{ for x in [\"aa\", \"ab\", \"b\"] : substr(x, 0, 1) => x... }", "{\"a\":[\"aa\",\"ab\"],\"b\":[\"b\"]}"),
        ("length(var.d) + length(\"äö\") + length(local.m)", "6"),
        ("concat([1], [2, 3])", "[1,2,3]"),
        ("merge(local.m, { a = 2 })", "{\"a\":2,\"b\":[2,3]}"),
        ("lookup(local.m, \"z\", \"d\")", "\"d\""),
        ("coalesce(null, \"\", \"x\")", "\"x\""),
        ("try(local.m.zz, \"fallback\")", "\"fallback\""),
        ("can(local.m.zz)", "false"),
        ("can(regex(\"^[a-z]+$\", \"abc\"))", "true"),
        ("can(var.v.x)", "\"?\""),
        ("jsonencode({ a = [1, \"x\"], b = null })", "\"{\\\"a\\\":[1,\\\"x\\\"],\\\"b\\\":null}\""),
        ("jsonencode({ a = var.v })", "\"{\\\"a\\\":\\\"?\\\"}\""),
        ("jsondecode(\"{\\\"a\\\": 1}\").a", "1"),
        ("format(\"%s-%03d-%d%%\", \"a\", 7, 9)", "\"a-007-9%\""),
        ("join(\",\", var.d)", "\"x,y\""),
        ("split(\",\", \"a,b\")", "[\"a\",\"b\"]"),
        ("toset([\"b\", \"a\", \"b\"])", "[\"a\",\"b\"]"),
        ("cidrsubnet(\"10.40.0.0/16\", 4, 1)", "\"10.40.16.0/20\""),
        ("cidrhost(\"10.0.0.0/24\", 5)", "\"10.0.0.5\""),
        ("cidrsubnets(\"10.0.0.0/16\", 4, 4, 8)", "[\"10.0.0.0/20\",\"10.0.16.0/20\",\"10.0.32.0/24\"]"),
        ("flatten([[1, [2]], 3])", "[1,2,3]"),
        ("range(3)", "[0,1,2]"),
        ("alltrue([for t in var.d : length(t) == 1])", "true"),
        ("contains(var.d, \"x\")", "true"),
        ("max(1, 5, 3)", "5"),
        ("max([1, 2]...)", "2"),
        ("timestamp()", "\"?\""),
        ("element(var.d, 3)", "\"y\""),
        ("one([])", "null"),
        ("trimprefix(\"ami-1\", \"ami-\")", "\"1\""),
        ("startswith(\"ami-1\", \"ami-\")", "true"),
        ("replace(\"a.b\", \".\", \"-\")", "\"a-b\""),
        ("keys(local.m)", "[\"a\",\"b\"]"),
        ("zipmap([\"a\"], [1])", "{\"a\":1}"),
        ("path.module", "\".\""),
        // Values are of the type that is declared for them.
        ("try(var.pools.gpu.min, 1)", "0"),
        ("lookup(var.pools.gpu, \"spot\", false)", "true"),
        ("var.pools.cpu", "{\"in\":{\"x\":3},\"min\":2,\"spot\":true}"),
        ("length(var.set)", "2"),
        ("var.number == 5", "true"),
        ("var.any", "{\"a\":\"1\",\"b\":\"x\"}"),
        ("var.pair", "[\"1\",true]"),
        ("var.odd", "\"?\""),
        // An item of a set is its own key.
        ("[for i, v in toset([\"x\"]) : i]", "[\"x\"]"),
        ("toset([10, 9, 1])", "[1,9,10]"),
        ("toset([true, \"a\", 1])", "[\"1\",\"a\",\"true\"]"),
        ("toset([\"a\"]) == [\"a\"]", "false"),
        ("toset([\"a\", \"b\"]) == setunion([\"b\"], [\"a\"])", "true"),
        ("try(toset([\"a\"])[0], \"none\")", "\"none\""),
        ("tolist(toset([\"b\", \"a\"]))[0]", "\"a\""),
        ("toset([\"b\", \"a\"])[*]", "[\"a\",\"b\"]"),
        ("toset([var.v])", "\"?\""),
    ] {
        assert_eq!(value(expression), wanted, "{expression}");
    }
}
