//! What an admin may adjust while the portal runs; everything it takes to boot is in `config.rs`.
pub mod pages;
pub mod store;
pub mod work;

use serde::{Deserialize, Serialize};

/// Every adjustable setting, documented here; each field is a row of `settings` once it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What the portal is called, in its header, titles and mails.
    pub name: String,
    /// Colour of the header's mark as `#rrggbb`; empty is the portal's own yellow.
    pub colour: String,
    /// What a visitor without an account reads on the sign-in page: how to get in. Plain text, empty lines part paragraphs.
    pub sign_up: String,
    /// IANA zone that new accounts begin with.
    pub zone: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { name: "Groundcrew".to_owned(), colour: String::new(), sign_up: String::new(), zone: "UTC".to_owned() }
    }
}

/// What is wrong with a field, in words for the person who filled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub field: &'static str,
    pub words: &'static str,
}

impl Settings {
    /// The settings as they were meant: trimmed, lower-case colour.
    #[must_use]
    pub fn tidied(self) -> Settings {
        Settings {
            name: self.name.trim().to_owned(),
            colour: self.colour.trim().to_lowercase(),
            sign_up: self.sign_up.replace("\r\n", "\n").trim().to_owned(),
            zone: self.zone.trim().to_owned(),
        }
    }

    /// Everything that can't be kept as it is.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut say = |field, words| mistakes.push(Mistake { field, words });
        if self.name.is_empty() || self.name.chars().count() > 60 || self.name.chars().any(char::is_control) {
            say("name", "Give the portal a name of 1 to 60 characters.");
        }
        if !self.colour.is_empty() && !is_colour(&self.colour) {
            say("colour", "Write a colour as # and six hex digits, such as #ffd21f, or leave it empty.");
        }
        if self.sign_up.chars().count() > 2000 {
            say("sign_up", "Keep this text under 2,000 characters.");
        }
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            say("zone", "Choose a time zone by its name, such as Europe/Berlin.");
        }
        mistakes
    }

    /// The sign-up text's paragraphs.
    pub fn sign_up_paragraphs(&self) -> Vec<&str> {
        self.sign_up.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).collect()
    }
}

fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_colour_reaches_the_style_element() {
        for bad in ["red", "#fff", "#ffd21f;}", "#ffd21g", "#ffd2é"] {
            let settings = Settings { colour: bad.to_owned(), ..Settings::default() };
            assert_eq!(settings.mistakes().iter().map(|m| m.field).collect::<Vec<_>>(), ["colour"], "{bad}");
        }
        assert!(Settings { colour: "#ffd21f".to_owned(), ..Settings::default() }.mistakes().is_empty());
    }

    #[test]
    fn each_mistake_names_its_field() {
        let settings = Settings { name: " ".to_owned(), zone: "Mars/Olympus".to_owned(), sign_up: "x".repeat(2001), ..Settings::default() }.tidied();
        assert_eq!(settings.mistakes().iter().map(|m| m.field).collect::<Vec<_>>(), ["name", "sign_up", "zone"]);
    }
}
