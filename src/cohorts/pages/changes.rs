//! What staff change for one student: a due time, a signed score, the time factor, whether they take part.
use super::overseen_member;
use super::student::{self, Typed};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::store::{self as roster, Moved};
use crate::cohorts::roster::{ExtensionId, Member};
use crate::cohorts::{Cohort, CohortId, EnrolmentId, Status};
use crate::curriculum::{Lab, LabId, Program, calendar};
use crate::db::Write;
use crate::error::{Answer, Error, Result};
use crate::notices;
use crate::progress::{LabOverride, store as progress};
use crate::web::filters::in_zone;
use crate::web::{self, Confirm, Form, Path, Site, Visitor};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;

/// Percents of the normal time.
pub const FACTORS: [i64; 4] = [100, 125, 150, 200];
const LONGEST_REASON: usize = 500;

/// Who changes what for whom; loaded once a request.
struct Case {
    app: App,
    visitor: Visitor,
    cohort: Cohort,
    member: Member,
    program: Arc<Program>,
}

impl Case {
    async fn load(app: App, visitor: Visitor, id: &CohortId, enrolment: &EnrolmentId) -> Result<Case> {
        let mut conn = app.db.read().await?;
        let (cohort, member) = overseen_member(&mut conn, &visitor, id, enrolment).await?;
        let program = app.programs.get(&mut conn, &cohort.program).await?;
        drop(conn);
        Ok(Case { app, visitor, cohort, member, program })
    }

    async fn write(&self) -> Result<Write> {
        Ok(self.app.db.write(self.member.id.guard()).await?)
    }

    /// Records the change beside it, in the same write.
    async fn record(&self, write: &mut Write, action: &'static str, fields: &[&'static str]) -> Result<()> {
        let entry = Entry::new(Some(self.visitor.person.id.as_str()), action, self.member.id.as_str());
        audit::record(write, &entry.of_cohort(self.cohort.id.as_str()).with(fields), self.app.clock.now()).await?;
        Ok(())
    }

    async fn tell(&self, write: &mut Write, words: &str, link: &str) -> Result<()> {
        notices::notify(write, &self.member.person, "cohort", words, link, self.app.clock.now()).await?;
        Ok(())
    }

    fn lab(&self, id: &str) -> Option<&Lab> {
        self.program.lab(&id.parse::<LabId>().ok()?)
    }

    fn url(&self) -> String {
        self.member.url(&self.cohort.id)
    }

    async fn again(&self, site: Site, typed: Typed) -> Answer {
        student::again(&self.app, &self.visitor, site, &self.cohort.id, &self.member.id, typed).await
    }
}

