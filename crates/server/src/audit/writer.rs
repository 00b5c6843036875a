//! The thread that writes lines, many at a time when many wait.

use std::io::{self, Write as _};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;

use super::entry::write_lost;
use super::trail::now_millis;
use super::{Counts, Message};

/// Lines are written together up to this many bytes.
const TOGETHER_BYTES: usize = 64 << 10;

/// Where whole lines go.
pub(super) trait Sink: Send {
    /// Writes lines, all or none.
    fn write(&mut self, lines: &[u8]) -> io::Result<()>;
}

/// Lines between those that the service prints.
#[derive(Debug)]
pub(super) struct StandardOutput;

impl Sink for StandardOutput {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(lines)?;
        output.flush()
    }
}

/// Writes until the end is told, or nobody is left to tell it.
pub(super) fn run(receiver: &Receiver<Message>, sink: Box<dyn Sink>, counts: &Counts) {
    let mut writer = Writer { sink, counts, told_lost: 0, is_failing: false };
    let mut text = Vec::new();
    while let Ok(Message::Line(entry)) = receiver.recv() {
        entry.write(&mut text);
        let mut lines = 1;
        let mut ends = false;
        while text.len() < TOGETHER_BYTES {
            match receiver.try_recv() {
                Ok(Message::Line(entry)) => {
                    entry.write(&mut text);
                    lines += 1;
                }
                Ok(Message::End) => {
                    ends = true;
                    break;
                }
                Err(_) => break,
            }
        }
        writer.write(&text, lines);
        text.clear();
        if ends {
            break;
        }
    }
    writer.tell_lost();
}

struct Writer<'a> {
    sink: Box<dyn Sink>,
    counts: &'a Counts,
    /// Of the lines that were lost, those that the log itself tells of.
    told_lost: u64,
    is_failing: bool,
}

impl Writer<'_> {
    fn write(&mut self, text: &[u8], lines: u64) {
        self.tell_lost();
        match self.sink.write(text) {
            Ok(()) => {
                self.counts.written.fetch_add(lines, Relaxed);
                if self.is_failing {
                    tracing::warn!("the audit log is written again; it says how many lines are missing");
                }
                self.is_failing = false;
            }
            Err(error) => {
                self.counts.lost.fetch_add(lines, Relaxed);
                if !self.is_failing {
                    tracing::error!(%error, "the audit log can't be written; requests go on, and their lines are lost");
                }
                self.is_failing = true;
            }
        }
    }

    fn tell_lost(&mut self) {
        let lost = self.counts.lost.load(Relaxed);
        if lost == self.told_lost {
            return;
        }
        let mut line = Vec::new();
        write_lost(now_millis(), lost - self.told_lost, &mut line);
        if self.sink.write(&line).is_ok() {
            self.told_lost = lost;
        }
    }
}
