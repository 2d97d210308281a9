//! Rules about what IAM policies lead to, and what IAM refuses of them.
use super::{Look, Rule};
use crate::engine::glob;
use crate::engine::report::Severity;
use crate::engine::terraform::module::{Block, Module};
use crate::engine::terraform::policy::{self, Policy, Statement};
use crate::engine::terraform::value::{HOLE, Value};

/// A policy that is attached to identities: who holds it, the attribute if it is one, its statements.
type Held<'a> = (&'a Block, Option<&'static str>, Vec<Statement>);

/// Every policy for identities whose statements are known, each where it is written.
fn held<'a>(look: &Look<'a>) -> Vec<Held<'a>> {
    let mut found = Vec::new();
    for (module, block) in look.modules().iter().flat_map(|m| m.blocks.iter().map(move |b| (m, b))) {
        if block.kind == "data" && block.labels.first().is_some_and(|l| l == "aws_iam_policy_document") {
            found.push((block, None, policy::document(block)));
        }
        let holders: Vec<&Block> = match block.of() {
            "aws_iam_policy" | "aws_iam_role_policy" | "aws_iam_user_policy" | "aws_iam_group_policy" => vec![block],
            "aws_iam_role" => block.all("inline_policy").collect(),
            _ => continue,
        };
        found.extend(holders.into_iter().filter_map(|h| Some((h, Some("policy"), written(module, h)?))));
    }
    found
}

/// The statements of a policy that is written where it is held.
fn written(module: &Module, block: &Block) -> Option<Vec<Statement>> {
    let document = |p: &Vec<String>| p.get(1).is_some_and(|l| l == "aws_iam_policy_document");
    if block.attribute("policy")?.refs.iter().any(document) {
        return None;
    }
    if let Some(Policy::Known(statements)) = policy::of(module, block, "policy") { Some(statements) } else { None }
}

/// Whose a policy is, as a sentence has it.
fn whose(block: &Block) -> String {
    if block.labels.is_empty() { "the role".into() } else { format!("`{}`", block.address()) }
}

pub static ESCALATION: Rule = Rule {
    id: "iam-priv-esc",
    severity: Severity::Error,
    title: "No policy lets its holder become more than it is",
    why: "Whoever may pass any role, write any policy or make keys for others is an administrator with one more call: the first thing an intruder looks for.",
    fix: "Name the roles, users or secrets by ARN, or take the action away.",
    passes: r#"resource "aws_iam_policy" "scaler" {
  policy = jsonencode({
    Statement = [{ Effect = "Allow", Action = "iam:PassRole", Resource = "arn:aws:iam::123456789012:role/gpu-node" }]
  })
}
"#,
    fails: r#"resource "aws_iam_policy" "scaler" {
  policy = jsonencode({
    Statement = [{ Effect = "Allow", Action = ["ec2:RunInstances", "iam:PassRole"], Resource = "*" }]
  })
}
"#,
    check: escalation,
};

/// Actions that make more of their holder when they are allowed on everything, and what they do. After Rhino Security Labs'
/// list of escalation paths and the access levels of AWS' Service Authorization Reference.
const ESCALATES: [(&str, &str); 22] = [
    ("iam:PassRole", "hands any role to what it starts"),
    ("iam:CreatePolicyVersion", "rewrites any policy"),
    ("iam:SetDefaultPolicyVersion", "brings back any old policy"),
    ("iam:AttachUserPolicy", "attaches any policy to itself"),
    ("iam:AttachGroupPolicy", "attaches any policy to itself"),
    ("iam:AttachRolePolicy", "attaches any policy to itself"),
    ("iam:PutUserPolicy", "writes itself any policy"),
    ("iam:PutGroupPolicy", "writes itself any policy"),
    ("iam:PutRolePolicy", "writes itself any policy"),
    ("iam:AddUserToGroup", "joins any group"),
    ("iam:CreateAccessKey", "makes keys of any user"),
    ("iam:CreateLoginProfile", "sets any user's password"),
    ("iam:UpdateLoginProfile", "sets any user's password"),
    ("iam:UpdateAssumeRolePolicy", "lets itself take any role"),
    ("iam:DeleteRolePermissionsBoundary", "removes any limit"),
    ("iam:DeleteUserPermissionsBoundary", "removes any limit"),
    ("sts:AssumeRole", "takes any role that trusts the account"),
    ("lambda:UpdateFunctionCode", "runs its own code with any function's role"),
    ("ssm:SendCommand", "runs commands on every machine"),
    ("secretsmanager:GetSecretValue", "reads every secret"),
    ("ssm:GetParameter", "reads every parameter"),
    ("ssm:GetParameters", "reads every parameter"),
];

