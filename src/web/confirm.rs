//! The page between a button and something that can't be taken back easily: it works with JavaScript off too.
use super::{Site, page};
use crate::error::Answer;
use askama::Template;

/// The same address answers both: GET asks, POST does.
#[derive(Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    pub site: Site,
    pub title: String,
    /// What will happen and what stays, a paragraph each.
    pub words: Vec<String>,
    /// Fields to send along.
    pub fields: Vec<(&'static str, String)>,
    pub button: String,
    pub dangerous: bool,
    /// Where *keep it as it is* leads.
    pub back: String,
}

impl Confirm {
    pub fn new(site: Site, title: String, words: &[&str], button: &str, back: String) -> Confirm {
        let words = words.iter().map(|w| (*w).to_owned()).collect();
        Confirm { site, title, words, fields: Vec::new(), button: button.to_owned(), dangerous: true, back }
    }

    pub fn answer(self) -> Answer {
        page(&self)
    }
}
