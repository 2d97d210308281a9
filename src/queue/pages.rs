//! `/admin/jobs`: what waits, what runs, what is broken and can be tried again.
use super::{Job, JobId, Kind, State as Stands, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Error};
use crate::submissions::{SubmissionId, store as submissions};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

struct Line {
    job: Job,
    /// What it is about, and where to see it.
    about: Option<(String, String)>,
}

impl Line {
    fn tone(&self) -> &'static str {
        match self.job.state {
            Stands::Broken => "stop",
            Stands::Running => "info",
            Stands::Waiting => "hold",
            Stands::Done => "go",
        }
    }

    fn is_broken(&self) -> bool {
        self.job.state == Stands::Broken
    }

    fn is_regrade(&self) -> bool {
        self.job.lane > 0
    }
}

#[derive(Template)]
#[template(path = "queue/list.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
    counts: Vec<(Stands, i64)>,
}

impl List {
    fn count(&self, word: &str) -> i64 {
        self.counts.iter().find(|(state, _)| state.as_str() == word).map_or(0, |(_, n)| *n)
    }
}

const MOST: i64 = 100;

/// The submission a grading job is about; its payload is the id alone.
fn submission(job: &Job) -> Option<SubmissionId> {
    match job.kind {
        Kind::Grade => serde_json::from_str(&job.payload).ok(),
    }
}

/// GET /admin/jobs
pub async fn list(State(app): State<App>, site: Site) -> Answer {
    let mut conn = app.db.read().await?;
    let jobs = store::list(&mut conn, MOST).await?;
    let counts = store::counts(&mut conn, site.now).await?;
    let ids: Vec<SubmissionId> = jobs.iter().filter_map(submission).collect();
    let named = submissions::named(&mut conn, &ids).await?;
    drop(conn);
    let about = |job: &Job| {
        let id = submission(job)?;
        let (_, student, lab, number) = named.iter().find(|n| n.0 == id)?;
        Some((format!("{student}, {lab} #{number}"), format!("/submissions/{id}")))
    };
    let lines = jobs.into_iter().map(|job| Line { about: about(&job), job }).collect();
    web::page(&List { site, lines, counts })
}

/// POST /admin/jobs/{id}: *Try again*.
pub async fn try_again(State(app): State<App>, visitor: Visitor, Path(id): Path<JobId>) -> Answer {
    let now = app.clock.now();
    let mut write = app.db.write("queue").await?;
    let again = store::try_again(&mut write, &id, now).await?.ok_or(Error::NotFound)?;
    audit::record(&mut write, &Entry::new(Some(visitor.person.id.as_str()), "job.tried_again", again.as_str()), now).await?;
    write.commit().await?;
    app.pushed.notify_one();
    web::see_saying("/admin/jobs", "The job will be tried again.")
}
