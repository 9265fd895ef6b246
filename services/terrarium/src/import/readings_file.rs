//! A CSV file of meter readings: checked as a whole, then read batch by batch.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{Position, ReaderBuilder, StringRecord, Terminator};
use terrarium_proto::energy::v1::{Correction, Reading};

/// The columns of a readings file, in this order.
pub const HEADER: [&str; 6] = [
    "interval_start",
    "interval_seconds",
    "meter",
    "quantity",
    "value",
    "unit",
];

const READ_BUFFER_BYTES: usize = 256 << 10;

/// Why a file cannot be imported. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ReadingsFileProblem {
    #[error("{file}: cannot be read: {source}; check the path and its permissions")]
    CannotRead { file: String, source: io::Error },
    #[error("{file}, line 1: the file starts with a byte-order mark; save it as UTF-8 without one")]
    ByteOrderMark { file: String },
    #[error("{file}: the file is empty; its first line is to be \"{}\"", HEADER.join(","))]
    Empty { file: String },
    #[error("{file}, line 1: the columns are \"{found}\"; rename or reorder them to \"{}\"", HEADER.join(","))]
    OtherColumns { file: String, found: String },
    #[error(
        "{file}, line {line}: the file ends in the middle of this line, so it may be cut off; fetch it again, or end its \
         last line with a line break if it is whole"
    )]
    Truncated { file: String, line: u64 },
    #[error(
        "{file}, line {line}: {found} fields where there are to be 6; complete the line or remove it"
    )]
    FieldCount { file: String, line: u64, found: u64 },
    #[error("{file}, line {line}: this is no UTF-8 text; save the file as UTF-8")]
    NotUtf8 { file: String, line: u64 },
    #[error(
        "{file}, line {line}: interval_seconds is \"{found}\"; write whole seconds, such as 3600, or 0 for a register"
    )]
    IntervalSeconds {
        file: String,
        line: u64,
        found: String,
    },
}

/// Up to a batch's number of readings, and where they stand in the file.
pub struct FileBatch {
    pub readings: Vec<Reading>,
    /// Line of each reading, from 1.
    pub lines: Vec<u64>,
    /// Where to seek to for reading this batch again.
    pub start: Position,
}

/// An open readings file behind its header.
pub struct ReadingsFile {
    path: PathBuf,
    reader: csv::Reader<File>,
    record: StringRecord,
    length_bytes: u64,
    ends_with_line_break: bool,
}

impl ReadingsFile {
    /// Opens the file and checks its header and its end.
    pub fn open(path: &Path) -> Result<ReadingsFile, ReadingsFileProblem> {
        let name = || path.display().to_string();
        let cannot_read = |source| ReadingsFileProblem::CannotRead {
            file: name(),
            source,
        };
        let mut file = File::open(path).map_err(cannot_read)?;
        let length_bytes = file.metadata().map_err(cannot_read)?.len();
        if length_bytes == 0 {
            return Err(ReadingsFileProblem::Empty { file: name() });
        }
        let mut first = [0; 3];
        let read = file.read(&mut first).map_err(cannot_read)?;
        if first[..read].starts_with(&[0xef, 0xbb, 0xbf])
            || first[..read].starts_with(&[0xff, 0xfe])
            || first[..read].starts_with(&[0xfe, 0xff])
        {
            return Err(ReadingsFileProblem::ByteOrderMark { file: name() });
        }
        let mut last = [0; 1];
        file.seek(SeekFrom::End(-1)).map_err(cannot_read)?;
        file.read_exact(&mut last).map_err(cannot_read)?;
        file.seek(SeekFrom::Start(0)).map_err(cannot_read)?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(READ_BUFFER_BYTES)
            // With this terminator the reader's line count is exact for both \n and \r\n; the \r is trimmed below.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(file);
        let mut opened = ReadingsFile {
            path: path.to_owned(),
            reader,
            record: StringRecord::new(),
            length_bytes,
            ends_with_line_break: last == [b'\n'],
        };
        opened.check_header()?;
        Ok(opened)
    }

    /// Reads the whole file once, so that its faults are found before anything is sent.
    ///
    /// Returns the number of readings.
    pub fn check(path: &Path) -> Result<u64, ReadingsFileProblem> {
        let mut file = ReadingsFile::open(path)?;
        let mut readings = 0;
        while file.next_line()?.is_some() {
            readings += 1;
        }
        if !file.ends_with_line_break {
            return Err(ReadingsFileProblem::Truncated {
                file: file.name(),
                line: file.reader.position().line(),
            });
        }
        Ok(readings)
    }

