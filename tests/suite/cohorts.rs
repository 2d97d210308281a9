//! A cohort's staff: who is invited, how everybody stands, what is changed for one student, and who may look.
use crate::people::{PASSWORD, Person, Portal};
use groundcrew::accounts::INVITATION_LIVES;
use groundcrew::audit;
use groundcrew::cohorts::CohortId;
use groundcrew::curriculum::Lab;
use groundcrew::submissions::SubmissionId;
use std::time::Duration;

on_both!(
    a_list_says_what_each_row_will_do_before_anything_happens,
    a_link_for_whoever_holds_it_makes_one_student,
    nobody_is_invited_twice_nor_where_they_are,
    an_old_invitation_is_not_renewed_beside_a_new_one,
    whoever_joins_waits_for_whoever_invites_to_the_same_cohort,
    an_instructor_makes_students_and_no_instructors,
    the_gradebooks_file_runs_nothing_in_a_spreadsheet,
    an_instructor_of_another_cohort_finds_nothing,
    an_extension_changes_the_credit_and_taking_it_back_changes_it_again,
    a_signed_score_counts_instead_of_every_hand_in,
    whoever_is_removed_sees_the_cohort_no_more_until_they_are_back,
    the_overview_names_who_is_stuck_and_why,
    the_log_says_which_student_was_changed,
);

async fn actions(portal: &Portal, cohort: &CohortId) -> Vec<String> {
    let filter = audit::Filter { cohort: Some(cohort.to_string()), ..audit::Filter::default() };
    let log = audit::store::list(&mut portal.app.db.read().await.unwrap(), &filter, 50).await.unwrap();
    log.into_iter().rev().map(|e| e.action).collect()
}

/// A lab of a past week, and one attempt at it that was graded with full points at the portal's now.
async fn handed_in(portal: &Portal, cohort: &CohortId, email: &str, week: u32) -> Lab {
    let program = portal.app.programs.current().unwrap();
    let lab = program.labs().find(|l| l.week == week && l.required && !l.is_quiz).unwrap().clone();
    let (person, now) = (portal.who(email).await.id, portal.clock.now());
    let mut write = portal.app.db.write("test").await.unwrap();
    let enrolment: String = sqlx::query_scalar("SELECT id FROM enrolments WHERE cohort = $1 AND person = $2")
        .bind(cohort)
        .bind(&person)
        .fetch_one(&mut *write)
        .await
        .unwrap();
    let id = SubmissionId::new();
    sqlx::query("INSERT INTO submissions (id, enrolment, lab, number, received, via, program, lab_hash, variant, statement) VALUES ($1, $2, $3, 1, $4, 'upload', $5, 'x', 1, '')")
        .bind(&id)
        .bind(&enrolment)
        .bind(&lab.id)
        .bind(now)
        .bind(program.hash.as_str())
        .execute(&mut *write)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO gradings (id, submission, job, lane, outcome, score, open, max, hidden_score, hidden_max, grader, lab_hash, finished, report)
         VALUES ($1, $2, $1, 'first', 'graded', $3, 0, $3, 0, 0, 'x', 'x', $4, '{}')",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(&id)
    .bind(i64::from(lab.points))
    .bind(now)
    .execute(&mut *write)
    .await
    .unwrap();
    write.commit().await.unwrap();
    lab
}

/// Opens a student's page as staff.
async fn opens_student<'a>(staff: &'a mut Person, cohort: &CohortId, name: &str) -> &'a mut Person {
    staff.opens(&format!("/cohorts/{cohort}/people")).await.follows(name).await.is_answered(200)
}

async fn a_list_says_what_each_row_will_do_before_anything_happens(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let people = format!("/cohorts/{amber}/people");
    let list = "email,name,role\nlena@example.org,Lena Hoffmann,\nmarco@@example.org,Marco\nada@example.org,Ada Moreno\nnils@example.org,\nivo@example.org,Ivo Brandt,instructor\n";
    jo.opens(&people).await.attaches("people.csv", list).presses("Look at the rows").await.is_answered(200);
    jo.sees("Nothing has happened yet")
        .sees("2 of 5 rows have a problem")
        .sees("Name is empty.")
        .sees("already enrolled")
        .sees("invite as an instructor");
    // What is wrong is corrected where it is shown, and nothing of the rest is lost.
    assert_eq!(jo.page.field("Rows").value, list);
    jo.fills("Rows", &list.replace("marco@@", "marco@")).presses("Look at the rows again").await.sees("1 of 5 rows has a problem");
    jo.opens(&people).await.attaches("people.csv", list).presses("Look at the rows").await;
    assert!(actions(&portal, &amber).await.is_empty(), "a look changes nothing");
    jo.presses("Invite 2 rows").await.is_answered(200).sees("2 invitations made").sees("lena@example.org");
    assert_eq!(actions(&portal, &amber).await, ["invitation.made", "invitation.made"]);
    let link = jo.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let mut lena = portal.visitor();
    lena.opens(&link).await.fills("Name", "Lena Hoffmann").fills("Password", PASSWORD).presses("Join").await;
    lena.opens("/weeks/1").await.is_answered(200);
    // The same list again: nobody is invited twice.
    jo.opens(&people).await.fills("Or paste rows here", list).presses("Look at the rows").await.sees("invited already").sees("Choose another list");
    jo.opens(&people).await.fills("Or paste rows here", "  ").presses("Look at the rows").await.is_answered(422).sees("The list is empty");
}

