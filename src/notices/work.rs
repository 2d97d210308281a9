//! Sends the outbox: by SMTP where a server is set, into the log in a demo, and not at all otherwise.
use super::{MOST_TRIES, Waiting, store, wait_after};
use crate::app::App;
use crate::db::Db;
use crate::db::values::Timestamp;
use crate::error::Error;
use crate::secrets::Keys;
use anyhow::{Context as _, Result};
use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::time::Duration;

/// How mail leaves this portal.
#[derive(Debug, Clone, Default)]
pub enum Post {
    /// No server is set: an admin copies links and hands them over.
    #[default]
    Nowhere,
    /// A demo's mail is shown in the log: its people are made up.
    Log,
    Smtp {
        transport: AsyncSmtpTransport<Tokio1Executor>,
        from: Mailbox,
    },
}

impl Post {
    /// Reads the settings; `url` is smtp://, smtps:// or smtp://…?tls=required.
    pub fn smtp(url: &str, from: &str) -> Result<Post> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .ok()
            .context("GROUNDCREW_SMTP can't be read: use smtp://HOST:25, smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST:587?tls=required")?
            .timeout(Some(Duration::from_secs(20)))
            .build();
        let from = from.parse().with_context(|| format!("GROUNDCREW_MAIL_FROM is {from:?}: it must be an address"))?;
        Ok(Post::Smtp { transport, from })
    }

    /// Whether a mail put into the outbox will leave it.
    pub fn delivers(&self) -> bool {
        !matches!(self, Post::Nowhere)
    }

    async fn send(&self, mail: &Waiting, body: String, portal: &str) -> Result<()> {
        match self {
            Post::Nowhere => anyhow::bail!("no mail server is set"),
            Post::Log => {
                tracing::info!(to = mail.recipient, subject = mail.subject, "mail (shown because this is a demo):\n{body}");
                Ok(())
            }
            Post::Smtp { transport, from } => {
                let from = Mailbox::new(Some(portal.to_owned()), from.email.clone());
                let to = mail.recipient.parse().context("the recipient is no address")?;
                let message = Message::builder()
                    .from(from)
                    .to(to)
                    .subject(&mail.subject)
                    // One id for every try, so that a mail sent twice arrives once.
                    .message_id(Some(format!("<{}@groundcrew>", mail.id)))
                    .header(ContentType::TEXT_PLAIN)
                    .body(body)?;
                transport.send(message).await?;
                Ok(())
            }
        }
    }
}

/// How long a sender holds a mail before another may try it.
const CLAIM: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(2);

const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// Mails that were given up are counted on the admin's page so long.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// Sends what waits until the process stops. Several may run: each mail is claimed by one.
pub async fn run(app: App) {
    let mut swept = Timestamp(0);
    while !app.stop.is_cancelled() {
        let now = app.clock.now();
        if now >= swept.plus(SWEEP_EVERY) {
            swept = now;
            if let Err(error) = sweep(&app).await {
                tracing::warn!(error = format!("{error:#}"), "mails given up can't be removed");
            }
        }
        match send_next(&app).await {
            Ok(true) => {}
            Ok(false) => pause(&app).await,
            Err(error) => {
                if let Error::Broken(error) = error {
                    tracing::warn!(error = format!("{error:#}"), "the outbox can't be read");
                }
                pause(&app).await;
            }
        }
    }
}

async fn pause(app: &App) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = app.stop.cancelled() => {}
    }
}

/// Removes the mails given up a month ago.
pub async fn sweep(app: &App) -> Result<()> {
    let mut write = app.db.write("outbox").await?;
    store::sweep(&mut write, app.clock.now().minus(KEPT)).await?;
    write.commit().await?;
    Ok(())
}

/// Sends one mail that is due; says whether there was one. Where no mail leaves, what waits since there was a server goes on waiting.
pub async fn send_next(app: &App) -> crate::error::Result<bool> {
    let now = app.clock.now();
    if !app.outside.post.delivers() || !store::is_due(&mut *app.db.read().await?, now).await? {
        return Ok(false);
    }
    let mut write = app.db.write("outbox").await?;
    let mail = store::claim(&mut write, now, now.plus(CLAIM)).await?;
    write.commit().await?;
    let Some(mail) = mail else { return Ok(false) };
    let result = match app.keys.open_text(store::PURPOSE, mail.id.as_str(), &mail.body) {
        Ok(body) => app.outside.post.send(&mail, body, &app.name()).await,
        Err(error) => Err(error),
    };
    let mut write = app.db.write("outbox").await?;
    match result {
        Ok(()) => store::sent(&mut write, &mail.id).await?,
        Err(error) => {
            let given_up = mail.tries >= MOST_TRIES;
            tracing::warn!(mail = mail.id.as_str(), tries = mail.tries, given_up, error = format!("{error:#}"), "a mail was not sent");
            store::failed(&mut write, &mail.id, app.clock.now().plus(wait_after(mail.tries)), &format!("{error:#}")).await?;
        }
    }
    write.commit().await?;
    Ok(true)
}

/// Seals every waiting mail again under the current key. Says how many there were, and how many no key opens: those were sealed
/// under a key that isn't there any more, as after a restore without it.
pub async fn reseal(db: &Db, keys: &Keys) -> Result<(usize, usize)> {
    let old = store::sealed(&mut *db.read().await?).await?;
    let mut write = db.write("outbox").await?;
    let (mut resealed, mut lost) = (0, 0);
    for (id, body) in old.iter().filter(|(_, body)| !keys.is_current(body)) {
        let Ok(plain) = keys.unseal(store::PURPOSE, id.as_str(), body) else {
            lost += 1;
            continue;
        };
        store::reseal(&mut write, id, body, &keys.seal(store::PURPOSE, id.as_str(), &plain)?).await?;
        resealed += 1;
    }
    write.commit().await?;
    Ok((resealed, lost))
}
