//! Values that the published schema lets through: what the API refuses of them, and what it takes.
use crate::engine::kubernetes::tests::schema;

/// A service, an Ingress, a pod… with one line of interest.
fn of(kind: &str, line: &str) -> String {
    let (api, rest) = match kind {
        "CronJob" => (
            "batch/v1",
            format!(
                "spec:\n  schedule: {line}\n  jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}}}"
            ),
        ),
        "Pod" => ("v1", format!("spec:\n  containers: [{{name: a, image: a}}]\n  {line}")),
        "Probe" => ("v1", format!("spec:\n  containers: [{{name: a, image: a, readinessProbe: {line}}}]")),
        "Service" => ("v1", format!("spec: {line}")),
        "Ingress" => ("networking.k8s.io/v1", format!("spec: {{rules: [{line}]}}")),
        "NetworkPolicy" => ("networking.k8s.io/v1", format!("spec: {{podSelector: {{}}, ingress: [{{ports: [{line}]}}]}}")),
        "Peer" => ("networking.k8s.io/v1", format!("spec: {{podSelector: {{}}, ingress: [{{from: [{line}]}}]}}")),
        "HorizontalPodAutoscaler" => (
            "autoscaling/v2",
            format!(
                "spec:\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: a}}\n  maxReplicas: 3\n  metrics: [{{type: Resource, resource: {{name: cpu, target: {line}}}}}]"
            ),
        ),
        "StatefulSet" => (
            "apps/v1",
            format!(
                "spec:\n  serviceName: a\n  selector: {{matchLabels: {{a: a}}}}\n  template: {{metadata: {{labels: {{a: a}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}\n  volumeClaimTemplates: [{{metadata: {{name: a}}, spec: {line}}}]"
            ),
        ),
        _ => ("v1", line.to_owned()),
    };
    let kind = match kind {
        "Probe" => "Pod",
        "Peer" => "NetworkPolicy",
        other => other,
    };
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n")
}

