//! Rules about what runs beside the machines: registries, keys, databases, load balancers, logs, file systems, notebooks.
use super::settings::{Setting, Wanted, hold, one};
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::value::Value;

pub static REGISTRY: Rule = Rule {
    id: "ecr",
    severity: Severity::Warning,
    title: "Image tags can't be moved, and images are scanned",
    why: "A tag that can be pushed again is another image tomorrow: what was tested isn't what runs, and a roll back gets the broken one.",
    fix: "Set `image_tag_mutability = \"IMMUTABLE\"` and `scan_on_push = true`.",
    passes: "resource \"aws_ecr_repository\" \"chat\" {\n  name                 = \"chat\"\n  image_tag_mutability = \"IMMUTABLE\"\n  image_scanning_configuration {\n    scan_on_push = true\n  }\n}\n",
    fails: "resource \"aws_ecr_repository\" \"chat\" {\n  name = \"chat\"\n}\n",
    check: |look| {
        hold(
            look,
            &[
                Setting::new(
                    "aws_ecr_repository",
                    "image_tag_mutability",
                    Wanted::OneOf(&["IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"]),
                    "lets a tag be pushed again with another image",
                ),
                Setting {
                    within: Some("image_scanning_configuration"),
                    ..Setting::new("aws_ecr_repository", "scan_on_push", Wanted::True, "doesn't scan what is pushed")
                },
            ],
        );
    },
};

pub static KEYS: Rule = Rule {
    id: "kms-rotate",
    severity: Severity::Warning,
    title: "Keys are rotated",
    why: "A key that leaked opens everything it ever encrypted; rotated each year, it opens a year. Old data stays readable: KMS keeps what it needs.",
    fix: "Set `enable_key_rotation = true`.",
    passes: "resource \"aws_kms_key\" \"weights\" {\n  enable_key_rotation = true\n}\n",
    fails: "resource \"aws_kms_key\" \"weights\" {\n  description = \"model weights\"\n}\n",
    check: keys,
};

fn keys(look: &mut Look<'_>) {
    let setting = Setting::new("aws_kms_key", "enable_key_rotation", Wanted::True, "is never rotated");
    for (_, key) in look.needed(&["aws_kms_key"]) {
        // AWS rotates symmetric keys for encryption only, and none that was brought along.
        let symmetric = key.text("customer_master_key_spec").is_none_or(|s| s == "SYMMETRIC_DEFAULT");
        if symmetric && key.text("key_usage").is_none_or(|u| u == "ENCRYPT_DECRYPT") {
            one(look, key, &setting);
        }
    }
}

pub static DATABASE: Rule = Rule {
    id: "rds",
    severity: Severity::Error,
    title: "Databases are encrypted, private, backed up and hard to delete",
    why: "Encryption can't be switched on later, a public database is found within hours, and one `terraform destroy` without a backup ends the company's memory.",
    fix: "Set `storage_encrypted`, `deletion_protection` and `backup_retention_period`, and leave `publicly_accessible` false.",
    passes: "resource \"aws_db_instance\" \"portal\" {\n  storage_encrypted       = true\n  deletion_protection     = true\n  backup_retention_period = 7\n}\n",
    fails: "resource \"aws_db_instance\" \"portal\" {\n  storage_encrypted   = true\n  publicly_accessible = true\n}\n",
    check: |look| {
        hold(
            look,
            &[
                Setting::new("aws_db_instance", "storage_encrypted", Wanted::True, "keeps its data unencrypted"),
                Setting::new("aws_db_instance", "publicly_accessible", Wanted::NotTrue, "has a public address"),
                Setting::new("aws_db_instance", "deletion_protection", Wanted::True, "can be deleted by one command"),
                Setting::new("aws_db_instance", "backup_retention_period", Wanted::Least(1), "has no backups"),
            ],
        );
    },
};

