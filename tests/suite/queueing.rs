//! The queue under several workers: nothing twice, nothing lost, newest first for a student, fair between students.
use crate::people::{Person, Portal};
use groundcrew::db::Db;
use groundcrew::db::values::Timestamp;
use groundcrew::engine::pool::Pool;
use groundcrew::queue::{self, Job, JobId, Kind, LEASE, Lane, MOST_FAILURES, Push, State, store, worker};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

on_both!(
    two_workers_carry_out_each_job_once,
    the_newest_of_a_key_goes_first_and_owners_take_turns,
    a_child_killed_at_work_stops_no_grading,
    a_hand_in_that_kills_its_child_again_and_again_is_broken_and_the_next_is_graded,
    a_regrade_never_takes_points_away,
    a_worker_that_is_stopped_hands_its_job_back,
);

async fn push(portal: &Portal, key: &str, owner: &str, number: usize, lane: Lane) -> JobId {
    let mut write = portal.app.db.write("test").await.unwrap();
    let job = Push { kind: Kind::Grade, key, payload: number.into(), lane, owner };
    let id = store::push(&mut write, &job, portal.clock.now()).await.unwrap();
    store::move_behind(&mut write, &id, key).await.unwrap();
    write.commit().await.unwrap();
    id
}

const JOBS: usize = 300;

/// What a job of the test does each time it is claimed.
fn plan(number: usize) -> (u32, u32) {
    match number {
        n if n % 19 == 0 => (u32::MAX, 0), // fails each time
        n if n % 7 == 0 => (1, 0),         // fails once
        n if n % 11 == 0 => (0, 2),        // its worker vanishes twice
        n if n % 13 == 0 => (2, 1),
        _ => (0, 0),
    }
}

/// What the workers saw, all together.
#[derive(Debug, Default)]
struct Seen {
    running: BTreeSet<String>,
    failed: BTreeMap<usize, u32>,
    lost: BTreeMap<usize, u32>,
    finished: BTreeMap<usize, u32>,
    given_up: BTreeMap<usize, u32>,
    vanished: Vec<Job>,
}

/// Claims until nothing is due.
async fn work(db: Db, now: Timestamp, seen: Arc<Mutex<Seen>>) {
    while let Some(job) = store::claim(&db, now).await.unwrap() {
        let number: usize = job.payload.parse().unwrap();
        assert!(seen.lock().unwrap().running.insert(job.key.clone()), "two jobs of {} run at once", job.key);
        tokio::task::yield_now().await;
        let (failures, losses) = plan(number);
        let (failed, lost) = {
            let seen = seen.lock().unwrap();
            (seen.failed.get(&number).copied().unwrap_or(0), seen.lost.get(&number).copied().unwrap_or(0))
        };
        if job.is_spent() {
            let mut write = db.write("queue").await.unwrap();
            // Before the commit: afterwards the key is free for others.
            seen.lock().unwrap().running.remove(&job.key);
            assert!(store::give_up(&mut write, &job, "spent", now).await.unwrap());
            write.commit().await.unwrap();
            *seen.lock().unwrap().given_up.entry(number).or_default() += 1;
        } else if lost < losses {
            let mut seen = seen.lock().unwrap();
            seen.running.remove(&job.key);
            *seen.lost.entry(number).or_default() += 1;
            seen.vanished.push(job);
        } else if failed < failures {
            {
                let mut seen = seen.lock().unwrap();
                seen.running.remove(&job.key);
                *seen.failed.entry(number).or_default() += 1;
            }
            store::failed(&db, &job, "as planned", job.back_off(), now).await.unwrap();
        } else {
            let mut write = db.write(&job.key).await.unwrap();
            seen.lock().unwrap().running.remove(&job.key);
            assert!(store::finish(&mut write, &job, now).await.unwrap());
            write.commit().await.unwrap();
            *seen.lock().unwrap().finished.entry(number).or_default() += 1;
        }
    }
}