#[test]
fn what_the_api_refuses_is_no_valid_object() {
    let path =
        |path: &str| format!("{{http: {{paths: [{{path: {path}, pathType: Prefix, backend: {{service: {{name: a, port: {{number: 80}}}}}}}}]}}}}");
    let port = |port: &str| format!("{{http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: a, port: {port}}}}}}}]}}}}");
    let host = |host: &str| format!("{{host: \"{host}\"}}");
    for (kind, line, wrong) in [
        ("CronJob", "\"0 3 * * 7\"".into(), Some("`schedule` has `7` for the day of the week")),
        ("CronJob", "\"0 3 * * 0,6\"".into(), None),
        ("Probe", "{httpGet: {port: \"8080\"}}".into(), Some("`port` is `8080` in quotes")),
        ("Probe", "{tcpSocket: {port: \"http--x\"}}".into(), Some("`port` is `http--x`: a port's name is")),
        ("Probe", "{httpGet: {port: http}}".into(), None),
        ("Probe", "{httpGet: {port: 8080}}".into(), None),
        ("Service", "{ports: [{port: 80, targetPort: \"8080\"}]}".into(), Some("`targetPort` is `8080` in quotes")),
        ("Service", "{ports: [{port: 80, targetPort: http}]}".into(), None),
        ("NetworkPolicy", "{port: \"80\"}".into(), Some("`port` is `80` in quotes")),
        ("NetworkPolicy", "{port: 80}".into(), None),
        ("NetworkPolicy", "{port: 0}".into(), Some("`port` must be between 1 and 65535")),
        ("NetworkPolicy", "{port: 80, endPort: 90}".into(), None),
        ("NetworkPolicy", "{port: 80, endPort: 79}".into(), Some("`endPort` is below `port`")),
        ("NetworkPolicy", "{port: http, endPort: 90}".into(), Some("`endPort` needs a `port` that is a number")),
        ("NetworkPolicy", "{endPort: 90}".into(), Some("`endPort` needs a `port` at which")),
        ("Peer", "{podSelector: {}}".into(), None),
        ("Peer", "{podSelector: {}, namespaceSelector: {}}".into(), None),
        ("Peer", "{}".into(), Some("this one says none")),
        ("Peer", "{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}".into(), Some("`ipBlock` may not stand beside")),
        ("Peer", "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.3.4/32]}}".into(), None),
        ("Peer", "{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}".into(), None),
        ("Peer", "{ipBlock: {cidr: \"2001:db8::/32\", except: [\"2001:db8:1::/48\"]}}".into(), None),
        ("Peer", "{ipBlock: {cidr: 10.0.0.0}}".into(), Some("`cidr` is `10.0.0.0`, and no range")),
        ("Peer", "{ipBlock: {cidr: 10.0.0.0/33}}".into(), Some("`cidr` is `10.0.0.0/33`")),
        ("Peer", "{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}".into(), Some("which is no part of `10.0.0.0/8`")),
        ("Peer", "{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}".into(), Some("which is no part of")),
        ("Peer", "{ipBlock: {cidr: 0.0.0.0/0, except: [\"::/1\"]}}".into(), Some("which is no part of")),
        ("Service", "{ports: [{port: 80, nodePort: 30080}]}".into(), Some("`nodePort` may not be set")),
        ("Service", "{type: ClusterIP, ports: [{port: 80, nodePort: 30080}]}".into(), Some("`nodePort` may not be set")),
        ("Service", "{type: NodePort, ports: [{port: 80, nodePort: 30080}]}".into(), None),
        ("Secret", "data: {password: hunter2}".into(), Some("`password` under `data` is not base64")),
        ("Secret", "data: {password: aHVudGVyMg==, empty: \"\"}".into(), None),
        ("Secret", "stringData: {password: hunter2}".into(), None),
        ("ConfigMap", "binaryData: {a: \"?\"}".into(), Some("`a` under `binaryData` is not base64")),
        ("PersistentVolumeClaim", "spec: {}".into(), Some("a claim needs `accessModes` and `resources.requests.storage`")),
        ("PersistentVolumeClaim", "spec: {accessModes: [ReadWriteOnce]}".into(), Some("a claim needs `resources.requests.storage`")),
        ("PersistentVolumeClaim", "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}".into(), None),
        ("StatefulSet", "{}".into(), Some("a claim needs `accessModes` and `resources.requests.storage`")),
        ("HorizontalPodAutoscaler", "{type: Utilization, averageUtilization: 70}".into(), None),
        // The type is not compared with what is set.
        ("HorizontalPodAutoscaler", "{type: Utilization, averageValue: 500m}".into(), None),
        ("HorizontalPodAutoscaler", "{type: Utilization}".into(), Some("`target` says neither")),
        (
            "HorizontalPodAutoscaler",
            "{type: Utilization, averageUtilization: 70, averageValue: 1}".into(),
            Some("`averageUtilization` and `averageValue` exclude"),
        ),
        ("Pod", "tolerations: [{key: a, operator: Exists, effect: NoSchedule, tolerationSeconds: 60}]".into(), Some("`tolerationSeconds` needs")),
        ("Pod", "tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 60}]".into(), None),
        ("Pod", "tolerations: [{value: a}]".into(), Some("a toleration without a `key` needs")),
        ("Pod", "tolerations: [{key: a, operator: \"\", effect: \"\"}]".into(), None),
        ("Ingress", path("api"), Some("`path` must begin with `/`")),
        ("Ingress", path("/api"), None),
        ("Ingress", host("http://chat.example.org"), Some("`host` must be a DNS name")),
        ("Ingress", host("10.0.0.1"), Some("`host` must be a DNS name")),
        ("Ingress", host("*.example.org"), None),
        ("Ingress", host("chat.example.org"), None),
        ("Ingress", port("{number: 80, name: http}"), Some("`number` and `name` exclude each other")),
        ("Ingress", port("{}"), Some("`port` says neither")),
        ("Ingress", port("{name: http}"), None),
    ] {
        let said = schema(&of(kind, &line));
        match wrong {
            None => assert!(said.is_empty(), "{kind} {line}: {said}"),
            Some(wrong) => assert!(said.contains(wrong) && said.matches("\n  why: ").count() == 1, "{kind} {line}: {said}"),
        }
        assert!(!said.contains("hunter2"));
    }
}
