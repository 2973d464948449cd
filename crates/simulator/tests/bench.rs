//! The load driver against the control: everything that is sent arrives, once, at everybody. Counts, not times.

use std::net::SocketAddr;
use std::time::Duration;

use bifocal_simulator::bench::{Rehearsal, Way, rehearse, relay};
use tokio::net::TcpListener;

const DURATION: Duration = Duration::from_millis(500);

async fn control() -> SocketAddr {
    let listener = relay::listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(relay::serve(listener));
    address
}

async fn counts(way: Way, per_second: u64) -> Rehearsal {
    rehearse(control().await, way, 10, per_second, DURATION).await.expect("measured")
}

fn all(count: u64) -> Rehearsal {
    Rehearsal { expected: count, arrived: count, recorded: count, lost: 0 }
}

#[tokio::test]
async fn every_button_press_arrives_at_its_app() {
    assert_eq!(counts(Way::ToApps(1), 400).await, all(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_arrives_at_each_of_four_apps() {
    assert_eq!(counts(Way::SoundToApps(4), 500).await, all(1000));
}

#[tokio::test]
async fn speech_is_sent_as_sound() {
    assert_eq!(counts(Way::Speech, 400).await, all(200));
}

#[tokio::test]
async fn every_display_arrives_at_its_phone() {
    assert_eq!(counts(Way::ToPhones, 200).await, all(100));
}

#[tokio::test]
async fn an_error_names_the_hop() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let error = rehearse(nobody, Way::ToPhones, 1, 1, DURATION).await.expect_err("nobody listens");
    let text = error.to_string();
    assert!(text.starts_with("phone 0 → control (connect): "), "{text}");
}

#[tokio::test]
async fn a_peer_that_speaks_http_only_is_said_so() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let _ = socket.read(&mut [0; 1024]).await;
        let _ = socket.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
        let _ = socket.read(&mut [0; 1024]).await;
    });
    let error = rehearse(address, Way::ToPhones, 1, 1, DURATION).await.expect_err("no upgrade");
    assert_eq!(error.to_string(), "phone 0 → control (upgrade): refused with HTTP/1.1 401 Unauthorized");
}
