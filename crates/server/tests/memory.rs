//! What an idle phone costs: the server runs in a process of its own, and the system says how big it is.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the figure is to be seen, and the child reports its port"
)]

mod harness;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};

use bifocal_server::Server;
use bifocal_store::Store;
use harness::cloud::config;
use harness::http::request;
use harness::{eventually, raw, token};

/// Makes the test the server: where its data folder is.
const FOLDER: &str = "BIFOCAL_TEST_SERVER_FOLDER";
const PHONES: usize = 1000;
const MOST_EACH: u64 = 16 << 10;

/// A server in another process. It ends with its standard input.
struct OtherProcess {
    child: Child,
    address: SocketAddr,
    _input: ChildStdin,
}

impl OtherProcess {
    fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "a_thousand_idle_phones_cost_less_than_16_kib_each", "--nocapture"])
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let input = child.stdin.take().expect("it is piped");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listening ")?.parse().ok());
        Self { address: address.expect("it says where it listens"), child, _input: input }
    }

    /// Resident memory, in bytes.
    fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the system tells about processes");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
        let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
        kib.expect("a number of KiB") << 10
    }

    async fn sessions(&self) -> u64 {
        let health = request(self.address, "GET", "/health", &[], "").await.json();
        health["sessions"]["activeCount"].as_u64().expect("a count")
    }

    /// The session has read its user's record when it knows that an app is not installed.
    async fn has_loaded(&self, user: &str) {
        let authorization = format!("Bearer {}", token::good(user));
        let headers = [("Authorization", authorization.as_str())];
        let reply = request(self.address, "POST", "/apps/org.example.none/start", &headers, "").await;
        assert_eq!(reply.status, 404, "{reply:?}");
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other process: serves until its input ends. `main` waits here as the product's does.
async fn be_the_server(folder: std::ffi::OsString) {
    let folder = std::path::PathBuf::from(folder);
    let store = Store::open(&folder).await.expect("a new store");
    let mut config = config(&folder);
    config.timings.glasses_grace = 500;
    let server = Server::start(config, store).await.expect("loopback has a free port");
    // On a line of its own: the test harness has begun one.
    println!("\nlistening {}", server.address());
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    end.expect("nothing panics").expect("the input ends");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_phones_cost_less_than_16_kib_each() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return be_the_server(folder).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let server = OtherProcess::start(folder.path());
    let user = |number: usize| format!("user-{number}@example.org");

    // What is there once and not for each phone (code, connections of the store, buffers of HTTP) is there after these.
    let first: Vec<_> =
        (0..10).map(|number| raw::phone(server.address, &format!("first-{number}@example.org"))).collect();
    for number in 0..10 {
        server.has_loaded(&format!("first-{number}@example.org")).await;
    }
    let before = server.resident();
    let phones: Vec<_> = (0..PHONES).map(|number| raw::phone(server.address, &user(number))).collect();
    for number in 0..PHONES {
        server.has_loaded(&user(number)).await;
    }
    assert_eq!(server.sessions().await, (first.len() + phones.len()) as u64);
    let after = server.resident();

    let each = after.saturating_sub(before) / PHONES as u64;
    println!("resident memory: {} KiB before, {} KiB after, {each} bytes for each phone", before >> 10, after >> 10);
    assert!(each < MOST_EACH, "{each} bytes for each idle phone");

    drop((first, phones));
    eventually("every session ends when the grace is over", || async { server.sessions().await == 0 }).await;
}
