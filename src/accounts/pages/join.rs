//! `/join/{token}`: an invitation makes an account, or gives one that exists another role.
use super::sign_in::Names;
use super::{Mistakes, begin, in_person, mistake, too_many};
use crate::accounts::{ADMINS, Email, NewPerson, Person, PersonId, name_mistake, passwords, store, throttle};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::{Invitation, Role, store as cohorts};
use crate::db;
use crate::error::{Answer, Error, Result};
use crate::secrets;
use crate::web::address::Address;
use crate::web::{self, Form, Path, Site, Visitor};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/join.html")]
struct Join {
    site: Site,
    token: String,
    invitation: Invitation,
    name: String,
    email: String,
    mistakes: Mistakes,
    /// The address it is for has an account: they sign in, then accept.
    has_account: bool,
}

impl Join {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }

    /// Whether the signed-in person may accept it.
    fn is_theirs(&self) -> bool {
        self.site.visitor.as_ref().is_some_and(|v| self.invitation.is_for(v.person.email.as_str()))
    }
}

#[derive(Template)]
#[template(path = "accounts/over.html")]
pub(super) struct Over {
    pub site: Site,
    pub title: &'static str,
    pub words: &'static str,
}

fn over(site: Site) -> Answer {
    let words = "It was used already, or its time is past. If you used it yourself, sign in; otherwise ask whoever invited you for another.";
    web::page_with(StatusCode::GONE, &Over { site, title: "This invitation no longer works", words })
}

async fn working(app: &App, token: &str) -> Result<Option<Invitation>> {
    let invitation = cohorts::invitation(&mut *app.db.read().await?, &secrets::token_hash(token)).await?;
    Ok(invitation.filter(|i| i.works(app.clock.now())))
}

/// Whether an address has an account, be it one that can't sign in yet.
async fn has_account(app: &App, email: &str) -> Result<bool> {
    let Ok(email) = email.parse() else { return Ok(false) };
    Ok(store::by_email(&mut *app.db.read().await?, &email).await?.is_some())
}

/// GET /join/{token}
pub async fn show(State(app): State<App>, site: Site, Path(token): Path<String>) -> Answer {
    let Some(invitation) = working(&app, &token).await? else { return over(site) };
    let email = invitation.email.clone().unwrap_or_default();
    let has_account = has_account(&app, &email).await?;
    let name = invitation.name.clone().unwrap_or_default();
    web::page(&Join { site, token, invitation, name, email, mistakes: Mistakes::new(), has_account })
}

#[derive(Debug, Deserialize)]
pub struct JoinForm {
    name: String,
    #[serde(default)]
    email: String,
    password: String,
}

