//! What `baseline` forbids: the known ways from a container to its node.
use super::{Look, Violation, named, of, place, plural, quoted, setters, sorted, text};
use crate::engine::kubernetes::objects::Container;
use crate::engine::yaml::Node;

/// Those that may be added: none of them is root on the node or reads everybody's traffic.
pub const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const SYSCTLS: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
const SE_LINUX_TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn app_armor(look: &Look<'_, '_>) -> Option<Violation> {
    let bad = |node: Option<&Node>| node.is_some_and(|n| !matches!(text(Some(n), "type"), "RuntimeDefault" | "Localhost"));
    let pod = look.of_pod("appArmorProfile").filter(|n| bad(Some(n)));
    let containers = look.bad(|c| bad(of(c, "appArmorProfile")));
    let mut values: Vec<String> = {
        let types = containers.iter().filter_map(|c| of(c, "appArmorProfile")).chain(pod).map(|n| text(Some(n), "type"));
        sorted(types).into_iter().map(str::to_owned).collect()
    };
    let allowed = |v: &str| v.is_empty() || v == "runtime/default" || v.starts_with("localhost/");
    let entries = look.pod.metadata.and_then(|m| m.get("annotations")).map_or(&[][..], Node::entries);
    let annotations: Vec<_> = entries.iter().filter(|e| e.key.starts_with(APP_ARMOR) && !allowed(e.value.as_str().unwrap_or(""))).collect();
    let mut set: Vec<String> = setters(pod.is_some(), &containers).into_iter().collect();
    if !annotations.is_empty() {
        let mut list: Vec<String> = annotations.iter().map(|e| format!("{}={:?}", e.key, e.value.as_str().unwrap_or(""))).collect();
        list.sort();
        values.extend(list);
        set.push(plural("annotation", annotations.len()));
    }
    let at = pod.map(|n| n.span).or_else(|| place(&containers, &["securityContext", "appArmorProfile"]));
    Some(Violation {
        reason: if values.len() == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" },
        at: at.or_else(|| annotations.first().map(|e| e.value.span))?,
        detail: format!("{} must not set AppArmor profile type to {}", set.join(" and "), quoted(values.iter().map(String::as_str))),
        why: "AppArmor keeps a process that broke out of its program from the files of the node; without a profile nothing does.",
        fix: "Leave `appArmorProfile` out, or set its type to `RuntimeDefault`.".into(),
    })
}

/// The containers that add capabilities that aren't allowed, and those capabilities.
pub(super) fn adding<'a>(look: &Look<'_, 'a>, allowed: &[&str]) -> Option<(Vec<Container<'a>>, String)> {
    let added = |c: &Container<'a>| of(c, "capabilities").and_then(|n| n.get("add")).map_or(&[][..], Node::items);
    let forbidden = |c: &Container<'a>| added(c).iter().filter_map(Node::as_str).filter(|n| !allowed.contains(n)).collect::<Vec<_>>();
    let bad = look.bad(|c| !forbidden(c).is_empty());
    let names = sorted(bad.iter().flat_map(forbidden));
    (!bad.is_empty()).then(|| (bad.clone(), quoted(names)))
}

pub(super) fn capabilities(look: &Look<'_, '_>) -> Option<Violation> {
    let (bad, names) = adding(look, &CAPABILITIES)?;
    Some(Violation {
        reason: "non-default capabilities",
        detail: format!("{} must not include {names} in securityContext.capabilities.add", named(&bad)),
        at: place(&bad, &["securityContext", "capabilities", "add"])?,
        why: "Each capability is a piece of root: with the wrong one a container reconfigures the node's network or loads modules into its kernel.",
        fix: "Leave them out of `capabilities.add`.".into(),
    })
}

pub(super) fn host_namespaces(look: &Look<'_, '_>) -> Option<Violation> {
    let on = |key: &&str| look.pod.spec.get(key).and_then(Node::as_bool) == Some(true);
    let set: Vec<&str> = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(on).collect();
    let first = look.pod.spec.entry(set.first()?)?;
    Some(Violation {
        reason: "host namespaces",
        detail: set.iter().map(|k| format!("{k}=true")).collect::<Vec<_>>().join(", "),
        at: first.key_span,
        why: "A pod in the node's own namespaces sees the processes and the traffic of every pod there.",
        fix: look.doc.without_line(first.key_span.start.line).unwrap_or_else(|| format!("Leave {} out.", set.join(" and "))),
    })
}