/// What is wrong with a reason: it is signed and shown, so it can't be empty.
fn reason_mistake(reason: &str) -> Option<String> {
    match reason.trim().chars().count() {
        0 => Some("Say why: it is shown to the student.".to_owned()),
        n if n > LONGEST_REASON => Some(format!("Keep it under {LONGEST_REASON} characters.")),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
pub struct Extend {
    lab: String,
    due: String,
    reason: String,
}

/// POST /cohorts/{id}/students/{enrolment}/extensions
pub async fn extend(
    State(app): State<App>,
    visitor: Visitor,
    site: Site,
    Path((id, enrolment)): Path<(CohortId, EnrolmentId)>,
    Form(form): Form<Extend>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let (zone, mut mistakes) = (case.cohort.zone.as_str(), Vec::new());
    let lab = case.lab(&form.lab);
    if lab.is_none() {
        mistakes.push(("extended", "Choose a lab of the program.".to_owned()));
    }
    let plain = lab.map(|lab| calendar::due(&case.program.timeline, &case.cohort.starts, zone, lab.week));
    let due = calendar::moment(&form.due, zone);
    match (due, plain) {
        (None, _) => mistakes.push(("due", "Write a date and a time, such as 2026-11-29T23:59.".to_owned())),
        (Some(due), Some(plain)) if due <= plain => {
            mistakes.push(("due", format!("For everybody it is due {}: an extension is later.", in_zone(plain, zone))));
        }
        _ => {}
    }
    if let Some(words) = reason_mistake(&form.reason) {
        mistakes.push(("why", words));
    }
    let (Some(lab), Some(due), true) = (lab, due, mistakes.is_empty()) else {
        return case.again(site, Typed { extended: form.lab, due: form.due, why: form.reason, mistakes, ..Typed::default() }).await;
    };
    let mut write = case.write().await?;
    let moved =
        Moved { cohort: &case.cohort.id, enrolment: &case.member.id, lab: &lab.id, due, reason: form.reason.trim(), by: &case.visitor.person.id };
    roster::extend(&mut write, &moved, case.app.clock.now()).await?;
    case.record(&mut write, "enrolment.extended", &["due"]).await?;
    let words = format!("{} is due {} for you: {}", lab.title, in_zone(due, zone), form.reason.trim());
    case.tell(&mut write, &words, &lab.url()).await?;
    write.commit().await?;
    web::see_saying(case.url(), &format!("{} is due {} for {}.", lab.title, in_zone(due, zone), case.member.name))
}

/// GET /cohorts/{id}/students/{enrolment}/extensions/{extension}/withdraw
pub async fn ask_withdraw(
    State(app): State<App>,
    visitor: Visitor,
    site: Site,
    Path((id, enrolment, extension)): Path<(CohortId, EnrolmentId, ExtensionId)>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let all = roster::extensions(&mut *case.app.db.read().await?, &enrolment).await?;
    let found = all.iter().find(|x| x.id == extension && x.group_name.is_none()).ok_or(Error::NotFound)?;
    let title = case.program.lab(&found.lab).map_or(found.lab.as_str(), |lab| &lab.title);
    let words = ["The lab is due when it is for everybody. What was handed in since keeps less by that."];
    Confirm::new(site, format!("Take back {}'s extension of {title}?", case.member.name), &words, "Take it back", case.url()).answer()
}

/// POST /cohorts/{id}/students/{enrolment}/extensions/{extension}/withdraw
pub async fn withdraw(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, enrolment, extension)): Path<(CohortId, EnrolmentId, ExtensionId)>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let mut write = case.write().await?;
    if !roster::withdraw_extension(&mut write, &enrolment, &extension).await? {
        return Err(Error::NotFound);
    }
    case.record(&mut write, "enrolment.extension_withdrawn", &["due"]).await?;
    case.tell(&mut write, "An extension of yours was taken back; your due times are as for everybody.", "/").await?;
    write.commit().await?;
    web::see_saying(case.url(), "The extension is taken back.")
}

#[derive(Debug, Deserialize)]
pub struct Sign {
    lab: String,
    score: String,
    reason: String,
}

/// POST /cohorts/{id}/students/{enrolment}/scores: an explicit score for a whole lab, signed.
pub async fn sign(
    State(app): State<App>,
    visitor: Visitor,
    site: Site,
    Path((id, enrolment)): Path<(CohortId, EnrolmentId)>,
    Form(form): Form<Sign>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let mut mistakes = Vec::new();
    let lab = case.lab(&form.lab);
    if lab.is_none() {
        mistakes.push(("signed", "Choose a lab of the program.".to_owned()));
    }
    let most = lab.map_or(0, |lab| i64::from(lab.points));
    let score = form.score.trim().parse::<i64>().ok().filter(|score| (0..=most).contains(score));
    if score.is_none() {
        mistakes.push(("score", format!("A whole number from 0 to {most}.")));
    }
    if let Some(words) = reason_mistake(&form.reason) {
        mistakes.push(("reason", words));
    }
    let (Some(lab), Some(score), true) = (lab, score, mistakes.is_empty()) else {
        return case.again(site, Typed { signed: form.lab, score: form.score, reason: form.reason, mistakes, ..Typed::default() }).await;
    };
    let reason = form.reason.trim().to_owned();
    let new = LabOverride { enrolment: case.member.id.clone(), lab: lab.id.clone(), score, reason };
    let mut write = case.write().await?;
    progress::sign(&mut write, &new, &case.visitor.person.id, case.app.clock.now()).await?;
    case.record(&mut write, "enrolment.score_signed", &["score"]).await?;
    let words = format!("{}: {} set your score to {score} of {most}. {}", lab.title, case.visitor.person.name, new.reason);
    case.tell(&mut write, &words, &lab.url()).await?;
    write.commit().await?;
    web::see_saying(case.url(), &format!("{}: {score} of {most}, signed by you.", lab.title))
}

/// GET /cohorts/{id}/students/{enrolment}/scores/{lab}/withdraw
pub async fn ask_unsign(
    State(app): State<App>,
    visitor: Visitor,
    site: Site,
    Path((id, enrolment, lab)): Path<(CohortId, EnrolmentId, LabId)>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let title = case.program.lab(&lab).map_or(lab.as_str(), |lab| &lab.title);
    let words = ["The best of what was handed in counts again."];
    Confirm::new(site, format!("Take back the signed score of {title}?"), &words, "Take it back", case.url()).answer()
}

