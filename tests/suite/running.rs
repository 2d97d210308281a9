//! Running an installation: the first admin's link, the `user` and `keys` commands, metrics.
use crate::people::{PASSWORD, Portal, Setup};
use axum::body::Body;
use axum::http::Request;
use groundcrew::accounts::{ADMINS, NewPerson, store as accounts};
use groundcrew::app::Outside;
use groundcrew::cohorts::first_admin;
use groundcrew::commands::user;
use groundcrew::db::{Db, Engine};
use groundcrew::notices::{self, Mail};
use groundcrew::secrets::Keys;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

on_both!(
    an_empty_portal_gives_a_link_to_its_first_admin_until_it_is_used,
    the_first_admins_link_makes_nobody_once_there_is_an_admin,
    whoever_joins_by_the_first_admins_link_waits_for_an_admin_who_is_being_added,
    an_admin_added_or_opened_again_waits_for_its_turn,
    the_last_two_admins_closed_at_once_leave_one,
    settings_are_read_again_after_a_change,
);

async fn an_empty_portal_gives_a_link_to_its_first_admin_until_it_is_used(portal: Portal) {
    let path = |link: Option<String>| link.unwrap().strip_prefix("http://portal.test").unwrap().to_owned();
    let first = path(first_admin::link(&portal.app).await.unwrap());
    let second = path(first_admin::link(&portal.app).await.unwrap());
    let mut jo = portal.visitor();
    jo.opens(&first).await.is_answered(410);
    jo.opens(&second).await.sees("This link makes an admin").fills("Name", "Jo").fills("Email", "jo@example.org").fills("Password", PASSWORD);
    jo.presses("Join").await;
    assert!(portal.who("jo@example.org").await.is_admin());
    assert_eq!(first_admin::link(&portal.app).await.unwrap(), None);
}

async fn the_first_admins_link_makes_nobody_once_there_is_an_admin(portal: Portal) {
    let link = first_admin::link(&portal.app).await.unwrap().unwrap().strip_prefix("http://portal.test").unwrap().to_owned();
    portal.admin("Root", "root@example.org").await;
    let mut eve = portal.person("Eve", "eve@example.org").await;
    let form = [("name", "Eve"), ("email", "eve2@example.org"), ("password", PASSWORD)];
    assert_eq!(portal.visitor().posts(&link, &form).await.status, 410);
    assert_eq!(eve.signs_in().await.posts(&format!("{link}/accept"), &[]).await.status, 410);
    assert!(!portal.who("eve@example.org").await.is_admin());
    // The next start takes it back.
    assert_eq!(first_admin::link(&portal.app).await.unwrap(), None);
    portal.visitor().opens(&link).await.is_answered(410);
}

/// Long enough for whoever doesn't wait to be done.
const A_WHILE: Duration = Duration::from_millis(500);

async fn whoever_joins_by_the_first_admins_link_waits_for_an_admin_who_is_being_added(portal: Portal) {
    let link = first_admin::link(&portal.app).await.unwrap().unwrap().strip_prefix("http://portal.test").unwrap().to_owned();
    let mut mallory = portal.person("Mallory", "mallory@example.org").await;
    mallory.signs_in().await;
    // What `user add --admin` does, up to its end.
    let mut write = portal.app.db.write(ADMINS).await.unwrap();
    let email = "root@example.org".parse().unwrap();
    let new = NewPerson { email: &email, name: "Root", password: None, zone: "UTC", admin: true };
    accounts::create(&mut write, &new, portal.clock.now()).await.unwrap();
    let (mut eve, path) = (portal.visitor(), link.clone());
    let form = [("name", "Eve"), ("email", "eve@example.org"), ("password", PASSWORD)];
    let joins = tokio::spawn(async move { eve.posts(&path, &form).await.status.as_u16() });
    let accepts = tokio::spawn(async move { mallory.posts(&format!("{link}/accept"), &[]).await.status.as_u16() });
    let app = portal.app.clone();
    let next_start = tokio::spawn(async move { first_admin::link(&app).await.unwrap() });
    tokio::time::sleep(A_WHILE).await;
    write.commit().await.unwrap();
    assert_eq!((joins.await.unwrap(), accepts.await.unwrap()), (410, 410));
    assert_eq!(next_start.await.unwrap(), None);
    assert!(!portal.who("mallory@example.org").await.is_admin());
}

