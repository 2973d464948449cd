//! The terminal glasses, character by character.

use bifocal_protocol::layout::View;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw;
use crate::phone::{PhoneEvent, PhoneState};
use crate::screen::{Head, Picture};
use crate::terminal::{Model, Player, Tone};

fn model() -> Model {
    let mut state = PhoneState { connected: true, mic: true, ..PhoneState::default() };
    state.apps.insert("org.example.captions".into());
    state.screen.facts.battery = Some(80);
    state.screen.facts.now = jiff::civil::date(2026, 1, 5).at(17, 4, 5, 0);
    state.screen.show(View::Main, "org.example.captions", Picture::Text("hello glasses\nhow are you".into()));
    let mut model = Model::new("Bifocal · ann@example.org", state);
    model.note(Tone::News, "app started: org.example.captions");
    model.note(Tone::Deed, "say hello glasses");
    model.input = "how are".into();
    model
}

fn drawn(model: &Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, model)).expect("draws");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_glasses_are_in_the_middle() {
    assert_eq!(
        drawn(&model(), 80, 22),
        " Bifocal · ann@example.org                                          ● connected

              ╭─ main · org.example.captions ────────────────────╮
           ╶──┤ hello glasses                                    ├──╴
              │ how are you                                      │
              │                                                  │
              │                                                  │
              │                                                  │
              ╰──────────────────────────────────────────────────╯

 battery 80%   mic on   head down   apps org.example.captions
────────────────────────────────────────────────────────────────────────────────
 17:04:05  app started: org.example.captions
 17:04:05  say hello glasses





────────────────────────────────────────────────────────────────────────────────
 say › how are
 Enter speaks · /statement · F1 help · F2 press · F3 long · ↑↓ head · Esc leaves"
    );
}

#[test]
fn a_small_terminal_has_no_temples_and_a_short_log() {
    let mut model = model();
    model.state.connected = false;
    model.state.screen.turn(Head::Up);
    model.begins(Player::Script, "expect \"how are you\" within 5".into());
    model.begins(Player::Typed, "wait 7".into());
    model.input = "/expect \"a text that is longer than the line\" within 60".into();
    assert_eq!(
        drawn(&model, 56, 15),
        " Bifocal · ann@example.org                ○ coming back
  ╭─ dashboard ──────────────────────────────────────╮
  │ 05:04 01/05 80% Connected                        │
  │                                                  │
  │                                                  │
  │                                                  │
  │                                                  │
  ╰──────────────────────────────────────────────────╯
 battery 80%   mic on   head up   apps org.example.capti
─ script: expect \"how are you\" within 5 ─ playing: wait
 17:04:05  expect \"how are you\" within 5
 17:04:05  wait 7
────────────────────────────────────────────────────────
 do  ›  \"a text that is longer than the line\" within 60
 Enter speaks · /statement · F1 help · F2 press · F3 lon"
    );
}

#[test]
fn a_long_entry_is_wrapped_and_the_newest_are_seen() {
    let mut model = model();
    model.note(Tone::Bad, "REST: the cloud answered HTTP 500: the app did not connect within 5 seconds");
    model.note(Tone::News, "microphone off");
    let drawn = drawn(&model, 60, 16);
    let log: Vec<&str> = drawn.lines().skip(10).take(3).collect();
    assert_eq!(
        log,
        [
            " 17:04:05  REST: the cloud answered HTTP 500: the app did",
            "           not connect within 5 seconds",
            " 17:04:05  microphone off",
        ]
    );
}

#[test]
fn the_help_covers_the_rest() {
    let model = Model { help: true, ..model() };
    let drawn = drawn(&model, 80, 24);
    let help: Vec<&str> = drawn.lines().skip(4).take(16).collect();
    assert_eq!(
        help.join("\n"),
        "              │ how are you                                      │
              ╭─ Help ────────────────────────────────────────────╮
              │ Type and press Enter to speak.                    │
              │ A line that begins with / is a statement:         │
              │                                                   │
              │   /start org.example.app    /stop org.example.app │
 battery 80%  │   /press camera [long]      /head up | down       │
──────────────│   /battery 80               /photo FILE           │─────────────
 17:04:05  app│   /camera on | off | busy   /cut SECONDS          │
 17:04:05  say│   /audio FILE.wav                                 │
              │   /expect \"TEXT\" within 5   /wait SECONDS         │
              │                                                   │
              │   F2 press the button       F3 press it long      │
              │   ↑ head up, the dashboard  ↓ head level          │
              │   Ctrl-U clear the line     Esc or Ctrl-C leave   │
              ╰─────────────────────────────────────── F1 closes ─╯"
    );
}

#[test]
fn a_light_is_on_while_the_camera_streams() {
    let mut model = model();
    let mut head = |status: &str, why: Option<&str>| {
        let (stream, package) = ("s1".to_owned(), "org.example.live".to_owned());
        let event = PhoneEvent::Stream { stream, package, status: status.into(), why: why.map(str::to_owned) };
        let mut state = model.state.clone();
        state.apply(&event);
        model.happened(&event, &state);
        drawn(&model, 80, 22).lines().next().unwrap_or_default().to_owned()
    };
    assert!(head("initializing", None).ends_with("◉ beginning to stream   ● connected"));
    assert!(head("active", None).ends_with("◉ streaming   ● connected"));
    assert!(head("active", None).ends_with("◉ streaming   ● connected"));
    assert!(!head("timeout", Some("nobody asks")).contains("stream"));
    let log: Vec<&str> = model.log.iter().skip(2).map(|entry| entry.text.as_str()).collect();
    let stream = "stream for org.example.live:";
    assert_eq!(log, ["initializing", "active", "timeout: nobody asks"].map(|status| format!("{stream} {status}")));
    assert_eq!(model.log.back().map(|entry| entry.tone), Some(Tone::Bad));
}

#[test]
fn a_terminal_that_is_too_small_is_told() {
    assert_eq!(drawn(&model(), 40, 3).trim_end(), "The glasses need 52 columns and 13\nlines.");
    drawn(&model(), 1, 1);
}
