//! The way from a kilogram of the carbon ledger down to the events behind it: an asset's entries, an entry's explanation, the
//! meters and events that it was worked out from, and the moment and place of each in the park.

use terrarium_model::{TimeZone, UnixMillis, UnixSeconds, parse_rfc3339_with_offset};

use crate::park_view::{AssetIndex, ParkView};
use crate::words::Word;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Which stretch of the ledger is looked at; it ends with the moment shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerPeriod {
    #[default]
    Last24Hours,
    /// Of the park's time zone, like the others below.
    Day,
    Month,
    Year,
    Record,
}

impl LedgerPeriod {
    /// In the order of the chooser.
    pub const ALL: [LedgerPeriod; 5] = [
        LedgerPeriod::Last24Hours,
        LedgerPeriod::Day,
        LedgerPeriod::Month,
        LedgerPeriod::Year,
        LedgerPeriod::Record,
    ];

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            LedgerPeriod::Last24Hours => Word::PeriodLast24Hours,
            LedgerPeriod::Day => Word::PeriodDay,
            LedgerPeriod::Month => Word::PeriodMonth,
            LedgerPeriod::Year => Word::PeriodYear,
            LedgerPeriod::Record => Word::WholeRecord,
        }
    }

    /// From and to in whole hours, so that `shown_ms` is in the hour after the last one. Never empty.
    pub fn range_ms(self, zone: &TimeZone, shown_ms: i64, first_ms: i64) -> (i64, i64) {
        let to_ms = shown_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let from_ms = match self {
            LedgerPeriod::Last24Hours => to_ms - DAY_MS,
            LedgerPeriod::Day => start_of(zone, shown_ms, Calendar::Day),
            LedgerPeriod::Month => start_of(zone, shown_ms, Calendar::Month),
            LedgerPeriod::Year => start_of(zone, shown_ms, Calendar::Year),
            LedgerPeriod::Record => first_ms.min(shown_ms),
        };
        let from_ms = from_ms.div_euclid(HOUR_MS) * HOUR_MS;
        (from_ms, to_ms.max(from_ms + HOUR_MS))
    }
}

enum Calendar {
    Day,
    Month,
    Year,
}

/// When the day, month or year of a zone began that a moment is in.
fn start_of(zone: &TimeZone, moment_ms: i64, calendar: Calendar) -> i64 {
    let day = zone.day_key(UnixMillis(moment_ms).seconds());
    let date = match calendar {
        Calendar::Day => day,
        Calendar::Month => format!("{}-01", day.get(..7).unwrap_or(&day)),
        Calendar::Year => format!("{}-01-01", day.get(..4).unwrap_or(&day)),
    };
    let Ok(UnixSeconds(utc_s)) = parse_rfc3339_with_offset(&format!("{date}T00:00:00Z")) else {
        return moment_ms;
    };
    // The zone's offset at its own midnight: looked up twice, as the first guess may lie across a change of clocks.
    let mut start_s = utc_s;
    for _ in 0..2 {
        start_s = utc_s - i64::from(zone.offset_seconds(UnixSeconds(start_s)));
    }
    start_s * 1_000
}

/// The books of `terrarium.ledger.v1.Book`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerBook {
    Energy,
    #[default]
    Emission,
    Avoided,
}

impl LedgerBook {
    /// In the order of the wire.
    pub const ALL: [LedgerBook; 3] = [
        LedgerBook::Energy,
        LedgerBook::Emission,
        LedgerBook::Avoided,
    ];

    /// Its number on the wire.
    pub fn wire(self) -> i32 {
        match self {
            LedgerBook::Energy => 1,
            LedgerBook::Emission => 2,
            LedgerBook::Avoided => 3,
        }
    }

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            LedgerBook::Energy => Word::BookEnergy,
            LedgerBook::Emission => Word::Scope2,
            LedgerBook::Avoided => Word::Avoided,
        }
    }
}

/// Accounts of the energy book: `terrarium.ledger.v1.EnergyAccount`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnergyAccount {
    Consumption,
    Generation,
    Import,
    Export,
    SelfUse,
    Unexplained,
    Charge,
    Discharge,
}

