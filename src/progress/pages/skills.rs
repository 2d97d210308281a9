//! Skills with their evidence, against a target role.
use super::load;
use crate::app::App;
use crate::curriculum::TargetRole;
use crate::error::Answer;
use crate::progress::Eyes;
use crate::progress::skills::{LEVELS, Skill, skills};
use crate::web::visitor::Enrolled;
use crate::web::{self, Query, Site, filters};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Asked {
    role: Option<String>,
}

#[derive(Template)]
#[template(path = "progress/skills.html")]
struct Show {
    site: Site,
    skills: Vec<Skill>,
    roles: Vec<TargetRole>,
    role: Option<TargetRole>,
    zone: String,
}

impl Show {
    /// How many of the role's skills are at the level it asks for.
    fn ready(&self) -> (usize, usize) {
        let asked = self.skills.iter().filter(|s| s.wanted > 0);
        asked.fold((0, 0), |(good, all), s| (good + usize::from(s.level >= s.wanted), all + 1))
    }

    fn is_chosen(&self, role: &TargetRole) -> bool {
        self.role.as_ref().is_some_and(|r| r.id == role.id)
    }

    #[allow(clippy::unused_self, reason = "templates call it as self.level(…)")]
    fn level(&self, level: &u32) -> &'static str {
        LEVELS.get(*level as usize).copied().unwrap_or("")
    }
}

/// GET /skills
pub async fn show(State(app): State<App>, Enrolled(enrolment): Enrolled, site: Site, Query(asked): Query<Asked>) -> Answer {
    let mut conn = app.db.read().await?;
    let loaded = load(&app, &mut conn, &enrolment).await?;
    drop(conn);
    let book = loaded.book(Eyes::Student);
    let roles = loaded.program.roles.clone();
    let role = asked.role.and_then(|id| roles.iter().find(|r| r.id == id)).or(roles.first()).cloned();
    let skills = skills(&book, &loaded.guided, |id| role.as_ref().and_then(|r| r.levels.get(id)).copied().unwrap_or(0));
    web::page(&Show { site, skills, roles, role, zone: enrolment.zone })
}
