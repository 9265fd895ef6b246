//! The lines of the books. Stored as columns, expanded when read.

use std::fmt;

use terrarium_model::{
    AssetId, EnergyWh, MassMg, SECONDS_PER_HOUR, UnixSeconds, format_rfc3339_utc,
    parse_rfc3339_with_offset,
};

use crate::factor_book::FactorRow;
use crate::node_hour::HourAmounts;

/// The books that exist so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Book {
    /// Natural units, balanced.
    Energy,
    /// Emissions.
    Emission,
    /// Avoided emissions; never netted with emissions.
    Avoided,
}

/// Accounts of the energy book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnergyAccount {
    /// Used at the node.
    Consumption,
    /// Generated at the node.
    Generation,
    /// Taken from the grid.
    Import,
    /// Given to the grid.
    Export,
    /// Generated and used at the node in the same hour.
    SelfUse,
    /// What meters on both sides leave over.
    Unexplained,
    /// Put into the node's stores.
    Charge,
    /// Taken out of the node's stores.
    Discharge,
}

impl EnergyAccount {
    /// All accounts, in the order of the book.
    pub const ALL: [EnergyAccount; 8] = [
        EnergyAccount::Consumption,
        EnergyAccount::Generation,
        EnergyAccount::Import,
        EnergyAccount::Export,
        EnergyAccount::SelfUse,
        EnergyAccount::Unexplained,
        EnergyAccount::Charge,
        EnergyAccount::Discharge,
    ];

    /// As in entry ids.
    pub fn token(self) -> &'static str {
        match self {
            EnergyAccount::Consumption => "consumption",
            EnergyAccount::Generation => "generation",
            EnergyAccount::Import => "import",
            EnergyAccount::Export => "export",
            EnergyAccount::SelfUse => "self_use",
            EnergyAccount::Unexplained => "unexplained",
            EnergyAccount::Charge => "charge",
            EnergyAccount::Discharge => "discharge",
        }
    }
}

/// How an entry is worked out; the version is part of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Energy balance of a node and hour.
    HourBalance,
    /// All imported energy x the grid's average factor of the hour (GHG Protocol Scope 2 Guidance, location-based). What of it is
    /// sold on, and so no scope 2, say the postings of a period.
    Scope2Location,
    /// All exported energy x the grid's marginal factor of the hour, or its average. What of it is no generation of the park's own,
    /// and so avoids nothing, say the postings of a period.
    AvoidedExport,
}

impl Method {
    /// As in entry ids.
    pub fn token(self) -> &'static str {
        match self {
            Method::HourBalance => "hour-balance",
            Method::Scope2Location => "scope2-location",
            Method::AvoidedExport => "avoided-export",
        }
    }

    /// Version of the method; a change of results is a new version.
    pub fn version(self) -> u32 {
        1
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.token(), self.version())
    }
}

/// Flags about how good an hour's readings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality(pub u8);

impl Quality {
    /// Nothing to remark.
    pub const NONE: Quality = Quality(0);
    /// A reading longer than the hour was spread evenly.
    pub const SPREAD: Quality = Quality(1);
    /// A correction replaced the first report.
    pub const CORRECTED: Quality = Quality(2);
    /// A person let a quarantined reading count.
    pub const RELEASED: Quality = Quality(4);
    /// Difference of register reads.
    pub const FROM_REGISTER: Quality = Quality(8);
    /// The factor of a wider region stands in for that of the park's own; the entry's factor says which.
    pub const WIDER_REGION: Quality = Quality(16);

    /// Whether a flag is set.
    pub fn has(self, flag: Quality) -> bool {
        self.0 & flag.0 != 0
    }
}

impl std::ops::BitOr for Quality {
    type Output = Quality;

    fn bitor(self, other: Quality) -> Quality {
        Quality(self.0 | other.0)
    }
}

/// Names one line of the books.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId {
    /// The node's asset.
    pub asset: AssetId,
    /// The hour.
    pub hour_start: UnixSeconds,
    /// What of it.
    pub line: EntryLine,
}

/// Which line of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryLine {
    /// An account of the energy book.
    Energy(EnergyAccount),
    /// The emission book.
    Scope2Location,
    /// The avoided book.
    AvoidedExport,
}

