//! The metadata of an event, and the digest chain of its stream.
//!
//! Metadata is JSON with the CloudEvents attributes and ours. Its last member is always the digest, so that the bytes
//! before it are the bytes that were hashed:
//!
//! ```text
//! {"id":"...", ... ,"digest":"<64 hex digits>"}
//! `------ hashed ---'`------- 77 bytes -------'
//!
//! digest = SHA-256( digest of the stream's previous event (32 zero bytes before the first)
//!                 | for each of stream, revision (8 bytes, little endian), id (16 bytes), type, data, hashed metadata:
//!                       length (4 bytes, little endian) | bytes )
//! ```
//!
//! A change of any byte of an event breaks the chain at that event, in our store or any other, also when checksums were
//! repaired.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::store::{ProposedCommit, RecordedEvent};

const DIGEST_MEMBER_START: &[u8] = b",\"digest\":\"";
const DIGEST_MEMBER_LENGTH: usize = DIGEST_MEMBER_START.len() + 64 + 2;

/// The metadata of an event, without its digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// Event id (UUID text).
    pub id: String,
    /// Which service decided, such as `/terrarium/energy`.
    pub source: String,
    /// CloudEvents version, always `1.0`.
    pub specversion: String,
    /// Full protobuf name of the payload.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What the event is about: the aggregate's id.
    pub subject: String,
    /// When it happened, RFC 3339 UTC.
    pub time: String,
    /// When the service decided, after the park's clock, RFC 3339 UTC with milliseconds.
    pub recordedtime: String,
    /// Version of this metadata's own shape.
    pub schemaversion: u32,
    /// Name of the credential that asked for it.
    pub actor: String,
    /// The caller's own id of its request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub correlationid: Option<String>,
    /// Id of the event that led to this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub causationid: Option<String>,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
}

/// Metadata seldom take more.
const USUAL_METADATA_BYTES: usize = 640;

/// SHA-256 over a stream up to one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What stands before the first event of every stream.
    pub const BEFORE_FIRST: Digest = Digest([0; 32]);

    /// The digest that an event's metadata ends with.
    pub fn of_metadata(metadata: &[u8]) -> Result<Digest, DigestError> {
        let (_, digest) = split_metadata(metadata)?;
        Ok(digest)
    }
}

/// Why an event does not fit its stream's digest chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The metadata does not end with a digest.
    #[error("the metadata does not end with a digest")]
    Missing,
    /// The event, or one before it in its stream, is not what was recorded.
    #[error("the digest is {recorded}, but the event's bytes give {computed}")]
    Mismatch {
        /// As found in the metadata.
        recorded: String,
        /// As it follows from the bytes.
        computed: String,
    },
}

/// Finishes an event for recording: writes the metadata with the digest that follows `previous`.
///
/// # Panics
/// Never: metadata of strings and numbers always serializes.
pub fn seal(
    previous: &Digest,
    stream: &str,
    revision: u64,
    id: Uuid,
    event_type: &str,
    data: &[u8],
    metadata: &Metadata,
) -> (Bytes, Digest) {
    let mut bytes = Vec::with_capacity(USUAL_METADATA_BYTES);
    serde_json::to_writer(&mut bytes, metadata).expect("strings and numbers serialize");
    bytes.pop();
    let digest = chain(previous, stream, revision, id, event_type, data, &bytes);
    bytes.extend_from_slice(DIGEST_MEMBER_START);
    let mut hex_digits = [0u8; 64];
    hex::encode_to_slice(digest.0, &mut hex_digits).expect("64 digits for 32 bytes");
    bytes.extend_from_slice(&hex_digits);
    bytes.extend_from_slice(b"\"}");
    (bytes.into(), digest)
}

/// Checks that `event` follows `previous` in its stream, and gives its own digest.
pub fn verify_digest(previous: &Digest, event: &RecordedEvent) -> Result<Digest, DigestError> {
    verify_parts(
        previous,
        &event.stream,
        event.revision,
        event.id,
        &event.event_type,
        &event.data,
        &event.metadata,
    )
}

/// Checks that a commit that is yet to be recorded continues the very stream that it was decided on: that its first event
/// follows `previous`. Gives the digest of its last event.
pub fn verify_continuation(
    previous: &Digest,
    commit: &ProposedCommit,
) -> Result<Digest, DigestError> {
    let (Some(first), Some(last)) = (commit.events.first(), commit.events.last()) else {
        return Err(DigestError::Missing);
    };
    verify_parts(
        previous,
        &commit.stream,
        commit.expected_revision,
        first.id,
        &first.event_type,
        &first.data,
        &first.metadata,
    )?;
    Digest::of_metadata(&last.metadata)
}

