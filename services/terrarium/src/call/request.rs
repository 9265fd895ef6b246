//! Requests from words of a command line, or from JSON as our commands print it.

use anyhow::{Context, anyhow, bail};
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};
use serde_json::Value as Json;

/// Sets fields by words such as `zone=lawn` or `reading.meter=m-1`.
pub fn set_fields(message: &mut DynamicMessage, words: &[String]) -> anyhow::Result<()> {
    for word in words {
        let (path, text) = word
            .split_once('=')
            .with_context(|| format!("\"{word}\" is no FIELD=VALUE"))?;
        set_path(message, path, text).with_context(|| format!("\"{word}\""))?;
    }
    Ok(())
}

/// A message from JSON with the names of its fields; integers and enums as our commands print them.
pub fn from_json(descriptor: &MessageDescriptor, text: &str) -> anyhow::Result<DynamicMessage> {
    let json: Json = serde_json::from_str(text).context("the request is not JSON")?;
    message_of(descriptor, &json)
}

/// True when a message has a text field of this name, and it is empty.
pub fn lacks(message: &DynamicMessage, field: &str) -> bool {
    message
        .descriptor()
        .get_field_by_name(field)
        .is_some_and(|field| {
            matches!(field.kind(), Kind::String) && !field.is_list() && !message.has_field(&field)
        })
}

/// Sets a text field that the message has.
pub fn set_text(message: &mut DynamicMessage, field: &str, text: String) {
    message.set_field_by_name(field, Value::String(text));
}

fn set_path(message: &mut DynamicMessage, path: &str, text: &str) -> anyhow::Result<()> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let field = field_of(&message.descriptor(), name)?;
    match (field.kind(), rest) {
        (Kind::Message(_), None) => {
            bail!("{name} is a message: set its fields as {name}.FIELD=VALUE, or use --json")
        }
        (Kind::Message(_), Some(_)) if field.is_list() => {
            bail!("{name} is a list of messages: use --json")
        }
        (Kind::Message(_), Some(rest)) => {
            let inner = message
                .get_field_mut(&field)
                .as_message_mut()
                .context("a message")?;
            set_path(inner, rest, text)
        }
        (_, Some(rest)) => bail!("{name} has no field {rest} in it"),
        (kind, None) => {
            let value = value_of_text(&kind, text)?;
            if field.is_list() {
                message
                    .get_field_mut(&field)
                    .as_list_mut()
                    .context("a list")?
                    .push(value);
            } else {
                message.set_field(&field, value);
            }
            Ok(())
        }
    }
}

fn field_of(descriptor: &MessageDescriptor, name: &str) -> anyhow::Result<FieldDescriptor> {
    descriptor.get_field_by_name(name).ok_or_else(|| {
        let known: Vec<String> = descriptor
            .fields()
            .map(|field| field.name().to_owned())
            .collect();
        anyhow!(
            "{} has no field {name}; it has {}",
            descriptor.name(),
            known.join(", ")
        )
    })
}

fn message_of(descriptor: &MessageDescriptor, json: &Json) -> anyhow::Result<DynamicMessage> {
    let object = json
        .as_object()
        .with_context(|| format!("{} has to be a JSON object", descriptor.name()))?;
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, json) in object {
        if json.is_null() {
            continue;
        }
        let field = field_of(descriptor, name)?;
        let kind = field.kind();
        let value = match json {
            Json::Array(items) if field.is_list() => Value::List(
                items
                    .iter()
                    .map(|item| value_of_json(&kind, item))
                    .collect::<anyhow::Result<_>>()
                    .with_context(|| name.clone())?,
            ),
            _ if field.is_list() => bail!("{name} has to be a list"),
            _ => value_of_json(&kind, json).with_context(|| name.clone())?,
        };
        message.set_field(&field, value);
    }
    Ok(message)
}

fn value_of_json(kind: &Kind, json: &Json) -> anyhow::Result<Value> {
    match (kind, json) {
        (Kind::Message(descriptor), json) => message_of(descriptor, json).map(Value::Message),
        (kind, Json::String(text)) => value_of_text(kind, text),
        (Kind::String | Kind::Bytes, json) => bail!("{json} is no text"),
        // Its digits say what it is, so that no integer goes through a float.
        (kind, Json::Number(_) | Json::Bool(_)) => value_of_text(kind, &json.to_string()),
        (_, json) => bail!("{json} is no value for this field"),
    }
}

fn value_of_text(kind: &Kind, text: &str) -> anyhow::Result<Value> {
    let integer = || format!("\"{text}\" is no integer that fits");
    Ok(match kind {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool => Value::Bool(
            text.parse()
                .map_err(|_| anyhow!("\"{text}\" is neither true nor false"))?,
        ),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(text.parse().with_context(integer)?)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            Value::I64(text.parse().with_context(integer)?)
        }
        Kind::Uint32 | Kind::Fixed32 => Value::U32(text.parse().with_context(integer)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(text.parse().with_context(integer)?),
        Kind::Float => Value::F32(
            text.parse()
                .with_context(|| format!("\"{text}\" is no number"))?,
        ),
        Kind::Double => Value::F64(
            text.parse()
                .with_context(|| format!("\"{text}\" is no number"))?,
        ),
        Kind::Bytes => Value::Bytes(bytes_of(text)?.into()),
        Kind::Enum(values) => Value::EnumNumber(number_of(values, text)?),
        Kind::Message(message) => bail!("{} is a message", message.name()),
    })
}

