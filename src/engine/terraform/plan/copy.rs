//! The working copy that terraform is given: the hand-in without its backend, with what an offline plan needs laid over it.
use super::super::source::Source;
use super::super::{Terraform, intake, local, module};
use crate::engine::errand::Cloud;
use crate::engine::report::Problem;
use crate::engine::{File, Files};
use std::collections::BTreeSet;

/// Where the working copy and the files as they were handed in stand.
pub const WORKING: &str = "copy";
pub const ORIGINAL: &str = "original";
/// Laid over the hand-in; nobody else may hand in an override.
pub const OVERRIDE: &str = "groundcrew_override.tf";
/// Types that terraform knows by itself.
const BUILT_IN: &str = "terraform_";

/// The folder, below the errand's files, in which terraform runs.
pub fn root(terraform: &Terraform) -> String {
    match dir(terraform) {
        "" => WORKING.to_owned(),
        dir => format!("{WORKING}/{dir}"),
    }
}

/// The folder of the hand-in that is planned.
pub fn dir(terraform: &Terraform) -> &str {
    terraform.root.first().and_then(|n| terraform.sources.get(*n)).map_or("", |s| super::super::folder_of(&s.path))
}

/// The hand-in as terraform may see it.
pub fn working(terraform: &Terraform, files: &Files, cloud: Cloud) -> Vec<File> {
    let mut copied: Vec<File> = Vec::new();
    for file in files.iter().filter(|f| intake::refused(&f.path).is_none() && !f.path.ends_with(".terraform.lock.hcl")) {
        let source = terraform.sources.iter().find(|s| s.path == file.path);
        let bytes = source.map_or_else(|| file.bytes.clone(), |s| blanked(&s.text, &backends(&s.body)));
        copied.push(File { path: format!("{WORKING}/{}", file.path), bytes });
    }
    let text = over(terraform, cloud);
    copied.push(File { path: format!("{}/{OVERRIDE}", root(terraform)), bytes: text.into_bytes() });
    copied
}

/// The hand-in's Terraform as it is, for `fmt`.
pub fn original(files: &Files) -> Vec<File> {
    let read = files.iter().filter(|f| intake::refused(&f.path).is_none() && intake::is_hcl(&f.path) && !f.path.ends_with(".terraform.lock.hcl"));
    read.map(|f| File { path: format!("{ORIGINAL}/{}", f.path), bytes: f.bytes.clone() }).collect()
}

/// The spans of backends in the blocks `terraform` of a file.
fn backends(body: &hcl_edit::structure::Body) -> Vec<std::ops::Range<usize>> {
    let settings = body.blocks().filter(|b| b.ident.as_str() == "terraform");
    let inner = settings.flat_map(|b| b.body.blocks().filter(|b| matches!(b.ident.as_str(), "backend" | "cloud")));
    inner.filter_map(hcl_edit::Span::span).collect()
}

/// A configuration without its backend, if it can be read.
pub fn without_backend(path: &str, text: &str) -> Vec<u8> {
    Source::parse(path, text.as_bytes()).map_or_else(|_| text.as_bytes().to_vec(), |s| blanked(&s.text, &backends(&s.body)))
}

