//! What the kernel has accounted to a process, and to all of them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

/// Milliseconds, on every architecture that this runs on (`USER_HZ`).
const TICK: u64 = 10;

/// What has been accounted up to a moment.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    program: Duration,
    sink: Duration,
    loader: Duration,
    machine: Duration,
}

/// CPU seconds between two moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// Those of the program that was measured.
    pub program: f64,
    /// Those of what took what the program passed on.
    pub sink: f64,
    pub loader: f64,
    /// Those of none of them.
    pub others: f64,
}

impl Account {
    /// That of a program, of this process, which is the loader, and of the machine.
    ///
    /// # Errors
    ///
    /// When the program has ended.
    pub fn of(program: u32) -> io::Result<Self> {
        Self::of_both(program, None)
    }

    /// The same, beside that of a sink, if there is one.
    ///
    /// # Errors
    ///
    /// When one of them has ended.
    pub fn of_both(program: u32, sink: Option<u32>) -> io::Result<Self> {
        let loader = cpu_time(process::id())?;
        let sink = sink.map(cpu_time).transpose()?.unwrap_or_default();
        Ok(Self { program: cpu_time(program)?, sink, loader, machine: machine_time()? })
    }

    /// What was spent since it was `before`.
    pub fn since(&self, before: &Self) -> Spent {
        let passed = |of: fn(&Self) -> Duration| (of(self) - of(before)).as_secs_f64();
        let [program, sink] = [passed(|it| it.program), passed(|it| it.sink)];
        let loader = passed(|it| it.loader);
        let others = (passed(|it| it.machine) - program - sink - loader).max(0.0);
        Spent { program, sink, loader, others }
    }
}

/// CPU time of a process: all its threads, user and system, to the nanosecond.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu_time(process: u32) -> io::Result<Duration> {
    let pid = Pid::from_raw(i32::try_from(process).map_err(io::Error::other)?);
    Ok(ClockId::pid_cpu_clock_id(pid)?.now()?.into())
}

/// What of a process's CPU time was the kernel's, and what was its own, by the kernel's estimate.
/// In steps of 10 ms.
///
/// # Errors
///
/// When there is no such process.
pub fn system_and_user(process: u32) -> io::Result<[Duration; 2]> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name, in parentheses, may have anything in it.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|ticks| ticks.parse().ok()));
    let both = || Some([system?, user?].map(|ticks: u64| Duration::from_millis(ticks * TICK)));
    both().ok_or_else(|| io::Error::other("no CPU time of a process"))
}

/// CPU time of each thread that a process has, by its number: user and system, to the nanosecond.
///
/// # Errors
///
/// When there is no such process.
pub fn thread_times(process: u32) -> io::Result<BTreeMap<u32, Duration>> {
    let mut times = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{process}/task"))? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
        // A thread may end between the two.
        let Ok(account) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
        let nanoseconds = account.split_whitespace().next().and_then(|first| first.parse().ok());
        let nanoseconds = nanoseconds.ok_or_else(|| io::Error::other("no CPU time of a thread"))?;
        times.insert(number, Duration::from_nanos(nanoseconds));
    }
    Ok(times)
}

/// The most memory that a process had resident so far (`VmHWM`), in bytes.
///
/// # Errors
///
/// When there is no such process.
pub fn peak_memory(process: u32) -> io::Result<u64> {
    bytes(&fs::read_to_string(format!("/proc/{process}/status"))?, "VmHWM:")
}

/// The memory that a process has resident, in bytes: page by page, not the sum that
/// `VmRSS` is, which may lag behind.
///
/// # Errors
///
/// When there is no such process.
pub fn resident_memory(process: u32) -> io::Result<u64> {
    bytes(&fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?, "Rss:")
}

fn bytes(status: &str, name: &str) -> io::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: Option<u64> = number.and_then(|number| number.parse().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other(format!("no {name}")))
}

/// CPU time of all processes together, on all cores: what the machine was kept busy with,
/// and what its host took from it. In steps of 10 ms.
///
/// # Errors
///
/// When `/proc/stat` cannot be read.
pub fn machine_time() -> io::Result<Duration> {
    const USER_NICE_SYSTEM_STEAL: [usize; 4] = [1, 2, 3, 8];
    let stat = fs::read_to_string("/proc/stat")?;
    let columns: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().collect();
    let ticks = |column: usize| columns.get(column).and_then(|ticks| ticks.parse::<u64>().ok());
    let ticks: Option<u64> = USER_NICE_SYSTEM_STEAL.into_iter().map(ticks).sum();
    let ticks = ticks.ok_or_else(|| io::Error::other("no CPU time in /proc/stat"))?;
    Ok(Duration::from_millis(ticks * TICK))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn threads_have_their_own_accounts() {
        let spent = Duration::from_millis(50);
        let before = thread_times(process::id()).unwrap();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let own = nix::unistd::gettid().as_raw();
                let own = u32::try_from(own).unwrap();
                assert!(!before.contains_key(&own), "it is new");
                loop {
                    let now = thread_times(process::id()).unwrap();
                    if now.get(&own).is_some_and(|time| *time >= spent) {
                        return;
                    }
                }
            });
            worker.join().unwrap();
        });
        assert!(thread_times(0).is_err(), "no process has this number");
    }

    #[test]
    fn system_and_user_are_parts_of_the_whole() {
        // Of processes of their own: other tests run in this one.
        let spend = |script: &str| {
            let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
            while cpu_time(child.id()).unwrap() < Duration::from_millis(300) {
                thread::sleep(Duration::from_millis(5));
            }
            let spent = system_and_user(child.id()).unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            spent
        };
        let [system, user] = spend("while :; do :; done");
        assert!(user > system, "counting: {system:?} and {user:?}");
        let [system, user] = spend("exec dd if=/dev/zero of=/dev/null bs=1M status=none");
        assert!(system > user, "asking the kernel: {system:?} and {user:?}");
        assert!(system_and_user(0).is_err(), "no process has this number");
    }

    #[test]
    fn own_memory_is_found() {
        let mut taken = vec![1_u8; 8 << 20];
        let before = resident_memory(process::id()).unwrap();
        taken.extend_from_slice(&[1; 64 << 20]);
        let after = resident_memory(process::id()).unwrap();
        assert!(after >= before + (48 << 20), "{before} to {after} with {}", taken.len());
        assert!(peak_memory(process::id()).unwrap() >= after);
    }
}
