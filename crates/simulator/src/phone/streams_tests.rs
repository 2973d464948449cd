//! The table of the streams, with programs that behave as ffmpeg does in each case.

use std::path::Path;

use tokio::time::timeout;

use super::*;

const LIMIT: Duration = Duration::from_secs(20);
/// What ffmpeg says of a stream whose pictures go out.
const PICTURE: &str = "printf 'frame=1\\nbitrate= 100.0kbits/s\\nprogress=continue\\n'";

fn patience() -> Patience {
    Patience { pause: Duration::from_millis(10), ..Patience::default() }
}

/// Glasses whose `ffmpeg` is this shell script.
fn streams(folder: &Path, script: &str, patience: Patience) -> Streams {
    let program = folder.join("ffmpeg");
    let text = format!("#!/bin/sh\ncd '{}'\n{script}\n", folder.display());
    // Another process writes it: what this one has open for writing, a child of another test may have, too, and then nobody can run it.
    let write = ["-c", "printf %s \"$1\" > \"$0\" && chmod +x \"$0\""];
    let written = std::process::Command::new("sh").args(write).arg(&program).arg(text).status().expect("sh runs");
    assert!(written.success());
    Streams::new(Some(program), patience)
}

fn request(id: &str) -> StreamRequest {
    let rtmp_url = "rtmp://127.0.0.1:1/live/geheim".to_owned();
    StreamRequest {
        stream_id: id.to_owned(),
        app_id: "org.example.live".to_owned(),
        rtmp_url,
        ..StreamRequest::default()
    }
}

async fn next(streams: &mut Streams) -> Report {
    timeout(LIMIT, streams.next()).await.expect("a report in time")
}

/// The statuses up to the final one, and why it was.
async fn all(streams: &mut Streams) -> (Vec<&'static str>, Option<String>) {
    let mut statuses = Vec::new();
    loop {
        let report = next(streams).await;
        statuses.push(report.status);
        if report.is_final() {
            return (statuses, report.why);
        }
    }
}

#[tokio::test]
async fn a_stream_begins_goes_on_and_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let numbers = Duration::ZERO;
    let script = format!("{PICTURE}; {PICTURE}; read -r enough");
    let mut streams = streams(folder.path(), &script, Patience { numbers, ..patience() });
    assert_eq!(streams.start(request("s1")).status, "initializing");
    let live = next(&mut streams).await;
    assert_eq!((live.status, &*live.stream, &*live.app), ("active", "s1", "org.example.live"));
    assert_eq!(live.stats.expect("numbers")["bitrate"], 100_000);
    assert_eq!(next(&mut streams).await.status, "active", "new numbers");
    assert!(streams.goes_on("s1") && !streams.goes_on("s2"));
    assert_eq!(streams.start(request("s1")).status, "active", "the same stream is not begun twice");
    // The name of the stream is not looked at: today's phones stop whatever runs.
    assert_eq!(streams.stop(StreamStop::default()), None);
    assert_eq!(all(&mut streams).await.0, ["stopping", "stopped"]);
    let nothing = StreamStop { stream_id: "s1".to_owned(), ..StreamStop::default() };
    assert_eq!(streams.stop(nothing).map(|report| report.status), Some("stopped"));
}

#[tokio::test]
async fn what_fails_before_the_first_picture_is_an_error_and_says_no_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = "echo 'opening rtmp://127.0.0.1:1/live/geheim: refused geheim' >&2; exit 1";
    let mut streams = streams(folder.path(), said, patience());
    streams.start(request("s1"));
    let (statuses, why) = all(&mut streams).await;
    assert_eq!((statuses, why.as_deref()), (vec!["error"], Some("ffmpeg: opening 127.0.0.1:1: refused …")));
    assert!(!streams.is_on());
}

#[tokio::test]
async fn what_never_gets_through_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = Duration::from_millis(50);
    let mut streams = streams(folder.path(), "exec sleep 600", Patience { start, ..patience() });
    streams.start(request("s1"));
    let (statuses, why) = all(&mut streams).await;
    assert_eq!((statuses, why.as_deref()), (vec!["error"], Some("no picture gets through to 127.0.0.1:1")));
}

#[tokio::test]
async fn a_lost_stream_comes_back_and_at_last_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    // It breaks twice after a picture, and then there is no way any more.
    let script = format!("echo x >> tries; [ $(wc -l < tries) -le 2 ] && {PICTURE}; echo 'broken pipe' >&2; exit 1");
    let mut streams = streams(folder.path(), &script, patience());
    streams.start(request("s1"));
    let (statuses, why) = all(&mut streams).await;
    assert_eq!(statuses, ["active", "reconnecting", "reconnected", "reconnecting", "reconnect_failed"]);
    assert_eq!(why.as_deref(), Some("ffmpeg: broken pipe"));
    assert_eq!(std::fs::read_to_string(folder.path().join("tries")).expect("read").lines().count(), 2 + 3);
}

#[tokio::test]
async fn as_long_as_the_app_wished_is_long_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut streams = streams(folder.path(), PICTURE, patience());
    streams.start(request("s1"));
    assert_eq!(all(&mut streams).await, (vec!["active", "stopped"], None));
}

#[tokio::test]
async fn nobody_who_asks_is_nobody_who_watches() {
    let folder = tempfile::tempdir().expect("a folder");
    let unasked = Duration::from_millis(300);
    let mut streams = streams(folder.path(), &format!("{PICTURE}; read -r enough"), Patience { unasked, ..patience() });
    streams.start(request("s1"));
    assert_eq!(all(&mut streams).await.0.last(), Some(&"timeout"));
    assert!(!streams.goes_on("s1"));
}

#[tokio::test]
async fn another_stream_takes_its_place_and_a_third_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut streams = streams(folder.path(), &format!("{PICTURE}; read -r enough"), patience());
    streams.start(request("s1"));
    assert_eq!(next(&mut streams).await.status, "active");
    assert_eq!(streams.start(request("s2")).status, "initializing");
    assert_eq!(streams.start(request("s3")).status, "error", "two are being ended or run");
    let mut told = Vec::new();
    for _ in 0..3 {
        let Report { stream, status, .. } = next(&mut streams).await;
        told.push((stream, status));
    }
    for expected in [("s1", "stopping"), ("s1", "stopped"), ("s2", "active")] {
        assert!(told.iter().any(|(stream, status)| (&**stream, *status) == expected), "{told:?}");
    }
    assert!(streams.goes_on("s2"));
}

#[tokio::test]
async fn no_program_no_stream() {
    let mut streams = Streams::new(Some("/nowhere/ffmpeg".into()), patience());
    streams.start(request("s1"));
    let (statuses, why) = all(&mut streams).await;
    assert_eq!(statuses, ["error"]);
    assert_eq!(why.as_deref(), Some("simulated glasses stream with ffmpeg, which is not installed"));
    let whip = StreamRequest { rtmp_url: "https://whip.example.org/room".into(), ..request("s2") };
    assert_eq!(streams.start(whip).status, "error");
}

#[tokio::test]
async fn no_program_outlives_the_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut streams = streams(folder.path(), &format!("echo $$ > pid; {PICTURE}; exec sleep 600"), patience());
    streams.start(request("s1"));
    assert_eq!(next(&mut streams).await.status, "active");
    let pid = std::fs::read_to_string(folder.path().join("pid")).expect("it runs");
    let process = Path::new("/proc").join(pid.trim());
    // A zombie that waits to be reaped runs no more.
    let runs = || std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(runs());
    drop(streams);
    let gone = async {
        while runs() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, gone).await.expect("killed");
}
