//! Every statement about cohorts, enrolments and instructors.
use super::{Enrolment, Teaching};
use crate::accounts::PersonId;
use crate::db::Conn;
use sqlx::query_as;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The enrolments a person can look at, the latest cohort first.
pub async fn enrolments_of(conn: &mut Conn, person: &PersonId) -> Result<Vec<Enrolment>> {
    query_as(
        "SELECT e.id, e.cohort, c.name AS cohort_name, c.program, c.starts, c.zone, e.person, e.status, e.factor
         FROM enrolments e JOIN cohorts c ON c.id = e.cohort
         WHERE e.person = $1 AND e.status IN ('active', 'completed') ORDER BY c.starts DESC, e.id",
    )
    .bind(person)
    .fetch_all(conn)
    .await
}

/// The cohorts a person teaches, the latest first.
pub async fn taught_by(conn: &mut Conn, person: &PersonId) -> Result<Vec<Teaching>> {
    query_as(
        "SELECT i.cohort, c.name FROM instructors i JOIN cohorts c ON c.id = i.cohort
         WHERE i.person = $1 AND c.archived IS NULL ORDER BY c.starts DESC, c.id",
    )
    .bind(person)
    .fetch_all(conn)
    .await
}
