//! People sign in and out, guess, are slowed down, and see where they are signed in.
use crate::people::{PASSWORD, Portal, Setup};
use axum::body::Body;
use axum::http::{Request, header};
use groundcrew::app::Outside;
use groundcrew::db::Engine;
use std::net::SocketAddr;
use std::time::Duration;

on_both!(
    ada_signs_in_and_out,
    a_stranger_is_led_to_the_sign_in_and_back,
    guessing_one_account_is_slowed_down_and_says_for_how_long,
    whoever_must_wait_keeps_what_they_typed,
    guessing_many_accounts_from_one_address_is_slowed_down,
    tries_at_once_are_all_counted,
    a_sign_in_can_be_ended_from_another_device,
    a_sign_in_lives_thirty_days_from_its_last_use,
    a_disabled_account_is_out_at_once,
    a_changed_password_signs_other_devices_out,
    the_profile_keeps_what_was_typed_until_it_is_right,
    forms_of_other_sites_are_refused,
    a_character_that_is_no_text_is_refused_before_it_is_looked_up_or_kept,
);

async fn ada_signs_in_and_out(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await.sees("Ada Moreno");
    ada.opens("/account").await.is_answered(200).sees("ada@example.org");
    let token = ada.cookies["groundcrew"].0.clone();
    ada.presses("Sign out").await.is_at("/login").sees("You are signed out.");
    assert!(!ada.is_signed_in());
    ada.cookies.insert("groundcrew".to_owned(), (token, String::new()));
    ada.opens("/account").await.is_at("/login");
}

async fn a_stranger_is_led_to_the_sign_in_and_back(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.opens("/account/tokens").await.is_at("/login");
    ada.fills("Email", " ADA@example.org ").fills("Password", PASSWORD).presses("Sign in").await.is_at("/account/tokens").is_answered(200);
    // A signed-in person has no business at the sign-in.
    assert_eq!(ada.gets("/login?next=/account").await.header("location"), "/account");
    for away in ["//evil.test", "/%09/evil.test", "/%5Cevil.test"] {
        assert_eq!(ada.gets(&format!("/login?next={away}")).await.header("location"), "/", "{away}");
    }
    assert_eq!(portal.visitor().gets("/api/anything").await.status, 404);
}

async fn guessing_one_account_is_slowed_down_and_says_for_how_long(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut mallory = portal.visitor();
    mallory.opens("/login").await;
    for _ in 0..5 {
        mallory.fills("Email", "ada@example.org").fills("Password", "a wrong guess").presses("Sign in").await.is_answered(422);
        mallory.sees("The email or the password is wrong.");
        assert_eq!(mallory.page.field("Email").value, "ada@example.org", "nothing typed is lost");
        assert_eq!(mallory.page.field("Password").value, "");
    }
    mallory.fills("Password", "a wrong guess").presses("Sign in").await.is_answered(429).sees("Wait 30 seconds and try again.");
    assert_eq!(mallory.page.headers["retry-after"], "30");
    // Even the right password waits, from wherever it comes.
    ada.address = SocketAddr::from(([198, 51, 100, 7], 1));
    ada.opens("/login").await.fills("Email", "ada@example.org").fills("Password", PASSWORD).presses("Sign in").await.is_answered(429);
    portal.wait(Duration::from_secs(31));
    ada.signs_in().await;
    // Her success ends the count of her account.
    let mut bob = ada.other_browser();
    bob.opens("/login").await.fills("Email", "ada@example.org").fills("Password", "mistyped it").presses("Sign in").await.is_answered(422);
    bob.fills("Password", PASSWORD).presses("Sign in").await;
    assert!(bob.is_signed_in());
}

async fn whoever_must_wait_keeps_what_they_typed(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await.opens("/account").await;
    for status in [422, 422, 422, 422, 422, 429] {
        ada.fills("Current password", "a wrong guess").fills("New password", "another four plain words").presses("Change password").await;
        ada.is_answered(status);
    }
    ada.sees("Too many tries. Wait 30 seconds").sees("Change password");
    let amber = portal.cohort("Amber").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens(&format!("/cohorts/{amber}/people")).await.presses("Make the link").await;
    let link = jo.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let mut mallory = portal.visitor();
    mallory.address = SocketAddr::from(([198, 51, 100, 7], 1));
    for _ in 0..30 {
        let tried = [("name", "M"), ("email", "ada@example.org"), ("password", "another four plain words")];
        assert_eq!(mallory.posts(&link, &tried).await.status, 409);
    }
    mallory.opens(&link).await.fills("Name", "Lena").fills("Email", "lena@example.org").fills("Password", PASSWORD).presses("Join").await;
    mallory.is_answered(429).sees("Too many tries. Wait 30 seconds");
    assert_eq!(
        (mallory.page.field("Name").value.clone(), mallory.page.field("Email").value.clone()),
        ("Lena".to_owned(), "lena@example.org".to_owned())
    );
}

