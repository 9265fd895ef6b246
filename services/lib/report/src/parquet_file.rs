//! One row a figure, as Parquet.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use terrarium_proto::ledger::v1 as wire;

use crate::ReportError;
use crate::sheet::{self, Language, Row};

const SCHEMA: &str = "
message statement {
  required binary park (UTF8);
  required binary claim (UTF8);
  required binary period_from (UTF8);
  required binary period_to (UTF8);
  required binary id (UTF8);
  required binary label (UTF8);
  optional int64 value;
  required binary unit (UTF8);
  optional int64 half95;
  required binary role (UTF8);
  required int32 depth;
  required binary remark (UTF8);
  required binary sources (UTF8);
}";

/// The figures of a statement.
pub fn parquet(statement: &wire::Statement, language: Language) -> Result<Vec<u8>, ReportError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = Arc::new(
        WriterProperties::builder()
            .set_created_by(concat!("terrarium ", env!("CARGO_PKG_VERSION")).to_owned())
            .build(),
    );
    let rows = sheet::rows(statement, language);
    let period = statement.period.clone().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties)?;
    let mut group = file.next_row_group()?;
    let text = |pick: &dyn Fn(&Row) -> String| -> Column {
        Column::Text(
            rows.iter()
                .map(|row| pick(row).into_bytes().into())
                .collect(),
        )
    };
    let columns = [
        text(&|_| statement.park.clone()),
        text(&|_| statement.claim.clone()),
        text(&|_| period.from.clone()),
        text(&|_| period.to.clone()),
        text(&|row| row.id.clone()),
        text(&|row| row.label.clone()),
        Column::optional(rows.iter().map(|row| row.exact)),
        text(&|row| row.exact_unit.clone()),
        Column::optional(rows.iter().map(|row| row.exact_half95)),
        text(&|row| row.role.clone()),
        Column::Small(
            rows.iter()
                .map(|row| i32::try_from(row.depth).unwrap_or(i32::MAX))
                .collect(),
        ),
        text(&|row| row.remark.clone()),
        text(&|row| row.sources.clone()),
    ];
    for column in columns {
        let Some(mut writer) = group.next_column()? else {
            break;
        };
        match column {
            Column::Text(values) => {
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(&values, None, None)?;
            }
            Column::Small(values) => {
                writer
                    .typed::<Int32Type>()
                    .write_batch(&values, None, None)?;
            }
            Column::Optional(values, levels) => {
                writer
                    .typed::<Int64Type>()
                    .write_batch(&values, Some(&levels), None)?;
            }
        }
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

enum Column {
    Text(Vec<ByteArray>),
    Small(Vec<i32>),
    /// Values that are there, and for each row 1 where one is.
    Optional(Vec<i64>, Vec<i16>),
}

impl Column {
    fn optional(values: impl Iterator<Item = Option<i64>> + Clone) -> Column {
        Column::Optional(
            values.clone().flatten().collect(),
            values.map(|value| i16::from(value.is_some())).collect(),
        )
    }
}