async fn an_admin_added_or_opened_again_waits_for_its_turn(portal: Portal) {
    let jo = portal.admin("Jo Park", "jo@example.org").await;
    let write = portal.app.db.write(ADMINS).await.unwrap();
    let app = portal.app.clone();
    let adds = tokio::spawn(async move { user::add(&app, &"root@example.org".parse().unwrap(), None, true).await });
    let (app, jo) = (portal.app.clone(), portal.who(&jo.email).await);
    let opens = tokio::spawn(async move { user::enable(&app, &jo).await });
    tokio::time::sleep(A_WHILE).await;
    assert!(!adds.is_finished() && !opens.is_finished(), "each waits for its turn");
    drop(write);
    adds.await.unwrap().unwrap();
    opens.await.unwrap().unwrap();
    assert!(portal.who("root@example.org").await.is_admin());
}

async fn the_last_two_admins_closed_at_once_leave_one(portal: Portal) {
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    portal.admin("Root", "root@example.org").await;
    let (jos, root) = (portal.who("jo@example.org").await, portal.who("root@example.org").await.id);
    let write = portal.app.db.write(ADMINS).await.unwrap();
    let page = tokio::spawn(async move { jo.posts(&format!("/admin/people/{root}/close"), &[]).await.status.as_u16() });
    let app = portal.app.clone();
    let command = tokio::spawn(async move { user::disable(&app, &jos).await.map_err(|error| error.to_string()) });
    tokio::time::sleep(A_WHILE).await;
    assert!(!page.is_finished() && !command.is_finished(), "each waits for its turn");
    drop(write);
    match (page.await.unwrap(), command.await.unwrap()) {
        (303, Err(words)) => assert!(words.contains("is the only admin"), "{words}"),
        (422, Ok(())) => {}
        (status, done) => panic!("the page answered {status} and the command ended with {done:?}"),
    }
    assert!(accounts::has_admin(&mut portal.app.db.read().await.unwrap()).await.unwrap());
}

#[tokio::test]
async fn metrics_tell_what_happened_and_no_secret() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let Some(portal) = Portal::set_up(engine, Setup { url: "http://127.0.0.1:8080", ..Setup::default() }).await {
            metrics_tell_of(&portal).await;
        }
    }
}

