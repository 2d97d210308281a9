//! The first page: a student's what-to-do-next; staff and admins are led to theirs; a visitor sees what this is.
use super::load;
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Answer;
use crate::progress::next::{self, Kind, Todo};
use crate::progress::skills::{Skill, skills};
use crate::progress::{Eyes, WeekState};
use crate::web::{self, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

/// A line of the latest reports.
struct Latest {
    title: String,
    url: String,
    number: i64,
    received: Timestamp,
    /// None while it waits.
    score: Option<(i64, i64)>,
    tone: &'static str,
    word: &'static str,
}

#[derive(Template)]
#[template(path = "progress/home.html")]
struct Home {
    site: Site,
    first_name: String,
    greeting: &'static str,
    zone: String,
    week: i64,
    length: u32,
    todos: Vec<Todo>,
    weeks: Vec<WeekState>,
    share: i64,
    due_share: Option<i64>,
    latest: Vec<Latest>,
    skills: Vec<Skill>,
    role: Option<String>,
}

/// GET /
pub async fn show(State(app): State<App>, visitor: Option<Visitor>, site: Site) -> Answer {
    let Some(visitor) = visitor else { return web::see("/syllabus") };
    let Some(enrolment) = visitor.enrolment() else {
        return web::see(if visitor.person.is_admin() {
            "/admin"
        } else if visitor.is_staff() {
            "/review"
        } else {
            "/account"
        });
    };
    let mut conn = app.db.read().await?;
    let loaded = load(&app, &mut conn, enrolment).await?;
    drop(conn);
    let book = loaded.book(Eyes::Student);
    let role = loaded.program.roles.first();
    let (share, due_share) = book.shares();
    let latest = book.latest(5).into_iter().map(|(standing, attempt)| {
        let score = attempt.points().map(|p| (p, i64::from(standing.lab.points)));
        let (_, tone) = attempt.came(standing.lab);
        let word = match (attempt.outcome, attempt.review) {
            (None, _) => "waiting",
            (_, Some(crate::reviews::State::Accepted)) => "accepted",
            (_, Some(crate::reviews::State::Returned)) => "returned",
            (Some(crate::gradings::Came::Graded), _) => "graded",
            (Some(crate::gradings::Came::NotGradable), _) => "not gradable",
            (Some(crate::gradings::Came::Broken), _) => "our grader failed",
        };
        Latest { title: standing.lab.title.clone(), url: attempt.url(), number: attempt.number, received: attempt.received, score, tone, word }
    });
    let page = Home {
        first_name: visitor.person.name.split_whitespace().next().unwrap_or("").to_owned(),
        greeting: greeting(site.now, &visitor.person.zone),
        zone: enrolment.zone.clone(),
        week: book.week,
        length: loaded.program.length(),
        todos: next::next(&book, 6),
        weeks: book.weeks(),
        share,
        due_share,
        latest: latest.collect(),
        skills: skills(&book, &loaded.guided, |id| role.and_then(|r| r.levels.get(id)).copied().unwrap_or(0)),
        role: role.map(|r| r.title.clone()),
        site,
    };
    web::page(&page)
}

fn greeting(now: Timestamp, zone: &str) -> &'static str {
    match now.instant().in_tz(zone).map_or(12, |local| local.hour()) {
        5..12 => "Good morning",
        12..18 => "Good afternoon",
        _ => "Good evening",
    }
}

impl Home {
    fn lead(&self) -> String {
        let back = self.todos.iter().filter(|t| t.kind == Kind::Returned).count();
        let due = self.todos.iter().filter(|t| t.kind == Kind::Lab).count();
        let week = if self.week < 1 {
            "The program has not begun yet.".to_owned()
        } else if self.week > i64::from(self.length) {
            "The program is over; everything stays readable.".to_owned()
        } else {
            format!("Week {} of {}.", self.week, self.length)
        };
        let due = match due {
            0 => String::new(),
            1 => " One lab is due this week.".to_owned(),
            n => format!(" {n} labs are due this week."),
        };
        let back = match back {
            0 => "",
            1 => " One came back to you.",
            _ => " Some came back to you.",
        };
        format!("{week}{due}{back}")
    }
}
