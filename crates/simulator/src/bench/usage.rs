//! What a process has used, from `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

/// A reading of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time, of the process and of the kernel for it.
    pub(crate) cpu: Duration,
    /// Resident memory in bytes (`VmRSS`).
    pub(crate) resident: u64,
    /// How often one of its threads went to sleep and had to be woken.
    pub(crate) wakes: u64,
}

impl Usage {
    /// Reads the counters of a process.
    ///
    /// # Errors
    /// When there is no such process, or no `/proc`.
    pub(crate) fn of(process: u32) -> io::Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = field(&status, "VmRSS:").unwrap_or(0) * 1024;
        let (mut precise, mut wakes) = (0, 0);
        for thread in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
            // A thread may end while we look.
            let text = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            precise += text("schedstat").split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0);
            wakes += field(&text("status"), "voluntary_ctxt_switches:").unwrap_or(0);
        }
        // `stat` counts in steps of 10 ms, but knows threads that have ended.
        let cpu = Duration::from_nanos(precise).max(ticks(&stat).unwrap_or_default());
        Ok(Usage { cpu, resident, wakes })
    }
}

/// The number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// `utime` and `stime` of `/proc/<process>/stat`, in hundredths of a second. The name before them may have any characters.
fn ticks(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// What everything on this machine has used so far, in processor time.
///
/// # Errors
/// When there is no `/proc`.
pub(crate) fn machine() -> io::Result<Duration> {
    Ok(busy(&fs::read_to_string("/proc/stat")?).unwrap_or_default())
}

/// How many processors the machine has, whoever may use them.
pub(crate) fn processors_online() -> usize {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count()
}

/// The first line of `/proc/stat` is `cpu user nice system idle iowait irq softirq steal …` in hundredths of a second.
fn busy(stat: &str) -> Option<Duration> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let spent = fields.take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4));
    let ticks = spent.map(|(_, ticks)| ticks.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Fails when this process, and with it its children, may not open enough files.
pub(crate) fn check_open_files(needed: u64) -> Result<(), String> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    match soft_limit(&limits) {
        Some(limit) if limit < needed => Err(format!(
            "this needs {needed} open files and the limit is {limit}; raise it first with: ulimit -n {}",
            needed.next_power_of_two()
        )),
        _ => Ok(()),
    }
}

/// `None` when it is not known or unlimited.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processors that this process may run on.
pub(crate) fn processors() -> Vec<usize> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    parse_list(list.trim())
}

/// `0-1,4` is 0, 1 and 4.
fn parse_list(list: &str) -> Vec<usize> {
    let range = |part: &str| -> Option<std::ops::RangeInclusive<usize>> {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_proc_are_read() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(ticks(stat), Some(Duration::from_secs(2)));
        assert_eq!(busy("cpu  1 2 3 1000 1000 4 5 6 7 8\ncpu0 9"), Some(Duration::from_millis(210)));
        assert_eq!(field("VmPeak:\t 9 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(soft_limit("Limit  Soft\nMax open files            1024      4096     files\n"), Some(1024));
        assert_eq!(soft_limit("Max open files            unlimited      unlimited     files\n"), None);
        assert_eq!(parse_list("0-2,5"), [0, 1, 2, 5]);
        assert!(parse_list("").is_empty());
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(std::process::id()).expect("we are there");
        assert!(usage.resident > 0);
        assert!(Usage::of(u32::MAX).is_err());
    }

    #[test]
    fn too_few_files_are_said_with_the_remedy() {
        let error = check_open_files(u64::MAX / 4).expect_err("nobody has so many");
        assert!(error.contains("ulimit -n"), "{error}");
    }
}
