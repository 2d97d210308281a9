//! The student's own commands: sign in to a portal with a personal token, list labs, start one, hand in, watch the report.
use super::terminal::Paint;
use super::{grade, source};
use crate::config::is_loopback;
use crate::engine::Files;
use crate::engine::report::Report;
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, Subcommand)]
pub enum Remote {
    /// Keep a portal's address and your personal token (Account → Tokens); the token is read from the input
    Login(LoginArgs),
    /// List the labs that are open to you
    List,
    /// Write a lab's start files into a folder of its name
    Start(StartArgs),
    /// Hand in files or folders for a lab and wait for the report
    Submit(SubmitArgs),
    /// Wait for a hand-in's report and show it
    Watch(WatchArgs),
}

#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The portal's address, such as https://portal.example.org
    url: String,
}

#[derive(Debug, Args)]
pub struct StartArgs {
    /// The lab's id, as `list` shows it
    lab: String,
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The lab's id, as `list` shows it
    lab: String,
    /// Files, or folders whose files are all taken
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The hand-in's id, as `submit` shows it
    submission: String,
}

/// What `login` keeps, readable by its owner alone.
#[derive(Debug, Serialize, Deserialize)]
struct Login {
    url: String,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Labs {
    labs: Vec<LabLine>,
}

#[derive(Debug, Deserialize)]
struct LabLine {
    id: String,
    title: String,
    week: u32,
    points: u32,
    due: String,
}

#[derive(Debug, Deserialize)]
struct StartFiles {
    files: Vec<StartFile>,
}

#[derive(Debug, Deserialize)]
struct StartFile {
    path: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Kept {
    id: String,
    number: i64,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Watched {
    position: Option<Position>,
    report: Option<Report>,
}

#[derive(Debug, Deserialize)]
struct Position {
    ahead: i64,
    estimate_s: i64,
}

#[derive(Debug, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
    file: Option<String>,
}

pub fn run(command: Remote) -> Result<ExitCode> {
    match command {
        Remote::Login(args) => login(&args.url),
        Remote::List => list(),
        Remote::Start(args) => start(&args.lab),
        Remote::Submit(args) => submit(&args.lab, &args.paths),
        Remote::Watch(args) => watch(&open()?, &args.submission, &Files::default()),
    }
}

fn config_file() -> Result<PathBuf> {
    let base =
        std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    Ok(base.context("neither HOME nor XDG_CONFIG_HOME is set")?.join("groundcrew").join("login.json"))
}

fn login(url: &str) -> Result<ExitCode> {
    ensure!(is_safe(url), "{url} is not https: a token sent there could be read on the way");
    eprint!("Token: ");
    let mut token = String::new();
    std::io::stdin().lock().read_line(&mut token)?;
    let login = Login { url: url.trim_end_matches('/').to_owned(), token: token.trim().to_owned() };
    let labs: Labs = get(&login, "/api/labs")?;
    let file = config_file()?;
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
    open.write_all(&serde_json::to_vec_pretty(&login)?)?;
    println!("Signed in; {} labs are open to you.", labs.labs.len());
    Ok(ExitCode::SUCCESS)
}

/// Whether a token may travel there: over TLS, or without leaving this machine.
fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return false };
    let host = uri.host().unwrap_or("");
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback(host),
        _ => false,
    }
}

fn open() -> Result<Login> {
    let file = config_file()?;
    let text =
        std::fs::read(&file).context("you are not signed in: make a token on your portal's page Account → Tokens, then `groundcrew login URL`")?;
    serde_json::from_slice(&text).with_context(|| format!("{} can't be read: sign in again", file.display()))
}

fn list() -> Result<ExitCode> {
    let labs: Labs = get(&open()?, "/api/labs")?;
    for lab in labs.labs {
        println!("week {:>2}  {:<32} {:>3} points  due {}  {}", lab.week, lab.id, lab.points, lab.due, lab.title);
    }
    Ok(ExitCode::SUCCESS)
}

