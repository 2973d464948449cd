//! What the keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Model;

/// What a key asks for, beyond a change of the input line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Only the screen changes.
    Redraw,
    /// A statement of the script language is to be played.
    Play(String),
    /// The wearer takes the glasses off.
    Quit,
}

/// Takes a key. `button` is what F2 and F3 press.
pub fn press(model: &mut Model, key: KeyEvent, button: &str) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Redraw;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => return Action::Quit,
        KeyCode::Esc if model.help => model.help = false,
        KeyCode::Esc => return Action::Quit,
        KeyCode::F(1) => model.help = !model.help,
        KeyCode::F(2) => return Action::Play(format!("press {button}")),
        KeyCode::F(3) => return Action::Play(format!("press {button} long")),
        KeyCode::Up => return Action::Play("head up".to_owned()),
        KeyCode::Down => return Action::Play("head down".to_owned()),
        KeyCode::Char('u') if control => model.input.clear(),
        KeyCode::Char('w') if control => {
            let kept = model.input.trim_end().rfind(' ').map_or(0, |space| space + 1);
            model.input.truncate(kept);
        }
        KeyCode::Char(c) if !control => model.type_in(c),
        KeyCode::Backspace => drop(model.input.pop()),
        KeyCode::Enter => return enter(model),
        _ => {}
    }
    Action::Redraw
}

/// A line that begins with `/` is a statement, any other is spoken.
fn enter(model: &mut Model) -> Action {
    let line = std::mem::take(&mut model.input);
    match line.trim() {
        "" => Action::Redraw,
        "/quit" | "/exit" => Action::Quit,
        "/help" | "/?" => {
            model.help = true;
            Action::Redraw
        }
        line => Action::Play(line.strip_prefix('/').map_or_else(|| format!("say {line}"), str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(model: &mut Model, text: &str) -> Action {
        for c in text.chars() {
            press(model, KeyCode::Char(c).into(), "camera");
        }
        press(model, KeyCode::Enter.into(), "camera")
    }

    #[test]
    fn typed_text_is_spoken_and_a_slash_begins_a_statement() {
        let mut model = Model::default();
        assert_eq!(type_in(&mut model, "hello you"), Action::Play("say hello you".into()));
        assert_eq!(type_in(&mut model, "/start org.example.a"), Action::Play("start org.example.a".into()));
        assert_eq!(type_in(&mut model, "  "), Action::Redraw);
        assert_eq!(type_in(&mut model, "/quit"), Action::Quit);
        assert_eq!(model.input, "");
    }

    #[test]
    fn the_input_line_can_be_mended() {
        let mut model = Model { input: "one two thre".into(), ..Model::default() };
        press(&mut model, KeyCode::Backspace.into(), "camera");
        assert_eq!(model.input, "one two thr");
        press(&mut model, KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL), "camera");
        assert_eq!(model.input, "one two ");
        press(&mut model, KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), "camera");
        assert_eq!(model.input, "");
    }

    #[test]
    fn keys_move_the_wearer() {
        let mut model = Model::default();
        let mut key = |code: KeyCode| press(&mut model, code.into(), "main");
        assert_eq!(key(KeyCode::F(2)), Action::Play("press main".into()));
        assert_eq!(key(KeyCode::F(3)), Action::Play("press main long".into()));
        assert_eq!(key(KeyCode::Up), Action::Play("head up".into()));
        assert_eq!(key(KeyCode::Down), Action::Play("head down".into()));
        assert_eq!(key(KeyCode::F(1)), Action::Redraw);
        assert_eq!(key(KeyCode::Esc), Action::Redraw);
        assert_eq!(key(KeyCode::Esc), Action::Quit);
        assert_eq!(press(&mut model, KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), "main"), Action::Quit);
    }
}