impl EnergyAccount {
    /// By its number on the wire; `None`: not told, or not known to this viewer.
    pub fn from_wire(number: i32) -> Option<EnergyAccount> {
        match number {
            1 => Some(EnergyAccount::Consumption),
            2 => Some(EnergyAccount::Generation),
            3 => Some(EnergyAccount::Import),
            4 => Some(EnergyAccount::Export),
            5 => Some(EnergyAccount::SelfUse),
            6 => Some(EnergyAccount::Unexplained),
            7 => Some(EnergyAccount::Charge),
            8 => Some(EnergyAccount::Discharge),
            _ => None,
        }
    }

    /// Its name.
    pub fn title(self) -> Word {
        match self {
            EnergyAccount::Consumption => Word::Consumption,
            EnergyAccount::Generation => Word::Generation,
            EnergyAccount::Import => Word::GridImport,
            EnergyAccount::Export => Word::GridExport,
            EnergyAccount::SelfUse => Word::SelfUse,
            EnergyAccount::Unexplained => Word::Unexplained,
            EnergyAccount::Charge => Word::AccountCharge,
            EnergyAccount::Discharge => Word::AccountDischarge,
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerEntry {
    /// "<book>/<asset>/<hour start UTC>/<account or method>"
    pub id: String,
    pub asset: String,
    /// RFC 3339 in the park's zone.
    pub interval_start: String,
    pub interval_seconds: u32,
    /// Energy book only.
    pub account: Option<EnergyAccount>,
    /// Energy book: the amount. Carbon books: the activity.
    pub energy_wh: i64,
    /// Carbon books: the result.
    pub mass_mg: i64,
    pub method: String,
    pub factor: Option<FactorUsed>,
}

impl LedgerEntry {
    /// End of its interval, the moment that the park is shown at.
    pub fn end_ms(&self) -> Option<i64> {
        end_ms(&self.interval_start, self.interval_seconds)
    }
}

/// The factor row that an entry used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactorUsed {
    pub set: String,
    pub version: String,
    pub publisher: String,
    pub unit: String,
    pub row: u32,
    pub valid_from: String,
    pub valid_to: String,
    /// The published decimal.
    pub value: String,
    pub event: Option<EventMark>,
}

/// An event of the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventMark {
    pub position: u64,
    /// UUID text.
    pub id: String,
    /// Full protobuf name.
    pub kind: String,
    pub stream: String,
    pub revision: u64,
    pub recorded_time: String,
    pub actor: String,
}

/// The share of one reading that fell into an entry's hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    pub meter: String,
    pub account: Option<EnergyAccount>,
    /// What counts in the hour.
    pub energy_wh: i64,
    pub interval_start: String,
    pub interval_seconds: u32,
    /// As reported.
    pub value: String,
    pub unit: String,
    pub revision: u32,
    pub reading_wh: i64,
    pub events: Vec<EventMark>,
}

impl Contribution {
    /// When its event happened: the end of its interval.
    pub fn end_ms(&self) -> Option<i64> {
        end_ms(&self.interval_start, self.interval_seconds)
    }

    /// The asset that its meter belongs to.
    pub fn asset(&self, park: &ParkView) -> Option<AssetIndex> {
        let has_meter = |meters: &[String]| meters.contains(&self.meter);
        park.indexed()
            .find(|(_, asset)| has_meter(&asset.meters))
            .map(|(index, _)| index)
    }
}

fn end_ms(start: &str, seconds: u32) -> Option<i64> {
    let start = parse_rfc3339_with_offset(start).ok()?;
    Some((start.0 + i64::from(seconds)) * 1_000)
}

/// From an entry's result down to the readings: `terrarium.ledger.v1.ExplainResponse`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    pub entry: LedgerEntry,
    pub activity_formula: String,
    pub contributions: Vec<Contribution>,
    /// Sums that the formula takes.
    pub inputs: Vec<(Option<EnergyAccount>, i64)>,
    pub result_formula: String,
    pub exact_numerator: String,
    pub exact_denominator: String,
    pub rounding: String,
    pub calculated_by: String,
    pub position: u64,
}

/// Which entries are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryList {
    pub asset: String,
    pub book: LedgerBook,
    pub from_ms: i64,
    pub to_ms: i64,
    /// In the order of time.
    pub entries: Vec<LedgerEntry>,
    /// There are more than are listed.
    pub is_cut_short: bool,
}

