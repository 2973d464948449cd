//! Loads a media server on this machine: so many publishers of 2 Mbit/s, so many viewers each. Every viewer counts the pictures in
//! what it gets.
//!
//! `cargo run -p bifocal-media --example load -- [STREAMS [VIEWERS [SECONDS]]]`; 20, 5 and 20 when nothing is said. The server is a
//! process of its own, so that its processor time and memory are its own, too. Loopback only.
#![allow(clippy::print_stdout, reason = "it talks to the person who started it")]

mod publisher;
mod viewer;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bifocal_media::{ManagedProvider, Media, MediaConfig, NewStream, Permits};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// What takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse().unwrap_or(0)).collect();
    match arguments[..] {
        // The child: a zero, and how many streams.
        [0, streams] => serve(streams).await,
        _ => {
            let argument = |at: usize, default| arguments.get(at).copied().filter(|n| *n > 0).unwrap_or(default);
            load(argument(0, 20), argument(1, 5), argument(2, 20)).await
        }
    }
}

/// A server with streams, until its parent is gone. Prints where each is published and watched.
async fn serve(streams: u64) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let http = listener.local_addr()?;
    let media = Media::start(MediaConfig {
        listen: "127.0.0.1:0".parse()?,
        publish_base: None,
        viewer_base: format!("http://{http}"),
        permits: Permits(Arc::new(|address| address.is_loopback())),
        tls: None,
        recording: None,
        ffmpeg: None,
        limits: Default::default(),
        patience: Default::default(),
    })
    .await?;
    let router = bifocal_media::router(&media);
    tokio::spawn(async move { axum::serve(listener, router).await });
    for number in 0..streams {
        let new = NewStream { owner: number.to_string(), ..NewStream::default() };
        let made = media.create(new).await?;
        println!("{} {}", made.publish_url, made.urls.hls);
    }
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn load(streams: u64, viewers: u64, seconds: u64) -> Result<(), Failed> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["0", &streams.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let pid = child.id().ok_or("no process")?;
    let mut places = Vec::new();
    for _ in 0..streams {
        let line = lines.next_line().await?.ok_or("the server did not start")?;
        let (publish, watch) = line.split_once(' ').ok_or("two addresses")?;
        places.push((publish.to_owned(), watch.to_owned()));
    }
    let idle = usage(pid)?;
    println!("{streams} streams of 2 Mbit/s with {viewers} viewers each, {seconds} s");
    let begun = Instant::now();
    let (mut publishers, mut watchers) = (Vec::new(), Vec::new());
    for (publish, watch) in places {
        publishers.push(tokio::spawn(publisher::publish(publish, seconds)));
        watchers.extend((0..viewers).map(|_| tokio::spawn(viewer::watch(watch.clone(), seconds))));
    }
    let mut peak = idle.memory;
    while publishers.iter().any(|publisher| !publisher.is_finished()) {
        sleep(Duration::from_millis(200)).await;
        peak = peak.max(usage(pid)?.memory);
    }
    let took = begun.elapsed().as_secs_f64();
    let percent = (usage(pid)?.cpu - idle.cpu) / took * 100.0;
    let mut late = 0.0f64;
    for publisher in publishers {
        late = late.max(publisher.await??);
    }
    let (mut missing, mut bytes) = (0, 0);
    for watcher in watchers {
        let seen = watcher.await??;
        missing += seen.missing;
        bytes += seen.bytes;
    }
    let each = streams as f64;
    println!("pictures missing at a viewer  {missing}");
    println!("latest picture of a publisher {late:.3} s behind its time");
    println!("read by viewers               {:.1} MiB", bytes as f64 / f64::from(1 << 20));
    println!("processor of the server       {percent:.1} % of one core, {:.2} % a stream", percent / each);
    println!("memory of the server          {:.1} MiB without load, {peak:.1} MiB at most", idle.memory);
    println!("                              {:.2} MiB a stream", (peak - idle.memory) / each);
    if missing > 0 { Err("pictures are missing".into()) } else { Ok(()) }
}

struct Usage {
    /// Seconds.
    cpu: f64,
    /// MiB.
    memory: f64,
}

fn usage(pid: u32) -> Result<Usage, Failed> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("a process")?.1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("memory")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("a number")?.parse()?;
    Ok(Usage { cpu: ticks / 100.0, memory: kilobytes / 1024.0 })
}
