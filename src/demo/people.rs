//! The demo's cast: three sign-ins, a second instructor, 23 more students, one cohort.
use super::{ADMIN, INSTRUCTOR, PASSWORD, STUDENT};
use crate::accounts::{NewPerson, PersonId, passwords, store as accounts};
use crate::app::App;
use crate::cohorts::{CohortId, Enrolment, store as cohorts};
use crate::curriculum::Program;
use crate::db::Conn;
use crate::db::values::Timestamp;
use anyhow::{Context as _, Result};
use jiff::ToSpan as _;
use std::sync::Arc;

/// Everybody and what they share.
pub struct Cast {
    /// The moment the story is told at.
    pub now: Timestamp,
    pub program: Arc<Program>,
    pub instructor: PersonId,
    pub second: PersonId,
    /// In the order of the list below; the first signs in as the student.
    pub students: Vec<Student>,
}

/// A student with the habits their history is made from.
pub struct Student {
    pub enrolment: Enrolment,
    pub name: &'static str,
    /// Percent of good work: how often a hand-in is the solution.
    pub care: u64,
    /// Percent of labs handed in at all.
    pub diligence: u64,
}

const ZONE: &str = "Europe/Berlin";
/// The week the demo is in, whatever today is.
const WEEK: i64 = 9;

/// The student one signs in as.
pub const FIRST: &str = "Ada Moreno";

/// Name, care, diligence.
const STUDENTS: [(&str, u64, u64); 24] = [
    (FIRST, 68, 92),
    ("Ben Okafor", 82, 98),
    ("Chiara Rossi", 90, 100),
    ("Daniel Weber", 55, 85),
    ("Elif Yıldız", 75, 95),
    ("Farid Haddad", 45, 60),
    ("Grace Kim", 95, 100),
    ("Hugo Lindqvist", 60, 90),
    ("Ines Carvalho", 72, 94),
    ("Jonas Meyer", 50, 72),
    ("Kavya Raman", 88, 100),
    ("Liam O'Brien", 66, 88),
    ("Mei Tanaka", 92, 98),
    ("Nadia Petrova", 78, 96),
    ("Omar Farouk", 62, 82),
    ("Priya Nair", 84, 98),
    ("Quentin Dubois", 40, 40),
    ("Rosa Jiménez", 76, 94),
    ("Samuel Adeyemi", 70, 90),
    ("Tove Hansen", 86, 97),
    ("Umut Kaya", 58, 78),
    ("Vera Novák", 80, 96),
    ("Wei Zhang", 94, 100),
    ("Yusuf Demir", 64, 86),
];

/// Makes the people, the cohort and the enrolments in one write.
pub async fn cast(app: &App) -> Result<Cast> {
    let now = app.clock.now();
    let program = app.programs.current().context("there is no program to show: build with the feature `program`, or give --labs DIR")?;
    // One hash serves all three: whoever sees one of them has the password anyway, it is printed.
    let hash = passwords::hash(PASSWORD).await.map_err(|e| anyhow::anyhow!("the demo's password can't be hashed: {e:?}"))?;
    let joined = now.minus(std::time::Duration::from_secs(63 * 86_400));
    let mut write = app.db.write("installation").await?;
    person(&mut write, ADMIN, "Noor Haddad", Some(&hash), true, joined).await?;
    let instructor = person(&mut write, INSTRUCTOR, "Ines Fuchs", Some(&hash), false, joined).await?;
    let second = person(&mut write, "marek@demo.test", "Marek Lis", None, false, joined).await?;
    let cohort = cohorts::open(
        &mut write,
        &crate::cohorts::NewCohort { name: "Cohort Amber", program: &program.hash, starts: &starts(now)?, zone: ZONE },
        joined,
    )
    .await?;
    cohorts::add_instructor(&mut write, &cohort, &instructor, joined).await?;
    cohorts::add_instructor(&mut write, &cohort, &second, joined).await?;
    let mut students = Vec::new();
    for (index, (name, care, diligence)) in STUDENTS.into_iter().enumerate() {
        let email = if index == 0 { STUDENT.to_owned() } else { format!("student{}@demo.test", index + 1) };
        let id = person(&mut write, &email, name, (index == 0).then_some(hash.as_str()), false, joined).await?;
        students.push(Student { enrolment: enrol(&mut write, &cohort, &id, joined).await?, name, care, diligence });
    }
    write.commit().await?;
    Ok(Cast { now, program, instructor, second, students })
}

async fn person(conn: &mut Conn, email: &str, name: &str, password: Option<&str>, admin: bool, now: Timestamp) -> Result<PersonId> {
    let email = email.parse()?;
    Ok(accounts::create(conn, &NewPerson { email: &email, name, password, zone: ZONE, admin }, now).await?)
}

async fn enrol(conn: &mut Conn, cohort: &CohortId, person: &PersonId, now: Timestamp) -> Result<Enrolment> {
    cohorts::enrol(conn, cohort, person, now).await?;
    cohorts::enrolments_of(conn, person).await?.into_iter().next().context("an enrolment just made is not there")
}

/// The Monday of week 1, so that today is in week 9.
fn starts(now: Timestamp) -> Result<String> {
    let today = now.instant().in_tz(ZONE)?.date();
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days())?;
    Ok(monday.checked_sub(((WEEK - 1) * 7).days())?.to_string())
}
