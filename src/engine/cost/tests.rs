//! Estimates of whole configurations, and checks of kind `cost` over them.
use super::book::{Estimate, Whose};
use super::judge::{Ask, At, Saves, judge};
use super::{Money, estimate};
use crate::engine::terraform::Terraform;
use crate::engine::{File, Files};

const REGION: &str = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n";

fn files(all: &[(&str, &str)]) -> Files {
    Files::new(all.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect())
}

fn of(text: &str) -> Estimate {
    estimate(&Terraform::read(&files(&[("main.tf", &format!("{REGION}{text}"))])))
}

/// Lines as `address: count × what = month`.
fn lines(estimate: &Estimate) -> Vec<String> {
    let spot = |spot| if spot { " spot" } else { "" };
    estimate.lines.iter().map(|l| format!("{}: {} × {}{} = {}", l.address, l.count.now, l.what, spot(l.spot), l.month())).collect()
}

fn gaps(estimate: &Estimate) -> Vec<String> {
    estimate.gaps.iter().map(super::Gap::words).collect()
}

#[test]
fn machines_disks_and_addresses_are_priced_by_resource() {
    let e = of("resource \"aws_instance\" \"gpu\" {
  count                       = 2
  instance_type               = \"g6.xlarge\"
  associate_public_ip_address = true
  root_block_device {
    volume_type = \"gp3\"
    volume_size = 100
  }
}
resource \"aws_ebs_volume\" \"weights\" {
  size = 500
}
resource \"aws_nat_gateway\" \"a\" {
}
resource \"aws_eip\" \"nat\" {
  domain = \"vpc\"
}
resource \"aws_vpc\" \"v\" {
}
resource \"aws_s3_bucket\" \"w\" {
}");
    assert_eq!(
        lines(&e),
        [
            "aws_instance.gpu: 2 × g6.xlarge = $1,175.01",
            "aws_ebs_volume.weights: 1 × disk, gp2, 500 GiB = $50.00",
            "aws_nat_gateway.a: 1 × NAT gateway = $32.85",
            "aws_instance.gpu: 2 × disk, gp3, 100 GiB = $16.00",
            "aws_instance.gpu: 2 × public IPv4 address = $7.30",
            "aws_eip.nat: 1 × public IPv4 address = $3.65",
        ]
    );
    assert_eq!((e.total(), e.region.as_deref(), e.gaps.len()), (Money(1_284_808_000), Some("us-east-1"), 0));
    assert_eq!(e.lines[0].place.as_ref().map(|p| p.line), Some(6));
    assert!(e.asides.iter().any(|(address, _)| address == "aws_s3_bucket.w"));
}

const MIXED: &str = "resource \"aws_launch_template\" \"w\" {
  block_device_mappings {
    device_name = \"/dev/xvda\"
    ebs {
      volume_size = 200
      volume_type = \"gp3\"
    }
  }
}
resource \"aws_autoscaling_group\" \"batch\" {
  desired_capacity = 5
  min_size         = 0
  max_size         = 9
  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 1
      on_demand_percentage_above_base_capacity = 25
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.w.id
      }
      override {
        instance_type = \"g6.xlarge\"
      }
      override {
        instance_type = \"g5.xlarge\"
      }
      override {
        instance_type = \"g5.4xlarge\"
      }
    }
  }
}
";

#[test]
fn a_mixed_group_is_split_between_on_demand_and_spot_within_its_range() {
    let e = of(MIXED);
    assert_eq!(
        lines(&e),
        [
            "aws_autoscaling_group.batch: 2 × g6.xlarge = $1,175.01",
            "aws_autoscaling_group.batch: 3 × g5.xlarge spot = $954.84",
            "aws_autoscaling_group.batch: 5 × disk, gp3, 200 GiB = $80.00",
        ]
    );
    let bounds: Vec<_> = e.lines.iter().map(|l| (l.count.least, l.count.most)).collect();
    assert_eq!(bounds, [(0, Some(3)), (0, Some(6)), (0, Some(9))]);
    assert_eq!((e.least(), e.is_whole()), (Money(0), true));
    assert!(e.most().is_some_and(|m| m > e.total()));
}

