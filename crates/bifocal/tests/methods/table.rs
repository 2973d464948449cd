//! What the drivers said, as the table of docs/compatibility.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::driver::Stack;

/// What one stack said.
pub(crate) struct Column {
    pub(crate) stack: Stack,
    cells: BTreeMap<(String, String), Cell>,
    /// The modules and their methods, in the order of the table.
    order: Vec<(String, Vec<String>)>,
    /// What must not be.
    pub(crate) problems: Vec<String>,
}

struct Cell {
    result: String,
    note: Option<(String, String)>,
}

const ABSENT: &str = "–";

impl Column {
    /// Reads everything that the driver of a stack said.
    pub(crate) fn read(stack: Stack, said: &[Value]) -> Column {
        let mut column = Column { stack, cells: BTreeMap::new(), order: Vec::new(), problems: Vec::new() };
        for line in said {
            column.take(line);
        }
        if !said.iter().any(|line| line["event"] == "end") {
            column.problem("the driver has ended too early");
        }
        let missing: Vec<String> = column
            .order
            .iter()
            .flat_map(|(module, methods)| methods.iter().map(move |method| (module.clone(), method.clone())))
            .filter(|place| !column.cells.contains_key(place))
            .map(|(module, method)| format!("{module}.{method} was not run"))
            .collect();
        missing.iter().for_each(|missing| column.problem(missing));
        column
    }

    fn take(&mut self, line: &Value) {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        match line["event"].as_str() {
            Some("table") => {
                let names = |value: &Value| -> Vec<String> {
                    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
                };
                let modules = line["modules"].as_array().into_iter().flatten();
                self.order = modules
                    .map(|module| (module["name"].as_str().unwrap_or("?").to_owned(), names(&module["methods"])))
                    .collect();
            }
            Some("row") => {
                let (module, method, result) = (text("module"), text("method"), text("result"));
                if result == "FAILED" {
                    self.problem(&format!("{module}.{method} failed: {}", text("detail")));
                }
                if line["early"].is_string() {
                    let problem = format!("{module}.{method} is no longer pending ({}): {result}", text("early"));
                    self.problem(&problem);
                }
                let note = line["note"].as_str().map(|note| (note.to_owned(), text("why")));
                self.cells.insert((module, method), Cell { result, note });
            }
            Some("forgotten") => {
                self.problem(&format!("the table has no row for these of {}: {}", text("module"), line["names"]));
            }
            Some("stray") => self.problem(&format!("an error that nobody expects: {}", text("message"))),
            Some("end") => {}
            _ => self.problem(&format!("not understood: {line}")),
        }
    }

    fn problem(&mut self, what: &str) {
        self.problems.push(format!("{} {}: {what}", self.stack.version, self.stack.api));
    }

    fn result(&self, module: &str, method: &str) -> &str {
        let cell = self.cells.get(&(module.to_owned(), method.to_owned()));
        cell.map_or(ABSENT, |cell| &cell.result)
    }

    /// What the server does not do yet, with the methods that need it and why they failed.
    pub(crate) fn pending(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut pending = BTreeMap::<_, Vec<_>>::new();
        for ((_, method), cell) in &self.cells {
            if let Some(feature) = cell.result.strip_prefix("pending: ") {
                pending.entry(feature).or_default().push(method.as_str());
            }
        }
        pending
    }

    /// How often each kind of result is there, without what the SDK does not have.
    pub(crate) fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for cell in self.cells.values().filter(|cell| cell.result != ABSENT) {
            let kind = cell.result.split(':').next().unwrap_or_default();
            *counts.entry(kind).or_default() += 1;
        }
        counts
    }
}

/// One line for each kind of result, one column for each stack.
pub(crate) fn counted(columns: &[Column]) -> String {
    let mut text = row(columns, "result", title);
    text += &rule(columns.len());
    for kind in ["settled", "fired", "sent", "local", "SDK bug", "pending", "FAILED"] {
        let count = |column: &Column| column.counts().get(kind).copied().unwrap_or_default();
        if kind != "FAILED" || columns.iter().any(|column| count(column) > 0) {
            text += &row(columns, kind, |column| count(column).to_string());
        }
    }
    text
}

/// The sections of one interface: a table for each module.
pub(crate) fn sections(columns: &[Column]) -> String {
    let mut text = String::new();
    for (module, methods) in columns.first().map_or(&[][..], |column| &column.order) {
        if methods.is_empty() {
            continue;
        }
        let _ = write!(text, "\n### `{module}`\n\n");
        text += &row(columns, "method", |column| column.stack.version.to_owned());
        text += &rule(columns.len());
        for method in methods {
            let cell = |column: &Column| match column.cells.get(&(module.clone(), method.clone())) {
                Some(Cell { result, note: Some((note, _)) }) => format!("{result}[^{note}]"),
                _ => column.result(module, method).to_owned(),
            };
            text += &row(columns, &format!("`{method}`"), cell);
        }
    }
    text
}

/// Rows that no stack has: their names are wrong.
pub(crate) fn nowhere(columns: &[Column]) -> Vec<String> {
    let order = columns.first().map_or(&[][..], |column| &column.order);
    let all = order.iter().flat_map(|(module, methods)| methods.iter().map(move |method| (module, method)));
    all.filter(|(module, method)| columns.iter().all(|column| column.result(module, method) == ABSENT))
        .map(|(module, method)| format!("no SDK has {module}.{method}"))
        .collect()
}

/// The text of every note that a cell has.
pub(crate) fn notes(columns: &[&Column]) -> String {
    let cells = columns.iter().flat_map(|column| column.cells.values());
    let notes: BTreeMap<_, _> = cells.filter_map(|cell| cell.note.as_ref()).map(|(note, why)| (note, why)).collect();
    notes.iter().fold(String::new(), |mut text, (note, why)| {
        let _ = writeln!(text, "[^{note}]: {why}");
        text
    })
}

fn title(column: &Column) -> String {
    let api = if column.stack.api == "mini" { " MiniAppServer" } else { "" };
    format!("{}{api}", column.stack.version)
}

fn row(columns: &[Column], head: &str, cell: impl Fn(&Column) -> String) -> String {
    let cells = columns.iter().map(|column| cell(column).replace('|', "\\|")).collect::<Vec<_>>().join(" | ");
    format!("| {} | {cells} |\n", head.replace('|', "\\|"))
}

fn rule(columns: usize) -> String {
    format!("|---|{}\n", "---|".repeat(columns))
}
