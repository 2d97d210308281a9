//! What anybody may know of the program before they take part in it.
use crate::app::App;
use crate::curriculum::{Lab, Program, Week};
use crate::error::{Answer, Error};
use crate::web::{self, Site, filters};
use askama::Template;
use axum::extract::State;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "curriculum/syllabus.html")]
struct Show {
    site: Site,
    program: Arc<Program>,
}

impl Show {
    fn labs<'a>(&'a self, week: &'a Week) -> Vec<&'a Lab> {
        self.program.labs_of(week).collect()
    }

    /// Hours of work in a week, halves included: `6½`.
    fn hours(&self, week: &Week) -> String {
        let minutes = week.minutes + self.program.labs_of(week).map(|lab| lab.minutes).sum::<u32>();
        let halves = (minutes + 15) / 30;
        format!("{}{}", halves / 2, if halves % 2 == 1 { "½" } else { "" })
    }

    fn skill(&self, id: &str) -> String {
        self.program.skill(id).map_or_else(|| id.to_owned(), |skill| skill.title.clone())
    }

    /// How many labs prove a skill, and the highest level among them.
    fn proved(&self, id: &str) -> (usize, u32) {
        let levels: Vec<u32> = self.program.labs().filter_map(|lab| lab.skills.get(id)).copied().collect();
        (levels.len(), levels.iter().max().copied().unwrap_or(0))
    }

    fn count_labs(&self) -> usize {
        self.program.labs().filter(|lab| !lab.is_quiz).count()
    }
}

/// GET /syllabus
pub async fn show(State(app): State<App>, site: Site) -> Answer {
    let program = app.programs.current().ok_or(Error::NotFound)?;
    web::page(&Show { site, program })
}
