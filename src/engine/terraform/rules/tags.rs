//! Rules about tags: who owns what, and who pays for it.
use super::purpose::{defaults, plain};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::module::Block;
use crate::engine::terraform::value::Value;

/// A tag that is asked for, and the names it goes by, as `plain` writes them.
struct Wanted {
    name: &'static str,
    also: &'static [&'static str],
}

const PROJECT: Wanted = Wanted { name: "Project", also: &["project", "projectname", "application", "app", "service", "product", "workload"] };
const OWNER: Wanted = Wanted { name: "Owner", also: &["owner", "team", "contact", "owneremail", "maintainer", "student"] };
const ENVIRONMENT: Wanted = Wanted { name: "Environment", also: &["environment", "env", "stage", "environmentname"] };
const COST: Wanted = Wanted { name: "CostCenter", also: &["costcenter", "costcentre", "cc", "billingcode", "budget", "chargecode"] };

/// The names of those that a map lacks; none where it isn't known.
fn missing(wanted: &[&Wanted], maps: &[&Value]) -> Vec<&'static str> {
    if maps.iter().any(|m| m.is_unknown()) {
        return Vec::new();
    }
    let keys: Vec<String> = maps.iter().filter_map(|m| m.entries()).flat_map(|m| m.keys().map(|k| plain(k))).collect();
    wanted.iter().filter(|w| !keys.iter().any(|k| w.also.contains(&k.as_str()))).map(|w| w.name).collect()
}

/// Resources that cost money or hold data and take `tags`, as the AWS provider documents them.
const TAGGED: [&str; 33] = [
    "aws_instance",
    "aws_launch_template",
    "aws_spot_instance_request",
    "aws_ebs_volume",
    "aws_eip",
    "aws_nat_gateway",
    "aws_vpc",
    "aws_subnet",
    "aws_vpc_endpoint",
    "aws_eks_cluster",
    "aws_eks_node_group",
    "aws_ecs_cluster",
    "aws_ecr_repository",
    "aws_s3_bucket",
    "aws_efs_file_system",
    "aws_fsx_lustre_file_system",
    "aws_db_instance",
    "aws_rds_cluster",
    "aws_dynamodb_table",
    "aws_elasticache_replication_group",
    "aws_opensearch_domain",
    "aws_lb",
    "aws_sqs_queue",
    "aws_sns_topic",
    "aws_kms_key",
    "aws_lambda_function",
    "aws_secretsmanager_secret",
    "aws_cloudwatch_log_group",
    "aws_sagemaker_notebook_instance",
    "aws_sagemaker_endpoint",
    "aws_batch_compute_environment",
    "aws_cloudfront_distribution",
    "aws_kinesis_stream",
];

pub static RESOURCES: Rule = Rule {
    id: "tf-tags",
    severity: Severity::Error,
    title: "Everything says whose it is",
    why: "At two in the morning, and when the bill comes, somebody asks whose machine this is. What has no tags is left running because nobody dares to stop it.",
    fix: "Give Project, Owner and Environment by the provider's `default_tags`, or by `tags`.",
    passes: r#"provider "aws" {
  default_tags {
    tags = { Project = "chat", Owner = "ada" }
  }
}

resource "aws_instance" "gpu" {
  tags = { Environment = "dev" }
}
"#,
    fails: r#"provider "aws" {
  region = "eu-west-1"
}

resource "aws_instance" "gpu" {
  tags = { Name = "gpu" }
}
"#,
    check: resources,
};

fn resources(look: &mut Look<'_>) {
    // A module for others to call has its callers' providers, whose tags nobody sees here.
    let is_called_elsewhere = !look.modules().iter().any(|m| m.of_kind("provider").next().is_some());
    for (module, block) in look.needed(&TAGGED) {
        // A module that is called gets its providers from the caller.
        let given = if module.called { defaults(look) } else { given(look, block) };
        let maps: Vec<&Value> = block.value("tags").into_iter().chain(&given).collect();
        let names = missing(&[&PROJECT, &OWNER, &ENVIRONMENT], &maps);
        if names.is_empty() {
            continue;
        }
        if is_called_elsewhere {
            look.nothing("There is no block `provider \"aws\"`, so nothing says what everything is tagged with.");
            return;
        }
        let problem = look.of(block, "tags", format!("`{}` has no tag {}.", block.address(), names.join(", ")));
        let fix = match block.attribute("tags") {
            Some(_) => format!("Add {} to `tags`, or to the provider's `default_tags`.", names.join(", ")),
            None => {
                let lines: Vec<String> = names.iter().map(|n| format!("  {n} = \"…\"")).collect();
                look.insert(block, &format!("tags = {{\n{}\n}}", lines.join("\n")))
            }
        };
        look.found(problem.fix(fix));
    }
}

/// What a resource's own provider tags it with.
fn given(look: &Look<'_>, block: &Block) -> Vec<Value> {
    let alias = block.attribute("provider").and_then(|a| a.refs.first()).and_then(|p| p.get(1).cloned());
    let providers = look.modules().iter().filter(|m| !m.called).flat_map(|m| m.of_kind("provider"));
    let its = providers.filter(|p| p.labels.first().is_some_and(|l| l == "aws") && p.text("alias").map(str::to_owned) == alias);
    its.flat_map(|p| p.all("default_tags")).filter_map(|d| d.value("tags").cloned()).collect()
}

pub static COSTS: Rule = Rule {
    id: "cost-tags",
    severity: Severity::Warning,
    title: "The bill can be read by project and owner",
    why: "Cost Explorer splits a bill by tags that every resource has. What is tagged by hand is forgotten on the machine that costs most.",
    fix: "Give Project, Owner, CostCenter and Environment by the provider's `default_tags`.",
    passes: r#"provider "aws" {
  default_tags {
    tags = { Project = "chat", Owner = "ada", CostCenter = "1234", Environment = "dev" }
  }
}
"#,
    fails: r#"provider "aws" {
  default_tags {
    tags = { Project = "chat" }
  }
}
"#,
    check: costs,
};

fn costs(look: &mut Look<'_>) {
    let providers: Vec<&Block> =
        look.modules().iter().flat_map(|m| m.of_kind("provider")).filter(|b| b.labels.first().is_some_and(|l| l == "aws")).collect();
    if providers.is_empty() {
        look.nothing("There is no block `provider \"aws\"` that could tag anything.");
    }
    for provider in providers {
        let blocks: Vec<&Block> = provider.all("default_tags").collect();
        let maps: Vec<&Value> = blocks.iter().filter_map(|d| d.value("tags")).collect();
        let names = missing(&[&PROJECT, &OWNER, &COST, &ENVIRONMENT], &maps);
        if names.is_empty() {
            continue;
        }
        let message = format!("Provider `aws` doesn't give everything the tag{} {}.", if names.len() == 1 { "" } else { "s" }, names.join(", "));
        let lines: Vec<String> = names.iter().map(|n| format!("{n} = \"…\"")).collect();
        let problem = match blocks.first() {
            Some(block) => look.of(block, "tags", message).fix(format!("Add to its `tags`:\n{}", lines.join("\n"))),
            None => {
                let fix = look.insert(provider, &format!("default_tags {{\n  tags = {{\n    {}\n  }}\n}}", lines.join("\n    ")));
                look.on(provider, message).fix(fix)
            }
        };
        look.found(problem);
    }
}
