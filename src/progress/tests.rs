//! What a hand-in keeps of its points, and what a defence proves: tables over one lab.
use super::*;
use crate::curriculum::load;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Due at 0: 48 hours' grace, 90 % for five days, then 70 %.
const DUE: Timestamp = Timestamp(1_000 * DAY);

fn program() -> Program {
    load::stored(&load::embedded().unwrap()).unwrap()
}

/// A graded hand-in so many hours after the due time.
fn attempt(number: i64, hours: i64, score: i64) -> Attempt {
    Attempt {
        submission: SubmissionId::new(),
        enrolment: EnrolmentId::new(),
        lab: "any".parse().unwrap(),
        number,
        received: Timestamp(DUE.0 + hours * HOUR),
        outcome: Some(Came::Graded),
        score: Some(score),
        open: Some(0),
        max: Some(100),
        hidden_score: None,
        hidden_max: None,
        review: None,
        review_due: None,
        returned: None,
        override_score: None,
        defended: None,
        marks: 0,
        marked: 0,
    }
}

fn sent_back(attempt: Attempt, hours: i64) -> Attempt {
    Attempt { review: Some(reviews::State::Returned), returned: Some(Timestamp(DUE.0 + hours * HOUR)), ..attempt }
}

fn unreadable(attempt: Attempt) -> Attempt {
    Attempt { outcome: Some(Came::NotGradable), score: Some(0), ..attempt }
}

fn standing_of<'a>(lab: &'a Lab, attempts: Vec<Attempt>) -> Standing<'a> {
    let steps = calendar::steps(&crate::curriculum::Timeline::default(), DUE, "UTC", Timestamp(DUE.0 + 60 * DAY));
    standing(lab, DUE, steps, attempts, None)
}

fn kept(standing: &Standing<'_>) -> Vec<u32> {
    standing.attempts.iter().map(|a| standing.kept(a)).collect()
}

#[test]
fn late_work_keeps_what_the_calendar_says() {
    let program = program();
    let open = program.labs().find(|lab| lab.hidden().0 == 0 && !lab.is_quiz).unwrap();
    let table = [(-1, 100), (0, 100), (48, 100), (49, 90), (7 * 24, 90), (8 * 24, 70)];
    for (hours, percent) in table {
        assert_eq!(kept(&standing_of(open, vec![attempt(1, hours, 80)])), [percent], "{hours} hours after the due time");
    }
}

#[test]
fn an_answer_to_returned_work_keeps_the_credit_of_the_first() {
    let program = program();
    let lab = program.labs().find(|lab| lab.hidden().0 == 0 && !lab.is_quiz).unwrap();
    let first = attempt(1, -5, 40);
    let late = 10 * 24;
    // Answered within five days of being sent back.
    assert_eq!(kept(&standing_of(lab, vec![sent_back(first.clone(), late), attempt(2, late + 100, 90)])), [100, 100]);
    // Five days are over.
    assert_eq!(kept(&standing_of(lab, vec![sent_back(first.clone(), late), attempt(2, late + 121, 90)])), [100, 70]);
    // What was handed in before it came back answers nothing.
    assert_eq!(kept(&standing_of(lab, vec![sent_back(first, late + 1), attempt(2, late, 90)])), [100, 70]);
    // A hand-in that nobody could read sets no credit.
    let unread = unreadable(attempt(1, -5, 0));
    assert_eq!(kept(&standing_of(lab, vec![unread, sent_back(attempt(2, late, 40), late + 1), attempt(3, late + 2, 90)]))[2], 70);
}

#[test]
fn after_hidden_checks_show_one_hand_in_keeps_everything() {
    let program = program();
    let lab = program.labs().find(|lab| lab.hidden().0 > 0).unwrap();
    assert_eq!(kept(&standing_of(lab, vec![attempt(1, -5, 40), attempt(2, 70, 90), attempt(3, 71, 95)])), [100, 100, 90]);
    assert_eq!(kept(&standing_of(lab, vec![attempt(1, -5, 40), attempt(2, 73, 90)])), [100, 90]);
    // One that can't be graded doesn't use it up.
    assert_eq!(kept(&standing_of(lab, vec![unreadable(attempt(1, 60, 0)), attempt(2, 70, 90)]))[1], 100);
}

#[test]
fn the_best_credited_score_counts_and_an_override_stands_on_any_hand_in() {
    let program = program();
    let lab = program.labs().find(|lab| lab.hidden().0 == 0 && !lab.is_quiz).unwrap();
    let best = standing_of(lab, vec![attempt(1, 0, 80), attempt(2, 9 * 24, 90)]);
    assert_eq!((best.best, best.raw, best.top().map(|a| a.number)), (Some(80), Some(90), Some(1)));
    let set = Attempt { override_score: Some(70), ..unreadable(attempt(1, 0, 0)) };
    assert_eq!(standing_of(lab, vec![set]).best, Some(70));
    assert_eq!(standing_of(lab, vec![unreadable(attempt(1, 0, 0))]).best, None);
}

#[test]
fn a_defence_of_weaker_work_does_not_make_better_work_ones_own() {
    let program = program();
    let lab = program.labs().find(|lab| lab.hidden().0 == 0 && lab.skills.values().any(|level| *level >= 3)).unwrap();
    let skill = lab.skills.iter().find(|(_, level)| **level >= 3).unwrap().0;
    let level = |attempts: Vec<Attempt>| skills::prove(&standing_of(lab, attempts), skill, false).map(|e| e.level);
    let points = |percent: i64| i64::from(lab.points) * percent / 100;
    let defended = |a: Attempt| Attempt { defended: Some(DUE), ..a };
    assert_eq!(level(vec![defended(attempt(1, -9, points(50))), attempt(2, -5, points(90))]), Some(2));
    assert_eq!(level(vec![attempt(1, -9, points(50)), defended(attempt(2, -5, points(90)))]), Some(3));
}