    /// The next readings, at most `limit`; none at the end of the file.
    pub fn next_batch(
        &mut self,
        limit: usize,
        correction: Option<&Correction>,
    ) -> Result<Option<FileBatch>, ReadingsFileProblem> {
        let start = self.reader.position().clone();
        let mut readings = Vec::with_capacity(limit);
        let mut lines = Vec::with_capacity(limit);
        while readings.len() < limit {
            let Some((line, interval_seconds)) = self.next_line()? else {
                break;
            };
            let field = |index: usize| self.record.get(index).unwrap_or_default();
            readings.push(Reading {
                meter: field(2).to_owned(),
                quantity: field(3).to_owned(),
                interval_start: field(0).to_owned(),
                interval_seconds,
                value: field(4).to_owned(),
                unit: field(5).trim_end_matches('\r').to_owned(),
                correction: correction.cloned(),
            });
            lines.push(line);
        }
        if readings.is_empty() {
            return Ok(None);
        }
        Ok(Some(FileBatch {
            readings,
            lines,
            start,
        }))
    }

    /// Goes back to the start of a batch.
    pub fn rewind(&mut self, start: Position) -> Result<(), ReadingsFileProblem> {
        self.reader
            .seek(start)
            .map_err(|error| self.problem_of(error))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn check_header(&mut self) -> Result<(), ReadingsFileProblem> {
        if !self.read_record()? {
            return Err(ReadingsFileProblem::Empty { file: self.name() });
        }
        let found = self
            .record
            .iter()
            .map(|column| column.trim_end_matches('\r'));
        if !found.clone().eq(HEADER) {
            let found = found.collect::<Vec<_>>().join(",");
            let found = found.chars().take(200).collect();
            return Err(ReadingsFileProblem::OtherColumns {
                file: self.name(),
                found,
            });
        }
        Ok(())
    }

    /// Reads one line of six fields; gives its number and interval_seconds, the only field that has to be a number to
    /// be sent at all. The server judges the others reading by reading.
    fn next_line(&mut self) -> Result<Option<(u64, u32)>, ReadingsFileProblem> {
        if !self.read_record()? {
            return Ok(None);
        }
        let line_after = self.reader.position().line();
        if self.record.len() != HEADER.len() {
            let at_the_end =
                !self.ends_with_line_break && self.reader.position().byte() == self.length_bytes;
            return Err(if at_the_end {
                ReadingsFileProblem::Truncated {
                    file: self.name(),
                    line: line_after,
                }
            } else {
                let found = self.record.len() as u64;
                ReadingsFileProblem::FieldCount {
                    file: self.name(),
                    line: line_after - 1,
                    found,
                }
            });
        }
        let line = line_after - 1;
        let seconds = &self.record[1];
        match seconds.parse() {
            Ok(interval_seconds) => Ok(Some((line, interval_seconds))),
            Err(_) => {
                let found = seconds.chars().take(40).collect();
                Err(ReadingsFileProblem::IntervalSeconds {
                    file: self.name(),
                    line,
                    found,
                })
            }
        }
    }

    fn read_record(&mut self) -> Result<bool, ReadingsFileProblem> {
        self.reader
            .read_record(&mut self.record)
            .map_err(|error| self.problem_of(error))
    }

    fn problem_of(&self, error: csv::Error) -> ReadingsFileProblem {
        let line = self.reader.position().line().saturating_sub(1).max(1);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => ReadingsFileProblem::CannotRead {
                file: self.name(),
                source,
            },
            csv::ErrorKind::Utf8 { .. } => ReadingsFileProblem::NotUtf8 {
                file: self.name(),
                line,
            },
            other => {
                let source = io::Error::other(format!("{other:?}"));
                ReadingsFileProblem::CannotRead {
                    file: self.name(),
                    source,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const HEADER_LINE: &str = "interval_start,interval_seconds,meter,quantity,value,unit";
    const ROW: &str = "2016-07-31T23:00:00-08:00,3600,home-01.load,active_energy,2.2758,kWh";

    fn file_of(content: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(content.as_ref()).expect("writes");
        file
    }

    fn problem(content: impl AsRef<[u8]>) -> String {
        let file = file_of(content);
        let message = ReadingsFile::check(file.path())
            .expect_err("a fault")
            .to_string();
        message.replace(&file.path().display().to_string(), "FILE")
    }

    #[test]
    fn both_line_ends_give_the_same_readings_with_the_right_lines() {
        for line_break in ["\n", "\r\n"] {
            let file = file_of(format!(
                "{HEADER_LINE}{line_break}{ROW}{line_break}{ROW}{line_break}"
            ));
            assert_eq!(ReadingsFile::check(file.path()).expect("good"), 2);
            let mut readings = ReadingsFile::open(file.path()).expect("opens");
            let batch = readings
                .next_batch(10, None)
                .expect("reads")
                .expect("two readings");
            assert_eq!(batch.lines, [2, 3]);
            assert_eq!(batch.readings[1].meter, "home-01.load");
            assert_eq!(batch.readings[1].interval_seconds, 3600);
            assert_eq!(batch.readings[1].unit, "kWh");
            assert!(readings.next_batch(10, None).expect("reads").is_none());
        }
    }

    #[test]
    fn a_batch_can_be_read_again() {
        for line_break in ["\n", "\r\n"] {
            let rows: String = (0..10)
                .map(|n| format!("{}{line_break}", ROW.replace("2.2758", &n.to_string())))
                .collect();
            let file = file_of(format!("{HEADER_LINE}{line_break}{rows}"));
            let mut readings = ReadingsFile::open(file.path()).expect("opens");
            readings.next_batch(4, None).expect("reads");
            let second = readings
                .next_batch(4, None)
                .expect("reads")
                .expect("four more");
            readings.next_batch(4, None).expect("reads");
            readings.rewind(second.start).expect("rewinds");
            let again = readings
                .next_batch(4, None)
                .expect("reads")
                .expect("the same four");
            assert_eq!(again.readings, second.readings);
            assert_eq!(again.lines, [6, 7, 8, 9]);
            assert_eq!(again.readings[0].value, "4");
        }
    }

    #[test]
    fn a_byte_order_mark_is_named_with_its_remedy() {
        assert_eq!(
            problem(format!("\u{feff}{HEADER_LINE}\n{ROW}\n")),
            "FILE, line 1: the file starts with a byte-order mark; save it as UTF-8 without one"
        );
    }

    #[test]
    fn other_columns_are_shown_beside_the_right_ones() {
        assert_eq!(
            problem("time,meter,kWh\n1,2,3\n"),
            format!(
                "FILE, line 1: the columns are \"time,meter,kWh\"; rename or reorder them to \"{HEADER_LINE}\""
            )
        );
        assert!(problem("").contains("the file is empty"));
    }

    #[test]
    fn a_file_that_was_cut_off_is_found_wherever_the_cut_is() {
        let whole = format!("{HEADER_LINE}\r\n{ROW}\r\n{ROW}\r\n");
        let last_row = whole.len() - ROW.len() - 2;
        for cut in last_row + 1..whole.len() {
            let message = problem(&whole.as_bytes()[..cut]);
            assert!(
                message.starts_with("FILE, line 3: the file ends in the middle of this line"),
                "{cut}: {message}"
            );
        }
        // A cut between two lines can't be seen; the server's completeness shows it.
        let file = file_of(&whole[..last_row]);
        assert_eq!(ReadingsFile::check(file.path()).expect("whole lines"), 1);
    }

    #[test]
    fn a_line_with_another_number_of_fields_is_named() {
        let expected =
            "FILE, line 3: 5 fields where there are to be 6; complete the line or remove it";
        assert_eq!(
            problem(format!(
                "{HEADER_LINE}\n{ROW}\n{}\n{ROW}\n",
                ROW.trim_end_matches(",kWh")
            )),
            expected
        );
        assert!(
            problem(format!("{HEADER_LINE}\n{ROW},extra\n")).starts_with("FILE, line 2: 7 fields")
        );
    }

    #[test]
    fn seconds_that_are_no_number_are_named() {
        let message = problem(format!("{HEADER_LINE}\n\n{}\n", ROW.replace("3600", "1h")));
        assert!(
            message.starts_with("FILE, line 3: interval_seconds is \"1h\""),
            "{message}"
        );
    }

    #[test]
    fn text_in_another_encoding_is_named() {
        let mut bytes = format!("{HEADER_LINE}\n{ROW}\n").into_bytes();
        bytes.extend_from_slice(b"2016-07-31T23:00:00-08:00,3600,caf\xe9,active_energy,1,kWh\n");
        assert_eq!(
            problem(bytes),
            "FILE, line 3: this is no UTF-8 text; save the file as UTF-8"
        );
    }
}
