//! Landlock: in a box only the tools may be executed, only the working copy be written, only the mock cloud's ports be reached.
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, Scope,
};

/// What the rules are written for; older kernels enforce what they know of it.
const WRITTEN_FOR: ABI = ABI::V6;

/// Puts this thread, and what it starts, under Landlock. Says what is in force, or why nothing is.
pub fn apply(runs: &[String], writes: &[&str], ports: &[u16]) -> Result<String, String> {
    restrict(runs, writes, ports).map_err(|e| e.to_string())?.ok_or_else(|| "this kernel has no Landlock".to_owned())
}

fn restrict(runs: &[String], writes: &[&str], ports: &[u16]) -> Result<Option<String>, landlock::RulesetError> {
    let all = AccessFs::from_all(WRITTEN_FOR);
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    // Signals end at the box's own processes already; terraform must be able to ask whether its provider lives.
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(WRITTEN_FOR))?
        .scope(Scope::AbstractUnixSocket)?
        .create()?;
    let devices =
        ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"].map(|d| (d, AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate));
    let tools = runs.iter().map(|path| (path.as_str(), AccessFs::Execute | AccessFs::ReadFile));
    let written = writes.iter().map(|path| (*path, all & !AccessFs::Execute));
    for (path, access) in [("/", read)].into_iter().chain(tools).chain(written).chain(devices) {
        // What isn't there needs no rule.
        let Ok(fd) = PathFd::new(path) else { continue };
        let is_file = std::fs::metadata(path).is_ok_and(|m| !m.is_dir());
        let access = if is_file { access & AccessFs::from_file(WRITTEN_FOR) } else { access };
        rules = rules.add_rule(PathBeneath::new(fd, access))?;
    }
    for port in ports {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::from_all(WRITTEN_FOR)))?;
    }
    let status = rules.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Some("landlock".to_owned()),
        RulesetStatus::PartiallyEnforced => Some("landlock as far as this kernel knows it".to_owned()),
        RulesetStatus::NotEnforced => None,
    })
}
