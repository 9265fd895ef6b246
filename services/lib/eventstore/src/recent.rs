use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use crate::event::Position;

/// How many event ids are remembered.
const REMEMBERED_EVENTS: usize = 64 * 1024;

/// Where an event with a remembered id is.
#[derive(Clone, Debug)]
pub(crate) struct RecentEvent {
    pub stream: Arc<str>,
    pub revision: u64,
    pub position: Position,
}

/// The ids of the last events, which make retries without an exact revision harmless for a while.
#[derive(Debug, Default)]
pub(crate) struct RecentEvents {
    by_id: HashMap<Uuid, RecentEvent>,
    order: VecDeque<(Uuid, Position)>,
}

impl RecentEvents {
    pub fn get(&self, id: &Uuid) -> Option<&RecentEvent> {
        self.by_id.get(id)
    }

    /// An id that comes again names its newest event.
    pub fn add(&mut self, id: Uuid, event: RecentEvent) {
        self.order.push_back((id, event.position));
        self.by_id.insert(id, event);
        if self.order.len() > REMEMBERED_EVENTS
            && let Some((oldest, position)) = self.order.pop_front()
        {
            self.forget(&oldest, position);
        }
    }

    /// Forgets what was added from `position` on, because it did not become durable.
    pub fn undo_from(&mut self, position: Position) {
        while let Some((id, added)) = self.order.pop_back_if(|(_, added)| *added >= position) {
            self.forget(&id, added);
        }
    }

    fn forget(&mut self, id: &Uuid, position: Position) {
        if self
            .by_id
            .get(id)
            .is_some_and(|event| event.position == position)
        {
            self.by_id.remove(id);
        }
    }

    pub const fn capacity() -> usize {
        REMEMBERED_EVENTS
    }
}
