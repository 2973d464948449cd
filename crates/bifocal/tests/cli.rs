//! The commands as people and scripts use them: what is printed where, and with which exit code.

mod common;

use common::{Cloud, WEARER, bifocal, wait_for};

const PACKAGE: &str = "org.example.demo";

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_demo_ends_with_success_and_prints_the_frames() {
    let output = bifocal().args(["demo", "--once"]).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    for shown in ["Listening", "Good morning", "And the app drew them here", "passed"] {
        assert!(text.contains(shown), "{shown} is missing in\n{text}");
    }
}

#[test]
fn keys_and_tokens_stand_alone_on_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| bifocal().args(arguments).arg("--data").arg(folder.path()).output().expect("runs");
    let added = run(&["app", "add", PACKAGE, "--url", "http://127.0.0.1:7010/"]);
    let key = String::from_utf8(added.stdout).expect("text");
    assert_eq!((added.status.code(), key.trim_end().len(), key.lines().count()), (Some(0), 64, 1));

    let again = run(&["app", "add", PACKAGE, "--url", "http://127.0.0.1:7010"]);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(1), 0));
    assert_eq!(stderr(&again).lines().count(), 1, "one line says why: {}", stderr(&again));

    let rotated = run(&["app", "rotate-key", PACKAGE]);
    assert_ne!(String::from_utf8(rotated.stdout).expect("text"), key);

    let token = String::from_utf8(run(&["token", "New@Example.org"]).stdout).expect("text");
    assert_eq!(token.trim_end().split('.').count(), 3);
    assert_eq!(run(&["user", "add", "new@example.org"]).status.code(), Some(1), "`token` has made the user");
    assert_eq!(run(&["user", "add", "other@example.org"]).status.code(), Some(0));

    let list = run(&["app", "list", "--json"]);
    let apps: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
    assert_eq!(apps[0]["packageName"], PACKAGE);
    assert_eq!(apps[0]["publicUrl"], "http://127.0.0.1:7010");
    assert!(!String::from_utf8_lossy(&list.stdout).contains(key.trim_end()), "the key is told once");
    assert_eq!(run(&["app", "remove", PACKAGE]).status.code(), Some(0));
    assert_eq!(run(&["app", "remove", PACKAGE]).status.code(), Some(1));
}

