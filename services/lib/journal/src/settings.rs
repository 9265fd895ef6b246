//! Requests that set something, so that one that comes late does not bring back what a newer one took the place of.
//!
//! Whoever got no answer sends again, perhaps only when somebody else has set something newer. What the first sending set is on
//! record with the id of its request; the second changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::event_id;
use uuid::Uuid;

/// What is set, in short: the same for the event that set it and for every command that asks for it. As long as a digest however
/// much is set, because it is kept for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting(Uuid);

impl Setting {
    /// Of parts that tell it from any other setting of the same aggregate.
    pub fn of(parts: &[&[u8]]) -> Setting {
        Setting(event_id(parts))
    }
}

/// What requests set in one stream, by the caller's own id of the request.
#[derive(Default)]
pub(crate) struct Settings(BTreeMap<Box<str>, BTreeSet<Setting>>);

impl Settings {
    pub(crate) fn remember(&mut self, request_id: Option<&str>, setting: Option<Setting>) {
        if let (Some(request_id), Some(setting)) = (request_id, setting) {
            let of_request = self.0.entry(request_id.into()).or_default();
            of_request.insert(setting);
        }
    }

    /// Whether this very request led to what a command asks for.
    pub(crate) fn has_set(&self, request_id: Option<&str>, asked: Option<Setting>) -> bool {
        let of_request = request_id.and_then(|request_id| self.0.get(request_id));
        let (Some(of_request), Some(asked)) = (of_request, asked) else {
            return false;
        };
        of_request.contains(&asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_set_what_it_asks_for_and_nothing_else() {
        let setting = |text: &str| Some(Setting::of(&[b"definition", text.as_bytes()]));
        let mut settings = Settings::default();
        settings.remember(Some("first"), setting("one"));
        settings.remember(Some("first"), None);
        settings.remember(None, setting("two"));
        assert!(settings.has_set(Some("first"), setting("one")));
        assert!(!settings.has_set(Some("first"), setting("two")));
        assert!(!settings.has_set(Some("second"), setting("one")));
        assert!(!settings.has_set(None, setting("two")));
        assert!(!settings.has_set(Some("first"), None));
    }
}
