//! Shares of traffic, near their limits.
use super::said;

/// What the rule says, by how the sentences begin.
fn holds(manifest: &str, wrong: &[&str]) {
    let said = said("canary-weights", manifest);
    assert!(said.len() == wrong.len() && said.iter().zip(wrong).all(|(s, w)| s.starts_with(w)), "{manifest}: {said:?}");
}

const SERVICES: &str = "---\nkind: Service\nmetadata: {name: chat}\n---\nkind: Service\nmetadata: {name: chat-canary}\n";

#[test]
fn the_sides_of_a_route_are_there_and_add_up() {
    for (backends, wrong) in [
        ("{name: chat, weight: 95}, {name: chat-canary, weight: 5}", &[][..]),
        ("{name: chat, weight: 100}, {name: chat-canary, weight: 0}", &[]),
        ("{name: chat, weight: 0}, {name: chat-canary, weight: 100}", &["the stable side of HTTPRoute `a` gets nothing"]),
        ("{name: chat, weight: 95}, {name: chat-canary}", &["the weights of HTTPRoute `a` add up to 96"]),
        ("{name: chat, weight: 99}, {name: chat-canary}", &[]),
        (
            "{name: chat, weight: 95}, {name: chat-canry, weight: 5}",
            &["there is no Service `chat-canry` for a share of HTTPRoute `a`; did you mean `chat-canary`?"],
        ),
        ("{name: chat, weight: 95}, {name: chat-canry, namespace: other, weight: 5}", &[]),
        ("{name: shop, weight: 95}, {name: shop-canary, weight: 5}", &[]),
        ("{name: chat}", &["HTTPRoute `a` splits no traffic"]),
        ("{name: chat, weight: many}, {name: chat-canary, weight: 5}", &[]),
    ] {
        holds(&format!("kind: HTTPRoute\nmetadata: {{name: a}}\nspec: {{rules: [{{backendRefs: [{backends}]}}]}}\n{SERVICES}"), wrong);
    }
    for (routes, wrong) in [
        ("{destination: {host: chat}, weight: 90}, {destination: {host: chat-canary}, weight: 10}", &[][..]),
        ("{destination: {host: chat}, weight: 100}, {destination: {host: chat-canary}}", &[]),
        ("{destination: {host: chat}}, {destination: {host: chat-canary}, weight: 100}", &["the stable side of VirtualService `a` gets nothing"]),
        ("{destination: {host: chat}, weight: 90}, {destination: {host: chat-canary}}", &["the weights of VirtualService `a` add up to 90"]),
        (
            "{destination: {host: chat.shop.svc.cluster.local}, weight: 90}, {destination: {host: chat-new}, weight: 10}",
            &["there is no Service `chat-new`"],
        ),
        ("{destination: {host: chat, subset: v1}, weight: 90}, {destination: {host: chat, subset: v2}, weight: 10}", &[]),
        (
            "{destination: {host: chat, subset: v1}, weight: 90}, {destination: {host: chat, subset: v3}, weight: 10}",
            &["DestinationRule `b` has no subset `v3`"],
        ),
    ] {
        let rule = "---\nkind: DestinationRule\nmetadata: {name: b}\nspec: {host: chat, subsets: [{name: v1}, {name: v2}]}\n";
        holds(&format!("kind: VirtualService\nmetadata: {{name: a}}\nspec: {{http: [{{route: [{routes}]}}]}}\n{SERVICES}{rule}"), wrong);
    }
}

#[test]
fn a_canary_of_nginx_takes_a_share_of_another_ingress() {
    let main = |host: &str| format!("---\nkind: Ingress\nmetadata: {{name: main}}\nspec: {{rules: [{{host: {host}}}]}}\n");
    for (annotations, host, wrong) in [
        ("canary: \"true\", canary-weight: \"5\"", "a.b", ""),
        ("canary: \"true\", canary-weight: \"99\"", "a.b", ""),
        ("canary: \"true\", canary-weight: \"100\"", "a.b", "the stable Ingress gets nothing"),
        ("canary: \"true\", canary-weight: \"101\"", "a.b", "`canary-weight` is 101, not a share between 0 and 100"),
        ("canary: \"true\", canary-weight: \"150\", canary-weight-total: \"1000\"", "a.b", ""),
        ("canary: \"true\", canary-by-header: x-canary", "a.b", ""),
        ("canary: \"true\"", "a.b", "Ingress `a` is a canary without a weight, a header or a cookie"),
        ("canary-weight: \"5\"", "a.b", "the weight of Ingress `a` does nothing"),
        ("canary: \"true\", canary-weight: \"5\"", "c.d", "no Ingress has the host of Ingress `a`"),
    ] {
        let annotations = format!("{{nginx.ingress.kubernetes.io/{}}}", annotations.replace(", ", ", nginx.ingress.kubernetes.io/"));
        let ingress = format!("kind: Ingress\nmetadata: {{name: a, annotations: {annotations}}}\nspec: {{rules: [{{host: a.b}}]}}\n{}", main(host));
        holds(&ingress, if wrong.is_empty() { &[] } else { std::slice::from_ref(&wrong) });
    }
}

#[test]
fn roll_outs_and_models_keep_something_on_the_stable_side() {
    for (canary, wrong) in [
        ("steps: [{setWeight: 10}, {pause: {}}, {setWeight: 100}]", &[][..]),
        ("steps: [{setWeight: 100}]", &["the first step of Rollout `a` leaves the stable side nothing"]),
        ("steps: [{setWeight: 101}]", &["`setWeight` is 101, not a share between 0 and 100"]),
        ("steps: [{setWeight: 101}], trafficRouting: {maxTrafficWeight: 1000}", &[]),
        ("steps: [{setWeight: 5}], stableService: chat, canaryService: chat-canary", &[]),
        ("steps: [{setWeight: 5}], stableService: chat, canaryService: chat", &["both sides of Rollout `a` are the Service `chat`"]),
        ("steps: [{setWeight: 5}], stableService: chat, canaryService: chat-new", &["there is no Service `chat-new`"]),
        ("steps: [{pause: {}}]", &["Rollout `a` splits no traffic"]),
    ] {
        holds(&format!("kind: Rollout\nmetadata: {{name: a}}\nspec: {{strategy: {{canary: {{{canary}}}}}}}\n{SERVICES}"), wrong);
    }
    for (share, wrong) in [
        ("canaryTrafficPercent: 10", &[][..]),
        ("canaryTrafficPercent: 0", &[]),
        ("canaryTrafficPercent: 100", &["the model that InferenceService `a` has run so far gets nothing"]),
        ("canaryTrafficPercent: 101", &["`canaryTrafficPercent` is 101"]),
        ("minReplicas: 1", &["InferenceService `a` splits no traffic"]),
    ] {
        holds(&format!("kind: InferenceService\nmetadata: {{name: a}}\nspec: {{predictor: {{{share}}}}}\n"), wrong);
    }
}
