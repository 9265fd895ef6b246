//! From requests as sent to ones that can be decided about. Pure.
//!
//! What fails here is refused and not recorded: the field is named, and the message says what to send instead.

use std::sync::Arc;

use terrarium_journal::Rejection;
use terrarium_model::ParkDefinition;
use uuid::Uuid;

/// What a person says about a command has at most this many characters.
const MOST_CHARACTERS: usize = 500;

/// Finds an alarm of the park definition.
pub fn take_in_alarm(park: &ParkDefinition, alarm: &str) -> Result<Arc<str>, Rejection> {
    let is_defined = alarm.split_once('/').is_some_and(|(definition, _)| {
        park.alarms.get(definition).is_some_and(|definition| {
            definition
                .watches
                .iter()
                .any(|watch| definition.alarm_id(watch) == alarm)
        })
    });
    if is_defined {
        return Ok(alarm.into());
    }
    let shown: String = alarm.chars().take(200).collect();
    Err(Rejection::not_found(
        "alarm",
        format!(
            "park {} has no alarm {shown:?}; write the id of its definition, \"/\", and the asset or meter, as ListAlarms gives it",
            park.id
        ),
    ))
}

/// Reads which occurrence a person saw.
pub fn take_in_occurrence(text: &str) -> Result<Uuid, Rejection> {
    Uuid::try_parse(text).map_err(|_| {
        Rejection::invalid(
            "occurrence",
            "it is no UUID; send the occurrence that ListAlarms gives for the alarm",
        )
    })
}

/// Checks what a person says, which may be nothing.
pub fn take_in_words(field: &'static str, text: &str) -> Result<Arc<str>, Rejection> {
    let trimmed = text.trim();
    let characters = trimmed.chars().count();
    if characters > MOST_CHARACTERS {
        return Err(Rejection::invalid(
            field,
            format!("it has {characters} characters; write at most {MOST_CHARACTERS}"),
        ));
    }
    if trimmed
        .chars()
        .any(|character| character.is_control() && character != '\n')
    {
        return Err(Rejection::invalid(
            field,
            "it has control characters in it; leave them out",
        ));
    }
    Ok(trimmed.into())
}

/// Checks why a person hides an alarm.
pub fn take_in_reason(text: &str) -> Result<Arc<str>, Rejection> {
    let reason = take_in_words("reason", text)?;
    if reason.is_empty() {
        return Err(Rejection::invalid(
            "reason",
            "it is empty; say why, so that whoever comes next knows",
        ));
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_not_too_much() {
        assert_eq!(&*take_in_reason(" cleaning ").expect("good"), "cleaning");
        for (text, said) in [
            ("  ", "say why"),
            (&*"长".repeat(501), "501 characters; write at most 500"),
            ("a\u{1b}b", "control characters"),
        ] {
            let refusal = take_in_reason(text).expect_err(text);
            assert!(refusal.message.contains(said), "{refusal}");
            assert_eq!(refusal.field, "reason");
        }
        assert!(take_in_words("comment", "").is_ok());
        assert!(take_in_occurrence("17").is_err());
    }
}
