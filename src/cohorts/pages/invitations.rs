//! Invitations by link: made, shown once to copy, mailed where mail leaves, renewed, taken back.
use super::import::known;
use super::overseen;
use super::people::{self, Typed};
use crate::accounts::{Email, INVITATION_LIVES, mail, name_mistake};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::cohorts::roster::store as roster;
use crate::cohorts::{Cohort, CohortId, Invitation, InvitationId, NewInvitation, Role, store};
use crate::db::{Conn, Write};
use crate::error::{Answer, Error, Result};
use crate::notices::{self, Mail};
use crate::secrets;
use crate::web::{self, Confirm, Form, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

/// An invitation with its link, which nobody can see again: only its hash is stored.
pub struct Made {
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: Role,
    pub link: String,
    pub mailed: bool,
}

#[derive(Template)]
#[template(path = "cohorts/invited.html")]
pub struct Invited {
    pub site: Site,
    pub cohort: Cohort,
    pub made: Vec<Made>,
    pub until: crate::db::values::Timestamp,
}

impl Invited {
    /// All links as rows to paste into a list or a mail merge.
    fn rows(&self) -> String {
        let row = |m: &Made| format!("{},{}", web::csv::safe(m.email.as_deref().unwrap_or("")), m.link);
        self.made.iter().map(row).collect::<Vec<_>>().join("\n")
    }
}

/// Whom to invite as what.
pub struct Wanted<'a> {
    pub role: Role,
    pub email: Option<&'a Email>,
    pub name: Option<&'a str>,
    pub mail: bool,
}

/// Makes one invitation, inside the write that may make many.
pub async fn make(app: &App, write: &mut Write, visitor: &Visitor, cohort: &Cohort, wanted: &Wanted<'_>) -> Result<Made> {
    let now = app.clock.now();
    let token = secrets::new_token("gci_")?;
    let by = &visitor.person.id;
    let new = NewInvitation {
        token_hash: &secrets::token_hash(&token),
        email: wanted.email.map(Email::as_str),
        name: wanted.name,
        role: wanted.role,
        cohort: Some(&cohort.id),
        created_by: Some(by),
        expires: now.plus(INVITATION_LIVES),
    };
    let id = store::invite(write, &new, now).await?;
    let fields = [wanted.role.as_str()];
    let entry = Entry::new(Some(by.as_str()), "invitation.made", id.as_str()).of_cohort(cohort.id.as_str()).with(&fields);
    audit::record(write, &entry, now).await?;
    let link = format!("{}/join/{token}", app.url);
    let mailed = send(app, write, cohort, wanted, &link).await?;
    Ok(Made { email: wanted.email.map(ToString::to_string), name: wanted.name.map(str::to_owned), role: wanted.role, link, mailed })
}

/// Puts the invitation's mail into the outbox, where there is somewhere to send it.
async fn send(app: &App, write: &mut Write, cohort: &Cohort, wanted: &Wanted<'_>, link: &str) -> Result<bool> {
    let Some(email) = wanted.email.filter(|_| wanted.mail && app.outside.post.delivers()) else { return Ok(false) };
    let now = app.clock.now();
    let portal = app.name();
    let role = match wanted.role {
        Role::Instructor => format!("an instructor of {}", cohort.name),
        Role::Student | Role::Admin => format!("a student of {}", cohort.name),
    };
    let until = now.plus(INVITATION_LIVES);
    let text = mail::Invitation { portal: &portal, name: wanted.name, role: &role, link, zone: &cohort.zone, until };
    let body = text.render()?;
    notices::mail(write, &app.keys, &Mail { to: email.as_str(), subject: &text.subject(), body: &body }, now).await?;
    Ok(true)
}

#[derive(Debug, Deserialize)]
pub struct InviteForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
    mail: Option<String>,
}

/// POST /cohorts/{id}/invitations: one link, for one address or for whoever holds it.
pub async fn invite(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<CohortId>, Form(form): Form<InviteForm>) -> Answer {
    let cohort = overseen(&mut *app.db.read().await?, &visitor, &id).await?;
    let role = if form.role == "instructor" { Role::Instructor } else { Role::Student };
    let mut mistakes = Vec::new();
    if !form.name.trim().is_empty()
        && let Some(words) = name_mistake(&form.name)
    {
        mistakes.push(("name", words.to_owned()));
    }
    if role == Role::Instructor && !visitor.person.is_admin() {
        mistakes.push(("role", "Only an admin makes instructors.".to_owned()));
    }
    let email = match form.email.trim() {
        "" => None,
        text => text.parse::<Email>().map_err(|error| mistakes.push(("email", format!("{error}.")))).ok(),
    };
    if !mistakes.is_empty() {
        let typed = Typed { name: form.name, email: form.email, role: Some(role), mistakes, ..Typed::default() };
        return people::again(&app, &visitor, site, &id, typed).await;
    }
    let name = Some(form.name.trim()).filter(|n| !n.is_empty());
    let mut write = app.db.write(id.guard()).await?;
    // Looked at inside the write: the form may be sent twice.
    let known = known(&app, &mut write, &visitor, &id, None).await?;
    if let Some((email, words)) = email.as_ref().and_then(|email| Some((email, known.nothing_to_do(role, email.as_str())?))) {
        drop(write);
        let mistakes = vec![("email", format!("{email}: {words}."))];
        let typed = Typed { name: form.name, email: form.email, role: Some(role), mistakes, ..Typed::default() };
        return people::again(&app, &visitor, site, &id, typed).await;
    }
    let made = make(&app, &mut write, &visitor, &cohort, &Wanted { role, email: email.as_ref(), name, mail: form.mail.is_some() }).await?;
    write.commit().await?;
    web::page(&Invited { until: app.clock.now().plus(INVITATION_LIVES), site, cohort, made: vec![made] })
}

