//! People and how they sign in: who somebody is, never what they may do in a cohort.
pub mod store;

use crate::db::values::{Row, Timestamp};
use crate::{id, text_column};
use std::fmt;
use std::str::FromStr;

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
