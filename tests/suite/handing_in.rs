//! Handing in: what is taken, what is refused with which words, and what a student reads before hidden checks show.
use crate::people::{Person, Portal};
use groundcrew::curriculum::load;
use std::io::Write as _;
use std::time::Duration;

on_both!(
    files_are_uploaded_graded_and_given_back_as_they_came,
    what_can_not_be_taken_is_refused_with_the_file_and_the_reason,
    a_lab_opens_when_the_one_it_needs_is_passed_or_past,
    hidden_checks_tell_nothing_before_the_due_time_of_their_student,
    a_page_and_a_picture_with_scripts_run_nowhere,
    an_archived_cohort_takes_no_more_hand_ins,
);

/// A lab's solution, or one of its mistakes, from the program in the binary.
pub fn files_of(folder: &str) -> Vec<(String, Vec<u8>)> {
    let files = load::embedded().unwrap();
    let found = files.iter().filter_map(|f| Some((f.path.split_once(&format!("/{folder}/"))?.1.to_owned(), f.bytes.clone())));
    let found: Vec<_> = found.filter(|(path, _)| path != "expect.yaml").collect();
    assert!(!found.is_empty(), "no files in {folder}");
    found
}

/// Uploads files on a lab's page; at the end the report's page, or the form again, is open.
pub async fn uploads(student: &mut Person, lab: &str, files: &[(String, Vec<u8>)]) {
    student.opens(&format!("/labs/{lab}")).await.is_answered(200);
    for (path, bytes) in files {
        student.attaches(path, bytes);
    }
    student.presses("Hand in").await;
}

async fn files_are_uploaded_graded_and_given_back_as_they_came(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let files = files_of("three-tier-app/solution");
    uploads(&mut ada, "rollouts-and-probes", &files_of("rollouts-and-probes/solution")).await;
    portal.grades().await;
    portal.wait(Duration::from_secs(61));
    uploads(&mut ada, "three-tier-app", &files).await;
    let url = ada.page.url.clone();
    ada.sees("Grading").sees("next in the queue");
    portal.grades().await;
    ada.opens(&url).await.does_not_see("Grading");
    for (path, bytes) in &files {
        let reply = ada.gets(&format!("{url}/files/{path}")).await;
        assert_eq!((&reply.body, reply.header("x-content-type-options")), (bytes, "nosniff"));
        assert!(reply.header("content-disposition").starts_with("attachment"));
    }
    // What watches a graded hand-in is told at once, and the stream ends.
    let stream = ada.gets(&format!("{url}/live")).await;
    assert!(stream.text().contains("event: done"), "{}", stream.text());
}

async fn what_can_not_be_taken_is_refused_with_the_file_and_the_reason(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("../escape.yaml", b"a: 1".to_vec(), "leads out of the folder"),
        ("/etc/passwd.yaml", b"a: 1".to_vec(), "absolute path"),
        ("con.yaml", b"a: 1".to_vec(), "device"),
        ("script.sh", b"#!/bin/sh".to_vec(), "this lab takes *.yaml"),
        ("latin.yaml", b"a: caf\xe9".to_vec(), "isn't UTF-8"),
        ("large.yaml", vec![b'a'; 400 * 1024], "larger than"),
        ("twins.zip", zip_of(&[("a.yaml", b"a: 1"), ("b.yaml", b"b: 2")], &[(b"b.yaml", b"a.yaml")]), "two files of one name"),
        ("climbs.zip", zip_of(&[("x/up.yaml", b"a: 1"), ("y/up.yaml", b"a: 1")], &[(b"x/up.yaml", b"../u.yaml")]), "leads out of the folder"),
        ("rooted.zip", zip_of(&[("xetc/up.yaml", b"a: 1")], &[(b"xetc/", b"/etc/")]), "absolute path"),
        ("bomb.zip", zip_of(&[("zeros.yaml", &vec![0; 8 << 20])], &[]), "larger than"),
        ("torn.zip", b"PK\x03\x04 and nothing more".to_vec(), "can't be read as a zip"),
    ];
    for (name, bytes, why) in table {
        uploads(&mut ada, "rollouts-and-probes", &[(name.to_owned(), bytes)]).await;
        assert_eq!(ada.page.status, 422, "{name}: {}", ada.page.text);
        ada.sees("Nothing was handed in").sees(why);
    }
    ada.opens("/submissions").await.does_not_see("#1");
    // Files stand before the editor in the form: what was typed after a bad one is given back all the same.
    ada.opens("/labs/rollouts-and-probes").await.attaches("script.sh", "#!/bin/sh").attaches("b.yaml", "b: 2");
    ada.fills("gateway.yaml", "kind: Precious").fills("What did an assistant write, and how did you check it? (not scored)", "Nothing.");
    ada.presses("Hand in").await.is_answered(422).sees("script.sh");
    assert!(ada.page.html.contains("kind: Precious") && ada.page.html.contains("value=\"Nothing.\""), "{}", ada.page.html);
}

