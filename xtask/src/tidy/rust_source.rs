//! A scanner for Rust text, just good enough for rules: it tells code from comments and string contents, and
//! finds functions and test modules by their braces. It keeps every line in its place.
//!
//! It is no parser: it expects code that compiles, and sees macros as the tokens they are written with.

use std::ops::Range;

/// One Rust file with comments and string contents taken apart from code.
#[derive(Debug)]
pub(crate) struct RustSource {
    /// The code; comments and the contents of strings and characters are blank.
    pub(crate) code: String,
    /// The comments; all else is blank.
    pub(crate) comments: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from its `fn` to its closing brace, both counted.
    pub(crate) lines: usize,
    /// Whether it stands in a module or behind an item marked `#[cfg(test)]`.
    pub(crate) in_test: bool,
}

#[derive(Clone, Copy)]
enum Place {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text { escapes: bool, hashes: usize },
    Character,
}

impl RustSource {
    pub(crate) fn scan(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut scanned = Self { code: String::new(), comments: String::new() };
        let mut place = Place::Code;
        let mut at = 0;
        while at < characters.len() {
            let (width, next) = step(&characters, at, place);
            for &character in &characters[at..at + width] {
                scanned.push(character, place, next);
            }
            at += width;
            place = next;
        }
        scanned
    }

    fn push(&mut self, character: char, before: Place, after: Place) {
        let blank = if character == '\n' { '\n' } else { ' ' };
        let comment = |place| matches!(place, Place::LineComment | Place::BlockComment { .. });
        let in_comment = comment(before) || comment(after);
        // The quotes themselves stay code, so that `"x"` does not vanish.
        let in_code = !in_comment && (matches!(before, Place::Code) || matches!(after, Place::Code));
        self.code.push(if in_code { character } else { blank });
        self.comments.push(if in_comment { character } else { blank });
    }

    /// All functions with bodies, in the order of their `fn`.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let tests = self.test_regions();
        let mut functions = Vec::new();
        for start in words(&self.code, "fn") {
            let name: String =
                self.code[start + 2..].trim_start().chars().take_while(|c| is_word(*c)).collect();
            let Some(body) = body_after(&self.code, start) else { continue };
            if name.is_empty() {
                continue;
            }
            let lines = self.code[start..body.end].matches('\n').count() + 1;
            let in_test = tests.iter().any(|region| region.contains(&start));
            functions.push(Function { name, line: line_of(&self.code, start), lines, in_test });
        }
        functions
    }

    fn test_regions(&self) -> Vec<Range<usize>> {
        let marks = self.code.match_indices("#[cfg(test)]");
        marks.filter_map(|(start, mark)| body_after(&self.code, start + mark.len())).collect()
    }
}

/// How many characters the next token of the scanner takes, and where it leads.
fn step(characters: &[char], at: usize, place: Place) -> (usize, Place) {
    let current = characters[at];
    let next = characters.get(at + 1).copied();
    match place {
        Place::Code => step_in_code(characters, at),
        Place::LineComment if current == '\n' => (1, Place::Code),
        Place::LineComment => (1, place),
        Place::BlockComment { depth } => match (current, next) {
            ('/', Some('*')) => (2, Place::BlockComment { depth: depth + 1 }),
            ('*', Some('/')) if depth == 1 => (2, Place::Code),
            ('*', Some('/')) => (2, Place::BlockComment { depth: depth - 1 }),
            _ => (1, place),
        },
        Place::Text { escapes: true, .. } if current == '\\' => (2.min(characters.len() - at), place),
        Place::Text { hashes, .. } if current == '"' && hashes_at(characters, at + 1) >= hashes => {
            (1 + hashes, Place::Code)
        }
        Place::Text { .. } => (1, place),
        Place::Character if current == '\\' => (2.min(characters.len() - at), place),
        Place::Character if current == '\'' => (1, Place::Code),
        Place::Character => (1, place),
    }
}

fn step_in_code(characters: &[char], at: usize) -> (usize, Place) {
    let next = characters.get(at + 1).copied();
    match characters[at] {
        '/' if next == Some('/') => (1, Place::LineComment),
        '/' if next == Some('*') => (2, Place::BlockComment { depth: 1 }),
        '"' => (1, Place::Text { escapes: true, hashes: 0 }),
        'r' if starts_raw_text(characters, at) => {
            let hashes = hashes_at(characters, at + 1);
            (2 + hashes, Place::Text { escapes: false, hashes })
        }
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        '\'' if next == Some('\\') || characters.get(at + 2) == Some(&'\'') => (1, Place::Character),
        _ => (1, Place::Code),
    }
}

fn starts_raw_text(characters: &[char], at: usize) -> bool {
    let quote = characters.get(at + 1 + hashes_at(characters, at + 1));
    let prefix_start = if at > 0 && matches!(characters[at - 1], 'b' | 'c') { at - 1 } else { at };
    let inside_word = prefix_start > 0 && is_word(characters[prefix_start - 1]);
    quote == Some(&'"') && !inside_word
}

fn hashes_at(characters: &[char], at: usize) -> usize {
    characters[at.min(characters.len())..].iter().take_while(|character| **character == '#').count()
}

/// The braces that follow `start`, unless a `;` ends the item before them.
fn body_after(code: &str, start: usize) -> Option<Range<usize>> {
    let mut nesting = 0_usize;
    for (offset, character) in code[start..].char_indices() {
        match character {
            '(' | '[' => nesting += 1,
            ')' | ']' => nesting = nesting.saturating_sub(1),
            ';' if nesting == 0 => return None,
            '{' if nesting == 0 => return Some(start + offset..closing_brace(code, start + offset)),
            _ => {}
        }
    }
    None
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code[open..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return open + offset,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Where `word` stands in `text` with no part of a longer word at either end.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(start, _)| start).filter(move |&start| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The line, from 1, that the byte at `offset` stands on.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests;
