//! Weeks open on their Monday; a lab says how it is graded and takes the hand-in; staff see everything of their cohort.
use crate::people::{Person, Portal};
use axum::http::StatusCode;
use groundcrew::curriculum::{load, programs::How};

on_both!(
    a_visitor_reads_the_syllabus_and_the_rules,
    a_student_reads_the_open_weeks_and_no_other,
    a_lab_says_how_it_is_graded,
    a_quiz_is_a_form,
    start_files_come_as_a_zip,
    staff_see_the_weeks_of_their_own_cohort,
    a_stored_version_is_read_again
);

/// A cohort that began on 28 September in Berlin, so the clock's day is in week 9, with Ada in it and Ines teaching.
async fn cohort(portal: &Portal) -> (String, Person, Person) {
    let app = &portal.app;
    let program = app.programs.import(&app.db, &app.clock, load::embedded().unwrap(), How::AsFarAsItGoes).await.unwrap();
    let id = portal.begins_cohort("Amber", &program.hash, "2026-09-28", "Europe/Berlin").await;
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut ines = portal.person("Ines Fuchs", "ines@example.org").await;
    portal.enrols(&id, "ada@example.org").await;
    portal.teaches(&id, "ines@example.org").await;
    ada.signs_in().await;
    ines.signs_in().await;
    (id.to_string(), ada, ines)
}

async fn a_visitor_reads_the_syllabus_and_the_rules(portal: Portal) {
    let app = &portal.app;
    app.programs.import(&app.db, &app.clock, load::embedded().unwrap(), How::AsFarAsItGoes).await.unwrap();
    let mut visitor = portal.visitor();
    visitor.opens("/syllabus").await.sees("DevOps for the AI era").sees("Run a chat service inside a quota").sees("Terraform");
    visitor.opens("/rules").await.sees("res-mem-lim").opens("/rules/res-mem-lim").await.sees("Why it matters").sees("Fails").sees("Passes");
    visitor.opens("/rules").await.sees("sg-ssh").opens("/rules/sg-ssh").await.sees("Terraform").sees("Why it matters");
    visitor.opens("/rules/no-such-rule").await.is_answered(404);
    assert_eq!(visitor.gets("/weeks").await.status, 303);
    assert_eq!(visitor.gets("/labs/chat-in-a-quota").await.status, 303);
}

async fn a_student_reads_the_open_weeks_and_no_other(portal: Portal) {
    let (_, mut ada, _) = cohort(&portal).await;
    ada.opens("/weeks").await.sees("Kubernetes: workloads, probes, quotas").sees("opens Mon 30 Nov, 00:00 CET");
    ada.opens("/weeks/9").await.sees("A quota is arithmetic at the door").sees("due Sun 29 Nov, 23:59 CET").sees("Run a chat service inside a quota");
    assert!(ada.page.html.contains("<h2 id=\"four-controllers-one-pod\">"), "headings have ids");
    assert!(ada.page.html.contains("class=\"hl-tag\""), "code is coloured");
    ada.opens("/weeks/10")
        .await
        .sees("This week is not open yet")
        .sees("It opens Mon 30 Nov, 00:00 CET")
        .does_not_see("Network policies for a model endpoint");
    ada.opens("/labs/network-policies").await.is_answered(404);
    ada.opens("/weeks/17").await.is_answered(404);
    ada.opens("/weeks/nine").await.is_answered(404);
    portal.wait(std::time::Duration::from_secs(6 * 86_400));
    ada.opens("/weeks/10").await.sees("Network policies for a model endpoint");
    ada.opens("/labs/network-policies").await.is_answered(200);
}

async fn a_lab_says_how_it_is_graded(portal: Portal) {
    let (_, mut ada, _) = cohort(&portal).await;
    ada.opens("/labs/chat-in-a-quota").await;
    ada.sees("Check by check").sees("Every document is a valid Kubernetes 1.36 object").sees("spec.replicas in Deployment chat");
    ada.sees("1 hidden check").does_not_see("no-secrets").does_not_see("env-secret");
    ada.sees("100 % until Tue 1 Dec, 23:59 CET").sees("chat.yaml").sees("Two simulated GPUs");
    let wanted = "Set <code>spec.replicas</code> of Deployment";
    assert!(!ada.page.html.contains(wanted), "what to change is said after a hand-in, not before");
    ada.opens("/labs/no-such-lab").await.is_answered(404);
}