async fn an_archived_cohort_takes_no_more_hand_ins(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    uploads(&mut ada, "rollouts-and-probes", &files_of("rollouts-and-probes/solution")).await;
    let url = ada.page.url.clone();
    portal.grades().await;
    portal.wait(Duration::from_secs(61));
    assert_eq!(jo.posts(&format!("/admin/cohorts/{cohort}/archive"), &[("archived", "yes")]).await.status, 303);
    for path in ["/labs/rollouts-and-probes/submissions".to_owned(), format!("{url}/review")] {
        let reply = ada.posts(&path, &[("name", "a.yaml"), ("text", "a: 1")]).await;
        assert_eq!(reply.status, 422, "{path}");
        assert!(reply.text().contains("in the archive"), "{path}: {}", reply.text());
    }
    ada.opens(&url).await.is_answered(200);
}

/// A stored zip with these files, and then names of the same length written over others, as no honest packer does.
fn zip_of(files: &[(&str, &[u8])], renamed: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    for (old, new) in renamed {
        assert_eq!(old.len(), new.len());
        while let Some(at) = bytes.windows(old.len()).position(|w| w == *old) {
            bytes[at..at + old.len()].copy_from_slice(new);
        }
    }
    bytes
}

async fn a_lab_opens_when_the_one_it_needs_is_passed_or_past(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    // Week 9's second lab needs its first; week 8's labs need a quiz that is past its due time.
    ada.opens("/labs/three-tier-app").await.sees("Not open for hand-ins yet").does_not_see("Drop files here");
    let reply = ada.posts("/labs/three-tier-app/submissions", &[("name", "a.yaml"), ("text", "a: 1")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("comes first"), "{}", reply.text());
    ada.opens("/labs/spot-pool-with-fallback").await.sees("Drop files here");
    uploads(&mut ada, "rollouts-and-probes", &files_of("rollouts-and-probes/solution")).await;
    portal.grades().await;
    ada.opens("/labs/three-tier-app").await.sees("Drop files here").does_not_see("Not open for hand-ins yet");
}

async fn a_page_and_a_picture_with_scripts_run_nowhere(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut ivy = portal.instructor("Ivy Okafor", "ivy@example.org", &cohort).await;
    // The last week's case for the portfolio takes Markdown and a picture.
    portal.wait(Duration::from_secs(50 * 86_400));
    ada.signs_in().await;
    ivy.signs_in().await;
    let evil = [
        ("diagram.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(2)</script></svg>"),
        ("case.md", "<!doctype html><script>alert(3)</script><img src=x onerror=alert(4)> [x](javascript:alert(5))"),
        ("case.yaml", "title: \"<script>alert(6)</script>\"\n"),
    ];
    let files: Vec<_> = evil.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    uploads(&mut ada, "portfolio-case", &files).await;
    let url = ada.page.url.clone();
    portal.grades().await;
    for (name, _) in evil {
        let reply = ada.gets(&format!("{url}/files/{name}")).await;
        assert!(reply.header("content-disposition").starts_with("attachment"), "{name} is shown");
        assert!(reply.header("content-security-policy").contains("sandbox"), "{name} has no sandbox");
        assert_eq!((reply.header("content-type"), reply.header("x-content-type-options")), ("application/octet-stream", "nosniff"), "{name}");
    }
    let review = url.replace("/submissions/", "/review/");
    for (person, page) in [(&mut ada.clone(), &url), (&mut ada, &"/labs/portfolio-case".to_owned()), (&mut ivy, &review)] {
        person.opens(page).await.is_answered(200);
        for words in ["<script>alert", "onerror=alert(4)>", "<svg xmlns=\"http://www.w3.org/2000/svg\" onload"] {
            assert!(!person.page.html.contains(words), "{words} on {page}");
        }
    }
}

async fn hidden_checks_tell_nothing_before_the_due_time_of_their_student(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut ivy = portal.instructor("Ivy Okafor", "ivy@example.org", &cohort).await;
    uploads(&mut ada, "chat-in-a-quota", &files_of("chat-in-a-quota/solution")).await;
    let url = ada.page.url.clone();
    portal.grades().await;
    let hidden = |report: &serde_json::Value| report["findings"].as_array().unwrap().iter().find(|f| f["hidden"] == true).cloned().unwrap();
    let report = ada.gets(&format!("{url}/report.json")).await.json();
    assert_eq!((&hidden(&report)["because"], &hidden(&report)["points"]), (&"due".into(), &0.into()));
    let all = report["max"].as_i64().unwrap();
    ada.opens("/notifications").await.sees("the report on hand-in 1 is here").does_not_see(&format!("{all} of"));
    // An extension moves the day on which they show.
    let student = sqlx::query_scalar::<_, String>("SELECT id FROM enrolments").fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap();
    let asked = [("lab", "chat-in-a-quota"), ("due", "2026-12-08T23:59"), ("reason", "ill for a week")];
    let extended = ivy.posts(&format!("/cohorts/{cohort}/students/{student}/extensions"), &asked).await;
    assert_eq!(extended.status, 303, "{}", extended.text());
    portal.wait(Duration::from_secs(8 * 86_400));
    assert_eq!(hidden(&ada.gets(&format!("{url}/report.json")).await.json())["because"], "due", "the others' due time is past, hers isn't");
    portal.wait(Duration::from_secs(8 * 86_400));
    assert_eq!(hidden(&ada.gets(&format!("{url}/report.json")).await.json())["outcome"], "passed");
}