async fn two_workers_carry_out_each_job_once(portal: Portal) {
    let mut ids = Vec::new();
    for number in 0..JOBS {
        let owner = format!("student {}", number % 12);
        let lane = if number % 5 == 0 { Lane::Regrade } else { Lane::Interactive };
        ids.push(push(&portal, &format!("{owner}: lab {}", number % 36 / 12), &owner, number, lane).await);
    }
    let other = Db::open(portal.database()).await.unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    for _ in 0..40 {
        let now = portal.clock.now();
        let both = [&portal.app.db, &other, &portal.app.db, &other, &portal.app.db, &other];
        let tasks: Vec<_> = both.into_iter().map(|db| tokio::spawn(work(db.clone(), now, seen.clone()))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let vanished = std::mem::take(&mut seen.lock().unwrap().vanished);
        // Their leases still hold: nobody may take their jobs.
        assert_eq!(store::reclaim(&other, portal.clock.now().plus(LEASE)).await.unwrap(), 0);
        portal.wait(LEASE * 2);
        assert_eq!(store::reclaim(&other, portal.clock.now()).await.unwrap(), vanished.len() as u64);
        for job in vanished {
            // A worker that comes to life again has lost its claim.
            assert!(!store::heartbeat(&portal.app.db, &job, portal.clock.now()).await.unwrap());
            let mut write = portal.app.db.write("queue").await.unwrap();
            assert!(!store::finish(&mut write, &job, portal.clock.now()).await.unwrap());
        }
    }
    let mut conn = other.read().await.unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    for (number, id) in ids.iter().enumerate() {
        let job = store::by_id(&mut conn, id).await.unwrap().unwrap();
        let (finished, given_up) = (seen.finished.get(&number).copied().unwrap_or(0), seen.given_up.get(&number).copied().unwrap_or(0));
        let (failures, losses) = plan(number);
        let is_hopeless = i64::from(failures) >= MOST_FAILURES;
        assert_eq!((finished, given_up), if is_hopeless { (0, 1) } else { (1, 0) }, "job {number}: {job:?}");
        assert_eq!(job.state, if is_hopeless { State::Broken } else { State::Done }, "job {number}");
        assert_eq!(job.failures, i64::from(failures).min(MOST_FAILURES), "job {number}");
        assert_eq!(job.claims, job.failures + i64::from(losses) + 1, "job {number}");
        assert_eq!(job.lease, None);
    }
    assert_eq!(seen.finished.len() + seen.given_up.len(), JOBS);
}

/// Claims, finishes, and says which job it was.
async fn next(portal: &Portal) -> usize {
    let db = &portal.app.db;
    let job = store::claim(db, portal.clock.now()).await.unwrap().expect("nothing is due");
    let mut write = db.write("queue").await.unwrap();
    assert!(store::finish(&mut write, &job, portal.clock.now()).await.unwrap());
    write.commit().await.unwrap();
    job.payload.parse().unwrap()
}

async fn the_newest_of_a_key_goes_first_and_owners_take_turns(portal: Portal) {
    let tick = || portal.wait(Duration::from_millis(1));
    push(&portal, "ada: regrade", "staff", 90, Lane::Regrade).await;
    for number in 0..5 {
        tick();
        push(&portal, "ada: lab", "ada", number, Lane::Interactive).await;
    }
    for number in 10..15 {
        tick();
        push(&portal, &format!("ada: lab {number}"), "ada", number, Lane::Interactive).await;
    }
    for (number, owner) in [(20, "bo"), (21, "cy")] {
        tick();
        push(&portal, &format!("{owner}: lab"), owner, number, Lane::Interactive).await;
    }
    let mut order = Vec::new();
    for _ in 0..13 {
        order.push(next(&portal).await);
    }
    let at = |number: usize| order.iter().position(|n| *n == number).unwrap();
    assert_eq!(order[0], 4, "the newest of the lab first: {order:?}");
    assert!(at(20) <= 2 && at(21) <= 2, "one who came later waits for one job of each other: {order:?}");
    let of_lab: Vec<usize> = order.iter().copied().filter(|n| *n < 5).collect();
    assert_eq!(of_lab, [4, 3, 2, 1, 0], "{order:?}");
    assert_eq!(order[12], 90, "a regrade waits for all hand-ins: {order:?}");
}

async fn hands_in(student: &mut Person, lab: &str) -> String {
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: { name: chat }\nspec: { ports: [{ port: 80 }] }\n";
    let reply = student.posts(&format!("/labs/{lab}/submissions"), &[("name", "service.yaml"), ("text", manifest)]).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    reply.header("location").to_owned()
}

async fn jobs(portal: &Portal) -> Vec<Job> {
    store::list(&mut portal.app.db.read().await.unwrap(), 10).await.unwrap()
}

/// Waits, for half a minute at most, until something is so.
async fn until(portal: &Portal, what: &str, is_so: impl Fn(&[Job]) -> bool) {
    for _ in 0..600 {
        if is_so(&jobs(portal).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 30 s: {what}: {:?}", jobs(portal).await);
}

fn signal(pid: u32, signal: &str) {
    let status = std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

async fn a_child_killed_at_work_stops_no_grading(portal: Portal) {
    let cohort = portal.cohort("Autumn").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    hands_in(&mut ada, "rollouts-and-probes").await;
    portal.grades().await;
    let children = portal.app.graders.idle_pids();
    assert!(!children.is_empty());
    // Asleep, they take the next hand-in and don't come to its end.
    for child in &children {
        signal(*child, "-STOP");
    }
    let submission = hands_in(&mut ada, "chat-in-a-quota").await;
    let workers = worker::start(&portal.app, 1);
    let taken = || children.iter().find(|pid| !portal.app.graders.idle_pids().contains(pid)).copied();
    until(&portal, "a child takes the job", |_| taken().is_some()).await;
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.status, 404, "graded by a child that sleeps");
    for child in &children {
        signal(*child, "-KILL");
    }
    until(&portal, "the failure is noted", |jobs| jobs.iter().any(|j| j.failures == 1 && j.state == State::Waiting)).await;
    portal.wait(Duration::from_secs(2));
    until(&portal, "the hand-in is graded", |jobs| jobs.iter().all(|j| j.state == State::Done)).await;
    for worker in workers {
        worker.abort();
    }
    let report = ada.gets(&format!("{submission}/report.json")).await.json();
    assert_eq!(report["outcome"], "graded", "{report}");
}

async fn a_hand_in_that_kills_its_child_again_and_again_is_broken_and_the_next_is_graded(portal: Portal) {
    let cohort = portal.cohort("Autumn").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut ivy = portal.instructor("Ivy Okafor", "ivy@example.org", &cohort).await;
    let submission = hands_in(&mut ada, "chat-in-a-quota").await;
    // Children that die of whatever they are given.
    let dying = portal.app.clone().grading_with(Pool::new(PathBuf::from("/bin/false"), 1));
    let workers = worker::start(&dying, 1);
    for failures in 1..=MOST_FAILURES {
        until(&portal, "a failure is noted", |jobs| jobs[0].failures == failures && jobs[0].state == State::Waiting).await;
        portal.wait(LEASE * 2);
    }
    until(&portal, "the job is given up", |jobs| jobs[0].state == State::Broken).await;
    for worker in workers {
        worker.abort();
    }
    let report = ada.gets(&format!("{submission}/report.json")).await.json();
    assert_eq!((&report["outcome"], &report["score"]), (&"broken".into(), &0.into()), "{report}");
    let enrolled = sqlx::query_scalar::<_, String>("SELECT id FROM enrolments").fetch_one(&mut *portal.app.db.read().await.unwrap()).await.unwrap();
    let lab = "chat-in-a-quota".parse().unwrap();
    let used = groundcrew::submissions::store::attempts(&mut portal.app.db.read().await.unwrap(), &enrolled.parse().unwrap(), &lab).await.unwrap();
    assert_eq!(used, 0, "it cost an attempt");
    ivy.opens("/notifications").await.sees("Grading broke");
    portal.wait(Duration::from_secs(120));
    let next = hands_in(&mut ada, "chat-in-a-quota").await;
    portal.grades().await;
    assert_eq!(ada.gets(&format!("{next}/report.json")).await.json()["outcome"], "graded");
    assert_eq!(queue::store::counts(&mut portal.app.db.read().await.unwrap(), portal.clock.now()).await.unwrap().len(), 2);
    // Once the cause is mended, *Try again* grades it.
    let mut jo = portal.signed_in_admin("Jo Park", "jo@example.org").await;
    jo.opens("/admin/jobs").await.presses("Try again").await;
    portal.grades().await;
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.json()["outcome"], "graded");
}

async fn a_regrade_never_takes_points_away(portal: Portal) {
    let cohort = portal.cohort("Autumn").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    let mut ivy = portal.instructor("Ivy Okafor", "ivy@example.org", &cohort).await;
    let submission = hands_in(&mut ada, "rollouts-and-probes").await;
    portal.grades().await;
    let before = ada.gets(&format!("{submission}/report.json")).await.json();
    assert_eq!(before["outcome"], "graded");
    assert_eq!(ivy.posts(&format!("{submission}/regrade"), &[]).await.status, 303);
    let dying = portal.app.clone().grading_with(Pool::new(PathBuf::from("/bin/false"), 1));
    let workers = worker::start(&dying, 1);
    for failures in 1..=MOST_FAILURES {
        until(&portal, "a failure is noted", |jobs| jobs.iter().any(|j| j.failures == failures && j.state == State::Waiting)).await;
        portal.wait(LEASE * 2);
    }
    until(&portal, "the job is given up", |jobs| jobs.iter().any(|j| j.state == State::Broken)).await;
    for worker in workers {
        worker.abort();
    }
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.json(), before, "our failure took the report's place");
    // A broken regrade keeps nobody from asking for another.
    assert_eq!(ivy.posts(&format!("{submission}/regrade"), &[]).await.status, 303);
    portal.grades().await;
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.json()["score"], before["score"]);
}

