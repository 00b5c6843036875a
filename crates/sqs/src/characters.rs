//! The characters that a message may hold.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>: `#x9`, `#xA`,
//! `#xD`, `#x20` to `#xD7FF`, `#xE000` to `#xFFFD`, `#x10000` to `#x10FFFF`.

/// The bytes as text, when all its characters are allowed.
pub(crate) fn allowed_text(bytes: &[u8]) -> Option<&str> {
    // Forbidden are most control characters and two code points whose encoding begins with this byte. The chunks let
    // the compiler look at many bytes at once.
    const FIRST_OF_FFFE_AND_FFFF: u8 = 0xef;
    let mut seen_first = false;
    for chunk in bytes.chunks(64) {
        let is_control = |byte: u8| byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r';
        if chunk.iter().fold(false, |found, byte| found | is_control(*byte)) {
            return None;
        }
        seen_first |= chunk.iter().fold(false, |found, byte| found | (*byte == FIRST_OF_FFFE_AND_FFFF));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let forbidden = seen_first && (text.contains('\u{fffe}') || text.contains('\u{ffff}'));
    (!forbidden).then_some(text)
}
