//! Finds terraform, its AWS provider and the mock cloud: by settings, then by PATH and where Terraform itself looks for providers.
use crate::engine::confine::{Boxes, found};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest terraform whose `init` answers in JSON.
const OLDEST: (u32, u32) = (1, 9);
/// Where filesystem mirrors keep the provider.
const AWS: &str = "registry.terraform.io/hashicorp/aws";

/// What an operator says about tools.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Terraform's program; found on PATH otherwise.
    pub terraform: Option<PathBuf>,
    /// A folder of providers as Terraform's filesystem mirrors have it.
    pub providers: Option<PathBuf>,
    /// A python that has moto; `python3` otherwise.
    pub python: Option<PathBuf>,
    /// Whether hardening is required too.
    pub strict: bool,
    /// Whether terraform always starts its provider itself.
    pub plain: bool,
    /// Most warm providers; 0 means 1.
    pub providers_at_once: usize,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Tools {
    pub terraform: PathBuf,
    pub terraform_version: String,
    pub provider: PathBuf,
    pub provider_version: String,
    /// The mock cloud's python and what it is made of, or why there is none.
    pub python: Result<Python, String>,
}

/// A python that has moto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    pub program: PathBuf,
    /// Folders it is made of: its own and those of its packages.
    pub folders: Vec<PathBuf>,
    /// Where it looks for packages.
    pub path: String,
    pub moto: String,
}

impl Tools {
    /// Says what is missing and how to get it.
    pub fn find(settings: &Settings) -> Result<Tools, String> {
        let terraform = settings.terraform.clone().or_else(|| found("terraform"));
        let terraform = terraform.filter(|t| t.is_file()).ok_or(
            "terraform is not installed: put it on PATH or name it in GROUNDCREW_TERRAFORM (https://developer.hashicorp.com/terraform/install)",
        )?;
        let terraform_version = version(&terraform)?;
        let new_enough = numbers(&terraform_version).is_some_and(|(major, minor)| (major, minor) >= OLDEST);
        if !new_enough {
            return Err(format!("terraform {terraform_version} is too old: {}.{} or newer is needed", OLDEST.0, OLDEST.1));
        }
        let (provider, provider_version) = mirrors(settings).iter().find_map(|m| provider(m)).ok_or(
            "the AWS provider is not on this machine: fetch it with `terraform providers mirror DIR` and name DIR in GROUNDCREW_TERRAFORM_PROVIDERS",
        )?;
        Ok(Tools { terraform, terraform_version, provider, provider_version, python: python(settings) })
    }

    /// The same by paths that boxes can read.
    pub fn readable(self, boxes: &Boxes) -> Result<Tools, String> {
        let readable = |path: &Path| boxes.tool(path).map_err(|e| format!("{} can't be read: {e}", path.display()));
        Ok(Tools { terraform: readable(&self.terraform)?, provider: readable(&self.provider)?, ..self })
    }
}