async fn guessing_many_accounts_from_one_address_is_slowed_down(portal: Portal) {
    let mut mallory = portal.visitor();
    let mut answers = Vec::new();
    for i in 0..32 {
        answers.push(mallory.posts("/login", &[("email", &format!("guess{i}@example.org")), ("password", "password1234")]).await.status.as_u16());
    }
    assert_eq!(answers.iter().filter(|s| **s == 422).count(), 30);
    assert_eq!(answers[30..], [429, 429]);
    let mut elsewhere = portal.visitor();
    elsewhere.address = SocketAddr::from(([198, 51, 100, 7], 1));
    assert_eq!(elsewhere.posts("/login", &[("email", "guess@example.org"), ("password", "password1234")]).await.status, 422);
}

async fn tries_at_once_are_all_counted(portal: Portal) {
    portal.person("Ada Moreno", "ada@example.org").await;
    let tries = (0..12).map(|i| {
        let mut mallory = portal.visitor();
        mallory.address = SocketAddr::from(([198, 51, 100, i], 1));
        tokio::spawn(async move { mallory.posts("/login", &[("email", "ada@example.org"), ("password", "guess")]).await.status.as_u16() })
    });
    let mut looked_at = 0;
    for answer in tries.collect::<Vec<_>>() {
        looked_at += u32::from(answer.await.unwrap() == 422);
    }
    assert_eq!(looked_at, 5, "only the free tries were compared");
}

async fn a_sign_in_can_be_ended_from_another_device(portal: Portal) {
    let mut laptop = portal.person("Ada Moreno", "ada@example.org").await;
    let mut phone = laptop.other_browser();
    phone.headers.insert(header::USER_AGENT, "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1".parse().unwrap());
    phone.address = SocketAddr::from(([198, 51, 100, 7], 1));
    laptop.signs_in().await;
    phone.signs_in().await;
    laptop.opens("/account/sign-ins").await.sees("Firefox on Linux").sees("Safari on iPhone").sees("from 198.51.100.7").sees("this device");
    laptop.presses("Sign out Safari on iPhone").await.sees("That device is signed out.").does_not_see("iPhone");
    phone.opens("/account").await.is_at("/login");
    laptop.opens("/account").await.is_at("/account");
    // Nobody ends somebody else's: it isn't there for them.
    let mut bob = portal.person("Bob", "bob@example.org").await;
    bob.signs_in().await;
    phone.signs_in().await;
    let adas = laptop.opens("/account/sign-ins").await.page.button("Sign out Safari").0.action.clone();
    assert_eq!(bob.posts(&adas, &[]).await.status, 404);
    phone.opens("/account").await.is_at("/account");
    laptop.opens("/account/sign-ins").await.presses("Sign out everywhere else").await;
    phone.opens("/account").await.is_at("/login");
    bob.opens("/account").await.is_at("/account");
}

async fn a_sign_in_lives_thirty_days_from_its_last_use(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    let day = Duration::from_secs(86_400);
    for _ in 0..3 {
        portal.wait(day * 20);
        let reply = ada.gets("/account").await;
        assert_eq!(reply.status, 200);
        assert!(reply.header("set-cookie").contains("Max-Age=2592000"), "the browser's copy lives on too");
    }
    portal.wait(Duration::from_secs(240));
    assert_eq!(ada.gets("/account").await.header("set-cookie"), "", "its use is noted at most every five minutes");
    portal.wait(day * 31);
    ada.opens("/account").await.is_at("/login");
}

async fn a_disabled_account_is_out_at_once(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    let id = portal.who("ada@example.org").await.id;
    let mut write = portal.app.db.write("test").await.unwrap();
    groundcrew::accounts::store::set_disabled(&mut write, &id, Some(portal.clock.now())).await.unwrap();
    write.commit().await.unwrap();
    ada.opens("/account").await.is_at("/login");
    ada.fills("Email", "ada@example.org").fills("Password", PASSWORD).presses("Sign in").await.is_answered(422);
}

async fn a_changed_password_signs_other_devices_out(portal: Portal) {
    let mut laptop = portal.person("Ada Moreno", "ada@example.org").await;
    let mut phone = laptop.other_browser();
    laptop.signs_in().await;
    phone.signs_in().await;
    laptop.opens("/account").await.fills("Current password", "not it").fills("New password", "short").presses("Change password").await;
    laptop.is_answered(422).sees("This isn't your current password.").sees("Use at least 10 characters");
    laptop.fills("Current password", PASSWORD).fills("New password", "another four plain words").presses("Change password").await;
    laptop.sees("Your password is changed; other devices are signed out.");
    phone.opens("/account").await.is_at("/login");
    phone.fills("Email", "ada@example.org").fills("Password", PASSWORD).presses("Sign in").await.is_answered(422);
    phone.fills("Password", "another four plain words").presses("Sign in").await;
    assert!(phone.is_signed_in());
}