fn verify_parts(
    previous: &Digest,
    stream: &str,
    revision: u64,
    id: Uuid,
    event_type: &str,
    data: &[u8],
    metadata: &[u8],
) -> Result<Digest, DigestError> {
    let (hashed, recorded) = split_metadata(metadata)?;
    let computed = chain(previous, stream, revision, id, event_type, data, hashed);
    if computed != recorded {
        return Err(DigestError::Mismatch {
            recorded: hex::encode(recorded.0),
            computed: hex::encode(computed.0),
        });
    }
    Ok(computed)
}

impl Metadata {
    /// Reads recorded metadata (the digest is left aside).
    pub fn parse(metadata: &[u8]) -> Result<Metadata, serde_json::Error> {
        serde_json::from_slice(metadata)
    }
}

fn split_metadata(metadata: &[u8]) -> Result<(&[u8], Digest), DigestError> {
    let split_at = metadata
        .len()
        .checked_sub(DIGEST_MEMBER_LENGTH)
        .ok_or(DigestError::Missing)?;
    let (hashed, member) = metadata.split_at(split_at);
    let digits = member
        .strip_prefix(DIGEST_MEMBER_START)
        .and_then(|rest| rest.strip_suffix(b"\"}"))
        .ok_or(DigestError::Missing)?;
    // Upper-case digits would read as the same digest; only the bytes that were written count.
    if digits.iter().any(u8::is_ascii_uppercase) {
        return Err(DigestError::Missing);
    }
    let mut digest = [0u8; 32];
    hex::decode_to_slice(digits, &mut digest).map_err(|_| DigestError::Missing)?;
    Ok((hashed, Digest(digest)))
}

fn chain(
    previous: &Digest,
    stream: &str,
    revision: u64,
    id: Uuid,
    event_type: &str,
    data: &[u8],
    hashed_metadata: &[u8],
) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(previous.0);
    for part in [
        stream.as_bytes(),
        &revision.to_le_bytes(),
        id.as_bytes(),
        event_type.as_bytes(),
        data,
        hashed_metadata,
    ] {
        let length = u32::try_from(part.len()).expect("an event is far smaller than 4 GiB");
        hasher.update(length.to_le_bytes());
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::Position;

    fn recorded() -> RecordedEvent {
        let metadata = Metadata {
            id: Uuid::nil().to_string(),
            source: "/terrarium/energy".into(),
            specversion: "1.0".into(),
            event_type: "terrarium.energy.v1.IntervalMeteredV1".into(),
            subject: "home-01.load".into(),
            time: "2016-08-01T07:00:00Z".into(),
            recordedtime: "2026-11-20T19:00:00.000Z".into(),
            schemaversion: 1,
            actor: "local".into(),
            correlationid: Some("import-1".into()),
            causationid: None,
            traceparent: None,
        };
        let stream = "energy.meter-zne-homes.home-01.load";
        let data = Bytes::from_static(b"payload");
        let (sealed, _) = seal(
            &Digest::BEFORE_FIRST,
            stream,
            0,
            Uuid::nil(),
            &metadata.event_type,
            &data,
            &metadata,
        );
        assert_eq!(
            Metadata::parse(&sealed).expect("own metadata parses"),
            metadata
        );
        RecordedEvent {
            position: Position(0),
            stream: Arc::from(stream),
            revision: 0,
            id: Uuid::nil(),
            event_type: Arc::from(metadata.event_type.as_str()),
            content_type: terrarium_eventstore::ContentType::Binary,
            recorded: terrarium_eventstore::Ticks::default(),
            data,
            metadata: sealed,
        }
    }

    #[test]
    fn a_sealed_event_verifies_and_gives_the_digest_in_its_metadata() {
        let event = recorded();
        let digest = verify_digest(&Digest::BEFORE_FIRST, &event).expect("untouched");
        assert_eq!(
            Digest::of_metadata(&event.metadata).expect("has one"),
            digest
        );
        assert!(verify_digest(&Digest([1; 32]), &event).is_err());
    }

    #[test]
    fn any_changed_bit_of_metadata_or_data_breaks_the_digest() {
        let event = recorded();
        for place in 0..event.metadata.len() {
            for bit in 0..8 {
                let mut changed = event.clone();
                let mut bytes = changed.metadata.to_vec();
                bytes[place] ^= 1 << bit;
                changed.metadata = bytes.into();
                assert!(
                    verify_digest(&Digest::BEFORE_FIRST, &changed).is_err(),
                    "byte {place} bit {bit}"
                );
            }
        }
        let mut changed = event.clone();
        changed.data = Bytes::from_static(b"paylord");
        assert!(verify_digest(&Digest::BEFORE_FIRST, &changed).is_err());
        let mut changed = event;
        changed.revision = 1;
        assert!(verify_digest(&Digest::BEFORE_FIRST, &changed).is_err());
    }
}