async fn a_link_for_whoever_holds_it_makes_one_student(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let people = format!("/cohorts/{amber}/people");
    ines.opens(&people).await.sees("Nobody has joined yet").fills("Email", "nobody").presses("Make the link").await.is_answered(422);
    assert_eq!(ines.page.field("Email").value, "nobody", "nothing typed is lost");
    ines.opens(&people).await.presses("Make the link").await.sees("1 invitation made");
    let link =
        |person: &Person| person.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let first = link(&ines);
    ines.opens(&people).await.presses("New link").await;
    let second = link(&ines);
    let mut ada = portal.visitor();
    ada.opens(&first).await.is_answered(410);
    ada.opens(&second).await.fills("Name", "Ada").fills("Email", "ada@example.org").fills("Password", PASSWORD).presses("Join").await;
    ines.opens(&people).await.sees("ada@example.org").sees("No invitation is open");
    ines.presses("Make the link").await;
    let third = link(&ines);
    ines.opens(&people)
        .await
        .follows("Take back")
        .await
        .sees("The link stops working")
        .presses("Take it back")
        .await
        .sees("The invitation is taken back");
    portal.visitor().opens(&third).await.is_answered(410);
    assert_eq!(
        actions(&portal, &amber).await,
        ["invitation.made", "invitation.renewed", "invitation.accepted", "invitation.made", "invitation.revoked"]
    );
}

async fn nobody_is_invited_twice_nor_where_they_are(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let (people, path) = (format!("/cohorts/{amber}/people"), format!("/cohorts/{amber}/invitations"));
    let at_once = |email: &'static str| {
        let tries = [(); 2].map(|()| {
            let (mut jo, path) = (jo.clone(), path.clone());
            tokio::spawn(async move { jo.posts(&path, &[("email", email)]).await.status.as_u16() })
        });
        crate::people::answers(tries)
    };
    // First something that makes none, so that each has a connection by then and they really meet.
    assert_eq!(at_once("ada@example.org").await, [422, 422]);
    assert_eq!(at_once("lena@example.org").await, [200, 422]);
    assert_eq!(actions(&portal, &amber).await, ["invitation.made"]);
    for (email, role, words) in [
        ("lena@example.org", "Student", "invited already"),
        ("ada@example.org", "Student", "already enrolled"),
        ("ines@example.org", "Instructor", "teaches here"),
    ] {
        jo.opens(&people).await.fills("Email", email).fills("Role", role).presses("Make the link").await.is_answered(422).sees(words);
        assert_eq!(jo.page.field("Email").value, email);
    }
    // Whoever studies here may be asked to teach here.
    jo.fills("Email", "ada@example.org").fills("Role", "Instructor").presses("Make the link").await.sees("1 invitation made");
}

async fn an_old_invitation_is_not_renewed_beside_a_new_one(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let people = format!("/cohorts/{amber}/people");
    jo.opens(&people).await.fills("Email", "lena@example.org").presses("Make the link").await.sees("1 invitation made");
    let renew = jo.opens(&people).await.page.button("New link").0.action.clone();
    // While it works it is the one there is, and may have another link.
    assert_eq!(jo.posts(&renew, &[]).await.status, 200);
    portal.wait(INVITATION_LIVES + Duration::from_secs(1));
    jo.opens(&people).await.fills("Email", "lena@example.org").presses("Make the link").await.sees("1 invitation made");
    let link = jo.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let reply = jo.posts(&renew, &[]).await;
    assert!(reply.status == 422 && reply.text().contains("lena@example.org: invited already"), "{}", reply.text());
    portal.visitor().opens(&link).await.fills("Name", "Lena").fills("Password", PASSWORD).presses("Join").await.is_at("/");
    let reply = jo.posts(&renew, &[]).await;
    assert!(reply.status == 422 && reply.text().contains("already enrolled"), "{}", reply.text());
    jo.opens(&people).await.follows("Take back").await.presses("Take it back").await.sees("No invitation is open");
}