/// What is open of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerTrail {
    pub period: LedgerPeriod,
    /// Whose entries are asked for.
    pub asked: Option<(String, LedgerBook)>,
    /// The entries that came, of whoever was asked for last.
    pub list: Option<EntryList>,
    /// The entry whose explanation is asked for.
    pub entry: Option<String>,
    pub explanation: Option<Box<Explanation>>,
    /// Position of the event that was jumped to last.
    pub sought_event: Option<u64>,
}

impl LedgerTrail {
    /// Takes entries in, where they are those that were asked for last.
    pub(crate) fn take_entries(&mut self, list: EntryList) {
        let asked = self.asked.as_ref();
        if asked.is_some_and(|(asset, book)| *asset == list.asset && *book == list.book) {
            self.list = Some(list);
        }
    }

    /// Takes an explanation in, where it is the one that was asked for last.
    pub(crate) fn take_explanation(&mut self, explanation: Box<Explanation>) {
        if self.entry.as_deref() == Some(&explanation.entry.id) {
            self.explanation = Some(explanation);
        }
    }

    /// Another list: what was open of the last one is closed.
    pub(crate) fn ask(&mut self, asked: Option<(String, LedgerBook)>) {
        if self.asked != asked {
            self.list = None;
        }
        self.asked = asked;
        self.ask_why(None);
    }

    /// Another entry.
    pub(crate) fn ask_why(&mut self, entry: Option<String>) {
        if self.entry != entry {
            self.explanation = None;
        }
        self.entry = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_the_parks_own_midnight_also_where_clocks_change() {
        let shanghai = TimeZone::named("Asia/Shanghai").expect("it is in the database");
        // 2026-05-01 14:03 in Shanghai.
        let shown_ms = 1_777_615_392_000;
        let starts = |period: LedgerPeriod, zone: &TimeZone| {
            let (from_ms, to_ms) = period.range_ms(zone, shown_ms, 1_777_000_000_000);
            let text = |ms: i64| zone.format_rfc3339(UnixMillis(ms).seconds());
            (text(from_ms), text(to_ms))
        };
        let end = "2026-05-01T14:00:00+08:00".to_owned();
        for (period, start) in [
            (LedgerPeriod::Last24Hours, "2026-04-30T14:00:00+08:00"),
            (LedgerPeriod::Day, "2026-05-01T00:00:00+08:00"),
            (LedgerPeriod::Month, "2026-05-01T00:00:00+08:00"),
            (LedgerPeriod::Year, "2026-01-01T00:00:00+08:00"),
            (LedgerPeriod::Record, "2026-04-24T11:00:00+08:00"),
        ] {
            assert_eq!(starts(period, &shanghai), (start.into(), end.clone()));
        }
        let berlin = TimeZone::named("Europe/Berlin").expect("it is in the database");
        let (year, _) = starts(LedgerPeriod::Year, &berlin);
        assert_eq!(year, "2026-01-01T00:00:00+01:00", "winter time");
        let (month, _) = starts(LedgerPeriod::Month, &berlin);
        assert_eq!(month, "2026-05-01T00:00:00+02:00", "summer time");
    }

    #[test]
    fn a_period_is_never_empty() {
        let zone = TimeZone::named("Asia/Shanghai").expect("it is in the database");
        // Five minutes after midnight in Shanghai.
        let shown_ms = 1_777_564_800_000 + 300_000;
        for period in LedgerPeriod::ALL {
            let (from_ms, to_ms) = period.range_ms(&zone, shown_ms, shown_ms);
            assert!(from_ms < to_ms, "{period:?}");
        }
    }

    #[test]
    fn an_explanation_of_another_entry_is_not_shown() {
        let mut trail = LedgerTrail::default();
        trail.ask(Some(("home".into(), LedgerBook::Emission)));
        trail.ask_why(Some("one".into()));
        let explanation = |id: &str| {
            Box::new(Explanation {
                entry: LedgerEntry {
                    id: id.into(),
                    ..LedgerEntry::default()
                },
                ..Explanation::default()
            })
        };
        trail.take_explanation(explanation("two"));
        assert_eq!(trail.explanation, None);
        trail.take_explanation(explanation("one"));
        assert!(trail.explanation.is_some());
        trail.take_entries(EntryList {
            asset: "other".into(),
            ..EntryList::default()
        });
        assert_eq!(trail.list, None);
        trail.ask(None);
        assert_eq!(trail.explanation, None);
    }
}
