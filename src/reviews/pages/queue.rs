//! What waits for a review: in an order that is stable and says nothing about who handed in.
use crate::app::App;
use crate::db::values::Timestamp;
use crate::error::Answer;
use crate::reviews::store::{self, Part, Queued};
use crate::web::{self, Query, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Debug, Deserialize)]
pub struct Asked {
    show: Option<String>,
}

struct Line {
    queued: Queued,
    lab: String,
}

#[derive(Template)]
#[template(path = "reviews/queue.html")]
struct List {
    site: Site,
    lines: Vec<Line>,
    part: Part,
    counts: (i64, i64, i64, i64),
    me: String,
}

impl List {
    /// Who holds a line's review, and for how many minutes more.
    fn claim(&self, queued: &Queued) -> Option<(String, i64)> {
        let until = queued.claimed_until.filter(|until| *until > self.site.now)?;
        let name = queued.claimed_name.clone()?;
        let name = if queued.claimed_by.as_ref().is_some_and(|p| p.as_str() == self.me) { "you".to_owned() } else { name };
        Some((name, until.since(self.site.now) / 60_000 + 1))
    }

    fn tone(&self, due: &Timestamp) -> &'static str {
        match due.since(self.site.now) {
            ..0 => "stop",
            0..86_400_000 => "hold",
            _ => "",
        }
    }

    fn overdue(&self) -> usize {
        self.lines.iter().filter(|l| l.queued.due < self.site.now).count()
    }
}

/// GET /review
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site, Query(asked): Query<Asked>) -> Answer {
    let part = match asked.show.as_deref() {
        Some("mine") => Part::Mine,
        Some("returned") => Part::Returned,
        Some("accepted") => Part::Accepted,
        _ => Part::Waiting,
    };
    let (admin, me) = (visitor.person.is_admin(), &visitor.person.id);
    let mut conn = app.db.read().await?;
    let counts = store::counts(&mut conn, admin, me, site.now).await?;
    let mut titles: HashMap<(String, String), String> = HashMap::new();
    let mut lines = Vec::new();
    for queued in store::queue(&mut conn, part, admin, me, site.now).await? {
        let key = (queued.program.clone(), queued.lab.to_string());
        if !titles.contains_key(&key) {
            let program = app.programs.get(&mut conn, &queued.program).await?;
            titles.insert(key.clone(), program.lab(&queued.lab).map_or_else(|| queued.lab.to_string(), |lab| lab.title.clone()));
        }
        lines.push(Line { lab: titles.get(&key).cloned().unwrap_or_default(), queued });
    }
    web::page(&List { me: me.to_string(), site, lines, part, counts })
}
