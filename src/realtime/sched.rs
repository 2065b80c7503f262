//! What the real-time thread asks of the operating system once, before its first tick.
//!
//! Each privilege is asked for by itself; what is not granted is said once, with how to grant it, and
//! the daemon goes on without.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::Pid;

/// What was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Memory is locked: no page fault can delay a tick.
    pub memory_locked: bool,
    /// The thread runs under SCHED_FIFO.
    pub fifo: bool,
    /// The thread has a core.
    pub pinned: bool,
    /// What was refused, and what to do about it; empty when nothing was.
    pub warnings: Vec<String>,
}

/// CAP_IPC_LOCK in the mask of capabilities (capabilities(7)).
const CAP_IPC_LOCK: u64 = 1 << 14;

/// Lock the process's memory, now and to come.
///
/// Not under a limit: what has been taken so far may fit it, and then what is taken later, a thread's stack
/// for one, could not be had at all.
pub fn lock_memory(granted: &mut Granted) {
    let refused = if may_lock_all() {
        mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).err().map(|e| e.desc())
    } else {
        Some("not permitted without limit")
    };
    match refused {
        None => granted.memory_locked = true,
        Some(why) => granted.warnings.push(format!(
            "memory is not locked ({why}): page faults may delay ticks; grant CAP_IPC_LOCK or LimitMEMLOCK=infinity"
        )),
    }
}

/// Whether locked memory has no limit for this process.
fn may_lock_all() -> bool {
    if getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == RLIM_INFINITY) {
        return true;
    }
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| effective_capabilities(&status) & CAP_IPC_LOCK != 0)
}

/// The effective capabilities in a `/proc/PID/status` (proc(5)); none when it does not say.
fn effective_capabilities(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Give the calling thread SCHED_FIFO with this priority, and a core unless `core` is negative.
pub fn become_realtime(granted: &mut Granted, priority: i32, core: i32) {
    if let Ok(core) = usize::try_from(core) {
        let mut set = CpuSet::new();
        match set.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)) {
            Ok(()) => granted.pinned = true,
            Err(e) => granted.warnings.push(format!("the real-time thread is not on core {core} ({})", e.desc())),
        }
    }
    match fifo(priority) {
        Ok(()) => granted.fifo = true,
        Err(why) => granted.warnings.push(format!(
            "the real-time thread has no real-time priority ({why}): other programs may delay ticks; grant CAP_SYS_NICE \
             or LimitRTPRIO={priority}"
        )),
    }
}

fn fifo(priority: i32) -> Result<(), String> {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };
    let priority = u8::try_from(priority).ok().and_then(|p| ThreadPriorityValue::try_from(p).ok());
    let priority = priority.ok_or_else(|| "no such priority".to_owned())?;
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), policy)
        .map_err(|e| format!("{e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_as_the_kernel_writes_them() {
        let status = |mask: &str| format!("Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t{mask}\nCapBnd:\t0\n");
        assert_ne!(effective_capabilities(&status("0000000000004000")) & CAP_IPC_LOCK, 0);
        assert_eq!(effective_capabilities(&status("ffffffffffffbfff")) & CAP_IPC_LOCK, 0);
        assert_eq!(effective_capabilities("Name:\tx\n"), 0);
    }
}
