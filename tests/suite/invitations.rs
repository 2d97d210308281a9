//! People come in by links: invitations that work once, and links that set a new password.
use crate::people::{PASSWORD, Person, Portal, Setup};
use groundcrew::accounts::{NewPerson, store as accounts};
use groundcrew::app::Outside;
use groundcrew::audit;
use groundcrew::cohorts::{NewInvitation, Role, store as cohorts};
use groundcrew::db::Engine;
use groundcrew::notices::work::Post;
use groundcrew::{notices, secrets};
use std::time::Duration;

on_both!(
    an_admins_link_makes_one_admin_and_no_second,
    two_who_press_join_at_once_make_one_account,
    two_invitations_used_at_once_for_one_address_make_one_account,
    an_invitation_for_one_address_is_for_that_address,
    an_invitation_gives_an_account_that_exists_another_role,
    an_invitation_opens_no_account_that_is_there,
    an_old_invitation_no_longer_works,
    weak_passwords_are_refused_and_nothing_typed_is_lost,
);

async fn invited(portal: &Portal, role: Role, email: Option<&str>) -> String {
    let token = secrets::new_token("gci_").unwrap();
    let now = portal.clock.now();
    let mut write = portal.app.db.write("test").await.unwrap();
    let new = NewInvitation {
        token_hash: &secrets::token_hash(&token),
        email,
        name: email.map(|_| "Jo Park"),
        role,
        cohort: None,
        created_by: None,
        expires: now.plus(groundcrew::accounts::INVITATION_LIVES),
    };
    cohorts::invite(&mut write, &new, now).await.unwrap();
    write.commit().await.unwrap();
    format!("/join/{token}")
}

async fn joins<'a>(jo: &'a mut Person, link: &str) -> &'a mut Person {
    jo.opens(link).await.fills("Name", "Jo Park").fills("Email", "jo@example.org").fills("Password", PASSWORD).presses("Join").await
}

async fn an_admins_link_makes_one_admin_and_no_second(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    let mut jo = portal.visitor();
    joins(&mut jo, &link).await;
    assert!(jo.is_signed_in());
    assert!(portal.who("jo@example.org").await.is_admin());
    let mut second = portal.visitor();
    second.opens(&link).await.is_answered(410).sees("This invitation no longer works");
    assert_eq!(second.posts(&link, &[("name", "Eve"), ("email", "eve@example.org"), ("password", PASSWORD)]).await.status, 410);
    second.opens("/join/gci_nonsense").await.is_answered(410);
    let log = audit::store::list(&mut portal.app.db.read().await.unwrap(), &audit::Filter::default(), 10).await.unwrap();
    let actions: Vec<&str> = log.iter().map(|e| e.action.as_str()).collect();
    assert_eq!(actions, ["invitation.accepted", "person.joined"], "newest first");
    assert!(log.iter().all(|e| !format!("{:?} {} {:?}", e.actor, e.subject, e.fields).contains("jo@")), "ids alone");
    assert_eq!(log[0].actor.as_deref(), Some(portal.who("jo@example.org").await.id.as_str()));
    jo.opens("/admin/audit").await.sees("Jo Park");
}