#[test]
fn node_groups_count_as_they_start_and_say_what_was_taken_for_granted() {
    let e = of("resource \"aws_eks_cluster\" \"c\" {
}
resource \"aws_eks_node_group\" \"gpu\" {
  capacity_type  = \"SPOT\"
  instance_types = [\"g6.2xlarge\"]
  scaling_config {
    desired_size = 3
    min_size     = 1
    max_size     = 4
  }
}");
    assert_eq!(
        lines(&e),
        [
            "aws_eks_node_group.gpu: 3 × g6.2xlarge spot = $2,140.94",
            "aws_eks_cluster.c: 1 × control plane = $73.00",
            "aws_eks_node_group.gpu: 3 × disk, gp3, 20 GiB = $4.80",
        ]
    );
    assert!(e.assumed.iter().any(|a| a.contains("list price")), "{:?}", e.assumed);
}

#[test]
fn modules_count_as_often_as_they_are_called_in_the_region_they_are_given() {
    let e = estimate(&Terraform::read(&files(&[
        (
            "main.tf",
            "provider \"aws\" {\n  region = \"us-east-1\"\n}\nprovider \"aws\" {\n  alias  = \"eu\"\n  region = \"eu-west-1\"\n}\nmodule \"a\" {\n  count  = 2\n  source = \"./pool\"\n  providers = { aws = aws.eu }\n}\nresource \"aws_eip\" \"far\" {\n  provider = aws.eu\n}\nmodule \"vpc\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n",
        ),
        ("pool/main.tf", "resource \"aws_nat_gateway\" \"n\" {\n  for_each = toset([\"a\", \"b\", \"c\"])\n}\n"),
        ("unused/main.tf", "resource \"aws_instance\" \"x\" {\n  instance_type = \"p5.48xlarge\"\n}\n"),
    ])));
    assert_eq!(lines(&e), ["module.a.aws_nat_gateway.n: 6 × NAT gateway = $210.24", "aws_eip.far: 1 × public IPv4 address = $3.65"]);
    assert_eq!(gaps(&e), ["`module.vpc`, a module: what `terraform-aws-modules/vpc/aws` makes isn't part of the hand-in"]);
}

#[test]
fn what_is_not_known_is_said_and_never_counted_as_nothing() {
    let e = of("variable \"type\" {
}
variable \"n\" {
}
resource \"aws_instance\" \"a\" {
  instance_type = var.type
}
resource \"aws_instance\" \"b\" {
  count         = var.n
  instance_type = \"g6.xlarge\"
}
resource \"aws_instance\" \"c\" {
  instance_type = \"g6.3xlarge\"
}
resource \"aws_db_instance\" \"d\" {
}
resource \"aws_autoscaling_group\" \"e\" {
  desired_capacity = var.n
}
resource \"aws_instance\" \"f\" {
  instance_type = \"u7i-6tb.112xlarge\"
}
resource \"aws_instance\" \"g\" {
  instance_type = \"g6.xlarge\"
  dynamic \"ebs_block_device\" {
    for_each = var.n
    content {
      volume_size = 10
      volume_type = \"gp3\"
    }
  }
}");
    assert_eq!(
        gaps(&e),
        [
            "`aws_instance.a`, its instances: their type isn't known",
            "`aws_instance.b`, g6.xlarge: how many of it are made isn't known",
            "`aws_instance.c`, its instances: there is no type g6.3xlarge",
            "`aws_db_instance.d`, it: no price is known for this type",
            "`aws_autoscaling_group.e`, its instances: how many isn't known",
            "`aws_instance.f`, its instances: no price is known for u7i-6tb.112xlarge in us-east-1",
            "`aws_instance.g`, disks: how many there are isn't known",
        ]
    );
    assert_eq!(e.gaps.iter().filter(|g| g.whose == Whose::Ours).count(), 2);
}

