//! What a hostile configuration would do if nobody had refused it: run in the box as it is, and looked for outside of it.
use super::runner;
use groundcrew::engine::File;
use groundcrew::engine::errand::{Back, Cloud, Command, Done, Errand};
use groundcrew::engine::runner::Way;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A folder with a secret to be found, in which nothing may appear.
struct Canary(PathBuf);

const SECRET: &str = "canary-of-another-student";

impl Canary {
    fn new(name: &str) -> Canary {
        let folder = std::env::temp_dir().join(format!("canary-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("secret"), SECRET).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        Canary(folder)
    }

    fn untouched(&self) -> bool {
        let names: Vec<String> = std::fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names == ["secret"] && std::fs::read_to_string(self.0.join("secret")).unwrap() == SECRET
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Plans and applies a configuration without any refusal.
fn unrefused(way: Way, files: &[(&str, &str)], types: &[&str]) -> Option<Done> {
    let runner = runner()?;
    let command = |name: &str, arguments: &[&str], decides| Command {
        name: name.into(),
        says: name.into(),
        folder: String::new(),
        arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        decides,
    };
    let errand = Errand {
        files: files.iter().map(|(path, text)| File { path: (*path).into(), bytes: text.as_bytes().to_vec() }).collect(),
        types: types.iter().map(|t| (*t).to_owned()).collect::<BTreeSet<_>>(),
        commands: vec![
            command("init", &["init", "-input=false", "-no-color"], false),
            command("apply", &["apply", "-auto-approve", "-input=false", "-no-color", "-lock=false"], false),
        ],
        cloud: Cloud::None,
    };
    match runner.carry_out_by(way, &errand, &mut |_| {}) {
        Back::Done(done) => Some(done),
        Back::Away(why) => panic!("{why}"),
    }
}

fn said(done: &Done) -> String {
    done.steps.iter().map(|s| format!("{}{}", String::from_utf8_lossy(&s.out), String::from_utf8_lossy(&s.err))).collect()
}

/// Processes of this machine that terraform or its boxes would leave; those of warm providers stay.
fn left_behind(marker: &str) -> bool {
    let lines = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| std::fs::read(e.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(marker))
}

const PROVIDER: &str = "provider \"aws\" {\n  region = \"eu-west-1\"\n  skip_credentials_validation = true\n  skip_requesting_account_id = true\n}\n";

#[test]
fn commands_of_a_configuration_find_no_shell_and_no_file() {
    let canary = Canary::new("exec");
    let folder = canary.0.display().to_string();
    for program in ["[\"/bin/sh\", \"-c\"]", "[\"/bin/bash\", \"-c\"]", "[\"/hand/groundcrew\"]", "[\"/bin/terraform\", \"version\"]"] {
        let text = format!(
            "resource \"terraform_data\" \"a\" {{\n  provisioner \"local-exec\" {{\n    interpreter = {program}\n    command = \"touch {folder}/here; echo marker-left & sleep 1000\"\n  }}\n}}\n"
        );
        let Some(done) = unrefused(Way::Relay, &[("main.tf", &text)], &[]) else { return };
        assert!(canary.untouched(), "{program}: {}", said(&done));
        assert!(!left_behind("sleep 1000"), "{program}");
    }
}

#[test]
fn a_program_of_the_hand_in_does_not_run() {
    // A script, and a plugin where terraform would look for one.
    let script = "#!/bin/sh\ntouch /work/ran\n";
    let text = "terraform {\n  required_providers {\n    evil = {\n      source = \"local/evil/evil\"\n    }\n  }\n}\nresource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    interpreter = [\"./run.sh\"]\n    command = \"x\"\n  }\n}\nresource \"evil_thing\" \"a\" {}\n";
    let plugin = "terraform.d/plugins/registry.terraform.io/local/evil/1.0.0/linux_amd64/terraform-provider-evil_v1.0.0";
    let Some(done) = unrefused(Way::Plain, &[("main.tf", text), ("run.sh", script), (plugin, script)], &[]) else { return };
    assert!(done.steps.iter().all(|s| !s.is_good()), "{}", said(&done));
}

#[test]
fn files_of_the_machine_and_of_others_are_not_there() {
    let canary = Canary::new("read");
    let secret = canary.0.join("secret").display().to_string();
    let temporary = std::env::temp_dir().display().to_string();
    let text = format!(
        "output \"a\" {{ value = try(file(\"{secret}\"), \"none\") }}\noutput \"b\" {{ value = try(file(\"/etc/passwd\"), \"none\") }}\noutput \"c\" {{ value = fileset(\"{temporary}\", \"**\") }}\noutput \"d\" {{ value = try(filebase64(\"/proc/1/environ\"), \"none\") }}\noutput \"e\" {{ value = fileset(\"/proc\", \"*/environ\") }}\noutput \"f\" {{ value = try(file(\"/proc/1/cmdline\"), \"none\") }}\n"
    );
    let Some(done) = unrefused(Way::Relay, &[("main.tf", &text)], &[]) else { return };
    let said = said(&done);
    assert!(!said.contains(SECRET) && !said.contains("root:") && !said.contains(&temporary) && canary.untouched(), "{said}");
    assert!(!said.contains("GROUNDCREW") && !said.contains("groundcrew-"), "{said}");
}

#[test]
fn a_provider_that_is_told_to_run_a_shell_finds_none() {
    let canary = Canary::new("process");
    let config = format!("[default]\ncredential_process = /bin/sh -c 'touch {}/here'\n", canary.0.display());
    let text = "provider \"aws\" {\n  region = \"eu-west-1\"\n  profile = \"default\"\n  shared_config_files = [\"/work/files/config\"]\n}\nresource \"aws_sqs_queue\" \"a\" {\n  name = \"a\"\n}\n";
    for way in [Way::Relay, Way::Plain] {
        let Some(done) = unrefused(way, &[("main.tf", text), ("config", &config)], &["aws_sqs_queue"]) else { return };
        assert!(canary.untouched(), "{}", said(&done));
    }
}

#[test]
fn nothing_is_reached_and_nothing_is_kept() {
    let canary = Canary::new("write");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let cases = [
        format!("terraform {{\n  backend \"http\" {{\n    address = \"http://{address}/state\"\n  }}\n}}\noutput \"a\" {{ value = 1 }}\n"),
        format!("terraform {{\n  backend \"local\" {{\n    path = \"{}/state\"\n  }}\n}}\noutput \"a\" {{ value = 1 }}\n", canary.0.display()),
        format!("module \"a\" {{\n  source = \"http://{address}/module.zip\"\n}}\n"),
        format!("module \"a\" {{\n  source = \"git::file://{}\"\n}}\n", canary.0.display()),
        format!(
            "data \"terraform_remote_state\" \"a\" {{\n  backend = \"local\"\n  config = {{ path = \"{}/secret\" }}\n}}\noutput \"a\" {{ value = data.terraform_remote_state.a }}\n",
            canary.0.display()
        ),
        format!(
            "{PROVIDER}provider \"aws\" {{\n  alias = \"b\"\n  region = \"eu-west-1\"\n  endpoints {{\n    sqs = \"http://{address}\"\n  }}\n}}\nresource \"aws_sqs_queue\" \"a\" {{\n  provider = aws.b\n  name = \"a\"\n}}\n"
        ),
    ];
    for text in &cases {
        let Some(done) = unrefused(Way::Relay, &[("main.tf", text)], &["aws_sqs_queue"]) else { return };
        assert!(canary.untouched(), "{text}\n{}", said(&done));
        assert!(listener.accept().is_err(), "{text} was reached");
        assert!(!said(&done).contains(SECRET), "{text}");
    }
}

#[test]
fn what_asks_for_everything_is_stopped_and_the_next_is_served() {
    use groundcrew::engine::confine::Fate;
    let bombs = [
        "locals {\n  a = range(1000)\n  b = flatten([for x in local.a : [for y in local.a : [for z in local.a : \"${x}${y}${z}\"]]])\n}\noutput \"a\" {\n  value = length(local.b)\n}\n",
        "locals {\n  a = join(\"\", [for n in range(1000) : \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"])\n  b = join(\"\", [for n in range(1000) : local.a])\n  c = join(\"\", [for n in range(1000) : local.b])\n}\noutput \"a\" {\n  value = length(local.c)\n}\n",
        "resource \"terraform_data\" \"a\" {\n  count = 1000000\n}\n",
    ];
    for text in bombs {
        let Some(done) = unrefused(Way::Relay, &[("main.tf", text)], &[]) else { return };
        let killed = done.steps.iter().any(|s| s.code.is_none() || String::from_utf8_lossy(&s.err).contains("out of memory"));
        assert!(killed || matches!(done.fate, Fate::Stopped(_)), "{text}{:?}: {}", done.fate, said(&done).chars().take(2000).collect::<String>());
        let Some(next) = unrefused(Way::Relay, &[("main.tf", "output \"a\" {\n  value = 1\n}\n")], &[]) else { return };
        assert!(next.steps.iter().all(groundcrew::engine::confine::Stepped::is_good), "{}", said(&next));
    }
    // Boxes of those runs are gone from the disk.
    let own = format!("groundcrew-{}-", std::process::id());
    let shelves = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().starts_with(&own));
    let runs: usize =
        shelves.map(|s| std::fs::read_dir(s.path()).map_or(0, |d| d.flatten().filter(|e| Path::new(&e.path()).join("given").is_dir()).count())).sum();
    assert!(runs <= 4, "{runs} folders of boxes are left");
}
