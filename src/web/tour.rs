//! The demo's five-stop tour: a card whose words depend on the page, on or off by a cookie.
use super::site::Site;
use super::{Form, form, see};
use crate::app::App;
use crate::error::{Answer, Error};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};

const COOKIE: &str = "groundcrew-tour";

/// One card. The stop is told from the path, so that pressing a page's own buttons moves the tour along.
#[derive(Debug, PartialEq, Eq)]
pub struct Stop {
    /// 1 to 5; 0 on a page the tour doesn't pass.
    pub number: usize,
    pub title: &'static str,
    pub words: &'static str,
    pub next: Next,
}

/// How one gets to the stop after this one.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Go {
        path: &'static str,
        label: &'static str,
    },
    /// Another role sees it: one click signs in.
    As {
        who: &'static str,
        path: &'static str,
        label: &'static str,
    },
    /// By doing something.
    Do {
        path: &'static str,
        label: &'static str,
    },
    End,
}

const AWAY: Stop = Stop {
    number: 0,
    title: "Off the tour",
    words: "Look around as long as you like. The tour goes on where it began.",
    next: Next::As { who: "student", path: "/", label: "Back to stop 1" },
};

const STOPS: [Stop; 5] = [
    Stop {
        number: 1,
        title: "A student's day",
        words: "What to do next stands first, with due times in the student's own zone beside the cohort's. Below it: 16 weeks, and skills with evidence.",
        next: Next::Go { path: "/labs/chat-in-a-quota", label: "Next: a lab" },
    },
    Stop {
        number: 2,
        title: "Hand in something broken",
        words: "Below the lab's text one drops files or writes them. This button hands in a Deployment with four faults; the report arrives about a second later.",
        next: Next::Do { path: "/labs/chat-in-a-quota/sample", label: "Hand it in" },
    },
    Stop {
        number: 3,
        title: "Read what is wrong, and where",
        words: "Each finding names the line and column, says why it matters in production and how to fix it, in the student's own file.",
        next: Next::As { who: "instructor", path: "/review", label: "Next: as instructor" },
    },
    Stop {
        number: 4,
        title: "Review by keyboard",
        words: "j and k move, Enter opens, c comments, a accepts, r returns; ? lists them all. Each waiting hand-in has a promised date.",
        next: Next::Go { path: "/cohorts", label: "Next: the cohort" },
    },
    Stop {
        number: 5,
        title: "Who needs help",
        words: "24 students by 16 weeks. The pale rows ask for a word before they fall behind. That was the tour: all of it is yours to try.",
        next: Next::End,
    },
];

/// The card for a page, if the tour is on.
pub fn stop(headers: &HeaderMap, demo: bool, path: &str) -> Option<&'static Stop> {
    (demo && form::cookie(headers, COOKIE).as_deref() == Some("on")).then(|| at(path))
}

fn at(path: &str) -> &'static Stop {
    let area = path.trim_start_matches('/').split('/').next().unwrap_or("");
    match area {
        "" => &STOPS[0],
        "labs" => &STOPS[1],
        "submissions" => &STOPS[2],
        "review" => &STOPS[3],
        "cohorts" => &STOPS[4],
        _ => &AWAY,
    }
}

#[derive(serde::Deserialize)]
pub struct Turn {
    tour: String,
    next: Option<String>,
}

/// POST /tour: on or off, for this browser. Only a demo has one.
pub async fn turn(State(app): State<App>, site: Site, Form(turn): Form<Turn>) -> Answer {
    if !site.demo {
        return Err(Error::NotFound);
    }
    let (value, age) = if turn.tour == "on" { ("on", 86_400) } else { ("off", 0) };
    let secure = if app.is_https() { "; Secure" } else { "" };
    let mut response = see(form::local(turn.next.as_deref()))?;
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie)?);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_follows_the_page() {
        let numbers: Vec<_> = ["/", "/labs/chat-in-a-quota", "/submissions/x", "/review/x", "/cohorts/x"].map(|p| at(p).number).into();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(at("/account"), &AWAY);
    }

    #[test]
    fn only_a_demo_has_a_tour_and_only_when_switched_on() {
        let mut headers = HeaderMap::new();
        assert_eq!(stop(&headers, true, "/"), None);
        headers.insert(header::COOKIE, HeaderValue::from_static("groundcrew-tour=on"));
        assert_eq!(stop(&headers, true, "/").map(|s| s.number), Some(1));
        assert_eq!(stop(&headers, false, "/"), None);
    }
}
