//! Charging sessions: whose car was at which charger, and when.

use std::collections::BTreeMap;

use terrarium_model::{AssetId, Interval, UnixSeconds};

use super::meter_book::Sight;
use crate::fact::Origin;
use crate::hash::Hasher;

/// Whose car it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CarOwner {
    /// The park's own fleet.
    Park,
    /// A visitor, or anybody at a public charger.
    Other,
}

/// A session, as seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose car.
    pub owner: CarOwner,
    /// When it began.
    pub start: UnixSeconds,
    /// When it ended; [`i64::MAX`]: it goes on.
    pub end: UnixSeconds,
}

impl Session {
    /// Seconds of an hour that it took.
    fn seconds_in(&self, hour: Interval) -> i64 {
        (self.end.min(hour.end()).0 - self.start.max(hour.start).0).max(0)
    }
}

/// A session and what of it was told where in the record. A park has thousands a year.
#[derive(Clone, Debug)]
struct Told {
    /// The head of the id's SHA-256.
    id: [u8; 16],
    session: Session,
    started_at: u64,
    ended_at: u64,
}

/// The sessions of one charger.
#[derive(Default)]
struct ChargerSessions {
    /// In order of their starts and ids: a charger has one car at a time, but one may leave in the second in which it came, and
    /// the next one come in the same.
    told: Vec<Told>,
    /// Sum of the ids of all events, and of the ids each times its place in the record. An id is a hash of what its event says.
    ids: u128,
    placed_ids: u128,
}

/// All sessions of a park, by charger.
#[derive(Default)]
pub struct SessionBook {
    chargers: BTreeMap<AssetId, ChargerSessions>,
}

impl SessionBook {
    /// Takes in that a session began, or that it ended.
    pub(crate) fn told(
        &mut self,
        charger: &AssetId,
        id: &str,
        owner: CarOwner,
        (start, end): (UnixSeconds, Option<UnixSeconds>),
        origin: Origin,
    ) {
        if !self.chargers.contains_key(charger) {
            self.chargers
                .insert(charger.clone(), ChargerSessions::default());
        }
        let sessions = self.chargers.get_mut(charger).expect("inserted above");
        let event = origin.event.as_u128();
        sessions.ids = sessions.ids.wrapping_add(event);
        let placed = event.wrapping_mul(u128::from(origin.position) + 1);
        sessions.placed_ids = sessions.placed_ids.wrapping_add(placed);
        let id = head_of_hash(id);
        let found = sessions
            .told
            .binary_search_by_key(&(start, id), |told| (told.session.start, told.id));
        let place = found.unwrap_or_else(|place| {
            let session = Session {
                owner,
                start,
                end: UnixSeconds(i64::MAX),
            };
            let told = Told {
                id,
                session,
                started_at: origin.position,
                ended_at: u64::MAX,
            };
            sessions.told.insert(place, told);
            place
        });
        if let Some(end) = end {
            let told = &mut sessions.told[place];
            told.session.end = end;
            told.ended_at = origin.position;
        }
    }

    /// Sessions that took a part of an hour, in order, each with its seconds of it.
    pub fn in_hour(
        &self,
        charger: &AssetId,
        hour_start: UnixSeconds,
        sight: Sight,
    ) -> Vec<(Session, i64)> {
        let Some(sessions) = self.chargers.get(charger) else {
            return Vec::new();
        };
        let hour = Interval::hour_of(hour_start);
        let began = sessions
            .told
            .partition_point(|told| told.session.start < hour.end());
        // A session whose end was not told ended when the next car came.
        let mut next_start = UnixSeconds(i64::MAX);
        let mut found: Vec<(Session, i64)> = sessions.told[..began]
            .iter()
            .rev()
            .filter(|told| told.started_at <= sight.known_at)
            .filter_map(|told| {
                let Session { start, .. } = told.session;
                let is_over = told.ended_at <= sight.known_at;
                // Over as it began: it took nothing, and no car had to leave for it.
                if is_over && told.session.end <= start {
                    return None;
                }
                let end = if is_over {
                    told.session.end
                } else {
                    next_start
                };
                let end = end.min(next_start);
                next_start = start;
                Some(Session {
                    end,
                    ..told.session
                })
            })
            // Only one car at a time: before one that ended earlier there is none of this hour.
            .take_while(|session| session.end > hour_start)
            .map(|session| (session, session.seconds_in(hour)))
            .filter(|(_, seconds)| *seconds > 0)
            .collect();
        found.reverse();
        found
    }

    pub(crate) fn hash(&self, content: &mut Hasher, state: &mut Hasher) {
        for (charger, sessions) in &self.chargers {
            content
                .text("sessions")
                .text(charger.as_str())
                .number(sessions.told.len() as i64)
                .bytes(&sessions.ids.to_le_bytes());
            state.bytes(&sessions.placed_ids.to_le_bytes());
        }
    }
}

fn head_of_hash(id: &str) -> [u8; 16] {
    let mut hasher = Hasher::new("session");
    hasher.text(id);
    let hash = hasher.finish();
    *hash.first_chunk().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ALL: Sight = Sight::ALL;

    fn told(book: &mut SessionBook, start: i64, end: Option<i64>, position: u64) {
        told_of("a", CarOwner::Other, book, (start, end), position);
    }

    fn told_of(
        id: &str,
        owner: CarOwner,
        book: &mut SessionBook,
        (start, end): (i64, Option<i64>),
        position: u64,
    ) {
        let origin = Origin {
            position,
            event: Uuid::from_u128(u128::from(position) + 7),
        };
        let charger = AssetId::new("charger").expect("valid");
        let times = (UnixSeconds(start), end.map(UnixSeconds));
        book.told(&charger, id, owner, times, origin);
    }

    #[test]
    fn a_car_that_comes_in_the_second_in_which_another_left_is_its_own() {
        // The ids stand in either order.
        for (brief, long) in [("a", "b"), ("b", "a")] {
            let mut book = SessionBook::default();
            told_of(brief, CarOwner::Other, &mut book, (600, None), 1);
            told_of(brief, CarOwner::Other, &mut book, (600, Some(600)), 2);
            told_of(long, CarOwner::Park, &mut book, (600, None), 3);
            told_of(long, CarOwner::Park, &mut book, (600, Some(1_800)), 4);
            let charger = AssetId::new("charger").expect("valid");
            let found = book.in_hour(&charger, UnixSeconds(0), ALL);
            let session = Session {
                owner: CarOwner::Park,
                start: UnixSeconds(600),
                end: UnixSeconds(1_800),
            };
            assert_eq!(found, [(session, 1_200)]);
        }
    }

    #[test]
    fn an_hour_has_the_sessions_that_took_a_part_of_it_as_known_then() {
        let mut book = SessionBook::default();
        told(&mut book, 600, None, 1);
        told(&mut book, 600, Some(1_800), 2);
        told(&mut book, 3_000, None, 3);
        let charger = AssetId::new("charger").expect("valid");
        let seconds = |hour: i64, sight| -> Vec<i64> {
            let found = book.in_hour(&charger, UnixSeconds(hour), sight);
            found.into_iter().map(|(_, seconds)| seconds).collect()
        };
        assert_eq!(seconds(0, ALL), [1_200, 600]);
        assert_eq!(seconds(3_600, ALL), [3_600]);
        let before_its_end = Sight { known_at: 1, ..ALL };
        assert_eq!(seconds(3_600, before_its_end), [3_600]);
        assert_eq!(seconds(0, before_its_end), [3_000]);
        assert_eq!(seconds(-3_600, ALL), [0; 0]);
    }
}
