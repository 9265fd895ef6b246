//! Events on both sides of a moment, read outwards from it: where they are too many, those nearest to the moment are told.

use terrarium_proto::twin::v1 as wire;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{EventLine, EventsAround, Report};
use tonic::Status;

use crate::decode;

/// Events of a bundle at most, give or take a page.
const MOST_EVENTS: usize = 20_000;
/// The service gives at most so many events at once.
const MOST_EVENTS_AT_ONCE: usize = 1_000;

/// Every event from the first of these moments to the last, outwards from the one between them.
pub(crate) async fn fetch(
    mut twin: TwinServiceClient<AuthorizedChannel>,
    park: &str,
    moments_ms: [i64; 3],
) -> Result<Report, Status> {
    let mut search = Outwards::from(moments_ms, MOST_EVENTS);
    while let Some(request) = search.next_request(park) {
        let page = twin.list_events(request).await?.into_inner().events;
        search.take(page.into_iter().map(decode::event).collect());
    }
    Ok(Report::Around(search.found()))
}

/// A search that goes both ways in turn.
#[derive(Debug)]
struct Outwards {
    before: Side,
    after: Side,
    most_events: usize,
    /// The page that is awaited is one of those before the moment.
    awaits_before: bool,
}

/// One way.
#[derive(Debug)]
struct Side {
    is_backwards: bool,
    /// Where it ends at the latest.
    end_ms: i64,
    /// Where the next page begins.
    next_ms: i64,
    beyond_position: Option<u64>,
    is_complete: bool,
    /// Outwards from the moment.
    events: Vec<EventLine>,
}

impl Outwards {
    /// The moment itself belongs to what is after it.
    fn from([from_ms, moment_ms, to_ms]: [i64; 3], most_events: usize) -> Outwards {
        let side = |is_backwards, end_ms| Side {
            is_backwards,
            end_ms,
            next_ms: moment_ms,
            beyond_position: None,
            is_complete: false,
            events: Vec::new(),
        };
        Outwards {
            before: side(true, from_ms),
            after: side(false, to_ms),
            most_events,
            awaits_before: false,
        }
    }

    /// The next page; `None`: all is there, or enough.
    fn next_request(&mut self, park: &str) -> Option<wire::ListEventsRequest> {
        let is_enough = self.before.events.len() + self.after.events.len() >= self.most_events;
        self.awaits_before = match (self.before.is_complete, self.after.is_complete) {
            _ if is_enough => return None,
            (true, true) => return None,
            (false, true) => true,
            (true, false) => false,
            (false, false) => self.before.events.len() <= self.after.events.len(),
        };
        let side = match self.awaits_before {
            true => &self.before,
            false => &self.after,
        };
        Some(wire::ListEventsRequest {
            park: park.to_owned(),
            from_ms: side.next_ms,
            backwards: side.is_backwards,
            most_events: MOST_EVENTS_AT_ONCE as u32,
            beyond_position: side.beyond_position,
            ..wire::ListEventsRequest::default()
        })
    }

    /// Takes the page in that was asked for last.
    fn take(&mut self, page: Vec<EventLine>) {
        match self.awaits_before {
            true => self.before.take(page),
            false => self.after.take(page),
        }
    }

    fn found(self) -> EventsAround {
        let (from_ms, to_ms) = (self.before.reaches_ms(), self.after.reaches_ms());
        let is_cut_short = !(self.before.is_complete && self.after.is_complete);
        let mut events = self.before.events;
        events.reverse();
        events.extend(self.after.events);
        events.sort_by_key(|event| (event.time_ms, event.position));
        EventsAround {
            from_ms,
            to_ms,
            events,
            is_cut_short,
        }
    }
}

impl Side {
    fn take(&mut self, mut page: Vec<EventLine>) {
        let is_last = page.len() < MOST_EVENTS_AT_ONCE;
        page.sort_by_key(|event| (event.time_ms, event.position));
        if self.is_backwards {
            page.reverse();
        }
        let farthest = page.last().map(|event| (event.time_ms, event.position));
        let is_beyond = |time_ms: i64| match self.is_backwards {
            true => time_ms < self.end_ms,
            false => time_ms > self.end_ms,
        };
        // What is not new does not go on.
        let goes_on = farthest.filter(|(time_ms, position)| {
            !is_last && !is_beyond(*time_ms) && Some(*position) != self.beyond_position
        });
        self.events
            .extend(page.into_iter().filter(|event| !is_beyond(event.time_ms)));
        match goes_on {
            Some((time_ms, position)) => {
                (self.next_ms, self.beyond_position) = (time_ms, Some(position));
            }
            None => self.is_complete = true,
        }
    }

