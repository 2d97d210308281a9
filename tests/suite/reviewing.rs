//! Reviews: a rubric is marked whole, its points reach the student, and nobody overwrites another's verdict unseen.
use crate::handing_in::{files_of, uploads};
use crate::people::{Person, Portal};
use groundcrew::cohorts::CohortId;

on_both!(
    a_rubric_is_marked_and_its_points_reach_the_student,
    two_instructors_never_overwrite_each_other_unseen,
    a_remark_is_taken_back_by_its_writer
);

const LAB: &str = "runbook-lost-gpu";

/// Ada's runbook, graded and waiting for its review; what it is called, and who can read it.
async fn waiting(portal: &Portal) -> (CohortId, String, Person, Person) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let ivy = portal.instructor("Ivy Okafor", "ivy@example.org", &cohort).await;
    uploads(&mut ada, LAB, &files_of(&format!("{LAB}/solution"))).await;
    portal.grades().await;
    let id = ada.page.url.rsplit('/').next().unwrap().to_owned();
    (cohort, id, ada, ivy)
}

/// The rubric's fields with a number each, as the page names them.
fn marks(person: &Person, points: &str) -> Vec<(String, String)> {
    let fields = person.page.forms.iter().flat_map(|f| &f.fields).filter(|f| f.name.starts_with("mark."));
    let fields: Vec<_> = fields.map(|f| (f.name.clone(), points.to_owned())).collect();
    assert!(fields.len() > 1, "a rubric of {} criteria", fields.len());
    fields
}

async fn decides(person: &mut Person, id: &str, fields: &[(&str, &str)], marks: &[(String, String)]) -> crate::people::Reply {
    let all: Vec<(&str, &str)> = fields.iter().copied().chain(marks.iter().map(|(k, v)| (k.as_str(), v.as_str()))).collect();
    person.posts(&format!("/review/{id}"), &all).await
}

async fn a_rubric_is_marked_and_its_points_reach_the_student(portal: Portal) {
    let (_, id, mut ada, mut ivy) = waiting(&portal).await;
    let url = format!("/submissions/{id}");
    let before = ada.gets(&format!("{url}/report.json")).await.json();
    let (score, open) = (before["score"].as_i64().unwrap(), before["open"].as_i64().unwrap());
    assert!(open > 0, "{before}");
    ivy.opens("/review").await.follows("Ada Moreno").await.is_answered(200);
    let all = marks(&ivy, "2");
    let some = decides(&mut ivy, &id, &[("verdict", "accept"), ("version", "1")], &all[..1]).await;
    assert_eq!(some.status, 422);
    assert!(some.text().contains("Mark the whole rubric or nothing of it") && some.text().contains("value=\"2\""), "{}", some.text());
    assert_eq!(decides(&mut ivy, &id, &[("verdict", "accept"), ("version", "1"), ("comment", "Good.")], &all).await.status, 303);
    let given = 2 * i64::try_from(all.len()).unwrap();
    let after = ada.gets(&format!("{url}/report.json")).await.json();
    assert_eq!((after["score"].as_i64(), after["open"].as_i64()), (Some(score + given), Some(0)), "{after}");
    ada.opens(&url).await.sees("Accepted").sees(&format!("An instructor gave {given} of")).does_not_see("an instructor gives these points");
    ada.opens(&format!("/labs/{LAB}")).await.sees(&format!("#1, {} of 100 Tue", score + given)).does_not_see("skipped");
}

async fn two_instructors_never_overwrite_each_other_unseen(portal: Portal) {
    let (cohort, id, mut ada, mut ivy) = waiting(&portal).await;
    let mut ben = portal.instructor("Ben Adeyemi", "ben@example.org", &cohort).await;
    for reader in [&mut ivy, &mut ben] {
        reader.opens(&format!("/review/{id}")).await.is_answered(200);
    }
    let (hers, his) = (marks(&ivy, "3"), marks(&ben, "1"));
    let first = [("verdict", "accept"), ("version", "1"), ("comment", "I would merge this."), ("defended", "yes")];
    assert_eq!(decides(&mut ivy, &id, &first, &hers).await.status, 303);
    let second = decides(&mut ben, &id, &[("verdict", "return"), ("version", "1"), ("comment", "Say who is paged.")], &his).await;
    assert_eq!(second.status, 422);
    for words in ["Somebody else finished this review", "I would merge this.", "defended", "Say who is paged.", "Ivy Okafor", "<dd>3 of"] {
        assert!(second.text().contains(words), "{words:?} is missing: {}", second.text());
    }
    ada.opens(&format!("/submissions/{id}")).await.sees("Accepted").sees("I would merge this.");
    // Having seen it, he may replace it, marks and all.
    assert_eq!(decides(&mut ben, &id, &[("verdict", "return"), ("version", "2"), ("comment", "Say who is paged.")], &[]).await.status, 303);
    ada.opens(&format!("/submissions/{id}")).await.sees("Returned").sees("Say who is paged.").sees("an instructor gives these points");
    // Said better, it is still the same return: what answered it meanwhile keeps its credit.
    let sent_back = sqlx::query_scalar::<_, i64>("SELECT returned FROM reviews");
    let first = sent_back.fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap();
    portal.wait(std::time::Duration::from_secs(86_400));
    assert_eq!(decides(&mut ben, &id, &[("verdict", "return"), ("version", "3"), ("comment", "Say who is paged, and when.")], &[]).await.status, 303);
    let sent_back = sqlx::query_scalar::<_, i64>("SELECT returned FROM reviews");
    assert_eq!(sent_back.fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap(), first);
}

async fn a_remark_is_taken_back_by_its_writer(portal: Portal) {
    let (cohort, id, mut ada, mut ivy) = waiting(&portal).await;
    let mut ben = portal.instructor("Ben Adeyemi", "ben@example.org", &cohort).await;
    let file = files_of(&format!("{LAB}/solution"))[0].0.clone();
    for (line, words, why) in
        [("99999", "Which shift?", "has lines 1 to"), ("one", "Which shift?", "has lines 1 to"), ("1", &"я".repeat(4001), "this one has 4001")]
    {
        let slip = ivy.posts(&format!("/review/{id}/comments"), &[("file", &file), ("line", line), ("words", words)]).await;
        assert_eq!(slip.status, 422);
        assert!(slip.text().contains(why) && slip.text().contains(words), "{line}: the remark is lost");
    }
    let longest = "я".repeat(4000);
    assert_eq!(ivy.posts(&format!("/review/{id}/comments"), &[("file", &file), ("line", "2"), ("words", &longest)]).await.status, 303);
    let said = ivy.posts(&format!("/review/{id}/comments"), &[("file", &file), ("line", "1"), ("words", "Which shift?")]).await;
    assert_eq!(said.status, 303, "{}", said.text());
    let remark = sqlx::query_scalar::<_, String>("SELECT id FROM review_comments WHERE words = 'Which shift?'");
    let remark = remark.fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap();
    let withdraw = format!("/review/{id}/comments/{remark}/withdraw");
    assert_eq!(ben.posts(&withdraw, &[]).await.status, 422, "it is not his");
    ada.opens(&format!("/submissions/{id}")).await.is_answered(200);
    assert_eq!(ivy.posts(&withdraw, &[]).await.status, 303);
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/audit").await.sees("review.comment_withdrawn");
}
