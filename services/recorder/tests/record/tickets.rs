//! A toy aggregate whose decisions all depend on everything before: people draw numbered tickets.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use terrarium_journal::{Aggregate, EncodedEvent, EventCodecError};
use uuid::Uuid;

pub const TICKET_DRAWN: &str = "terrarium.test.v1.TicketDrawn";

/// Who holds which ticket.
#[derive(Default)]
pub struct Tickets {
    by_person: BTreeMap<u64, u64>,
    /// People it let go of: how many, and the greatest number of one.
    forgotten: u64,
    forgotten_up_to: Option<u64>,
}

/// People it keeps, and how many there are when it lets go of the others.
const KEPT: usize = 500;
const MOST: usize = 1_000;

/// A person asks for a ticket; nobody gets two.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub person: u64,
    /// Bytes of the event beside its contents.
    pub ballast: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketDrawn {
    pub person: u64,
    pub ticket: u64,
    pub ballast: usize,
}

impl Tickets {
    pub fn count(&self) -> usize {
        self.by_person.len() + self.forgotten as usize
    }

    /// People it has at hand.
    pub fn kept(&self) -> usize {
        self.by_person.len()
    }
}

impl Aggregate for Tickets {
    type Command = Draw;
    type Event = TicketDrawn;
    type Rejection = Infallible;
    type Context = ();

    const DOMAIN: &'static str = "test";
    const KIND: &'static str = "tickets";

    fn new() -> Tickets {
        Tickets::default()
    }

    fn decide(&self, (): &(), command: &Draw) -> Result<Vec<TicketDrawn>, Infallible> {
        if self.by_person.contains_key(&command.person) {
            return Ok(Vec::new());
        }
        Ok(vec![TicketDrawn {
            person: command.person,
            ticket: self.count() as u64,
            ballast: command.ballast,
        }])
    }

    fn evolve(&mut self, event: &TicketDrawn) {
        let before = self.by_person.insert(event.person, event.ticket);
        assert_eq!(before, None, "a person has one ticket");
        assert_eq!(
            event.ticket + 1,
            self.count() as u64,
            "every ticket is given once"
        );
    }

    fn forget_old(&mut self) {
        if self.by_person.len() < MOST {
            return;
        }
        let oldest_kept = self.by_person.keys().rev().nth(KEPT - 1).copied();
        let kept = self
            .by_person
            .split_off(&oldest_kept.expect("there are more"));
        let gone = std::mem::replace(&mut self.by_person, kept);
        self.forgotten += gone.len() as u64;
        let greatest = gone.last_key_value().map(|(person, _)| *person);
        self.forgotten_up_to = self.forgotten_up_to.max(greatest);
    }

    fn needs_forgotten(&self, command: &Draw) -> bool {
        self.forgotten_up_to
            .is_some_and(|up_to| command.person <= up_to)
    }

    fn encode(event: &TicketDrawn) -> EncodedEvent {
        let mut data = Vec::with_capacity(16 + event.ballast);
        data.extend_from_slice(&event.person.to_le_bytes());
        data.extend_from_slice(&event.ticket.to_le_bytes());
        data.resize(16 + event.ballast, 0);
        EncodedEvent {
            // What is said here is that the person draws, whatever the number.
            id: Uuid::from_u128(u128::from(event.person) + 1),
            event_type: TICKET_DRAWN,
            data: data.into(),
            time: "2016-08-01T00:00:00Z".to_owned(),
            known_at: None,
            causation: None,
        }
    }

    fn decode(_id: Uuid, event_type: &str, data: &Bytes) -> Result<TicketDrawn, EventCodecError> {
        if event_type != TICKET_DRAWN {
            return Err(EventCodecError::UnknownType(event_type.to_owned()));
        }
        let number =
            |from: usize| u64::from_le_bytes(data[from..from + 8].try_into().expect("8 bytes"));
        Ok(TicketDrawn {
            person: number(0),
            ticket: number(8),
            ballast: data.len() - 16,
        })
    }
}
