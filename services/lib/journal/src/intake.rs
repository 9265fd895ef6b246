//! From fields as sent to values that can be decided about, the same in every domain. Pure.

use std::sync::Arc;

use bytes::Bytes;
use terrarium_model::{
    Asset, AssetId, AssetKind, Interval, ParkDefinition, UnixSeconds, parse_rfc3339_with_offset,
};
use uuid::Uuid;

use crate::rejection::Rejection;

/// Longest id that a caller chooses, in bytes.
const LONGEST_TOKEN_BYTES: usize = 64;
/// Longest words of a person, in bytes.
pub const LONGEST_TEXT_BYTES: usize = 500;

/// Reads an instant.
pub fn take_in_instant(field: &'static str, text: &str) -> Result<UnixSeconds, Rejection> {
    parse_rfc3339_with_offset(text).map_err(|error| Rejection::invalid(field, error.to_string()))
}

/// Reads an interval of at most so many seconds.
pub fn take_in_interval(start: &str, seconds: u32, longest_s: u32) -> Result<Interval, Rejection> {
    if !(1..=longest_s).contains(&seconds) {
        return Err(Rejection::invalid(
            "interval_seconds",
            format!("{seconds} s is no interval; it must have 1 to {longest_s} s"),
        ));
    }
    Ok(Interval {
        start: take_in_instant("interval_start", start)?,
        seconds,
    })
}

/// Checks an id that a caller chooses. Its alphabet has no room for names, plates and card numbers with their signs.
pub fn take_in_token(field: &'static str, text: &str) -> Result<Arc<str>, Rejection> {
    let is_letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts_well = text.bytes().next().is_some_and(is_letter_or_digit);
    let all_allowed = text
        .bytes()
        .all(|byte| is_letter_or_digit(byte) || b"._-".contains(&byte));
    if starts_well && all_allowed && text.len() <= LONGEST_TOKEN_BYTES {
        return Ok(text.into());
    }
    Err(Rejection::invalid(
        field,
        format!(
            "{:?} is no id; write 1 to {LONGEST_TOKEN_BYTES} of a-z, 0-9, '.', '_', '-', starting with a letter or digit",
            text.chars().take(LONGEST_TOKEN_BYTES).collect::<String>()
        ),
    ))
}

/// As [`take_in_token`]; an empty one is none.
pub fn take_in_optional_token(field: &'static str, text: &str) -> Result<String, Rejection> {
    if text.is_empty() {
        return Ok(String::new());
    }
    take_in_token(field, text).map(|token| token.to_string())
}

/// Checks the words of a person: some, in one line, and not too many.
pub fn take_in_text(field: &'static str, text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_TEXT_BYTES || text.chars().any(char::is_control) {
        return Err(Rejection::invalid(
            field,
            format!(
                "it has {} bytes; write 1 to {LONGEST_TEXT_BYTES} bytes in one line",
                text.len()
            ),
        ));
    }
    Ok(text.to_owned())
}

/// Checks a SHA-256, or nothing.
pub fn take_in_evidence(field: &'static str, sha256: &Bytes) -> Result<Bytes, Rejection> {
    if sha256.is_empty() || sha256.len() == 32 {
        return Ok(sha256.clone());
    }
    Err(Rejection::invalid(
        field,
        format!(
            "it has {} bytes; send the 32 bytes of a SHA-256, or nothing",
            sha256.len()
        ),
    ))
}

/// Reads the id of an event.
pub fn take_in_event_id(field: &'static str, text: &str) -> Result<Uuid, Rejection> {
    Uuid::parse_str(text).map_err(|_| {
        Rejection::invalid(
            field,
            format!(
                "{:?} is no id of an event; send a UUID as it was given",
                text.chars().take(64).collect::<String>()
            ),
        )
    })
}

/// Finds an asset of any kind.
pub fn find_any_asset<'a>(
    park: &'a ParkDefinition,
    field: &'static str,
    id: &str,
) -> Result<&'a Asset, Rejection> {
    let id = AssetId::new(id).map_err(|error| Rejection::invalid(field, error.to_string()))?;
    park.assets
        .get(&id)
        .ok_or_else(|| missing(park, field, "asset", &id))
}

/// Finds an asset of one kind.
pub fn find_asset<'a>(
    park: &'a ParkDefinition,
    field: &'static str,
    id: &str,
    kind: AssetKind,
) -> Result<&'a Asset, Rejection> {
    let id = AssetId::new(id).map_err(|error| Rejection::invalid(field, error.to_string()))?;
    let words = kind.to_string().replace('_', " ");
    let asset = park
        .assets
        .get(&id)
        .ok_or_else(|| missing(park, field, &words, &id))?;
    if asset.kind == kind {
        return Ok(asset);
    }
    Err(Rejection::invalid(
        field,
        format!(
            "{id} of park {} is no {words}; name an asset of kind {kind}",
            park.id
        ),
    ))
}

fn missing(park: &ParkDefinition, field: &'static str, kind: &str, id: &AssetId) -> Rejection {
    Rejection::invalid(
        field,
        format!(
            "park {} has no {kind} \"{id}\"; add it to the park definition, or correct the name",
            park.id
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_a_caller_chooses_has_no_room_for_a_name() {
        assert_eq!(
            &*take_in_token("assignee", "crew-3").expect("an id"),
            "crew-3"
        );
        for text in ["", "Li Wei", "京A12345", "-crew", &"a".repeat(65)] {
            let refusal = take_in_token("assignee", text).expect_err(text);
            assert!(refusal.message.contains("write 1 to 64"), "{refusal}");
        }
        assert_eq!(take_in_optional_token("line", ""), Ok(String::new()));
        assert!(take_in_optional_token("line", "Line 1").is_err());
    }

    #[test]
    fn words_and_evidence_have_their_limits() {
        assert_eq!(
            take_in_text("reason", " checked by hand ").as_deref(),
            Ok("checked by hand")
        );
        for text in ["", "  ", "two\nlines", &"a".repeat(501)] {
            assert!(take_in_text("reason", text).is_err(), "{text:?}");
        }
        for (length, is_taken) in [(0, true), (31, false), (32, true), (33, false)] {
            let sha256 = Bytes::from(vec![7; length]);
            assert_eq!(
                take_in_evidence("evidence_sha256", &sha256).is_ok(),
                is_taken
            );
        }
    }

    #[test]
    fn an_interval_is_neither_empty_nor_endless() {
        let start = "2025-08-01T06:00:00+08:00";
        assert_eq!(
            take_in_interval(start, 900, 86_400).map(|interval| interval.seconds),
            Ok(900)
        );
        for seconds in [0, 86_401] {
            let refusal = take_in_interval(start, seconds, 86_400).expect_err("no interval");
            assert_eq!(refusal.field, "interval_seconds");
        }
    }
}
