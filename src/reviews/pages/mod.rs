//! The review queue, one review, and what a student asks for.
pub mod queue;
pub mod show;
pub mod verdict;

use super::{promised, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Error};
use crate::gradings::pages::see;
use crate::queue::Lane;
use crate::submissions::SubmissionId;
use crate::web::{self, Path, Visitor};
use axum::extract::State;

/// POST /submissions/{id}/review: the student asks for an engineer's eye.
pub async fn ask(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(&app, &mut conn, &visitor, &id).await?;
    let graded = crate::gradings::store::is_graded(&mut conn, &id).await?;
    drop(conn);
    if seen.enrolment.person != visitor.person.id {
        return Err(Error::NotAllowed);
    }
    if seen.enrolment.archived.is_some() {
        return Err(Error::refused("This cohort is in the archive: nobody reviews its work any more."));
    }
    if !graded {
        return Err(Error::refused("The report isn't here yet. Ask once it is."));
    }
    let now = app.clock.now();
    let due = promised(now, &seen.enrolment.zone);
    let mut write = app.db.write(seen.enrolment.id.guard()).await?;
    store::ask(&mut write, &store::New { submission: &id, cohort: &seen.enrolment.cohort, requested_by: visitor.person.id.as_str(), due }, now)
        .await?;
    write.commit().await?;
    web::see_saying(seen.submission.url(), &format!("Asked. An instructor answers by {}.", web::filters::in_zone(due, &seen.enrolment.zone)))
}

/// POST /submissions/{id}/regrade: staff have it graded again, by today's grader.
pub async fn regrade(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let seen = see(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
    if !seen.staff {
        return Err(Error::NotAllowed);
    }
    let now = app.clock.now();
    let mut write = app.db.write(seen.enrolment.id.guard()).await?;
    if crate::gradings::store::job_of(&mut write, &id).await?.is_some() {
        return Err(Error::refused("It waits for a grading already."));
    }
    crate::gradings::work::ask(&mut write, &seen.submission, Lane::Regrade, now).await?;
    audit::record(
        &mut write,
        &Entry::new(Some(visitor.person.id.as_str()), "submission.regrade", id.as_str()).of_cohort(seen.enrolment.cohort.as_str()),
        now,
    )
    .await?;
    write.commit().await?;
    app.pushed.notify_one();
    web::see_saying(seen.submission.url(), "It is being graded again; the report before stays until the new one is here.")
}
