//! Everything that is no machine: what costs by the hour or the month, what is paid by use, what costs nothing.
use super::book::{Book, Count, Whose};
use super::walk::Asked;
use crate::engine::terraform::value::Value;

/// Types with one price each: the type, the table's name, what it is.
const PRICED: &[(&str, &str, &str)] = &[
    ("aws_nat_gateway", "nat-gateway", "NAT gateway"),
    ("aws_eip", "public-ipv4", "public IPv4 address"),
    ("aws_eks_cluster", "eks-cluster", "control plane"),
    ("aws_elb", "elb", "classic load balancer"),
    ("aws_kms_key", "kms-key", "key"),
    ("aws_secretsmanager_secret", "secret", "secret"),
    ("aws_cloudwatch_metric_alarm", "alarm", "alarm"),
    ("aws_route53_zone", "hosted-zone", "hosted zone"),
    ("aws_ec2_transit_gateway_vpc_attachment", "transit-attachment", "transit gateway attachment"),
];

/// What is paid by use: nobody can say from a configuration how much that will be.
const BY_USE: &[(&str, &str)] = &[
    ("aws_s3_bucket", "what lies in it is paid by the GB"),
    ("aws_s3_object", "it is paid by the GB"),
    ("aws_cloudwatch_log_group", "what is written to it is paid by the GB"),
    ("aws_ecr_repository", "images are paid by the GB"),
    ("aws_sqs_queue", "messages are paid by the million"),
    ("aws_sns_topic", "messages are paid by the million"),
    ("aws_lambda_function", "calls are paid by number and time"),
    ("aws_dynamodb_table", "what it holds and answers is paid by use"),
    ("aws_efs_file_system", "what lies in it is paid by the GB"),
    ("aws_flow_log", "what it writes is paid by the GB"),
    ("aws_cloudtrail", "events beyond the first copy are paid by number"),
    ("aws_apigatewayv2_api", "calls are paid by number"),
    ("aws_api_gateway_rest_api", "calls are paid by number"),
    ("aws_cloudfront_distribution", "traffic is paid by the GB"),
    ("aws_ebs_snapshot", "it is paid by the GB"),
    ("aws_backup_vault", "what lies in it is paid by the GB"),
    ("aws_cloudwatch_dashboard", "the first three cost nothing"),
    ("aws_ec2_capacity_reservation", "it costs what its instances cost, whether they run or not; they are counted where they are described"),
];

/// Beginnings of types that cost nothing of their own.
#[rustfmt::skip]
const FREE: &[&str] = &[
    "aws_iam_", "aws_subnet", "aws_route", "aws_security_group", "aws_vpc_security_group_", "aws_network_acl", "aws_internet_gateway",
    "aws_egress_only_internet_gateway", "aws_launch_template", "aws_launch_configuration", "aws_placement_group", "aws_key_pair", "aws_autoscaling_",
    "aws_eks_access_", "aws_eks_addon", "aws_eks_pod_identity_", "aws_eks_identity_provider_", "aws_s3_bucket_", "aws_s3_account_", "aws_sqs_queue_",
    "aws_sns_topic_", "aws_cloudwatch_event_", "aws_cloudwatch_log_", "aws_lb_", "aws_alb_", "aws_lambda_permission", "aws_lambda_event_source_mapping",
    "aws_kms_alias", "aws_kms_key_policy", "aws_kms_grant", "aws_ecr_", "aws_budgets_", "aws_ce_", "aws_default_", "aws_acm_certificate", "aws_eip_association",
    "aws_volume_attachment", "aws_network_interface", "aws_db_subnet_group", "aws_db_parameter_group", "aws_db_option_group", "aws_ssm_parameter",
    "aws_ssm_document", "aws_ssm_association", "aws_ebs_encryption_by_default", "aws_ebs_default_kms_key", "aws_ec2_tag", "aws_ec2_instance_metadata_defaults",
    "aws_secretsmanager_secret_", "aws_route53_record", "aws_vpc_endpoint_", "aws_vpc_dhcp_options", "aws_vpc_ipv4_", "aws_vpc_peering_connection", "aws_vpc",
    "aws_main_route_table_association", "aws_nat_gateway_", "aws_elb_attachment", "aws_dynamodb_resource_policy", "aws_efs_mount_target",
    "aws_efs_access_point", "aws_efs_file_system_policy", "aws_rds_cluster_parameter_group", "aws_elasticache_subnet_group", "aws_ecs_cluster",
    "aws_ecs_task_definition", "aws_ecs_capacity_provider", "aws_ecs_cluster_capacity_providers", "aws_appautoscaling_", "aws_resourcegroups_group",
    "aws_servicequotas_", "aws_sagemaker_notebook_instance_lifecycle_configuration", "aws_account_", "aws_organizations_",
];

