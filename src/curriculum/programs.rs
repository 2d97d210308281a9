//! The versions of the program in memory: read once, shared by all requests; in authoring mode one folder instead, read again when it changes.
use super::markdown::{self, Rendered};
use super::{Program, load, store};
use crate::clock::Clock;
use crate::db::{Conn, Db};
use crate::engine::File;
use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many versions stay in memory; cohorts side by side rarely need more than two.
const MOST: usize = 6;
/// How many rendered texts stay: a program has about sixty.
const MOST_RENDERED: usize = 250;

/// How a program is read. A portal starts with a lesson missing rather than not at all; an author's change with a fault in
/// it waits until it is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Strictly,
    AsFarAsItGoes,
}

/// Cheap to clone; one for the process, as `app.programs`.
#[derive(Debug, Clone, Default)]
pub struct Programs(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    read: RwLock<HashMap<String, Arc<Program>>>,
    current: RwLock<Option<Arc<Program>>>,
    /// In authoring mode, what is wrong with the folder as it is now; the last good reading is served meanwhile.
    problems: RwLock<Vec<String>>,
    authoring: std::sync::atomic::AtomicBool,
    /// Rendered lessons and instructions by their text.
    rendered: RwLock<HashMap<[u8; 32], Arc<Rendered>>>,
}

impl Programs {
    /// The version a cohort is on. In authoring mode nobody is pinned: it is the folder as it was last read.
    pub async fn get(&self, conn: &mut Conn, hash: &str) -> Result<Arc<Program>> {
        if self.is_authoring()
            && let Some(current) = self.current()
        {
            return Ok(current);
        }
        self.exactly(conn, hash).await
    }

    /// A version by its hash, whatever the mode.
    pub async fn exactly(&self, conn: &mut Conn, hash: &str) -> Result<Arc<Program>> {
        if let Some(program) = self.0.read.read().ok().and_then(|read| read.get(hash).cloned()) {
            return Ok(program);
        }
        let files = store::files(conn, hash).await?;
        if files.is_empty() {
            bail!("no program {hash} is stored");
        }
        let program = tokio::task::spawn_blocking(move || load::stored(&files)).await??;
        Ok(self.keep(program))
    }

    /// What new cohorts get and visitors see: the embedded program, the folder being written, or what was imported last.
    pub fn current(&self) -> Option<Arc<Program>> {
        self.0.current.read().ok().and_then(|current| current.clone())
    }

    pub fn is_authoring(&self) -> bool {
        self.0.authoring.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Markdown as pages show it, rendered once.
    pub fn rendered(&self, markdown: &str) -> Arc<Rendered> {
        let key: [u8; 32] = Sha256::digest(markdown.as_bytes()).into();
        if let Some(found) = self.0.rendered.read().ok().and_then(|all| all.get(&key).cloned()) {
            return found;
        }
        let rendered = Arc::new(markdown::render(markdown));
        if let Ok(mut all) = self.0.rendered.write() {
            if all.len() >= MOST_RENDERED {
                all.clear();
            }
            all.insert(key, rendered.clone());
        }
        rendered
    }

    /// What is wrong with the folder being written, a line each.
    pub fn problems(&self) -> Vec<String> {
        self.0.problems.read().map(|p| p.clone()).unwrap_or_default()
    }

    /// Makes a version the current one, storing it if it is new. `how` reads it: strictly, or as far as it can be read.
    pub async fn import(&self, db: &Db, clock: &Clock, files: Vec<File>, how: How) -> Result<Arc<Program>> {
        let read = move || -> Result<_> {
            let program = match how {
                How::Strictly => load::strictly(&files)?,
                How::AsFarAsItGoes => load::stored(&files)?,
            };
            Ok((program, files))
        };
        let (program, files) = tokio::task::spawn_blocking(read).await??;
        let known = store::is_known(&mut *db.read().await?, &program.hash).await?;
        if !known {
            let mut write = db.write("programs").await?;
            // Another replica may have been first.
            if !store::is_known(&mut write, &program.hash).await? {
                store::add(&mut write, &program.hash, &program.title, &files, clock.now()).await?;
            }
            write.commit().await?;
        }
        let program = self.keep(program);
        if let Ok(mut current) = self.0.current.write() {
            *current = Some(program.clone());
        }
        Ok(program)
    }

    /// What `serve` and `work` do first: the folder, else the embedded program, else what was stored last.
    pub async fn start(&self, db: &Db, clock: &Clock, labs: Option<&Path>) -> Result<()> {
        if let Some(dir) = labs {
            let files = load::folder(dir)?;
            self.0.authoring.store(true, std::sync::atomic::Ordering::Relaxed);
            self.import(db, clock, files, How::AsFarAsItGoes).await.with_context(|| format!("the program in {} can't be read", dir.display()))?;
        } else if let Some(files) = load::embedded() {
            self.import(db, clock, files, How::AsFarAsItGoes).await.context("the embedded program can't be read")?;
        } else {
            let mut conn = db.read().await?;
            if let Some(last) = store::all(&mut conn).await?.first() {
                let program = self.exactly(&mut conn, &last.hash).await?;
                if let Ok(mut current) = self.0.current.write() {
                    *current = Some(program);
                }
            }
        }
        Ok(())
    }

    /// Authoring mode: looks at the folder once a second until told to stop and reads it again when a file changed.
    pub async fn watch(self, db: Db, clock: Clock, dir: PathBuf, stop: CancellationToken) {
        let mut seen = None;
        loop {
            let folder = dir.clone();
            let now = tokio::task::spawn_blocking(move || load::fingerprint(&folder)).await.ok();
            if now != seen {
                seen = now;
                self.reread(&db, &clock, &dir).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Reads the folder once; what is wrong with it is logged and kept for the staff pages.
    pub async fn reread(&self, db: &Db, clock: &Clock, dir: &Path) {
        let read = match load::folder(dir) {
            Ok(files) => self.import(db, clock, files, How::Strictly).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let problems: Vec<String> = read.err().map(|error| format!("{error:#}").lines().map(str::to_owned).collect()).unwrap_or_default();
        for problem in &problems {
            tracing::warn!(problem, "the program's folder has a mistake");
        }
        if let Ok(mut kept) = self.0.problems.write() {
            *kept = problems;
        }
    }

    fn keep(&self, program: Program) -> Arc<Program> {
        let program = Arc::new(program);
        if let Ok(mut read) = self.0.read.write() {
            if read.len() >= MOST {
                read.clear();
            }
            read.insert(program.hash.clone(), program.clone());
        }
        program
    }
}
