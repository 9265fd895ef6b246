//! A statement on paper: as a table for a terminal, CSV, Parquet, a workbook and pages, in English or Chinese.
//!
//! Works from the statement as the wire carries it, so that a client prints what any server made. The same statement gives the
//! same bytes.
//!
//! - [`sheet`]: the statement as rows, which all forms share
//! - [`text`]: for a terminal, and CSV
//! - [`parquet`](parquet_file): one row a figure
//! - [`workbook`]: XLSX with charts
//! - [`pdf`]: pages worth printing

mod parquet_file;
pub mod pdf;
pub mod sheet;
mod text;
mod workbook;

pub use parquet_file::parquet;
pub use pdf::pdf;
pub use sheet::{Language, Row};
pub use text::{csv, table};
pub use workbook::xlsx;

/// A form can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// CSV.
    #[error("the CSV can't be written: {0}")]
    Csv(#[from] csv::Error),
    /// Parquet.
    #[error("the Parquet file can't be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// XLSX.
    #[error("the workbook can't be written: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// The font.
    #[error("the font of the pages can't be used: {0}")]
    Font(String),
}
