//! What an instructor does to a review: claim, remark, mark, return or accept. Nobody overwrites another unseen.
use super::show::{self, Typed};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::curriculum::Lab;
use crate::engine::check::Kind;
use crate::error::{Answer, Error};
use crate::notices;
use crate::reviews::store::{self, Verdict};
use crate::reviews::{CLAIM, CommentId, Mark, State as Decision};
use crate::submissions::SubmissionId;
use crate::web::{self, Form, Path, Site, Visitor};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeMap;

/// POST /review/{submission}/claim
pub async fn claim(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let (_, review) = show::of(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
    let now = app.clock.now();
    let mut write = app.db.write(review.guard()).await?;
    let held = store::claim(&mut write, &review.id, &visitor.person.id, now.plus(CLAIM), now).await?;
    write.commit().await?;
    let words = if held { "It is yours for 30 minutes." } else { "Somebody else holds it now; what you read may change." };
    web::see_saying(format!("/review/{id}"), words)
}

/// POST /review/{submission}/release
pub async fn release(State(app): State<App>, visitor: Visitor, Path(id): Path<SubmissionId>) -> Answer {
    let mut conn = app.db.read().await?;
    let (_, review) = show::of(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
    let mut write = app.db.write(review.guard()).await?;
    store::release(&mut write, &review.id, &visitor.person.id).await?;
    write.commit().await?;
    web::see("/review")
}

#[derive(Debug, Deserialize)]
pub struct Remark {
    file: String,
    #[serde(default)]
    line: String,
    #[serde(default)]
    words: String,
}

const LONGEST_REMARK: usize = 4_000;
const LONGEST_COMMENT: usize = 20_000;

impl Remark {
    /// The line and the words, or what is wrong with them.
    fn read(&self, lines: usize) -> Result<(i64, &str), String> {
        let words = self.words.trim();
        let line = self.line.trim().parse().ok().filter(|line| (1..=lines).contains(line));
        let line = line.and_then(|line| i64::try_from(line).ok()).ok_or_else(|| format!("{} has lines 1 to {lines}.", self.file))?;
        match words.chars().count() {
            0 => Err("Write what you want to say about the line.".to_owned()),
            n if n > LONGEST_REMARK => Err(format!("A remark has at most {LONGEST_REMARK} characters; this one has {n}.")),
            _ => Ok((line, words)),
        }
    }
}

/// POST /review/{submission}/comments
pub async fn comment(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<SubmissionId>, Form(remark): Form<Remark>) -> Answer {
    let mut conn = app.db.read().await?;
    let (seen, review) = show::of(&app, &mut conn, &visitor, &id).await?;
    let file = crate::submissions::store::file(&mut conn, &id, &remark.file).await?.ok_or(Error::NotFound)?;
    drop(conn);
    let (line, words) = match remark.read(file.text().lines().count().max(1)) {
        Ok(read) => read,
        Err(problem) => {
            let mut page = show::load(&app, &visitor, site, &id).await?;
            if let Some(file) = page.files.iter_mut().find(|f| f.path == remark.file) {
                file.typed = show::TypedRemark { line: remark.line, words: remark.words, problem: Some(problem) };
            }
            return web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let now = app.clock.now();
    let mut write = app.db.write(review.guard()).await?;
    store::claim(&mut write, &review.id, &visitor.person.id, now.plus(CLAIM), now).await?;
    store::comment(&mut write, &review.id, &remark.file, line, words, &visitor.person.id, now).await?;
    let entry = Entry::new(Some(visitor.person.id.as_str()), "review.comment", id.as_str());
    audit::record(&mut write, &entry.of_cohort(seen.enrolment.cohort.as_str()), now).await?;
    write.commit().await?;
    web::see(format!("/review/{id}#{}-{}", web::form::encode(&remark.file), line))
}

/// POST /review/{submission}/comments/{comment}/withdraw
pub async fn withdraw(State(app): State<App>, visitor: Visitor, Path((id, comment)): Path<(SubmissionId, CommentId)>) -> Answer {
    let mut conn = app.db.read().await?;
    let (seen, review) = show::of(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
    let mut write = app.db.write(review.guard()).await?;
    if !store::withdraw(&mut write, &review.id, &comment, &visitor.person.id).await? {
        return Err(Error::refused("It is not there, or somebody else wrote it: only they can take it back."));
    }
    let entry = Entry::new(Some(visitor.person.id.as_str()), "review.comment_withdrawn", id.as_str());
    audit::record(&mut write, &entry.of_cohort(seen.enrolment.cohort.as_str()), app.clock.now()).await?;
    write.commit().await?;
    web::see(format!("/review/{id}"))
}

/// The verdict's form; rubric fields are `mark.CHECK.CRITERION`.
#[derive(Debug, Deserialize)]
pub struct Written {
    verdict: String,
    version: i64,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    score: String,
    #[serde(default)]
    reason: String,
    defended: Option<String>,
    #[serde(flatten)]
    marks: BTreeMap<String, String>,
}

/// POST /review/{submission}
pub async fn decide(State(app): State<App>, visitor: Visitor, site: Site, Path(id): Path<SubmissionId>, Form(written): Form<Written>) -> Answer {
    let mut conn = app.db.read().await?;
    let (seen, review) = show::of(&app, &mut conn, &visitor, &id).await?;
    drop(conn);
    let lab = seen.lab()?;
    let decided = match read(&written, lab) {
        Ok(decided) => decided,
        Err(problem) => return again(&app, &visitor, site, &id, written, problem).await,
    };
    let now = app.clock.now();
    let mut write = app.db.write(review.guard()).await?;
    let reason = written.reason.trim();
    let verdict = Verdict {
        state: decided.state,
        comment: written.comment.trim(),
        override_score: decided.score,
        override_reason: decided.score.map(|_| reason),
        defended: written.defended.is_some(),
        version: written.version,
        by: &visitor.person.id,
    };
    if !store::decide(&mut write, &review.id, &verdict, now).await? {
        drop(write);
        let problem = "Somebody else finished this review while you wrote. Their verdict stands above; yours is still in the form. Press a button again to replace theirs.";
        return again(&app, &visitor, site, &id, written, problem.to_owned()).await;
    }
    store::mark(&mut write, &review.id, &decided.marks).await?;
    let (word, action) = match decided.state {
        Decision::Accepted => ("accepted", "review.accept"),
        _ => ("returned: please hand in again", "review.return"),
    };
    notices::notify(&mut write, &seen.enrolment.person, "review", &format!("{}: {word}", lab.title), &seen.submission.url(), now).await?;
    let fields: &[&'static str] = if decided.score.is_some() { &["override_score"] } else { &[] };
    let entry = Entry::new(Some(visitor.person.id.as_str()), action, id.as_str()).of_cohort(seen.enrolment.cohort.as_str()).with(fields);
    audit::record(&mut write, &entry, now).await?;
    write.commit().await?;
    let next = show::load(&app, &visitor, site, &id).await?.next;
    web::see_saying(next.map_or_else(|| "/review".to_owned(), |next| format!("/review/{next}")), &format!("{}: {word}.", lab.title))
}

struct Decided {
    state: Decision,
    score: Option<i64>,
    marks: Vec<Mark>,
}

fn read(written: &Written, lab: &Lab) -> Result<Decided, String> {
    let state = match written.verdict.as_str() {
        "accept" => Decision::Accepted,
        "return" => Decision::Returned,
        _ => return Err("Press *Accept* or *Return*.".to_owned()),
    };
    let score = match written.score.trim() {
        "" => None,
        text => Some(
            text.parse()
                .ok()
                .filter(|s| (0..=i64::from(lab.points)).contains(s))
                .ok_or_else(|| format!("The score is a whole number from 0 to {}.", lab.points))?,
        ),
    };
    if score.is_some() && written.reason.trim().is_empty() {
        return Err("Say why: an override is signed, and its reason is shown to the student.".to_owned());
    }
    if state == Decision::Returned && written.comment.trim().is_empty() {
        return Err("Say in the comment what to change: a hand-in that comes back without words helps nobody.".to_owned());
    }
    if written.comment.chars().count() > LONGEST_COMMENT {
        return Err(format!("The comment is longer than {LONGEST_COMMENT} characters."));
    }
    Ok(Decided { state, score, marks: marks(written, lab)? })
}

/// The rubric as it was filled in: whole or not at all, so that no point of it stays open without anybody knowing.
fn marks(written: &Written, lab: &Lab) -> Result<Vec<Mark>, String> {
    let (mut marks, mut missing) = (Vec::new(), None);
    for check in &lab.checks {
        let Kind::Rubric { criteria } = &check.kind else { continue };
        for criterion in criteria {
            let text = written.marks.get(&format!("mark.{}.{}", check.id, criterion.id)).map_or("", |t| t.trim());
            if text.is_empty() {
                missing = Some(&criterion.text);
                continue;
            }
            let points = text.parse().ok().filter(|p| (0..=i64::from(criterion.points)).contains(p));
            let points = points.ok_or_else(|| format!("“{}” takes 0 to {} points.", criterion.text, criterion.points))?;
            marks.push(Mark { check_id: check.id.clone(), criterion: criterion.id.clone(), points });
        }
    }
    match missing {
        Some(text) if !marks.is_empty() => Err(format!("Mark the whole rubric or nothing of it: “{text}” has no points yet.")),
        _ => Ok(marks),
    }
}

/// The page given back with what was typed and what is wrong.
async fn again(app: &App, visitor: &Visitor, site: Site, id: &SubmissionId, written: Written, problem: String) -> Answer {
    let mut page = show::load(app, visitor, site, id).await?;
    for row in &mut page.rubric {
        if let Some(typed) = written.marks.get(&format!("mark.{}.{}", row.check, row.criterion.id)) {
            row.given.clone_from(typed);
        }
    }
    page.typed = Typed { comment: written.comment, score: written.score, reason: written.reason, defended: written.defended.is_some() };
    page.problem = Some(problem);
    web::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