/// A text with blanks instead of some spans: every other line and column stays where it was.
fn blanked(text: &str, spans: &[std::ops::Range<usize>]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans {
        for byte in bytes.get_mut(span.clone()).into_iter().flatten().filter(|b| !matches!(**b, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
    bytes
}

/// What every provider `aws` of the root is told besides.
fn over(terraform: &Terraform, cloud: Cloud) -> String {
    let offline = "  skip_credentials_validation = true\n  skip_metadata_api_check     = true\n";
    let rest = match cloud {
        Cloud::None => "  skip_requesting_account_id  = true\n  skip_region_validation      = true\n",
        // The mock answers on one address for every bucket; a call it doesn't know would be tried again and again.
        Cloud::Reads | Cloud::Changes => "  s3_use_path_style           = true\n  max_retries                 = 1\n",
    };
    let dir = dir(terraform);
    let providers = terraform.modules.iter().filter(|m| m.dir == dir).flat_map(|m| m.of_kind("provider"));
    let mut aliases: BTreeSet<String> = providers
        .filter(|b| b.labels.first().is_some_and(|l| l == "aws"))
        .map(|b| b.text("alias").unwrap_or_default().to_owned())
        .filter(|a| a.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .collect();
    aliases.insert(String::new());
    aliases
        .iter()
        .map(|alias| {
            let alias = if alias.is_empty() { String::new() } else { format!("  alias = \"{alias}\"\n") };
            format!("provider \"aws\" {{\n{alias}{offline}{rest}}}\n")
        })
        .collect()
}

/// Every type of resource and data source that is named, `import`s and `moved`s included.
pub fn types(terraform: &Terraform) -> BTreeSet<String> {
    let named = |kind: &str| matches!(kind, "resource" | "data" | "ephemeral");
    let blocks = terraform.sources.iter().flat_map(|s| s.body.blocks());
    let mut types: BTreeSet<String> =
        blocks.filter(|b| named(b.ident.as_str())).filter_map(|b| b.labels.first()).map(|l| l.as_str().to_owned()).collect();
    // `moved` and `removed` name types that are gone.
    let paths = terraform.modules.iter().flat_map(|m| &m.references).filter_map(|r| r.path.first());
    types.extend(paths.filter(|p| p.starts_with("aws_")).cloned());
    types
}

/// The types that a state holds.
pub fn types_of_state(state: &str) -> Vec<String> {
    let state: serde_json::Value = serde_json::from_str(state).unwrap_or_default();
    let resources = state.get("resources").and_then(|r| r.as_array()).into_iter().flatten();
    resources.filter_map(|r| Some(r.get("type")?.as_str()?.to_owned())).collect()
}

/// What is asked of providers that this grader doesn't have.
pub fn foreign(terraform: &Terraform) -> Vec<Problem> {
    let mut problems = Vec::new();
    let at = |source: usize, span: &std::ops::Range<usize>, message: String| {
        let problem = Problem::new(message).fix("Use resources of hashicorp/aws, or built-in ones such as terraform_data.");
        match terraform.sources.get(source) {
            Some(source) => problem.at(source.place(span)),
            None => problem,
        }
    };
    for module in &terraform.modules {
        for required in module.of_kind("terraform").flat_map(|b| b.all("required_providers")) {
            for attribute in &required.attributes {
                let source = source_of(attribute);
                if source.is_some_and(|s| !matches!(s, "hashicorp/aws" | "registry.terraform.io/hashicorp/aws")) {
                    let message = format!("Provider `{}` comes from {}, which isn't available here.", attribute.name, source.unwrap_or_default());
                    problems.push(at(required.source, &attribute.span, message));
                }
            }
        }
        for block in module.blocks.iter().filter(|b| matches!(b.kind.as_str(), "resource" | "data" | "ephemeral")) {
            let of = block.labels.first().map_or("", String::as_str);
            let aliased = block.attribute("provider").is_some();
            if !of.starts_with("aws_") && !of.starts_with(BUILT_IN) && !aliased {
                let provider = of.split('_').next().unwrap_or(of);
                let message = format!("`{}` needs provider `{provider}`, which isn't available here.", block.address());
                problems.push(at(block.source, &block.head, message));
            }
        }
    }
    problems
}

fn source_of(attribute: &module::Attribute) -> Option<&str> {
    attribute.value.entries()?.get("source").and_then(super::super::value::Value::as_str)
}

/// A file that terraform names, by its path in the hand-in.
pub fn handed_in(terraform: &Terraform, file: &str) -> Option<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    if name == OVERRIDE {
        return None;
    }
    local(dir(terraform), &format!("./{file}"))
}
