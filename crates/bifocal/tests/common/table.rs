//! A table of what happened to each SDK in each step.

/// Longest reason that is printed whole.
const REASON: usize = 24;

/// One SDK.
pub(crate) struct Row {
    name: &'static str,
    /// What happened in a step, and what should have.
    cells: Vec<(String, &'static str)>,
    /// What went wrong in the step after these.
    failure: Option<String>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Row {
        Row { name, cells: Vec::new(), failure: None }
    }

    pub(crate) fn add(&mut self, happened: String, wanted: &'static str) {
        self.cells.push((happened, wanted));
    }

    pub(crate) fn failed(mut self, failure: String) -> Row {
        self.failure = Some(failure);
        self
    }

    /// A line for everything that is not as it should be.
    pub(crate) fn wrong(&self, titles: &[&str]) -> Vec<String> {
        let mut wrong: Vec<String> = titles
            .iter()
            .zip(&self.cells)
            .filter(|(_, (happened, wanted))| happened != wanted)
            .map(|(title, (happened, wanted))| format!("{}, {title}: {happened}; wanted: {wanted}", self.name))
            .collect();
        if let Some(failure) = &self.failure {
            let title = titles.get(self.cells.len()).unwrap_or(&"end");
            wrong.push(format!("{}, {title}: {failure}", self.name));
        }
        wrong
    }

    /// The name and a cell for each of these steps.
    fn texts(&self, steps: usize) -> Vec<String> {
        let mark = |(happened, wanted): &(String, &str)| {
            if happened == wanted { shortened(happened) } else { format!("✗ {}", shortened(happened)) }
        };
        let mut texts = vec![self.name.to_owned()];
        texts.extend(self.cells.iter().map(mark));
        texts.extend(self.failure.iter().map(|_| "✗ failed".to_owned()));
        texts.resize(steps + 1, "–".to_owned());
        texts
    }
}

/// The table on stdout.
#[allow(clippy::print_stdout, reason = "the harness shows it when it is asked to, and with a failure")]
pub(crate) fn print(titles: &[&str], rows: &[Row]) {
    let mut head = vec!["SDK".to_owned()];
    head.extend(titles.iter().map(|title| (*title).to_owned()));
    let mut lines = vec![head];
    lines.extend(rows.iter().map(|row| row.texts(titles.len())));
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let width = lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
                format!("{text:width$}")
            })
            .collect();
        println!("{}", cells.join(" │ ").trim_end());
    }
}

/// With the middle of long reasons left out.
fn shortened(story: &str) -> String {
    let reasons = story.split_inclusive(['(', ')']).map(|part| match part.strip_suffix(')') {
        Some(reason) if reason.chars().count() > REASON => {
            format!("{}…)", reason.chars().take(REASON - 1).collect::<String>())
        }
        _ => part.to_owned(),
    });
    reasons.collect()
}