/// POST /cohorts/{id}/students/{enrolment}/scores/{lab}/withdraw
pub async fn unsign(State(app): State<App>, visitor: Visitor, Path((id, enrolment, lab)): Path<(CohortId, EnrolmentId, LabId)>) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let mut write = case.write().await?;
    if !progress::unsign(&mut write, &enrolment, &lab).await? {
        return Err(Error::NotFound);
    }
    case.record(&mut write, "enrolment.score_unsigned", &["score"]).await?;
    case.tell(&mut write, "A score that was set by hand was taken back; what you handed in counts.", &lab.url()).await?;
    write.commit().await?;
    web::see_saying(case.url(), "The signed score is taken back.")
}

#[derive(Debug, Deserialize)]
pub struct Factor {
    factor: i64,
}

/// POST /cohorts/{id}/students/{enrolment}/factor
pub async fn factor(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, enrolment)): Path<(CohortId, EnrolmentId)>,
    Form(form): Form<Factor>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    if !FACTORS.contains(&form.factor) {
        return Err(Error::refused("Choose 100, 125, 150 or 200 percent."));
    }
    let mut write = case.write().await?;
    roster::set_factor(&mut write, &enrolment, form.factor, case.app.clock.now()).await?;
    case.record(&mut write, "enrolment.factor_set", &["factor"]).await?;
    write.commit().await?;
    web::see_saying(case.url(), &format!("{} has {} % of the usual time in timed labs and quizzes.", case.member.name, form.factor))
}

/// The page and the words that go with a change of status.
fn status_of(word: &str) -> Result<(Status, &'static str, &'static str)> {
    match word.parse().ok() {
        Some(Status::Active) => Ok((Status::Active, "takes part again", "They can sign in to the cohort and hand in again.")),
        Some(Status::Completed) => Ok((Status::Completed, "has completed the program", "They can read everything and hand in nothing more.")),
        Some(Status::Deferred) => {
            Ok((Status::Deferred, "is deferred", "They no longer see this cohort. What they handed in stays; invite them to a later one."))
        }
        Some(Status::Withdrawn) => Ok((
            Status::Withdrawn,
            "has withdrawn",
            "They no longer see this cohort. What they handed in and their reports stay; you can take this back.",
        )),
        Some(Status::Removed) => Ok((
            Status::Removed,
            "is removed",
            "They no longer see this cohort. What they handed in and their reports stay; you can invite them again.",
        )),
        Some(Status::Invited) | None => Err(Error::NotFound),
    }
}

/// GET /cohorts/{id}/students/{enrolment}/status/{to}
pub async fn ask_status(
    State(app): State<App>,
    visitor: Visitor,
    site: Site,
    Path((id, enrolment, to)): Path<(CohortId, EnrolmentId, String)>,
) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let (status, _, words) = status_of(&to)?;
    let (name, cohort) = (&case.member.name, &case.cohort.name);
    let (title, button) = match status {
        Status::Active => (format!("Let {name} take part in {cohort} again?"), "Let them take part"),
        Status::Completed => (format!("Has {name} completed {cohort}?"), "Yes, completed"),
        Status::Deferred => (format!("Defer {name} to a later cohort?"), "Defer"),
        Status::Withdrawn => (format!("Has {name} withdrawn from {cohort}?"), "Yes, withdrawn"),
        Status::Removed | Status::Invited => (format!("Remove {name} from {cohort}?"), "Remove"),
    };
    let dangerous = matches!(status, Status::Withdrawn | Status::Removed);
    Confirm { dangerous, ..Confirm::new(site, title, &[words], button, case.url()) }.answer()
}

/// POST /cohorts/{id}/students/{enrolment}/status/{to}
pub async fn status(State(app): State<App>, visitor: Visitor, Path((id, enrolment, to)): Path<(CohortId, EnrolmentId, String)>) -> Answer {
    let case = Case::load(app, visitor, &id, &enrolment).await?;
    let (status, says, _) = status_of(&to)?;
    let mut write = case.write().await?;
    roster::set_status(&mut write, &id, &enrolment, status, case.app.clock.now()).await?;
    case.record(&mut write, "enrolment.status_set", &[status.as_str()]).await?;
    write.commit().await?;
    web::see_saying(case.url(), &format!("{} {says}.", case.member.name))
}
