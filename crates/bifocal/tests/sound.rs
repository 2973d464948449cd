//! Sound of the simulated phone by every way that it knows, into the real binary.

mod common;

use bifocal_simulator::{Pace, Phone, PhoneConfig, PhoneEvent, SoundPath};
use common::{Cloud, WEARER};

/// The value of a line of `/metrics`.
async fn metric(cloud: &Cloud, name: &str) -> u64 {
    let text = reqwest::get(format!("{}/metrics", cloud.url)).await.expect("answered").text().await.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or(0)
}

async fn phone(cloud: &Cloud, way: &str) -> Phone {
    let token = cloud.admin_ok(&["token", WEARER]);
    let sound: SoundPath = way.parse().expect("a way");
    Phone::connect(PhoneConfig { sound, ..PhoneConfig::new(&cloud.url, token) }).await.expect("the phone connects")
}

/// Speaks for 200 ms: ten pieces.
async fn speak(phone: &Phone) {
    phone.sound(vec![1; 6_400].into(), Pace::RealTime).await.expect("sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_takes_the_way_that_was_chosen() {
    let cloud = Cloud::start_with("", &["--udp-listen", "127.0.0.1:0"]);
    let (socket, udp) =
        (r#"bifocal_sound_frames_total{transport="socket"}"#, r#"bifocal_sound_frames_total{transport="udp"}"#);
    let mut spoken = [0, 0];
    for way in ["pcm", "lc3-20", "lc3-60", "pcm+udp", "lc3-40+udp", "lc3-40+udp+secret"] {
        let phone = phone(&cloud, way).await;
        speak(&phone).await;
        let place = usize::from(way.contains("udp"));
        spoken[place] += 10;
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while [metric(&cloud, socket).await, metric(&cloud, udp).await] != spoken {
            assert!(std::time::Instant::now() < until, "{way}: {spoken:?} frames are due");
            tokio::task::yield_now().await;
        }
        phone.close().await;
    }
    for name in ["lost", "duplicates", "undecodable", "discarded"] {
        assert_eq!(metric(&cloud, &format!("bifocal_sound_{name}_total")).await, 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_wants_udp_where_there_is_none_uses_its_socket() {
    let cloud = Cloud::start();
    let phone = phone(&cloud, "lc3-40+udp").await;
    let mut watch = phone.watch();
    speak(&phone).await;
    let mut told = false;
    while let Some(event) = watch.try_next() {
        told |= matches!(event, PhoneEvent::Error { message } if message.contains("offers no UDP"));
    }
    assert!(told);
    phone.close().await;
}
