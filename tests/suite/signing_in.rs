//! People sign in.
use crate::people::Portal;

on_both!(a_stranger_is_led_to_the_sign_in_and_the_portal_is_ready);

async fn a_stranger_is_led_to_the_sign_in_and_the_portal_is_ready(portal: Portal) {
    let mut stranger = portal.visitor();
    assert_eq!(stranger.gets("/readyz").await.status, 200);
    assert_eq!(stranger.gets("/notifications").await.header("location"), "/login?next=/notifications");
    portal.person("Ada Moreno", "ada@example.org").await;
    assert_eq!(portal.who("ada@example.org").await.name, "Ada Moreno");
}
