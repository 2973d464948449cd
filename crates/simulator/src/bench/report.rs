//! The result: rows with the figure of the cloud, the figure of the control and the ratio; as a table, as JSON, and as one line.

use std::fmt::Write;

use serde_json::{Value, json};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Percent of something that the figure names.
    Percent,
    /// 1,024 bytes.
    KiB,
    /// 1,048,576 bytes.
    MiB,
    /// Things a second.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Things.
    Count,
}

impl Unit {
    fn suffix(self) -> &'static str {
        match self {
            Unit::Millis => " ms",
            Unit::Seconds => " s",
            Unit::Percent => " %",
            Unit::KiB => " KiB",
            Unit::MiB => " MiB",
            Unit::PerSecond => " /s",
            Unit::Micros => " µs",
            Unit::Count => "",
        }
    }
}

/// One measured number.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is, within its scenario.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The number.
    pub value: f64,
    /// The driver ended before the measured did: the truth is this or more.
    pub at_least: bool,
}

impl Figure {
    /// A number that is what it says.
    pub fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self { name, unit, value, at_least: false }
    }
}

/// A figure of the cloud beside that of the control.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The scenario.
    pub scenario: &'static str,
    /// The figure's name.
    pub figure: &'static str,
    /// The figure of the cloud.
    pub cloud: Option<Figure>,
    /// The figure of the control.
    pub control: Option<Figure>,
}

impl Row {
    /// How many times the control's figure the cloud's is.
    pub fn ratio(&self) -> Option<f64> {
        let (cloud, control) = (self.cloud.as_ref()?.value, self.control.as_ref()?.value);
        (control > 0.0 && cloud.is_finite()).then(|| cloud / control)
    }
}

