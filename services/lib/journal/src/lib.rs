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
//! - [`parks`]: the park definitions as recorded
//! - [`provenance`]: who asked, and on which trail
//! - [`refusal`]: how failures of a decision look on the wire
//! - [`rejection`]: why a command is not carried out, and the checks that every domain shares
//! - [`reports`]: reports about many aggregates in one call, and single commands
//! - [`payload`]: reading the payloads of recorded events
//! - [`aggregate`]: the pure side of a service: `decide` and `evolve`
//! - [`desk`]: the loop that loads aggregates, decides, publishes and waits until it is recorded

pub mod aggregate;
pub mod bus;
pub mod desk;
pub mod envelope;
pub mod parks;
pub mod payload;
pub mod provenance;
pub mod refusal;
pub mod rejection;
pub mod reports;
pub mod store;
pub mod stream;

pub use aggregate::{Aggregate, EncodedEvent, EventCodecError};
pub use bus::{
    BusError, BusHealth, BusProbe, CommitConsumer, CommitPublisher, CommitResult, CommitTicket,
    PublishError, ReceivedCommit,
};
pub use desk::{CommandResult, Desk, Pending, Submission, SubmitError};
pub use envelope::{Digest, DigestError, Metadata, seal, verify_continuation, verify_digest};
pub use parks::{PARK_DEFINED_V1, ParkError, Parks, park_definition_stream};
pub use payload::{Payload, event_id_bytes};
pub use provenance::{Provenance, take_in_request_id};
pub use refusal::field_status;
pub use rejection::{
    CLOCK_TOLERANCE_S, Rejection, RejectionCode, refuse_future, take_in_instant, take_in_token,
};
pub use reports::{
    Addressed, ReportOutcome, Reports, refuse_too_many_reports, take_in_required_request_id,
};
pub use store::{
    AppendError, Appended, ContentType, EventStore, Position, ProposedCommit, ProposedEvent,
    ReadError, RecordedEvent, Subscription, Ticks,
};
pub use stream::{InvalidStreamName, StreamName};
