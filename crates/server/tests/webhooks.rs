//! Webhooks over real sockets: what they carry, how often they are tried, where they do not go, and what failures sound like.

mod harness;

use bifocal_protocol::app::AppKind;
use bifocal_server::NetworkPolicy;
use bifocal_store::key_hash;
use harness::app_server::{Hook, dead_address};
use harness::cloud::new_app;
use harness::{ANN, AppServer, Cloud, Manner, token};

const DEMO: &str = "org.example.demo";

/// Checks what every webhook carries beside its body. The key is all that an app's developer has.
#[track_caller]
fn is_signed(hook: &Hook, key: &str) {
    assert_eq!(hook.header("content-type"), Some("application/json"));
    assert_eq!(hook.header("authorization"), None);
    assert_eq!(hook.header("cookie"), None);
    let time = hook.header("x-bifocal-timestamp").expect("a time");
    let age = now_seconds().abs_diff(time.parse().expect("seconds"));
    assert!(age < 60, "{age} s");
    let signed = format!("{time}.{}", hook.raw);
    let signature = token::hmac_sha256(hex::encode(key_hash(key)).as_bytes(), signed.as_bytes());
    assert_eq!(hook.header("x-bifocal-signature"), Some(format!("sha256={}", hex::encode(signature)).as_str()));
}

fn now_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is after 1970").as_secs()
}

/// A cloud that does not wait long before it tries again.
async fn hasty_cloud() -> Cloud {
    Cloud::with(|config| config.timings.webhook_retry = 20).await
}

#[tokio::test]
async fn webhooks_are_signed_with_the_hash_of_the_key() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let running = cloud.run(ANN, &mut demo).await;
    is_signed(&running.hook, &demo.key);
    let start = running.hook.header("idempotency-key").expect("a key");
    assert_eq!(start, format!("start-{}", running.hook.text("sessionUuid")));
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    let stop = demo.server.hook().await;
    is_signed(&stop, &demo.key);
    assert_eq!(stop.header("idempotency-key"), Some(format!("stop-{}", running.hook.text("sessionUuid")).as_str()));
}

#[tokio::test]
async fn a_start_that_fails_is_tried_once_more_with_the_same_idempotency_key() {
    let cloud = hasty_cloud().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Status(500));
    let story = async {
        let first = demo.server.hook().await;
        demo.server.be(Manner::Status(200));
        let running = cloud.answer_start(&mut demo).await;
        is_signed(&first, &demo.key);
        is_signed(&running.hook, &demo.key);
        assert_eq!(first.header("idempotency-key"), running.hook.header("idempotency-key"));
        assert_eq!(first.text("sessionUuid"), running.hook.text("sessionUuid"));
        running
    };
    let (reply, _running) = tokio::join!(cloud.start_app(ANN, DEMO), story);
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_start_that_fails_twice_says_what_the_app_server_answered() {
    let cloud = hasty_cloud().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    for status in [500, 404, 401] {
        demo.server.be(Manner::Status(status));
        let reply = cloud.start_app(ANN, DEMO).await;
        let url = &demo.server.url;
        reply.fails(500, &format!("WEBHOOK: the webhook of {DEMO} at {url} failed: it answered HTTP {status}"));
        assert_eq!(demo.server.hooks_so_far().len(), 2);
        assert_eq!(phone.until("app_stopped").await["packageName"], DEMO);
    }
}

