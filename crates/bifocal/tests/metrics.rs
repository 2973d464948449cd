//! `/metrics` of a server that has worked: the form is judged by Prometheus's own tool, and the numbers say what happened.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Cloud, wait_for};

/// The text of `/metrics`.
async fn metrics(cloud: &Cloud) -> String {
    let response = reqwest::get(format!("{}/metrics", cloud.url)).await.expect("answered");
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    response.text().await.expect("text")
}

/// What promtool says against it; nothing when it is good.
fn promtool(text: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there (Debian: prometheus); `cargo xtask setup` installs it");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("read");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { said } else { format!("exit {:?}: {said}", output.status.code()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_good_and_the_numbers_are_right() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cloud = Cloud::start();
    let phone = cloud.phone().await;
    phone.send_text(r#"{"type":"button_press","buttonId":"main","pressType":"short"}"#).await.expect("sent");
    phone.send_text("not JSON").await.expect("sent");
    let text = loop {
        let text = metrics(&cloud).await;
        if text.contains("bifocal_refusals_total{reason=\"glasses_malformed\"} 1") {
            break text;
        }
        tokio::task::yield_now().await;
    };
    for line in [
        "bifocal_sessions{state=\"active\"} 1",
        "bifocal_links{side=\"glasses\"} 1",
        "bifocal_sessions_started_total 1",
        "bifocal_display_outcomes_total{outcome=\"shown\"} 0",
        "bifocal_display_refusals_total{reason=\"view\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(promtool(&text), "", "promtool complains about\n{text}");
    assert!(!text.contains('@'), "an address is in the metrics");

    phone.close().await;
    cloud.admin_ok(&["session", "end", common::WEARER]);
    wait_for("the session to end", || cloud.log().contains("session ended").then_some(()));
    let text = metrics(&cloud).await;
    for line in ["bifocal_sessions{state=\"active\"} 0", "bifocal_sessions_ended_total{reason=\"manual\"} 1"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(promtool(&text), "", "promtool complains about\n{text}");
}

/// The check can fail: it is not the tool being quiet.
#[test]
fn promtool_does_complain() {
    assert_ne!(promtool("bifocal_sessions one\n"), "");
}
