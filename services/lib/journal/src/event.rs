//! Events that are their released message: what happened is written down once, in the `.proto` file.

use bytes::Bytes;
use terrarium_model::{ParkId, UnixSeconds, event_id};
use uuid::Uuid;

use crate::aggregate::{EncodedEvent, EventCodecError};
use crate::payload::Payload;

/// What can happen to one kind of aggregate: an enum of released messages. Made by [`facts!`](crate::facts).
pub trait Fact: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Full protobuf name of the message.
    fn event_type(&self) -> &'static str;
    /// The message, encoded. The same content always has the same bytes: released messages hold no maps.
    fn payload(&self) -> Bytes;
    /// When it happened; the start of an interval.
    fn time(&self) -> UnixSeconds;
    /// From when on it can be known: the end of an interval, else its time.
    fn known_at(&self) -> UnixSeconds;
    /// Reads a recorded one; `None` if this enum has no such message.
    fn read(event_type: &str, payload: Payload<'_>) -> Option<Result<Self, EventCodecError>>;
}

/// Something that happened, with its identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<F> {
    /// Follows from what the event says.
    pub id: Uuid,
    /// What happened.
    pub fact: F,
    /// The event that led to it, if one did. Known while it is new.
    pub causation: Option<Uuid>,
}

impl<F: Fact> Event<F> {
    /// An event whose id follows from the park and everything it says.
    pub fn of(park: &ParkId, fact: impl Into<F>) -> Event<F> {
        let fact = fact.into();
        let parts: [&[u8]; 3] = [
            fact.event_type().as_bytes(),
            park.as_str().as_bytes(),
            &fact.payload(),
        ];
        Event {
            id: event_id(&parts),
            fact,
            causation: None,
        }
    }

    /// An event whose id follows from the park and these parts: for what happens once, whatever it says.
    pub fn once(park: &ParkId, parts: &[&[u8]], fact: impl Into<F>) -> Event<F> {
        let fact = fact.into();
        let mut all: Vec<&[u8]> = vec![fact.event_type().as_bytes(), park.as_str().as_bytes()];
        all.extend(parts);
        Event {
            id: event_id(&all),
            fact,
            causation: None,
        }
    }

    /// The same, led to by another event.
    pub fn because_of(self, causation: Uuid) -> Event<F> {
        Event {
            causation: Some(causation),
            ..self
        }
    }

    /// As it is recorded.
    pub fn encode(&self) -> EncodedEvent {
        EncodedEvent {
            id: self.id,
            event_type: self.fact.event_type(),
            data: self.fact.payload(),
            time: terrarium_model::format_rfc3339_utc(self.fact.time()),
            known_at: Some(self.fact.known_at()),
            causation: self.causation,
        }
    }

    /// Reads a recorded event.
    pub fn decode(id: Uuid, event_type: &str, data: &Bytes) -> Result<Event<F>, EventCodecError> {
        let payload = Payload::new(event_type, data);
        let fact = F::read(event_type, payload).unwrap_or_else(|| Err(payload.unknown_type()))?;
        Ok(Event {
            id,
            fact,
            causation: None,
        })
    }
}

/// Makes an enum of released messages that is a [`Fact`](crate::Fact). Each variant is named as its message, which has to be in
/// scope; `at` names the field with the time, `for` (of an interval) the one with its seconds.
#[macro_export]
macro_rules! facts {
    ($(#[$doc:meta])* pub enum $name:ident in $package:literal { $($message:ident at $time:ident $(for $seconds:ident)?,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(
                #[doc = concat!("See `", stringify!($message), "`.")]
                $message($message),
            )+
        }

        $(
            impl From<$message> for $name {
                fn from(message: $message) -> $name {
                    $name::$message(message)
                }
            }
        )+

        impl $crate::Fact for $name {
            fn event_type(&self) -> &'static str {
                match self {
                    $($name::$message(_) => concat!($package, ".", stringify!($message)),)+
                }
            }

            fn payload(&self) -> ::bytes::Bytes {
                match self {
                    $($name::$message(message) => ::prost::Message::encode_to_vec(message).into(),)+
                }
            }

            fn time(&self) -> ::terrarium_model::UnixSeconds {
                match self {
                    $($name::$message(message) => ::terrarium_model::UnixSeconds(message.$time),)+
                }
            }

            fn known_at(&self) -> ::terrarium_model::UnixSeconds {
                match self {
                    $($name::$message(message) => ::terrarium_model::UnixSeconds(
                        message.$time $(+ i64::from(message.$seconds))?,
                    ),)+
                }
            }

            fn read(
                event_type: &str,
                payload: $crate::Payload<'_>,
            ) -> Option<Result<$name, $crate::EventCodecError>> {
                match event_type.strip_prefix(concat!($package, "."))? {
                    $(stringify!($message) => Some(payload.read::<$message>().map($name::$message)),)+
                    _ => None,
                }
            }
        }
    };
}

/// Makes an aggregate of a state with `decide` and `evolve` whose events are a [`Fact`](crate::Fact). What else of
/// [`Aggregate`](crate::Aggregate) the state has stands behind, in braces.
#[macro_export]
macro_rules! aggregate {
    ($state:ty: $domain:literal $kind:literal, $context:ty, $command:ty => $fact:ty $({ $($more:item)* })?) => {
        impl $crate::Aggregate for $state {
            type Command = $command;
            type Event = $crate::Event<$fact>;
            type Rejection = $crate::Rejection;
            type Context = $context;

            const DOMAIN: &'static str = $domain;
            const KIND: &'static str = $kind;

            fn new() -> $state {
                <$state>::default()
            }

            fn decide(
                &self,
                context: &$context,
                command: &$command,
            ) -> Result<Vec<$crate::Event<$fact>>, $crate::Rejection> {
                <$state>::decide(self, context, command)
            }

            fn evolve(&mut self, event: &$crate::Event<$fact>) {
                <$state>::evolve(self, event);
            }

            $($($more)*)?

            fn encode(event: &$crate::Event<$fact>) -> $crate::EncodedEvent {
                event.encode()
            }

            fn decode(
                id: ::uuid::Uuid,
                event_type: &str,
                data: &::bytes::Bytes,
            ) -> Result<$crate::Event<$fact>, $crate::EventCodecError> {
                $crate::Event::decode(id, event_type, data)
            }
        }
    };
}
