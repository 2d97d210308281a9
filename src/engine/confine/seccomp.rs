//! Forbids the system calls that no grading tool needs and that others broke out of boxes with.
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// Debugging others, mounting, namespaces, keys, kernel code, and interfaces with a history of holes.
const FORBIDDEN: [i64; 39] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fsconfig,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_personality,
    libc::SYS_syslog,
    libc::SYS_mknodat,
];

/// The kinds of socket a tool may open: files and the internet's, which in a box is its own loopback.
const FAMILIES: [i32; 3] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// Puts this thread, and what it starts, under the filters. Says why it can't.
pub fn apply() -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    for program in [forbidden(arch)?, unknown(arch)?] {
        seccompiler::apply_filter(&program).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn forbidden(arch: TargetArch) -> Result<BpfProgram, String> {
    let told = |e: seccompiler::BackendError| e.to_string();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = FORBIDDEN.into_iter().map(|call| (call, Vec::new())).collect();
    let others: Result<Vec<Condition>, String> =
        FAMILIES.iter().map(|family| Condition::new(0, Len::Dword, Op::Ne, u64::from(family.unsigned_abs())).map_err(told)).collect();
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(others?).map_err(told)?]);
    // Each flag that makes a namespace, alone.
    let spaces = [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWPID, libc::CLONE_NEWNET, libc::CLONE_NEWIPC, libc::CLONE_NEWUTS];
    let mut clones = Vec::new();
    for flag in spaces {
        let flag = u64::from(flag.unsigned_abs());
        let condition = Condition::new(0, Len::Qword, Op::MaskedEq(flag), flag).map_err(told)?;
        clones.push(SeccompRule::new(vec![condition]).map_err(told)?);
    }
    rules.insert(libc::SYS_clone, clones);
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, denied, arch).map_err(told)?.try_into().map_err(told)
}

/// `clone3` hides its flags in memory that a filter can't read: it isn't there, and libraries use `clone`.
fn unknown(arch: TargetArch) -> Result<BpfProgram, String> {
    let told = |e: seccompiler::BackendError| e.to_string();
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, absent, arch).map_err(told)?.try_into().map_err(told)
}
