//! Terraform in a box: what it sees, its environment and its limits, whichever way it reaches its provider.
use crate::engine::confine::{Limits, Seen, Step, Work};
use crate::engine::errand::{Command, Errand};
use std::path::Path;
use std::time::Duration;

const PROGRAM: &str = "/bin/terraform";
/// Where an errand's files stand below the working copy.
const FILES: &str = "files";
const RC: &str = "cli.tfrc";

/// Memory that Go's collector aims to stay below, in bytes, where terraform runs alone. It then collects seldom: a quarter less CPU.
const QUIET: u64 = 300 << 20;

/// Longest that terraform itself may take in one command; the whole errand has its own limit.
const COMMAND: Duration = Duration::from_secs(60);

/// Where terraform finds providers.
pub const PLUGINS: &str = "/plugins";

/// The work of an errand: `seen` and `environment` say how terraform reaches its provider.
pub fn work(terraform: &Path, errand: &Errand, seen: Vec<Seen>, environment: &[(String, String)], limits: Limits) -> Work {
    let mut files: Vec<(String, Vec<u8>)> = errand.files.iter().map(|f| (format!("{FILES}/{}", f.path), f.bytes.clone())).collect();
    files.push((RC.into(), rc().into_bytes()));
    let program = Seen { host: terraform.to_owned(), inside: PROGRAM.into(), runs: true };
    let steps = errand.commands.iter().map(|c| step(c, environment)).collect();
    Work { limits, seen: seen.into_iter().chain([program]).collect(), files, sockets: None, ports: Vec::new(), steps }
}

fn step(command: &Command, environment: &[(String, String)]) -> Step {
    let always = [
        ("HOME", "/work"),
        ("TMPDIR", "/work"),
        ("TF_CLI_CONFIG_FILE", "/work/cli.tfrc"),
        ("TF_IN_AUTOMATION", "1"),
        ("TF_INPUT", "0"),
        ("CHECKPOINT_DISABLE", "1"),
        ("GOMAXPROCS", "2"),
        ("GOGC", "off"),
    ];
    let mut all: Vec<(String, String)> = always.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    all.push(("GOMEMLIMIT".into(), QUIET.to_string()));
    all.extend(environment.iter().cloned());
    let folder = format!("/work/{FILES}/{}", command.folder);
    Step {
        name: command.name.clone(),
        command: std::iter::once(PROGRAM.to_owned()).chain(command.arguments.iter().cloned()).collect(),
        folder: folder.trim_end_matches('/').to_owned(),
        environment: all,
        wall: COMMAND,
        serves: None,
        decides: command.decides,
    }
}

/// The command line's configuration: providers come from the box's own folder and nowhere else.
fn rc() -> String {
    format!(
        "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path    = \"{PLUGINS}\"\n    include = [\"*/*/*\"]\n  }}\n}}\n"
    )
}

/// Credentials that open nothing: the provider asks for some before it plans.
pub fn credentials() -> Vec<(String, String)> {
    let all = [
        ("AWS_ACCESS_KEY_ID", "mock"),
        ("AWS_SECRET_ACCESS_KEY", "mock"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
        ("AWS_CONFIG_FILE", "/none"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ];
    all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}
