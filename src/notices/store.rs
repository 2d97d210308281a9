//! The statements about notifications and the mail outbox.
use super::{MOST_TRIES, Mail, MailId, Notification, NotificationId, Waiting};
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::secrets::Keys;
use sqlx::{query, query_as, query_scalar};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What mail bodies are sealed for.
pub const PURPOSE: &str = "mail";

/// Tells a person something, in the write that causes it. `link` is a path on this portal.
pub async fn notify(conn: &mut Conn, person: impl AsRef<str>, kind: &str, words: &str, link: &str, now: Timestamp) -> Result<()> {
    query("INSERT INTO notifications (id, person, created, kind, words, link) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(NotificationId::new())
        .bind(person.as_ref())
        .bind(now)
        .bind(kind)
        .bind(words)
        .bind(link)
        .execute(conn)
        .await?;
    Ok(())
}

/// A person's notifications, newest first.
pub async fn of_person(conn: &mut Conn, person: impl AsRef<str>, most: i64) -> Result<Vec<Notification>> {
    query_as("SELECT id, created, kind, words, link, seen FROM notifications WHERE person = $1 ORDER BY id DESC LIMIT $2")
        .bind(person.as_ref())
        .bind(most)
        .fetch_all(conn)
        .await
}

/// One of a person's own notifications.
pub async fn one(conn: &mut Conn, person: impl AsRef<str>, id: &NotificationId) -> Result<Option<Notification>> {
    query_as("SELECT id, created, kind, words, link, seen FROM notifications WHERE person = $1 AND id = $2")
        .bind(person.as_ref())
        .bind(id)
        .fetch_optional(conn)
        .await
}

/// Marks one as seen, or all of them.
pub async fn saw(conn: &mut Conn, person: impl AsRef<str>, id: Option<&NotificationId>, now: Timestamp) -> Result<()> {
    query("UPDATE notifications SET seen = $1 WHERE person = $2 AND seen IS NULL AND ($3 = '' OR id = $3)")
        .bind(now)
        .bind(person.as_ref())
        .bind(id.map_or("", NotificationId::as_str))
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts a mail into the outbox, in the write that causes it. Ask [`super::work::Post::delivers`] first: where no mail leaves, none should wait.
pub async fn mail(conn: &mut Conn, keys: &Keys, mail: &Mail<'_>, now: Timestamp) -> anyhow::Result<()> {
    let id = MailId::new();
    let body = keys.seal(PURPOSE, id.as_str(), mail.body.as_bytes())?;
    query("INSERT INTO mails (id, recipient, subject, body, created, tries, next) VALUES ($1, $2, $3, $4, $5, 0, $5)")
        .bind(&id)
        .bind(mail.to)
        .bind(mail.subject)
        .bind(body)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether a mail is due; looking costs no write.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let due: i64 = query_scalar("SELECT COUNT(*) FROM mails WHERE next <= $1 AND tries < $2").bind(now).bind(MOST_TRIES).fetch_one(conn).await?;
    Ok(due > 0)
}

/// Takes the next mail that is due until `until`; two senders never hold the same one.
pub async fn claim(conn: &mut Conn, now: Timestamp, until: Timestamp) -> Result<Option<Waiting>> {
    query_as(
        "UPDATE mails SET tries = tries + 1, next = $2
         WHERE id = (SELECT m.id FROM mails m WHERE m.next <= $1 AND m.tries < $3 ORDER BY m.next, m.id LIMIT 1)
         RETURNING id, recipient, subject, body, tries",
    )
    .bind(now)
    .bind(until)
    .bind(MOST_TRIES)
    .fetch_optional(conn)
    .await
}

/// The mail left; nothing of it is kept.
pub async fn sent(conn: &mut Conn, id: &MailId) -> Result<()> {
    query("DELETE FROM mails WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

/// The mail didn't leave: try again at `next`.
pub async fn failed(conn: &mut Conn, id: &MailId, next: Timestamp, error: &str) -> Result<()> {
    query("UPDATE mails SET next = $1, error = $2 WHERE id = $3").bind(next).bind(error).bind(id).execute(conn).await?;
    Ok(())
}

/// How many mails wait, and how many were given up.
pub async fn outbox(conn: &mut Conn) -> Result<(i64, i64)> {
    let waiting = query_scalar("SELECT COUNT(*) FROM mails WHERE tries < $1").bind(MOST_TRIES).fetch_one(&mut *conn).await?;
    let given_up = query_scalar("SELECT COUNT(*) FROM mails WHERE tries >= $1").bind(MOST_TRIES).fetch_one(conn).await?;
    Ok((waiting, given_up))
}

/// Removes the mails given up that were written before `then`: nobody waits for them any more.
pub async fn sweep(conn: &mut Conn, then: Timestamp) -> Result<()> {
    query("DELETE FROM mails WHERE tries >= $1 AND created < $2").bind(MOST_TRIES).bind(then).execute(conn).await?;
    Ok(())
}

/// Everything the outbox holds sealed, for a change of keys.
pub async fn sealed(conn: &mut Conn) -> Result<Vec<(MailId, String)>> {
    query_as("SELECT id, body FROM mails ORDER BY id").fetch_all(conn).await
}

/// Replaces a sealed body by the same one under another key, unless it changed meanwhile.
pub async fn reseal(conn: &mut Conn, id: &MailId, old: &str, new: &str) -> Result<()> {
    query("UPDATE mails SET body = $1 WHERE id = $2 AND body = $3").bind(new).bind(id).bind(old).execute(conn).await?;
    Ok(())
}
