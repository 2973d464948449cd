//! The life of the server: it stops politely and soon, and while it runs it sees what other processes change.

mod harness;

use std::time::Duration;

use bifocal_server::{Server, StartError};
use bifocal_session::ErrorRow;
use bifocal_store::Store;
use harness::cloud::{config, new_app, package_name};
use harness::{ANN, AppServer, Cloud, Got, Manner, eventually, init, user_id};
use serde_json::json;
use tokio::time::{Instant, timeout};

const DEMO: &str = "org.example.demo";
/// How long a server may take to stop.
const DRAIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_server_that_stops_tells_everybody_to_come_back() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    let mut ben = cloud.phone("ben@example.org").await;
    let mut running = cloud.run(ANN, &mut demo).await;

    let Cloud { server, address, store, no_errors: _no_errors, folder: _folder } = cloud;
    let restart = (1012, "Service restart".to_owned());
    let goodbyes = async { (phone.closed().await, ben.closed().await, running.socket.until_end().await) };
    let (stopped, (of_phone, of_ben, (before, of_app))) = tokio::join!(timeout(DRAIN, server.stop()), goodbyes);
    assert!(stopped.is_ok(), "it did not stop within {DRAIN:?}");
    assert_eq!((&of_phone, &of_ben), (&restart, &restart));
    // No `app_stopped`: the app is to come back, not to end.
    assert_eq!((before.len(), of_app), (0, Got::Closed(restart.0, restart.1)));
    assert!(demo.server.hooks_so_far().is_empty());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it still listens");
    assert!(store.version().await.is_err(), "the store is still open");
}

#[tokio::test]
async fn what_ran_is_remembered_for_the_next_process() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let _running = cloud.run(ANN, &mut demo).await;
    let wish = || async {
        let record = cloud.store.load_user(&user_id(ANN)).await.expect("the store answers");
        record.running == [package_name(DEMO)]
    };
    eventually("the wish is written down", wish).await;
    let Cloud { server, folder, no_errors, .. } = cloud;
    server.stop().await;

    let store = Store::open(folder.path()).await.expect("it is there");
    let server = Server::start(config(folder.path()), store.clone()).await.expect("a free port");
    let next = Cloud { address: server.address(), server, store, folder, no_errors };
    let mut phone = next.phone(ANN).await;
    let _running = next.answer_start(&mut demo).await;
    assert_eq!(phone.until("app_started").await["packageName"], DEMO);
}

#[tokio::test]
async fn while_a_server_stops_it_takes_nobody_new_and_says_why() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    // Two phones: one reads its good-bye, which says that the stop has begun; the other reads nothing, so that the server
    // has to wait for it a while.
    let mut reader = cloud.phone(ANN).await;
    let _sleeper = cloud.phone("ben@example.org").await;
    let mut unnamed = cloud.open_app().await;
    let Cloud { server, address, no_errors: _no_errors, folder: _folder, .. } = cloud;
    let stopping = tokio::spawn(async move { timeout(DRAIN, server.stop()).await });
    assert_eq!(reader.closed().await.0, 1012);

    let ready = harness::http::request(address, "GET", "/ready", &[], "").await;
    ready.is(503, r#"{"status":"stopping"}"#);
    let authorization = format!("Bearer {}", harness::token::good("cleo@example.org"));
    let mut late = harness::Socket::open(address, "/glasses-ws", &[("Authorization", &authorization)]).await;
    let error = late.message().await;
    let row = ErrorRow::STOPPING;
    assert_eq!(
        error,
        json!({
            "type": "connection_error", "code": "SESSION_ERROR", "message": row.message,
            "timestamp": error["timestamp"],
        })
    );
    let close = row.close.expect("the row ends the connection");
    assert_eq!(late.got().await, Got::Closed(close.code(), close.reason().to_owned()));

    unnamed.send(init(&format!("{ANN}-{DEMO}"), DEMO, &demo.key)).await;
    assert_eq!(unnamed.message().await["code"], "INTERNAL_ERROR");
    assert_eq!(unnamed.closed().await, (1012, "Service restart".to_owned()));
    assert!(stopping.await.expect("it does not panic").is_ok(), "it did not stop within {DRAIN:?}");
}