#[tokio::test]
async fn a_dead_server_fails_its_own_start_soon_and_nobody_elses() {
    let cloud = Cloud::start().await;
    let mut other = cloud.app_like(ANN, "org.example.other", |new| new.kind = AppKind::Background).await;
    let dead = format!("http://{}", dead_address().await);
    cloud.install(ANN, new_app(DEMO, &dead)).await;
    let mut phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut other).await;
    phone.until("app_started").await;

    let began = tokio::time::Instant::now();
    let reply = cloud.start_app(ANN, DEMO).await;
    let why = "connection refused; is its server running?";
    reply.fails(500, &format!("WEBHOOK: the webhook of {DEMO} at {dead} failed: {why}"));
    // Two attempts with the second of the product's settings between them; far below the 15 s of a start.
    let took = began.elapsed().as_millis();
    assert!((1000..5000).contains(&took), "{took} ms");

    assert_eq!(phone.until("app_stopped").await["packageName"], DEMO);
    let state = phone.until("app_state_change").await;
    assert!(state["error"].as_str().is_some_and(|error| error.contains(why)), "{state}");
    assert!(running.socket.settle().await.is_empty());
    assert_eq!(cloud.view(ANN).await.expect("a session")["apps"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let cloud = hasty_cloud().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut target = AppServer::start().await;
    let _phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Redirect(format!("{}/webhook", target.url)));
    let reply = cloud.start_app(ANN, DEMO).await;
    let url = &demo.server.url;
    reply.fails(500, &format!("WEBHOOK: the webhook of {DEMO} at {url} failed: it answered HTTP 302"));
    assert_eq!(demo.server.hooks_so_far().len(), 2);
    assert!(target.hooks_so_far().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_called() {
    let cloud = Cloud::with(|config| {
        config.timings.webhook_retry = 20;
        config.networks = NetworkPolicy::allowing([]);
    })
    .await;
    let mut by_address = cloud.app(ANN, "org.example.address").await;
    let port = by_address.server.url.rsplit(':').next().expect("a port").to_owned();
    let by_name = format!("http://localhost:{port}");
    cloud.install(ANN, new_app("org.example.name", &by_name)).await;
    let _phone = cloud.phone(ANN).await;
    let advice = "its address is not on the open Internet and not on the allow list; add its network to \
                  `allow_networks` if it should be reached";
    for (package, url) in [("org.example.address", &by_address.server.url.clone()), ("org.example.name", &by_name)] {
        let reply = cloud.start_app(ANN, package).await;
        reply.fails(500, &format!("WEBHOOK: the webhook of {package} at {url} failed: {advice}"));
    }
    assert!(by_address.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn a_webhook_that_hangs_does_not_matter_once_the_socket_is_there() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Hang);
    let mut running = cloud.run(ANN, &mut demo).await;
    phone.until("app_started").await;
    assert!(running.socket.settle().await.is_empty());
    assert!(demo.server.hooks_so_far().is_empty());
}

#[tokio::test]
async fn a_webhook_that_fails_after_the_socket_came_does_not_matter() {
    let cloud = hasty_cloud().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Status(500));
    // The socket may come between the two attempts or after the answer of the first: both are a success.
    let mut running = cloud.run(ANN, &mut demo).await;
    assert!(running.socket.settle().await.is_empty());
    assert_eq!(cloud.view(ANN).await.expect("a session")["apps"][0]["phase"], "running");
}

#[tokio::test]
async fn the_body_of_an_answer_is_not_read() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Endless);
    let mut running = cloud.run(ANN, &mut demo).await;
    // What the system takes into its buffers on both sides is gone; the server itself hangs up.
    let taken = demo.server.body_taken().await;
    assert!(taken < 32 << 20, "{taken} bytes were taken");
    assert!(running.socket.settle().await.is_empty());
}

#[tokio::test]
async fn a_stop_that_fails_is_tried_again_with_the_same_idempotency_key() {
    let cloud = Cloud::with(|config| config.timings.app_stop = 50).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    demo.server.be(Manner::Status(500));
    assert_eq!(cloud.stop_app(ANN, DEMO).await.status, 200);
    let first = demo.server.hook().await;
    // Nobody waits for the second attempt: the socket is closed long before.
    running.socket.closed().await;
    demo.server.be(Manner::Status(200));
    let second = demo.server.hook().await;
    is_signed(&second, &demo.key);
    assert_eq!(first.raw, second.raw);
    assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"));
}

#[tokio::test]
async fn an_app_below_a_path_gets_its_webhook_below_that_path() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app_like(ANN, DEMO, |new| new.public_url.push_str("/below/this/")).await;
    let _phone = cloud.phone(ANN).await;
    assert_eq!(cloud.run(ANN, &mut demo).await.hook.path, "/below/this/webhook");
}