async fn whoever_joins_waits_for_whoever_invites_to_the_same_cohort(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens(&format!("/cohorts/{amber}/people")).await.fills("Email", "lena@example.org").presses("Make the link").await;
    let link = jo.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let write = portal.app.db.write(format!("cohort:{amber}")).await.unwrap();
    let mut lena = portal.visitor();
    let joins = tokio::spawn(async move { lena.posts(&link, &[("name", "Lena"), ("password", PASSWORD)]).await.status.as_u16() });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!joins.is_finished());
    drop(write);
    assert_eq!(joins.await.unwrap(), 303);
}

async fn an_instructor_makes_students_and_no_instructors(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let reply = ines.posts(&format!("/cohorts/{amber}/invitations"), &[("email", "eve@example.org"), ("role", "instructor")]).await;
    assert_eq!(reply.status, 422);
    ines.opens(&format!("/cohorts/{amber}/people"))
        .await
        .fills("Or paste rows here", "eve@example.org,Eve,instructor")
        .presses("Look at the rows")
        .await;
    ines.sees("Only an admin makes instructors.");
    assert_eq!(ines.posts(&format!("/admin/cohorts/{amber}/instructors"), &[("email", "eve@example.org")]).await.status, 403);
    // Nor does she take back what an admin did.
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let people = format!("/cohorts/{amber}/people");
    jo.opens(&people).await.fills("Email", "eve@example.org").fills("Role", "Instructor").presses("Make the link").await;
    let renew = jo.opens(&people).await.page.button("New link").0.action.clone();
    ines.opens(&people).await.sees("eve@example.org").does_not_see("Take back");
    let revoke = renew.replace("/renew", "/revoke");
    assert_eq!(ines.posts(&renew, &[]).await.status, 403);
    assert_eq!(ines.gets(&revoke).await.status, 403);
    assert_eq!(ines.posts(&revoke, &[]).await.status, 403);
    jo.follows("Take back").await.presses("Take it back").await.sees("The invitation is taken back");
}

async fn the_gradebooks_file_runs_nothing_in_a_spreadsheet(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    portal.student("=HYPERLINK(\"http://evil.test\")", "eve@example.org", &amber).await;
    portal.student("Ada, the first", "ada@example.org", &amber).await;
    let lab = handed_in(&portal, &amber, "ada@example.org", 5).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    ines.opens(&format!("/cohorts/{amber}/gradebook")).await.sees("Ada, the first").follows("CSV").await.is_answered(200);
    let reply = ines.gets(&format!("/cohorts/{amber}/gradebook.csv")).await;
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\"gradebook-amber.csv\""));
    let text = reply.text();
    assert!(text.contains("\"'=HYPERLINK(\"\"http://evil.test\"\")\",eve@example.org,active"), "{text}");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let at = reader.headers().unwrap().iter().position(|h| h.starts_with(&format!("{} (", lab.id))).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let ada = rows.iter().find(|r| &r[0] == "Ada, the first").unwrap();
    assert_eq!(ada[at], ((lab.points * 70 + 50) / 100).to_string(), "three weeks late keeps 70 %");
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t'])));
}

async fn an_instructor_of_another_cohort_finds_nothing(portal: Portal) {
    let (amber, slate) = (portal.cohort("Amber").await, portal.cohort("Slate").await);
    portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let mut omar = portal.instructor("Omar Haddad", "omar@example.org", &slate).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    opens_student(&mut ines, &amber, "Ada Moreno").await;
    let student = ines.page.url.clone();
    for path in ["", "/people", "/gradebook", "/gradebook.csv"].map(|part| format!("/cohorts/{amber}{part}")).iter().chain([&student]) {
        for (person, status) in [(&mut ines, 200), (&mut jo, 200), (&mut omar, 404)] {
            assert_eq!(person.gets(path).await.status, status, "{} at {path}", person.email);
        }
    }
    for (path, fields) in [("/factor", [("factor", "200"), ("x", "")]), ("/status/removed", [("x", ""), ("y", "")])] {
        assert_eq!(omar.posts(&format!("{student}{path}"), &fields).await.status, 404);
    }
    // The student of one cohort can't be reached through another.
    let through = student.replace(amber.as_str(), slate.as_str());
    assert_eq!(omar.gets(&through).await.status, 404);
    assert_eq!(jo.gets(&through).await.status, 404);
    omar.opens("/cohorts").await.sees("Slate").does_not_see("Amber");
    jo.opens("/cohorts").await.sees("Slate").sees("Amber");
}

