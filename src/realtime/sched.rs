//! What the real-time thread asks of the operating system once, before its first tick.
//!
//! Each privilege is asked for by itself; what is not granted is said once, with how to grant it, and
//! the daemon goes on without.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall};
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

/// Lock the process's memory, now and to come.
pub fn lock_memory(granted: &mut Granted) {
    match mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE) {
        Ok(()) => granted.memory_locked = true,
        Err(e) => granted.warnings.push(format!(
            "memory is not locked ({}): page faults may delay ticks; grant CAP_IPC_LOCK or LimitMEMLOCK=infinity",
            e.desc()
        )),
    }
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
