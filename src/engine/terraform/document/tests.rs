//! What `document` makes of small inputs.
use crate::engine::terraform::Terraform;
use crate::engine::{File, Files};
use serde_json::json;

fn read(text: &str) -> Terraform {
    Terraform::read(&Files::new(vec![File { path: "main.tf".into(), bytes: text.into() }]))
}

const TEXT: &str = r#"
terraform {
  required_version = ">= 1.9"
  backend "s3" { encrypt = true }
}
resource "aws_vpc_endpoint" "s3" {
  service_name = "com.amazonaws.${var.region}.s3"
  size         = -3
  ids          = [aws_route_table.private.id, "x"]
  labels       = { "nvidia.com/gpu.present" = "true", (var.key) = 1.5 }
  note         = <<-EOT
    two
    lines
  EOT
}
resource "aws_launch_template" "gpu" {
  override { type = "a" }
  override { type = "b" }
}
moved {
  from = aws_eks_node_group.gpu[0]
  to   = aws_eks_node_group.gpu["batch"]
}
locals { a = 1 }
locals { b = timestamp() == "" ? 2 : 3 }
"#;

#[test]
fn the_shape_is_the_one_lab_authors_were_promised() {
    assert_eq!(
        read(TEXT).json(),
        json!({
            "terraform": { "required_version": ">= 1.9", "backend": { "s3": { "encrypt": true } } },
            "resource": {
                "aws_vpc_endpoint": { "s3": {
                    "service_name": "com.amazonaws.${var.region}.s3", "size": -3,
                    "ids": ["${aws_route_table.private.id}", "x"],
                    "labels": { "nvidia.com/gpu.present": "true", "${(var.key)}": 1.5 },
                    "note": "two\nlines\n",
                } },
                "aws_launch_template": { "gpu": { "override": [{ "type": "a" }, { "type": "b" }] } },
            },
            "moved": [{ "from": "${aws_eks_node_group.gpu[0]}", "to": "${aws_eks_node_group.gpu[\"batch\"]}" }],
            "locals": { "a": 1, "b": "${timestamp() == \"\" ? 2 : 3}" },
        })
    );
}

#[test]
fn a_pointer_has_a_place() {
    let terraform = read(TEXT);
    let place = |pointer| terraform.place_of(pointer).map(|p| (p.line, p.column, p.end_column));
    assert_eq!(place("/resource/aws_vpc_endpoint/s3/size"), Some((8, 18, 20)));
    assert_eq!(place("/resource/aws_launch_template/gpu/override/1/type"), Some((18, 21, 24)));
    assert_eq!(place("/resource/aws_vpc_endpoint/s3/labels"), Some((10, 3, 9)));
    assert_eq!(place("/resource/nothing"), None);
}
const VALUES: &str = r#"
variable "types" { default = ["g6.xlarge", "g5.xlarge"] }
variable "name" {}
locals {
  base = 1
  vpc  = aws_vpc.main.id
  tags = merge({ a = "b" }, { name = local.vpc })
}
resource "aws_autoscaling_group" "batch" {
  base   = local.base
  vpc    = local.vpc
  tags   = local.tags
  types  = var.types
  name   = "${local.base}-${var.name}-${local.vpc}-${timestamp()}"
  all    = [for t in var.types : upper(timestamp())]
  dynamic "override" {
    for_each = var.types
    content { type = override.value }
  }
  dynamic "tag" {
    for_each = data.aws_tags.all
    content { key = tag.key }
  }
  dynamic "none" {
    for_each = []
    content {}
  }
}
resource "aws_vpc" "one" {
  count = 1
  index = count.index
}
resource "aws_vpc" "two" {
  for_each = { a = 1, b = 2 }
  key      = each.key
}
resource "aws_vpc" "single" {
  for_each = { a = 1 }
  key      = each.key
}
"#;

#[test]
fn values_stand_for_what_they_come_to_and_what_is_unknown_for_itself() {
    let document = read(VALUES).json();
    assert_eq!(
        document["resource"]["aws_autoscaling_group"]["batch"],
        json!({
            "base": 1,
            "vpc": "${aws_vpc.main.id}",
            "tags": { "a": "b", "name": "${aws_vpc.main.id}" },
            "types": ["g6.xlarge", "g5.xlarge"],
            "name": "1-${var.name}-${aws_vpc.main.id}-${timestamp()}",
            "all": "${[for t in var.types : upper(timestamp())]}",
            "override": [{ "type": "g6.xlarge" }, { "type": "g5.xlarge" }],
            "tag": { "key": "${tag.key}" },
        })
    );
    assert_eq!(
        document["resource"]["aws_vpc"],
        json!({
            "one": { "count": 1, "index": 0 },
            "two": { "for_each": { "a": 1, "b": 2 }, "key": "${each.key}" },
            "single": { "for_each": { "a": 1 }, "key": "a" },
        })
    );
}

#[test]
fn a_value_stands_where_it_is_written() {
    let terraform = read(VALUES);
    let place =
        |pointer: &str| terraform.place_of(&format!("/resource/aws_autoscaling_group/batch{pointer}")).map(|p| (p.line, p.column, p.end_column));
    assert_eq!(place("/base"), Some((10, 12, 22)));
    assert_eq!(place("/types"), Some((13, 3, 8)));
    assert_eq!(place("/types/1"), Some((13, 12, 21)));
    assert_eq!(place("/override/1/type"), Some((18, 22, 36)));
    assert_eq!(place("/override/1"), Some((16, 3, 21)));
}