/// POST /join/{token}: a new account.
pub async fn join(
    State(app): State<App>,
    site: Site,
    from: Address,
    headers: HeaderMap,
    Path(token): Path<String>,
    Form(form): Form<JoinForm>,
) -> Answer {
    let Some(invitation) = working(&app, &token).await? else { return over(site) };
    // An invitation for one address makes an account of that address, whatever a form says.
    let typed = invitation.email.clone().unwrap_or(form.email);
    let mut mistakes = Mistakes::new();
    if let Some(words) = name_mistake(&form.name) {
        mistakes.push(("name", words.to_owned()));
    }
    let email = typed.parse::<Email>();
    if let Err(error) = &email {
        mistakes.push(("email", format!("{error}.")));
    }
    if let Some(words) = passwords::weakness(&form.password, &typed, &form.name) {
        mistakes.push(("password", words.to_owned()));
    }
    let email = match email {
        Ok(email) if mistakes.is_empty() => email,
        _ => {
            let page = Join { site, token, invitation, name: form.name, email: typed, mistakes, has_account: false };
            return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    // An open invitation can be tried with many addresses: counted, so that it can't list who has an account.
    let names = Names { account: throttle::account(&token), address: throttle::address(from.0) };
    if let Some(wait) = names.count_by(&app, &throttle::ADDRESS, &throttle::ADDRESS).await? {
        let mistakes = vec![("password", too_many(wait))];
        return super::wait(&Join { site, token, invitation, name: form.name, email: typed, mistakes, has_account: false }, wait);
    }
    let hash = passwords::hash(&form.password).await?;
    let mut write = app.db.write(guard(&invitation)).await?;
    let zone = app.settings().zone.clone();
    let new = NewPerson { email: &email, name: &form.name, password: Some(&hash), zone: &zone, admin: false };
    let person = match store::create(&mut write, &new, app.clock.now()).await {
        Ok(id) => id,
        // Whoever made an invitation holds its link too: it opens no account that is there, not even one without a password.
        Err(error) if db::is_duplicate(&error) => {
            drop(write);
            let page = Join { site, token, invitation, name: form.name, email: typed, mistakes, has_account: true };
            return web::page_with(StatusCode::CONFLICT, &page);
        }
        Err(error) => return Err(error.into()),
    };
    audit::record(&mut write, &Entry::new(Some(person.as_str()), "person.joined", person.as_str()), app.clock.now()).await?;
    if !accept_in(&app, &mut write, &invitation, &person).await? {
        drop(write);
        return over(site);
    }
    let cookie = begin(&app, &mut write, &person, from, &headers).await?;
    write.commit().await?;
    Ok(cookie.put(web::see_saying("/", "Welcome. Your account is ready.")?))
}

/// POST /join/{token}/accept: somebody who is signed in already.
pub async fn accept(State(app): State<App>, visitor: Visitor, site: Site, Path(token): Path<String>) -> Answer {
    let person: &Person = in_person(&visitor)?;
    let Some(invitation) = working(&app, &token).await? else { return over(site) };
    if !invitation.is_for(person.email.as_str()) {
        return Err(Error::refused("This invitation is for another address than yours. Sign out and open it again, or ask for one of your own."));
    }
    let mut write = app.db.write(guard(&invitation)).await?;
    if !accept_in(&app, &mut write, &invitation, &person.id).await? {
        drop(write);
        return over(site);
    }
    write.commit().await?;
    web::see_saying("/", "The invitation is accepted.")
}

/// Whoever joins takes turns with what else decides about the same people: who runs the portal, or who is in a cohort or invited to it.
fn guard(invitation: &Invitation) -> String {
    match (invitation.role, &invitation.cohort) {
        (Role::Admin, _) => ADMINS.to_owned(),
        (Role::Student | Role::Instructor, Some(cohort)) => cohort.guard(),
        (Role::Student | Role::Instructor, None) => invitation.id.to_string(),
    }
}

/// Uses the invitation up and gives its role; false when somebody was quicker.
async fn accept_in(app: &App, write: &mut db::Write, invitation: &Invitation, person: &PersonId) -> Result<bool> {
    let now = app.clock.now();
    // The link that is printed while nobody runs the portal is for that time alone.
    if invitation.role == Role::Admin && invitation.created_by.is_none() && store::has_admin(write).await? {
        return Ok(false);
    }
    if !cohorts::use_invitation(write, &invitation.id, person, now).await? {
        return Ok(false);
    }
    match (invitation.role, &invitation.cohort) {
        (Role::Student, Some(cohort)) => cohorts::enrol(write, cohort, person, now).await?,
        (Role::Instructor, Some(cohort)) => cohorts::add_instructor(write, cohort, person, now).await?,
        (Role::Admin, _) => store::set_admin(write, person, Some(now)).await?,
        (Role::Student | Role::Instructor, None) => return Err(Error::refused("This invitation names no cohort. Ask for another.")),
    }
    let fields = [invitation.role.as_str()];
    let entry = Entry::new(Some(person.as_str()), "invitation.accepted", invitation.id.as_str()).with(&fields);
    audit::record(write, &Entry { cohort: invitation.cohort.as_ref().map(AsRef::as_ref), ..entry }, now).await?;
    Ok(true)
}
