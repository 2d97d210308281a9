//! The relay against the plain way: the same plan, the same complaints at the same places, over configurations of many kinds.
use super::configurations::ALL;
use super::{files, graded, plan_check, runner};
use groundcrew::engine::errand::Done;
use groundcrew::engine::runner::Way;
use serde_json::Value;

/// A plan without what differs from run to run, its lists of relevant attributes in order.
fn plan(done: &Done) -> Option<Value> {
    let show = done.step("show").filter(|s| s.is_good())?;
    let mut plan: Value = serde_json::from_slice(&show.out).unwrap();
    plan.as_object_mut().unwrap().remove("timestamp");
    if let Some(Value::Array(relevant)) = plan.get_mut("relevant_attributes") {
        relevant.sort_by_key(Value::to_string);
    }
    Some(plan)
}

#[test]
fn the_relay_says_what_the_plain_way_says() {
    let Some(runner) = runner() else { return };
    assert!(ALL.len() >= 20, "{} configurations", ALL.len());
    let (mut planned, mut refused) = (0, 0);
    for (name, text) in ALL {
        let hand_in = files(&[("main.tf", text), ("provider.tf", "provider \"aws\" {\n  region = \"eu-west-1\"\n}\n")]);
        let (by_relay, relay) = graded(runner, Way::Relay, &plan_check(), &hand_in);
        let (plainly, plain) = graded(runner, Way::Plain, &plan_check(), &hand_in);
        let said = |r: &groundcrew::engine::Report| serde_json::to_value(&r.findings).unwrap();
        assert_eq!(said(&by_relay), said(&plainly), "{name}");
        let ([relay], [plain]) = (&relay[..], &plain[..]) else { panic!("{name}: {by_relay:?}") };
        assert_eq!(plan(relay), plan(plain), "{name}");
        assert!(relay.versions.iter().any(|v| v.version == "relay") && plain.versions.iter().any(|v| v.version == "plain"), "{name}");
        if plan(relay).is_some() { planned += 1 } else { refused += 1 }
    }
    assert!(planned >= 10 && refused >= 6, "{planned} planned, {refused} refused");
}
