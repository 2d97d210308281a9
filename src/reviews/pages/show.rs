//! One review: the files with remarks, what changed since the hand-in before, the findings, the verdict's form.
use crate::accounts;
use crate::app::App;
use crate::curriculum::Lab;
use crate::db::Conn;
use crate::engine::check::{Criterion, Kind};
use crate::engine::report::{Finding, Outcome, Report};
use crate::error::{Answer, Error, Result};
use crate::gradings::{self, pages::Seen};
use crate::reviews::State as Stands;
use crate::reviews::changes::{self, Line};
use crate::reviews::store::{self, Part};
use crate::reviews::{self, Comment, Mark, Review};
use crate::submissions::{self, SubmissionId};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;
use std::collections::HashMap;

/// A file with the lines that changed and the remarks under them.
pub struct Marked {
    pub path: String,
    pub lines: Vec<Line>,
    pub is_new: bool,
    pub remarks: Vec<Comment>,
    pub typed: TypedRemark,
}

/// A remark that can't be kept as it was typed, given back beside its file.
#[derive(Debug, Clone, Default)]
pub struct TypedRemark {
    pub line: String,
    pub words: String,
    pub problem: Option<String>,
}

impl Marked {
    pub fn remarks_on(&self, line: &Line) -> Vec<&Comment> {
        self.remarks.iter().filter(|c| line.number.and_then(|n| i64::try_from(n).ok()) == Some(c.line)).collect()
    }
}

/// A rubric's criterion.
pub struct Row {
    pub check: String,
    pub criterion: Criterion,
    /// The points it was given.
    pub stands: Option<i64>,
    /// What its field holds.
    pub given: String,
}

/// What was typed into the form, kept when it is given back.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub comment: String,
    pub score: String,
    pub reason: String,
    pub defended: bool,
}

#[derive(Template)]
#[template(path = "reviews/show.html")]
pub struct Show {
    pub site: Site,
    pub seen: Seen,
    pub lab: Lab,
    pub student: String,
    pub review: Review,
    pub report: Option<Report>,
    pub files: Vec<Marked>,
    pub previous: Option<i64>,
    pub rubric: Vec<Row>,
    pub typed: Typed,
    /// What is wrong with the form.
    pub problem: Option<String>,
    pub holder: Option<(String, bool)>,
    pub next: Option<SubmissionId>,
    pub before: Option<SubmissionId>,
}

impl Show {
    fn failed(&self) -> Vec<&Finding> {
        self.report.iter().flat_map(|r| &r.findings).filter(|f| f.outcome != Outcome::Passed).collect()
    }

    fn passed(&self) -> usize {
        self.report.iter().flat_map(|r| &r.findings).filter(|f| f.outcome == Outcome::Passed).count()
    }

    fn changed(&self) -> usize {
        self.files.iter().flat_map(|f| &f.lines).filter(|l| l.change != changes::Change::Same).count()
    }

    /// The criteria that were marked: they stand in the verdict's card, whatever is typed below.
    fn marked(&self) -> Vec<(&Criterion, i64)> {
        self.rubric.iter().filter_map(|row| Some((&row.criterion, row.stands?))).collect()
    }
}

/// GET /review/{submission}
pub async fn show(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<SubmissionId>) -> Answer {
    let page = load(&app, &visitor, site, &id).await?;
    web::page(&page)
}

/// A review for whoever may give it: staff of its cohort.
pub async fn of(app: &App, conn: &mut Conn, visitor: &Visitor, id: &SubmissionId) -> Result<(Seen, Review)> {
    let seen = gradings::pages::see(app, conn, visitor, id).await?;
    if !seen.staff {
        return Err(Error::NotFound);
    }
    let review = store::of_submission(conn, id).await?.ok_or(Error::NotFound)?;
    Ok((seen, review))
}

/// Everything the page shows, with the form as it stands in the database.
pub async fn load(app: &App, visitor: &Visitor, site: Site, id: &SubmissionId) -> Result<Show> {
    let mut conn = app.db.read().await?;
    let (seen, review) = of(app, &mut conn, visitor, id).await?;
    let lab = seen.lab()?.clone();
    let student = accounts::store::by_id(&mut conn, &seen.enrolment.person).await?.ok_or(Error::NotFound)?.name;
    let marks = store::marks_of(&mut conn, id).await?;
    let report = gradings::store::current(&mut conn, id).await?.map(|g| reviews::with_marks(g.report.0, &lab, seen.program.pass, &marks));
    let comments = store::comments(&mut conn, &review.id).await?;
    let others = submissions::store::of_lab(&mut conn, &seen.enrolment.id, &lab.id).await?;
    let earlier = others.into_iter().find(|s| s.number < seen.submission.number);
    let files = submissions::store::files(&mut conn, id).await?;
    let old: HashMap<String, String> = match &earlier {
        Some(earlier) => {
            submissions::store::files(&mut conn, &earlier.id).await?.into_iter().map(|f| (f.path.clone(), f.text().into_owned())).collect()
        }
        None => HashMap::new(),
    };
    let marked = files.iter().map(|file| {
        let text = file.text();
        let before = old.get(&file.path);
        // A first hand-in is read as a whole: nothing of it is a change.
        let lines = changes::between(before.map_or(if earlier.is_some() { "" } else { &text }, String::as_str), &text);
        let remarks = comments.iter().filter(|c| c.file == file.path).cloned().collect();
        Marked { path: file.path.clone(), lines, is_new: earlier.is_some() && before.is_none(), remarks, typed: TypedRemark::default() }
    });
    let rubric = lab.checks.iter().flat_map(|check| match &check.kind {
        Kind::Rubric { criteria } => criteria.iter().map(|c| row(&check.id, c, &marks)).collect(),
        _ => Vec::new(),
    });
    let holder = match review.holder(site.now) {
        Some(person) => accounts::store::by_id(&mut conn, person).await?.map(|p| (p.name, p.id == visitor.person.id)),
        None => None,
    };
    let queue = store::queue(&mut conn, Part::Waiting, visitor.person.is_admin(), &visitor.person.id, site.now).await?;
    let at = queue.iter().position(|q| q.submission == *id);
    let neighbour = |index: Option<usize>| index.and_then(|i| queue.get(i)).map(|q| q.submission.clone()).filter(|s| s != id);
    let typed = Typed {
        comment: review.comment.clone(),
        score: review.override_score.map(|s| s.to_string()).unwrap_or_default(),
        reason: review.override_reason.clone().unwrap_or_default(),
        defended: review.defended.is_some(),
    };
    Ok(Show {
        previous: earlier.as_ref().map(|s| s.number),
        next: neighbour(at.map_or(Some(0), |i| i.checked_add(1))),
        before: neighbour(at.and_then(|i| i.checked_sub(1))),
        files: marked.collect(),
        rubric: rubric.collect(),
        problem: None,
        site,
        seen,
        lab,
        student,
        review,
        report,
        typed,
        holder,
    })
}

fn row(check: &str, criterion: &Criterion, marks: &[Mark]) -> Row {
    let stands = marks.iter().find(|m| m.check_id == check && m.criterion == criterion.id).map(|m| m.points);
    Row { check: check.to_owned(), criterion: criterion.clone(), stands, given: stands.map(|p| p.to_string()).unwrap_or_default() }
}
