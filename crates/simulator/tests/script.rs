//! Scripts against a scripted cloud: what passes, what fails and how it is told, and the plain printout.

mod support;

use std::path::Path;
use std::time::Duration;

use bifocal_simulator::phone::{ConnectError, Phone, PhoneConfig, PhoneEvent};
use bifocal_simulator::plain::run_plain;
use bifocal_simulator::script::{Outcome, Progress, parse, run};
use serde_json::json;
use support::{FakeCloud, Order, Saw, display, text_wall};

async fn connected() -> (FakeCloud, Phone) {
    let cloud = FakeCloud::start().await;
    let config = PhoneConfig { reconnect: Duration::from_millis(20), ..PhoneConfig::new(&cloud.url, "good") };
    let phone = Phone::connect(config).await.expect("connects");
    (cloud, phone)
}

async fn play(phone: &Phone, script: &str) -> Outcome {
    play_in(phone, script, Path::new(".")).await
}

async fn play_in(phone: &Phone, script: &str, base_dir: &Path) -> Outcome {
    run(&parse(script).expect("parses"), phone, base_dir, |_| {}).await
}

fn failed(outcome: Outcome) -> (usize, String, Vec<String>) {
    match outcome {
        Outcome::Failed { line, why, shown, .. } => {
            (line, why, shown.into_iter().filter(|line| !line.is_empty()).collect())
        }
        other => panic!("did not fail: {other:?}"),
    }
}

#[tokio::test]
async fn a_conversation_passes() {
    let (mut cloud, phone) = connected().await;
    let script = "
        # a wearer's day
        say hello
        expect \"hello\" within 5
        press camera long
        battery 77
        head up
        expect \"77% Connected\" within 1
        head down
        expect \"hello\" within 1
        expect-not \"Connected\" within 0.05
        start org.example.echo
        stop org.example.echo
    ";
    let mut watch = phone.watch();
    assert_eq!(play(&phone, script).await, Outcome::Passed);
    assert_eq!(cloud.saw_message("button_press").await["pressType"], "long");
    while watch.next().await != (PhoneEvent::AppStopped { package: "org.example.echo".into() }) {}
}

#[tokio::test]
async fn an_answer_that_came_and_went_is_found() {
    let (_cloud, phone) = connected().await;
    // The echo of the first half is replaced by that of the whole at once, both before `expect` begins to look.
    let script = "say the first half and the rest\nwait 0.2\nexpect \"half and the rest\" within 0\nexpect \"the first half\" within 0";
    assert_eq!(play(&phone, script).await, Outcome::Passed);
    let (line, why, shown) = failed(
        play(&phone, "say new words\nexpect \"new words\" within 5\nexpect \"the first half\" within 0.2").await,
    );
    assert_eq!((line, why.as_str(), shown), (3, "not shown within 0.2 s", vec!["new words".to_owned()]));
}

#[tokio::test]
async fn what_must_not_be_shown_fails_when_it_comes() {
    let (cloud, phone) = connected().await;
    let late = async {
        phone.connected_within(Duration::from_secs(5)).await;
        cloud.order(Order::Send(text_wall("an  error\noccurred")));
    };
    let script = parse("expect-not \"error occurred\" within 10").expect("parses");
    let (outcome, ()) = tokio::join!(run(&script, &phone, Path::new("."), |_| {}), late);
    let (line, why, shown) = failed(outcome);
    assert!(
        (line, shown) == (1, vec!["an  error".to_owned(), "occurred".to_owned()]) && why.starts_with("shown after")
    );
}

#[tokio::test]
async fn a_cut_comes_back_before_the_next_statement() {
    let (mut cloud, phone) = connected().await;
    assert_eq!(play(&phone, "cut 0.05\nsay back again\nexpect \"back again\" within 5").await, Outcome::Passed);
    while cloud.saw().await != (Saw::Gone { with_close_frame: false }) {}
    assert!(matches!(cloud.saw().await, Saw::Connected(_)));
}

#[tokio::test]
async fn a_statement_waits_for_a_connection_on_its_way_back() {
    let (cloud, phone) = connected().await;
    let mut watch = phone.watch();
    cloud.order(Order::Drop);
    watch.next().await;
    assert_eq!(play(&phone, "say patience\nexpect \"patience\" within 5").await, Outcome::Passed);
}

