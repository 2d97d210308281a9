//! Running the installation by its pages: first steps, accounts, jobs, the log, settings, versions.
use crate::people::{PASSWORD, Person, Portal};
use groundcrew::queue::{Kind, Lane, Push, store as queue};

on_both!(
    a_fresh_portal_leads_its_admin_to_the_first_student_in_week_1,
    a_cohorts_mistakes_stand_beside_their_fields,
    cohorts_made_at_once_have_different_names,
    the_only_admin_stays_one_and_a_closed_account_is_signed_out,
    a_reset_link_is_shown_once_and_works,
    a_broken_job_is_tried_again,
    settings_are_changed_on_their_page_and_written_down,
    a_cohort_moves_to_another_version_and_is_archived,
);

fn link_on(person: &Person) -> String {
    let words = &person.page.text;
    let link = words.split_whitespace().find(|w| w.contains("/join/") || w.contains("/reset/"));
    link.unwrap_or_else(|| panic!("no link in {words}")).split(".test").nth(1).unwrap().to_owned()
}

async fn a_fresh_portal_leads_its_admin_to_the_first_student_in_week_1(portal: Portal) {
    portal.app.programs.start(&portal.app.db, &portal.app.clock, None).await.unwrap();
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    portal.person("Ines Fuchs", "ines@example.org").await;
    jo.opens("/").await.is_at("/admin").sees("Three steps").follows("Make a cohort").await.sees("Make the first cohort");
    jo.fills("Name", "Amber").fills("Monday of week 1", "2026-11-23").fills("Time zone", "Europe/Berlin").presses("Make the cohort").await;
    jo.is_answered(200).sees("Amber is made. Now its people").sees("Nobody teaches this cohort yet");
    jo.fills("Instructor's email", "nobody@example.org").presses("Assign").await.is_answered(422).sees("Nobody with the address");
    jo.fills("Instructor's email", "ines@example.org").presses("Assign").await.sees("Ines Fuchs teaches Amber now.");
    jo.opens("/admin").await.follows("Invite students").await.fills("Name", "Ada Moreno").fills("Email", "ada@example.org");
    jo.presses("Make the link").await.sees("1 invitation made");
    let mut ada = portal.visitor();
    ada.opens(&link_on(&jo)).await.fills("Password", PASSWORD).presses("Join").await.is_at("/").sees("Week 1 of 16");
    ada.opens("/weeks/1").await.is_answered(200);
    let mut ines = Person::new(&portal, "ines@example.org", PASSWORD);
    ines.signs_in().await.opens("/cohorts").await.follows("Amber").await.sees("Ada Moreno");
    assert_eq!(ines.gets("/admin").await.status, 403);
    jo.opens("/admin").await.sees("Everything runs").does_not_see("First steps");
    jo.opens("/admin/audit").await.sees("cohort.opened").sees("invitation.accepted").fills("What", "cohorts").presses("Filter").await;
    jo.sees("cohort.instructor_assigned").does_not_see("invitation.accepted").fills("By or about", "nobody@example.org").presses("Filter").await;
    jo.sees("Nobody has this address");
}

async fn a_cohorts_mistakes_stand_beside_their_fields(portal: Portal) {
    portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/cohorts").await.fills("Name", "Amber").fills("Monday of week 1", "2026-11-24").presses("Make the cohort").await;
    jo.is_answered(422).sees("Another cohort has this name.").sees("Weeks begin on Monday");
    assert_eq!(jo.page.field("Monday of week 1").value, "2026-11-24");
    jo.fills("Name", "Slate").fills("Monday of week 1", "2027-01-04").presses("Make the cohort").await.is_answered(200);
    jo.opens("/cohorts").await.sees("Slate").sees("begins in 41 days").follows("Slate").await.follows("Dates and version").await;
    jo.fills("Name", "Slate 2").presses("Save").await.sees("Saved.").sees("Slate 2");
}

async fn cohorts_made_at_once_have_different_names(portal: Portal) {
    let (amber, slate) = (portal.cohort("Amber").await, portal.cohort("Slate").await);
    let jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let program = portal.app.programs.current().unwrap().hash.clone();
    let at_once = |paths: [String; 4], name: &'static str| {
        let tries = paths.map(|path| {
            let (mut jo, program) = (jo.clone(), program.clone());
            let fields = [("name", name), ("starts", "2027-01-04"), ("zone", "Europe/Berlin")];
            tokio::spawn(async move { jo.posts(&path, &[&fields[..], &[("program", program.as_str())]].concat()).await.status.as_u16() })
        });
        crate::people::answers(tries)
    };
    let new = [(); 4].map(|()| "/admin/cohorts".to_owned());
    // First something that makes none, so that each has a connection by then and they really meet.
    assert_eq!(at_once(new.clone(), "").await, [422; 4]);
    assert_eq!(at_once(new, "Twin").await, [303, 422, 422, 422]);
    let renames = [&amber, &slate, &amber, &slate].map(|id| format!("/admin/cohorts/{id}"));
    // Saving the same twice is no other cohort.
    assert_eq!(at_once(renames, "Jade").await, [303, 303, 422, 422]);
}

