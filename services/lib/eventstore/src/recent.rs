use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::active::KEPT_IDS;
use crate::error::ReadError;
use crate::read::Contents;

/// The ids of the last events, which make retries without an exact revision harmless for a while.
///
/// They are taken from the index when the first event is appended.
#[derive(Debug, Default)]
pub(crate) struct RecentEvents {
    /// Positions of the frames that hold the events.
    by_id: HashMap<Uuid, u64>,
    order: VecDeque<(Uuid, u64)>,
    is_loaded: bool,
}

impl RecentEvents {
    /// Takes what the index knows, unless that was done before. Nothing may be staged.
    pub fn load(&mut self, contents: &Contents) -> Result<(), ReadError> {
        if !self.is_loaded {
            for (id, frame) in contents.newest_ids(KEPT_IDS)? {
                self.add(id, frame);
            }
            self.is_loaded = true;
        }
        Ok(())
    }

    /// Position of the frame that holds the newest event with this id.
    pub fn frame_of(&self, id: &Uuid) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    /// An id that comes again names its newest event.
    pub fn add(&mut self, id: Uuid, frame: u64) {
        self.order.push_back((id, frame));
        self.by_id.insert(id, frame);
        if self.order.len() > KEPT_IDS
            && let Some((oldest, frame)) = self.order.pop_front()
        {
            self.forget(&oldest, frame);
        }
    }

    /// Forgets what was added from `position` on, because it did not become durable.
    pub fn undo_from(&mut self, position: u64) {
        while let Some((id, frame)) = self.order.pop_back_if(|(_, frame)| *frame >= position) {
            self.forget(&id, frame);
        }
    }

    fn forget(&mut self, id: &Uuid, frame: u64) {
        if self.by_id.get(id) == Some(&frame) {
            self.by_id.remove(id);
        }
    }
}
