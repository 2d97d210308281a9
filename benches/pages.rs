//! The student's home with 24 and with 5,000 students' data, against a constant page through the same layers; signing in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that can't be set up ends")]
mod measure;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use groundcrew::app::App;
use groundcrew::clock::Clock;
use groundcrew::db::Db;
use groundcrew::demo;
use groundcrew::engine::pool::Pool;
use groundcrew::secrets::Keys;
use groundcrew::web::routes;
use measure::Times;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;
use tower::ServiceExt as _;

const N: usize = 400;

#[tokio::main]
async fn main() {
    measure::machine();
    let dir = std::env::temp_dir().join(format!("groundcrew-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let app = open(&dir).await;
    let start = Instant::now();
    demo::fill(&app).await.unwrap();
    println!("{:<58} {:.1?}", "filling the demo: 24 students, nine weeks (aim 5 s)", start.elapsed());
    let router = routes::router(app.clone());
    let cookie = sign_in(&router).await;

    let home = visits(&router, "/", &cookie).await;
    home.print("home, 24 students");
    let constant = visits(&router, "/healthz", &cookie).await;
    constant.print("a constant page through the same layers and session");
    measure::ratio("home against the constant page", &home, &constant, "aim 15 or less");

    multiply(&app.db).await;
    // One after the other and again, so that a drifting machine moves both.
    let large = visits(&router, "/", &cookie).await;
    large.print("home, 5,000 students");
    measure::ratio("home with 5,000 students against 24", &large, &home, "aim under 1.3");

    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        sign_in(&router).await;
        times.push(start.elapsed());
    }
    Times::new(times).print("signing in, argon2id included");
    app.db.close().await;
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn open(dir: &Path) -> App {
    let db = Db::sqlite(&dir.join("bench.db")).await.unwrap();
    demo::decide(&db, true, Clock::system().now()).await.unwrap();
    let graders = Pool::new(env!("CARGO_BIN_EXE_groundcrew").into(), 2);
    let app = App::new(db, Clock::system(), Keys::random().unwrap(), "http://127.0.0.1:8080", true).grading_with(graders);
    app.programs.start(&app.db, &app.clock, None).await.unwrap();
    app
}

async fn visits(router: &Router, path: &str, cookie: &str) -> Times {
    for _ in 0..N / 10 {
        visit(router, path, cookie).await;
    }
    let mut times = Vec::new();
    for _ in 0..N {
        let start = Instant::now();
        visit(router, path, cookie).await;
        times.push(start.elapsed());
    }
    Times::new(times)
}

async fn visit(router: &Router, path: &str, cookie: &str) {
    let request =
        Request::get(path).header(header::COOKIE, cookie).header(header::HOST, "127.0.0.1:8080").extension(from()).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
}

fn from() -> axum::extract::ConnectInfo<SocketAddr> {
    axum::extract::ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)))
}

/// Signs the demo's student in with address and password; gives the cookie.
async fn sign_in(router: &Router) -> String {
    let form = format!("email={}&password={}", demo::STUDENT.replace('@', "%40"), demo::PASSWORD);
    let request = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ORIGIN, "http://127.0.0.1:8080")
        .extension(from())
        .body(Body::from(form))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|c| c.to_str().ok());
    let cookie = cookies.filter_map(|c| c.split(';').next()).find(|c| c.starts_with("groundcrew=")).map(str::to_owned);
    cookie.unwrap_or_else(|| panic!("signing in answered {}", response.status()))
}

/// Copies the 24 students' rows until there are 5,000 students.
async fn multiply(db: &Db) {
    let mut write = db.write("bench").await.unwrap();
    let tables = [
        (
            "people",
            "id || '-' || $1, $1 || email, name, name_key, NULL, zone, NULL, created, NULL",
            "id, email, name, name_key, password, zone, admin, created, disabled",
            "email LIKE 'student%'",
        ),
        (
            "enrolments",
            "id || '-' || $1, cohort, person || '-' || $1, status, factor, created, changed",
            "id, cohort, person, status, factor, created, changed",
            "1 = 1",
        ),
        (
            "submissions",
            "id || '-' || $1, enrolment || '-' || $1, lab, number, received, via, program, lab_hash, variant, statement",
            "id, enrolment, lab, number, received, via, program, lab_hash, variant, statement",
            "1 = 1",
        ),
        (
            "gradings",
            "id || '-' || $1, submission || '-' || $1, job || '-' || $1, lane, outcome, score, open, max, hidden_score, hidden_max, grader, lab_hash, finished, superseded, '{}'",
            "id, submission, job, lane, outcome, score, open, max, hidden_score, hidden_max, grader, lab_hash, finished, superseded, report",
            "1 = 1",
        ),
        ("findings", "grading || '-' || $1, seq, check_id, outcome, points, max", "grading, seq, check_id, outcome, points, max", "1 = 1"),
    ];
    for (table, values, columns, which) in tables {
        let key = columns.split(',').next().unwrap();
        for copy in 0..208 {
            // Only the originals are copied: their ids have no fifth dash.
            let sql = format!("INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {which} AND length({key}) = 36");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(copy.to_string()).execute(&mut *write).await.unwrap();
        }
    }
    write.commit().await.unwrap();
}
