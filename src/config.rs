//! What it takes to boot: every setting of the process, from flags and the environment, documented here and nowhere else.
use anyhow::{Result, bail};
use clap::Args;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The settings that say where the data is; every command that opens it takes them.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the database, the keys and everything else that must be kept
    #[arg(long, env = "GROUNDCREW_DATA", default_value = "./data", value_name = "DIR", global = true)]
    pub data: PathBuf,
    /// PostgreSQL instead of SQLite in the data folder: postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database: Option<String>,
    /// File of the root key; made with mode 0600 if missing. The same on all replicas, never in a backup [default: DATA/root.key]
    #[arg(long, env = "GROUNDCREW_KEY_FILE", value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
}

/// The settings of the portal itself.
#[derive(Debug, Clone, Args)]
pub struct PortalArgs {
    /// Address to listen on
    #[arg(long, env = "GROUNDCREW_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Address by which people reach the portal, for links in mail, origin checks and Secure cookies; needed off loopback
    #[arg(long, env = "GROUNDCREW_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, comma separated addresses
    #[arg(long, env = "GROUNDCREW_TRUSTED_PROXIES", value_name = "ADDRS", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,
    /// SMTP server for mail: smtp://HOST:25, smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587?tls=required; without it links are copied by an admin
    #[arg(long, env = "GROUNDCREW_SMTP", value_name = "URL", hide_env_values = true)]
    pub smtp: Option<String>,
    /// Sender of mail
    #[arg(long, env = "GROUNDCREW_MAIL_FROM", value_name = "ADDRESS", default_value = "groundcrew@localhost")]
    pub mail_from: String,
    /// Bearer token for /metrics; without it /metrics answers only requests from this machine, and none where GROUNDCREW_URL is another's
    #[arg(long, env = "GROUNDCREW_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,
    /// Serve the program in DIR instead of the embedded one and read it again when it changes (for authors; cohorts are not pinned)
    #[arg(long, env = "GROUNDCREW_LABS", value_name = "DIR")]
    pub labs: Option<PathBuf>,
    /// How many grading children run side by side [default: the number of cores, at most 4]
    #[arg(long, env = "GROUNDCREW_GRADERS", value_name = "N")]
    pub graders: Option<usize>,
    #[command(flatten)]
    pub tools: ToolArgs,
}

/// Where the tools are that run over hand-ins, and what must contain them.
#[derive(Debug, Clone, Default, Args)]
pub struct ToolArgs {
    /// Terraform's program [default: terraform on PATH]
    #[arg(long, env = "GROUNDCREW_TERRAFORM", value_name = "FILE")]
    pub terraform: Option<PathBuf>,
    /// Folder of providers as `terraform providers mirror` lays it out, unpacked [default: where terraform itself looks]
    #[arg(long, env = "GROUNDCREW_TERRAFORM_PROVIDERS", value_name = "DIR")]
    pub terraform_providers: Option<PathBuf>,
    /// A python that has moto, the mock cloud [default: python3 on PATH]
    #[arg(long, env = "GROUNDCREW_PYTHON", value_name = "FILE")]
    pub python: Option<PathBuf>,
    /// What must contain the tools: `required` is namespaces, limits and an empty environment; `strict` is Landlock and the rest too
    #[arg(long, env = "GROUNDCREW_CONFINEMENT", value_name = "HOW", default_value = "required")]
    pub confinement: Confinement,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Confinement {
    #[default]
    Required,
    Strict,
}

impl ToolArgs {
    pub fn settings(&self) -> crate::engine::runner::Settings {
        crate::engine::runner::Settings {
            terraform: self.terraform.clone(),
            providers: self.terraform_providers.clone(),
            python: self.python.clone(),
            strict: self.confinement == Confinement::Strict,
            plain: false,
            providers_at_once: 2,
        }
    }
}

/// Whether the host of an address, as it stands there, is this machine and no other.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// A line of the log as people read it, or as JSON for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

impl DataArgs {
    pub fn sqlite_file(&self) -> PathBuf {
        self.data.join("groundcrew.db")
    }

    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data.join("root.key"))
    }

    /// Makes the data folder, for its owner alone.
    pub fn prepare(&self) -> Result<&Path> {
        use std::os::unix::fs::DirBuilderExt as _;
        if !self.data.is_dir() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data)?;
        }
        Ok(&self.data)
    }
}

impl PortalArgs {
    /// The public address without a trailing slash. Off loopback it must be said: mail links and cookies depend on it.
    pub fn public_url(&self) -> Result<String> {
        match &self.url {
            Some(url) => PortalArgs::checked_url(url),
            None if self.listen.ip().is_loopback() => Ok(format!("http://{}", self.listen)),
            None => bail!(
                "listening on {} needs GROUNDCREW_URL: the address by which people reach the portal, such as https://portal.example.org",
                self.listen
            ),
        }
    }

    /// A public address as it is used: http or https, without a trailing slash.
    pub fn checked_url(url: &str) -> Result<String> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("GROUNDCREW_URL is {url:?}: it must begin with http:// or https://");
        }
        Ok(url.trim_end_matches('/').to_owned())
    }

    pub fn graders(&self) -> usize {
        self.graders.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from).min(4)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn this_machine_is_told_from_others() {
        for host in ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "0.0.0.0", "10.0.0.1", "127.0.0.1.evil.test", "localhost.evil.test", "portal.test", "[::]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
