//! The script language by example: what each line means, and what is said about lines that mean nothing.

use std::time::Duration;

use proptest::prelude::*;

use super::parse;
use crate::phone::{CameraState, Press};
use crate::screen::Head;
use crate::script::Statement;

fn one(line: &str) -> Result<Statement, String> {
    let script = parse(line).map_err(|error| error.to_string())?;
    Ok(script.lines.into_iter().next().map(|line| line.statement).expect("one statement"))
}

#[test]
fn every_statement_is_read() {
    let ms = Duration::from_millis;
    let say = |text: &str| Statement::Say(text.into());
    let press = |press| Statement::Press { button: "camera".into(), press };
    let table = [
        ("say hello # world", say("hello # world")),
        ("  say   \"hello there\"  ", say("hello there")),
        ("say \"one\" and \"two\"", say("\"one\" and \"two\"")),
        ("press camera", press(Press::Short)),
        ("press camera short # quickly", press(Press::Short)),
        ("press\tcamera   long", press(Press::Long)),
        ("head up", Statement::Head(Head::Up)),
        ("head down", Statement::Head(Head::Down)),
        ("audio hello there.wav", Statement::Audio("hello there.wav".into())),
        ("photo \"a b.jpg\" # of a cat", Statement::Photo("a b.jpg".into())),
        ("camera off # for a while", Statement::Camera(CameraState::Off)),
        ("camera busy", Statement::Camera(CameraState::Busy)),
        ("battery 0", Statement::Battery(0)),
        ("battery 100", Statement::Battery(100)),
        ("start org.example.captions", Statement::Start("org.example.captions".into())),
        ("stop org.example.captions", Statement::Stop("org.example.captions".into())),
        ("cut 2", Statement::Cut(ms(2000))),
        ("wait 0.25", Statement::Wait(ms(250))),
        ("wait 3600", Statement::Wait(ms(3_600_000))),
        ("expect \"a b\" within 5", Statement::Expect { text: "a b".into(), within: ms(5000) }),
        (
            r#"expect "say \"hi\" # \\ \n" within .5 # soon"#,
            Statement::Expect { text: r#"say "hi" # \ \n"#.into(), within: ms(500) },
        ),
        ("expect-not \"x\" within 0", Statement::ExpectNot { text: "x".into(), within: ms(0) }),
    ];
    for (line, meaning) in table {
        assert_eq!(one(line), Ok(meaning), "{line}");
    }
}

#[test]
fn what_is_no_statement_is_told_with_its_line() {
    let table = [
        (
            "jump high",
            "expected say, press, head, audio, photo, camera, battery, start, stop, cut, wait, expect or expect-not, found \"jump\"",
        ),
        ("say", "expected say TEXT"),
        ("say \"\"", "expected say TEXT"),
        ("press", "expected press BUTTON or press BUTTON long"),
        ("press a twice", "expected press BUTTON or press BUTTON long, found \"a twice\""),
        ("head left", "expected head up or head down, found \"left\""),
        ("audio", "expected audio FILE.wav"),
        ("photo # none", "expected photo FILE"),
        ("camera", "expected camera on, camera off or camera busy"),
        ("battery 101", "expected battery and a whole number from 0 to 100, found \"101\""),
        ("battery -1", "expected battery and a whole number from 0 to 100, found \"-1\""),
        ("start my app", "expected start PACKAGE, for example org.example.captions, found \"my app\""),
        ("wait", "expected wait SECONDS with seconds from 0 to 3600, for example 2.5"),
        ("wait 3600.1", "expected wait SECONDS with seconds from 0 to 3600, for example 2.5, found \"3600.1\""),
        ("cut inf", "expected cut SECONDS with seconds from 0 to 3600, for example 2.5, found \"inf\""),
        ("cut -1", "expected cut SECONDS with seconds from 0 to 3600, for example 2.5, found \"-1\""),
        ("expect hi within 5", "expected expect \"TEXT\" within SECONDS, found \"hi within 5\""),
        ("expect \"hi within 5", "expected expect \"TEXT\" within SECONDS, found \"\\\"hi within 5\""),
        ("expect \"hi\"", "expected expect \"TEXT\" within SECONDS"),
        ("expect \"hi\" in 5", "expected expect \"TEXT\" within SECONDS, found \"in 5\""),
        (
            "expect \"hi\" within 5s",
            "expected expect \"TEXT\" within SECONDS with seconds from 0 to 3600, for example 2.5, found \"5s\"",
        ),
        (
            "expect-not \" \" within 5",
            "expected expect-not \"TEXT\" within SECONDS with a text that is not empty, found \"within 5\"",
        ),
    ];
    for (line, why) in table {
        assert_eq!(one(&format!("# a comment\n\n{line}\nsay more")), Err(format!("line 3: {why}")), "{line}");
    }
}

#[test]
fn comments_and_blank_lines_count_as_lines() {
    let script = parse("\u{feff}# title\r\n\r\nsay hi\r\n   # more\nwait 1\n").expect("parses");
    let lines: Vec<_> = script.lines.iter().map(|line| (line.number, line.text.as_str())).collect();
    assert_eq!(lines, [(3, "say hi"), (5, "wait 1")]);
}

proptest! {
    #[test]
    fn random_text_never_panics(text in "((say|expect|expect-not|wait|press|head|cut) )?[ -~äß\"\\\\#]{0,60}") {
        let _ = parse(&text);
    }
}
