//! The site map, walked by everybody: who may call a route, and that nobody sees what is somebody else's.
use crate::people::{Person, Portal, Reply};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::routing::get;
use groundcrew::db::Engine;
use groundcrew::web::guard::{Who, is_for_programs};
use groundcrew::web::routes;
use tower::ServiceExt as _;

/// Answers to a form that are pages of their own are opened again from the address line.
#[tokio::test]
async fn an_address_that_takes_a_form_leads_to_the_page_of_the_form() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    let cohort = portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    portal.enrols(&cohort, "jo@example.org").await;
    let map = routes::map();
    let forms: Vec<_> = map.iter().filter_map(|route| Some((route.path, route.page?))).collect();
    assert!(forms.len() > 10, "{forms:?}");
    for (path, page) in forms {
        assert!(map.iter().any(|r| r.method == Method::GET && r.path == page), "{path} leads to {page}, which is no page");
        let reply = jo.gets(&naming_nothing(path)).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, naming_nothing(page).as_str()), "{path}");
        let mut stranger = portal.visitor();
        let away = stranger.gets(&naming_nothing(path)).await.header("location").to_owned();
        assert!(away.starts_with("/login"), "{path}: {away}");
    }
    jo.opens(&format!("/cohorts/{cohort}/import/confirm")).await.is_answered(200).is_at(&format!("/cohorts/{cohort}/people"));
    assert_eq!(jo.gets("/join/a%2F..%2Fb/accept").await.header("location"), "/join/a%2F..%2Fb", "what it was opened with stays one part");
}

async fn breaks() -> &'static str {
    panic!("a fault")
}

#[tokio::test]
async fn a_fault_in_the_program_ends_as_a_page_with_a_reference() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    let faulty = Router::new().route("/breaks", get(breaks)).route("/api/breaks", get(breaks));
    let router = routes::layered(faulty, portal.app.clone());
    for (path, begins) in [("/breaks", "<!doctype html>"), ("/api/breaks", "{")] {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("content-security-policy"));
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&body).to_lowercase();
        assert!(text.starts_with(begins) && text.contains("something broke on our side") && text.contains("reference"), "{text}");
    }
}

on_both!(every_route_admits_whom_the_map_says, a_submission_is_its_students_and_their_instructors);

/// A route's path with parameters that name nothing.
fn naming_nothing(path: &str) -> String {
    let part = |p: &str| match p.trim_start_matches('{').trim_start_matches('*').trim_end_matches('}') {
        _ if !p.starts_with('{') => p.to_owned(),
        "number" => "9".to_owned(),
        "token" => "gci_0000".to_owned(),
        "check" | "name" | "path" | "hash" | "what" => "nothing".to_owned(),
        _ => "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

async fn calls(person: &mut Person, method: &Method, path: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    person.sends(request.body(Body::empty()).unwrap()).await
}

async fn every_route_admits_whom_the_map_says(portal: Portal) {
    let cohort = portal.cohort("Amber").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &cohort).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let mut nobody = portal.person("New", "new@example.org").await;
    nobody.signs_in().await;
    let mut stranger = portal.visitor();
    let mut wrong = Vec::new();
    for route in routes::map().iter().filter(|r| !matches!(r.path, "/logout" | "/metrics" | "/account/sign-ins/revoke")) {
        let path = naming_nothing(route.path);
        let reply = calls(&mut stranger, &route.method, &path).await;
        let led_away = reply.status == 303 && reply.header("location").starts_with("/login");
        let turned_away = if is_for_programs(route.path) { reply.status == 401 } else { led_away };
        if turned_away == (route.who == Who::Anyone) && !(route.path == "/" && led_away) {
            wrong.push(format!("a stranger, {} {}: {} {}", route.method, route.path, reply.status, reply.header("location")));
        }
        let admitted = |student: bool, staff: bool, admin: bool| match route.who {
            Who::Anyone | Who::SignedIn => true,
            Who::Member => student || staff,
            Who::Student => student,
            Who::Staff => staff,
            Who::Admin => admin,
        };
        for (who, person, may) in [
            ("somebody without a role", &mut nobody, admitted(false, false, false)),
            ("a student", &mut ada, admitted(true, false, false)),
            ("an instructor", &mut ines, admitted(false, true, false)),
            ("an admin", &mut jo, admitted(false, true, true)),
        ] {
            let status = calls(person, &route.method, &path).await.status;
            let good = if may { !matches!(status.as_u16(), 401 | 403 | 500..) } else { status == 403 };
            if !good {
                wrong.push(format!("{who}, {} {}: {status}, {}", route.method, route.path, if may { "may" } else { "may not" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx\n";

async fn a_submission_is_its_students_and_their_instructors(portal: Portal) {
    let (amber, slate) = (portal.cohort("Amber").await, portal.cohort("Slate").await);
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &amber).await;
    let mut bob = portal.student("Bob Ito", "bob@example.org", &amber).await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    let mut omar = portal.instructor("Omar Haddad", "omar@example.org", &slate).await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let program = portal.app.programs.current().unwrap();
    let lab = program
        .weeks
        .iter()
        .filter(|w| w.number <= 9)
        .flat_map(|w| &w.labs)
        .filter_map(|id| program.lab(id))
        .find(|l| !l.is_quiz && l.needs.is_empty() && l.start.iter().any(|f| f.path.ends_with(".yaml")));
    let lab = lab.expect("a lab that takes YAML and needs no other");
    let file = lab.start.iter().find(|f| f.path.ends_with(".yaml")).unwrap().path.clone();
    let boundary = "b";
    let body = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{file}\"\r\n\r\n{POD}\r\n--{boundary}--\r\n");
    let request = Request::post(format!("/labs/{}/submissions", lab.id))
        .header("content-type", format!("multipart/form-data; boundary={boundary}"))
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body))
        .unwrap();
    let reply = ada.sends(request).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let url = reply.header("location").to_owned();
    assert!(url.starts_with("/submissions/"), "{url}");
    portal.grades().await;
    for path in [url.clone(), format!("{url}/report.json"), format!("{url}/files/{file}")] {
        for (person, status) in [(&mut ada, 200), (&mut ines, 200), (&mut jo, 200), (&mut bob, 404), (&mut omar, 404)] {
            assert_eq!(person.gets(&path).await.status, status, "{} at {path}", person.email);
        }
    }
    assert_eq!(bob.posts(&format!("{url}/review"), &[]).await.status, 404);
    assert_eq!(ada.posts(&format!("{url}/review"), &[]).await.status, 303);
    for (person, status) in [(&mut ines, 200), (&mut jo, 200), (&mut bob, 403), (&mut omar, 404)] {
        let path = url.replace("/submissions/", "/review/");
        assert_eq!(person.gets(&path).await.status, status, "{} at {path}", person.email);
    }
    let reply = ada.gets(&format!("{url}/files/{file}")).await;
    assert!(reply.header("content-disposition").starts_with("attachment"), "a student's file is saved, never shown");
    assert!(reply.header("content-security-policy").contains("sandbox"));
    assert_eq!(reply.text(), POD);
}