#[test]
fn huge_counts_cost_no_more_time_than_small_ones() {
    let started = std::time::Instant::now();
    let e = of("resource \"aws_instance\" \"bomb\" {
  count         = 1e9
  instance_type = \"p5.48xlarge\"
}
resource \"aws_nat_gateway\" \"many\" {
  count = 25
}
resource \"aws_autoscaling_group\" \"g\" {
  desired_capacity = 1e300
  max_size         = 1e300
  launch_template {
    id = aws_launch_template.t.id
  }
}
resource \"aws_launch_template\" \"t\" {
  instance_type = \"g6.xlarge\"
}");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    let counts: Vec<u64> = e.lines.iter().map(|l| l.count.now).collect();
    assert_eq!(counts, [1_000_000_000_000_000, 1_000_000_000, 25]);
    assert_eq!((e.total(), e.most()), (Money(u64::MAX), Some(Money(u64::MAX))));
}

fn asks(below: Option<u64>, saves: Option<u32>, at: At) -> Ask {
    let baseline = files(&[("main.tf", &format!("{REGION}resource \"aws_instance\" \"b\" {{\n  instance_type = \"p4d.24xlarge\"\n}}\n"))]);
    Ask { monthly_below: below.map(|d| Money(d * 1_000_000)), saves: saves.map(|percent| Saves { percent, baseline }), at }
}

fn judged(ask: &Ask, text: &str) -> (Vec<String>, Option<String>, String) {
    let verdict = judge(ask, &Terraform::read(&files(&[("main.tf", text)])));
    (verdict.problems.into_iter().map(|p| p.message).collect(), verdict.open, verdict.passed)
}

#[test]
fn a_ceiling_and_a_saving_are_judged_with_the_dearest_lines() {
    let text = format!("{REGION}{MIXED}");
    let (problems, open, passed) = judged(&asks(Some(3000), Some(80), At::Start), &text);
    assert_eq!((problems.len(), open), (0, None), "{problems:?}");
    assert_eq!(passed, "It costs $2,210 a month, 86 % less than the $16,029 it is compared with.");
    let (problems, ..) = judged(&asks(Some(2000), Some(90), At::Start), &text);
    assert_eq!(
        problems,
        [
            "It costs $2,210 a month; it has to stay below $2,000.",
            "It costs $2,210 a month, 86 % less than the $16,029 it is compared with; 90 % are asked for.",
            "`aws_autoscaling_group.batch`: 2 × g6.xlarge at $0.8048 an hour is $1,175 a month.",
            "`aws_autoscaling_group.batch`: 3 × g5.xlarge on the spot market at $0.436 an hour is $955 a month.",
            "`aws_autoscaling_group.batch`: 5 × disk, gp3, 200 GiB at $0.08 a GiB and month is $80 a month.",
        ]
    );
    let (problems, ..) = judged(&asks(Some(3000), None, At::Largest), &text);
    assert!(problems[0].starts_with("It costs $3,816 a month at its largest; it has to stay below $3,000."), "{problems:?}");
}

#[test]
fn nothing_passes_by_being_absent_or_unknown() {
    let ask = asks(Some(100_000), None, At::Start);
    assert_eq!(judged(&ask, REGION).0, ["Nothing in what you handed in costs anything by the month."]);
    assert_eq!(judged(&ask, "").0, ["Nothing in what you handed in costs anything by the month."]);
    let (problems, open, _) = judged(&ask, &format!("{REGION}resource \"aws_db_instance\" \"d\" {{\n}}\n"));
    assert!(problems.is_empty() && open.is_some_and(|o| o.contains("aws_db_instance.d")));
    let (problems, ..) = judged(&ask, &format!("{REGION}variable \"t\" {{\n}}\nresource \"aws_instance\" \"d\" {{\n  instance_type = var.t\n}}\n"));
    assert_eq!(problems, ["What it costs can't be told: `aws_instance.d`, its instances: their type isn't known."]);
    let (problems, ..) = judged(&ask, "resource \"aws_eip\" \"e\" {\n}\n");
    assert_eq!(problems, ["In which region this is made isn't known, so its prices aren't either."]);
    let circle = files(&[
        ("main.tf", "module \"a\" {\n  source = \"./a\"\n}\n"),
        ("a/main.tf", "module \"a\" {\n  source = \"../a\"\n}\nresource \"aws_instance\" \"x\" {\n  instance_type = \"p5.48xlarge\"\n}\n"),
    ]);
    assert!(!judge(&ask, &Terraform::read(&circle)).problems.is_empty());
}