#[tokio::test]
async fn an_app_that_waits_for_its_phone_is_told_to_come_back_when_the_server_stops() {
    let cloud = Cloud::start().await;
    let demo = cloud.app(ANN, DEMO).await;
    let mut socket = cloud.open_app().await;
    socket.send(init(&format!("{ANN}-{DEMO}"), DEMO, &demo.key)).await;
    // An answer to a later connection: the server has come to the earlier one.
    cloud.get("/health").await;
    let Cloud { server, no_errors: _no_errors, folder: _folder, .. } = cloud;
    server.stop().await;
    // 1008 would end the app for good.
    assert_eq!(socket.closed().await, (1012, "Service restart".to_owned()));
}

#[tokio::test]
async fn a_call_that_hangs_holds_up_the_stop_no_longer_than_the_drain() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let mut phone = cloud.phone(ANN).await;
    demo.server.be(Manner::Hang);
    phone.send(json!({ "type": "start_app", "packageName": DEMO })).await;
    demo.server.hook().await;
    let began = Instant::now();
    let Cloud { server, no_errors: _no_errors, folder: _folder, .. } = cloud;
    tokio::join!(server.stop(), phone.closed());
    // The drain's own limit, and a second for the rest.
    assert!(began.elapsed() < DRAIN + Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_app_that_another_process_installs_can_be_started_within_a_second_or_so() {
    let cloud = Cloud::start().await;
    let _phone = cloud.phone(ANN).await;
    cloud.start_app(ANN, DEMO).await.fails(404, "App not found");

    let other = Store::open(cloud.folder.path()).await.expect("a second handle");
    let mut server = AppServer::start().await;
    let key = other.add_app(new_app(DEMO, &server.url)).await.expect("a new app").to_string();
    other.install(&user_id(ANN), &package_name(DEMO)).await.expect("it exists");
    let installed = Instant::now();
    let started = eventually("the app can be started", || async { cloud.start_app(ANN, DEMO).await.status == 200 });
    let connect = async {
        let hook = server.hook().await;
        let mut socket = cloud.open_app().await;
        socket.send(init(hook.text("sessionId"), DEMO, &key)).await;
        socket.until("tpa_connection_ack").await
    };
    tokio::join!(started, connect);
    assert!(installed.elapsed() < Duration::from_secs(3), "{:?}", installed.elapsed());
}

#[tokio::test]
async fn an_app_that_another_process_removes_is_stopped() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let mut running = cloud.run(ANN, &mut demo).await;
    let other = Store::open(cloud.folder.path()).await.expect("a second handle");
    other.remove_app(&package_name(DEMO)).await.expect("it exists");
    assert_eq!(demo.server.hook().await.text("reason"), "system_stop");
    assert_eq!(running.socket.closed().await, (1000, "App stopped".to_owned()));
}

#[tokio::test]
async fn a_key_that_another_process_changes_is_the_only_good_one() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    let running = cloud.run(ANN, &mut demo).await;
    let other = Store::open(cloud.folder.path()).await.expect("a second handle");
    let new = other.rotate_key(&package_name(DEMO)).await.expect("it exists").to_string();
    let first_answer = |key: String| {
        let (cloud, id) = (&cloud, running.hook.text("sessionId"));
        async move {
            let mut socket = cloud.open_app().await;
            socket.send(init(id, DEMO, &key)).await;
            socket.message().await["type"].clone()
        }
    };
    eventually("the new key is good", || async { first_answer(new.clone()).await == "tpa_connection_ack" }).await;
    assert_eq!(first_answer(demo.key.clone()).await, "tpa_connection_error");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_with_advice() {
    let cloud = Cloud::start().await;
    let mut second = config(cloud.folder.path());
    second.listen = cloud.address;
    let error = Server::start(second, cloud.store.clone()).await.expect_err("the port is taken");
    assert!(matches!(error, StartError::Listen { address, .. } if address == cloud.address));
    assert!(error.to_string().contains("choose another with --listen"), "{error}");
}

#[tokio::test]
async fn behind_a_proxy_apps_are_told_the_public_address() {
    let cloud = Cloud::with(|config| config.public_url = Some("https://glasses.example.org/".to_owned())).await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let _phone = cloud.phone(ANN).await;
    assert_eq!(cloud.server.public_url(), "https://glasses.example.org");
    let running = cloud.run(ANN, &mut demo).await;
    assert_eq!(running.hook.text("mentraOSWebsocketUrl"), "wss://glasses.example.org/app-ws");
}
