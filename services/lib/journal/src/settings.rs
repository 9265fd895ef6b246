//! Requests that set something, so that one that comes late does not bring back what a newer one took the place of.
//!
//! Whoever got no answer sends again, perhaps only when somebody else has set something newer. What the first sending set is on
//! record with the id of its request; the second changes nothing.

use std::collections::BTreeMap;

use crate::aggregate::Aggregate;

/// What requests set in one stream, by the caller's own id of the request.
pub(crate) struct Settings<A: Aggregate>(BTreeMap<Box<str>, Vec<A::Event>>);

impl<A: Aggregate> Default for Settings<A> {
    fn default() -> Self {
        Settings(BTreeMap::new())
    }
}

impl<A: Aggregate> Settings<A> {
    pub(crate) fn remember(&mut self, request_id: Option<&str>, event: &A::Event) {
        if let Some(request_id) = request_id
            && A::is_setting(event)
        {
            let of_request = self.0.entry(request_id.into()).or_default();
            of_request.push(event.clone());
        }
    }

    /// Whether this very request led to what the command asks for.
    pub(crate) fn has_set(&self, request_id: Option<&str>, command: &A::Command) -> bool {
        let of_request = request_id.and_then(|request_id| self.0.get(request_id));
        let mut set = of_request.into_iter().flatten();
        set.any(|setting| A::says_the_same(command, setting))
    }
}
