//! `/notifications`: what a person was told, newest first.
use super::{Notification, NotificationId, store};
use crate::app::App;
use crate::error::{Answer, Error};
use crate::web::{self, Path, Site, Visitor, filters};
use askama::Template;
use axum::extract::State;

#[derive(Template)]
#[template(path = "notices/list.html")]
struct List {
    site: Site,
    notifications: Vec<Notification>,
    unseen: usize,
}

const MOST: i64 = 100;

/// GET /notifications
pub async fn list(State(app): State<App>, visitor: Visitor, site: Site) -> Answer {
    let mut conn = app.db.read().await?;
    let notifications = store::of_person(&mut conn, &visitor.person.id, MOST).await?;
    let unseen = notifications.iter().filter(|n| n.seen.is_none()).count();
    web::page(&List { site, notifications, unseen })
}

/// POST /notifications/seen: all of them.
pub async fn seen(State(app): State<App>, visitor: Visitor) -> Answer {
    let mut write = app.db.write(&visitor.person.id).await?;
    store::saw(&mut write, &visitor.person.id, None, app.clock.now()).await?;
    write.commit().await?;
    web::see("/notifications")
}

/// POST /notifications/{id}: marks one as seen and leads to what it is about.
pub async fn follow(State(app): State<App>, visitor: Visitor, Path(id): Path<NotificationId>) -> Answer {
    let notification = store::one(&mut *app.db.read().await?, &visitor.person.id, &id).await?.ok_or(Error::NotFound)?;
    let mut write = app.db.write(&visitor.person.id).await?;
    store::saw(&mut write, &visitor.person.id, Some(&id), app.clock.now()).await?;
    write.commit().await?;
    web::see(web::form::local(Some(&notification.link)))
}