fn bytes_of(text: &str) -> anyhow::Result<Vec<u8>> {
    match uuid::Uuid::parse_str(text) {
        Ok(id) => Ok(id.into_bytes().to_vec()),
        Err(_) => {
            hex::decode(text).map_err(|_| anyhow!("\"{text}\" is neither a UUID nor hexadecimal"))
        }
    }
}

/// By the full name of a value, or by what follows the name of the enum in it.
fn number_of(values: &EnumDescriptor, text: &str) -> anyhow::Result<i32> {
    let wanted = text.to_uppercase().replace('-', "_");
    let short = format!("_{wanted}");
    let found: Vec<i32> = values
        .values()
        .filter(|value| value.name() == wanted || value.name().ends_with(&short))
        .map(|value| value.number())
        .collect();
    match found.as_slice() {
        [number] => Ok(*number),
        _ => {
            let names: Vec<String> = values
                .values()
                .map(|value| value.name().to_owned())
                .collect();
            bail!("\"{text}\" is not one of {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use terrarium_proto::carbon::v1::{InstrumentKind, IssueInstrumentRequest};
    use terrarium_proto::water::v1::ReportTankLevelsRequest;

    use super::*;
    use crate::wire::{Shape, descriptors};

    fn descriptor(name: &str) -> MessageDescriptor {
        descriptors()
            .get_message_by_name(&format!("terrarium.{name}"))
            .expect("a message of ours")
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn refusal(words_given: &[&str]) -> String {
        let mut message = DynamicMessage::new(descriptor("carbon.v1.IssueInstrumentRequest"));
        let error = set_fields(&mut message, &words(words_given)).expect_err("refused");
        format!("{error:#}")
    }

    #[test]
    fn words_become_the_message_that_the_service_takes() {
        let mut message = DynamicMessage::new(descriptor("carbon.v1.IssueInstrumentRequest"));
        assert!(lacks(&message, "park"));
        set_fields(
            &mut message,
            &words(&[
                "kind=credit",
                "amount=12",
                "serial=CN-11/2025:0001",
                "park=demo",
            ]),
        )
        .expect("set");
        assert!(!lacks(&message, "park"));
        assert!(!lacks(&message, "no_such_field"));
        let request = IssueInstrumentRequest::decode(message.encode_to_vec().as_slice())
            .expect("the message");
        assert_eq!(request.kind(), InstrumentKind::Credit);
        assert_eq!(
            (request.amount, request.serial.as_str()),
            (12, "CN-11/2025:0001")
        );
    }

    #[test]
    fn what_is_printed_as_json_can_be_sent_as_json() {
        let name = "water.v1.ReportTankLevelsRequest";
        let text = r#"{"park": "demo", "levels": [{"tank": "rain-tank", "time": "2026-03-01T00:00:00+08:00", "level_l": 9000}]}"#;
        let message = from_json(&descriptor(name), text).expect("a request");
        let request = ReportTankLevelsRequest::decode(message.encode_to_vec().as_slice())
            .expect("the message");
        assert_eq!(request.levels[0].tank, "rain-tank");
        let printed = Shape::of(&format!("terrarium.{name}")).json(&request);
        let again = from_json(&descriptor(name), &printed.to_string()).expect("the same request");
        assert_eq!(again.encode_to_vec(), message.encode_to_vec());
    }

    #[test]
    fn a_word_that_does_not_fit_is_told_with_what_would() {
        assert!(refusal(&["amount"]).contains("is no FIELD=VALUE"));
        let unknown = refusal(&["amout=12"]);
        assert!(
            unknown.contains("has no field amout; it has park, "),
            "{unknown}"
        );
        let number = refusal(&["amount=12.5"]);
        assert!(
            number.contains("\"12.5\" is no integer that fits"),
            "{number}"
        );
        let kind = refusal(&["kind=coupon"]);
        assert!(kind.contains("INSTRUMENT_KIND_CREDIT"), "{kind}");
    }

    #[test]
    fn json_that_does_not_fit_is_told_by_its_place() {
        let refusal = |text: &str| {
            let error = from_json(&descriptor("water.v1.ReportTankLevelsRequest"), text)
                .expect_err("refused");
            format!("{error:#}")
        };
        assert!(refusal("{").contains("is not JSON"));
        assert!(refusal(r#"{"levels": 3}"#).contains("levels has to be a list"));
        assert!(refusal(r#"{"levels": [{"tank": 3}]}"#).contains("tank: 3 is no text"));
        assert!(refusal(r#"{"level": []}"#).contains("has no field level"));
    }
}
