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

#[test]
fn functions_come_to_what_terraform_console_says() {
    for (expression, wanted) in [
        ("base64encode(\"héllo\")", "\"aMOpbGxv\""),
        ("base64decode(\"aMOpbGxv\")", "\"héllo\""),
        ("can(base64decode(\"a\"))", "false"),
        ("base64gzip(\"a\")", "\"?\""),
        ("textencodebase64(\"Hi\", \"UTF-16LE\")", "\"SABpAA==\""),
        ("textdecodebase64(\"SABpAA==\", \"UTF-16LE\")", "\"Hi\""),
        ("base64sha256(\"a\")", "\"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=\""),
        ("md5(\"a\")", "\"0cc175b9c0f1b6a831c399e269772661\""),
        ("sha1(\"a\")", "\"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\""),
        ("sha256(\"a\")", "\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\""),
        ("substr(sha512(\"a\"), 0, 8)", "\"1f40fc92\""),
        ("uuidv5(\"dns\", \"www.terraform.io\")", "\"a5008fae-b28c-5ba5-96cd-82b4c53552d6\""),
        ("uuidv5(\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\", \"x\")", "\"05b16a01-46c6-56dd-bd6e-c6dfb4a1427a\""),
        ("urlencode(\"a b/ü&c+~-_.*\")", "\"a+b%2F%C3%BC%26c%2B~-_.%2A\""),
        ("formatdate(\"DD MMM YYYY hh:mm ZZZ\", \"2018-01-02T23:12:01Z\")", "\"02 Jan 2018 23:12 UTC\""),
        (
            "formatdate(\"EEE, D MMM YYYY H:mm:ss AA aa h HH 'o''clock' ZZZZZ Z ZZZZ M MM MMMM m s\", \"2018-01-02T23:12:01+05:30\")",
            "\"Tue, 2 Jan 2018 11:12:01 PM pm 23 11 o'clock +05:30 +05:30 +0530 1 01 January 12 1\"",
        ),
        ("formatdate(\"YYYY-MM-DD'T'hh:mm:ssZ\", \"2018-01-02T23:12:01Z\")", "\"2018-01-02T23:12:01Z\""),
        ("timeadd(\"2017-11-22T00:00:00Z\", \"10m\")", "\"2017-11-22T00:10:00Z\""),
        ("timeadd(\"2017-11-22T00:00:00+01:00\", \"-1h30m\")", "\"2017-11-21T22:30:00+01:00\""),
        ("timeadd(\"2017-11-22T00:00:00Z\", \"1.5h\")", "\"2017-11-22T01:30:00Z\""),
        ("timecmp(\"2017-11-22T00:00:00Z\", \"2017-11-22T01:00:00+01:00\")", "0"),
        (
            "yamlencode({ a = 1, b = \"x\", c = [1, 2, { d = true }], e = null, f = {}, g = [], h = \"true\" })",
            "\"\\\"a\\\": 1\\n\\\"b\\\": \\\"x\\\"\\n\\\"c\\\":\\n- 1\\n- 2\\n- \\\"d\\\": true\\n\\\"e\\\": null\\n\\\"f\\\": {}\\n\\\"g\\\": []\\n\\\"h\\\": \\\"true\\\"\\n\"",
        ),
        ("yamldecode(\"a: 1\\nb: [x, yes]\\nc: ~\\nd: {e: 1.5}\")", "{\"a\":1,\"b\":[\"x\",true],\"c\":null,\"d\":{\"e\":1.5}}"),
        ("csvdecode(\"a,b\\n1,2\\n3,\\\"x,y\\\"\\n\")", "[{\"a\":\"1\",\"b\":\"2\"},{\"a\":\"3\",\"b\":\"x,y\"}]"),
        ("coalescelist([], [1])", "[1]"),
        ("matchkeys([\"i-1\", \"i-2\", \"i-3\"], [\"a\", \"b\", \"a\"], [\"a\"])", "[\"i-1\",\"i-3\"]"),
        ("transpose({ a = [\"1\", \"2\"], b = [\"2\"] })", "{\"1\":[\"a\"],\"2\":[\"a\",\"b\"]}"),
        ("setproduct([\"a\", \"b\"], [1, 2])", "[[\"a\",1],[\"a\",2],[\"b\",1],[\"b\",2]]"),
        ("setproduct(toset([\"b\", \"a\"]), toset([\"c\"]))", "[[\"a\",\"c\"],[\"b\",\"c\"]]"),
        ("formatlist(\"%s-%d\", [\"a\", \"b\"], [1, 2])", "[\"a-1\",\"b-2\"]"),
        (
            "format(\"%5s|%-5s|%05.1f|%x|%X|%o|%b|%t|%#v|%v\", \"a\", \"b\", 3.14159, 255, 255, 8, 5, true, { a = 1 }, [1, \"x\"])",
            "\"    a|b    |003.1|ff|FF|10|101|true|{\\\"a\\\":1}|[1,\\\"x\\\"]\"",
        ),
        ("format(\"%+d % d %s\", 5, 5, 1.5)", "\"+5  5 1.5\""),
        ("can(format(\"%s\", \"a\", \"b\"))", "false"),
        ("replace(\"hello world\", \"/w(.*)d/\", \"<$1>\")", "\"hello <orl>\""),
        ("regexall(\"[a-z]+\", \"1234abcd5678efgh9\")", "[\"abcd\",\"efgh\"]"),
        ("cidrsubnet(\"fd00:fd12:3456:7890::/56\", 16, 162)", "\"fd00:fd12:3456:7800:a200::/72\""),
        ("cidrhost(\"10.12.112.0/20\", -1)", "\"10.12.127.255\""),
        ("cidrhost(\"fd00:fd12:3456:7890:00a2::/72\", 34)", "\"fd00:fd12:3456:7890::22\""),
        (
            "cidrsubnets(\"fd00:fd12:3456:7890::/56\", 16, 16, 16, 32)",
            "[\"fd00:fd12:3456:7800::/72\",\"fd00:fd12:3456:7800:100::/72\",\"fd00:fd12:3456:7800:200::/72\",\"fd00:fd12:3456:7800:300::/88\"]",
        ),
        ("jsonencode({ a = \"<b>&\" })", "\"{\\\"a\\\":\\\"\\\\u003cb\\\\u003e\\\\u0026\\\"}\""),
        ("dirname(\"/a\")", "\"/\""),
        ("range(10, 0, -3)", "[10,7,4,1]"),
        ("provider::aws::arn_parse(\"x\")", "\"?\""),
        ("templatefile(\"a\", {})", "\"?\""),
        ("md5(var.v)", "\"?\""),
    ] {
        assert_eq!(value(expression), wanted, "{expression}");
    }
}
