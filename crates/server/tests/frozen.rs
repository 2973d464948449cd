//! Phones that vanish without a word: their process is frozen, so that no close ever comes. Every session ends all the same,
//! and leaves nothing behind.
//!
//! The server and the phones are processes of their own. By default the durations are a tenth of the product's;
//! `BIFOCAL_FROZEN_FULL=1 cargo test -p bifocal-server --test frozen` uses the product's own and takes four minutes.

#![allow(clippy::print_stdout, reason = "the processes talk over pipes, and the figures are to be seen")]

mod harness;

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bifocal_server::Server;
use bifocal_session::Timings;
use bifocal_store::Store;
use harness::cloud::config;
use harness::raw;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

/// Which of the processes this is.
const ROLE: &str = "BIFOCAL_TEST_ROLE";
const FOLDER: &str = "BIFOCAL_TEST_FOLDER";
const ADDRESS: &str = "BIFOCAL_TEST_ADDRESS";
const FULL: &str = "BIFOCAL_FROZEN_FULL";
/// glibc gives threads heaps of their own, and each grows until it has seen its share of the load. With one heap, resident
/// memory says what the server keeps, and not which thread worked in which cycle.
const ONE_HEAP: (&str, &str) = ("MALLOC_ARENA_MAX", "1");
const PHONES: usize = 500;
/// What may be left between two cycles: buckets of histograms, buffers of the store.
const LEFT_BYTES: i64 = 64 << 10;

/// This program once more, in another role.
struct Other {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "frozen_phones_leave_nothing_behind", "--nocapture"])
            .env(ROLE, role)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, input, output }
    }

    /// The rest of the next line that begins so.
    fn says(&mut self, beginning: &str) -> String {
        let mut lines = self.output.by_ref().map_while(Result::ok);
        let line = lines.find_map(|line| line.strip_prefix(beginning).map(str::to_owned));
        line.unwrap_or_else(|| panic!("it ended and did not say {beginning}"))
    }

    fn stats(&mut self) -> Stats {
        writeln!(self.input, "stats").expect("it listens");
        let numbers: Vec<i64> = self.says("stats ").split(' ').map(|n| n.parse().expect("a number")).collect();
        let [sessions, live, tasks, files, resident] = numbers[..] else { panic!("five numbers: {numbers:?}") };
        Stats { sessions, live, tasks, files, resident }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server is made of.
#[derive(Debug, Clone, Copy)]
struct Stats {
    sessions: i64,
    live: i64,
    tasks: i64,
    files: i64,
    resident: i64,
}

fn timings() -> Timings {
    let mut timings = Timings::DEFAULT;
    if std::env::var_os(FULL).is_none() {
        for duration in [&mut timings.ping_every, &mut timings.silence, &mut timings.glasses_grace] {
            *duration /= 10;
        }
    }
    timings
}

/// The server: says where it listens, and how it is when asked.
async fn be_the_server() {
    let folder = std::path::PathBuf::from(std::env::var_os(FOLDER).expect("a folder is given"));
    let mut config = config(&folder);
    config.timings = timings();
    let store = Store::open(&folder).await.expect("a new store");
    let server = Server::start(config, store).await.expect("loopback has a free port");
    println!("\nlistening {}", server.address());
    let (asked, mut questions) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let _ = asked.send(());
        }
    });
    while questions.recv().await.is_some() {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let files = std::fs::read_dir("/proc/self/fd").expect("the system tells").count();
        let (sessions, live) = (server.session_count(), ALLOCATOR.allocated());
        println!("stats {sessions} {live} {tasks} {files} {}", resident());
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// The phones: connected, then frozen from outside.
fn be_the_phones() {
    let address: SocketAddr = std::env::var(ADDRESS).expect("given").parse().expect("an address");
    let phones: Vec<_> = (0..PHONES).map(|n| raw::phone(address, &format!("user-{n}@example.org"))).collect();
    println!("\nconnected {}", phones.len());
    let _ = std::io::stdin().lines().next();
}

/// Connects the phones, freezes them, and waits until the last session is gone.
fn cycle(server: &mut Other, address: &str) -> (Stats, Duration) {
    let mut phones = Other::start("phones", &[(ADDRESS, address)]);
    assert_eq!(phones.says("connected "), PHONES.to_string());
    assert_eq!(server.stats().sessions, PHONES as i64);
    phones.signal("-STOP");
    let frozen = Instant::now();
    let limit = Duration::from_millis(timings().silence + timings().glasses_grace) + Duration::from_secs(30);
    loop {
        let stats = server.stats();
        if stats.sessions == 0 {
            let took = frozen.elapsed();
            phones.signal("-CONT");
            return (settled(server), took);
        }
        assert!(frozen.elapsed() < limit, "after {:?} there are {stats:?}", frozen.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The last tasks end a moment after their sessions.
fn settled(server: &mut Other) -> Stats {
    let until = Instant::now() + Duration::from_secs(10);
    let mut stats = server.stats();
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        let next = server.stats();
        if (next.tasks, next.files) == (stats.tasks, stats.files) && (next.live - stats.live).abs() < 1024 {
            return next;
        }
        stats = next;
    }
    stats
}

#[test]
fn frozen_phones_leave_nothing_behind() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            return runtime.expect("a runtime").block_on(be_the_server());
        }
        Ok("phones") => return be_the_phones(),
        _ => {}
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Other::start("server", &[(FOLDER, &folder.path().to_string_lossy()), ONE_HEAP]);
    let address = server.says("listening ");
    let start = settled(&mut server);
    let cycles: Vec<(Stats, Duration)> = (0..3).map(|_| cycle(&mut server, &address)).collect();
    println!("at the start: {start:?}");
    for (stats, took) in &cycles {
        println!("after {took:?}: {stats:?}");
        assert!(took.as_millis() >= u128::from(timings().glasses_grace), "ended too early: {took:?}");
    }
    let [(first, _), (second, _), (third, _)] = cycles[..] else { panic!("three cycles") };
    for stats in [second, third] {
        assert_eq!((stats.tasks, stats.files), (first.tasks, first.files), "{cycles:?}");
        assert!((stats.live - first.live).abs() <= LEFT_BYTES, "live bytes: {cycles:?}");
    }
    assert_eq!((first.tasks, start.sessions), (start.tasks, 0), "tasks: {start:?} {cycles:?}");
    let growth = (third.resident - second.resident).abs() as f64 / second.resident as f64;
    assert!(growth <= 0.05, "resident memory changed by {:.1} %: {cycles:?}", growth * 100.0);
}
