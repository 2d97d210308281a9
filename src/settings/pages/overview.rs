//! `/admin`: leads a fresh installation through its first steps, then says how everything stands.
use crate::accounts::store as accounts;
use crate::app::App;
use crate::audit::{self, Filter, Recorded};
use crate::cohorts::roster::{Listed, store as roster};
use crate::engine::runner::Runner;
use crate::error::Answer;
use crate::notices::store as notices;
use crate::queue::{State as Stands, store as queue};
use crate::web::{self, Site, filters};
use askama::Template;
use axum::extract::State;
use std::collections::HashMap;

/// A first step: what to do, why, where, and whether it is done.
struct Step {
    title: &'static str,
    words: &'static str,
    url: String,
    done: bool,
}

#[derive(Template)]
#[template(path = "settings/overview.html")]
struct Overview {
    site: Site,
    steps: Vec<Step>,
    cohorts: Vec<Listed>,
    people: i64,
    waiting: i64,
    running: i64,
    broken: i64,
    /// Mails that no server took in all their tries.
    undelivered: i64,
    log: Vec<Recorded>,
    /// Names of the people whose doing it was, by id.
    actors: HashMap<String, String>,
    /// In authoring mode, what is wrong with the program's folder.
    problems: Vec<String>,
    tools: Option<Tooling>,
}

/// What runs over hand-ins, once it was tried.
struct Tooling {
    /// Why nothing does.
    missing: Option<String>,
    /// Names and versions.
    found: Vec<(&'static str, String)>,
    /// What is in force around them.
    confinement: String,
    /// What they could still do.
    weaknesses: String,
}

impl Tooling {
    fn of(runner: &Runner) -> Option<Tooling> {
        let none = Tooling { missing: None, found: Vec::new(), confinement: String::new(), weaknesses: String::new() };
        Some(match runner.examined()? {
            Err(why) => Tooling { missing: Some(why.to_owned()), ..none },
            Ok((tools, diagnosis)) => {
                let mock = tools.python.as_ref().map_or_else(|why| format!("none: {why}"), |python| format!("moto {}", python.moto));
                let found =
                    vec![("terraform", tools.terraform_version.clone()), ("provider aws", tools.provider_version.clone()), ("mock cloud", mock)];
                Tooling { found, confinement: diagnosis.confinement.join(", "), weaknesses: diagnosis.weaknesses().join(", "), ..none }
            }
        })
    }
}

impl Overview {
    /// Whose doing it was; none is the portal's own, or somebody's who was erased.
    fn by(&self, entry: &Recorded) -> Option<&String> {
        entry.actor.as_ref().and_then(|id| self.actors.get(id))
    }

    /// The first step that isn't done.
    fn next(&self) -> Option<usize> {
        self.steps.iter().position(|s| !s.done)
    }

    fn is_next(&self, index: &usize) -> bool {
        self.next() == Some(*index)
    }
}

/// GET /admin
pub async fn show(State(app): State<App>, site: Site) -> Answer {
    let mut conn = app.db.read().await?;
    let cohorts: Vec<Listed> = roster::cohorts(&mut conn, None, site.now).await?.into_iter().filter(|c| c.archived.is_none()).collect();
    let people = accounts::count(&mut conn).await?;
    let counts = queue::counts(&mut conn, site.now).await?;
    let (_, undelivered) = notices::outbox(&mut conn).await?;
    let log = audit::store::list(&mut conn, &Filter::default(), 8).await?;
    let actors: Vec<&str> = log.iter().filter_map(|e| e.actor.as_deref()).collect();
    let actors = accounts::names(&mut conn, &actors).await?;
    drop(conn);
    let of = |state: Stands| counts.iter().find(|(s, _)| *s == state).map_or(0, |(_, n)| *n);
    let to = |cohort: Option<&Listed>| cohort.map_or_else(|| "/admin/cohorts".to_owned(), |c| format!("/cohorts/{}/people", c.id));
    let without = |missing: fn(&Listed) -> bool| cohorts.iter().find(|c| missing(c)).or(cohorts.first());
    let steps = vec![
        Step {
            title: "Make a cohort",
            words: "One run of the program: a name, the Monday of its first week, its time zone.",
            url: "/admin/cohorts".to_owned(),
            done: !cohorts.is_empty(),
        },
        Step {
            title: "Assign an instructor",
            words: "They see their cohort's students, review hand-ins and extend due times. Somebody without an account is invited by link.",
            url: to(without(|c| c.instructors == 0)),
            done: cohorts.iter().any(|c| c.instructors > 0),
        },
        Step {
            title: "Invite students",
            words: "By a link each, or many by a list. Whoever follows theirs chooses a password and lands on their week.",
            url: to(without(|c| c.students + c.invited == 0)),
            done: cohorts.iter().any(|c| c.students + c.invited > 0),
        },
    ];
    let tools = Tooling::of(app.graders.runner());
    let (waiting, running, broken) = (of(Stands::Waiting), of(Stands::Running), of(Stands::Broken));
    web::page(&Overview {
        site,
        steps,
        cohorts,
        people,
        waiting,
        running,
        broken,
        undelivered,
        log,
        actors,
        problems: app.programs.problems(),
        tools,
    })
}