impl EntryLine {
    /// All lines of an hour, in the order of the books.
    pub fn all() -> impl Iterator<Item = EntryLine> {
        EnergyAccount::ALL
            .into_iter()
            .map(EntryLine::Energy)
            .chain([EntryLine::Scope2Location, EntryLine::AvoidedExport])
    }

    /// The book it stands in.
    pub fn book(self) -> Book {
        match self {
            EntryLine::Energy(_) => Book::Energy,
            EntryLine::Scope2Location => Book::Emission,
            EntryLine::AvoidedExport => Book::Avoided,
        }
    }

    /// How it is worked out.
    pub fn method(self) -> Method {
        match self {
            EntryLine::Energy(_) => Method::HourBalance,
            EntryLine::Scope2Location => Method::Scope2Location,
            EntryLine::AvoidedExport => Method::AvoidedExport,
        }
    }
}

/// A text that names no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no entry; one looks like \"emission/home-01/2016-08-01T07:00:00Z/scope2-location\" (see `terrarium ledger \
     entries`)"
)]
pub struct InvalidEntryId(String);

impl EntryId {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<EntryId, InvalidEntryId> {
        let invalid = || InvalidEntryId(text.to_owned());
        let mut parts = text.split('/');
        let (Some(book), Some(asset), Some(hour), Some(what), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(invalid());
        };
        let line = match (book, what) {
            ("emission", "scope2-location") => EntryLine::Scope2Location,
            ("avoided", "avoided-export") => EntryLine::AvoidedExport,
            ("energy", account) => EntryLine::Energy(
                EnergyAccount::ALL
                    .into_iter()
                    .find(|known| known.token() == account)
                    .ok_or_else(invalid)?,
            ),
            _ => return Err(invalid()),
        };
        let hour_start = parse_rfc3339_with_offset(hour).map_err(|_| invalid())?;
        if hour_start.0.rem_euclid(SECONDS_PER_HOUR) != 0 {
            return Err(invalid());
        }
        Ok(EntryId {
            asset: AssetId::new(asset).map_err(|_| invalid())?,
            hour_start,
            line,
        })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hour = format_rfc3339_utc(self.hour_start);
        match self.line {
            EntryLine::Energy(account) => write!(
                formatter,
                "energy/{}/{hour}/{}",
                self.asset,
                account.token()
            ),
            EntryLine::Scope2Location => {
                write!(formatter, "emission/{}/{hour}/scope2-location", self.asset)
            }
            EntryLine::AvoidedExport => {
                write!(formatter, "avoided/{}/{hour}/avoided-export", self.asset)
            }
        }
    }
}

/// One line of the books.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// Energy book: the amount. Carbon books: the activity.
    pub energy: EnergyWh,
    /// Carbon books: the result.
    pub mass: Option<MassMg>,
    /// Carbon books: the factor used.
    pub factor: Option<FactorRow>,
    /// Flags.
    pub quality: Quality,
}

/// Amount of an account.
pub fn amount(amounts: &HourAmounts, account: EnergyAccount) -> i64 {
    match account {
        EnergyAccount::Consumption => amounts.consumption,
        EnergyAccount::Generation => amounts.generation,
        EnergyAccount::Import => amounts.import,
        EnergyAccount::Export => amounts.export,
        EnergyAccount::SelfUse => amounts.self_use,
        EnergyAccount::Unexplained => amounts.unexplained,
        EnergyAccount::Charge => amounts.charge,
        EnergyAccount::Discharge => amounts.discharge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_id_reads_back_as_itself() {
        for text in [
            "energy/home-01/2016-08-01T07:00:00Z/self_use",
            "emission/home-01/2016-08-01T07:00:00Z/scope2-location",
            "avoided/home-01.pv/2016-08-01T07:00:00Z/avoided-export",
        ] {
            assert_eq!(EntryId::parse(text).expect("valid").to_string(), text);
        }
    }

    #[test]
    fn a_text_that_names_no_entry_is_refused_with_an_example() {
        for text in [
            "",
            "emission/home-01",
            "emission/home-01/2016-08-01T07:30:00Z/scope2-location",
            "removal/home-01/2016-08-01T07:00:00Z/trees",
            "energy/home-01/2016-08-01T07:00:00Z/import/more",
        ] {
            let error = EntryId::parse(text).expect_err(text);
            assert!(error.to_string().contains("looks like"), "{error}");
        }
    }
}
