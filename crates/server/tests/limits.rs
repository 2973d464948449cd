//! What one side may send at once, and what happens to everybody else when it sends more or reads too little.

mod harness;

use std::time::Duration;

use bifocal_session::Timings;
use harness::{ANN, Cloud, Got, Running, Socket, eventually, init};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

const DEMO: &str = "org.example.demo";

fn text_wall(text: &str) -> Value {
    json!({ "type": "display_event", "view": "main", "layout": { "layoutType": "text_wall", "text": text } })
}

fn press(id: &str) -> Value {
    json!({ "type": "button_press", "buttonId": id, "pressType": "short" })
}

fn subscribe() -> Value {
    json!({ "type": "subscription_update", "subscriptions": ["button_press"] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_glasses_get_no_more_frames_than_they_can_show_and_always_the_last() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    phone.settle().await;

    let began = Instant::now();
    let drawing = tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(5));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 1..=400 {
            ticks.tick().await;
            socket.send(text_wall(&format!("frame {number}"))).await;
        }
        socket
    });
    let mut frames = 0;
    loop {
        let frame = phone.until("display_event").await;
        frames += 1;
        if frame["layout"]["text"] == "frame 400" {
            break;
        }
    }
    // Counted, not measured one by one: the system may hold a frame back and deliver it right before the next, so two may
    // come close to each other at the phone; but in any stretch of time the server sends one frame for each gap, and the
    // first at once. The stretch is measured here, from before the first frame until after the last.
    let most = began.elapsed().as_millis().div_ceil(u128::from(Timings::DEFAULT.display_gap)) + 1;
    assert!(frames <= most, "{frames} frames where {most} are allowed");
    // And not much fewer: 400 frames take 2 s to send.
    assert!(frames >= 4, "{frames} frames");
    let mut socket = drawing.await.expect("it draws to the end");
    assert!(socket.settle().await.is_empty());
    let after = phone.settle().await;
    assert!(!after.iter().any(|message| message["type"] == "display_event"), "{after:?}");
}

#[tokio::test]
async fn an_app_may_send_a_frame_of_many_megabytes_and_none_above_the_limit() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    phone.settle().await;
    let big = "b".repeat(3 << 20);
    socket.send(text_wall(&big)).await;
    while phone.until("display_event").await["layout"]["text"] != *big {}
    socket.send(text_wall(&"x".repeat(16 << 20))).await;
    assert!(socket.settle().await.is_empty());
    let after = phone.settle().await;
    assert!(!after.iter().any(|message| message["type"] == "display_event"));
}

#[tokio::test]
async fn the_61st_malformed_frame_ends_an_apps_connection_and_it_may_come_back() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, hook, .. } = cloud.run(ANN, &mut demo).await;
    socket.send(subscribe()).await;
    for _ in 0..60 {
        socket.send_text("[").await;
    }
    assert_eq!(socket.settle().await.len(), 60);
    socket.send_text("[").await;
    assert_eq!(socket.closed().await, (1007, "Too many malformed messages".to_owned()));
    let mut back = cloud.open_app().await;
    back.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
    back.until("tpa_connection_ack").await;
    phone.send(press("main")).await;
    back.until("data_stream").await;
}

#[tokio::test]
async fn the_61st_oversized_frame_ends_an_apps_connection_and_it_may_come_back() {
    let cloud = Cloud::with(|config| {
        config.limits.app_text = 2000;
        config.limits.app_binary = 1000;
    })
    .await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let Running { mut socket, hook, .. } = cloud.run(ANN, &mut demo).await;
    for _ in 0..30 {
        socket.send_text(" ".repeat(2001)).await;
        socket.send_binary(vec![b'{'; 1001]).await;
    }
    assert!(socket.settle().await.is_empty());
    socket.send_binary(vec![b'{'; 1001]).await;
    assert_eq!(socket.closed().await, (1009, "Too many oversized messages".to_owned()));
    let mut back = cloud.open_app().await;
    back.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
    back.until("tpa_connection_ack").await;
}

#[tokio::test]
async fn an_app_that_reads_nothing_hurts_only_itself() {
    const EVENTS: usize = 24;
    let cloud = Cloud::with(|config| config.limits.outbox_bytes = 1 << 20).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let connect = async {
        let hook = demo.server.hook().await;
        let mut socket = Socket::open_narrow(cloud.address, "/app-ws").await;
        socket.send(init(hook.text("sessionId"), DEMO, &demo.key)).await;
        socket.until("tpa_connection_ack").await;
        socket
    };
    let (reply, mut socket) = tokio::join!(cloud.start_app(ANN, DEMO), connect);
    assert_eq!(reply.status, 200);
    socket.send(subscribe()).await;
    socket.settle().await;
    // More than the system and the outbox together keep. The phone is answered all the time.
    let big = "x".repeat(512 << 10);
    for _ in 0..EVENTS {
        phone.send(press(&big)).await;
        phone.settle().await;
    }
    let (events, end) = socket.until_end().await;
    assert!(events.len() < EVENTS, "nothing was too much");
    assert_eq!(end, Got::Closed(1013, "Try again later".to_owned()));
    let in_grace = || async { cloud.view(ANN).await.expect("a session")["apps"][0]["phase"] == "grace" };
    eventually("the session notices", in_grace).await;
    phone.settle().await;
}

#[tokio::test]
async fn an_app_that_answers_no_ping_is_dropped_without_a_word() {
    let cloud = Cloud::with(|config| {
        config.timings.ping_every = 200;
        config.timings.silence = 1500;
    })
    .await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let Running { mut socket, .. } = cloud.run(ANN, &mut demo).await;
    // The phone reads and so answers pings; the app does not.
    let in_grace = || async { cloud.view(ANN).await.expect("a session")["apps"][0]["phase"] == "grace" };
    let phone_reads = async { while phone.message().await["type"] != "never" {} };
    tokio::select! {
        () = eventually("the session notices", in_grace) => {}
        () = phone_reads => {}
        () = tokio::time::sleep(harness::PATIENCE) => panic!("the app still runs"),
    }
    assert_eq!(socket.until_end().await.1, Got::Gone);
    phone.settle().await;
}

#[tokio::test]
async fn who_sends_too_fast_is_read_more_slowly_and_loses_nothing() {
    const RATE: u32 = 100;
    let cloud = Cloud::with(|config| config.limits.glasses_frames = RATE).await;
    let mut fast = cloud.phone(ANN).await;
    let mut calm = cloud.phone("ben@example.org").await;
    let began = Instant::now();
    // The first two hundred are free, the other hundred take a second.
    for _ in 0..3 * RATE {
        fast.send(json!({ "type": "ping" })).await;
    }
    calm.settle().await;
    assert!(began.elapsed() < Duration::from_millis(900), "somebody else waited {:?}", began.elapsed());
    for _ in 0..3 * RATE {
        fast.until("pong").await;
    }
    assert!(began.elapsed() > Duration::from_millis(900), "it took {:?} only", began.elapsed());
}