fn start(lab: &str) -> Result<ExitCode> {
    let folder = Path::new(lab);
    ensure!(folder.components().count() == 1 && matches!(folder.components().next(), Some(Component::Normal(_))), "{lab:?} is no lab's id");
    let start: StartFiles = get(&open()?, &format!("/api/labs/{lab}/start"))?;
    ensure!(!folder.exists(), "{lab} is there already: your work in it is left alone. Move it away to begin anew");
    for file in start.files {
        let path = Path::new(&file.path);
        ensure!(path.components().all(|c| matches!(c, Component::Normal(_))), "the portal sent a file that leaves the folder: {:?}", file.path);
        let to = folder.join(path);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&to, file.text)?;
        println!("{}", to.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn submit(lab: &str, paths: &[PathBuf]) -> Result<ExitCode> {
    let login = open()?;
    let mut files = Vec::new();
    for path in paths {
        files.extend(source::read(path, |_| true)?.iter().cloned());
    }
    let files = Files::new(files);
    let boundary = "groundcrew-hand-in-5f1c09a2e7d84b63";
    let mut body = Vec::new();
    for file in files.iter() {
        ensure!(!file.path.contains(['"', '\n', '\r']), "{:?} has a character that can't be sent: rename it", file.path);
        write!(
            body,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            file.path
        )?;
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--{boundary}--\r\n")?;
    let request = agent().post(format!("{}/api/labs/{lab}/submissions", login.url)).header("authorization", format!("Bearer {}", login.token));
    let kept: Kept = read(request.content_type(format!("multipart/form-data; boundary={boundary}")).send(&body[..])?)?;
    println!("Hand-in {} is kept: {}", kept.number, kept.url);
    watch(&login, &kept.id, &files)
}

/// Asks every second until the report is here; a portal that is away is asked again for ten minutes.
fn watch(login: &Login, submission: &str, files: &Files) -> Result<ExitCode> {
    let begun = Instant::now();
    let mut last = String::new();
    loop {
        let mut line = String::from("waiting");
        match ask(login, &format!("/api/submissions/{submission}")) {
            // A proxy answers for a portal that is being restarted.
            Ok(answer) if answer.status().is_server_error() => line = format!("the portal answers {}; asking again", answer.status()),
            Ok(answer) => {
                let watched = read::<Watched>(answer)?;
                if let Some(report) = watched.report {
                    return Ok(show(&report, files));
                }
                if let Some(position) = watched.position {
                    let _ = write!(line, ", {} ahead, about {} s", position.ahead, position.estimate_s);
                }
            }
            Err(away) => line = format!("{away:#}; asking again"),
        }
        if line != last {
            eprintln!("{line}");
            last = line;
        }
        if begun.elapsed() > Duration::from_secs(600) {
            bail!("no report after ten minutes; `groundcrew watch {submission}` looks again, nothing is lost");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn show(report: &Report, files: &Files) -> ExitCode {
    print!("{}", grade::shown(report, "Report", files, Paint::of_stdout()));
    grade::code(report)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().into()
}

fn get<T: for<'de> Deserialize<'de>>(login: &Login, path: &str) -> Result<T> {
    read(ask(login, path)?)
}

/// An answer of the portal, whatever it says; an error when it can't be reached.
fn ask(login: &Login, path: &str) -> Result<ureq::http::Response<ureq::Body>> {
    let response = agent().get(format!("{}{path}", login.url)).header("authorization", format!("Bearer {}", login.token)).call();
    response.with_context(|| format!("{} can't be reached", login.url))
}

/// The answer, or what the portal says is wrong.
fn read<T: for<'de> Deserialize<'de>>(mut response: ureq::http::Response<ureq::Body>) -> Result<T> {
    let status = response.status();
    let text = response.body_mut().read_to_string()?;
    if status.is_success() {
        return serde_json::from_str(&text).context("the portal's answer can't be read: is this client older than the portal?");
    }
    let refused: Refused = serde_json::from_str(&text).unwrap_or(Refused { error: status.to_string(), message: String::new(), file: None });
    match refused.file {
        Some(file) => bail!("{}: {file}: {}", refused.error, refused.message),
        None => bail!("{}: {}", refused.error, refused.message),
    }
}
