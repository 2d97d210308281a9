//! Every statement about people, their sign-ins and tokens.
use super::{Person, PersonId, SignInId};
use crate::db::Conn;
use crate::db::values::{Row, Timestamp};
use sqlx::query_as;

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