#[tokio::test]
async fn the_end_of_the_connection_fails_whatever_is_played() {
    let (cloud, phone) = connected().await;
    let mut watch = phone.watch();
    cloud.order(Order::Close(4001, "Superseded by a newer connection"));
    watch.next().await;
    for script in ["say hello", "expect \"x\" within 60", "expect-not \"x\" within 60"] {
        let (line, why, _) = failed(play(&phone, script).await);
        assert_eq!((line, why.as_str()), (1, "socket: the connection is closed for good"), "{script}");
    }
    let error = ConnectError::Refused { message: "Authentication failed".into() };
    let outcome = Outcome::from(&error);
    assert_eq!(outcome.exit_code(), 1);
    assert_eq!(outcome.to_string(), "failed: connect: session: the cloud refused: Authentication failed");
}

#[tokio::test]
async fn an_app_that_does_not_start_fails_with_the_words_of_the_cloud() {
    let (_cloud, phone) = connected().await;
    let (line, why, _) = failed(play(&phone, "\nstart org.example.missing").await);
    assert_eq!((line, why.as_str()), (2, "REST: the cloud answered HTTP 404: App not found"));
}

#[tokio::test]
async fn files_are_read_before_anything_is_sent() {
    let (mut cloud, phone) = connected().await;
    cloud.saw_message("glasses_connection_state").await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path();
    std::fs::write(path.join("bad.wav"), b"RIFF").expect("written");
    let broken = play_in(&phone, "say hi\naudio bad.wav", path).await;
    let text = broken.to_string();
    assert!(text.starts_with("broken: line 2: ") && text.ends_with("bad.wav: not a WAV file"), "{text}");
    assert_eq!(broken.exit_code(), 2);
    assert!(matches!(play_in(&phone, "say hi\nphoto none.jpg", path).await, Outcome::Broken(_)));
    assert_eq!(cloud.seen_so_far(), []);

    let mut wav = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data".to_vec();
    wav.extend(4000u32.to_le_bytes());
    wav.extend([0; 4000]);
    std::fs::write(path.join("good.wav"), wav).expect("written");
    assert_eq!(play_in(&phone, "audio good.wav", path).await, Outcome::Passed);
    for bytes in [640, 640, 640, 640, 640, 640, 160] {
        assert_eq!(cloud.saw().await, Saw::Sound(bytes));
    }
}

#[tokio::test]
async fn progress_tells_statements_frames_and_events_in_order() {
    let (_cloud, phone) = connected().await;
    let mut told = Vec::new();
    let script = parse("say hello\nexpect \"hello\" within 5\nstart org.example.echo\nwait 0.05").expect("parses");
    let outcome = run(&script, &phone, Path::new("."), |progress| {
        told.push(match progress {
            Progress::Begins(line) => format!("> {}", line.text),
            Progress::Frame(screen) => format!("frame {}", screen.frame_text()),
            Progress::Event(event) => format!("event {event}"),
            Progress::Done(line) => format!("done {}", line.number),
        });
    })
    .await;
    assert_eq!(outcome, Outcome::Passed);
    let frame = told.iter().position(|line| line == "frame hello").expect("a frame");
    assert_eq!(told[frame - 1], "event display of org.example.echo");
    assert_eq!(told.first().map(String::as_str), Some("> say hello"));
    assert_eq!(told.last().map(String::as_str), Some("done 4"));
    assert!(told.contains(&"event app started: org.example.echo".to_owned()));
}

#[tokio::test]
async fn the_plain_printout_shows_glasses() {
    let (cloud, phone) = connected().await;
    let mut watch = phone.watch();
    let card = json!({"layoutType": "reference_card", "title": "// Starting App", "text": "Echo\u{1b}]0;x\u{7}"});
    cloud.order(Order::Send(display("main", card)));
    watch.next().await;
    let mut out = Vec::new();
    let script = parse("expect \"Starting\" within 5\nexpect \"nothing\" within 0.01").expect("parses");
    let outcome = run_plain(&phone, &script, Path::new("."), &mut out).await;
    assert_eq!(outcome.exit_code(), 1);
    let frame = "   ╭─ main · org.example.echo ────────────────────────╮
╶──┤ // Starting App                                  ├──╴
   │                                                  │
   │ Echo]0;x                                         │
   │                                                  │
   │                                                  │
   ╰──────────────────────────────────────────────────╯
";
    let expected = format!(
        "{frame}> expect \"Starting\" within 5\n> expect \"nothing\" within 0.01\n\
         failed at line 2: expect \"nothing\" within 0.01: not shown within 0.01 s; the display shows:\n  \
         // Starting App\n  Echo]0;x\n"
    );
    assert_eq!(String::from_utf8(out).expect("text"), expected);
}
