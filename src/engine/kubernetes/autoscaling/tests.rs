//! The controller's decisions, as `replica_calculator_test.go` and `horizontal_test.go` have them.
use super::controller::{
    Behavior, Controller, Held, Pods, Policy, Rules, Select, TOLERANCE, Tolerances, of_each_pod, of_shared_value, of_utilisation, of_value,
};

const TEN: Tolerances = Tolerances { down: TOLERANCE, up: TOLERANCE };

fn pods(measured: i64, missing: i64, unready: i64) -> Pods {
    Pods { measured, missing, unready }
}

#[test]
fn a_resource_is_compared_with_its_requests() {
    for (case, used, percent, pods, current, wanted) in [
        ("scale up", 500, 30, pods(3, 0, 0), 3, 5),
        ("scale up, one unready", 600, 30, pods(2, 0, 1), 3, 4),
        ("no scale, two unready", 400, 30, pods(1, 0, 2), 3, 3),
        ("scale down", 280, 50, pods(5, 0, 0), 5, 3),
        ("tolerance", 1010, 100, pods(3, 0, 0), 3, 3),
        ("at the edge of tolerance", 1100, 100, pods(3, 0, 0), 3, 3),
        ("beyond tolerance", 1110, 100, pods(3, 0, 0), 3, 4),
        ("missing, equal", 1000, 100, pods(1, 1, 0), 2, 2),
        ("missing, greater", 1900, 100, pods(1, 1, 0), 2, 2),
        ("missing, less", 600, 100, pods(1, 1, 0), 2, 2),
        ("missing and unready, no change", 450, 50, pods(1, 1, 1), 3, 3),
        ("missing and unready, scale up", 2000, 50, pods(1, 1, 1), 3, 4),
        ("missing and unready, scale down", 100, 50, pods(2, 1, 1), 4, 3),
    ] {
        assert_eq!(of_utilisation(used, 1000, percent, pods, current, TEN), Some(wanted), "{case}");
    }
    assert_eq!(of_utilisation(500, 0, 30, pods(3, 0, 0), 3, TEN), None);
    assert_eq!(of_utilisation(500, 1000, 30, pods(0, 3, 0), 3, TEN), None);
}

#[test]
fn other_metrics_are_compared_with_their_targets() {
    assert_eq!(of_each_pod(20_000, 15_000, pods(3, 0, 0), 3, TEN), Some(4));
    assert_eq!(of_each_pod(45_000, 15_000, pods(1, 0, 2), 3, TEN), Some(3));
    assert_eq!(of_each_pod(1_000, 2_000, pods(2, 2, 0), 4, TEN), Some(3));
    assert_eq!(of_value(8600, 4400, 3, 3, TEN), 6);
    assert_eq!(of_value(8600, 14_334, 5, 5, TEN), 3);
    assert_eq!(of_value(8600, 8888, 3, 3, TEN), 3);
    assert_eq!(of_shared_value(8600, 2150, 3, TEN), 4);
    assert_eq!(of_shared_value(8600, 2867, 5, TEN), 3);
    assert_eq!(of_shared_value(8600, 2800, 3, TEN), 3);
    let narrow = Tolerances { down: 0.5, up: 0.0 };
    assert_eq!((of_value(1010, 1000, 10, 10, narrow), of_value(600, 1000, 10, 10, narrow)), (11, 10));
}

fn policy(percent: bool, value: i64, period: i64) -> Policy {
    Policy { percent, value, period }
}

fn behaving(up: Rules, down: Rules, current: i64) -> Controller {
    Controller::new(1, 1000, Some(Behavior { up, down }), current)
}

#[test]
fn policies_bound_each_step() {
    for (case, percent, pods, select, current, wanted, next) in [
        ("percent up", Some(20), None, Select::Max, 100, 500, 120),
        ("pods up", None, Some(20), Select::Max, 100, 500, 120),
        ("the larger of two", Some(20), Some(2), Select::Max, 100, 500, 120),
        ("the smaller of two", Some(20), Some(2), Select::Min, 100, 500, 102),
        ("disabled", Some(20), Some(2), Select::Disabled, 100, 500, 100),
        ("rounded up", Some(1), None, Select::Max, 1, 5, 2),
        ("percent down", Some(20), None, Select::Max, 100, 2, 80),
        ("pods down", None, Some(20), Select::Max, 100, 2, 80),
        ("the larger change down", Some(20), Some(2), Select::Max, 100, 2, 80),
        ("the smaller change down", Some(20), Some(2), Select::Min, 100, 2, 98),
        ("disabled down", Some(20), None, Select::Disabled, 100, 2, 100),
        ("down to a whole", Some(10), None, Select::Max, 5, 1, 4),
    ] {
        let policies: Vec<Policy> = percent.map(|v| policy(true, v, 60)).into_iter().chain(pods.map(|v| policy(false, v, 60))).collect();
        let rules = || Rules { window: 0, select, policies: policies.clone() };
        assert_eq!(behaving(rules(), rules(), current).sync(15, current, Some(wanted)).0, next, "{case}");
    }
}

#[test]
fn a_policy_counts_what_its_period_has_seen() {
    let up = Rules { window: 0, select: Select::Max, policies: vec![policy(false, 4, 60)] };
    let mut controller = behaving(up, Rules::down(), 2);
    let mut replicas = 2;
    let mut seen = Vec::new();
    for sync in 1..=10 {
        replicas = controller.sync(sync * 15, replicas, Some(50)).0;
        seen.push(replicas);
    }
    assert_eq!(seen, [6, 6, 6, 6, 10, 10, 10, 10, 14, 14]);
}

#[test]
fn a_window_keeps_the_highest_on_the_way_down_and_the_lowest_on_the_way_up() {
    let mut controller = behaving(Rules { window: 60, ..Rules::up() }, Rules { window: 120, ..Rules::down() }, 5);
    let mut said = Vec::new();
    let mut replicas = 5;
    for (sync, wanted) in (1..).zip([9, 9, 9, 9, 9, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]) {
        let (next, held) = controller.sync(sync * 15, replicas, Some(wanted));
        replicas = next;
        said.push((next, held));
    }
    let numbers: Vec<i64> = said.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, [5, 5, 5, 9, 9, 9, 9, 9, 9, 9, 9, 9, 3, 3, 3]);
    assert_eq!((said[0].1, said[6].1, said[14].1), (Held::UpWindow, Held::DownWindow, Held::No));
}

#[test]
fn without_a_behaviour_it_doubles_and_waits_five_minutes() {
    let mut controller = Controller::new(1, 30, None, 1);
    let mut replicas = 1;
    let mut seen = Vec::new();
    for sync in 1..=5 {
        replicas = controller.sync(sync * 15, replicas, Some(100)).0;
        seen.push(replicas);
    }
    assert_eq!(seen, [4, 8, 16, 30, 30]);
    // The last high recommendation was at second 75.
    assert_eq!(controller.sync(375, 30, Some(2)), (30, Held::Max));
    assert_eq!(controller.sync(390, 30, Some(2)), (2, Held::No));
    assert_eq!(controller.sync(405, 2, Some(0)), (2, Held::DownWindow));
}

#[test]
fn bounds_come_before_metrics_and_nothing_is_done_without_a_metric() {
    let mut controller = Controller::new(2, 8, None, 1);
    assert_eq!(controller.sync(15, 1, Some(5)).0, 2);
    assert_eq!(controller.sync(30, 20, None).0, 8);
    assert_eq!(controller.sync(45, 4, None), (4, Held::No));
    assert_eq!(controller.sync(60, 0, Some(5)).0, 0);
}
