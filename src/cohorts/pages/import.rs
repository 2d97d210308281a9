//! Inviting many by a list: first the page that says what each row will do, then the doing.
use super::invitations::{Invited, Wanted, make};
use super::overseen;
use super::people::{self, Typed};
use crate::accounts::{Email, INVITATION_LIVES};
use crate::app::App;
use crate::cohorts::import::{self, Fate, Known, Line};
use crate::cohorts::roster::store as roster;
use crate::cohorts::{Cohort, CohortId, InvitationId, Role, Status};
use crate::db::Conn;
use crate::error::{Answer, Error, Result};
use crate::web::{self, Form, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "cohorts/import.html")]
struct Preview {
    site: Site,
    cohort: Cohort,
    lines: Vec<Line>,
    /// As it was chosen or pasted, to correct.
    list: String,
    /// The rows that can be invited, written again for the second step.
    good: String,
    mails: bool,
}

impl Preview {
    fn count(&self, of: impl Fn(&Fate) -> bool) -> usize {
        self.lines.iter().filter(|l| of(&l.fate)).count()
    }

    fn wrong(&self) -> usize {
        self.count(|f| matches!(f, Fate::Wrong(_)))
    }

    fn inviting(&self) -> usize {
        self.count(|f| *f == Fate::Invite)
    }
}

/// Who is in the cohort already or on the way; `except` is an invitation that is to be replaced.
pub async fn known(app: &App, conn: &mut Conn, visitor: &Visitor, id: &CohortId, except: Option<&InvitationId>) -> Result<Known> {
    let now = app.clock.now();
    let stays = |status: Status| matches!(status, Status::Active | Status::Completed | Status::Deferred);
    let students = roster::members(conn, id).await?.into_iter().filter(|m| stays(m.status)).map(|m| m.email.to_string()).collect();
    let instructors = roster::instructors(conn, id).await?.into_iter().map(|i| i.email.to_string()).collect();
    let invited =
        roster::invitations(conn, id).await?.into_iter().filter(|i| i.works(now) && except != Some(&i.id)).filter_map(|i| i.email).collect();
    Ok(Known { students, instructors, invited, may_invite_instructors: visitor.person.is_admin() })
}

/// POST /cohorts/{id}/import: a file or pasted rows. Nothing is changed.
pub async fn preview(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>, request: Request) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let known = known(&app, &mut conn, &visitor, &id, None).await?;
    drop(conn);
    let list = match list(request).await? {
        Ok(list) => list,
        Err(words) => return again(&app, &visitor, site, &id, String::new(), words).await,
    };
    let lines = match import::read(&list, &known) {
        Ok(lines) => lines,
        Err(words) => return again(&app, &visitor, site, &id, list, words).await,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines.iter().filter(|l| l.fate == Fate::Invite) {
        writer.write_record([line.email.as_str(), line.name.as_str(), line.role.as_str()])?;
    }
    let good = String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?;
    web::page(&Preview { mails: app.outside.post.delivers(), site, cohort, lines, list, good })
}

async fn again(app: &App, visitor: &Visitor, site: Site, id: &CohortId, list: String, words: String) -> Answer {
    people::again(app, visitor, site, id, Typed { list, mistakes: vec![("list", words)], ..Typed::default() }).await
}

/// The list of a form: the file where one was chosen, else what was pasted.
async fn list(request: Request) -> Result<Result<String, String>> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| Error::Limited(e.status(), e.body_text()))?;
    let (mut pasted, mut file) = (Vec::new(), Vec::new());
    while let Some(part) = parts.next_field().await.map_err(|e| Error::Limited(e.status(), e.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(|e| Error::Limited(e.status(), e.body_text()))?;
        match name.as_str() {
            "file" => file = bytes.to_vec(),
            "list" => pasted = bytes.to_vec(),
            _ => {}
        }
    }
    let chosen = if file.is_empty() { pasted } else { file };
    Ok(String::from_utf8(chosen).map_err(|_| "The file isn't UTF-8 text. Save it as “CSV UTF-8” and choose it again.".to_owned()))
}

#[derive(Debug, Deserialize)]
pub struct Confirmed {
    list: String,
    mail: Option<String>,
}

/// POST /cohorts/{id}/import/confirm: every row is looked at again, for the list may be older than the cohort.
pub async fn confirm(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>, Form(form): Form<Confirmed>) -> Answer {
    let cohort = overseen(&mut *app.db.read().await?, &visitor, &id).await?;
    let mut write = app.db.write(id.guard()).await?;
    let known = known(&app, &mut write, &visitor, &id, None).await?;
    let lines = import::read(&form.list, &known).map_err(Error::Refused)?;
    let mut made = Vec::new();
    for line in lines.iter().filter(|l| l.fate == Fate::Invite) {
        let email: Email = line.email.parse()?;
        let wanted = Wanted { role: line.role, email: Some(&email), name: Some(&line.name), mail: form.mail.is_some() };
        made.push(make(&app, &mut write, &visitor, &cohort, &wanted).await?);
    }
    write.commit().await?;
    if made.is_empty() {
        return web::see_saying(format!("{}/people", cohort.url()), "Everybody on the list is here or invited already.");
    }
    web::page(&Invited { until: app.clock.now().plus(INVITATION_LIVES), site, cohort, made })
}
