//! Every statement about people, their sign-ins, tokens, reset links and throttles.
use super::throttle::{Limit, Throttle};
use super::{Email, NewPerson, NewSignIn, Person, PersonId, SignIn, SignInId, Token, TokenId, name_key};
use crate::db::Conn;
use crate::db::values::{Row, Timestamp};
use sqlx::{query, query_as, query_scalar};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// A valid sign-in and whose it is.
#[derive(Debug, Clone, Row)]
pub struct SignedIn {
    pub sign_in: SignInId,
    pub seen: Timestamp,
    pub id: PersonId,
    pub email: super::Email,
    pub name: String,
    pub zone: String,
    pub admin: Option<Timestamp>,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    /// Notifications not seen yet.
    pub unseen: i64,
}

impl SignedIn {
    pub fn person(&self) -> Person {
        Person {
            id: self.id.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            zone: self.zone.clone(),
            admin: self.admin,
            created: self.created,
            disabled: self.disabled,
        }
    }
}

/// Whoever holds the sign-in with this token hash, unless it is over, revoked or its person disabled.
pub async fn signed_in(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<Option<SignedIn>> {
    query_as(
        "SELECT s.id AS sign_in, s.seen, p.id, p.email, p.name, p.zone, p.admin, p.created, p.disabled,
                (SELECT COUNT(*) FROM notifications n WHERE n.person = p.id AND n.seen IS NULL) AS unseen
         FROM sign_ins s JOIN people p ON p.id = s.person
         WHERE s.token_hash = $1 AND s.revoked IS NULL AND s.expires > $2 AND p.disabled IS NULL",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Whoever holds the personal token with this hash; `sign_in` is then the token's id.
pub async fn by_token(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<Option<SignedIn>> {
    query_as(
        "SELECT t.id AS sign_in, COALESCE(t.seen, t.created) AS seen, p.id, p.email, p.name, p.zone, p.admin, p.created, p.disabled, CAST(0 AS BIGINT) AS unseen
         FROM tokens t JOIN people p ON p.id = t.person
         WHERE t.token_hash = $1 AND t.revoked IS NULL AND t.expires > $2 AND p.disabled IS NULL",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional(conn)
    .await
}

const PERSON: &str = "id, email, name, zone, admin, created, disabled";

/// Adds a person. A second one with the same address is a duplicate: see [`crate::db::is_duplicate`].
pub async fn create(conn: &mut Conn, new: &NewPerson<'_>, now: Timestamp) -> Result<PersonId> {
    let id = PersonId::new();
    query("INSERT INTO people (id, email, name, name_key, password, zone, admin, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&id)
        .bind(new.email)
        .bind(new.name.trim())
        .bind(name_key(new.name))
        .bind(new.password)
        .bind(new.zone)
        .bind(new.admin.then_some(now))
        .bind(now)
        .execute(conn)
        .await?;
    Ok(id)
}

pub async fn by_id(conn: &mut Conn, id: &PersonId) -> Result<Option<Person>> {
    query_as(sqlx::AssertSqlSafe(format!("SELECT {PERSON} FROM people WHERE id = $1"))).bind(id).fetch_optional(conn).await
}

pub async fn by_email(conn: &mut Conn, email: &Email) -> Result<Option<Person>> {
    query_as(sqlx::AssertSqlSafe(format!("SELECT {PERSON} FROM people WHERE email = $1"))).bind(email).fetch_optional(conn).await
}

/// The people among these ids: their names by id.
pub async fn names(conn: &mut Conn, ids: &[&str]) -> Result<HashMap<String, String>> {
    let list = crate::db::list(1, ids.len());
    let mut asked = query_as(sqlx::AssertSqlSafe(format!("SELECT id, name FROM people WHERE id IN ({list})")));
    for id in crate::db::padded(ids) {
        asked = asked.bind(id.to_owned());
    }
    let rows: Vec<(String, String)> = asked.fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// People by name, `most` of them after the person with the key `after` (a name key and an id); `search` is a part of a name or address.
pub async fn list(conn: &mut Conn, search: &str, after: Option<(&str, &str)>, most: i64) -> Result<Vec<Person>> {
    let search = format!("%{}%", search.trim().to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let (key, id) = after.unwrap_or(("", ""));
    query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {PERSON} FROM people
         WHERE (name_key LIKE $1 ESCAPE '\\' OR email LIKE $1 ESCAPE '\\') AND (name_key > $2 OR (name_key = $2 AND id > $3))
         ORDER BY name_key, id LIMIT $4"
    )))
    .bind(search)
    .bind(key)
    .bind(id)
    .bind(most)
    .fetch_all(conn)
    .await
}

/// How many have an account that isn't closed.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    query_scalar("SELECT COUNT(*) FROM people WHERE disabled IS NULL").fetch_one(conn).await
}

/// Whether anybody runs this installation.
pub async fn has_admin(conn: &mut Conn) -> Result<bool> {
    let admins: i64 = query_scalar("SELECT COUNT(*) FROM people WHERE admin IS NOT NULL AND disabled IS NULL").fetch_one(conn).await?;
    Ok(admins > 0)
}

/// The stored hash of a password; none when the person has none yet, is disabled, or doesn't exist.
pub async fn password_of(conn: &mut Conn, email: &str) -> Result<Option<(PersonId, String)>> {
    query_as("SELECT id, password FROM people WHERE email = $1 AND password IS NOT NULL AND disabled IS NULL").bind(email).fetch_optional(conn).await
}

pub async fn set_password(conn: &mut Conn, id: &PersonId, hash: &str) -> Result<()> {
    query("UPDATE people SET password = $1 WHERE id = $2").bind(hash).bind(id).execute(conn).await?;
    Ok(())
}

/// Replaces a hash by the same password's under other parameters, unless the password changed meanwhile.
pub async fn rehash(conn: &mut Conn, id: &PersonId, old: &str, new: &str) -> Result<()> {
    query("UPDATE people SET password = $1 WHERE id = $2 AND password = $3").bind(new).bind(id).bind(old).execute(conn).await?;
    Ok(())
}

pub async fn set_profile(conn: &mut Conn, id: &PersonId, name: &str, zone: &str) -> Result<()> {
    query("UPDATE people SET name = $1, name_key = $2, zone = $3 WHERE id = $4")
        .bind(name.trim())
        .bind(name_key(name))
        .bind(zone)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Gives or takes the running of the installation.
pub async fn set_admin(conn: &mut Conn, id: &PersonId, since: Option<Timestamp>) -> Result<()> {
    query("UPDATE people SET admin = $1 WHERE id = $2").bind(since).bind(id).execute(conn).await?;
    Ok(())
}

/// Closes an account, or opens it again. While it is closed, no sign-in and no token of it is valid.
pub async fn set_disabled(conn: &mut Conn, id: &PersonId, since: Option<Timestamp>) -> Result<()> {
    query("UPDATE people SET disabled = $1 WHERE id = $2").bind(since).bind(id).execute(conn).await?;
    Ok(())
}

/// Keeps a new sign-in; only the hash of its token is stored.
pub async fn sign_in(conn: &mut Conn, new: &NewSignIn<'_>, now: Timestamp) -> Result<SignInId> {
    let id = SignInId::new();
    query("INSERT INTO sign_ins (id, token_hash, person, created, seen, expires, address, agent) VALUES ($1, $2, $3, $4, $4, $5, $6, $7)")
        .bind(&id)
        .bind(new.token_hash)
        .bind(new.person)
        .bind(now)
        .bind(now.plus(super::SIGN_IN_LIVES))
        .bind(new.address)
        .bind(new.agent)
        .execute(conn)
        .await?;
    Ok(id)
}

/// A person's sign-ins that still hold, the latest used first.
pub async fn sign_ins_of(conn: &mut Conn, person: &PersonId, now: Timestamp) -> Result<Vec<SignIn>> {
    query_as(
        "SELECT id, created, seen, expires, address, agent FROM sign_ins
         WHERE person = $1 AND revoked IS NULL AND expires > $2 ORDER BY seen DESC, id DESC",
    )
    .bind(person)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// A sign-in was used: it lives on from now.
pub async fn saw_sign_in(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    query("UPDATE sign_ins SET seen = $1, expires = $2 WHERE id = $3 AND revoked IS NULL")
        .bind(now)
        .bind(now.plus(super::SIGN_IN_LIVES))
        .bind(id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends one of a person's own sign-ins; says whether there was one.
pub async fn revoke_sign_in(conn: &mut Conn, person: &PersonId, id: &SignInId, now: Timestamp) -> Result<bool> {
    let done = query("UPDATE sign_ins SET revoked = $1 WHERE id = $2 AND person = $3 AND revoked IS NULL")
        .bind(now)
        .bind(id)
        .bind(person)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all of a person's sign-ins but `except`; says how many held.
pub async fn revoke_sign_ins(conn: &mut Conn, person: &PersonId, except: Option<&SignInId>, now: Timestamp) -> Result<u64> {
    let done = query("UPDATE sign_ins SET revoked = $1 WHERE person = $2 AND id <> $3 AND revoked IS NULL AND expires > $1")
        .bind(now)
        .bind(person)
        .bind(except.map_or("", SignInId::as_str))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// How many sign-ins were used since `then` and still hold.
pub async fn active_sign_ins(conn: &mut Conn, then: Timestamp) -> Result<i64> {
    query_scalar("SELECT COUNT(*) FROM sign_ins WHERE revoked IS NULL AND seen >= $1").bind(then).fetch_one(conn).await
}

/// Keeps a personal token by its hash.
pub async fn create_token(conn: &mut Conn, person: &PersonId, name: &str, token_hash: &str, expires: Timestamp, now: Timestamp) -> Result<TokenId> {
    let id = TokenId::new();
    query("INSERT INTO tokens (id, person, name, token_hash, created, expires) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(person)
        .bind(name)
        .bind(token_hash)
        .bind(now)
        .bind(expires)
        .execute(conn)
        .await?;
    Ok(id)
}

/// A person's tokens that aren't revoked, newest first; expired ones are shown as such.
pub async fn tokens_of(conn: &mut Conn, person: &PersonId) -> Result<Vec<Token>> {
    query_as("SELECT id, name, created, seen, expires FROM tokens WHERE person = $1 AND revoked IS NULL ORDER BY id DESC")
        .bind(person)
        .fetch_all(conn)
        .await
}

pub async fn saw_token(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    query("UPDATE tokens SET seen = $1 WHERE id = $2").bind(now).bind(id).execute(conn).await?;
    Ok(())
}

pub async fn revoke_token(conn: &mut Conn, person: &PersonId, id: &TokenId, now: Timestamp) -> Result<bool> {
    let done = query("UPDATE tokens SET revoked = $1 WHERE id = $2 AND person = $3 AND revoked IS NULL")
        .bind(now)
        .bind(id)
        .bind(person)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all of a person's tokens; says how many held.
pub async fn revoke_tokens(conn: &mut Conn, person: &PersonId, now: Timestamp) -> Result<u64> {
    let done =
        query("UPDATE tokens SET revoked = $1 WHERE person = $2 AND revoked IS NULL AND expires > $1").bind(now).bind(person).execute(conn).await?;
    Ok(done.rows_affected())
}

/// Uses a person's open reset links up.
pub async fn withdraw_resets(conn: &mut Conn, person: &PersonId, now: Timestamp) -> Result<()> {
    query("UPDATE resets SET used = $1 WHERE person = $2 AND used IS NULL").bind(now).bind(person).execute(conn).await?;
    Ok(())
}

/// Keeps a reset link by its hash; a person's earlier ones stop working.
pub async fn create_reset(conn: &mut Conn, person: &PersonId, token_hash: &str, now: Timestamp) -> Result<()> {
    withdraw_resets(&mut *conn, person, now).await?;
    query("INSERT INTO resets (token_hash, person, created, expires) VALUES ($1, $2, $3, $4)")
        .bind(token_hash)
        .bind(person)
        .bind(now)
        .bind(now.plus(super::RESET_LIVES))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whose password a reset link may set, while it works.
pub async fn reset_of(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<Option<Person>> {
    query_as(
        "SELECT p.id, p.email, p.name, p.zone, p.admin, p.created, p.disabled FROM resets r JOIN people p ON p.id = r.person
         WHERE r.token_hash = $1 AND r.used IS NULL AND r.expires > $2 AND p.disabled IS NULL",
    )
    .bind(token_hash)
    .bind(now)
    .fetch_optional(conn)
    .await
}

/// Uses a reset link up; false when somebody was quicker.
pub async fn use_reset(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<bool> {
    let done =
        query("UPDATE resets SET used = $1 WHERE token_hash = $2 AND used IS NULL AND expires > $1").bind(now).bind(token_hash).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// What is counted under a name.
pub async fn throttle(conn: &mut Conn, name: &str) -> Result<Option<Throttle>> {
    query_as("SELECT failures, since, until FROM throttles WHERE name = $1").bind(name).fetch_optional(conn).await
}

/// Counts one more try under a name.
pub async fn count_try(conn: &mut Conn, name: &str, limit: &Limit, now: Timestamp) -> Result<()> {
    let before = throttle(&mut *conn, name).await?.unwrap_or_else(|| Throttle::new(now));
    let after = before.after_try(limit, now);
    query(
        "INSERT INTO throttles (name, failures, since, until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, since = excluded.since, until = excluded.until",
    )
    .bind(name)
    .bind(after.failures)
    .bind(after.since)
    .bind(after.until)
    .execute(conn)
    .await?;
    Ok(())
}

/// A try succeeded after all: an account's count ends, an address gets this one try back.
pub async fn forgive(conn: &mut Conn, account: &str, address: &str) -> Result<()> {
    query("DELETE FROM throttles WHERE name = $1").bind(account).execute(&mut *conn).await?;
    query("UPDATE throttles SET failures = failures - 1, until = since WHERE name = $1 AND failures > 0").bind(address).execute(conn).await?;
    Ok(())
}

/// Removes what no longer matters: counts and links that ended before `then`.
pub async fn sweep(conn: &mut Conn, then: Timestamp) -> Result<()> {
    for statement in
        ["DELETE FROM throttles WHERE until < $1", "DELETE FROM resets WHERE expires < $1", "DELETE FROM sign_ins WHERE expires < $1 OR revoked < $1"]
    {
        query(statement).bind(then).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Whether a sign-in, or a personal token, still holds: streams ask now and then.
pub async fn holds(conn: &mut Conn, id: &SignInId, is_token: bool, now: Timestamp) -> Result<bool> {
    let holding: i64 = if is_token {
        query_scalar("SELECT COUNT(*) FROM tokens t JOIN people p ON p.id = t.person WHERE t.id = $1 AND t.revoked IS NULL AND t.expires > $2 AND p.disabled IS NULL")
    } else {
        query_scalar("SELECT COUNT(*) FROM sign_ins s JOIN people p ON p.id = s.person WHERE s.id = $1 AND s.revoked IS NULL AND s.expires > $2 AND p.disabled IS NULL")
    }
    .bind(id)
    .bind(now)
    .fetch_one(conn)
    .await?;
    Ok(holding > 0)
}
