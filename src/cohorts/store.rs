//! Every statement about cohorts, enrolments, instructors and invitations.
use super::{Cohort, CohortId, Enrolment, EnrolmentId, Invitation, InvitationId, NewCohort, NewInvitation, Teaching};
use crate::accounts::PersonId;
use crate::curriculum::{Lab, LabId, Timeline, calendar};
use crate::db::Conn;
use crate::db::values::Timestamp;
use sqlx::{query, query_as, query_scalar};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The enrolments a person can look at, the latest cohort first.
pub async fn enrolments_of(conn: &mut Conn, person: &PersonId) -> Result<Vec<Enrolment>> {
    query_as(
        "SELECT e.id, e.cohort, c.name AS cohort_name, c.program, c.starts, c.zone, e.person, e.status, e.factor, c.archived
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

/// Opens a cohort.
pub async fn open(conn: &mut Conn, new: &NewCohort<'_>, now: Timestamp) -> Result<CohortId> {
    let id = CohortId::new();
    query("INSERT INTO cohorts (id, name, program, starts, zone, created) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&id)
        .bind(new.name)
        .bind(new.program)
        .bind(new.starts)
        .bind(new.zone)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(id)
}

/// Makes a person an active student of a cohort. Whoever left it comes back with the same enrolment; a factor stays.
pub async fn enrol(conn: &mut Conn, cohort: &CohortId, person: &PersonId, now: Timestamp) -> Result<()> {
    query(
        "INSERT INTO enrolments (id, cohort, person, status, factor, created, changed) VALUES ($1, $2, $3, 'active', 100, $4, $4)
         ON CONFLICT (cohort, person) DO UPDATE SET status = 'active', changed = excluded.changed
         WHERE enrolments.status <> 'active' AND enrolments.status <> 'completed'",
    )
    .bind(EnrolmentId::new())
    .bind(cohort)
    .bind(person)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets a person teach a cohort.
pub async fn add_instructor(conn: &mut Conn, cohort: &CohortId, person: &PersonId, now: Timestamp) -> Result<()> {
    query("INSERT INTO instructors (cohort, person, since) VALUES ($1, $2, $3) ON CONFLICT (cohort, person) DO NOTHING")
        .bind(cohort)
        .bind(person)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps an invitation by the hash of its token.
pub async fn invite(conn: &mut Conn, new: &NewInvitation<'_>, now: Timestamp) -> Result<InvitationId> {
    let id = InvitationId::new();
    query(
        "INSERT INTO invitations (id, token_hash, email, name, role, cohort, created, created_by, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&id)
    .bind(new.token_hash)
    .bind(new.email)
    .bind(new.name)
    .bind(new.role)
    .bind(new.cohort)
    .bind(now)
    .bind(new.created_by)
    .bind(new.expires)
    .execute(conn)
    .await?;
    Ok(id)
}

/// The invitation with this token hash, used up or not.
pub async fn invitation(conn: &mut Conn, token_hash: &str) -> Result<Option<Invitation>> {
    query_as(
        "SELECT i.id, i.email, i.name, i.role, i.cohort, c.name AS cohort_name, i.created, i.created_by, i.expires, i.used, i.used_by
         FROM invitations i LEFT JOIN cohorts c ON c.id = i.cohort WHERE i.token_hash = $1",
    )
    .bind(token_hash)
    .fetch_optional(conn)
    .await
}

/// Uses an invitation up; false when somebody was quicker.
pub async fn use_invitation(conn: &mut Conn, id: &InvitationId, by: &PersonId, now: Timestamp) -> Result<bool> {
    let done = query("UPDATE invitations SET used = $1, used_by = $2 WHERE id = $3 AND used IS NULL AND expires > $1")
        .bind(now)
        .bind(by)
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes back the first admin's links of earlier starts: only the one printed last works.
pub async fn withdraw_first_admin_links(conn: &mut Conn) -> Result<()> {
    query("DELETE FROM invitations WHERE role = 'admin' AND created_by IS NULL AND used IS NULL").execute(conn).await?;
    Ok(())
}

/// One cohort.
pub async fn cohort(conn: &mut Conn, id: &CohortId) -> Result<Option<Cohort>> {
    query_as("SELECT id, name, program, starts, zone, created, archived FROM cohorts WHERE id = $1").bind(id).fetch_optional(conn).await
}

/// One enrolment, whatever its status.
pub async fn enrolment(conn: &mut Conn, id: &EnrolmentId) -> Result<Option<Enrolment>> {
    query_as(
        "SELECT e.id, e.cohort, c.name AS cohort_name, c.program, c.starts, c.zone, e.person, e.status, e.factor, c.archived
         FROM enrolments e JOIN cohorts c ON c.id = e.cohort WHERE e.id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Whose enrolment it is.
pub async fn person_of(conn: &mut Conn, id: &EnrolmentId) -> Result<PersonId> {
    query_scalar("SELECT person FROM enrolments WHERE id = $1").bind(id).fetch_one(conn).await
}

/// The instructors of an enrolment's cohort; where there are none, the admins.
pub async fn staff_of(conn: &mut Conn, id: &EnrolmentId) -> Result<Vec<PersonId>> {
    let instructors: Vec<PersonId> =
        query_scalar("SELECT i.person FROM instructors i JOIN enrolments e ON e.cohort = i.cohort WHERE e.id = $1 ORDER BY i.person")
            .bind(id)
            .fetch_all(&mut *conn)
            .await?;
    if instructors.is_empty() {
        query_scalar("SELECT id FROM people WHERE admin IS NOT NULL AND disabled IS NULL ORDER BY id").fetch_all(conn).await
    } else {
        Ok(instructors)
    }
}

/// The moved due times of one enrolment by lab: a person's own goes before a group's, of several groups' the latest counts.
pub async fn moved_dues(conn: &mut Conn, id: &EnrolmentId) -> Result<HashMap<LabId, Timestamp>> {
    let rows: Vec<(LabId, Timestamp, i64)> = query_as(
        "SELECT x.lab, x.due, CAST(CASE WHEN x.enrolment IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM extensions x
         WHERE x.enrolment = $1 OR x.student_group IN (SELECT m.student_group FROM group_members m WHERE m.enrolment = $1)",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    let mut moved: HashMap<LabId, (i64, Timestamp)> = HashMap::new();
    for (lab, due, own) in rows {
        let entry = moved.entry(lab).or_insert((own, due));
        *entry = (*entry).max((own, due));
    }
    Ok(moved.into_iter().map(|(lab, (_, due))| (lab, due)).collect())
}

/// When a lab is due for one enrolment: moved for them or their group, else by the program's timeline.
pub async fn due(conn: &mut Conn, enrolment: &Enrolment, lab: &Lab, timeline: &Timeline) -> Result<Timestamp> {
    let moved = moved_dues(conn, &enrolment.id).await?;
    Ok(moved.get(&lab.id).copied().unwrap_or_else(|| calendar::due(timeline, &enrolment.starts, &enrolment.zone, lab.week)))
}