fn version(terraform: &Path) -> Result<String, String> {
    let output = Command::new(terraform).args(["version", "-json"]).env_remove("TF_CLI_CONFIG_FILE").env("CHECKPOINT_DISABLE", "1").output();
    let output = output.map_err(|e| format!("{} can't be started: {e}", terraform.display()))?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let version = said.get("terraform_version").and_then(|v| v.as_str()).map(str::to_owned);
    version.ok_or_else(|| format!("{} doesn't say its version", terraform.display()))
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|n| n.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Folders that may hold providers: the setting, those of Terraform's own configuration, and where it looks without one.
fn mirrors(settings: &Settings) -> Vec<PathBuf> {
    if let Some(folder) = &settings.providers {
        return vec![folder.clone()];
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let configured = std::env::var_os("TF_CLI_CONFIG_FILE").map(PathBuf::from).or_else(|| Some(home.clone()?.join(".terraformrc")));
    let mut all: Vec<PathBuf> = configured.and_then(|file| fs::read_to_string(file).ok()).map(|text| mirrors_of(&text)).unwrap_or_default();
    all.extend(home.iter().map(|h| h.join(".terraform.d/plugins")));
    all.extend(home.iter().map(|h| h.join(".local/share/terraform/plugins")));
    all.extend(["/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"].map(PathBuf::from));
    all
}

/// The paths of the filesystem mirrors that a command line configuration names.
fn mirrors_of(text: &str) -> Vec<PathBuf> {
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return Vec::new() };
    let installations = body.get_blocks("provider_installation");
    let mirrors = installations.flat_map(|b| b.body.get_blocks("filesystem_mirror").collect::<Vec<_>>());
    mirrors.filter_map(|b| b.body.get_attribute("path")?.value.as_str().map(PathBuf::from)).collect()
}

/// The newest AWS provider for this machine in a mirror that is laid out by folders.
fn provider(mirror: &Path) -> Option<(PathBuf, String)> {
    let platform = format!("linux_{}", if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" });
    let versions = fs::read_dir(mirror.join(AWS)).ok()?.flatten().filter_map(|e| e.file_name().into_string().ok());
    let mut versions: Vec<(Vec<u32>, String)> = versions.map(|v| (v.split(['.', '-']).filter_map(|n| n.parse().ok()).collect(), v)).collect();
    versions.sort();
    versions.into_iter().rev().find_map(|(_, version)| {
        let folder = fs::read_dir(mirror.join(AWS).join(&version).join(&platform)).ok()?;
        let file = folder.flatten().map(|e| e.path()).find(|p| is_named(p, "terraform-provider-aws") && p.is_file())?;
        Some((file, version))
    })
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|n| n.starts_with(name))
}

/// What python is asked: what it is, what it is made of, which moto it has.
const ASK: &str = "import sys, json, moto, site, os
folders = {sys.prefix, sys.base_prefix, sys.exec_prefix} | {p for p in sys.path if p and os.path.isdir(p)}
print(json.dumps({'program': os.path.realpath(sys.executable), 'folders': sorted(folders), 'path': os.pathsep.join(p for p in sys.path if p), 'moto': moto.__version__}))";

fn python(settings: &Settings) -> Result<Python, String> {
    const ADVICE: &str = "install it with `pip install 'moto[server]'`, and name its python in GROUNDCREW_PYTHON if that isn't python3 on PATH";
    let program = settings.python.clone().or_else(|| found("python3")).ok_or(format!("the mock cloud is not installed: {ADVICE}"))?;
    let output = Command::new(&program).args(["-c", ASK]).output().map_err(|e| format!("{}: {e}", program.display()))?;
    let said: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|_| format!("{} has no moto, the mock cloud: {ADVICE}", program.display()))?;
    let text = |name: &str| said.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let folders = said.get("folders").and_then(|v| v.as_array()).into_iter().flatten().filter_map(|v| v.as_str().map(PathBuf::from)).collect();
    Ok(Python { program: text("program").into(), folders: outermost(folders), path: text("path"), moto: text("moto") })
}

/// Those that lie in no other.
fn outermost(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !kept.iter().any(|k| folder.starts_with(k)) {
            kept.push(folder);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_stand_in_terraforms_own_configuration() {
        let text = "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = \"/srv/mirror\"\n    include = [\"*/*/*\"]\n  }\n  direct {}\n}\n";
        assert_eq!(mirrors_of(text), [PathBuf::from("/srv/mirror")]);
        assert!(mirrors_of("{{{").is_empty());
    }

    #[test]
    fn folders_within_others_are_left_out() {
        let folders = ["/usr/lib/python3", "/usr", "/opt/x", "/opt/xy"].map(PathBuf::from).to_vec();
        assert_eq!(outermost(folders), ["/opt/x", "/opt/xy", "/usr"].map(PathBuf::from));
    }
}