async fn metrics_tell_of(portal: &Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await.opens("/join/gci_secret").await.is_answered(410);
    assert_eq!(ada.gets("/metrics").await.status, 403, "from elsewhere");
    ada.address = SocketAddr::from(([127, 0, 0, 1], 1));
    let reply = ada.gets("/metrics").await;
    let text = reply.text();
    assert_eq!(reply.status, 200, "{text}");
    let line = |part: &str| text.lines().find(|l| l.contains(part)).unwrap_or_else(|| panic!("no {part} in\n{text}")).to_owned();
    // The counters are the process's: other tests count in them too, so their lines are looked for, not their numbers.
    line(r#"groundcrew_requests_total{method="GET",route="/join/{token}",status="410"}"#);
    line(r#"groundcrew_sign_ins_total{result="right"}"#);
    line(r#"groundcrew_jobs{state="waiting"}"#);
    line("groundcrew_active_sign_ins");
    line("groundcrew_request_seconds_bucket");
    assert!(!text.contains("gci_secret") && !text.contains("ada@"));
    ada.headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
    assert_eq!(ada.gets("/metrics").await.status, 403, "through a proxy on this machine");
}

#[tokio::test]
async fn metrics_of_a_public_portal_need_a_token_since_a_proxy_may_add_no_header() {
    for (url, status) in
        [("https://portal.example.org", 403), ("http://127.0.0.1.example.org", 403), ("http://[::1]:8080", 200), ("http://localhost", 200)]
    {
        let portal = Portal::set_up(Engine::Sqlite, Setup { url, ..Setup::default() }).await.unwrap();
        let mut proxy = portal.visitor();
        proxy.address = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(proxy.gets("/metrics").await.status, status, "{url}");
    }
}

#[tokio::test]
async fn metrics_with_a_token_ask_for_it_even_from_this_machine() {
    let outside = Outside { metrics_token: Some("of the scraper".to_owned()), ..Outside::default() };
    let portal = Portal::set_up(Engine::Sqlite, Setup { outside, ..Setup::default() }).await.unwrap();
    let mut scraper = portal.visitor();
    scraper.address = SocketAddr::from(([127, 0, 0, 1], 1));
    for (given, status) in [("", 401), ("Bearer wrong", 401), ("Bearer of the scraper", 200)] {
        let request = Request::get("/metrics").header("authorization", given).body(Body::empty()).unwrap();
        assert_eq!(scraper.sends(request).await.status, status, "{given:?}");
    }
}

async fn settings_are_read_again_after_a_change(portal: Portal) {
    let app = &portal.app;
    let mut visitor = portal.visitor();
    visitor.opens("/login").await.sees("Groundcrew");
    let old = app.settings();
    let new = groundcrew::settings::Settings {
        name: "Hangar <7>".to_owned(),
        colour: "#12ab34".to_owned(),
        sign_up: "Write to crew@example.org.\n\nWe answer in a day.".to_owned(),
        ..(*old).clone()
    };
    let mut write = app.db.write("settings").await.unwrap();
    let changed = groundcrew::settings::store::set(&mut write, &old, &new, "somebody", portal.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(changed, ["name", "colour", "sign_up"]);
    app.reload_settings().await.unwrap();
    visitor.opens("/login").await.sees("Hangar <7>").sees("We answer in a day.");
    assert!(visitor.page.html.contains("stroke: #12ab34"));
    assert_eq!(*app.settings(), new);
}

/// Runs the program on a data folder: whether it ended well, and what it said.
fn groundcrew(data: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew"));
    command.args(args).arg("--data").arg(data).env_remove("DATABASE_URL").env_remove("GROUNDCREW_URL").env_remove("GROUNDCREW_KEY_FILE");
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(std::env::temp_dir().join(format!("groundcrew-test-{}", uuid::Uuid::now_v7())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn accounts_are_run_from_the_command_line() {
    let folder = Folder::new();
    let data = folder.0.as_path();
    let (good, said) = groundcrew(data, &["user", "add", "Jo@example.org", "--name", "Jo Park", "--admin", "--url", "https://portal.test/"]);
    assert!(good && said.contains("https://portal.test/reset/gcr_"), "{said}");
    let (good, said) = groundcrew(data, &["user", "add", "jo@example.org"]);
    assert!(!good && said.contains("has an account already"), "{said}");
    let (good, said) = groundcrew(data, &["user", "add", "ada@example.org"]);
    assert!(good, "{said}");
    let (_, said) = groundcrew(data, &["user", "list"]);
    assert!(said.contains("jo@example.org\tJo Park") && said.lines().any(|l| l.starts_with("ada@example.org\tada\t")), "{said}");
    let (good, said) = groundcrew(data, &["user", "disable", "jo@example.org"]);
    assert!(!good && said.contains("is the only admin"), "{said}");
    let (good, said) = groundcrew(data, &["user", "disable", "ada@example.org"]);
    assert!(good, "{said}");
    assert!(groundcrew(data, &["user", "list"]).1.contains("disabled"));
    assert!(groundcrew(data, &["user", "enable", "ada@example.org"]).0);
    assert!(groundcrew(data, &["user", "sign-out", "ada@example.org"]).1.contains("0 sign-in(s)"));
    let (good, said) = groundcrew(data, &["user", "reset", "nobody@example.org"]);
    assert!(!good && said.contains("nobody has the address"), "{said}");
    let (good, said) = groundcrew(data, &["user", "add", "not-an-address"]);
    assert!(!good && said.contains("is not an e-mail address"), "{said}");
    // The link that was printed works.
    let link = groundcrew(data, &["user", "reset", "ada@example.org"]).1;
    let token = link.trim().strip_prefix("http://127.0.0.1:8080/reset/").unwrap().to_owned();
    let db = Db::sqlite(&data.join("groundcrew.db")).await.unwrap();
    let now = groundcrew::clock::Clock::system().now();
    let person = accounts::reset_of(&mut db.read().await.unwrap(), &groundcrew::secrets::token_hash(&token), now).await.unwrap();
    assert_eq!(person.unwrap().email.as_str(), "ada@example.org");
}

#[test]
fn half_a_request_does_not_keep_the_portal_from_ending() {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;
    let folder = Folder::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew"));
    command.args(["serve", "--listen", &address.to_string(), "--data"]).arg(&folder.0);
    command.env_remove("DATABASE_URL").env_remove("GROUNDCREW_URL").env_remove("GROUNDCREW_KEY_FILE");
    let mut portal = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) => assert!(begun.elapsed() < Duration::from_secs(60), "it doesn't start"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").arg(portal.id().to_string()).status().unwrap().success());
    let told = Instant::now();
    while portal.try_wait().unwrap().is_none() && told.elapsed() < Duration::from_secs(25) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let ended = portal.try_wait().unwrap();
    let _ = portal.kill();
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
}

#[tokio::test]
async fn rotated_keys_open_what_was_sealed_before_and_seal_it_again() {
    let folder = Folder::new();
    let data = folder.0.as_path();
    let (good, said) = groundcrew(data, &["keys", "show"]);
    assert!(!good && said.contains("there is no root key"), "{said}");
    assert!(groundcrew(data, &["user", "add", "jo@example.org"]).0);
    let first = groundcrew(data, &["keys", "show"]).1;
    assert_eq!(first.lines().count(), 1);
    // A running portal has the old key in memory, and a mail waits under it.
    let running = Keys::open(&data.join("root.key")).unwrap();
    let db = Db::sqlite(&data.join("groundcrew.db")).await.unwrap();
    let mut write = db.write("test").await.unwrap();
    let mail = Mail { to: "jo@example.org", subject: "A link", body: "https://portal.test/reset/x" };
    notices::mail(&mut write, &running, &mail, groundcrew::clock::Clock::system().now()).await.unwrap();
    write.commit().await.unwrap();
    // Another waits under a key that was lost, as after a restore without it.
    let mut write = db.write("test").await.unwrap();
    notices::mail(&mut write, &Keys::random().unwrap(), &mail, groundcrew::clock::Clock::system().now()).await.unwrap();
    write.commit().await.unwrap();
    let (good, said) = groundcrew(data, &["keys", "rotate"]);
    assert!(good && said.contains("1 stored value(s) sealed again") && said.contains("1 waiting mail(s)"), "{said}");
    let shown = groundcrew(data, &["keys", "show"]).1;
    let ids: Vec<&str> = shown.lines().map(|l| l.split('\t').next().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[1], first.split('\t').next().unwrap());
    let sealed = notices::store::sealed(&mut db.read().await.unwrap()).await.unwrap();
    assert!(sealed[0].1.starts_with(ids[0]), "under the new key");
    assert!(!sealed[0].1.contains("reset"));
    assert_eq!(running.open_text(notices::store::PURPOSE, sealed[0].0.as_str(), &sealed[0].1).unwrap(), mail.body);
}
