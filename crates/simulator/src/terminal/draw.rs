//! Drawing the terminal glasses: the display in the middle, what happens below it, the input line at the bottom.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType, Borders, Clear, Padding, Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

use super::model::{Entry, Model, Tone};
use crate::screen::wrap::wrap;
use crate::screen::{COLUMNS, LINES};

/// The display with its border and a space on both sides, and a temple of three columns at each side.
const GLASSES: u16 = COLUMNS as u16 + 4;
const TEMPLE: u16 = 3;
const HEIGHT: u16 = LINES as u16 + 2;
/// Lines of one entry of the log.
const ENTRY: usize = 4;

const HELP: &str = "\
Type and press Enter to speak.
A line that begins with / is a statement:

  /start org.example.app    /stop org.example.app
  /press camera [long]      /head up | down
  /battery 80               /photo FILE
  /camera on | off | busy   /cut SECONDS
  /audio FILE.wav
  /expect \"TEXT\" within 5   /wait SECONDS

  F2 press the button       F3 press it long
  ↑ head up, the dashboard  ↓ head level
  Ctrl-U clear the line     Esc or Ctrl-C leave";

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, model: &Model) {
    let area = frame.area();
    if area.width < GLASSES || area.height < HEIGHT + 6 {
        let note = format!("The glasses need {GLASSES} columns and {} lines.", HEIGHT + 6);
        frame.render_widget(Paragraph::new(note).wrap(Wrap { trim: true }), area);
        return;
    }
    // Air around the glasses when there is room for it.
    let air = u16::from(area.height >= HEIGHT + 12);
    let [head, _, glasses, _, status, log, input, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(air),
        Constraint::Length(HEIGHT),
        Constraint::Length(air),
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_head(frame, head, model);
    draw_glasses(frame, glasses, model);
    draw_status(frame, status, model);
    draw_log(frame, log, model);
    draw_input(frame, input, model);
    let hint = " Enter speaks · /statement · F1 help · F2 press · F3 long · ↑↓ head · Esc leaves";
    frame.render_widget(Line::from(hint).dim(), keys);
    if model.help {
        draw_help(frame, area);
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    frame.render_widget(Line::from(format!(" {}", model.title)).bold(), area);
    let connection = match (model.state.connected, model.state.ended) {
        (true, _) => "● connected ".green(),
        (false, false) => "○ coming back ".yellow(),
        (false, true) => "○ closed ".red(),
    };
    let camera = match model.state.stream.as_ref().map(|stream| stream.status.as_str()) {
        None => "".into(),
        Some("active" | "reconnected") => "◉ streaming   ".red().bold(),
        Some("stopping") => "◉ stopping   ".yellow(),
        Some(_) => "◉ beginning to stream   ".yellow(),
    };
    frame.render_widget(Line::from(vec![camera, connection]).alignment(Alignment::Right), area);
}

fn draw_glasses(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let screen = &model.state.screen;
    let [display] = Layout::horizontal([Constraint::Length(GLASSES)]).flex(ratatui::layout::Flex::Center).areas(area);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .padding(Padding::horizontal(1))
        .title(format!("─ {} ", screen.title()))
        .border_style(Style::new().fg(if model.state.connected { Color::Reset } else { Color::DarkGray }));
    let lines: Vec<Line<'_>> = screen.lines().into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(Text::from(lines)).fg(Color::LightGreen).block(block), display);

    // The temples, when there is room for both.
    let buffer = frame.buffer_mut();
    if display.x >= TEMPLE && display.right() + TEMPLE <= area.right() {
        buffer.set_string(display.x - TEMPLE, display.y + 1, "╶──┤", Style::new());
        buffer.set_string(display.right() - 1, display.y + 1, "├──╴", Style::new());
    }
}

fn draw_status(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let state = &model.state;
    let battery = state.screen.facts.battery.map_or("unknown".to_owned(), |level| format!("{level}%"));
    let mic = if state.mic { "on".green() } else { "off".into() };
    let apps = match state.apps.len() {
        0 => "none".to_owned(),
        _ => state.apps.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    let apps = crate::clean::line(&apps, 200);
    let name = |name: &'static str| Span::from(name).dim();
    let line = vec![
        name(" battery "),
        battery.into(),
        name("   mic "),
        mic,
        name("   head "),
        state.screen.head().as_str().into(),
        name("   apps "),
        apps.into(),
    ];
    frame.render_widget(Line::from(line), area);
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let playing = [("script", &model.script), ("playing", &model.typed)];
    let named = playing.iter().filter_map(|(name, line)| line.as_ref().map(|line| (name, line)));
    let title: String = named.map(|(name, line)| format!("─ {name}: {} ", crate::clean::line(line, 50))).collect();
    let block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .border_style(Style::new().dim())
        .title(title)
        .title_style(Style::new().dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);

    // As many of the newest entries as fit, the oldest of them perhaps without its first line.
    let room = usize::from(inner.height);
    let mut lines: VecDeque<Line<'_>> = VecDeque::new();
    for entry in model.log.iter().rev() {
        if lines.len() >= room {
            break;
        }
        entry_lines(entry, usize::from(inner.width)).into_iter().rev().for_each(|line| lines.push_front(line));
    }
    let first = lines.len().saturating_sub(room);
    let lines: Vec<Line<'_>> = lines.into_iter().skip(first).collect();
    frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}

/// The lines of an entry; the time stands before the first.
fn entry_lines(entry: &Entry, width: usize) -> Vec<Line<'_>> {
    let time = format!(" {}  ", entry.time);
    let indent = " ".repeat(time.width());
    let lines = wrap(&entry.text, width.saturating_sub(indent.len() + 1).max(10), ENTRY).into_iter();
    let line = |(index, text): (usize, String)| {
        let text = Span::from(text);
        let text = match entry.tone {
            Tone::Deed => text.cyan(),
            Tone::News => text,
            Tone::Good => text.green(),
            Tone::Bad => text.red(),
        };
        let before = if index == 0 { Span::from(time.clone()).dim() } else { Span::from(indent.clone()) };
        Line::from(vec![before, text])
    };
    lines.enumerate().map(line).collect()
}

fn draw_input(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let prompt = if model.input.starts_with('/') { " do  › " } else { " say › " };
    let room = usize::from(area.width).saturating_sub(prompt.width() + 1);
    // The end of a long line is what is being typed.
    let mut shown = model.input.as_str();
    while shown.width() > room {
        let mut rest = shown.chars();
        rest.next();
        shown = rest.as_str();
    }
    frame.render_widget(Line::from(vec![prompt.bold(), shown.into()]), area);
    let cursor = u16::try_from(prompt.width() + shown.width()).unwrap_or(area.width);
    frame.set_cursor_position(Position::new(area.x + cursor, area.y));
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let [width, height] = [HELP.lines().map(UnicodeWidthStr::width).max().unwrap_or(0) + 4, HELP.lines().count() + 2];
    let (width, height) = (u16::try_from(width).unwrap_or(area.width), u16::try_from(height).unwrap_or(area.height));
    let area = area.centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .padding(Padding::horizontal(1))
        .title("─ Help ")
        .title_bottom(Line::from(" F1 closes ─").right_aligned());
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(HELP).block(block), area);
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
