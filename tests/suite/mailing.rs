//! Mail leaves by SMTP, once each, and waits when the server doesn't take it.
use crate::people::{Portal, Setup};
use groundcrew::app::Outside;
use groundcrew::db::Engine;
use groundcrew::notices::work::{Post, send_next};
use groundcrew::notices::{self, Mail};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// A mail server of a few lines on loopback: what it received, and whether it takes anything now.
#[derive(Clone, Default)]
struct MailServer {
    received: Arc<Mutex<Vec<String>>>,
    is_full: Arc<Mutex<bool>>,
}

impl MailServer {
    async fn start() -> (MailServer, Post) {
        let server = MailServer::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let post = Post::smtp(&format!("smtp://{}", listener.local_addr().unwrap()), "Crew <crew@portal.test>").unwrap();
        let taking = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = taking.clone();
                tokio::spawn(async move { server.talks(stream).await });
            }
        });
        (server, post)
    }

    async fn talks(&self, stream: tokio::net::TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 here\r\n").await?;
        let mut mail: Option<String> = None;
        while let Some(line) = lines.next_line().await? {
            let answer = match &mut mail {
                Some(text) if line == "." => {
                    self.received.lock().unwrap().push(std::mem::take(text));
                    mail = None;
                    "250 taken"
                }
                Some(text) => {
                    text.push_str(&line);
                    text.push('\n');
                    continue;
                }
                None if line.starts_with("RCPT") && *self.is_full.lock().unwrap() => "452 mailbox full",
                None if line == "DATA" => {
                    mail = Some(String::new());
                    "354 go on"
                }
                None if line == "QUIT" => "221 bye",
                None => "250 fine",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

async fn puts_a_mail(portal: &Portal, to: &str) {
    let mut write = portal.app.db.write("test").await.unwrap();
    let mail = Mail { to, subject: "Grüße aus dem Hangar", body: "Your link:\n\nhttps://portal.test/reset/gcr_1\n" };
    notices::mail(&mut write, &portal.app.keys, &mail, portal.clock.now()).await.unwrap();
    write.commit().await.unwrap();
}

async fn outbox(portal: &Portal) -> (i64, i64) {
    notices::store::outbox(&mut portal.app.db.read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_help_names_only_servers_that_are_taken() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_groundcrew")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let named: Vec<&str> = help.split_whitespace().filter(|w| w.starts_with("smtp")).map(|w| w.trim_end_matches([',', ';'])).collect();
    assert_eq!(named.len(), 3, "{help}");
    for url in named {
        assert!(Post::smtp(url, "crew@portal.test").is_ok(), "{url}");
    }
}

#[tokio::test]
async fn a_mail_is_sent_and_a_refused_one_waits_and_is_tried_again() {
    let (server, post) = MailServer::start().await;
    let portal = Portal::set_up(Engine::Sqlite, Setup { outside: Outside { post, ..Outside::default() }, ..Setup::default() }).await.unwrap();
    assert!(!send_next(&portal.app).await.unwrap(), "nothing waits");
    *server.is_full.lock().unwrap() = true;
    puts_a_mail(&portal, "ada@example.org").await;
    assert!(send_next(&portal.app).await.unwrap());
    assert_eq!(outbox(&portal).await, (1, 0));
    assert!(!send_next(&portal.app).await.unwrap(), "it waits a minute");
    *server.is_full.lock().unwrap() = false;
    portal.wait(Duration::from_secs(61));
    assert!(send_next(&portal.app).await.unwrap());
    assert_eq!(outbox(&portal).await, (0, 0), "nothing of it is kept");
    let received = server.received.lock().unwrap().clone();
    assert_eq!(received.len(), 1);
    for part in ["From: Groundcrew <crew@portal.test>", "To: ada@example.org", "https://portal.test/reset/gcr_1", "Message-ID: <"] {
        assert!(received[0].contains(part), "{part:?} isn't in\n{}", received[0]);
    }
}

#[tokio::test]
async fn a_mail_nobody_takes_is_given_up_in_the_end_and_holds_up_no_other() {
    let (server, post) = MailServer::start().await;
    let portal = Portal::set_up(Engine::Sqlite, Setup { outside: Outside { post, ..Outside::default() }, ..Setup::default() }).await.unwrap();
    puts_a_mail(&portal, "not an address").await;
    for _ in 0..12 {
        send_next(&portal.app).await.unwrap();
        portal.wait(Duration::from_secs(6 * 3600 + 1));
    }
    assert_eq!(outbox(&portal).await, (0, 1));
    puts_a_mail(&portal, "ada@example.org").await;
    assert!(send_next(&portal.app).await.unwrap());
    assert_eq!(server.received.lock().unwrap().len(), 1);
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin").await.sees("1 mail of the last 30 days was given up after 8 tries");
    groundcrew::notices::work::sweep(&portal.app).await.unwrap();
    assert_eq!(outbox(&portal).await, (0, 1));
    portal.wait(Duration::from_secs(29 * 86_400));
    groundcrew::notices::work::sweep(&portal.app).await.unwrap();
    assert_eq!(outbox(&portal).await, (0, 0));
}

#[tokio::test]
async fn two_senders_send_each_mail_once() {
    let (server, post) = MailServer::start().await;
    let Some(portal) = Portal::set_up(Engine::Postgres, Setup { outside: Outside { post, ..Outside::default() }, ..Setup::default() }).await else {
        return;
    };
    for i in 0..20 {
        puts_a_mail(&portal, &format!("p{i}@example.org")).await;
    }
    let senders = [(); 4].map(|()| {
        let app = portal.app.clone();
        tokio::spawn(async move { while send_next(&app).await.unwrap() {} })
    });
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(server.received.lock().unwrap().len(), 20);
    assert_eq!(outbox(&portal).await, (0, 0));
}