#[test]
fn tools_are_declared_in_a_file_and_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| bifocal().args(arguments).arg("--data").arg(folder.path()).output().expect("runs");
    let file = folder.path().join("tools.json");
    let file_name = file.to_string_lossy();
    let declare = |text: &str| {
        std::fs::write(&file, text).expect("written");
        run(&["app", "tools", PACKAGE, &file_name])
    };
    let tools = r#"[{"id":"add","description":"Adds up","parameters":{"n":{"type":"number","description":"what"}}}]"#;
    assert_eq!(declare(tools).status.code(), Some(1), "there is no such app");
    run(&["app", "add", PACKAGE, "--url", "http://127.0.0.1:7010/"]);
    assert_eq!(declare(tools).status.code(), Some(0));
    let printed: serde_json::Value = serde_json::from_slice(&run(&["app", "tools", PACKAGE]).stdout).expect("JSON");
    assert_eq!((&printed[0]["id"], &printed[0]["parameters"]["n"]["type"]), (&"add".into(), &"number".into()));
    for (wrong, why) in [
        (r#"{"id":"add"}"#, "is no list of tools"),
        (r#"[{"id":"","description":""}]"#, "has a tool without an id"),
        (r#"[{"id":"a","description":""},{"id":"a","description":""}]"#, "has two tools with one id"),
    ] {
        let refused = declare(wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("bifocal.toml");
    std::fs::write(&config, "public_ur = 'http://x'\n").expect("written");
    let config = config.to_string_lossy();
    for arguments in [
        &["serve", "--listen", "nowhere"][..],
        &["dance"],
        &["token", "not-an-address"],
        &["app", "add", "../x", "--url", "http://127.0.0.1:1"],
        &["doctor", "--config", &config],
        &["serve", "--config", "/nowhere/bifocal.toml"],
    ] {
        let output = bifocal().args(arguments).current_dir(folder.path()).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
    }
    let output = bifocal().args(["doctor", "--config", &config]).output().expect("runs");
    assert!(stderr(&output).contains("did you mean `public_url`?"), "{}", stderr(&output));
}

#[test]
fn secrets_are_the_owners_only_and_the_first_environment_name_wins() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let token = |first: Option<&str>, second: Option<&str>| {
        let mut command = bifocal();
        command.args(["token", WEARER, "--data"]).arg(&data);
        for (name, value) in [("BIFOCAL_JWT_SECRET", first), ("AUGMENTOS_AUTH_JWT_SECRET", second)] {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let text = String::from_utf8(command.output().expect("runs").stdout).expect("text");
        text.trim_end().rsplit('.').next().expect("a signature").to_owned()
    };
    let own = token(None, None);
    assert_ne!(own, token(None, Some("one secret")));
    // The time is part of what is signed, so the same second may have to come twice.
    wait_for("two tokens of the same second", || {
        (token(Some("one"), Some("other")) == token(Some("one"), None)).then_some(())
    });
    let mode = std::fs::metadata(data.join("jwt.secret")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_on_the_running_server() {
    let cloud = Cloud::start();
    assert_eq!(cloud.admin_ok(&["session", "list"]), "no sessions");
    let phone = cloud.phone().await;
    let table = cloud.admin_ok(&["session", "list"]);
    assert!(table.contains(WEARER) && table.contains("active"), "{table}");
    let sessions: serde_json::Value =
        serde_json::from_str(&cloud.admin_ok(&["session", "list", "--json"])).expect("JSON");
    assert_eq!(sessions[0]["user"], WEARER);
    cloud.admin_ok(&["session", "end", WEARER, "--reason", "a\ntest"]);
    wait_for("the phone to be told", || phone.state().ended.then_some(()));
    assert_eq!(cloud.admin_ok(&["session", "list"]), "no sessions");
    assert_eq!(cloud.admin(&["session", "end", WEARER]).status.code(), Some(1));
    assert!(!cloud.log().contains(WEARER), "an address is in the log");
}

#[test]
fn without_a_server_there_are_no_sessions_to_ask_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bifocal().args(["session", "list", "--data"]).arg(folder.path()).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no server runs"), "{}", stderr(&output));
}

#[test]
fn a_script_ends_with_0_1_or_2() {
    let cloud = Cloud::start();
    let token = cloud.admin_ok(&["token", WEARER]);
    let run = |text: &str| {
        let script = cloud.data.path().join("test.script");
        std::fs::write(&script, text).expect("written");
        let output =
            bifocal().args(["sim", "--token", &token, "--cloud", &cloud.url, "--script"]).arg(&script).output();
        output.expect("runs").status.code()
    };
    assert_eq!(run("press camera\nexpect-not \"anything\" within 0.2\n"), Some(0));
    assert_eq!(run("expect \"never\" within 0.2\n"), Some(1));
    assert_eq!(run("say hi\ndance\n"), Some(2));
}

#[test]
fn sigterm_stops_the_server_with_success() {
    let mut cloud = Cloud::start();
    assert_eq!(cloud.terminate(), Some(0));
    assert!(!cloud.data.path().join("server.json").exists());
    assert!(cloud.log().contains("stopped"), "{}", cloud.log());
}

#[test]
fn the_doctor_says_what_is_there() {
    let cloud = Cloud::start();
    let report = cloud.admin(&["doctor"]);
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains("database") && text.contains("0 users, 0 apps"), "{text}");
    assert!(text.contains("ok    voice          flite (/"), "{text}");
}

/// A voice says it, the engine in the box recognises it, the app draws it.
#[test]
fn the_demo_can_be_spoken_to() {
    let output = bifocal().args(["demo", "--say", "open the window please"]).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("window") && text.contains("please"), "{text}");
    let output = bifocal().args(["demo", "/nowhere.wav"]).output().expect("runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot read /nowhere.wav"));
}
