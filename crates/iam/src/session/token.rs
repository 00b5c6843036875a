//! What is inside a session token: the session in a few bytes, since it comes with every request.
//!
//! What always holds: what is read is what was written; bytes that were not written here are no session.
//!
//! One byte that is 1; the account, the time of issue and of expiry as eight bytes each; a byte of flags (bit 0: chained,
//! bit 1: with a source identity, bit 2: with an origin, bit 3: that came over TLS, bit 4: and had a user agent); a byte that says what the session is of (0 root, 1 user, 2 role) with its texts; the
//! source identity; the origin's address and user agent; then policies, their ARNs, tags as key and value in turn, and the keys of transitive tags as lists.
//! Numbers are big-endian; a text is its length in four bytes and UTF-8; a list is its length in four bytes and texts.

use millpond_core::name::AccountId;

use super::{Origin, Session, SessionOf};

const VERSION: u8 = 1;
const CHAINED: u8 = 1;
const WITH_SOURCE_IDENTITY: u8 = 2;
const WITH_ORIGIN: u8 = 4;
const OVER_TLS: u8 = 8;
const WITH_USER_AGENT: u8 = 16;

pub(super) fn write(session: &Session) -> Vec<u8> {
    let mut out = Out(vec![VERSION]);
    for number in [session.account.as_number(), session.issued_at_secs, session.expires_at_secs] {
        out.0.extend_from_slice(&number.to_be_bytes());
    }
    out.0.push(flags(session));
    match &session.of {
        SessionOf::Root => out.0.push(0),
        SessionOf::User { name, id } => {
            out.0.push(1);
            out.texts([name, id]);
        }
        SessionOf::Role { name, id, session_name } => {
            out.0.push(2);
            out.texts([name, id, session_name]);
        }
    }
    out.texts(&session.source_identity);
    if let Some(origin) = &session.origin {
        out.texts([origin.source_ip.to_string()]);
        out.texts(&origin.user_agent);
    }
    out.list(&session.policies);
    out.list(&session.policy_arns);
    out.list(&session.tags.iter().flat_map(|(key, value)| [key, value]).collect::<Vec<_>>());
    out.list(&session.transitive_tag_keys);
    out.0
}

fn flags(session: &Session) -> u8 {
    let origin = session.origin.as_ref();
    [
        (session.chained, CHAINED),
        (session.source_identity.is_some(), WITH_SOURCE_IDENTITY),
        (origin.is_some(), WITH_ORIGIN),
        (origin.is_some_and(|origin| origin.over_tls), OVER_TLS),
        (origin.is_some_and(|origin| origin.user_agent.is_some()), WITH_USER_AGENT),
    ]
    .into_iter()
    .filter_map(|(holds, flag)| holds.then_some(flag))
    .sum()
}

struct Out(Vec<u8>);

impl Out {
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }

    fn texts(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        for text in texts {
            self.length(text.as_ref().len());
            self.0.extend_from_slice(text.as_ref().as_bytes());
        }
    }

    fn list(&mut self, texts: &[impl AsRef<str>]) {
        self.length(texts.len());
        self.texts(texts);
    }
}

pub(super) fn read(bytes: &[u8]) -> Option<Session> {
    let mut rest = In(bytes);
    if rest.byte()? != VERSION {
        return None;
    }
    let account = AccountId::from_number(rest.number()?)?;
    let (issued_at_secs, expires_at_secs) = (rest.number()?, rest.number()?);
    let flags = rest.byte()?;
    let of = match rest.byte()? {
        0 => SessionOf::Root,
        1 => SessionOf::User { name: rest.text()?, id: rest.text()? },
        2 => SessionOf::Role { name: rest.text()?, id: rest.text()?, session_name: rest.text()? },
        _ => return None,
    };
    let source_identity = if flags & WITH_SOURCE_IDENTITY != 0 { Some(rest.text()?) } else { None };
    let origin = if flags & WITH_ORIGIN != 0 { Some(rest.origin(flags)?) } else { None };
    let (policies, policy_arns, tags) = (rest.list()?, rest.list()?, rest.list()?);
    let transitive_tag_keys = rest.list()?;
    let mut tags = tags.into_iter();
    let pairs = std::iter::from_fn(|| Some((tags.next()?, tags.next()?))).collect();
    rest.0.is_empty().then_some(Session {
        account,
        of,
        issued_at_secs,
        expires_at_secs,
        policies,
        policy_arns,
        tags: pairs,
        transitive_tag_keys,
        source_identity,
        chained: flags & CHAINED != 0,
        origin,
    })
}

struct In<'a>(&'a [u8]);

impl In<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*first))
    }

    fn length(&mut self) -> Option<usize> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_be_bytes(*first)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    fn origin(&mut self, flags: u8) -> Option<Origin> {
        let source_ip = self.text()?.parse().ok()?;
        let user_agent = if flags & WITH_USER_AGENT != 0 { Some(self.text()?) } else { None };
        Some(Origin { source_ip, over_tls: flags & OVER_TLS != 0, user_agent })
    }

    fn list(&mut self) -> Option<Vec<String>> {
        (0..self.length()?).map(|_| self.text()).collect()
    }
}

#[cfg(test)]
mod tests;
