//! `/account/sign-ins`: on which devices one is signed in, and how to end that.
use super::in_person;
use crate::accounts::{SignIn, SignInId, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Error};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "accounts/sign_ins.html")]
struct SignIns {
    site: Site,
    sign_ins: Vec<SignIn>,
    here: SignInId,
}

impl SignIns {
    fn is_here(&self, sign_in: &SignIn) -> bool {
        sign_in.id == self.here
    }
}

/// GET /account/sign-ins
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let sign_ins = store::sign_ins_of(&mut *app.db.read().await?, &visitor.person.id, app.clock.now()).await?;
    web::page(&SignIns { site, sign_ins, here: visitor.sign_in.clone() })
}

/// POST /account/sign-ins/{id}/revoke
pub async fn revoke(State(app): State<App>, visitor: Visitor, Path(id): Path<SignInId>) -> Answer {
    let person = in_person(&visitor)?;
    let now = app.clock.now();
    let mut write = app.db.write(&person.id).await?;
    if !store::revoke_sign_in(&mut write, &person.id, &id, now).await? {
        return Err(Error::NotFound);
    }
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "sign_in.revoked", id.as_str()), now).await?;
    write.commit().await?;
    web::see_saying("/account/sign-ins", "That device is signed out.")
}

/// POST /account/sign-ins/revoke: all but this one.
pub async fn revoke_others(State(app): State<App>, visitor: Visitor) -> Answer {
    let person = in_person(&visitor)?;
    let now = app.clock.now();
    let mut write = app.db.write(&person.id).await?;
    store::revoke_sign_ins(&mut write, &person.id, Some(&visitor.sign_in), now).await?;
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "sign_in.others_revoked", person.id.as_str()), now).await?;
    write.commit().await?;
    web::see_saying("/account/sign-ins", "Every other device is signed out.")
}
