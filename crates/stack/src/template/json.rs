//! Reads JSON (RFC 8259) into nodes, so that every node knows its line and column.
//!
//! Numbers and truth values stay the text that was written. Duplicate keys and anything after the document are
//! refused. Depth is bounded while reading.

use super::diagnostic::{Diagnostic, Position};
use super::node::{DEPTH_MAX, Entry, Key, Node, NodeKind};
use std::collections::BTreeMap;

/// The one value in `text`. Reading stops at the first mistake.
pub(crate) fn read(text: &str) -> Result<Node, Diagnostic> {
    let mut reader = Reader { rest: text.chars().peekable(), position: Position::START };
    let node = reader.value(0)?;
    reader.skip_space();
    match reader.rest.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("there is something after the end of the JSON document")),
    }
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    position: Position,
}

impl Reader<'_> {
    fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic { position: self.position, message: format!("this is not valid JSON: {}", message.into()) }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.position = Position { line: self.position.line + 1, column: 1 };
        } else {
            self.position.column += 1;
        }
        Some(character)
    }

    fn skip_space(&mut self) {
        while matches!(self.rest.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), Diagnostic> {
        self.skip_space();
        match self.rest.peek().copied() {
            Some(found) if found == wanted => {
                self.next();
                Ok(())
            }
            Some(found) => Err(self.wrong(format!("expected {wanted} but found {found}"))),
            None => Err(self.wrong(format!("expected {wanted} but the template ends"))),
        }
    }

    /// Whether a list or map goes on after an item: a comma, or its closing bracket.
    fn goes_on(&mut self, close: char) -> Result<bool, Diagnostic> {
        self.skip_space();
        if self.rest.peek() == Some(&close) {
            self.next();
            return Ok(false);
        }
        self.expect(',').map(|()| true)
    }

    fn value(&mut self, depth: usize) -> Result<Node, Diagnostic> {
        self.skip_space();
        let position = self.position;
        if depth > DEPTH_MAX {
            return Err(self.wrong(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let kind = match self.rest.peek() {
            None => return Err(self.wrong("the template ends too early")),
            Some('{') => NodeKind::Map(self.map(depth)?),
            Some('[') => NodeKind::List(self.list(depth)?),
            Some('"') => NodeKind::Scalar(self.string()?),
            Some(_) => self.word()?,
        };
        Ok(Node { position, tag: None, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Diagnostic> {
        self.next();
        let mut items = Vec::new();
        self.skip_space();
        if self.rest.peek() == Some(&']') {
            self.next();
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.goes_on(']')? {
                return Ok(items);
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Diagnostic> {
        self.next();
        let mut entries = Vec::new();
        let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
        self.skip_space();
        if self.rest.peek() == Some(&'}') {
            self.next();
            return Ok(entries);
        }
        loop {
            self.skip_space();
            let position = self.position;
            if self.rest.peek() != Some(&'"') {
                return Err(self.wrong("expected a key in double quotes"));
            }
            let text = self.string()?;
            if let Some(line) = first_lines.insert(text.clone(), position.line) {
                let message = format!("{text} is here twice; the first is on line {line}");
                return Err(Diagnostic { position, message });
            }
            self.expect(':')?;
            entries.push(Entry { key: Key { text, position }, value: self.value(depth + 1)? });
            if !self.goes_on('}')? {
                return Ok(entries);
            }
        }
    }

    fn word(&mut self) -> Result<NodeKind, Diagnostic> {
        let start = self.wrong("expected a value");
        let mut word = String::new();
        while let Some(character) = self.rest.peek().copied() {
            if !(character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')) {
                break;
            }
            word.push(character);
            self.next();
        }
        match word.as_str() {
            "null" => Ok(NodeKind::Null),
            "true" | "false" => Ok(NodeKind::Scalar(word)),
            _ if serde_json::from_str::<serde_json::Number>(&word).is_ok() => Ok(NodeKind::Scalar(word)),
            "" => Err(start),
            _ => Err(Diagnostic { message: format!("{} but found {word}", start.message), ..start }),
        }
    }

    fn string(&mut self) -> Result<String, Diagnostic> {
        self.next();
        let mut text = String::new();
        loop {
            match self.rest.peek() {
                None => return Err(self.wrong("a text in double quotes has no end")),
                Some(character) if (*character as u32) < 0x20 => {
                    return Err(
                        self.wrong("a text in double quotes must be on one line; write \\n for a new line")
                    );
                }
                Some(_) => {}
            }
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(character) => text.push(character),
                None => {}
            }
        }
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        match self.next() {
            Some(same @ ('"' | '\\' | '/')) => Ok(same),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode(),
            _ => Err(self.wrong("unknown escape after a backslash")),
        }
    }

    fn unicode(&mut self) -> Result<char, Diagnostic> {
        let first = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let low =
                (self.next() == Some('\\') && self.next() == Some('u')).then(|| self.hex()).transpose()?;
            match low {
                Some(low @ 0xdc00..=0xdfff) => 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                _ => return Err(self.wrong("half of a surrogate pair")),
            }
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair"))
    }

    fn hex(&mut self) -> Result<u32, Diagnostic> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|character| character.to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.wrong("\\u needs four hexadecimal digits"))?;
        }
        Ok(code)
    }
}
