//! People and how they sign in: who somebody is, never what they may do in a cohort.
pub mod mail;
pub mod pages;
pub mod passwords;
pub mod store;
pub mod throttle;
pub mod work;

use crate::db::values::{Row, Timestamp};
use crate::{id, text_column};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

id!(PersonId);
id!(
    /// A sign-in session.
    SignInId
);
id!(TokenId);

/// Somebody with an account.
#[derive(Debug, Clone, Row)]
pub struct Person {
    pub id: PersonId,
    pub email: Email,
    pub name: String,
    /// IANA name; times are shown in it beside the cohort's.
    pub zone: String,
    /// Since when they run the installation, if they do.
    pub admin: Option<Timestamp>,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
}

impl Person {
    pub fn is_admin(&self) -> bool {
        self.admin.is_some() && self.disabled.is_none()
    }

    /// Up to two letters for a round badge.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|w| w.chars().next());
        let first = words.next();
        first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
    }
}

/// A person as they are added.
#[derive(Debug, Clone, Copy)]
pub struct NewPerson<'a> {
    pub email: &'a Email,
    pub name: &'a str,
    /// Hashed; none until they follow an invitation or a reset link.
    pub password: Option<&'a str>,
    pub zone: &'a str,
    pub admin: bool,
}

/// A sign-in as it is added; the agent is what the browser says it is.
#[derive(Debug, Clone, Copy)]
pub struct NewSignIn<'a> {
    pub person: &'a PersonId,
    pub token_hash: &'a str,
    pub address: &'a str,
    pub agent: &'a str,
}

/// One device's sign-in, as its person sees it.
#[derive(Debug, Clone, Row)]
pub struct SignIn {
    pub id: SignInId,
    pub created: Timestamp,
    pub seen: Timestamp,
    pub expires: Timestamp,
    pub address: String,
    pub agent: String,
}

impl SignIn {
    /// `Firefox on Linux`: what people recognise a device by.
    pub fn device(&self) -> String {
        let first = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| self.agent.contains(mark)).map(|(_, name)| *name);
        let browser = first(&[("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
        let system =
            first(&[("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux")]);
        match (browser, system) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => "A program".to_owned(),
        }
    }
}

/// A personal token, without its secret, which nobody has but the person.
#[derive(Debug, Clone, Row)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub created: Timestamp,
    pub seen: Option<Timestamp>,
    pub expires: Timestamp,
}

/// A sign-in ends so long after it was used last.
pub const SIGN_IN_LIVES: Duration = Duration::from_secs(30 * 86_400);
/// Its use is noted at most so often: a page view costs no write.
pub const SEEN_EVERY: Duration = Duration::from_secs(300);
/// Guard of every change of who runs the portal: on its pages, from the command line and by invitations they take turns, so that two
/// admins can't end each other at once and the first admin's link works only while there is none.
pub const ADMINS: &str = "admins";

/// How long a reset link works.
pub const RESET_LIVES: Duration = Duration::from_secs(3600);
/// How long an invitation works.
pub const INVITATION_LIVES: Duration = Duration::from_secs(14 * 86_400);

/// What is wrong with a name somebody gave, in words for them.
pub fn name_mistake(name: &str) -> Option<&'static str> {
    let length = name.trim().chars().count();
    if length == 0 {
        Some("Say what you want to be called.")
    } else if length > 100 || name.chars().any(char::is_control) {
        Some("Use at most 100 letters.")
    } else {
        None
    }
}

/// The key names sort by: lower case, so that both engines order them alike.
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// An address for mail, lower case; the key by which an account is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an e-mail address: it needs a name, an @ and a domain, such as ada@example.org")]
pub struct NotAnEmail(String);

impl FromStr for Email {
    type Err = NotAnEmail;
    fn from_str(text: &str) -> Result<Email, NotAnEmail> {
        let trimmed = text.trim().to_lowercase();
        let good = trimmed.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && trimmed.len() <= 254
                && trimmed.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '(' | ')'))
        });
        if good { Ok(Email(trimmed)) } else { Err(NotAnEmail(text.trim().chars().take(80).collect())) }
    }
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;
    fn try_from(text: String) -> Result<Email, NotAnEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_column!(Email);