pub(super) fn host_path(look: &Look<'_, '_>) -> Option<Violation> {
    let bad: Vec<&Node> = look.pod.volumes().iter().filter(|v| v.get("hostPath").is_some()).collect();
    Some(Violation {
        reason: "hostPath volumes",
        detail: format!("{} {}", plural("volume", bad.len()), quoted(bad.iter().map(|v| text(Some(v), "name")))),
        at: bad.first()?.entry("hostPath")?.key_span,
        why: "A folder of the node is shared with everything that runs there, and is gone when the pod moves.",
        fix: "Use an `emptyDir` for scratch space, or a PersistentVolumeClaim for what must last.".into(),
    })
}

pub(super) fn host_ports(look: &Look<'_, '_>) -> Option<Violation> {
    fn open<'a>(c: &Container<'a>) -> impl Iterator<Item = &'a Node> + use<'a> {
        c.ports().iter().filter_map(|p| p.get("hostPort")).filter(|p| p.as_i64().is_some_and(|n| n != 0))
    }
    let bad = look.bad(|c| open(c).next().is_some());
    let ports: std::collections::BTreeSet<String> = bad.iter().flat_map(open).filter_map(Node::as_i64).map(|n| n.to_string()).collect();
    let first = open(bad.first()?).next()?;
    let uses = if bad.len() == 1 { "uses" } else { "use" };
    Some(Violation {
        reason: "hostPort",
        detail: format!("{} {uses} {} {}", named(&bad), plural("hostPort", ports.len()), ports.into_iter().collect::<Vec<_>>().join(", ")),
        at: first.span,
        why: "A port of the node can be had once: the second replica finds no node, and network policies don't guard it.",
        fix: look.doc.without_line(first.span.start.line).unwrap_or_else(|| "Leave `hostPort` out and reach the pod through a Service.".into()),
    })
}

pub(super) fn probe_hosts(look: &Look<'_, '_>) -> Option<Violation> {
    const HANDLERS: [[&str; 2]; 5] =
        [["livenessProbe", ""], ["readinessProbe", ""], ["startupProbe", ""], ["lifecycle", "postStart"], ["lifecycle", "preStop"]];
    fn hosts<'a>(c: &Container<'a>) -> Vec<&'a Node> {
        let handler = |[a, b]: [&str; 2]| c.node.get(a).and_then(|n| if b.is_empty() { Some(n) } else { n.get(b) });
        let host = |n: &'a Node| ["httpGet", "tcpSocket"].into_iter().filter_map(move |way| n.path(&[way, "host"]));
        HANDLERS.into_iter().filter_map(handler).flat_map(host).filter(|h| h.as_str().is_some_and(|h| !h.is_empty())).collect()
    }
    let bad = look.bad(|c| !hosts(c).is_empty());
    let names = sorted(bad.iter().map(|c| c.name));
    let to = sorted(bad.iter().flat_map(hosts).filter_map(Node::as_str));
    let uses = if bad.len() == 1 { "uses" } else { "use" };
    let first = *hosts(bad.first()?).first()?;
    Some(Violation {
        reason: "probe or lifecycle host",
        detail: format!(
            "{} {} {uses} {} {}",
            plural("container", bad.len()),
            quoted(names),
            plural("probe or lifecycle host", to.len()),
            quoted(to.iter().copied())
        ),
        at: first.span,
        why: "The kubelet would call any address for the pod, from inside the node's network.",
        fix: look.doc.without_line(first.span.start.line).unwrap_or_else(|| "Leave `host` out: the probe goes to the pod itself.".into()),
    })
}

pub(super) fn privileged(look: &Look<'_, '_>) -> Option<Violation> {
    let bad = look.bad(|c| of(c, "privileged").and_then(Node::as_bool) == Some(true));
    let at = place(&bad, &["securityContext", "privileged"])?;
    Some(Violation {
        reason: "privileged",
        detail: format!("{} must not set securityContext.privileged=true", named(&bad)),
        at,
        why: "A privileged container is root on the node. GPUs come through the device plugin and need no privilege.",
        fix: look.doc.replace(at, "false").unwrap_or_else(|| "Leave `privileged` out.".into()),
    })
}

pub(super) fn proc_mount(look: &Look<'_, '_>) -> Option<Violation> {
    if look.has_own_users() { None } else { masked_proc(look) }
}

/// The same, whoever the pod's users are.
pub(super) fn masked_proc(look: &Look<'_, '_>) -> Option<Violation> {
    let set = |c: &Container<'_>| of(c, "procMount").and_then(Node::as_str).is_some_and(|v| v != "Default");
    let bad = look.bad(set);
    let values = sorted(bad.iter().filter_map(|c| of(c, "procMount")).filter_map(Node::as_str));
    Some(Violation {
        reason: "procMount",
        detail: format!("{} must not set securityContext.procMount to {}", named(&bad), quoted(values)),
        at: place(&bad, &["securityContext", "procMount"])?,
        why: "Parts of /proc are hidden because they show and change the node's kernel.",
        fix: "Leave `procMount` out.".into(),
    })
}

