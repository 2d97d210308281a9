//! The statements by which staff see and change who is in a cohort.
use super::{Extension, ExtensionId, Instructor, Listed, Member};
use crate::accounts::PersonId;
use crate::cohorts::{CohortId, EnrolmentId, Invitation, InvitationId, Status};
use crate::curriculum::LabId;
use crate::db::Conn;
use crate::db::values::Timestamp;
use sqlx::{query, query_as, query_scalar};
use std::collections::HashMap;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The cohorts somebody teaches that aren't archived, the latest first. None is every cohort, those that run before those that were archived.
pub async fn cohorts(conn: &mut Conn, of: Option<&PersonId>, now: Timestamp) -> Result<Vec<Listed>> {
    query_as(
        "SELECT c.id, c.name, c.program, c.starts, c.zone, c.archived,
                (SELECT COUNT(*) FROM enrolments e WHERE e.cohort = c.id AND e.status = 'active') AS students,
                (SELECT COUNT(*) FROM instructors i WHERE i.cohort = c.id) AS instructors,
                (SELECT COUNT(*) FROM invitations v WHERE v.cohort = c.id AND v.used IS NULL AND v.expires > $1) AS invited
         FROM cohorts c
         WHERE $2 = '' OR (c.archived IS NULL AND EXISTS (SELECT 1 FROM instructors t WHERE t.cohort = c.id AND t.person = $2))
         ORDER BY CASE WHEN c.archived IS NULL THEN 0 ELSE 1 END, c.starts DESC, c.id",
    )
    .bind(now)
    .bind(of.map_or("", PersonId::as_str))
    .fetch_all(conn)
    .await
}

/// A cohort's students by name, whatever their status.
pub async fn members(conn: &mut Conn, cohort: &CohortId) -> Result<Vec<Member>> {
    query_as(
        "SELECT e.id, e.person, p.name, p.email, e.status, e.factor, e.created FROM enrolments e JOIN people p ON p.id = e.person
         WHERE e.cohort = $1 ORDER BY p.name_key, e.id",
    )
    .bind(cohort)
    .fetch_all(conn)
    .await
}

