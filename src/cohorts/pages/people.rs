//! `/cohorts/{id}/people`: students, instructors, open invitations, and the ways to bring more in.
use super::overseen;
use crate::accounts::pages::{Mistakes, mistake};
use crate::accounts::{Email, PersonId, store as accounts};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::{Instructor, Member, store as roster};
use crate::cohorts::{Cohort, CohortId, Invitation, Role, store};
use crate::db::values::Timestamp;
use crate::error::{Answer, Error, Result};
use crate::notices;
use crate::web::{self, Confirm, Form, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

/// What was typed into the page's forms, given back with what is wrong.
#[derive(Debug, Default)]
pub struct Typed {
    pub name: String,
    pub email: String,
    pub role: Option<Role>,
    pub list: String,
    pub instructor: String,
    pub mistakes: Mistakes,
}

#[derive(Template)]
#[template(path = "cohorts/people.html")]
pub struct People {
    site: Site,
    cohort: Cohort,
    members: Vec<Member>,
    instructors: Vec<Instructor>,
    invitations: Vec<Invitation>,
    /// Whether this portal sends mail.
    mails: bool,
    typed: Typed,
}

impl People {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.typed.mistakes, field)
    }

    fn is_over(&self, until: &Timestamp) -> bool {
        *until <= self.site.now
    }

    /// Whether the visitor may renew an invitation or take it back.
    fn may_change(&self, one: &Invitation) -> bool {
        one.role != Role::Instructor || self.site.is_admin()
    }

    fn invites_instructor(&self) -> bool {
        self.typed.role == Some(Role::Instructor)
    }
}

/// The page, with what was typed before.
pub async fn load(app: &App, visitor: &Visitor, site: Site, id: &CohortId, typed: Typed) -> Result<People> {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, visitor, id).await?;
    Ok(People {
        members: roster::members(&mut conn, id).await?,
        instructors: roster::instructors(&mut conn, id).await?,
        invitations: roster::invitations(&mut conn, id).await?,
        mails: app.outside.post.delivers(),
        site,
        cohort,
        typed,
    })
}

/// GET /cohorts/{id}/people
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>) -> Answer {
    web::page(&load(&app, &visitor, site, &id, Typed::default()).await?)
}

/// The page given back with what is wrong.
pub async fn again(app: &App, visitor: &Visitor, site: Site, id: &CohortId, typed: Typed) -> Answer {
    web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &load(app, visitor, site, id, typed).await?)
}

#[derive(Debug, Deserialize)]
pub struct Assigned {
    email: String,
}

/// POST /admin/cohorts/{id}/instructors: somebody who has an account teaches this cohort from now on.
pub async fn assign(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>, Form(form): Form<Assigned>) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let found = match form.email.parse::<Email>() {
        Ok(email) => accounts::by_email(&mut conn, &email)
            .await?
            .filter(|p| p.disabled.is_none())
            .ok_or_else(|| format!("Nobody with the address {email} has an account. Invite them as an instructor: the link makes one.")),
        Err(error) => Err(format!("{error}.")),
    };
    drop(conn);
    let person = match found {
        Ok(person) => person,
        Err(words) => {
            let typed = Typed { instructor: form.email, mistakes: vec![("instructor", words)], ..Typed::default() };
            return again(&app, &visitor, site, &id, typed).await;
        }
    };
    let now = app.clock.now();
    let mut write = app.db.write(id.guard()).await?;
    store::add_instructor(&mut write, &id, &person.id, now).await?;
    let entry = Entry::new(Some(visitor.person.id.as_str()), "cohort.instructor_assigned", person.id.as_str()).of_cohort(id.as_str());
    audit::record(&mut write, &entry, now).await?;
    notices::notify(&mut write, &person.id, "cohort", &format!("You teach {} now.", cohort.name), &cohort.url(), now).await?;
    write.commit().await?;
    web::see_saying(format!("{}/people", cohort.url()), &format!("{} teaches {} now.", person.name, cohort.name))
}

/// GET /admin/cohorts/{id}/instructors/{person}/remove
pub async fn ask_remove(State(app): State<App>, visitor: Visitor, site: Site, Path((id, person)): Path<(CohortId, PersonId)>) -> Answer {
    let mut conn = app.db.read().await?;
    let cohort = overseen(&mut conn, &visitor, &id).await?;
    let instructors = roster::instructors(&mut conn, &id).await?;
    drop(conn);
    let name = &instructors.iter().find(|i| i.person == person).ok_or(Error::NotFound)?.name;
    let words = ["They no longer see this cohort's students and hand-ins. What they reviewed stays, under their name."];
    Confirm::new(site, format!("End {name}'s teaching of {}?", cohort.name), &words, "End it", format!("{}/people", cohort.url())).answer()
}

/// POST /admin/cohorts/{id}/instructors/{person}/remove
pub async fn remove(State(app): State<App>, visitor: Visitor, Path((id, person)): Path<(CohortId, PersonId)>) -> Answer {
    let cohort = overseen(&mut *app.db.read().await?, &visitor, &id).await?;
    let mut write = app.db.write(id.guard()).await?;
    if !roster::remove_instructor(&mut write, &id, &person).await? {
        return Err(Error::NotFound);
    }
    let entry = Entry::new(Some(visitor.person.id.as_str()), "cohort.instructor_removed", person.as_str()).of_cohort(id.as_str());
    audit::record(&mut write, &entry, app.clock.now()).await?;
    write.commit().await?;
    web::see_saying(format!("{}/people", cohort.url()), "They no longer teach this cohort.")
}
