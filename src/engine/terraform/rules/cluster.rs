//! Rules about EKS clusters.
use super::{Look, Rule};
use crate::engine::report::Severity;
use crate::engine::terraform::value::Value;

pub static PUBLIC: Rule = Rule {
    id: "eks-public",
    severity: Severity::Error,
    title: "The cluster's API isn't open to the internet",
    why: "Behind a public endpoint one leaked token or one bug in the API server is enough; a range of addresses is a second lock.",
    fix: "Set `endpoint_public_access = false`, or give `public_access_cidrs` your own ranges.",
    passes: "resource \"aws_eks_cluster\" \"main\" {\n  vpc_config {\n    endpoint_private_access = true\n    endpoint_public_access  = false\n  }\n}\n",
    fails: "resource \"aws_eks_cluster\" \"main\" {\n  vpc_config {\n    endpoint_private_access = true\n  }\n}\n",
    check: public,
};

fn public(look: &mut Look<'_>) {
    for (_, cluster) in look.needed(&["aws_eks_cluster"]) {
        let configs = cluster.at(&["vpc_config"]);
        let Some(config) = configs.first() else {
            let problem = look.on(cluster, format!("`{}` has no `vpc_config`, so its endpoint is public.", cluster.address()));
            look.found(problem.fix(look.insert(cluster, "vpc_config {\n  endpoint_private_access = true\n  endpoint_public_access  = false\n}")));
            continue;
        };
        let private = config.value("endpoint_public_access").is_some_and(|v| v.as_bool() == Some(false) || v.is_unknown());
        let everybody = match config.value("public_access_cidrs") {
            None => true,
            Some(v) => v.items().is_some_and(|items| items.iter().any(|i| i.as_str().is_some_and(|c| c.ends_with("/0")))),
        };
        if !private && everybody {
            let name = if config.attribute("public_access_cidrs").is_some() { "public_access_cidrs" } else { "endpoint_public_access" };
            let problem = look.of(config, name, format!("The API of `{}` answers the whole internet.", cluster.address()));
            look.found(problem.fix(look.replace(config, "endpoint_public_access", "false")));
        }
    }
}

pub static LOGS: Rule = Rule {
    id: "eks-logs",
    severity: Severity::Warning,
    title: "The control plane writes its logs",
    why: "After an incident the audit log is the only answer to who did it, and it can't be switched on for yesterday.",
    fix: "Set `enabled_cluster_log_types = [\"api\", \"audit\", \"authenticator\"]`.",
    passes: "resource \"aws_eks_cluster\" \"main\" {\n  enabled_cluster_log_types = [\"api\", \"audit\", \"authenticator\"]\n}\n",
    fails: "resource \"aws_eks_cluster\" \"main\" {\n  enabled_cluster_log_types = [\"api\"]\n}\n",
    check: logs,
};

fn logs(look: &mut Look<'_>) {
    for (_, cluster) in look.needed(&["aws_eks_cluster"]) {
        let kept: Option<Vec<&str>> = match cluster.value("enabled_cluster_log_types") {
            None => Some(Vec::new()),
            Some(Value::List(items) | Value::Set(items)) if !items.iter().any(Value::is_unknown) => {
                Some(items.iter().filter_map(Value::as_str).collect())
            }
            Some(_) => None,
        };
        let Some(kept) = kept else { continue };
        let missing: Vec<&str> = ["api", "audit", "authenticator"].into_iter().filter(|l| !kept.contains(l)).collect();
        if !missing.is_empty() {
            let problem =
                look.of(cluster, "enabled_cluster_log_types", format!("`{}` doesn't keep these logs: {}.", cluster.address(), missing.join(", ")));
            look.found(problem.fix(look.replace(cluster, "enabled_cluster_log_types", "[\"api\", \"audit\", \"authenticator\"]")));
        }
    }
}

pub static SECRETS: Rule = Rule {
    id: "eks-secrets",
    severity: Severity::Warning,
    title: "The cluster's secrets are encrypted with a key of yours",
    why: "Secrets lie in etcd and its backups. With a key of yours, who reads them shows in the trail, and one switch makes all copies worthless.",
    fix: "Give the cluster an `encryption_config` for `secrets` with a KMS key.",
    passes: "resource \"aws_kms_key\" \"eks\" {\n}\n\nresource \"aws_eks_cluster\" \"main\" {\n  encryption_config {\n    resources = [\"secrets\"]\n    provider {\n      key_arn = aws_kms_key.eks.arn\n    }\n  }\n}\n",
    fails: "resource \"aws_eks_cluster\" \"main\" {\n  name = \"main\"\n}\n",
    check: secrets,
};

fn secrets(look: &mut Look<'_>) {
    for (_, cluster) in look.needed(&["aws_eks_cluster"]) {
        let covers = |v: &Value| v.is_unknown() || v.items().is_some_and(|all| all.iter().any(|i| i.as_str() == Some("secrets")));
        if cluster.all("encryption_config").any(|c| c.value("resources").is_some_and(covers)) {
            continue;
        }
        let block = "encryption_config {\n  resources = [\"secrets\"]\n  provider {\n    key_arn = aws_kms_key.eks.arn\n  }\n}";
        let problem = look.on(cluster, format!("The secrets of `{}` are encrypted by no key of yours.", cluster.address()));
        look.found(problem.fix(look.insert(cluster, block)));
    }
}

pub static NODE_SSH: Rule = Rule {
    id: "eks-node-ssh",
    severity: Severity::Error,
    title: "Nodes don't take SSH from everywhere",
    why: "`remote_access` with a key and without security groups opens port 22 of every node to 0.0.0.0/0.",
    fix: "Remove `remote_access` and use Session Manager, or name `source_security_group_ids`.",
    passes: "resource \"aws_eks_node_group\" \"gpu\" {\n  remote_access {\n    ec2_ssh_key               = \"ops\"\n    source_security_group_ids = [\"sg-0123456789abcdef0\"]\n  }\n}\n",
    fails: "resource \"aws_eks_node_group\" \"gpu\" {\n  remote_access {\n    ec2_ssh_key = \"ops\"\n  }\n}\n",
    check: |look| {
        for (_, group) in look.needed(&["aws_eks_node_group"]) {
            for access in group.all("remote_access").filter(|a| a.attribute("ec2_ssh_key").is_some()) {
                let limited =
                    access.value("source_security_group_ids").is_some_and(|v| v.is_unknown() || v.items().is_some_and(|all| !all.is_empty()));
                if !limited {
                    let problem = look.of(access, "ec2_ssh_key", format!("The nodes of `{}` take SSH from everywhere.", group.address()));
                    look.found(problem);
                }
            }
        }
    },
};
