//! `/account/tokens`: personal tokens for the command line and the API.
use super::{Mistakes, in_person, mistake};
use crate::accounts::{PersonId, Token, TokenId, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::error::{Answer, Error, Result};
use crate::secrets;
use crate::web::{self, Form, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use std::time::Duration;

#[derive(Template)]
#[template(path = "accounts/tokens.html")]
struct Tokens {
    site: Site,
    tokens: Vec<Token>,
    /// A token just made: its secret is shown now and never again.
    made: Option<String>,
    name: String,
    mistakes: Mistakes,
}

impl Tokens {
    fn mistake(&self, field: &str) -> Option<&str> {
        mistake(&self.mistakes, field)
    }

    fn is_over(&self, token: &Token) -> bool {
        token.expires <= self.site.now
    }
}

const MOST: usize = 20;
/// For how many days a token may live.
const DAYS: [u64; 4] = [7, 30, 120, 365];

async fn all(app: &App, person: &PersonId) -> Result<Vec<Token>> {
    Ok(store::tokens_of(&mut *app.db.read().await?, person).await?)
}

/// GET /account/tokens
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let tokens = all(&app, &visitor.person.id).await?;
    web::page(&Tokens { site, tokens, made: None, name: String::new(), mistakes: Mistakes::new() })
}

#[derive(Debug, Deserialize)]
pub struct TokenForm {
    name: String,
    days: u64,
}

/// POST /account/tokens
pub async fn create(State(app): State<App>, visitor: Visitor, site: Site, Form(form): Form<TokenForm>) -> Answer {
    let person = in_person(&visitor)?;
    let tokens = all(&app, &person.id).await?;
    let name = form.name.trim().to_owned();
    let mut mistakes = Mistakes::new();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        mistakes.push(("name", "Give it a name of 1 to 60 characters that says where you will use it.".to_owned()));
    } else if tokens.len() >= MOST {
        mistakes.push(("name", "You have 20 tokens, the most there can be. Revoke one first.".to_owned()));
    }
    if !DAYS.contains(&form.days) {
        mistakes.push(("days", "Choose one of the times offered.".to_owned()));
    }
    if !mistakes.is_empty() {
        return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &Tokens { site, tokens, made: None, name, mistakes });
    }
    let now = app.clock.now();
    let token = secrets::new_token("gct_")?;
    let expires = now.plus(Duration::from_secs(form.days * 86_400));
    let mut write = app.db.write(&person.id).await?;
    let id = store::create_token(&mut write, &person.id, &name, &secrets::token_hash(&token), expires, now).await?;
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "token.created", id.as_str()), now).await?;
    write.commit().await?;
    let tokens = all(&app, &person.id).await?;
    let mut response = web::page(&Tokens { site, tokens, made: Some(token), name: String::new(), mistakes: Mistakes::new() })?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// POST /account/tokens/{id}/revoke
pub async fn revoke(State(app): State<App>, visitor: Visitor, Path(id): Path<TokenId>) -> Answer {
    let person = in_person(&visitor)?;
    let now = app.clock.now();
    let mut write = app.db.write(&person.id).await?;
    if !store::revoke_token(&mut write, &person.id, &id, now).await? {
        return Err(Error::NotFound);
    }
    audit::record(&mut write, &Entry::new(Some(person.id.as_str()), "token.revoked", id.as_str()), now).await?;
    write.commit().await?;
    web::see_saying("/account/tokens", "The token is revoked.")
}