/// Everything that was measured in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// In the order of measurement.
    pub rows: Vec<Row>,
    /// What a reader should know before believing a row.
    pub notes: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Puts the figures of both sides together.
    pub(crate) fn add(&mut self, scenario: &'static str, cloud: Vec<Figure>, control: Vec<Figure>) {
        let mut control: Vec<Option<Figure>> = control.into_iter().map(Some).collect();
        for figure in cloud {
            let name = figure.name;
            let same = control.iter_mut().find(|other| other.as_ref().is_some_and(|other| other.name == name));
            let control = same.and_then(Option::take);
            self.rows.push(Row { scenario, figure: name, cloud: Some(figure), control });
        }
        for figure in control.into_iter().flatten() {
            self.rows.push(Row { scenario, figure: figure.name, cloud: None, control: Some(figure) });
        }
    }

    fn row(&self, scenario: &str, figure: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.scenario == scenario && row.figure == figure)
    }

    /// For people.
    pub fn table(&self) -> String {
        let heading = ["scenario", "figure", "bifocal", "control", "ratio"].map(str::to_owned);
        let mut lines = vec![heading];
        let mut before = "";
        for row in &self.rows {
            // Named once, so that the eye finds where the next one begins.
            let scenario = if row.scenario == before { "" } else { row.scenario };
            before = row.scenario;
            let cell = |figure: &Option<Figure>| figure.as_ref().map_or_else(|| "–".to_owned(), show);
            lines.push([
                scenario.to_owned(),
                row.figure.to_owned(),
                cell(&row.cloud),
                cell(&row.control),
                show_ratio(row.ratio()),
            ]);
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        let mut text = String::new();
        for line in &lines {
            let [scenario, figure, cloud, control, ratio] = line;
            let [a, b, c, d, e] = widths;
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{scenario:<a$}  {figure:<b$}  {cloud:>c$}  {control:>d$}  {ratio:>e$}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let figure = |figure: &Option<Figure>| figure.as_ref().map(|figure| figure.value);
        let at_least = |figure: &Option<Figure>| figure.as_ref().is_some_and(|figure| figure.at_least);
        let row = |row: &Row| {
            let unit = row.cloud.as_ref().or(row.control.as_ref()).map_or("", |figure| figure.unit.suffix().trim());
            json!({
                "scenario": row.scenario,
                "figure": row.figure,
                "unit": unit,
                "bifocal": figure(&row.cloud),
                "control": figure(&row.control),
                "ratio": row.ratio(),
                "bifocal_at_least": at_least(&row.cloud),
                "control_at_least": at_least(&row.control),
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        json!({ "rows": rows, "notes": self.notes, "seconds": self.seconds })
    }

    /// The one line of a quick run.
    pub fn summary(&self) -> String {
        let ratio = |scenario, figure| show_ratio(self.row(scenario, figure).and_then(Row::ratio));
        let value = |scenario, figure| {
            let row = self.row(scenario, figure);
            row.and_then(|row| row.cloud.as_ref()).map_or_else(|| "–".to_owned(), |figure| number(figure.value))
        };
        format!(
            "bench --quick: relay p99 {} of control, CPU {}, idle {} KiB/session, {} sessions/s",
            ratio("relay-20k", "p99"),
            ratio("relay-20k", "CPU of one core"),
            value("idle-glasses", "per session"),
            value("connect", "new sessions"),
        )
    }
}

fn show(figure: &Figure) -> String {
    let at_least = if figure.at_least { "≥ " } else { "" };
    format!("{at_least}{}{}", number(figure.value), figure.unit.suffix())
}

fn show_ratio(ratio: Option<f64>) -> String {
    match ratio {
        None => "–".to_owned(),
        Some(ratio) if ratio < 9.995 => format!("×{ratio:.2}"),
        Some(ratio) => format!("×{}", number(ratio)),
    }
}

/// Three digits or so; thousands in groups.
fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if !value.is_finite() => return "–".to_owned(),
        _ if size < 0.9995 && size > 0.0 => return format!("{value:.3}"),
        _ if size < 9.995 => return format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ if size < 99.95 => return format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", &text[..]), |digits| ("-", digits));
    let mut grouped = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report { notes: vec!["the machine was busy".to_owned()], ..Report::default() };
        let cpu = |value| Figure::new("CPU of one core", Unit::Percent, value);
        report.add(
            "relay-20k",
            vec![Figure::new("p99", Unit::Millis, 0.475), cpu(33.0)],
            vec![cpu(15.5), Figure::new("p99", Unit::Millis, 0.25)],
        );
        let per_session = |value| vec![Figure::new("per session", Unit::KiB, value)];
        report.add("idle-glasses", per_session(9.81), per_session(0.0));
        let mut bound = Figure::new("new sessions", Unit::PerSecond, 19_800.4);
        report.add("connect", vec![Figure { value: 9800.0, ..bound.clone() }], vec![]);
        bound.at_least = true;
        report.add("connect-2", vec![], vec![bound]);
        report
    }

    #[test]
    fn the_table_is_aligned() {
        let expected = "\
scenario      figure            bifocal      control  ratio
relay-20k     p99              0.475 ms     0.250 ms  ×1.90
              CPU of one core    33.0 %       15.5 %  ×2.13
idle-glasses  per session      9.81 KiB        0 KiB      –
connect       new sessions     9,800 /s            –      –
connect-2     new sessions            –  ≥ 19,800 /s      –
note: the machine was busy
";
        assert_eq!(report().table(), expected);
    }

    #[test]
    fn the_summary_is_one_line() {
        let expected = "bench --quick: relay p99 ×1.90 of control, CPU ×2.13, idle 9.81 KiB/session, 9,800 sessions/s";
        assert_eq!(report().summary(), expected);
        let nothing = "bench --quick: relay p99 – of control, CPU –, idle – KiB/session, – sessions/s";
        assert_eq!(Report::default().summary(), nothing);
    }

    #[test]
    fn json_has_every_row() {
        let json = report().json();
        assert_eq!(json["rows"].as_array().map(Vec::len), Some(5));
        assert_eq!(json["rows"][0]["ratio"], 1.9);
        assert_eq!(json["rows"][4]["control_at_least"], true);
        assert_eq!(json["rows"][4]["bifocal"], Value::Null);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.04, 1.0, 9.994, 12.345, 999.6, 1_234_567.0, -1500.0, f64::NAN].map(number);
        assert_eq!(shown, ["0", "0.040", "1", "9.99", "12.3", "1,000", "1,234,567", "-1,500", "–"]);
    }
}