pub(super) fn se_linux(look: &Look<'_, '_>) -> Option<Violation> {
    let bad = |n: &Node| !SE_LINUX_TYPES.contains(&text(Some(n), "type")) || !text(Some(n), "user").is_empty() || !text(Some(n), "role").is_empty();
    let pod = look.of_pod("seLinuxOptions").filter(|n| bad(n));
    let containers = look.bad(|c| of(c, "seLinuxOptions").is_some_and(bad));
    let all: Vec<&Node> = pod.into_iter().chain(containers.iter().filter_map(|c| of(c, "seLinuxOptions"))).collect();
    let types = sorted(all.iter().map(|n| text(Some(n), "type")).filter(|t| !SE_LINUX_TYPES.contains(t)));
    let mut said = Vec::new();
    if !types.is_empty() {
        said.push(format!("{} {}", plural("type", types.len()), quoted(types)));
    }
    for key in ["user", "role"] {
        if all.iter().any(|n| !text(Some(n), key).is_empty()) {
            said.push(format!("{key} may not be set"));
        }
    }
    Some(Violation {
        reason: "seLinuxOptions",
        detail: format!("{} set forbidden securityContext.seLinuxOptions: {}", setters(pod.is_some(), &containers)?, said.join("; ")),
        at: all.first()?.span,
        why: "With other labels a container may read what SELinux keeps from it.",
        fix: "Leave `seLinuxOptions` out.".into(),
    })
}

/// A profile of system calls that is none: `Unconfined`, most often.
pub(super) fn wrong_seccomp(look: &Look<'_, '_>) -> Option<Violation> {
    let bad = |n: &Node| !matches!(text(Some(n), "type"), "RuntimeDefault" | "Localhost");
    let pod = look.of_pod("seccompProfile").filter(|n| bad(n));
    let containers = look.bad(|c| of(c, "seccompProfile").is_some_and(bad));
    let values = sorted(pod.into_iter().chain(containers.iter().filter_map(|c| of(c, "seccompProfile"))).map(|n| text(Some(n), "type")));
    let set = setters(pod.is_some(), &containers)?;
    let at = pod.map(|n| n.get("type").unwrap_or(n).span).or_else(|| place(&containers, &["securityContext", "seccompProfile", "type"]))?;
    Some(Violation {
        reason: "seccompProfile",
        detail: format!("{set} must not set securityContext.seccompProfile.type to {}", quoted(values)),
        at,
        why: "A seccomp profile closes the system calls that exploits of the kernel use and programs don't.",
        fix: look.doc.replace(at, "RuntimeDefault").unwrap_or_else(|| "Set its type to `RuntimeDefault`.".into()),
    })
}

pub(super) fn seccomp(look: &Look<'_, '_>) -> Option<Violation> {
    wrong_seccomp(look)
}

pub(super) fn sysctls(look: &Look<'_, '_>) -> Option<Violation> {
    let set = look.of_pod("sysctls").map_or(&[][..], Node::items);
    let bad: Vec<&Node> = set.iter().filter(|s| !SYSCTLS.contains(&text(Some(s), "name"))).collect();
    Some(Violation {
        reason: "forbidden sysctls",
        detail: bad.iter().map(|s| text(Some(s), "name")).collect::<Vec<_>>().join(", "),
        at: bad.first()?.span,
        why: "Most settings of the kernel are the node's: one pod would change them for all.",
        fix: "Leave them out; whoever runs the nodes sets them there.".into(),
    })
}

pub(super) fn host_process(look: &Look<'_, '_>) -> Option<Violation> {
    let on = |n: Option<&Node>| n.and_then(|n| n.get("hostProcess")).and_then(Node::as_bool) == Some(true);
    let pod = look.of_pod("windowsOptions").filter(|n| on(Some(n)));
    let containers = look.bad(|c| on(of(c, "windowsOptions")));
    Some(Violation {
        reason: "hostProcess",
        detail: format!("{} must not set securityContext.windowsOptions.hostProcess=true", setters(pod.is_some(), &containers)?),
        at: pod.map(|n| n.span).or_else(|| place(&containers, &["securityContext", "windowsOptions"]))?,
        why: "A host process is no container: it runs on the node itself.",
        fix: "Leave `hostProcess` out.".into(),
    })
}
