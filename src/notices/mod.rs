//! What people are told: notifications on their page, and mail that waits in an outbox until it is sent.
pub mod pages;
pub mod store;
pub mod work;

use crate::db::values::{Row, Timestamp};
use crate::id;
use std::time::Duration;

pub use store::{mail, notify};

id!(NotificationId);
id!(MailId);

/// Something a person should know, with the page where they can do something about it.
#[derive(Debug, Clone, Row)]
pub struct Notification {
    pub id: NotificationId,
    pub created: Timestamp,
    /// The noun it is about: `review`, `cohort`; chooses its mark.
    pub kind: String,
    pub words: String,
    /// A path on this portal.
    pub link: String,
    pub seen: Option<Timestamp>,
}

/// A mail as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    pub to: &'a str,
    pub subject: &'a str,
    /// Plain text.
    pub body: &'a str,
}

/// A mail that waits, its body still sealed.
#[derive(Debug, Clone, Row)]
pub struct Waiting {
    pub id: MailId,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub tries: i64,
}

/// After so many failures a mail is given up: its links have expired by then.
pub const MOST_TRIES: i64 = 8;

/// How long to wait after the `tries`-th failure: a minute, then four times as long each time, at most six hours.
pub fn wait_after(tries: i64) -> Duration {
    let factor = 4_u64.saturating_pow(u32::try_from(tries.saturating_sub(1).max(0)).unwrap_or(u32::MAX));
    Duration::from_secs(60_u64.saturating_mul(factor).min(6 * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_is_bounded() {
        assert_eq!(wait_after(1).as_secs(), 60);
        assert_eq!(wait_after(2).as_secs(), 240);
        assert_eq!(wait_after(3).as_secs(), 960);
        assert_eq!(wait_after(7).as_secs(), 6 * 3600);
        assert_eq!(wait_after(i64::MAX).as_secs(), 6 * 3600);
    }
}