fn escalation(look: &mut Look<'_>) {
    for (block, attribute, statements) in held(look) {
        for (n, s) in statements.iter().enumerate() {
            // A condition narrows what we can't follow; a policy with principals is a resource's own.
            if !s.allows || s.not_actions || !s.conditions.is_empty() || !s.principals.is_empty() {
                continue;
            }
            let Some(wide) = s.resources.iter().find(|r| is_any(r)) else { continue };
            let Some((action, does)) = ESCALATES.iter().find(|(action, _)| s.actions.iter().any(|a| matches(a, action))) else { continue };
            let message = format!("Statement {} of {} allows `{action}` on `{wide}`: its holder {does}.", n + 1, whose(block)).replace(HOLE, "…");
            let problem = match attribute {
                Some(name) => look.of(block, name, message),
                None => look.on(block.all("statement").nth(n).unwrap_or(block), message),
            };
            look.found(problem);
        }
    }
}

/// Whether a resource stands for all of a kind: `*`, `arn:aws:iam::123456789012:role/*`.
fn is_any(resource: &str) -> bool {
    let last = resource.rsplit(':').next().unwrap_or_default();
    last == "*" || matches!(last, "role/*" | "user/*" | "group/*" | "policy/*" | "parameter/*" | "instance/*" | "document/*" | "*/*")
}

/// Whether an action as a policy writes it, with `*` and `?`, in any case, covers another.
fn matches(pattern: &str, action: &str) -> bool {
    // Patterns of files know `/`; no action has one.
    !pattern.contains('/') && glob::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

pub static LENGTH: Rule = Rule {
    id: "iam-policy-len",
    severity: Severity::Error,
    title: "Policies are as short as IAM wants them",
    why: "IAM takes 6,144 characters of a managed policy and less of others, blanks not counted. `plan` doesn't count: `apply` stops in the middle.",
    fix: "Split it by what it is for, and allow patterns of ARNs instead of lists.",
    passes: r#"resource "aws_iam_policy" "read" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::weights/*" }] })
}
"#,
    fails: r#"resource "aws_iam_policy" "read" {
  policy = jsonencode({ Statement = [for n in range(100) : { Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::weights-${n}/*" }] })
}
"#,
    check: length,
};

/// The most characters without blanks, after "IAM and AWS STS quotas" of IAM's user guide; a role's trust may be raised to 4,096.
const MOST: [(&str, &str, usize); 5] = [
    ("aws_iam_policy", "policy", 6_144),
    ("aws_iam_role_policy", "policy", 10_240),
    ("aws_iam_group_policy", "policy", 5_120),
    ("aws_iam_user_policy", "policy", 2_048),
    ("aws_iam_role", "assume_role_policy", 4_096),
];

fn length(look: &mut Look<'_>) {
    for (kind, attribute, most) in MOST {
        for (_, block) in look.resources(&[kind]) {
            // What isn't known has no length: the rest is already too much.
            let Some(Value::Text(text) | Value::Partly(text)) = block.value(attribute) else { continue };
            let n = text.chars().filter(|c| !c.is_whitespace() && *c != HOLE).count();
            if n > most {
                let problem = look.of(block, attribute, format!("The policy of `{}` has {n} characters; {most} are the most.", block.address()));
                look.found(problem);
            }
        }
    }
}

pub static SID: Rule = Rule {
    id: "iam-sid",
    severity: Severity::Error,
    title: "Statements have ids that IAM takes",
    why: "A statement's id in a policy of IAM holds letters and digits only, and none is there twice: otherwise `apply` ends with MalformedPolicyDocument.",
    fix: "Write it as one word: `ReadWeights`.",
    passes: r#"data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadWeights"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::weights/*"]
  }
}
"#,
    fails: r#"data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read weights"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::weights/*"]
  }
}
"#,
    check: sid,
};

fn sid(look: &mut Look<'_>) {
    for (block, attribute, statements) in held(look) {
        for (n, s) in statements.iter().enumerate().filter(|(_, s)| !s.sid.is_empty() && !s.sid.contains(HOLE)) {
            let twice = statements[..n].iter().any(|before| before.sid == s.sid);
            // Policies of buckets and keys take blanks.
            let odd = s.principals.is_empty() && !s.sid.bytes().all(|b| b.is_ascii_alphanumeric());
            let message = match (twice, odd) {
                (true, _) => format!("The id `{}` stands twice in the policy of {}.", s.sid, whose(block)),
                (_, true) => format!("The id `{}` in the policy of {} has more than letters and digits.", s.sid, whose(block)),
                _ => continue,
            };
            let problem = match (attribute, block.all("statement").nth(n)) {
                (Some(name), _) => look.of(block, name, message),
                (None, Some(statement)) => look.of(statement, "sid", message),
                (None, None) => look.on(block, message),
            };
            let word: String = s.sid.chars().filter(char::is_ascii_alphanumeric).collect();
            look.found(if odd && !twice && !word.is_empty() { problem.fix(format!("Write `{word}`.")) } else { problem });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn an_action_is_covered_by_its_patterns_in_any_case() {
        for pattern in ["iam:PassRole", "iam:*", "*", "iam:passrole", "iam:Pass*", "iam:*Role", "i?m:P*s*R*"] {
            assert!(matches(pattern, "iam:PassRole"), "{pattern}");
        }
        for pattern in ["iam:PassRoles", "iam:Pass", "", "ec2:*", "*x", "iam:PassRol"] {
            assert!(!matches(pattern, "iam:PassRole"), "{pattern}");
        }
    }
}
