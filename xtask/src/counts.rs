//! The counts in the closing lines of test runners: cargo's (`test result: ok. 3 passed; …`) and Node's (`ℹ pass 3`).

use std::{fmt, ops::AddAssign};

/// How many tests passed, failed and did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Counts {
    /// Sums up every closing line among `lines`.
    pub(crate) fn read(lines: &[String]) -> Self {
        let mut sum = Self::default();
        for (word, count) in lines.iter().flat_map(|line| closing_words(line.trim())) {
            match word {
                "passed" | "pass" => sum.passed += count,
                "failed" | "fail" | "cancelled" => sum.failed += count,
                "ignored" | "skipped" | "todo" => sum.skipped += count,
                _ => {}
            }
        }
        sum
    }
}

/// The counted words of a closing line; none for any other line.
fn closing_words(line: &str) -> Vec<(&str, u32)> {
    if let Some(result) = line.strip_prefix("test result: ") {
        // ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        return counts.split("; ").filter_map(|part| part.split_once(' ')).filter_map(counted).collect();
    }
    // ℹ pass 3, or # pass 3 from the TAP reporter
    let Some(count) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) else { return Vec::new() };
    count.split_once(' ').and_then(|(word, count)| counted((count, word))).into_iter().collect()
}

fn counted<'a>((count, word): (&str, &'a str)) -> Option<(&'a str, u32)> {
    Some((word, count.parse().ok()?))
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    fn read(text: &str) -> Counts {
        Counts::read(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn sums_up_cargo() {
        let counts = read(
            "running 3 tests\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
             test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        );
        assert_eq!(counts, Counts { passed: 13, failed: 2, skipped: 1 });
        assert_eq!(counts.to_string(), "13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn sums_up_node() {
        let counts = read("ℹ tests 7\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 0\nℹ duration_ms 3.5");
        assert_eq!(counts, Counts { passed: 4, failed: 2, skipped: 1 });
    }
}
