//! What becomes of display requests, in numbers while the session lives, and in reports to an app that asks.

mod harness;

use harness::{ANN, Cloud, Running, Socket};
use serde_json::{Value, json};

const DEMO: &str = "org.example.demo";

fn request(id: &str, view: &str, layout: Value) -> Value {
    json!({ "type": "display_event", "view": view, "layout": layout, "report": true, "requestId": id })
}

fn text(text: &str) -> Value {
    json!({ "layoutType": "text_wall", "text": text })
}

/// The next report: which request, and what became of it.
async fn report(app: &mut Socket) -> (String, String) {
    let report = app.until("display_report").await;
    let field = |name: &str| report[name].as_str().unwrap_or_else(|| panic!("no {name} in {report}")).to_owned();
    (field("requestId"), field("outcome"))
}

/// The numbers of displays in `/metrics`, without what they have in common.
async fn numbers(cloud: &Cloud) -> Vec<String> {
    let text = cloud.get("/metrics").await.body;
    let lines = text.lines().filter_map(|line| line.strip_prefix("bifocal_display_"));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn what_becomes_of_requests_is_counted_while_the_session_lives() {
    let cloud = Cloud::start().await;
    let mut demo = cloud.app(ANN, DEMO).await;
    let phone = cloud.phone(ANN).await;
    let zero = [
        r#"frames_total{what="requested"} 0"#,
        r#"frames_total{what="sent"} "#,
        r#"outcomes_total{outcome="held"} 0"#,
        r#"outcomes_total{outcome="refused"} 0"#,
        r#"outcomes_total{outcome="replaced"} 0"#,
        r#"outcomes_total{outcome="shown"} 0"#,
        r#"refusals_total{reason="size"} 0"#,
        r#"refusals_total{reason="view"} 0"#,
        r#"refusals_total{reason="waiting"} 0"#,
    ];
    let all = numbers(&cloud).await;
    assert!(all.len() == zero.len() && all.iter().zip(zero).all(|(line, zero)| line.starts_with(zero)), "{all:#?}");

    let Running { socket: mut app, .. } = cloud.run(ANN, &mut demo).await;
    app.send(request("first", "main", text("one"))).await;
    assert_eq!(report(&mut app).await, ("first".to_owned(), "shown".to_owned()));
    // Of two in a burst, and with nobody there, the newer one is what is seen.
    phone.close().await;
    app.send(request("away", "main", text("two"))).await;
    assert_eq!(report(&mut app).await, ("away".to_owned(), "held".to_owned()));
    app.send(request("newer", "main", text("three"))).await;
    assert_eq!(report(&mut app).await, ("away".to_owned(), "replaced".to_owned()));
    assert_eq!(report(&mut app).await, ("newer".to_owned(), "held".to_owned()));
    app.send(request("theirs", "dashboard", text("mine"))).await;
    assert_eq!(report(&mut app).await, ("theirs".to_owned(), "refused".to_owned()));
    let animation = json!({ "layoutType": "bitmap_animation", "frames": vec!["Qk0="; 101], "interval": 500 });
    app.send(request("long", "main", animation)).await;
    assert_eq!(report(&mut app).await, ("long".to_owned(), "refused".to_owned()));
    let _back = cloud.phone(ANN).await;
    assert_eq!(report(&mut app).await, ("newer".to_owned(), "shown".to_owned()));

    // The step that told the app is counted when it has ended.
    let all = loop {
        let all = numbers(&cloud).await;
        if all.contains(&r#"outcomes_total{outcome="shown"} 2"#.to_owned()) {
            break all;
        }
    };
    for line in [
        r#"frames_total{what="requested"} 5"#,
        r#"outcomes_total{outcome="held"} 2"#,
        r#"outcomes_total{outcome="refused"} 2"#,
        r#"outcomes_total{outcome="replaced"} 1"#,
        r#"refusals_total{reason="size"} 1"#,
        r#"refusals_total{reason="view"} 1"#,
        r#"refusals_total{reason="waiting"} 0"#,
    ] {
        assert!(all.iter().any(|found| found == line), "{line} is not in {all:#?}");
    }
}