/// One of a cohort's open invitations, for somebody who may change it: an instructor's is for admins alone.
async fn open_one(conn: &mut Conn, visitor: &Visitor, id: &CohortId, invitation: &InvitationId) -> Result<(Cohort, Invitation)> {
    let cohort = overseen(conn, visitor, id).await?;
    let all = roster::invitations(conn, id).await?;
    let found = all.into_iter().find(|i| i.id == *invitation).ok_or(Error::NotFound)?;
    if found.role == Role::Instructor && !visitor.person.is_admin() {
        return Err(Error::NotAllowed);
    }
    Ok((cohort, found))
}

/// POST /cohorts/{id}/invitations/{invitation}/renew: another link in place of one that was lost or is past its time.
pub async fn renew(State(app): State<App>, visitor: Visitor, site: Site, Path((id, invitation)): Path<(CohortId, InvitationId)>) -> Answer {
    let (cohort, old) = open_one(&mut *app.db.read().await?, &visitor, &id, &invitation).await?;
    let now = app.clock.now();
    let (token, until) = (secrets::new_token("gci_")?, now.plus(INVITATION_LIVES));
    let mut write = app.db.write(id.guard()).await?;
    // Past its time, the same person may have been invited anew or be here already; with this link too there would be two.
    let known = known(&app, &mut write, &visitor, &id, Some(&invitation)).await?;
    if let Some((email, words)) = old.email.as_deref().and_then(|email| Some((email, known.nothing_to_do(old.role, email)?))) {
        return Err(Error::refused(format!("{email}: {words}. Take this older invitation back.")));
    }
    if !roster::renew_invitation(&mut write, &id, &invitation, &secrets::token_hash(&token), until).await? {
        return Err(Error::refused("This invitation was followed meanwhile. Look at the list again."));
    }
    let entry = Entry::new(Some(visitor.person.id.as_str()), "invitation.renewed", invitation.as_str()).of_cohort(id.as_str());
    audit::record(&mut write, &entry, now).await?;
    let link = format!("{}/join/{token}", app.url);
    let email = old.email.as_deref().and_then(|e| e.parse::<Email>().ok());
    let wanted = Wanted { role: old.role, email: email.as_ref(), name: old.name.as_deref(), mail: true };
    let mailed = send(&app, &mut write, &cohort, &wanted, &link).await?;
    write.commit().await?;
    let made = Made { email: old.email, name: old.name, role: old.role, link, mailed };
    web::page(&Invited { site, cohort, made: vec![made], until })
}

/// GET /cohorts/{id}/invitations/{invitation}/revoke
pub async fn ask_revoke(State(app): State<App>, visitor: Visitor, site: Site, Path((id, invitation)): Path<(CohortId, InvitationId)>) -> Answer {
    let (cohort, found) = open_one(&mut *app.db.read().await?, &visitor, &id, &invitation).await?;
    let whom = found.name.as_deref().or(found.email.as_deref()).unwrap_or("whoever holds the link");
    let words = ["The link stops working at once. You can invite the same person again."];
    Confirm::new(site, format!("Take back the invitation for {whom}?"), &words, "Take it back", format!("{}/people", cohort.url())).answer()
}

/// POST /cohorts/{id}/invitations/{invitation}/revoke
pub async fn revoke(State(app): State<App>, visitor: Visitor, Path((id, invitation)): Path<(CohortId, InvitationId)>) -> Answer {
    let (cohort, _) = open_one(&mut *app.db.read().await?, &visitor, &id, &invitation).await?;
    let mut write = app.db.write(&invitation).await?;
    if !roster::revoke_invitation(&mut write, &id, &invitation).await? {
        return Err(Error::NotFound);
    }
    let entry = Entry::new(Some(visitor.person.id.as_str()), "invitation.revoked", invitation.as_str()).of_cohort(id.as_str());
    audit::record(&mut write, &entry, app.clock.now()).await?;
    write.commit().await?;
    web::see_saying(format!("{}/people", cohort.url()), "The invitation is taken back.")
}
