//! Reads how many tests ran from what the runners print: libtest's `test result:` lines and pytest's closing
//! line. It reads only complete lines and never guesses: a line in another shape counts nothing.

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    /// How many tests ran to a verdict.
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }

    /// Adds the counts of one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(summary) = line.strip_prefix("test result: ") {
            *self = *self + words_after_numbers(summary.split_once(". ").map_or("", |(_, counts)| counts));
        } else if let Some(summary) = pytest_summary(line) {
            *self = *self + words_after_numbers(summary);
        }
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The counts in pytest's closing line, `==== 1 failed, 5 passed in 0.12s ====`, with or without its frame.
fn pytest_summary(line: &str) -> Option<&str> {
    let (counts, duration) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    let seconds = duration.split_once('s')?.0;
    let timed = seconds.parse::<f64>().is_ok();
    let counted = counts.split(", ").all(|part| {
        part.split_once(' ')
            .is_some_and(|(number, word)| number.parse::<usize>().is_ok() && !word.contains(' '))
    });
    (timed && counted).then_some(counts)
}

/// Adds up `N word` pairs that are parted by commas or semicolons.
fn words_after_numbers(summary: &str) -> Counts {
    let mut counts = Counts::default();
    for part in summary.split([',', ';']) {
        let Some((number, word)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        match word {
            "passed" | "xpassed" => counts.passed += number,
            "failed" | "error" | "errors" => counts.failed += number,
            "skipped" | "ignored" | "xfailed" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests;