/// One student of a cohort.
pub async fn member(conn: &mut Conn, cohort: &CohortId, id: &EnrolmentId) -> Result<Option<Member>> {
    query_as(
        "SELECT e.id, e.person, p.name, p.email, e.status, e.factor, e.created FROM enrolments e JOIN people p ON p.id = e.person
         WHERE e.cohort = $1 AND e.id = $2",
    )
    .bind(cohort)
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// The enrolments among these ids: their students' names by id.
pub async fn names(conn: &mut Conn, ids: &[&str]) -> Result<HashMap<String, String>> {
    let list = crate::db::list(1, ids.len());
    let mut asked =
        query_as(sqlx::AssertSqlSafe(format!("SELECT e.id, p.name FROM enrolments e JOIN people p ON p.id = e.person WHERE e.id IN ({list})")));
    for id in crate::db::padded(ids) {
        asked = asked.bind(id.to_owned());
    }
    let rows: Vec<(String, String)> = asked.fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Where somebody is or was a student: the cohort's id and name, and the status.
pub async fn enrolled_in(conn: &mut Conn, person: &PersonId) -> Result<Vec<(CohortId, String, EnrolmentId, Status)>> {
    query_as(
        "SELECT c.id, c.name, e.id, e.status FROM enrolments e JOIN cohorts c ON c.id = e.cohort WHERE e.person = $1 ORDER BY c.starts DESC, e.id",
    )
    .bind(person)
    .fetch_all(conn)
    .await
}

/// Where an enrolment stands from now on; false when it is another cohort's.
pub async fn set_status(conn: &mut Conn, cohort: &CohortId, id: &EnrolmentId, status: Status, now: Timestamp) -> Result<bool> {
    let done = query("UPDATE enrolments SET status = $1, changed = $2 WHERE id = $3 AND cohort = $4")
        .bind(status)
        .bind(now)
        .bind(id)
        .bind(cohort)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Percent of the normal time for timed labs and quizzes.
pub async fn set_factor(conn: &mut Conn, id: &EnrolmentId, factor: i64, now: Timestamp) -> Result<()> {
    query("UPDATE enrolments SET factor = $1, changed = $2 WHERE id = $3").bind(factor).bind(now).bind(id).execute(conn).await?;
    Ok(())
}

/// Who teaches a cohort, by name.
pub async fn instructors(conn: &mut Conn, cohort: &CohortId) -> Result<Vec<Instructor>> {
    query_as("SELECT i.person, p.name, p.email FROM instructors i JOIN people p ON p.id = i.person WHERE i.cohort = $1 ORDER BY p.name_key, i.person")
        .bind(cohort)
        .fetch_all(conn)
        .await
}

/// Ends somebody's teaching of a cohort; false when they didn't teach it.
pub async fn remove_instructor(conn: &mut Conn, cohort: &CohortId, person: &PersonId) -> Result<bool> {
    let done = query("DELETE FROM instructors WHERE cohort = $1 AND person = $2").bind(cohort).bind(person).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// A cohort's invitations that nobody followed yet, the newest first; those past their time too.
pub async fn invitations(conn: &mut Conn, cohort: &CohortId) -> Result<Vec<Invitation>> {
    query_as(
        "SELECT i.id, i.email, i.name, i.role, i.cohort, c.name AS cohort_name, i.created, i.created_by, i.expires, i.used, i.used_by
         FROM invitations i JOIN cohorts c ON c.id = i.cohort WHERE i.cohort = $1 AND i.used IS NULL ORDER BY i.id DESC",
    )
    .bind(cohort)
    .fetch_all(conn)
    .await
}

/// Takes an invitation back; false when it was followed meanwhile or is another cohort's.
pub async fn revoke_invitation(conn: &mut Conn, cohort: &CohortId, id: &InvitationId) -> Result<bool> {
    let done = query("DELETE FROM invitations WHERE id = $1 AND cohort = $2 AND used IS NULL").bind(id).bind(cohort).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an invitation another token and a new life: the link before stops working.
pub async fn renew_invitation(conn: &mut Conn, cohort: &CohortId, id: &InvitationId, token_hash: &str, expires: Timestamp) -> Result<bool> {
    let done = query("UPDATE invitations SET token_hash = $1, expires = $2 WHERE id = $3 AND cohort = $4 AND used IS NULL")
        .bind(token_hash)
        .bind(expires)
        .bind(id)
        .bind(cohort)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The moved due times of a whole cohort, by the same rule as `moved_dues` for one: a person's own goes before a group's, of groups' the latest.
pub async fn moved_dues(conn: &mut Conn, cohort: &CohortId) -> Result<HashMap<EnrolmentId, HashMap<LabId, Timestamp>>> {
    let rows: Vec<(EnrolmentId, LabId, Timestamp, i64)> = query_as(
        "SELECT x.enrolment, x.lab, x.due, CAST(1 AS BIGINT) FROM extensions x WHERE x.cohort = $1 AND x.enrolment IS NOT NULL
         UNION ALL
         SELECT m.enrolment, x.lab, x.due, CAST(0 AS BIGINT) FROM extensions x JOIN group_members m ON m.student_group = x.student_group
         WHERE x.cohort = $1",
    )
    .bind(cohort)
    .fetch_all(conn)
    .await?;
    let mut best: HashMap<EnrolmentId, HashMap<LabId, (i64, Timestamp)>> = HashMap::new();
    for (enrolment, lab, due, own) in rows {
        let entry = best.entry(enrolment).or_default().entry(lab).or_insert((own, due));
        *entry = (*entry).max((own, due));
    }
    let plain = |labs: HashMap<LabId, (i64, Timestamp)>| labs.into_iter().map(|(lab, (_, due))| (lab, due)).collect();
    Ok(best.into_iter().map(|(enrolment, labs)| (enrolment, plain(labs))).collect())
}

/// What moves one student's due times, the newest first.
pub async fn extensions(conn: &mut Conn, id: &EnrolmentId) -> Result<Vec<Extension>> {
    query_as(
        "SELECT x.id, x.lab, x.due, x.reason, x.created, p.name AS by_name, g.name AS group_name
         FROM extensions x LEFT JOIN people p ON p.id = x.created_by LEFT JOIN student_groups g ON g.id = x.student_group
         WHERE x.enrolment = $1 OR x.student_group IN (SELECT m.student_group FROM group_members m WHERE m.enrolment = $1)
         ORDER BY x.id DESC",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// A due time as staff move it for one student.
#[derive(Debug, Clone, Copy)]
pub struct Moved<'a> {
    pub cohort: &'a CohortId,
    pub enrolment: &'a EnrolmentId,
    pub lab: &'a LabId,
    pub due: Timestamp,
    pub reason: &'a str,
    pub by: &'a PersonId,
}

/// Moves a lab's due time for one student; what was moved before for the same lab is replaced.
pub async fn extend(conn: &mut Conn, moved: &Moved<'_>, now: Timestamp) -> Result<ExtensionId> {
    query("DELETE FROM extensions WHERE enrolment = $1 AND lab = $2").bind(moved.enrolment).bind(moved.lab).execute(&mut *conn).await?;
    let id = ExtensionId::new();
    query("INSERT INTO extensions (id, cohort, enrolment, lab, due, reason, created, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(&id)
        .bind(moved.cohort)
        .bind(moved.enrolment)
        .bind(moved.lab)
        .bind(moved.due)
        .bind(moved.reason)
        .bind(now)
        .bind(moved.by)
        .execute(conn)
        .await?;
    Ok(id)
}

/// Takes a student's own extension back.
pub async fn withdraw_extension(conn: &mut Conn, enrolment: &EnrolmentId, id: &ExtensionId) -> Result<bool> {
    let done = query("DELETE FROM extensions WHERE id = $1 AND enrolment = $2").bind(id).bind(enrolment).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a cohort's name and dates.
pub async fn change(conn: &mut Conn, id: &CohortId, name: &str, starts: &str, zone: &str) -> Result<()> {
    query("UPDATE cohorts SET name = $1, starts = $2, zone = $3 WHERE id = $4").bind(name).bind(starts).bind(zone).bind(id).execute(conn).await?;
    Ok(())
}

/// Moves a cohort to another stored version of the program.
pub async fn set_program(conn: &mut Conn, id: &CohortId, program: &str) -> Result<()> {
    query("UPDATE cohorts SET program = $1 WHERE id = $2").bind(program).bind(id).execute(conn).await?;
    Ok(())
}

/// Puts a cohort away, or back among those that run.
pub async fn set_archived(conn: &mut Conn, id: &CohortId, since: Option<Timestamp>) -> Result<()> {
    query("UPDATE cohorts SET archived = $1 WHERE id = $2").bind(since).bind(id).execute(conn).await?;
    Ok(())
}

/// Whether another cohort has this name.
pub async fn is_taken(conn: &mut Conn, name: &str, except: Option<&CohortId>) -> Result<bool> {
    let n: i64 = query_scalar("SELECT COUNT(*) FROM cohorts WHERE name = $1 AND id <> $2")
        .bind(name)
        .bind(except.map_or("", CohortId::as_str))
        .fetch_one(conn)
        .await?;
    Ok(n > 0)
}