async fn the_profile_keeps_what_was_typed_until_it_is_right(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    ada.opens("/account").await.fills("Name", " ").fills("Time zone", "America/New_York").presses("Save").await.is_answered(422);
    ada.sees("Say what you want to be called.");
    assert_eq!(ada.page.field("Time zone").value, "America/New_York");
    ada.fills("Name", "Ada <b>M.</b>").presses("Save").await.sees("Saved.").sees("Ada <b>M.</b>");
    let person = portal.who("ada@example.org").await;
    assert_eq!((person.name.as_str(), person.zone.as_str()), ("Ada <b>M.</b>", "America/New_York"));
}

async fn forms_of_other_sites_are_refused(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
        let request = Request::post("/account/sign-ins/revoke").header(name, value).body(Body::empty()).unwrap();
        let reply = ada.sends(request).await;
        assert_eq!(reply.status, 403, "{name}: {value}");
        assert!(reply.text().contains("sent from another site") && reply.text().contains("</html>"), "{}", reply.text());
    }
    let api = Request::post("/api/labs/x/submissions").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert!(ada.sends(api).await.json()["message"].as_str().unwrap().contains("sent from another site"));
    let own = Request::post("/account/sign-ins/revoke").header("origin", "http://portal.test").body(Body::empty()).unwrap();
    assert_eq!(ada.sends(own).await.status, 303);
}

async fn a_character_that_is_no_text_is_refused_before_it_is_looked_up_or_kept(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    assert_eq!(ada.posts("/login", &[("email", "a\0@b.cd"), ("password", PASSWORD)]).await.status, 422);
    assert_eq!(ada.gets("/login?next=/%00x").await.status, 422);
    ada.signs_in().await;
    let reply = ada.posts("/account/tokens", &[("name", "my\0laptop"), ("days", "7")]).await;
    assert!(reply.status == 422 && reply.text().contains("holds a NUL"), "{}", reply.text());
    assert_eq!(ada.gets("/rules/%00").await.status, 404);
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites_and_over_https_from_plain_http() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    assert_eq!(ada.cookies["groundcrew"].1, "Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000");

    let portal = Portal::set_up(Engine::Sqlite, Setup { url: "https://portal.test", ..Setup::default() }).await.unwrap();
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    assert_eq!(ada.cookies["__Host-groundcrew"].1, "Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure");
    ada.opens("/account").await;
    assert!(ada.page.headers["strict-transport-security"].to_str().unwrap().contains("max-age="));
    let reply = ada.posts("/account", &[("name", "Ada"), ("zone", "UTC")]).await;
    assert!(reply.header("set-cookie").ends_with("; Secure"), "{}", reply.header("set-cookie"));
}

#[tokio::test]
async fn without_a_database_a_page_with_a_reference_is_shown() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    portal.app.db.close().await;
    ada.opens("/account").await.is_answered(500).sees("Something broke on our side").sees("Reference");
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_clients_are_told_apart() {
    let outside = Outside { trusted_proxies: vec!["10.0.0.1".parse().unwrap()], ..Outside::default() };
    let portal = Portal::set_up(Engine::Sqlite, Setup { outside, ..Setup::default() }).await.unwrap();
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.address = SocketAddr::from(([10, 0, 0, 1], 1));
    ada.headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.5".parse().unwrap());
    ada.signs_in().await.opens("/account/sign-ins").await.sees("from 203.0.113.5").does_not_see("6.6.6.6");
    // Somebody who isn't that proxy writes the header in vain.
    let mut eve = ada.other_browser();
    eve.address = SocketAddr::from(([192, 0, 2, 66], 1));
    eve.signs_in().await.opens("/account/sign-ins").await.sees("from 192.0.2.66");
}

#[tokio::test]
async fn a_demo_signs_in_by_one_click_and_nothing_else_does() {
    let portal = Portal::set_up(Engine::Sqlite, Setup { demo: true, ..Setup::default() }).await.unwrap();
    portal.person("Ada Moreno", "student@demo.test").await;
    let mut visitor = portal.visitor();
    visitor.opens("/login?next=/account").await.presses("Sign in as student").await.is_at("/account").sees("student@demo.test");

    let real = Portal::start(Engine::Sqlite).await.unwrap();
    real.person("Ada Moreno", "student@demo.test").await;
    let mut visitor = real.visitor();
    assert_eq!(visitor.posts("/demo/sign-in", &[("who", "student")]).await.status, 404);
    visitor.opens("/login").await.does_not_see("look around as");
}