async fn two_who_press_join_at_once_make_one_account(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    let tries = ["jo@example.org", "eve@example.org"].map(|email| {
        let (mut person, link) = (portal.visitor(), link.clone());
        tokio::spawn(async move { person.posts(&link, &[("name", "Jo"), ("email", email), ("password", PASSWORD)]).await.status.as_u16() })
    });
    let mut answers = Vec::new();
    for answer in tries {
        answers.push(answer.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [303, 410]);
    let people = accounts::list(&mut portal.app.db.read().await.unwrap(), "", None, 10).await.unwrap();
    assert_eq!(people.len(), 1, "what the slower one began is undone");
}

async fn two_invitations_used_at_once_for_one_address_make_one_account(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    // Another link's account, about to be kept.
    let mut write = portal.app.db.write("another invitation").await.unwrap();
    let email = "ada@example.org".parse().unwrap();
    let new = NewPerson { email: &email, name: "Ada Moreno", password: None, zone: "UTC", admin: false };
    accounts::create(&mut write, &new, portal.clock.now()).await.unwrap();
    let mut ada = portal.visitor();
    let second = tokio::spawn(async move { ada.posts(&link, &[("name", "Ada"), ("email", "ada@example.org"), ("password", PASSWORD)]).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    write.commit().await.unwrap();
    let reply = second.await.unwrap();
    assert_eq!(reply.status, 409);
    assert!(reply.text().contains("has an account already"), "{}", reply.text());
}

async fn an_invitation_for_one_address_is_for_that_address(portal: Portal) {
    let link = invited(&portal, Role::Admin, Some("jo@example.org")).await;
    let mut eve = portal.person("Eve", "eve@example.org").await;
    eve.signs_in().await.opens(&link).await.sees("This invitation is for jo@example.org");
    assert_eq!(eve.posts(&format!("{link}/accept"), &[]).await.status, 422);
    let mut jo = portal.visitor();
    jo.opens(&link).await;
    assert_eq!(jo.page.field("Name").value, "Jo Park");
    // The form's address is not believed.
    assert_eq!(jo.posts(&link, &[("name", "Jo"), ("email", "eve2@example.org"), ("password", PASSWORD)]).await.status, 303);
    assert!(portal.who("jo@example.org").await.is_admin());
}

async fn an_invitation_gives_an_account_that_exists_another_role(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    let mut jo = portal.person("Jo Park", "jo@example.org").await;
    // Without signing in nobody takes over an account by knowing its address.
    joins(&mut jo, &link).await.is_answered(409).sees("has an account already");
    jo.follows("Sign in to accept").await;
    jo.fills("Email", "jo@example.org").fills("Password", PASSWORD).presses("Sign in").await.is_at(&link);
    jo.presses("Accept").await;
    assert!(portal.who("jo@example.org").await.is_admin());
    jo.opens(&link).await.is_answered(410);
}

async fn an_invitation_opens_no_account_that_is_there(portal: Portal) {
    // As `user add --admin` makes it: its reset link is for its person alone.
    let mut write = portal.app.db.write("test").await.unwrap();
    let email = "jo@example.org".parse().unwrap();
    let new = NewPerson { email: &email, name: "J. Park", password: None, zone: "UTC", admin: true };
    accounts::create(&mut write, &new, portal.clock.now()).await.unwrap();
    write.commit().await.unwrap();
    let amber = portal.cohort("Amber").await;
    let mut ines = portal.instructor("Ines Fuchs", "ines@example.org", &amber).await;
    ines.opens(&format!("/cohorts/{amber}/people")).await.fills("Email", "jo@example.org").presses("Make the link").await;
    let link = ines.page.text.split_whitespace().find(|w| w.contains("/join/")).unwrap().split(".test").nth(1).unwrap().to_owned();
    let mut mallory = portal.visitor();
    mallory.opens(&link).await.sees("jo@example.org has an account already").sees("No password yet, or forgotten?");
    let reply = mallory.posts(&link, &[("name", "Mallory"), ("email", "jo@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(reply.status, 409);
    assert!(reply.text().contains("Ask for a link that sets one") && !mallory.is_signed_in());
    let mut conn = portal.app.db.read().await.unwrap();
    assert!(accounts::password_of(&mut conn, "jo@example.org").await.unwrap().is_none());
    assert_eq!(portal.who("jo@example.org").await.name, "J. Park");
}

async fn an_old_invitation_no_longer_works(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    let mut jo = portal.visitor();
    jo.opens(&link).await.is_answered(200);
    portal.wait(Duration::from_secs(14 * 86_400 + 1));
    jo.opens(&link).await.is_answered(410);
    assert_eq!(jo.posts(&link, &[("name", "Jo"), ("email", "jo@example.org"), ("password", PASSWORD)]).await.status, 410);
}

async fn weak_passwords_are_refused_and_nothing_typed_is_lost(portal: Portal) {
    let link = invited(&portal, Role::Admin, None).await;
    let mut jo = portal.visitor();
    jo.opens(&link).await.fills("Name", "Jo").fills("Email", "not an address").fills("Password", "qwertyuiop").presses("Join").await;
    jo.is_answered(422).sees("is not an e-mail address").sees("one of the first passwords anybody tries");
    assert_eq!(jo.page.field("Email").value, "not an address");
    assert_eq!(jo.page.field("Name").value, "Jo");
}

/// A portal whose mail is seen in its outbox, and the link in the last mail.
async fn with_mail() -> Portal {
    let outside = Outside { post: Post::Log, ..Outside::default() };
    Portal::set_up(Engine::Sqlite, Setup { outside, ..Setup::default() }).await.unwrap()
}

async fn mails(portal: &Portal) -> Vec<String> {
    let sealed = notices::store::sealed(&mut portal.app.db.read().await.unwrap()).await.unwrap();
    sealed.iter().map(|(id, body)| portal.app.keys.open_text(notices::store::PURPOSE, id.as_str(), body).unwrap()).collect()
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_a_link_that_works_once() {
    let portal = with_mail().await;
    let mut ada = portal.person("Ada Moreno", "ada@example.org").await;
    let mut phone = ada.other_browser();
    phone.signs_in().await;
    ada.opens("/login").await.follows("Forgot your password?").await.fills("Email", "Ada@example.org").presses("Send the link").await;
    ada.sees("If this address has an account");
    let mail = mails(&portal).await.pop().unwrap();
    let link = mail.split_whitespace().find_map(|w| w.strip_prefix("http://portal.test")).unwrap().to_owned();
    ada.opens(&link).await.sees("For ada@example.org").fills("New password", "short").presses("Set password").await.is_answered(422);
    ada.fills("New password", "another four plain words").presses("Set password").await;
    assert!(ada.is_signed_in());
    phone.opens("/account").await.is_at("/login");
    phone.opens(&link).await.is_answered(410);
    phone.opens("/login").await.fills("Email", "ada@example.org").fills("Password", "another four plain words").presses("Sign in").await;
    assert!(phone.is_signed_in());
    // She is told, in case it wasn't her; and what was sent leaves the outbox.
    assert!(mails(&portal).await.pop().unwrap().contains("was changed on Tue 24 Nov"));
    while notices::work::send_next(&portal.app).await.is_ok_and(|sent| sent) {}
    assert_eq!(mails(&portal).await.len(), 0);
}

#[tokio::test]
async fn asking_for_a_link_never_says_whether_an_account_exists() {
    let portal = with_mail().await;
    portal.person("Ada Moreno", "ada@example.org").await;
    let mut pages = Vec::new();
    for email in ["ada@example.org", "nobody@example.org", "not an address"] {
        let mut mallory = portal.visitor();
        mallory.opens("/reset").await.fills("Email", email).presses("Send the link").await;
        pages.push((mallory.page.status, mallory.page.text.clone()));
    }
    assert!(pages.iter().all(|p| *p == pages[0]), "{pages:?}");
    assert_eq!(mails(&portal).await.len(), 1);
    // Three mails to one address, then a pause; nothing typed is lost.
    for _ in 0..2 {
        assert_eq!(portal.visitor().posts("/reset", &[("email", "ada@example.org")]).await.status, 200);
    }
    let mut ada = portal.visitor();
    ada.opens("/reset").await.fills("Email", "ada@example.org").presses("Send the link").await.is_answered(429).sees("Too many tries. Wait");
    assert_eq!(ada.page.field("Email").value, "ada@example.org");
    assert!(ada.page.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_newer_link_replaces_an_older_and_each_ends_after_an_hour() {
    let portal = with_mail().await;
    portal.person("Ada Moreno", "ada@example.org").await;
    let ada = portal.who("ada@example.org").await;
    let make = || groundcrew::accounts::pages::reset::link_for(&portal.app, &ada, None);
    let (first, second) = (make().await.unwrap(), make().await.unwrap());
    let mut visitor = portal.visitor();
    visitor.opens(first.strip_prefix("http://portal.test").unwrap()).await.is_answered(410);
    let second = second.strip_prefix("http://portal.test").unwrap().to_owned();
    visitor.opens(&second).await.is_answered(200);
    portal.wait(Duration::from_secs(3601));
    visitor.opens(&second).await.is_answered(410);
}

#[tokio::test]
async fn without_a_mail_server_an_admin_is_asked_and_nothing_waits_in_the_outbox() {
    let portal = Portal::start(Engine::Sqlite).await.unwrap();
    portal.person("Ada Moreno", "ada@example.org").await;
    portal.visitor().opens("/reset").await.sees("Ask an admin");
    portal.visitor().posts("/reset", &[("email", "ada@example.org")]).await;
    assert_eq!(mails(&portal).await.len(), 0);
}
