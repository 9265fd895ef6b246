//! Requests from words of a command line, or from JSON as our commands print it.

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, bail};
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};
use serde_json::Value as Json;

/// A request that is being put together.
pub struct Draft {
    /// As far as it is known.
    pub message: DynamicMessage,
    /// Fields that were named, also those that were left empty.
    named: BTreeSet<String>,
}

impl Draft {
    /// Without any field.
    pub fn of(descriptor: &MessageDescriptor) -> Draft {
        Draft {
            message: DynamicMessage::new(descriptor.clone()),
            named: BTreeSet::new(),
        }
    }

    /// From JSON with the names of the message's fields; integers and enums as our commands print them.
    pub fn of_json(descriptor: &MessageDescriptor, text: &str) -> anyhow::Result<Draft> {
        let json: Json = serde_json::from_str(text).context("the request is not JSON")?;
        Ok(Draft {
            message: message_of(descriptor, &json)?,
            named: json
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys().cloned())
                .collect(),
        })
    }

    /// Sets fields by words such as `zone=lawn` or `reading.meter=m-1`, in place of what they were. The words of a list add up.
    pub fn set_fields(&mut self, words: &[String]) -> anyhow::Result<()> {
        let mut begun = BTreeSet::new();
        for word in words {
            let (path, text) = word
                .split_once('=')
                .with_context(|| format!("\"{word}\" is no FIELD=VALUE"))?;
            let is_first = begun.insert(path);
            set_path(&mut self.message, path, text, is_first)
                .with_context(|| format!("\"{word}\""))?;
            self.named.insert(path.to_owned());
        }
        Ok(())
    }

    /// True when the message has a text field of this name, and nobody named it.
    pub fn lacks(&self, field: &str) -> bool {
        let descriptor = self.message.descriptor();
        let is_text =
            |field: FieldDescriptor| matches!(field.kind(), Kind::String) && !field.is_list();
        descriptor.get_field_by_name(field).is_some_and(is_text) && !self.named.contains(field)
    }

    /// Sets a text field that the message has.
    pub fn set_text(&mut self, field: &str, text: String) {
        self.message.set_field_by_name(field, Value::String(text));
    }
}

/// `is_first`: of the words that name this path.
fn set_path(
    message: &mut DynamicMessage,
    path: &str,
    text: &str,
    is_first: bool,
) -> anyhow::Result<()> {
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
            set_path(inner, rest, text, is_first)
        }
        (_, Some(rest)) => bail!("{name} has no field {rest} in it"),
        (kind, None) => {
            let value = value_of_text(&kind, text)?;
            if field.is_list() {
                if is_first {
                    message.clear_field(&field);
                }
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
    let full = format!("{}{wanted}", prefix_of(values));
    values
        .values()
        .find(|value| value.name() == wanted || value.name() == full)
        .map(|value| value.number())
        .ok_or_else(|| {
            let names: Vec<String> = values
                .values()
                .map(|value| value.name().to_owned())
                .collect();
            anyhow!("\"{text}\" is not one of {}", names.join(", "))
        })
}

/// What the names of all values begin with: `PARK_STAGE_` before `PARK_STAGE_UNSPECIFIED`.
fn prefix_of(values: &EnumDescriptor) -> String {
    let unspecified = values.default_value();
    let prefix = unspecified.name().strip_suffix("UNSPECIFIED");
    prefix.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use terrarium_proto::carbon::v1::{InstrumentKind, IssueInstrumentRequest};
    use terrarium_proto::waste::v1::OrderCollectionRequest;
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
        let mut draft = Draft::of(&descriptor("carbon.v1.IssueInstrumentRequest"));
        let error = draft.set_fields(&words(words_given)).expect_err("refused");
        format!("{error:#}")
    }

    #[test]
    fn words_become_the_message_that_the_service_takes() {
        let mut draft = Draft::of(&descriptor("carbon.v1.IssueInstrumentRequest"));
        assert!(draft.lacks("park"));
        draft
            .set_fields(&words(&[
                "kind=credit",
                "amount=12",
                "serial=CN-11/2025:0001",
                "park=demo",
            ]))
            .expect("set");
        assert!(!draft.lacks("park"));
        assert!(!draft.lacks("no_such_field"));
        let request = IssueInstrumentRequest::decode(draft.message.encode_to_vec().as_slice())
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
        let bytes_of = |text: &str| {
            let draft = Draft::of_json(&descriptor(name), text).expect("a request");
            draft.message.encode_to_vec()
        };
        let bytes = bytes_of(text);
        let request = ReportTankLevelsRequest::decode(bytes.as_slice()).expect("the message");
        assert_eq!(request.levels[0].tank, "rain-tank");
        let printed = Shape::of(&format!("terrarium.{name}")).json(&request);
        assert_eq!(bytes_of(&printed.to_string()), bytes);
    }

    #[test]
    fn every_value_of_every_enum_goes_by_its_short_name() {
        let mut values_seen = 0;
        for values in descriptors().all_enums() {
            let ours = values.full_name().starts_with("terrarium.");
            for value in values.values().filter(|_| ours) {
                let prefix = prefix_of(&values);
                let short = value
                    .name()
                    .strip_prefix(&prefix)
                    .expect("all begin with it");
                assert!(!prefix.is_empty(), "{}", values.full_name());
                for name in [
                    short.to_lowercase().replace('_', "-"),
                    value.name().to_owned(),
                ] {
                    let number = number_of(&values, &name).expect("it is one of them");
                    assert_eq!(number, value.number(), "{name} of {}", values.full_name());
                }
                values_seen += 1;
            }
        }
        assert!(values_seen > 100);
        let stages = descriptors()
            .get_enum_by_name("terrarium.carbon.v1.ParkStage")
            .expect("an enum of ours");
        let end = number_of(&stages, "stage-zero").expect_err("the end of a name is no name");
        assert!(end.to_string().contains("PARK_STAGE_NEAR_ZERO"), "{end}");
    }

    #[test]
    fn a_word_stands_in_place_of_what_the_json_says() {
        let draft_of = |json: &str, words_given: &[&str]| {
            let descriptor = descriptor("waste.v1.OrderCollectionRequest");
            let mut draft = Draft::of_json(&descriptor, json).expect("a request");
            draft.set_fields(&words(words_given)).expect("set");
            draft
        };
        let json = r#"{"collection": "round-1", "bins": ["bin-7", "bin-8"]}"#;
        let words_given = ["bins=bin-1", "collection=round-2", "bins=bin-2"];
        let bytes = draft_of(json, &words_given).message.encode_to_vec();
        let request = OrderCollectionRequest::decode(bytes.as_slice()).expect("the message");
        assert_eq!(request.collection, "round-2");
        assert_eq!(request.bins, ["bin-1", "bin-2"]);
        // What is named as empty is not filled in.
        assert!(draft_of(json, &[]).lacks("park"));
        assert!(!draft_of(json, &["park="]).lacks("park"));
        assert!(!draft_of(r#"{"park": ""}"#, &[]).lacks("park"));
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
        let refusal = |text: &str| match Draft::of_json(
            &descriptor("water.v1.ReportTankLevelsRequest"),
            text,
        ) {
            Ok(_) => panic!("{text} was taken"),
            Err(error) => format!("{error:#}"),
        };
        assert!(refusal("{").contains("is not JSON"));
        assert!(refusal(r#"{"levels": 3}"#).contains("levels has to be a list"));
        assert!(refusal(r#"{"levels": [{"tank": 3}]}"#).contains("tank: 3 is no text"));
        assert!(refusal(r#"{"level": []}"#).contains("has no field level"));
    }
}
