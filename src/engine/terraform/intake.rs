//! Which files of a hand-in are Terraform, and which are refused because Terraform would load them unread by us.
use crate::engine::files::{File, Files};
use crate::engine::report::{Place, Problem};

/// Larger files are refused: a hand-written one has a few kilobytes.
pub const MAX_FILE: usize = 256 * 1024;
/// All configuration of a hand-in together.
pub const MAX_TOTAL: usize = 1024 * 1024;

/// Why Terraform's file of this path is refused; `None` for every other file.
pub fn refused(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
    if folders.contains(&".terraform") {
        return Some("it belongs to the folder `.terraform`, which `terraform init` makes on each machine: leave it out, as .gitignore should");
    }
    if folders.contains(&"terraform.d") {
        return Some("Terraform would load plugins from `terraform.d`: leave the folder out");
    }
    if name.ends_with(".tf.json") {
        return Some("Terraform's JSON syntax isn't read here: write it as .tf");
    }
    if name == "override.tf" || name.ends_with("_override.tf") {
        return Some("an override file changes what the others say without a trace in them: write the change where it belongs");
    }
    if name.ends_with(".tftest.json") || name.ends_with(".tfmock.hcl") || name.ends_with(".tfmock.json") {
        return Some("tests are read as `.tftest.hcl` only");
    }
    if name == "terraform.tfvars" || name == "terraform.tfvars.json" || name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") {
        return Some("Terraform would load its values unasked: give defaults in variables.tf instead");
    }
    if name == ".terraformrc" || name == "terraform.rc" {
        return Some("it configures the command line, not the infrastructure: leave it out");
    }
    if name.ends_with(".tfstate") || name.contains(".tfstate.") {
        return Some("state holds every attribute in plain text, passwords included: keep it in a backend and never hand it in");
    }
    None
}

/// Whether a file is read as configuration of a module.
pub fn is_configuration(path: &str) -> bool {
    path.ends_with(".tf")
}

/// Whether a file holds tests of a module.
pub fn is_test(path: &str) -> bool {
    path.ends_with(".tftest.hcl")
}

/// Whether a file is read as HCL to see that it parses.
pub fn is_hcl(path: &str) -> bool {
    is_configuration(path) || is_test(path) || path.ends_with(".terraform.lock.hcl") || path.ends_with(".tfvars")
}

/// The files that are read, and a problem for each that is refused.
pub fn sort(files: &Files) -> (Vec<&File>, Vec<Problem>) {
    let (mut read, mut problems, mut total) = (Vec::new(), Vec::new(), 0);
    for file in files.iter() {
        if let Some(why) = refused(&file.path) {
            problems.push(refusal(&file.path, &format!("`{}` is not accepted: {why}.", file.path)));
        } else if is_hcl(&file.path) {
            total += file.bytes.len();
            if file.bytes.len() > MAX_FILE {
                let size = file.bytes.len() / 1024;
                problems.push(refusal(&file.path, &format!("`{}` has {size} KiB; at most {} are read.", file.path, MAX_FILE / 1024)));
            } else if total > MAX_TOTAL {
                problems.push(refusal(&file.path, &format!("The configuration up to `{}` has more than {} KiB.", file.path, MAX_TOTAL / 1024)));
            } else {
                read.push(file);
            }
        }
    }
    (read, problems)
}

fn refusal(path: &str, message: &str) -> Problem {
    Problem::new(message).at(Place { file: path.to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terraform_would_load_unread_is_refused() {
        for path in [
            "override.tf",
            "zzz_override.tf",
            "a/main.tf.json",
            "x.tftest.json",
            "x.tfmock.hcl",
            "terraform.tfvars",
            "prod.auto.tfvars",
            ".terraform/modules/m.tf",
            "terraform.d/x.tf",
            "terraform.tfstate",
            "terraform.tfstate.backup",
            ".terraformrc",
        ] {
            assert!(refused(path).is_some(), "{path}");
        }
        for path in ["main.tf", "prod.tfvars", ".terraform.lock.hcl", "a.tftest.hcl", "README.md", "overrides.tf"] {
            assert!(refused(path).is_none(), "{path}");
        }
    }
}
