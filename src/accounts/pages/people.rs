//! `/admin/people`: who has an account, who runs the portal, closing an account, a link for a lost password.
use super::reset::link_for;
use crate::accounts::{ADMINS, Person, PersonId, name_key, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::store as roster;
use crate::cohorts::{CohortId, EnrolmentId, Status, Teaching, store as cohorts};
use crate::error::{Answer, Error, Result};
use crate::web::{self, Confirm, Path, Query, Site, Visitor, filters, form};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    /// The last person of the page before.
    #[serde(default)]
    after: String,
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "accounts/people.html")]
struct List {
    site: Site,
    asked: Asked,
    people: Vec<Person>,
    has_more: bool,
}

impl List {
    /// The address of the next page.
    fn next(&self) -> String {
        let (key, id) = self.people.last().map_or((String::new(), ""), |p| (name_key(&p.name), p.id.as_str()));
        format!("/admin/people?q={}&after={}&id={id}", form::encode(&self.asked.q), form::encode(&key))
    }
}

const PAGE: usize = 50;

/// GET /admin/people
pub async fn list(State(app): State<App>, site: Site, Query(asked): Query<Asked>) -> Answer {
    let after = (!asked.id.is_empty()).then_some((asked.after.as_str(), asked.id.as_str()));
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut people = store::list(&mut *app.db.read().await?, &asked.q, after, most).await?;
    let has_more = people.len() > PAGE;
    people.truncate(PAGE);
    web::page(&List { site, asked, people, has_more })
}

#[derive(Template)]
#[template(path = "accounts/person.html")]
struct Show {
    site: Site,
    person: Person,
    enrolled: Vec<(CohortId, String, EnrolmentId, Status)>,
    teaching: Vec<Teaching>,
    sign_ins: usize,
    tokens: usize,
    /// A reset link just made; shown once.
    link: Option<String>,
    is_me: bool,
}

async fn load(app: &App, visitor: &Visitor, site: Site, id: &PersonId, link: Option<String>) -> Result<Show> {
    let mut conn = app.db.read().await?;
    let person = store::by_id(&mut conn, id).await?.ok_or(Error::NotFound)?;
    let enrolled = roster::enrolled_in(&mut conn, id).await?;
    let teaching = cohorts::taught_by(&mut conn, id).await?;
    let sign_ins = store::sign_ins_of(&mut conn, id, site.now).await?.len();
    let tokens = store::tokens_of(&mut conn, id).await?.iter().filter(|t| t.expires > site.now).count();
    Ok(Show { is_me: visitor.person.id == *id, site, person, enrolled, teaching, sign_ins, tokens, link })
}

/// GET /admin/people/{id}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<PersonId>) -> Answer {
    web::page(&load(&app, &visitor, site, &id, None).await?)
}

/// POST /admin/people/{id}/reset: a link to set a new password, to hand over.
pub async fn reset(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<PersonId>) -> Answer {
    let person = store::by_id(&mut *app.db.read().await?, &id).await?.filter(|p| p.disabled.is_none()).ok_or(Error::NotFound)?;
    let link = link_for(&app, &person, Some(&visitor.person)).await?;
    web::page(&load(&app, &visitor, site, &id, Some(link)).await?)
}

/// What an admin does to an account, by the last part of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Promote,
    Demote,
    Close,
    Open,
    SignOut,
}

impl What {
    fn of(word: &str) -> Result<What> {
        Ok(match word {
            "promote" => What::Promote,
            "demote" => What::Demote,
            "close" => What::Close,
            "open" => What::Open,
            "sign-out" => What::SignOut,
            _ => return Err(Error::NotFound),
        })
    }

    fn action(self) -> &'static str {
        match self {
            What::Promote => "person.made_admin",
            What::Demote => "person.admin_ended",
            What::Close => "person.disabled",
            What::Open => "person.enabled",
            What::SignOut => "person.signed_out",
        }
    }

    fn said(self, name: &str) -> String {
        match self {
            What::Promote => format!("{name} runs the portal now."),
            What::Demote => format!("{name} no longer runs the portal."),
            What::Close => format!("{name}'s account is closed."),
            What::Open => format!("{name}'s account is open."),
            What::SignOut => format!("{name} is signed out everywhere."),
        }
    }
}

/// GET /admin/people/{id}/{what}
pub async fn ask(State(app): State<App>, site: Site, Path((id, what)): Path<(PersonId, String)>) -> Answer {
    let what = What::of(&what)?;
    let person = store::by_id(&mut *app.db.read().await?, &id).await?.ok_or(Error::NotFound)?;
    let (name, portal) = (&person.name, &site.name);
    let (title, words, button) = match what {
        What::Promote => (format!("Let {name} run {portal}?"), "An admin sees every cohort, every student's work and these pages.", "Make admin"),
        What::Demote => (format!("Stop {name} from running {portal}?"), "What they take part in and teach stays theirs.", "End it"),
        What::Close => (
            format!("Close {name}'s account?"),
            "They are signed out everywhere, their tokens end and they can't sign in. Their work stays; you can open the account again.",
            "Close",
        ),
        What::Open => (format!("Open {name}'s account again?"), "They sign in with the password they had.", "Open"),
        What::SignOut => (
            format!("Sign {name} out everywhere?"),
            "Every browser of theirs asks for the password again, and their tokens end: programs that use one need a new one.",
            "Sign out everywhere",
        ),
    };
    let dangerous = !matches!(what, What::Promote | What::Open);
    Confirm { dangerous, ..Confirm::new(site, title, &[words], button, format!("/admin/people/{id}")) }.answer()
}

/// POST /admin/people/{id}/{what}
pub async fn change(State(app): State<App>, visitor: Visitor, Path((id, what)): Path<(PersonId, String)>) -> Answer {
    let what = What::of(&what)?;
    let person = store::by_id(&mut *app.db.read().await?, &id).await?.ok_or(Error::NotFound)?;
    let now = app.clock.now();
    let mut write = app.db.write(ADMINS).await?;
    match what {
        What::Promote => store::set_admin(&mut write, &id, Some(now)).await?,
        What::Demote => store::set_admin(&mut write, &id, None).await?,
        What::Close => {
            store::set_disabled(&mut write, &id, Some(now)).await?;
            store::revoke_sign_ins(&mut write, &id, None, now).await?;
            store::revoke_tokens(&mut write, &id, now).await?;
        }
        What::Open => store::set_disabled(&mut write, &id, None).await?,
        What::SignOut => {
            store::revoke_sign_ins(&mut write, &id, None, now).await?;
            store::revoke_tokens(&mut write, &id, now).await?;
        }
    }
    if !store::has_admin(&mut write).await? {
        return Err(Error::refused(format!("{} is the only admin. Make another one first.", person.name)));
    }
    audit::record(&mut write, &Entry::new(Some(visitor.person.id.as_str()), what.action(), id.as_str()), now).await?;
    write.commit().await?;
    web::see_saying(format!("/admin/people/{id}"), &what.said(&person.name))
}