async fn the_only_admin_stays_one_and_a_closed_account_is_signed_out(portal: Portal) {
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    jo.opens("/admin/people").await.fills("Name or address", "park").presses("Search").await.does_not_see("Ada Moreno").follows("Jo Park").await;
    jo.follows("No longer an admin").await.presses("End it").await.is_answered(422).sees("Jo Park is the only admin");
    assert!(portal.who("jo@example.org").await.is_admin());
    jo.opens("/admin/people").await.follows("Ada Moreno").await.follows("Make admin").await;
    assert!(!portal.who("ada@example.org").await.is_admin(), "asking changes nothing");
    jo.presses("Make admin").await.sees("Ada Moreno runs the portal now.");
    assert_eq!(ada.gets("/admin").await.status, 200);
    jo.follows("Close the account").await.presses("Close").await.sees("Ada Moreno's account is closed.");
    assert_eq!(ada.gets("/account").await.status, 303, "signed out at once");
    jo.follows("Open the account again").await.presses("Open").await;
    ada.signs_in().await;
}

async fn a_reset_link_is_shown_once_and_works(portal: Portal) {
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    portal.person("Ada Moreno", "ada@example.org").await;
    jo.opens("/admin/people").await.follows("Ada Moreno").await.presses("Make a reset link").await.sees("A link for a new password");
    let link = link_on(&jo);
    portal.visitor().opens(&link).await.is_answered(200);
    let url = jo.page.url.trim_end_matches("/reset").to_owned();
    jo.opens(&url).await.does_not_see("/reset/gcr_");
}

async fn a_broken_job_is_tried_again(portal: Portal) {
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/jobs").await.sees("No job yet");
    let (app, now) = (&portal.app, portal.clock.now());
    let mut write = app.db.write("test").await.unwrap();
    let push = Push { kind: Kind::Grade, key: "grade:x", payload: "gone".into(), lane: Lane::Interactive, owner: "x" };
    let id = queue::push(&mut write, &push, now).await.unwrap();
    write.commit().await.unwrap();
    let job = queue::claim(&app.db, now).await.unwrap().unwrap();
    let mut write = app.db.write("test").await.unwrap();
    assert!(queue::give_up(&mut write, &job, "the child was killed", now).await.unwrap());
    write.commit().await.unwrap();
    jo.opens("/admin").await.sees("1 job broken");
    jo.opens("/admin/jobs").await.sees("broken").sees("the child was killed").presses("Try again").await.sees("The job will be tried again.");
    let jobs = queue::list(&mut app.db.read().await.unwrap(), 10).await.unwrap();
    assert_eq!(jobs.iter().map(|j| (j.state.as_str(), j.claims)).collect::<Vec<_>>(), [("waiting", 0)]);
    assert_eq!(jo.posts(&format!("/admin/jobs/{id}"), &[]).await.status, 404, "it isn't broken any more");
}

async fn settings_are_changed_on_their_page_and_written_down(portal: Portal) {
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/settings").await.fills("Name of the portal", " ").fills("Colour of the mark", "red").presses("Save").await.is_answered(422);
    jo.sees("Give the portal a name").sees("Write a colour as #");
    jo.fills("Name of the portal", "Hangar 7")
        .fills("Colour of the mark", "")
        .fills("Time zone of new accounts", "Europe/Berlin")
        .presses("Save")
        .await;
    jo.sees("Saved.").sees("Hangar 7");
    portal.visitor().opens("/login").await.sees("Hangar 7");
    jo.opens("/admin/audit").await.sees("settings.changed").sees("name, zone");
}

async fn a_cohort_moves_to_another_version_and_is_archived(portal: Portal) {
    let amber = portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let slate = portal.cohort("Slate").await;
    let current = portal.app.programs.current().unwrap();
    // The same files with one lab's instructions changed: another version.
    let mut files = groundcrew::curriculum::store::files(&mut portal.app.db.read().await.unwrap(), &current.hash).await.unwrap();
    let lab = current.labs().find(|l| !l.is_quiz).unwrap().clone();
    let file = files.iter_mut().find(|f| f.path.contains(lab.id.as_str()) && f.path.ends_with(".md")).expect("a lab has instructions");
    file.bytes.extend_from_slice(b"\nRead it twice.\n");
    let how = groundcrew::curriculum::programs::How::AsFarAsItGoes;
    let new = portal.app.programs.import(&portal.app.db, &portal.app.clock, files, how).await.unwrap();
    assert_ne!(new.hash, current.hash);
    jo.opens("/admin/programs").await.sees("new cohorts get it").follows("Amber").await.follows("Move to this version").await;
    jo.sees(&format!("Changed: {}.", lab.title)).presses("Move to this version").await.sees("Amber is on the other version now.");
    jo.opens(&format!("/cohorts/{amber}")).await.sees(&new.hash[..7]);
    jo.opens(&format!("/admin/cohorts/{amber}")).await.follows("Archive it").await;
    let asked = jo.page.clone();
    jo.presses("Archive").await.sees("Amber is archived.");
    // What is neither yes nor no changes nothing, and a double click doesn't take it out again.
    assert_eq!(jo.posts(&format!("/admin/cohorts/{amber}/archive"), &[("archived", "maybe")]).await.status, 422);
    jo.page = asked;
    jo.presses("Archive").await.sees("Amber is archived.");
    assert_eq!(ines.gets(&format!("/cohorts/{amber}")).await.status, 403, "an instructor without a running cohort");
    portal.teaches(&slate, "ines@example.org").await;
    ines.opens("/cohorts").await.sees("Slate").does_not_see("Amber");
    assert_eq!(ines.gets(&format!("/cohorts/{amber}")).await.status, 404);
    jo.opens(&format!("/admin/cohorts/{amber}")).await.follows("Take it out").await.presses("Take it out").await.sees("Amber runs again.");
    assert_eq!(ines.gets(&format!("/cohorts/{amber}")).await.status, 200);
}