pub static BALANCER: Rule = Rule {
    id: "lb",
    severity: Severity::Warning,
    title: "Load balancers speak TLS 1.2 or newer and nothing in the clear",
    why: "Prompts, answers and session cookies pass the balancer: over plain HTTP each network in between reads them, over old TLS whoever recorded it may later.",
    fix: "Listen on HTTPS with a TLS 1.2 or 1.3 policy, let HTTP redirect to it, and drop invalid headers.",
    passes: "resource \"aws_lb\" \"chat\" {\n  drop_invalid_header_fields = true\n}\n\nresource \"aws_lb_listener\" \"plain\" {\n  port     = 80\n  protocol = \"HTTP\"\n  default_action {\n    type = \"redirect\"\n  }\n}\n\nresource \"aws_lb_listener\" \"tls\" {\n  port       = 443\n  protocol   = \"HTTPS\"\n  ssl_policy = \"ELBSecurityPolicy-TLS13-1-2-2021-06\"\n}\n",
    fails: "resource \"aws_lb\" \"chat\" {\n  drop_invalid_header_fields = true\n}\n\nresource \"aws_lb_listener\" \"plain\" {\n  port     = 80\n  protocol = \"HTTP\"\n  default_action {\n    type = \"forward\"\n  }\n}\n",
    check: balancer,
};

const TLS: &str = "\"ELBSecurityPolicy-TLS13-1-2-2021-06\"";

fn balancer(look: &mut Look<'_>) {
    let headers = Setting::new("aws_lb", "drop_invalid_header_fields", Wanted::True, "passes headers on that no server should see");
    for (_, block) in look.needed(&["aws_lb", "aws_lb_listener"]) {
        if block.of() == "aws_lb" {
            if block.text("load_balancer_type").is_none_or(|t| t == "application") {
                one(look, block, &headers);
            }
            continue;
        }
        match block.text("protocol") {
            Some("HTTP") if !block.all("default_action").any(|a| a.text("type") == Some("redirect") || a.is_unknown("type")) => {
                let problem = look.of(block, "protocol", format!("`{}` serves over plain HTTP.", block.address()));
                look.found(problem.fix("Let its `default_action` be a `redirect` to HTTPS."));
            }
            // Without a policy it is the one of 2016, which takes TLS 1.0.
            Some("HTTPS" | "TLS") if !block.is_unknown("ssl_policy") && !block.text("ssl_policy").is_some_and(is_modern) => {
                let problem = look.of(block, "ssl_policy", format!("`{}` takes TLS older than 1.2.", block.address()));
                look.found(problem.fix(look.replace(block, "ssl_policy", TLS)));
            }
            _ => {}
        }
    }
}

/// Whether a policy takes nothing below TLS 1.2: its name says so.
fn is_modern(policy: &str) -> bool {
    ["TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2"].iter().any(|least| policy.contains(least))
}

pub static LOGS: Rule = Rule {
    id: "log-retention",
    severity: Severity::Warning,
    title: "Logs are kept for a time, not for ever",
    why: "CloudWatch keeps everything for ever unless told otherwise, at three cents a GB and month: after a year of a chatty cluster it is among the largest lines of the bill.",
    fix: "Set `retention_in_days`.",
    passes: "resource \"aws_cloudwatch_log_group\" \"chat\" {\n  retention_in_days = 30\n}\n",
    fails: "resource \"aws_cloudwatch_log_group\" \"chat\" {\n  name = \"/chat\"\n}\n",
    check: |look| {
        let otherwise = "keeps its logs, and their cost, for ever";
        hold(look, &[Setting::new("aws_cloudwatch_log_group", "retention_in_days", Wanted::Least(1), otherwise)]);
    },
};

pub static TRAIL: Rule = Rule {
    id: "trail",
    severity: Severity::Warning,
    title: "The audit trail covers all regions and can't be changed unseen",
    why: "Who got in starts machines in a region nobody looks at, then deletes the log of it.",
    fix: "Set `is_multi_region_trail`, `enable_log_file_validation` and `kms_key_id`.",
    passes: "resource \"aws_cloudtrail\" \"audit\" {\n  is_multi_region_trail      = true\n  enable_log_file_validation = true\n  kms_key_id                 = aws_kms_key.audit.arn\n}\n\nresource \"aws_kms_key\" \"audit\" {\n}\n",
    fails: "resource \"aws_cloudtrail\" \"audit\" {\n  name = \"audit\"\n}\n",
    check: |look| {
        hold(
            look,
            &[
                Setting::new("aws_cloudtrail", "is_multi_region_trail", Wanted::True, "sees one region only"),
                Setting::new("aws_cloudtrail", "enable_log_file_validation", Wanted::True, "doesn't notice when its files are changed"),
                Setting::new("aws_cloudtrail", "kms_key_id", Wanted::Said("aws_kms_key.audit.arn"), "is encrypted by no key of yours"),
            ],
        );
    },
};

