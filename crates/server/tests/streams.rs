//! The embedded media server within the cloud: its listener, its pages, its numbers.

mod harness;

use bifocal_server::{EmbeddedStreams, StreamsConfig};
use harness::{Cloud, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn embedded() -> StreamsConfig {
    StreamsConfig::Embedded(EmbeddedStreams {
        listen: "127.0.0.1:0".parse().expect("an address"),
        required: true,
        publish_base: None,
        recordings: None,
        ffmpeg: None,
        per_user: 2,
    })
}

#[tokio::test]
async fn publishers_and_viewers_find_it_and_it_is_counted() {
    let cloud = Cloud::with(|config| config.streams = embedded()).await;
    let script = cloud.get("/live/player/player.js").await;
    assert_eq!(script.status, 200);
    let page = cloud.get("/live/00000000000000000000000000000000").await;
    assert_eq!(page.status, 404);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("onclick=") && !page.body.contains("<script>"), "no script within the page");

    let rtmp = cloud.server.rtmp_address().expect("it listens");
    let mut stranger = TcpStream::connect(rtmp).await.expect("connects");
    stranger.write_all(b"hello").await.expect("written");
    let mut said = Vec::new();
    let _ = stranger.read_to_end(&mut said).await;
    assert!(said.is_empty());
    eventually("it is counted", || async {
        let page = cloud.get("/metrics").await.body;
        page.contains("bifocal_stream_refusals_total{reason=\"not_rtmp\"} 1")
            && page.contains("bifocal_streams{phase=\"live\"} 0")
    })
    .await;
}

#[tokio::test]
async fn without_it_there_are_no_pages() {
    let cloud = Cloud::start().await;
    assert!(cloud.server.rtmp_address().is_none());
    assert_eq!(cloud.get("/live/player/player.js").await.status, 404);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_only_when_it_was_asked_for() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = |required| {
        let StreamsConfig::Embedded(mut streams) = embedded() else { unreachable!("it is embedded") };
        streams.listen = taken.local_addr().expect("an address");
        streams.required = required;
        StreamsConfig::Embedded(streams)
    };
    let cloud = Cloud::with(|config| config.streams = at(false)).await;
    assert!(cloud.server.rtmp_address().is_none(), "managed streams are off");
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = harness::config(folder.path());
    config.streams = at(true);
    let store = bifocal_store::Store::open(folder.path()).await.expect("a store");
    let error = bifocal_server::Server::start(config, store).await.expect_err("refused").to_string();
    assert!(error.contains("cannot listen for RTMP") && error.contains("--rtmp-listen"), "{error}");
}
