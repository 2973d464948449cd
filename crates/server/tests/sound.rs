//! Sound on its way in, over both transports and in both formats, up to the app that listens.

mod harness;

use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bifocal_audio::lc3::{Encoder, FRAME_SAMPLES, FrameSize};
use bifocal_audio::udp::{Key, build, user_hash};
use bifocal_protocol::permission::Permission;
use harness::http::{Reply, request};
use harness::{ANN, Cloud, Got, PATIENCE, Running, Socket, eventually, token};
use serde_json::json;
use tokio::net::UdpSocket;
use tokio::time::timeout;

const DEMO: &str = "org.example.demo";

/// A cloud, a phone, and an app that hears everything.
struct Hearing {
    cloud: Cloud,
    phone: Socket,
    app: Socket,
    udp: Option<(UdpSocket, SocketAddr)>,
    key: Option<Key>,
}

impl Hearing {
    async fn start() -> Self {
        Self::with(false, "").await
    }

    async fn with(udp: bool, query: &str) -> Self {
        let cloud = Cloud::with(|config| {
            config.udp_listen = udp.then(|| "127.0.0.1:0".parse().expect("an address"));
        })
        .await;
        let mut demo = cloud.app_like(ANN, DEMO, |app| app.permissions = vec![Permission::Microphone]).await;
        let path = format!("/glasses-ws?token={}{query}", token::good(ANN));
        let mut phone = Socket::open(cloud.address, &path, &[]).await;
        let ack = phone.until("connection_ack").await;
        let key = ack["udpEncryption"]["key"].as_str().map(|text| {
            assert_eq!(ack["udpEncryption"]["algorithm"], "xsalsa20-poly1305");
            let bytes = BASE64_STANDARD.decode(text).expect("base64");
            Key::new(bytes.try_into().expect("32 bytes"))
        });
        let udp = match ack["udpPort"].as_u64() {
            Some(port) => {
                let host = ack["udpHost"].as_str().expect("a host");
                let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
                Some((socket, format!("{host}:{port}").parse().expect("an address")))
            }
            None => None,
        };
        let Running { socket: mut app, .. } = cloud.run(ANN, &mut demo).await;
        app.send(json!({"type": "subscription_update", "subscriptions": ["audio_chunk"]})).await;
        app.settle().await;
        Self { cloud, phone, app, udp, key }
    }

    async fn configure(&self, body: &str) -> Reply {
        let authorization = format!("Bearer {}", token::good(ANN));
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        request(self.cloud.address, "POST", "/api/client/audio/configure", &headers, body).await
    }

    /// The next sound that the app hears.
    async fn hears(&mut self) -> Vec<u8> {
        loop {
            if let Got::Binary(data) = self.app.got().await {
                return data.to_vec();
            }
        }
    }

    async fn packet(&self, number: u16, sound: &[u8]) {
        self.raw(&build(user_hash(ANN), number, sound)).await;
    }

    async fn raw(&self, datagram: &[u8]) {
        let (socket, to) = self.udp.as_ref().expect("UDP is offered");
        socket.send_to(datagram, to).await.expect("loopback takes it");
    }

    /// Registers and asks until the cloud has answered, as phones do.
    async fn probe(&mut self) {
        self.phone.send(json!({"type": "udp_register", "userIdHash": user_hash(ANN)})).await;
        self.phone.settle().await;
        self.packet(0, b"PING").await;
        self.phone.until("udp_ping_ack").await;
    }

    async fn metric(&self, line: &str) -> bool {
        self.cloud.get("/metrics").await.body.lines().any(|known| known == line)
    }
}

fn tone(frames: usize) -> Vec<[i16; FRAME_SAMPLES]> {
    let wave = |n: usize| ((n as f32 / 6.0).sin() * 9_000.0) as i16;
    (0..frames).map(|frame| std::array::from_fn(|n| wave(frame * FRAME_SAMPLES + n))).collect()
}

fn loud(pcm: &[u8]) -> usize {
    bifocal_audio::pcm::samples(pcm).filter(|sample| sample.unsigned_abs() > 1_000).count()
}

