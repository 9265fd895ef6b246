//! Messages of the wire by their field names, for JSON, CSV and one-line prints of any event.
//!
//! Works from the descriptors of `terrarium-proto`, so a new field or event type needs no code here.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};
use serde_json::{Map, Value as Json};

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(terrarium_proto::DESCRIPTORS)
        .expect("the build script wrote these descriptors")
});

/// Every service and message of ours.
pub fn descriptors() -> &'static DescriptorPool {
    &DESCRIPTORS
}

/// Longest list and text that a one-line print shows in full.
const BRIEF_LIST: usize = 8;
const BRIEF_TEXT_CHARS: usize = 60;

/// The shape of one message type.
pub struct Shape(MessageDescriptor);

impl Shape {
    /// A message type of ours by its full name, such as `terrarium.ledger.v1.BalanceLine`.
    ///
    /// # Panics
    ///
    /// When there is no such type: for names written in this code, which a test looks up.
    pub fn of(full_name: &str) -> Shape {
        Shape::find(full_name).expect("a message type of terrarium-proto")
    }

    /// A message type by its full name, if it is one of ours.
    pub fn find(full_name: &str) -> Option<Shape> {
        DESCRIPTORS.get_message_by_name(full_name).map(Shape)
    }

    /// The message as JSON: proto field names, integers as numbers, enums by full name, bytes in hexadecimal (a UUID
    /// where there are 16), absent values `null`.
    pub fn json(&self, message: &impl prost::Message) -> Json {
        self.decode_json(&message.encode_to_vec())
            .expect("a message of the type that this shape was made for")
    }

    /// Encoded bytes as JSON; none when they are no message of this type.
    pub fn decode_json(&self, encoded: &[u8]) -> Option<Json> {
        DynamicMessage::decode(self.0.clone(), encoded)
            .ok()
            .map(|message| json_of_message(&message))
    }

    /// Encoded bytes as `field=value field=value`, empty fields left out and long ones shortened.
    pub fn decode_brief(&self, encoded: &[u8]) -> Option<String> {
        let message = DynamicMessage::decode(self.0.clone(), encoded).ok()?;
        let mut words = Vec::new();
        brief_fields(&message, &mut words);
        Some(words.join(" "))
    }

    /// Column names of the message as a table row: nested fields as `outer.inner`, lists of messages left out.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = Vec::new();
        columns_of(&self.0, "", &mut columns);
        columns
    }

    /// The values of [`Shape::columns`]; absent ones are empty, lists are joined with `;`.
    pub fn row(&self, message: &impl prost::Message) -> Vec<String> {
        let dynamic = DynamicMessage::decode(self.0.clone(), message.encode_to_vec().as_slice())
            .expect("a message of the type that this shape was made for");
        let mut cells = Vec::new();
        row_of(&self.0, Some(&dynamic), &mut cells);
        cells
    }
}

/// Messages of one shape as CSV, printed as they come.
pub struct CsvLines<'a>(&'a Shape);

impl<'a> CsvLines<'a> {
    /// For messages of this shape.
    pub fn new(shape: &'a Shape) -> CsvLines<'a> {
        CsvLines(shape)
    }

    /// Prints the column names; once, before everything else.
    pub fn print_header(&self) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
        writer.write_record(self.0.columns())?;
        writer.flush()?;
        Ok(())
    }

    /// Prints a line for each message.
    pub fn print(&self, messages: &[impl prost::Message]) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
        for message in messages {
            writer.write_record(self.0.row(message))?;
        }
        writer.flush()?;
        Ok(())
    }
}

/// Prints messages of one shape as CSV with a header.
pub fn print_csv(shape: &Shape, messages: &[impl prost::Message]) -> anyhow::Result<()> {
    let lines = CsvLines::new(shape);
    lines.print_header()?;
    lines.print(messages)
}

/// Full name of an event type given in full or by its last part; none when there is no such type.
pub fn event_type_named(name: &str) -> Option<String> {
    if DESCRIPTORS.get_message_by_name(name).is_some() {
        return Some(name.to_owned());
    }
    DESCRIPTORS
        .all_messages()
        .find(|message| message.name() == name)
        .map(|message| message.full_name().to_owned())
}

