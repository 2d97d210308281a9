//! Rules about IAM: who may do what, and who may become whom.
use super::{Look, Rule};
use crate::engine::report::{Problem, Severity};
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::policy::{self, Policy, Statement};
use crate::engine::terraform::value::HOLE;

pub static STAR: Rule = Rule {
    id: "iam-star",
    severity: Severity::Error,
    title: "Policies name actions and resources",
    why: "Whoever gets the role's credentials, by a forged request or a leaked log, may do all that the policy allows, everywhere it allows it.",
    fix: "List the actions that are needed and the ARNs they are needed on.",
    passes: "resource \"aws_iam_policy\" \"read\" {\n  policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Action = [\"s3:GetObject\"], Resource = \"arn:aws:s3:::weights/*\" }]\n  })\n}\n",
    fails: "resource \"aws_iam_policy\" \"all\" {\n  policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Action = \"s3:*\", Resource = \"*\" }]\n  })\n}\n",
    check: star,
};

/// Actions, beside those that describe and list, that can't be narrowed to a resource: the Service Authorization Reference
/// (docs.aws.amazon.com/service-authorization/latest/reference) names no resource type for them; for Cost Explorer's it
/// names billing views only, and `ec2:CreateTags` is narrowed by conditions.
const EVERYWHERE: [&str; 25] = [
    "ce:GetCostAndUsage",
    "ce:GetCostForecast",
    "ce:GetDimensionValues",
    "ce:GetTags",
    "ce:GetUsageForecast",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "ec2:GetSpotPlacementScores",
    "pricing:GetAttributeValues",
    "pricing:GetProducts",
    "tag:GetResources",
    "tag:GetTagKeys",
    "tag:GetTagValues",
    "xray:GetSamplingRules",
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "sts:GetCallerIdentity",
    "ec2:CreateTags",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "ssm:UpdateInstanceInformation",
];

fn star(look: &mut Look<'_>) {
    for module in look.modules() {
        for block in &module.blocks {
            if block.kind == "data" && block.labels.first().is_some_and(|l| l == "aws_iam_policy_document") {
                let trust = policy::document(block).iter().all(|s| !s.principals.is_empty());
                if !trust {
                    judge(look, block, None, &policy::document(block));
                }
            }
            match block.of() {
                "aws_iam_policy" | "aws_iam_role_policy" | "aws_iam_user_policy" | "aws_iam_group_policy" => held(look, module, block),
                "aws_iam_role" => block.all("inline_policy").for_each(|inline| held(look, module, inline)),
                "aws_iam_role_policy_attachment" | "aws_iam_user_policy_attachment" | "aws_iam_group_policy_attachment" => {
                    if let Some(name) = block
                        .text("policy_arn")
                        .and_then(|a| a.rsplit('/').next())
                        .filter(|n| matches!(*n, "AdministratorAccess" | "PowerUserAccess" | "IAMFullAccess"))
                    {
                        let problem = look.of(block, "policy_arn", format!("`{}` attaches {name}, which allows nearly everything.", block.address()));
                        look.found(problem);
                    }
                }
                _ => {}
            }
        }
    }
}

fn held(look: &mut Look<'_>, module: &Module, block: &Block) {
    match policy::of(module, block, "policy") {
        // A document's statements are shown where they are written.
        Some(Policy::Known(_))
            if block.attribute("policy").is_some_and(|a| a.refs.iter().any(|p| p.len() > 1 && p[1] == "aws_iam_policy_document")) => {}
        Some(Policy::Known(statements)) => judge(look, block, Some("policy"), &statements),
        Some(Policy::NoJson) => {
            let problem = look.of(block, "policy", format!("The policy of `{}` is no JSON.", block.address()));
            look.found(problem.fix("Write it with `jsonencode({ … })`."));
        }
        _ => {}
    }
}

fn judge(look: &mut Look<'_>, block: &Block, attribute: Option<&str>, statements: &[Statement]) {
    for (n, s) in statements.iter().enumerate().filter(|(_, s)| s.allows) {
        let Some(message) = too_much(s) else { continue };
        let whose = if block.labels.is_empty() { "the role".to_owned() } else { format!("`{}`", block.address()) };
        let message = format!("Statement {} of {whose} {message}.", n + 1).replace(HOLE, "…");
        let problem: Problem = match attribute {
            Some(name) => {
                let near = needle(look, block, name, s);
                near.map_or_else(|| look.of(block, name, message.clone()), |span| look.at(block.source, &span, message.clone()))
            }
            None => look.on(block.all("statement").nth(n).unwrap_or(block), message),
        };
        look.found(problem);
    }
}

/// Where the action or the star stands in an attribute's text.
fn needle(look: &Look<'_>, block: &Block, attribute: &str, s: &Statement) -> Option<std::ops::Range<usize>> {
    let span = block.attribute(attribute)?.span.clone();
    let text = look.terraform.sources.get(block.source)?.text.get(span.clone())?;
    let wanted = s.actions.iter().find(|a| is_wide(a)).map_or("*", String::as_str);
    let at = text.find(&format!("\"{wanted}\""))?;
    Some(span.start + at..span.start + at + wanted.len() + 2)
}