#[tokio::test]
async fn the_format_is_negotiated_and_what_is_not_served_is_answered_with_what_is() {
    let hearing = Hearing::start().await;
    let lc3 = |size: u64| {
        format!(
            r#"{{"success":true,"format":"lc3","lc3Config":{{"sampleRate":16000,"frameDurationMs":10,"frameSizeBytes":{size}}},"message":"Audio format configured successfully","timestamp":"<time>"}}"#
        )
    };
    let pcm =
        r#"{"success":true,"format":"pcm","message":"Audio format configured successfully","timestamp":"<time>"}"#;
    for (body, answer) in [
        (r#"{"format":"lc3"}"#, lc3(20)),
        (r#"{"format":"lc3","lc3Config":{"sampleRate":16000,"frameDurationMs":10,"frameSizeBytes":60}}"#, lc3(60)),
        (r#"{"format":"lc3","lc3Config":{"sampleRate":8000,"frameDurationMs":7.5,"frameSizeBytes":40}}"#, lc3(40)),
        (r#"{"format":"lc3","lc3Config":{"frameSizeBytes":33}}"#, lc3(20)),
        (r#"{"format":"lc3","lc3Config":"x"}"#, lc3(20)),
        (r#"{"format":"pcm"}"#, pcm.to_owned()),
    ] {
        hearing.configure(body).await.is(200, &answer);
    }
    for body in ["", "{}", "[]", r#"{"format":"opus"}"#, r#"{"format":7}"#] {
        hearing.configure(body).await.fails(400, r#"format must be "lc3" or "pcm""#);
    }
    let other = format!("Bearer {}", token::good("ben@example.org"));
    let headers = [("Authorization", other.as_str()), ("Content-Type", "application/json")];
    let nobody = request(hearing.cloud.address, "POST", "/api/client/audio/configure", &headers, r#"{"format":"lc3"}"#);
    nobody.await.is(503, r#"{"error":"NO_ACTIVE_SESSION"}"#);
}

#[tokio::test]
async fn lc3_on_the_socket_reaches_the_app_as_samples() {
    let mut hearing = Hearing::start().await;
    for (size, name) in [(FrameSize::B40, 40), (FrameSize::B60, 60), (FrameSize::B20, 20)] {
        let body = format!(r#"{{"format":"lc3","lc3Config":{{"frameSizeBytes":{name}}}}}"#);
        assert_eq!(hearing.configure(&body).await.status, 200);
        let mut encoder = Encoder::new(size);
        let frames: Vec<u8> = tone(20).iter().flat_map(|frame| encoder.encode(frame)).collect();
        hearing.phone.send_binary(frames).await;
        let heard = hearing.hears().await;
        assert_eq!(heard.len(), 20 * 320);
        assert!(loud(&heard) > 2_000, "{} of 3,200 samples are loud at {name} bytes", loud(&heard));
    }
    assert_eq!(hearing.configure(r#"{"format":"pcm"}"#).await.status, 200);
    hearing.phone.send_binary(vec![1, 2, 3]).await;
    assert_eq!(hearing.hears().await, [1, 2]);
    hearing.phone.send_binary(vec![4]).await;
    assert_eq!(hearing.hears().await, [3, 4]);
}

/// The next connection may be that of another phone.
#[tokio::test]
async fn a_new_connection_begins_with_pcm() {
    let mut hearing = Hearing::start().await;
    assert_eq!(hearing.configure(r#"{"format":"lc3"}"#).await.status, 200);
    hearing.phone = hearing.cloud.phone(ANN).await;
    hearing.phone.send_binary(vec![1, 2]).await;
    assert_eq!(hearing.hears().await, [1, 2]);
}

#[tokio::test]
async fn without_udp_nothing_is_offered_and_nothing_is_said_about_it() {
    let cloud = Cloud::start().await;
    let (mut phone, ack) = cloud.phone_with_ack(ANN).await;
    assert!(ack.get("udpHost").is_none() && ack.get("udpPort").is_none() && ack.get("udpEncryption").is_none());
    phone.send(json!({"type": "udp_register", "userIdHash": user_hash(ANN)})).await;
    assert!(phone.complaints().await.is_empty());
}

/// D-65 on real sockets: odd lengths shift nothing, order is restored, what is missing is counted.
#[tokio::test]
async fn d_65_packets_over_udp_arrive_in_order_and_gaps_are_counted() {
    let mut hearing = Hearing::with(true, "").await;
    assert!(hearing.key.is_none());
    hearing.packet(0, b"PING").await;
    hearing.probe().await;
    hearing.packet(1, &[1, 1]).await;
    hearing.packet(3, &[3, 3, 9]).await;
    hearing.packet(2, &[2, 2]).await;
    let mut heard = hearing.hears().await;
    while heard.len() < 6 {
        heard.extend(hearing.hears().await);
    }
    assert_eq!(heard, [1, 1, 2, 2, 3, 3]);
    hearing.packet(2, &[2, 2]).await;
    hearing.packet(6, &[6, 6]).await;
    assert_eq!(hearing.hears().await, [6, 6], "after its time has passed; packets this short are no millisecond");
    for line in [
        r#"bifocal_sound_frames_total{transport="udp"} 5"#,
        "bifocal_sound_lost_total 2",
        "bifocal_sound_duplicates_total 1",
        r#"bifocal_refusals_total{reason="udp_unknown"} 1"#,
    ] {
        assert!(hearing.metric(line).await, "{line} in {}", hearing.cloud.get("/metrics").await.body);
    }
}

#[tokio::test]
async fn one_transport_counts_at_a_time() {
    let mut hearing = Hearing::with(true, "").await;
    hearing.phone.send_binary(vec![1, 1]).await;
    assert_eq!(hearing.hears().await, [1, 1]);
    hearing.probe().await;
    hearing.phone.send_binary(vec![2, 2]).await;
    assert_eq!(hearing.hears().await, [2, 2], "until the first packet comes");
    hearing.packet(1, &[3, 3]).await;
    assert_eq!(hearing.hears().await, [3, 3]);
    hearing.phone.send_binary(vec![4, 4]).await;
    hearing.phone.settle().await;
    hearing.packet(2, &[5, 5]).await;
    assert_eq!(hearing.hears().await, [5, 5]);
    hearing.phone.send(json!({"type": "udp_unregister", "userIdHash": user_hash(ANN)})).await;
    hearing.phone.send_binary(vec![6, 6]).await;
    assert_eq!(hearing.hears().await, [6, 6]);
    assert!(hearing.metric("bifocal_sound_discarded_total 1").await);
}

#[tokio::test]
async fn with_encryption_a_stranger_is_not_heard() {
    let mut hearing = Hearing::with(true, "&udpEncryption=true").await;
    let key = hearing.key.clone().expect("a key was asked for");
    hearing.probe().await;
    hearing.packet(1, &[9, 9]).await;
    hearing.packet(1, &Key::new([1; 32]).seal(&[1; 24], &[8, 8])).await;
    hearing.packet(1, &key.seal(&[1; 24], &[1, 1])).await;
    assert_eq!(hearing.hears().await, [1, 1]);
    assert!(hearing.metric("bifocal_sound_undecodable_total 2").await);
}

#[tokio::test]
async fn packets_of_nobody_are_thrown_away() {
    let mut hearing = Hearing::with(true, "").await;
    hearing.phone.send(json!({"type": "udp_register", "userIdHash": 7})).await;
    hearing.phone.settle().await;
    hearing.raw(&[1, 2, 3]).await;
    hearing.raw(&build(user_hash("ben@example.org"), 1, &[1, 1])).await;
    hearing.raw(&vec![0; 2_000]).await;
    for line in ["udp_hash", "udp_malformed", "udp_unknown", "udp_oversized"] {
        let line = format!(r#"bifocal_refusals_total{{reason="{line}"}} 1"#);
        eventually("it is counted", || hearing.metric(&line)).await;
    }
}

/// W-43: a phone that leaves takes its place with it.
#[tokio::test]
async fn w_43_who_has_left_is_not_listened_to() {
    let mut hearing = Hearing::with(true, "").await;
    hearing.probe().await;
    let (udp, to) = hearing.udp.take().expect("UDP is offered");
    hearing.phone.close().await;
    let unknown = r#"bifocal_refusals_total{reason="udp_unknown"}"#;
    let mut asked = 0;
    timeout(PATIENCE, async {
        while !hearing.cloud.get("/metrics").await.body.lines().any(|line| line.starts_with(unknown)) {
            asked += 1;
            udp.send_to(&build(user_hash(ANN), asked, &[1, 1]), to).await.expect("loopback takes it");
        }
    })
    .await
    .expect("its packets belong to nobody soon");
}
