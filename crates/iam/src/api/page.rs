//! Pages of lists: `Marker`, `MaxItems`, `IsTruncated`.
//!
//! A marker names the last item of the page before; what was added or removed meanwhile does not shift the next page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Which page is asked for.
#[derive(Debug)]
pub(super) struct Page {
    after: Option<String>,
    most: usize,
}

impl Page {
    pub(super) fn first(most: u32) -> Self {
        Self { after: None, most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    /// `None` when the marker is none of ours.
    pub(super) fn new(marker: Option<&str>, most: u32) -> Option<Self> {
        let after = match marker {
            None => None,
            Some(marker) => Some(String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?),
        };
        Some(Self { after, ..Self::first(most) })
    }

    /// The page of items that come with the keys by which they are in order.
    pub(super) fn of<T>(&self, member: &'static str, items: impl Iterator<Item = (String, T)>) -> Listed<T> {
        let rest = items.filter(|(key, _)| self.after.as_ref().is_none_or(|after| key > after));
        let mut page: Vec<_> = rest.take(self.most.saturating_add(1)).collect();
        let marker = (page.len() > self.most).then(|| {
            page.truncate(self.most);
            page.last().map(|(key, _)| URL_SAFE_NO_PAD.encode(key)).unwrap_or_default()
        });
        Listed { member, items: page.into_iter().map(|(_, item)| item).collect(), marker }
    }
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) member: &'static str,
    pub(super) items: Vec<T>,
    pub(super) marker: Option<String>,
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut members = to.serialize_struct("Listed", 3)?;
        members.serialize_field(self.member, &self.items)?;
        members.serialize_field("IsTruncated", &self.marker.is_some())?;
        members.serialize_field("Marker", &self.marker)?;
        members.end()
    }
}

impl<T> Listed<T> {
    pub(super) fn map<U>(self, shown: impl FnMut(T) -> U) -> Listed<U> {
        let Self { member, items, marker } = self;
        Listed { member, items: items.into_iter().map(shown).collect(), marker }
    }
}
