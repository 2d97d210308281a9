//! Carries out errands: terraform and its provider over a hand-in's files, each in a box.
#[cfg(feature = "server")]
mod cloud;
mod plain;
#[cfg(feature = "server")]
mod relay;
#[cfg(feature = "server")]
mod schema;
mod terraform;
mod tools;
#[cfg(feature = "server")]
mod warm;

use super::confine::doctor::{self, Diagnosis};
use super::confine::{Boxes, Came};
use super::errand::{Back, Cloud, Done, Errand};
use super::report::Version;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
pub use tools::{Settings, Tools};

/// Whoever carries out errands. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runner {
    inner: Arc<Inner>,
    /// Why nothing is applied, if that is so.
    applies_nothing: Option<&'static str>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// The program whose hand works in boxes: this one's, or the one that tests built.
    own: std::path::PathBuf,
    ready: OnceLock<Result<Ready, String>>,
}

/// Everything that is needed, found and tried.
#[derive(Debug)]
struct Ready {
    boxes: Boxes,
    tools: Tools,
    diagnosis: Diagnosis,
    #[cfg(feature = "server")]
    providers: warm::Providers,
}

/// How terraform reaches its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A provider that runs already, behind a relay that tells only the schemas that are needed.
    Relay,
    /// Terraform starts it.
    Plain,
}

impl Runner {
    /// Nothing is looked for until the first errand, or `examine`.
    pub fn new(own: &Path, settings: Settings) -> Runner {
        Runner { inner: Arc::new(Inner { settings, own: own.to_owned(), ready: OnceLock::new() }), applies_nothing: None }
    }

    /// The same for whoever can't wait half a minute for an apply, which is not tried for this reason.
    #[must_use]
    pub fn applying_nothing(&self, why: &'static str) -> Runner {
        Runner { applies_nothing: Some(why), ..self.clone() }
    }

    /// Looks for the tools and tries whether boxes hold, once: a second or two. Says what is missing.
    pub fn examine(&self) -> Result<&Diagnosis, &str> {
        self.ready().map(|ready| &ready.diagnosis)
    }

    /// What `examine` found, once it has run: the tools and what contains them, or what is missing.
    pub fn examined(&self) -> Option<Result<(&Tools, &Diagnosis), &str>> {
        Some(self.inner.ready.get()?.as_ref().map(|ready| (&ready.tools, &ready.diagnosis)).map_err(String::as_str))
    }

    /// The tools that were found; None before `examine`, or when something is missing.
    pub fn tools(&self) -> Option<&Tools> {
        self.inner.ready.get()?.as_ref().ok().map(|ready| &ready.tools)
    }

    fn ready(&self) -> Result<&Ready, &str> {
        self.inner.ready.get_or_init(|| self.prepare()).as_ref().map_err(String::as_str)
    }

    fn prepare(&self) -> Result<Ready, String> {
        let tools = Tools::find(&self.inner.settings)?;
        let boxes = Boxes::new(&self.inner.own)?;
        let tools = tools.readable(&boxes)?;
        let diagnosis = doctor::examine(&boxes);
        if let Some(why) = diagnosis.refusal() {
            return Err(why);
        }
        if self.inner.settings.strict && !diagnosis.weaknesses().is_empty() {
            return Err(format!("confinement is strict, and this machine doesn't hold back {}", diagnosis.weaknesses().join(", ")));
        }
        Ok(Ready {
            #[cfg(feature = "server")]
            providers: warm::Providers::new(boxes.clone(), tools.clone(), self.inner.settings.providers_at_once)?,
            boxes,
            tools,
            diagnosis,
        })
    }

    /// Carries out an errand by the best way there is; `begins` hears what is being done.
    pub fn carry_out(&self, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Back {
        let way = if cfg!(feature = "server") && !self.inner.settings.plain { Way::Relay } else { Way::Plain };
        self.carry_out_by(way, errand, begins)
    }

    /// The same by a given way: the plain one is what the relay is measured against.
    pub fn carry_out_by(&self, way: Way, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Back {
        if let Some(why) = self.applies_nothing.filter(|_| errand.cloud == Cloud::Changes) {
            return Back::Away(why.to_owned());
        }
        let begun = Instant::now();
        let ready = match self.ready() {
            Ok(ready) => ready,
            Err(why) => return Back::Away(why.to_owned()),
        };
        match ready.run(way, errand, begins) {
            Ok((way, came)) => Back::Done(ready.done(way, came, begun)),
            Err(why) => Back::Away(why),
        }
    }
}

impl Ready {
    #[cfg(feature = "server")]
    fn run(&self, way: Way, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Result<(&'static str, Came), String> {
        if way == Way::Plain && errand.cloud == Cloud::None {
            return Ok(("plain", plain::run(&self.boxes, &self.tools, errand, begins)));
        }
        let lent = match self.providers.lend(errand.cloud) {
            Ok(lent) => lent,
            // Slower, and as right.
            Err(error) if errand.cloud == Cloud::None => {
                tracing::warn!(%error, "no warm provider: terraform starts one itself");
                return Ok(("plain", plain::run(&self.boxes, &self.tools, errand, begins)));
            }
            Err(error) => return Err(error),
        };
        Ok(("relay", lent.run(&self.boxes, &self.tools, errand, begins)))
    }

    #[cfg(not(feature = "server"))]
    fn run(&self, _: Way, errand: &Errand, begins: &mut dyn FnMut(&str)) -> Result<(&'static str, Came), String> {
        match errand.cloud {
            Cloud::None => Ok(("plain", plain::run(&self.boxes, &self.tools, errand, begins))),
            Cloud::Reads | Cloud::Changes => Err("this build starts no mock cloud; the portal does".into()),
        }
    }

    fn done(&self, way: &str, came: Came, begun: Instant) -> Done {
        let version = |name: &str, version: &str| Version { name: name.into(), version: version.into() };
        let versions = vec![
            version("terraform", &self.tools.terraform_version),
            version("provider aws", &self.tools.provider_version),
            version("provider reached by", way),
            version("confinement", &came.confinement.join(", ")),
        ];
        let provider = self.tools.provider_version.clone();
        Done { fate: came.fate, steps: came.steps, versions, provider, took: begun.elapsed(), peak: came.peak }
    }
}