fn is_left_out(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    let alternative = field
        .containing_oneof()
        .is_some_and(|oneof| !oneof.is_synthetic());
    alternative && !message.has_field(field)
}

/// Any message as JSON, as [`Shape::json`] makes it.
pub fn json_of_message(message: &DynamicMessage) -> Json {
    let mut object = Map::new();
    for field in message.descriptor().fields() {
        if is_left_out(message, &field) {
            continue;
        }
        let json = if field.supports_presence() && !message.has_field(&field) {
            Json::Null
        } else {
            json_of(&message.get_field(&field), &field.kind())
        };
        object.insert(field.name().to_owned(), json);
    }
    Json::Object(object)
}

fn json_of(value: &Value, kind: &Kind) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::I32(value) => Json::from(*value),
        Value::I64(value) => Json::from(*value),
        Value::U32(value) => Json::from(*value),
        Value::U64(value) => Json::from(*value),
        Value::F32(value) => Json::from(*value),
        Value::F64(value) => Json::from(*value),
        Value::String(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(bytes_text(bytes)),
        Value::EnumNumber(number) => match enum_name(*number, kind) {
            Some(name) => Json::from(name),
            None => Json::from(*number),
        },
        Value::Message(message) => json_of_message(message),
        Value::List(values) => values.iter().map(|value| json_of(value, kind)).collect(),
        // Our messages have no maps: their order would not be defined.
        Value::Map(_) => Json::Null,
    }
}

fn bytes_text(bytes: &[u8]) -> String {
    match uuid::Uuid::from_slice(bytes) {
        Ok(id) => id.to_string(),
        Err(_) => hex::encode(bytes),
    }
}

fn enum_name(number: i32, kind: &Kind) -> Option<String> {
    let Kind::Enum(descriptor) = kind else {
        return None;
    };
    descriptor
        .get_value(number)
        .map(|value| value.name().to_owned())
}

fn columns_of(descriptor: &MessageDescriptor, prefix: &str, columns: &mut Vec<String>) {
    for field in descriptor.fields() {
        let name = format!("{prefix}{}", field.name());
        match field.kind() {
            Kind::Message(_) if field.is_list() => {}
            Kind::Message(inner) => columns_of(&inner, &format!("{name}."), columns),
            _ => columns.push(name),
        }
    }
}

fn row_of(
    descriptor: &MessageDescriptor,
    message: Option<&DynamicMessage>,
    cells: &mut Vec<String>,
) {
    for field in descriptor.fields() {
        let value = message
            .filter(|message| message.has_field(&field) || !field.supports_presence())
            .map(|message| message.get_field(&field));
        match field.kind() {
            Kind::Message(_) if field.is_list() => {}
            Kind::Message(inner) => {
                row_of(&inner, value.as_deref().and_then(Value::as_message), cells)
            }
            kind => cells.push(
                value
                    .map(|value| text_of(&value, &kind))
                    .unwrap_or_default(),
            ),
        }
    }
}

fn text_of(value: &Value, kind: &Kind) -> String {
    match value {
        Value::List(values) => {
            let texts: Vec<String> = values.iter().map(|value| text_of(value, kind)).collect();
            texts.join(";")
        }
        other => match json_of(other, kind) {
            Json::String(text) => text,
            json => json.to_string(),
        },
    }
}

fn brief_fields(message: &DynamicMessage, words: &mut Vec<String>) {
    for field in message.descriptor().fields() {
        if !message.has_field(&field) {
            continue;
        }
        let value = message.get_field(&field);
        match &*value {
            Value::Message(inner) => brief_fields(inner, words),
            Value::List(values) if values.len() > BRIEF_LIST => {
                words.push(format!("{}=[{} of them]", field.name(), values.len()));
            }
            other => words.push(format!(
                "{}={}",
                field.name(),
                brief_text(&text_of(other, &field.kind()))
            )),
        }
    }
}