async fn an_extension_changes_the_credit_and_taking_it_back_changes_it_again(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let lab = handed_in(&portal, &amber, "ada@example.org", 5).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let late = format!("{} of {}", (lab.points * 70 + 50) / 100, lab.points);
    let full = format!("{} of {}", lab.points, lab.points);
    opens_student(&mut ines, &amber, "Ada Moreno").await.sees(&late).sees(&format!("{full}, keeps 70 %"));
    ines.fills("Lab to extend", lab.id.as_str()).fills("New due time", "2026-10-20T12:00").fills("Reason for the extension", "ill");
    ines.presses("Extend").await.is_answered(422).sees("an extension is later");
    assert_eq!(ines.page.field("Reason for the extension").value, "ill");
    ines.fills("New due time", "2026-11-24T20:00").presses("Extend").await.is_answered(200).sees(&full).does_not_see("keeps").sees("extended");
    ada.opens("/notifications").await.sees(&lab.title).sees("ill");
    ines.follows("Take back").await.presses("Take it back").await.sees(&late);
    assert_eq!(actions(&portal, &amber).await, ["enrolment.extended", "enrolment.extension_withdrawn"]);
}

async fn a_signed_score_counts_instead_of_every_hand_in(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let lab = handed_in(&portal, &amber, "ada@example.org", 5).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    opens_student(&mut ines, &amber, "Ada Moreno").await;
    ines.fills("Lab to score", lab.id.as_str()).fills("Points", "1000").fills("Reason for the score", "defended aloud");
    ines.presses("Sign the score").await.is_answered(422).sees(&format!("A whole number from 0 to {}", lab.points));
    ines.fills("Points", "3").presses("Sign the score").await.is_answered(200);
    ines.sees(&format!("3 of {}", lab.points)).sees("signed by Ines Fuchs").sees("defended aloud");
    ada.opens("/notifications").await.sees("Ines Fuchs set your score to 3");
    ines.follows("Take back").await.presses("Take it back").await.does_not_see("signed by Ines Fuchs");
}

async fn whoever_is_removed_sees_the_cohort_no_more_until_they_are_back(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    opens_student(&mut ines, &amber, "Ada Moreno").await.follows("Remove from the cohort").await.sees("Remove Ada Moreno from Amber?");
    assert_eq!(ada.gets("/skills").await.status, 200, "asking changes nothing");
    ines.presses("Remove").await.sees("Ada Moreno is removed.");
    assert_eq!(ada.gets("/skills").await.status, 403);
    ines.opens(&format!("/cohorts/{amber}")).await.sees("No students yet");
    opens_student(&mut ines, &amber, "Ada Moreno").await.follows("Take part again").await.presses("Let them take part").await;
    assert_eq!(ada.gets("/skills").await.status, 200);
    ines.fills("In timed labs and quizzes", "150").presses("Set").await.sees("Ada Moreno has 150 % of the usual time");
}

async fn the_log_says_which_student_was_changed(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    portal.student("Ada Moreno", "ada@example.org", &amber).await;
    portal.student("Bob Ito", "bob@example.org", &amber).await;
    handed_in(&portal, &amber, "ada@example.org", 5).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    for (name, factor) in [("Ada Moreno", "150"), ("Bob Ito", "200")] {
        opens_student(&mut ines, &amber, name).await.fills("In timed labs and quizzes", factor).presses("Set").await;
    }
    let id: String = sqlx::query_scalar("SELECT id FROM submissions").fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap();
    let reply = ines.posts(&format!("/submissions/{id}/regrade"), &[]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/audit").await.sees("Ada Moreno · Amber · factor").sees("Bob Ito · Amber · factor");
    jo.opens("/admin/audit?who=ada@example.org").await.sees("enrolment.factor_set").does_not_see("Bob Ito");
    jo.sees("submission.regrade").fills("What", "hand-ins").presses("Filter").await.does_not_see("enrolment.factor_set").sees("Ada Moreno · Amber");
}

async fn the_overview_names_who_is_stuck_and_why(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    portal.student("Ada Moreno", "ada@example.org", &amber).await;
    portal.student("Bob Ito", "bob@example.org", &amber).await;
    let lab = handed_in(&portal, &amber, "ada@example.org", 5).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    ines.opens(&format!("/cohorts/{amber}")).await.is_answered(200).sees("2 students");
    ines.sees("nothing handed in since the program began 57 days ago").sees("weeks below 70 %").sees(&lab.title).sees("1 of 2");
    assert!(ines.page.html.contains("aria-current=\"true\">9</th>"), "this week's column is marked");
}
