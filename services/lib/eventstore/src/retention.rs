//! Which events of a stream readers see: what its metadata says.

use serde_json::{Map, Value};

use crate::event::{TOMBSTONE_REVISION, Ticks};

/// The metadata of stream `s` is the last event of stream `$$s`.
pub(crate) const METADATA_PREFIX: &str = "$$";
/// Key of the revision that readers start at.
const TRUNCATE_BEFORE: &str = "$tb";
const MAX_COUNT: &str = "$maxCount";
/// In seconds.
const MAX_AGE: &str = "$maxAge";

/// What the metadata of a stream hides. Hidden events stay in the log and in `$all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Retention {
    pub max_count: Option<u64>,
    pub max_age: Option<Ticks>,
    pub truncate_before: u64,
    /// Softly deleted while it had this many events: gone until it has more.
    pub deleted_at: Option<u64>,
}

impl Retention {
    /// Of a stream that has `count` events when this metadata is recorded. Values of a wrong kind hide nothing.
    pub fn parse(metadata: &[u8], count: u64) -> Retention {
        let Ok(Value::Object(metadata)) = serde_json::from_slice(metadata) else {
            return Retention::default();
        };
        let number = |key: &str| metadata.get(key).and_then(Value::as_u64);
        let truncate_before = number(TRUNCATE_BEFORE).unwrap_or(0);
        let is_deleted = truncate_before >= TOMBSTONE_REVISION;
        Retention {
            max_count: number(MAX_COUNT).filter(|count| *count > 0),
            max_age: number(MAX_AGE)
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Ticks(seconds.saturating_mul(Ticks::PER_SECOND))),
            truncate_before: if is_deleted { count } else { truncate_before },
            deleted_at: is_deleted.then_some(count),
        }
    }

    /// True while a soft deletion holds for a stream of `count` events.
    pub fn is_deleted(&self, count: u64) -> bool {
        self.deleted_at == Some(count)
    }

    /// First revision that neither `$tb` nor `$maxCount` hide, of a stream of `count` events.
    pub fn first_kept(&self, count: u64) -> u64 {
        let by_count = self
            .max_count
            .map_or(0, |max_count| count.saturating_sub(max_count));
        self.truncate_before.max(by_count).min(count)
    }
}

/// The stream that a metadata stream is about.
pub(crate) fn described_stream(stream: &str) -> Option<&str> {
    stream
        .strip_prefix(METADATA_PREFIX)
        .filter(|described| !described.is_empty())
}

/// Metadata that deletes a stream softly: what was there, with everything truncated.
pub(crate) fn deletion(present: Option<&[u8]>) -> Vec<u8> {
    with_truncate_before(present, TOMBSTONE_REVISION)
}

/// Metadata of a softly deleted stream that got events again, from `first_revision` on.
pub(crate) fn revival(present: Option<&[u8]>, first_revision: u64) -> Vec<u8> {
    with_truncate_before(present, first_revision)
}

fn with_truncate_before(present: Option<&[u8]>, revision: u64) -> Vec<u8> {
    let mut metadata = present
        .and_then(|text| serde_json::from_slice::<Map<String, Value>>(text).ok())
        .unwrap_or_default();
    metadata.insert(TRUNCATE_BEFORE.to_owned(), Value::from(revision));
    serde_json::to_vec(&metadata).expect("a JSON object can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_and_truncation_both_hide_and_the_later_one_wins() {
        let retention = Retention::parse(br#"{"$maxCount": 3, "$tb": 5, "mine": 1}"#, 10);
        assert_eq!(retention.first_kept(10), 7);
        assert_eq!(retention.first_kept(6), 5);
        assert_eq!(retention.first_kept(2), 2);
        assert!(!retention.is_deleted(10));
    }

    #[test]
    fn a_deletion_holds_until_the_stream_grows_and_keeps_the_other_keys() {
        let metadata = deletion(Some(br#"{"$maxCount": 30, "mine": 1}"#));
        let retention = Retention::parse(&metadata, 4);
        assert!(retention.is_deleted(4));
        assert!(!retention.is_deleted(5));
        assert_eq!(retention.first_kept(5), 4);
        assert_eq!(retention.max_count, Some(30));
        let revived = Retention::parse(&revival(Some(&metadata), 4), 5);
        assert_eq!((revived.truncate_before, revived.deleted_at), (4, None));
    }

    #[test]
    fn metadata_that_is_no_object_or_has_other_kinds_of_values_hides_nothing() {
        for text in ["", "[]", r#"{"$maxCount": "3", "$tb": -1, "$maxAge": 0}"#] {
            assert_eq!(
                Retention::parse(text.as_bytes(), 3),
                Retention::default(),
                "{text}"
            );
        }
    }
}