/// `*`, `s3:*`, `s3:**`: every action there is, or of a service.
fn is_wide(action: &str) -> bool {
    let verb = action.rsplit(':').next().unwrap_or_default();
    verb.contains('*') && verb.chars().all(|c| matches!(c, '*' | '?'))
}

/// `*`, or the name that stands for every bucket.
fn is_everything(resource: &str) -> bool {
    is_wide(resource) && (!resource.contains(':') || resource.starts_with("arn:aws:s3:::") || resource.starts_with("arn:*"))
        || resource.starts_with("arn:aws:s3:::*")
}

fn too_much(s: &Statement) -> Option<String> {
    if s.not_actions {
        return Some("allows everything but what it lists (NotAction)".into());
    }
    if let Some(action) = s.actions.iter().find(|a| is_wide(a)) {
        let what = if !action.contains(':') || action.starts_with('*') {
            "every action there is".to_owned()
        } else {
            format!("every action of {}", action.split(':').next().unwrap_or_default())
        };
        return Some(format!("allows {what} (`{action}`)"));
    }
    if let Some(everything) = s.resources.iter().find(|r| is_everything(r))
        && let Some(action) = s.actions.iter().find(|a| !a.contains(HOLE) && !fits_everywhere(a))
    {
        return Some(format!("allows `{action}` on every resource (`{everything}`)"));
    }
    None
}

/// Whether an action can't be narrowed to a resource, or only lists and describes.
fn fits_everywhere(action: &str) -> bool {
    let verb = action.split_once(':').map_or("", |(_, v)| v);
    EVERYWHERE.contains(&action)
        || verb.starts_with("Describe")
        || verb == "ListAllMyBuckets"
        || (verb.starts_with("List") && !action.starts_with("s3:"))
}

pub static ASSUME: Rule = Rule {
    id: "iam-assume",
    severity: Severity::Error,
    title: "Roles say who may take them",
    why: "A role that everybody may take belongs to everybody's account. An identity provider without a condition on the subject lets in every repository it serves.",
    fix: "Name the service or the accounts; for OpenID Connect add a condition on `sub`.",
    passes: "resource \"aws_iam_role\" \"gpu\" {\n  assume_role_policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { Service = \"ec2.amazonaws.com\" } }]\n  })\n}\n",
    fails: "resource \"aws_iam_role\" \"gpu\" {\n  assume_role_policy = jsonencode({\n    Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { AWS = \"*\" } }]\n  })\n}\n",
    check: assume,
};

fn assume(look: &mut Look<'_>) {
    for (module, role) in look.needed(&["aws_iam_role"]) {
        let Some(Policy::Known(statements)) = policy::of(module, role, "assume_role_policy") else { continue };
        for s in statements.iter().filter(|s| s.allows) {
            if s.principals.iter().any(|(kind, who)| who == "*" && kind != "Service") && s.conditions.is_empty() {
                let problem = look.of(role, "assume_role_policy", format!("Everybody may take `{}`.", role.address()));
                look.found(problem);
            }
            let federated =
                s.principals.iter().any(|(kind, _)| kind == "Federated") && s.actions.iter().any(|a| a == "sts:AssumeRoleWithWebIdentity");
            if federated && !s.conditions.iter().any(|c| c.ends_with(":sub") || c.contains(HOLE)) {
                let problem =
                    look.of(role, "assume_role_policy", format!("`{}` can be taken by every subject of its identity provider.", role.address()));
                look.found(problem.fix("Add a condition on the provider's `:sub`: which repository, which service account."));
            }
        }
    }
}

pub static USERS: Rule = Rule {
    id: "iam-user",
    severity: Severity::Warning,
    title: "Programs have roles, people come through the sign-in",
    why: "A user's access key works for years from anywhere, and leaks sooner or later; a role's credentials end by themselves within hours.",
    fix: "Use an `aws_iam_role`: by OIDC for pipelines, by Pod Identity for pods, by Identity Center for people.",
    passes: "resource \"aws_iam_role\" \"ci\" {\n  assume_role_policy = jsonencode({ Statement = [] })\n}\n",
    fails: "resource \"aws_iam_user\" \"ci\" {\n  name = \"ci\"\n}\n\nresource \"aws_iam_access_key\" \"ci\" {\n  user = aws_iam_user.ci.name\n}\n",
    check: |look| {
        for (_, block) in look.resources(&["aws_iam_user", "aws_iam_access_key"]) {
            let message = match block.of() {
                "aws_iam_user" => format!("`{}` is a user with credentials that never end.", block.address()),
                _ => format!("`{}` is a key that never ends, and stands in the state.", block.address()),
            };
            let problem = look.on(block, message);
            look.found(problem);
        }
    },
};
