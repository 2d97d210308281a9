//! The allow-list: what a configuration must not ask of whoever plans it.
use super::{Look, Rule, test_files};
use crate::engine::report::Severity;
use crate::engine::terraform::functions;
use crate::engine::terraform::module::Module;

pub static REFUSED: Rule = Rule {
    id: "tf-refused",
    severity: Severity::Error,
    title: "Nothing runs, reads or fetches beyond the module",
    why: "A plan runs with somebody's credentials. Provisioners, external data and files outside of the module do on that machine whatever the configuration says.",
    fix: "Leave it out: declare what shall be there and let the provider make it.",
    passes: "locals {\n  policy = file(\"${path.module}/policy.json\")\n}\n",
    fails: "resource \"aws_instance\" \"gpu\" {\n  provisioner \"local-exec\" {\n    command = \"id\"\n  }\n}\n",
    check: refused,
};

/// Arguments of the AWS provider that run a shell, read files or send requests elsewhere.
const PROVIDER: [&str; 13] = [
    "profile",
    "shared_config_files",
    "shared_credentials_files",
    "shared_credentials_file",
    "custom_ca_bundle",
    "endpoints",
    "assume_role",
    "assume_role_with_web_identity",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ec2_metadata_service_endpoint",
    "sts_region",
];

fn refused(look: &mut Look<'_>) {
    for module in look.modules() {
        blocks(look, module);
        files(look, module);
        for (source, span) in &module.bombs {
            let problem = look.at(*source, span, "More than 1,000 instances are asked for here.");
            look.found(problem.fix("Ask for as many as the lab needs."));
        }
    }
    test_files::refused(look);
    if look.terraform.spent {
        let source = look.terraform.root.first().copied().unwrap_or_default();
        let problem = look.at(source, &(0..0), "Evaluating the locals and expressions takes more steps or memory than a configuration may.");
        look.found(problem.fix("Look for a `for` over a huge range or texts that grow by themselves."));
    }
}

fn blocks(look: &mut Look<'_>, module: &Module) {
    for block in &module.blocks {
        for provisioner in block.all("provisioner") {
            let name = provisioner.labels.first().map_or("", String::as_str);
            let problem = look.on(provisioner, format!("Provisioner `{name}` of `{}` runs commands, which is refused.", block.address()));
            look.found(problem.fix("Put what the machine needs into its image or its user data."));
        }
        let of = block.labels.first().map_or("", String::as_str);
        match (block.kind.as_str(), of) {
            ("data", "external") => {
                let problem = look.on(block, format!("`{}` runs a program at plan, which is refused.", block.address()));
                look.found(problem);
            }
            ("data", "http") => {
                let problem = look.on(block, format!("`{}` sends a request at plan, which is refused.", block.address()));
                look.found(problem);
            }
            ("data", "terraform_remote_state") => {
                let problem = look.on(block, format!("`{}` reads another configuration's whole state, which is refused.", block.address()));
                look.found(problem.fix("Take what you need as a variable, or look it up with a data source of the provider."));
            }
            ("terraform", _) => {
                for cloud in block.all("cloud") {
                    let problem = look.on(cloud, "A block `cloud` hands the plan to a service, which is refused.");
                    look.found(problem.fix("Use a backend."));
                }
            }
            ("module", name) => {
                let source = block.value("source").and_then(|v| v.as_str());
                if !source.is_some_and(|s| s.starts_with("./") || s.starts_with("../")) {
                    let shown = source.map_or_else(|| "a source that isn't a plain text".into(), |s| format!("`{s}`"));
                    let problem = look.of(block, "source", format!("Module `{name}` comes from {shown}; only modules of the hand-in are accepted."));
                    look.found(problem.fix("Copy the module into a folder of the hand-in: `source = \"./modules/name\"`."));
                } else if source.is_some_and(|s| super::super::local(&module.dir, s).is_none()) {
                    let problem = look.of(block, "source", format!("Module `{name}` lies outside of the hand-in."));
                    look.found(problem.fix("Copy the module into a folder of the hand-in: `source = \"./modules/name\"`."));
                }
            }
            ("provider", "aws") => {
                for name in PROVIDER {
                    let said = || format!("`{name}` of provider `aws` reads files or goes elsewhere, which is refused.");
                    let written = block.attribute(name).map(|_| look.of(block, name, said()));
                    let problems: Vec<_> = written.into_iter().chain(block.all(name).map(|inner| look.on(inner, said()))).collect();
                    for problem in problems {
                        look.found(problem.fix("Leave it out: whoever plans brings credentials through the environment."));
                    }
                }
            }
            _ => {}
        }
    }
}

fn files(look: &mut Look<'_>, module: &Module) {
    for (source, call) in module.calls.iter().filter(|(_, c)| functions::READS_FILES.contains(&c.name.as_str())) {
        let Some(first) = &call.first else { continue };
        let written = look.terraform.sources.get(*source).map_or("", |s| s.slice(first));
        if !stays_inside(written) {
            let message = format!("`{}` reads {written}, which may lie outside of the module.", call.name);
            let problem =
                look.at(*source, first, if message.len() > 200 { format!("`{}` may read outside of the module.", call.name) } else { message });
            look.found(problem.fix("Name a file of the module: `\"${path.module}/name\"`."));
        }
    }
}

/// Whether a path, as written, can only lie in the module: a text that begins there and never climbs.
pub fn stays_inside(written: &str) -> bool {
    if written == "path.module" {
        return true;
    }
    let Some(text) = written.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return false };
    let text = text.strip_prefix("${path.module}/").or_else(|| text.strip_prefix("./")).unwrap_or(text);
    !text.is_empty()
        && !text.starts_with(['/', '~', '$', '%'])
        && !text.contains("..")
        && !text.contains("${")
        && !text.contains("%{")
        && !text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::stays_inside;

    #[test]
    fn only_what_is_written_inside_stays_inside() {
        for path in ["\"${path.module}/a.json\"", "\"./a\"", "\"a/b.tftpl\"", "path.module"] {
            assert!(stays_inside(path), "{path}");
        }
        for path in [
            "\"/etc/passwd\"",
            "\"~/.aws/credentials\"",
            "\"../a\"",
            "\"${path.module}/../a\"",
            "var.file",
            "\"${var.dir}/a\"",
            "\"a/${var.x}\"",
            "\"\\u002fetc\"",
        ] {
            assert!(!stays_inside(path), "{path}");
        }
    }
}
