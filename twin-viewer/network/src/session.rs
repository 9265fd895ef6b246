//! Which connection a request belongs to.

use std::sync::atomic::{AtomicU64, Ordering};

use terrarium_view_model::{Connection, Report, Request};

/// A request with the session whose picture the person saw; `None`: none, the connection was cut.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) session: Option<u64>,
    pub(crate) request: Request,
}

/// Counts the sessions that the viewer has taken note of. The n-th [`Connection::Live`] that it takes is the n-th session of
/// the supervisor, because that report is in the lossless lane.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    begun: AtomicU64,
    /// The newest is known to be cut.
    is_cut: std::sync::atomic::AtomicBool,
}

impl Seen {
    /// Takes note of what the viewer takes.
    pub(crate) fn look_at(&self, reports: &[Report]) {
        for report in reports {
            match report {
                Report::Connection(Connection::Live) => {
                    self.begun.fetch_add(1, Ordering::AcqRel);
                    self.is_cut.store(false, Ordering::Release);
                }
                Report::Connection(_) => self.is_cut.store(true, Ordering::Release),
                _ => {}
            }
        }
    }

    /// The session whose picture is shown.
    pub(crate) fn session(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::Acquire);
        (begun > 0 && !self.is_cut.load(Ordering::Acquire)).then_some(begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_seen_from_its_beginning_to_its_cut() {
        let seen = Seen::default();
        let live = || Report::Connection(Connection::Live);
        let cut = || {
            Report::Connection(Connection::StaleSince {
                since_ms: 0,
                reason: String::new(),
            })
        };
        assert_eq!(seen.session(), None);
        seen.look_at(&[live()]);
        assert_eq!(seen.session(), Some(1));
        seen.look_at(&[cut()]);
        assert_eq!(seen.session(), None);
        seen.look_at(&[live(), cut(), live()]);
        assert_eq!(seen.session(), Some(3));
    }
}