async fn a_quiz_is_a_form(portal: Portal) {
    let (_, mut ada, _) = cohort(&portal).await;
    ada.opens("/labs/quiz-09").await.sees("Attempt 1 of 3").sees("4 points");
    let form = ada.page.html.split("<form").find(|f| f.contains("/labs/quiz-09/submissions")).unwrap().to_owned();
    for field in [
        "name=\"answer.startup-probe\" value=\"b\"",
        "type=\"checkbox\" name=\"answer.gpu-fields\"",
        "name=\"answer.budget-arithmetic\" inputmode=\"decimal\"",
    ] {
        assert!(form.contains(field), "{field}");
    }
    assert!(!ada.page.html.contains("Until the startup probe has succeeded"), "the reason would tell the answer");
    let answers = |attempt| [("attempt", attempt), ("answer.startup-probe", "b"), ("answer.gpu-fields", "a"), ("answer.gpu-fields", "b")];
    let reply = ada.posts("/labs/quiz-09/submissions", &answers("1")).await;
    assert_eq!(reply.status, 303);
    assert!(reply.header("location").starts_with("/submissions/"));
    ada.opens("/labs/quiz-09").await.sees("#1, being graded").sees("Attempt 2 of 3");
    // Too soon: what was answered is given back.
    let again = ada.posts("/labs/quiz-09/submissions", &answers("2")).await;
    assert_eq!(again.status, 422);
    assert!(again.text().contains("Wait 60 s"), "{}", again.text());
    assert!(again.text().contains("name=\"answer.startup-probe\" value=\"b\" checked"));
    // A page that was left open asks for the attempt before: its answers are marked against nothing else.
    portal.wait(std::time::Duration::from_secs(61));
    let stale = ada.posts("/labs/quiz-09/submissions", &answers("1")).await;
    assert_eq!(stale.status, 422);
    assert!(stale.text().contains("Attempt 2 asks others") && stale.text().contains("name=\"attempt\" value=\"2\""), "{}", stale.text());
    assert!(!stale.text().contains("checked"), "answers to other questions");
    assert_eq!(ada.posts("/labs/quiz-09/submissions", &answers("2")).await.status, 303);
}

async fn start_files_come_as_a_zip(portal: Portal) {
    let (_, mut ada, mut ines) = cohort(&portal).await;
    let first = ada.gets("/labs/chat-in-a-quota/start.zip").await;
    assert_eq!((first.status, first.header("x-content-type-options")), (StatusCode::OK, "nosniff"));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(first.body.clone())).unwrap();
    assert_eq!(zip.by_index(0).unwrap().name().unwrap(), "chat-in-a-quota/chat.yaml");
    assert_eq!(ines.gets("/labs/chat-in-a-quota/start.zip").await.body, first.body, "the same files are the same bytes");
    assert_eq!(ada.gets("/labs/network-policies/start.zip").await.status, 404, "its week is not open");
    assert_eq!(ada.gets("/labs/quiz-09/start.zip").await.status, 404);
}

async fn staff_see_the_weeks_of_their_own_cohort(portal: Portal) {
    let (id, mut ada, mut ines) = cohort(&portal).await;
    ines.opens(&format!("/cohorts/{id}/weeks")).await.sees("Capstone: one working day").does_not_see("locked");
    ines.opens(&format!("/cohorts/{id}/weeks/16")).await.sees("opens for students").is_answered(200);
    ines.opens(&format!("/cohorts/{id}/labs/network-policies")).await.sees("Students hand in here").does_not_see("What the checks know");
    ines.opens(&format!("/cohorts/{id}/labs/schedule-inference")).await.sees("What the checks know").sees("two-l4.yaml").sees("p4de.24xlarge");
    ines.sees("Every pod finds a place on the nodes that are given");
    ines.opens("/labs/network-policies").await.is_answered(200);
    let others = portal.begins_cohort("Slate", &portal.app.programs.current().unwrap().hash, "2026-09-28", "UTC").await;
    ines.opens(&format!("/cohorts/{others}/weeks")).await.is_answered(404);
    ada.opens(&format!("/cohorts/{id}/weeks")).await.is_answered(403);
}

async fn a_stored_version_is_read_again(portal: Portal) {
    let app = &portal.app;
    let imported = app.programs.import(&app.db, &app.clock, load::embedded().unwrap(), How::AsFarAsItGoes).await.unwrap();
    let again = app.programs.import(&app.db, &app.clock, load::embedded().unwrap(), How::AsFarAsItGoes).await.unwrap();
    assert_eq!(imported.hash, again.hash);
    let fresh = groundcrew::curriculum::programs::Programs::default();
    let mut conn = app.db.read().await.unwrap();
    assert_eq!(groundcrew::curriculum::store::all(&mut conn).await.unwrap().len(), 1, "a version is stored once");
    let read = fresh.get(&mut conn, &imported.hash).await.unwrap();
    assert_eq!(read.hash, imported.hash);
    let hashes = |p: &groundcrew::curriculum::Program| p.labs().map(|lab| lab.hash.clone()).collect::<Vec<_>>();
    assert_eq!(hashes(&read), hashes(&imported));
    assert!(fresh.get(&mut conn, "no such hash").await.is_err());
}