/// Providers whose resources are no cloud's, or are paid where they run.
const ELSEWHERE: &[&str] = &["random_", "null_", "tls_", "local_", "time_", "archive_", "terraform_", "kubernetes_", "helm_"];

/// Prices a resource that is no machine.
pub fn price(asked: &Asked<'_>, book: &mut Book<'_>) {
    let kind = asked.block.of();
    match kind {
        "aws_nat_gateway" => book.aside(asked, "each GB that passes it is paid too"),
        "aws_eks_cluster" => book.assume("Kubernetes versions are in standard support; an old one makes the control plane six times as dear."),
        "aws_elb" => book.aside(asked, "each GB that passes it is paid too"),
        _ => {}
    }
    if let Some((_, name, what)) = PRICED.iter().find(|(t, _, _)| *t == kind) {
        return book.service(asked, name, what, Count::fixed(1));
    }
    match kind {
        "aws_lb" | "aws_alb" => return balancer(asked, book),
        "aws_vpc_endpoint" => return endpoint(asked, book),
        _ => {}
    }
    if let Some((_, why)) = BY_USE.iter().find(|(t, _)| *t == kind) {
        return book.aside(asked, why);
    }
    let begins = |beginnings: &[&str]| beginnings.iter().any(|b| if b.ends_with('_') { kind.starts_with(b) } else { kind == *b });
    let free = begins(FREE) || kind.starts_with("aws_route_table") || kind.starts_with("aws_security_group_") || kind.starts_with("aws_network_acl_");
    if free || begins(ELSEWHERE) {
        return;
    }
    let why = "no price is known for this type".to_owned();
    book.gap(asked, "it", &why, Whose::Ours);
}

fn balancer(asked: &Asked<'_>, book: &mut Book<'_>) {
    let (name, what) = match asked.block.value("load_balancer_type").map(Value::as_str) {
        None | Some(Some("application")) => ("alb", "application load balancer"),
        Some(Some("network")) => ("nlb", "network load balancer"),
        Some(Some(_)) => return book.unpriced(asked, "a load balancer of this type"),
        Some(None) => return book.gap_of(asked, asked.block, "load_balancer_type", "it", "its type isn't known", Whose::Students),
    };
    book.aside(asked, "its capacity units and public addresses are paid too");
    book.service(asked, name, what, Count::fixed(1));
}

/// Interface endpoints stand in a zone for each subnet; gateways cost nothing.
fn endpoint(asked: &Asked<'_>, book: &mut Book<'_>) {
    match asked.block.value("vpc_endpoint_type").map(Value::as_str) {
        None | Some(Some("Gateway")) => {}
        Some(Some("Interface")) => {
            let zones = match asked.block.value("subnet_ids") {
                None => Some(1),
                Some(v) => v.items().map(|all| all.len() as u64),
            };
            let Some(zones) = zones else {
                return book.gap_of(asked, asked.block, "subnet_ids", "it", "in how many zones it stands isn't known", Whose::Students);
            };
            book.aside(asked, "each GB that passes it is paid too");
            book.service(asked, "interface-endpoint", "interface endpoint, by zone", Count::fixed(zones));
        }
        Some(Some(_)) => book.unpriced(asked, "an endpoint of this type"),
        Some(None) => book.gap_of(asked, asked.block, "vpc_endpoint_type", "it", "its type isn't known", Whose::Students),
    }
}