async fn a_worker_that_is_stopped_hands_its_job_back(portal: Portal) {
    let cohort = portal.cohort("Autumn").await;
    let mut ada = portal.student("Ada Moreno", "ada@example.org", &cohort).await;
    hands_in(&mut ada, "rollouts-and-probes").await;
    portal.grades().await;
    let children = portal.app.graders.idle_pids();
    for child in &children {
        signal(*child, "-STOP");
    }
    let submission = hands_in(&mut ada, "chat-in-a-quota").await;
    let mut stopping = portal.app.clone();
    stopping.stop = CancellationToken::new();
    let workers = worker::start(&stopping, 1);
    until(&portal, "the job runs", |jobs| jobs.iter().any(|j| j.state == State::Running)).await;
    stopping.stop.cancel();
    for worker in workers {
        tokio::time::timeout(Duration::from_secs(20), worker).await.expect("a worker outlives the stop").unwrap();
    }
    let waiting: Vec<Job> = jobs(&portal).await.into_iter().filter(|j| j.state == State::Waiting).collect();
    assert_eq!(waiting.iter().map(|j| (j.claims, j.failures)).collect::<Vec<_>>(), [(0, 0)], "handed back unharmed");
    // The child it held ended with the work; those that still sleep would take the next job.
    for child in portal.app.graders.idle_pids() {
        signal(child, "-KILL");
    }
    portal.grades().await;
    assert_eq!(ada.gets(&format!("{submission}/report.json")).await.json()["outcome"], "graded");
}