pub static FILES: Rule = Rule {
    id: "efs",
    severity: Severity::Warning,
    title: "Shared file systems are encrypted",
    why: "Weights and checkpoints are what the company is worth, and a file system can't be encrypted once it exists.",
    fix: "Set `encrypted = true`, or `kms_key_id` for FSx.",
    passes: "resource \"aws_efs_file_system\" \"weights\" {\n  encrypted = true\n}\n",
    fails: "resource \"aws_efs_file_system\" \"weights\" {\n  creation_token = \"weights\"\n}\n",
    check: |look| {
        let otherwise = "is not encrypted by a key of yours";
        hold(
            look,
            &[
                Setting::new("aws_efs_file_system", "encrypted", Wanted::True, "is not encrypted"),
                Setting::new("aws_fsx_lustre_file_system", "kms_key_id", Wanted::Said("aws_kms_key.weights.arn"), otherwise),
            ],
        );
    },
};

pub static NOTEBOOK: Rule = Rule {
    id: "sagemaker",
    severity: Severity::Warning,
    title: "Notebooks have no way around the network, and no root",
    why: "A notebook runs whatever is pasted into it, with a role that reads the training data: by the internet of its own it may send that anywhere.",
    fix: "Set `direct_internet_access` and `root_access` to `Disabled`, and `kms_key_id`.",
    passes: "resource \"aws_sagemaker_notebook_instance\" \"lab\" {\n  direct_internet_access = \"Disabled\"\n  root_access            = \"Disabled\"\n  kms_key_id             = \"alias/lab\"\n}\n",
    fails: "resource \"aws_sagemaker_notebook_instance\" \"lab\" {\n  root_access = \"Enabled\"\n}\n",
    check: |look| {
        hold(
            look,
            &[
                Setting::new(
                    "aws_sagemaker_notebook_instance",
                    "direct_internet_access",
                    Wanted::OneOf(&["Disabled"]),
                    "reaches the internet past your network",
                ),
                Setting::new("aws_sagemaker_notebook_instance", "root_access", Wanted::OneOf(&["Disabled"]), "lets its users be root"),
                Setting::new("aws_sagemaker_notebook_instance", "kms_key_id", Wanted::Said("aws_kms_key.lab.arn"), "is encrypted by no key of yours"),
            ],
        );
    },
};

/// Runtimes of Lambda for which AWS no longer mends anything.
const ENDED: &[&str] = &[
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "go1.x",
    "java8",
    "ruby2.5",
    "ruby2.7",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet5.0",
    "dotnet6",
    "dotnet7",
    "provided",
];

pub static FUNCTION: Rule = Rule {
    id: "lambda-runtime",
    severity: Severity::Warning,
    title: "Functions run on what is still mended",
    why: "For a runtime that has ended nobody closes holes any more, and some day its functions can't be changed.",
    fix: "Use a runtime that is supported.",
    passes: "resource \"aws_lambda_function\" \"scaler\" {\n  runtime = \"python3.13\"\n}\n",
    fails: "resource \"aws_lambda_function\" \"scaler\" {\n  runtime = \"python3.8\"\n}\n",
    check: |look| {
        for (_, function) in look.needed(&["aws_lambda_function"]) {
            if let Some(runtime) = function.text("runtime").filter(|r| ENDED.contains(r)) {
                let problem = look.of(function, "runtime", format!("`{runtime}` of `{}` has ended.", function.address()));
                look.found(problem);
            }
        }
    },
};

pub static ADDRESS: Rule = Rule {
    id: "eip-unused",
    severity: Severity::Warning,
    title: "Every address that is paid for is used",
    why: "AWS charges for each public address by the hour, used or not: forgotten ones are small change that never stops.",
    fix: "Give it to a NAT gateway, an instance or a network interface, or remove it.",
    passes: "resource \"aws_eip\" \"nat\" {\n}\n\nresource \"aws_nat_gateway\" \"a\" {\n  allocation_id = aws_eip.nat.id\n}\n",
    fails: "resource \"aws_eip\" \"old\" {\n}\n",
    check: addresses,
};

fn addresses(look: &mut Look<'_>) {
    for (module, address) in look.needed(&["aws_eip"]) {
        let given = ["instance", "network_interface"].iter().any(|a| address.value(a).is_some_and(|v| *v != Value::Null));
        let named = address.address();
        let mentioned = module.references.iter().any(|r| r.path.len() >= 2 && r.path[..2].join(".") == named && !r.by.starts_with("output."));
        if !given && !mentioned {
            let problem = look.on(address, format!("Nothing uses the address `{named}`."));
            look.found(problem);
        }
    }
}
