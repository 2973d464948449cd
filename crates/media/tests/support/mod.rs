//! A media server with its HTTP routes on free ports, the system's `ffmpeg`, and waits with a limit.
#![allow(dead_code, reason = "each test uses a part")]

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bifocal_media::{Created, ManagedProvider, Media, MediaConfig, NewStream, Permits, Phase, Status};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// What takes longer has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A media server, and where its routes are.
pub(crate) struct Stage {
    pub(crate) media: Media,
    pub(crate) http: SocketAddr,
}

/// Settings for this machine, with a free port.
pub(crate) fn config(http: SocketAddr) -> MediaConfig {
    MediaConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        publish_base: None,
        viewer_base: format!("http://{http}"),
        permits: Permits(Arc::new(|address| address.is_loopback())),
        tls: None,
        recording: None,
        ffmpeg: None,
        limits: Default::default(),
        patience: Default::default(),
    }
}

impl Stage {
    /// Starts it; the settings can be changed first.
    pub(crate) async fn start(change: impl FnOnce(&mut MediaConfig)) -> Stage {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let http = listener.local_addr().expect("an address");
        let mut config = config(http);
        change(&mut config);
        let media = Media::start(config).await.expect("starts");
        let router = bifocal_media::router(&media);
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Stage { media, http }
    }

    /// A stream of nobody in particular.
    pub(crate) async fn stream(&self) -> Created {
        self.media.create(NewStream::default()).await.expect("made")
    }

    /// Fetches a path; the status and the body.
    pub(crate) async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        get(self.http, path).await
    }
}

/// Fetches over a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, Vec<u8>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("asks");
    let mut answer = Vec::new();
    let reading = async {
        // Chromium's own server says how long its answer is, and then does not close.
        while !whole(&answer) {
            if socket.read_buf(&mut answer).await.expect("reads") == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("in time");
    let end = head_of(&answer).expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_off(end + 4))
}

fn head_of(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|four| four == b"\r\n\r\n")
}

/// Whether as much is there as the answer says.
fn whole(answer: &[u8]) -> bool {
    let Some(end) = head_of(answer) else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

/// The path of a URL of the stage.
pub(crate) fn path_of(url: &str) -> &str {
    let (at, _) = url.match_indices('/').nth(2).expect("a path");
    &url[at..]
}

/// Waits until the status is as wanted.
pub(crate) async fn until(
    status: &mut watch::Receiver<Status>,
    what: &str,
    wanted: impl Fn(&Status) -> bool,
) -> Status {
    match tokio::time::timeout(LIMIT, status.wait_for(wanted)).await.map(|found| found.map(|status| status.clone())) {
        Ok(Ok(status)) => status,
        Ok(Err(_)) => panic!("{what}: the stream is gone"),
        Err(_) => panic!("{what}: not within {LIMIT:?}, it is {:?}", *status.borrow()),
    }
}

/// Waits until the stream is in this phase.
pub(crate) async fn phase(status: &mut watch::Receiver<Status>, phase: Phase) -> Status {
    until(status, &format!("{phase:?}"), |status| status.phase == phase).await
}

/// A test picture and a tone, published for so many seconds in real time. It is killed when dropped.
pub(crate) fn publish(url: &str, seconds: u32) -> Child {
    ffmpeg(&format!(
        "-re -f lavfi -i testsrc=size=640x360:rate=25 -re -f lavfi -i sine=frequency=440:sample_rate=44100 -t {seconds} \
         -c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -g 50 -pix_fmt yuv420p -c:a aac -b:a 96k -f flv {url}"
    ))
    .spawn()
    .expect("ffmpeg is there; cargo xtask setup installs it")
}

/// `ffmpeg` with arguments.
pub(crate) fn ffmpeg(arguments: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "fatal", "-nostdin"]).args(arguments.split_whitespace());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What `ffprobe` says about a source, and what it complains about.
pub(crate) async fn ffprobe(arguments: &str, source: &str) -> (String, String) {
    let mut command = Command::new("ffprobe");
    command.args(["-hide_banner", "-loglevel", "warning"]).args(arguments.split_whitespace()).arg(source);
    let output = tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await.expect("in time");
    let output = output.expect("ffprobe is there; cargo xtask setup installs it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// How many frames can be decoded: pictures and sounds. Complaints fail the test.
pub(crate) async fn frames(source: &str) -> (u32, u32) {
    let arguments = "-count_frames -show_entries stream=codec_type,nb_read_frames -of csv=p=0";
    let (said, complaints) = ffprobe(arguments, source).await;
    assert_eq!(complaints, "", "ffprobe complains about {source}");
    let count = |kind: &str| {
        // A source may list its streams twice: as a program and by themselves.
        let line = said.lines().find_map(|line| line.strip_prefix(kind));
        line.and_then(|count| count.trim_matches(',').parse().ok()).unwrap_or(0)
    };
    (count("video"), count("audio"))
}

/// The list of segments, as a player gets it.
pub(crate) async fn media_playlist(stage: &Stage, hls: &str) -> String {
    let (_, index) = stage.get(path_of(hls)).await;
    let index = String::from_utf8(index).expect("text");
    let media = index.lines().find(|line| !line.starts_with('#')).expect("a playlist");
    let (_, list) = stage.get(&format!("{}/{media}", path_of(hls).rsplit_once('/').expect("a path").0)).await;
    String::from_utf8(list).expect("text")
}
