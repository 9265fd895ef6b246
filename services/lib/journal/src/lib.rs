//! The journal: how a decision becomes part of the record.
//!
//! ```text
//! Desk::submit(commands)   decide -> seal -> publish      one decision = one commit = one bus message
//!        |                                    |
//!        |                              [ Bus: JetStream ]      keeps what is not yet recorded
//!        |                                    |
//!        |                              recorder: append at the exact revision
//!        |                                    |
//!        +-- waits for the outcome <--- [ EventStore ]          the only authority
//! ```
//!
//! - [`stream`]: names of streams and their bus subjects
//! - [`envelope`]: the metadata of an event and the digest chain of its stream
//! - [`store`]: the [`EventStore`] port, its embedded adapter (`terrarium-remotestore` has the other one), and following all events live
//! - [`bus`]: commits and their outcomes over NATS JetStream
//! - [`clocks`]: what time it is in each park
//! - [`due`]: what has to be decided because time moves on
//! - [`clock_api`]: the gRPC shell of the clocks of simulated parks
//! - [`parks`]: the park definitions as recorded
//! - [`provenance`]: who asked, and on which trail
//! - [`refusal`]: how failures of a decision look on the wire
//! - [`rejection`]: why a command is not carried out
//! - [`intake`], [`interval_book`]: the checks that every domain shares (pure)
//! - [`reports`]: reports about many aggregates in one call, and single commands
//! - [`payload`]: reading the payloads of recorded events
//! - [`aggregate`]: the pure side of a service: `decide` and `evolve`
//! - [`event`]: events that are their released message
//! - [`shell`]: the gRPC side of a service: who may call, and from a request to its answer
//! - [`told_time`]: the time that a simulator tells with its calls
//! - [`desk`]: the loop that loads aggregates, decides, publishes and waits until it is recorded

pub mod aggregate;
pub mod bus;
pub mod clock_api;
pub mod clocks;
pub mod desk;
pub mod due;
pub mod envelope;
pub mod event;
mod forgetful_pair;
pub mod intake;
pub mod interval_book;
pub mod parks;
pub mod payload;
pub mod provenance;
pub mod refusal;
pub mod rejection;
pub mod reports;
mod settings;
pub mod shell;
pub mod store;
pub mod stream;
pub mod time_book;
pub mod told_time;

pub use aggregate::{Aggregate, EncodedEvent, EventCodecError};
pub use bus::{
    BusAddress, BusError, BusHealth, BusProbe, CommitConsumer, CommitPublisher, CommitResult,
    CommitTicket, PublishError, ReceivedCommit,
};
pub use clock_api::{ClockApi, LONGEST_OPEN_MS};
pub use clocks::{ClockError, NEVER_SET, ParkClocks, RecordingTime, recorded_time};
pub use desk::{CommandResult, Desk, Pending, Submission, SubmitError};
pub use due::DueDecisions;
pub use envelope::{Digest, DigestError, Metadata, seal, verify_continuation, verify_digest};
pub use event::{Event, Fact};
pub use forgetful_pair::ForgetfulPair;
pub use intake::{
    find_any_asset, find_asset, take_in_event_id, take_in_evidence, take_in_instant,
    take_in_interval, take_in_optional_token, take_in_text, take_in_token,
};
pub use interval_book::IntervalBook;
pub use parks::{PARK_DEFINED_V1, ParkError, Parks, park_definition_stream};
pub use payload::{Payload, event_id_bytes};
pub use provenance::{Provenance, take_in_request_id};
pub use refusal::{field_status, read_status};
pub use rejection::{CLOCK_TOLERANCE_S, Rejection, RejectionCode, refuse_future};
pub use reports::{
    Addressed, ReportOutcome, Reports, refuse_too_many_reports, take_in_required_request_id,
};
pub use settings::Setting;
pub use shell::{Call, MAY_COMMAND, MAY_READ, MAY_REPORT, MAY_VERIFY, Shell, stream_of};
pub use store::{
    AppendError, Appended, ContentType, EventRef, EventStore, Place, Position, ProposedCommit,
    ProposedEvent, ReadError, RecordedEvent, Subscription, Ticks,
};
pub use stream::{InvalidStreamName, StreamName};
pub use time_book::{ForgottenIds, TimeBook};
pub use told_time::ToldTime;
