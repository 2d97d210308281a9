//! Personal tokens let programs act as a person, and nothing more; notifications are seen by their person alone.
use crate::people::{Person, Portal};
use axum::body::Body;
use axum::http::Request;
use groundcrew::commands::user;
use groundcrew::{accounts, notices, secrets};
use std::time::Duration;

on_both!(
    a_token_is_shown_once_and_stored_as_a_hash,
    a_token_opens_no_page,
    a_token_needs_a_name,
    a_reset_password_and_a_sign_out_by_an_admin_end_tokens,
    a_closed_account_that_is_opened_again_has_no_tokens,
    a_changed_password_ends_open_reset_links,
    a_person_reads_their_own_notifications,
);

async fn makes_a_token(ada: &mut Person) -> String {
    ada.opens("/account/tokens")
        .await
        .fills("Name", "my laptop")
        .fills("Works for", "30 days")
        .presses("Make token")
        .await
        .sees("shown only this once");
    assert_eq!(ada.page.headers["cache-control"], "no-store");
    ada.page.text.split_whitespace().find(|w| w.starts_with("gct_")).unwrap().to_owned()
}

/// Who a token speaks for.
async fn speaks_for(portal: &Portal, token: &str) -> Option<String> {
    let mut conn = portal.app.db.read().await.unwrap();
    let found = accounts::store::by_token(&mut conn, &secrets::token_hash(token), portal.clock.now()).await.unwrap();
    found.map(|f| f.email.to_string())
}

async fn a_token_is_shown_once_and_stored_as_a_hash(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    let token = makes_a_token(&mut ada).await;
    assert_eq!(speaks_for(&portal, &token).await.as_deref(), Some("ada@example.org"));
    assert_eq!(speaks_for(&portal, &secrets::token_hash(&token)).await, None, "the hash is no token");
    ada.opens("/account/tokens").await.sees("my laptop").does_not_see(&token);
    let mut bob = portal.person("Bob", "bob@example.org").await;
    bob.signs_in().await;
    let adas = ada.page.button("Revoke my laptop").0.action.clone();
    assert_eq!(bob.posts(&adas, &[]).await.status, 404);
    ada.presses("Revoke my laptop").await.sees("The token is revoked.").sees("No tokens yet");
    assert_eq!(speaks_for(&portal, &token).await, None);
    let token = makes_a_token(&mut ada).await;
    portal.wait(Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(speaks_for(&portal, &token).await, None, "its time is past");
}

async fn a_token_opens_no_page(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    let token = makes_a_token(&mut ada).await;
    let mut program = portal.visitor();
    let request = Request::get("/account").header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    let reply = program.sends(request).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/login?next=/account"));
}

async fn a_token_needs_a_name(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await.opens("/account/tokens").await.fills("Name", "  ").presses("Make token").await.is_answered(422).sees("Give it a name");
    assert_eq!(ada.posts("/account/tokens", &[("name", "for ever"), ("days", "99999")]).await.status, 422);
    ada.fills("Name", "my server").fills("Works for", "a year").presses("Make token").await.sees("until Wed 24 Nov 2027, 10:00 CET");
}

async fn a_reset_password_and_a_sign_out_by_an_admin_end_tokens(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    ada.signs_in().await;
    let token = makes_a_token(&mut ada).await;
    let link = accounts::pages::reset::link_for(&portal.app, &portal.who("ada@example.org").await, None).await.unwrap();
    ada.opens(link.strip_prefix("http://portal.test").unwrap()).await.sees("your tokens end");
    ada.fills("New password", "another four plain words").presses("Set password").await;
    assert_eq!(speaks_for(&portal, &token).await, None);
    let token = makes_a_token(&mut ada).await;
    jo.opens("/admin/people").await.follows("Ada Moreno").await.sees("1 browser, 1 token").follows("Sign out everywhere").await;
    jo.sees("their tokens end").presses("Sign out everywhere").await;
    assert_eq!(speaks_for(&portal, &token).await, None);
    ada.opens("/account").await.is_at("/login");
}

async fn a_closed_account_that_is_opened_again_has_no_tokens(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    let first = makes_a_token(ada.signs_in().await).await;
    jo.opens("/admin/people").await.follows("Ada Moreno").await.follows("Close the account").await.sees("their tokens end").presses("Close").await;
    jo.follows("Open the account again").await.presses("Open").await;
    assert_eq!(speaks_for(&portal, &first).await, None);
    let second = makes_a_token(ada.signs_in().await).await;
    user::disable(&portal.app, &portal.who("ada@example.org").await).await.unwrap();
    user::enable(&portal.app, &portal.who("ada@example.org").await).await.unwrap();
    assert_eq!(speaks_for(&portal, &second).await, None);
}

async fn a_changed_password_ends_open_reset_links(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    ada.signs_in().await;
    let token = makes_a_token(&mut ada).await;
    let link = accounts::pages::reset::link_for(&portal.app, &portal.who("ada@example.org").await, None).await.unwrap();
    let password = ada.password.clone();
    ada.opens("/account").await.fills("Current password", &password).fills("New password", "another four plain words");
    ada.presses("Change password").await.is_at("/account").follows("tokens").await.sees("my laptop");
    portal.visitor().opens(link.strip_prefix("http://portal.test").unwrap()).await.is_answered(410);
    assert_eq!(speaks_for(&portal, &token).await.as_deref(), Some("ada@example.org"), "programs go on");
}

async fn a_person_reads_their_own_notifications(portal: Portal) {
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut bob = portal.person("Bob", "bob@example.org").await;
    let id = portal.who("ada@example.org").await.id;
    let mut write = portal.app.db.write("test").await.unwrap();
    for (words, link) in [("Your review is back.", "/account/tokens"), ("The date moved.", "https://evil.test/")] {
        notices::notify(&mut write, &id, "review", words, link, portal.clock.now()).await.unwrap();
    }
    write.commit().await.unwrap();
    ada.signs_in().await;
    bob.signs_in().await;
    bob.opens("/notifications").await.sees("Nothing yet");
    ada.opens("/notifications").await.sees("Your review is back.").sees("new");
    let adas = ada.page.button("Open Your review is back.").0.action.clone();
    assert_eq!(bob.posts(&adas, &[]).await.status, 404);
    ada.presses("Open Your review is back.").await.is_at("/account/tokens");
    let reply = ada.opens("/notifications").await.page.button("Open The date moved.").0.action.clone();
    assert_eq!(ada.posts(&reply, &[]).await.header("location"), "/", "nobody is led away from the portal");
    ada.opens("/notifications").await.does_not_see("new ");
    assert!(!ada.page.forms.iter().any(|f| f.action == "/notifications/seen"), "nothing is left to mark");
}
