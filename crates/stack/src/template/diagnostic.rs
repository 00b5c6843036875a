//! Where a template is wrong and why: positions, single diagnostics, and the list a caller gets.
//!
//! Every diagnostic has a line and a column, both counted from 1 in characters. A list is sorted by position and
//! never empty. Messages never carry the value of a `NoEcho` parameter.

use std::fmt;

/// A place in the text of a template: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

impl Position {
    /// The first character of a file: the place of what is missing altogether.
    pub const START: Position = Position { line: 1, column: 1 };
}

/// One thing that is wrong, at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where.
    pub position: Position,
    /// What is wrong and what to do, as one line of text.
    pub message: String,
}

/// All that is wrong with a template, in the order of the file. `Display` gives one `file:line:column: message` a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateErrors {
    file: String,
    diagnostics: Vec<Diagnostic>,
}

impl TemplateErrors {
    /// The diagnostics, sorted by position; at least one.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl fmt::Display for TemplateErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Diagnostic { position, message }) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}:{}:{}: {message}", self.file, position.line, position.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateErrors {}

/// Collects diagnostics while reading goes on, so that one run shows all mistakes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn error(&mut self, position: Position, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic { position, message: message.into() });
    }

    /// `value` if nothing was reported, else all that was.
    pub(crate) fn finish<T>(mut self, file: &str, value: T) -> Result<T, TemplateErrors> {
        if self.diagnostics.is_empty() {
            return Ok(value);
        }
        self.diagnostics.sort();
        self.diagnostics.dedup();
        Err(TemplateErrors { file: file.to_owned(), diagnostics: self.diagnostics })
    }
}