    /// Up to where none is missing. More may have happened in the last millisecond that was read.
    fn reaches_ms(&self) -> i64 {
        match (self.is_complete, self.is_backwards) {
            (true, _) => self.end_ms,
            (false, true) => self.next_ms + 1,
            (false, false) => self.next_ms - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT_MS: i64 = 1_000_000;
    const AROUND_MS: i64 = 900_000;

    fn event(position: u64, time_ms: i64) -> EventLine {
        EventLine {
            position,
            id: String::new(),
            kind: String::new(),
            domain: String::new(),
            asset: String::new(),
            time_ms,
        }
    }

    /// As `ListEvents` answers: in order, at most so many, from a moment on and beyond a position.
    fn page(record: &[EventLine], request: &wire::ListEventsRequest) -> Vec<EventLine> {
        let (from_ms, beyond) = (request.from_ms, request.beyond_position);
        let is_asked = |event: &&EventLine| match request.backwards {
            false => {
                event.time_ms > from_ms
                    || event.time_ms == from_ms
                        && beyond.is_none_or(|beyond| event.position > beyond)
            }
            true => {
                event.time_ms < from_ms
                    || event.time_ms == from_ms
                        && beyond.is_some_and(|beyond| event.position < beyond)
            }
        };
        let most = request.most_events as usize;
        let mut asked: Vec<EventLine> = record.iter().filter(is_asked).cloned().collect();
        if request.backwards {
            asked.drain(..asked.len().saturating_sub(most));
        }
        asked.truncate(most);
        asked
    }

    fn around(record: &[EventLine], most_events: usize) -> EventsAround {
        let moments = [MOMENT_MS - AROUND_MS, MOMENT_MS, MOMENT_MS + AROUND_MS];
        let mut search = Outwards::from(moments, most_events);
        while let Some(request) = search.next_request("park") {
            search.take(page(record, &request));
        }
        search.found()
    }

    /// An event every so many milliseconds, three at a time, from long before the moment until long after it.
    fn record(every_ms: usize) -> Vec<EventLine> {
        let times = (0..2 * MOMENT_MS)
            .step_by(every_ms)
            .flat_map(|time_ms| [time_ms; 3]);
        times
            .zip(1..)
            .map(|(time_ms, number)| event(number, time_ms))
            .collect()
    }

    #[test]
    fn all_events_are_told_once_where_they_are_few() {
        let record = record(700);
        let told = around(&record, 100_000);
        let expected: Vec<EventLine> = record
            .into_iter()
            .filter(|event| (event.time_ms - MOMENT_MS).abs() <= AROUND_MS)
            .collect();
        assert!(expected.len() > 3 * MOST_EVENTS_AT_ONCE);
        assert_eq!(told.events, expected);
        assert!(!told.is_cut_short);
        let reach = (MOMENT_MS - AROUND_MS, MOMENT_MS + AROUND_MS);
        assert_eq!((told.from_ms, told.to_ms), reach);
    }

    #[test]
    fn of_too_many_events_those_at_the_moment_are_told_and_how_far_they_reach() {
        let record = record(30);
        let told = around(&record, 20_000);
        assert!(told.is_cut_short);
        assert!((20_000..22_000).contains(&told.events.len()));
        let within = |event: &&EventLine| (told.from_ms..=told.to_ms).contains(&event.time_ms);
        let expected: Vec<&EventLine> = record.iter().filter(within).collect();
        let whole: Vec<&EventLine> = told.events.iter().filter(within).collect();
        assert_eq!(whole, expected, "none is missing between its ends");
        let (before, after) = (MOMENT_MS - told.from_ms, told.to_ms - MOMENT_MS);
        assert!(
            before > 60_000 && after > 60_000,
            "{before} ms before, {after} ms after"
        );
    }

    #[test]
    fn nothing_around_a_moment_is_told_as_nothing() {
        let told = around(&[event(1, 5), event(2, 2 * MOMENT_MS)], 10);
        assert_eq!(told.events, []);
        assert!(!told.is_cut_short);
    }
}
