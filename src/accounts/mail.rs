//! The mails about accounts, as texts.
use super::Person;
use crate::db::values::Timestamp;
use crate::web::filters;
use askama::Template;

/// To whoever asked for a link to set a new password.
#[derive(Template)]
#[template(path = "accounts/mail/reset.txt")]
pub struct Reset<'a> {
    pub portal: &'a str,
    pub person: &'a Person,
    pub link: &'a str,
    pub until: Timestamp,
}

impl Reset<'_> {
    pub fn subject(&self) -> String {
        format!("A new password for {}", self.portal)
    }
}

/// To whoever was invited.
#[derive(Template)]
#[template(path = "accounts/mail/invitation.txt")]
pub struct Invitation<'a> {
    pub portal: &'a str,
    /// What they are called, if the inviter knew.
    pub name: Option<&'a str>,
    /// `a student of Amber`, `an instructor of Amber`, `an admin`.
    pub role: &'a str,
    pub link: &'a str,
    pub zone: &'a str,
    pub until: Timestamp,
}

impl Invitation<'_> {
    pub fn subject(&self) -> String {
        format!("Your invitation to {}", self.portal)
    }
}

/// To whoever's password was changed, so that a change by somebody else doesn't go unseen.
#[derive(Template)]
#[template(path = "accounts/mail/changed.txt")]
pub struct Changed<'a> {
    pub portal: &'a str,
    pub person: &'a Person,
    pub at: Timestamp,
}

impl Changed<'_> {
    pub fn subject(&self) -> String {
        format!("Your password for {} was changed", self.portal)
    }
}