fn brief_text(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"');
    let short = text.chars().count() <= BRIEF_TEXT_CHARS;
    match (plain, short) {
        (true, true) => text.to_owned(),
        (_, true) => format!("{text:?}"),
        (_, false) => format!(
            "{:?}...",
            text.chars().take(BRIEF_TEXT_CHARS).collect::<String>()
        ),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use terrarium_proto::carbon::v1::FactorSetPublishedV1;
    use terrarium_proto::energy::v1::{IntervalMeteredV1, MeteredReading};
    use terrarium_proto::ledger::v1::{
        BalanceLine, Book, Entry, FactorRef, GetStateResponse, QualityFlag,
    };

    use super::*;

    #[test]
    fn json_has_proto_names_plain_integers_and_null_for_what_is_absent() {
        let line = BalanceLine {
            key: "home-01".into(),
            import_wh: 7_026_812,
            ..Default::default()
        };
        let json = Shape::of("terrarium.ledger.v1.BalanceLine").json(&line);
        assert_eq!(json["key"], "home-01");
        assert_eq!(json["import_wh"], 7_026_812);
        assert_eq!(json["hours_missing"], 0);
        assert!(json["matched_ppm"].is_null());
    }

    #[test]
    fn hashes_are_hexadecimal_and_a_park_list_is_a_list() {
        let state = GetStateResponse {
            state_hash: vec![0xab; 32].into(),
            ..Default::default()
        };
        let json = Shape::of("terrarium.ledger.v1.GetStateResponse").json(&state);
        assert_eq!(json["state_hash"], "ab".repeat(32));
        assert_eq!(json["parks"], Json::Array(Vec::new()));
    }

    #[test]
    fn a_row_has_a_cell_for_every_column_also_when_a_nested_message_is_absent() {
        let shape = Shape::of("terrarium.ledger.v1.Entry");
        let columns = shape.columns();
        let mut entry = Entry {
            book: Book::Emission as i32,
            ..Default::default()
        };
        assert_eq!(shape.row(&entry).len(), columns.len());
        entry.factor = Some(FactorRef {
            value: "0.17".into(),
            ..Default::default()
        });
        entry.quality = vec![QualityFlag::Spread as i32, QualityFlag::Corrected as i32];
        let row = shape.row(&entry);
        let cell = |name: &str| {
            &row[columns
                .iter()
                .position(|column| column == name)
                .expect("a column")]
        };
        assert_eq!(cell("book"), "BOOK_EMISSION");
        assert_eq!(cell("factor.value"), "0.17");
        assert_eq!(
            cell("quality"),
            "QUALITY_FLAG_SPREAD;QUALITY_FLAG_CORRECTED"
        );
    }

    #[test]
    fn a_payload_is_brief_on_one_line() {
        let reading = MeteredReading {
            meter: "home-01.load".into(),
            value: "2.2758".into(),
            ..Default::default()
        };
        let event = IntervalMeteredV1 {
            reading: Some(reading),
        }
        .encode_to_vec();
        let shape = Shape::of("terrarium.energy.v1.IntervalMeteredV1");
        assert_eq!(
            shape.decode_brief(&event).expect("decodes"),
            "meter=home-01.load value=2.2758"
        );
        let published = FactorSetPublishedV1 {
            values: vec![1; 8760],
            ..Default::default()
        }
        .encode_to_vec();
        let shape = Shape::of("terrarium.carbon.v1.FactorSetPublishedV1");
        assert_eq!(
            shape.decode_brief(&published).expect("decodes"),
            "values=[8760 of them]"
        );
    }

    #[test]
    fn every_shape_that_the_commands_print_exists() {
        for name in [
            "energy.v1.QuarantinedReading",
            "feed.v1.CloudEvent",
            "ledger.v1.BalanceLine",
            "ledger.v1.BalanceResponse",
            "ledger.v1.CompletenessResponse",
            "ledger.v1.Entry",
            "ledger.v1.ExplainResponse",
            "ledger.v1.GetStateResponse",
            "ledger.v1.HourBalance",
        ] {
            assert!(
                Shape::find(&format!("terrarium.{name}")).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn event_types_are_found_by_their_last_part() {
        let full = "terrarium.energy.v1.IntervalMeteredV1";
        assert_eq!(event_type_named("IntervalMeteredV1").as_deref(), Some(full));
        assert_eq!(event_type_named(full).as_deref(), Some(full));
        assert_eq!(event_type_named("IntervalMetred"), None);
    }
}
