//! What the viewer asks of the park's services, and what it hears from them. The network crate turns one into the other.

use crate::alarm::{Alarm, AlarmTransition};
use crate::carbon::CarbonBalances;
use crate::claims::{ClaimName, Statement};
use crate::ledger_trail::{EntryList, Explanation, LedgerBook};
use crate::point_table::{PointName, TwinDelta};
use crate::quality::Quality;
use crate::shift_record::ShiftRecord;
use crate::timeline::{Density, Want};

/// What the viewer asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Shows another moment; what was fetched for the last one is given up.
    Show(Want),
    /// The course of points; an answer to an older one is given up.
    History {
        points: Vec<PointName>,
        from_ms: i64,
        to_ms: i64,
    },
    /// Events around a moment, of one asset or of all (empty).
    Events {
        asset: String,
        from_ms: i64,
        backwards: bool,
    },
    Density {
        from_ms: i64,
        to_ms: i64,
        buckets: u32,
    },
    /// Balance of the ledger up to a moment.
    Carbon { from_ms: i64, to_ms: i64 },
    /// The ledger's lines of an asset in a book.
    Entries {
        asset: String,
        book: LedgerBook,
        from_ms: i64,
        to_ms: i64,
    },
    /// Where a line of the ledger comes from.
    Explain { entry: String },
    /// What can be claimed over the books.
    ClaimNames,
    /// A claim over whole hours, although the period may be open.
    Claim {
        claim: String,
        from_ms: i64,
        to_ms: i64,
    },
    /// The state at a moment, to compare it with another one.
    Compare { moment_ms: i64 },
    /// All that a shift report tells.
    Shift { from_ms: i64, to_ms: i64 },
    /// Every event from one moment to another; where they are too many, those nearest to a moment between the two.
    Around {
        from_ms: i64,
        moment_ms: i64,
        to_ms: i64,
    },
    /// To the park; answered by exactly one [`Report::Outcome`] with the same number.
    Command { number: u64, command: ParkCommand },
}

impl Request {
    /// What it is called where it is told that it failed: [`Report::Failed`].
    pub fn name(&self) -> &'static str {
        match self {
            Request::Show(_) => "replay",
            Request::History { .. } => "history",
            Request::Events { .. } => "events",
            Request::Density { .. } => "density",
            Request::Carbon { .. } => "carbon",
            Request::Entries { .. } => "entries",
            Request::Explain { .. } => "explanation",
            Request::ClaimNames => "claims",
            Request::Claim { .. } => "claim",
            Request::Compare { .. } => "comparison",
            Request::Shift { .. } => "shift",
            Request::Around { .. } => "events around",
            Request::Command { .. } => "command",
        }
    }
}

/// Something that a person tells the park to do. Who it was is the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkCommand {
    Acknowledge {
        alarm: String,
        occurrence: String,
    },
    Shelve {
        alarm: String,
        until_ms: i64,
        reason: String,
    },
    Unshelve {
        alarm: String,
    },
    StartIrrigation {
        zone: String,
        litres: i64,
    },
    LimitCharging {
        charger: String,
        /// Below zero: give back at most so much.
        limit_w: i64,
    },
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// On record, at this position.
    Recorded { position: Option<u64> },
    /// The service's reason, with what to do.
    Refused { reason: String },
}

/// How the connection to the server stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Connection {
    #[default]
    Idle,
    Connecting {
        server: String,
    },
    Live,
    /// Cut; it connects again by itself.
    StaleSince {
        /// Wall time in ms since 1970.
        since_ms: i64,
        reason: String,
    },
    WrongVersion {
        reason: String,
    },
    NotAllowed {
        reason: String,
    },
    NoSuchPark {
        park: String,
        parks: Vec<String>,
    },
}

/// The course of one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointHistory {
    pub point: PointName,
    /// Time, value, quality; in order.
    pub samples: Vec<(i64, i64, Quality)>,
    /// Before thinning.
    pub recorded: u64,
}

/// An event as a person wants to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    pub position: u64,
    /// UUID text.
    pub id: String,
    /// Full protobuf name.
    pub kind: String,
    pub domain: String,
    pub asset: String,
    pub time_ms: i64,
}

/// Events around a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsAround {
    /// From here to there none is missing.
    pub from_ms: i64,
    pub to_ms: i64,
    /// In the order they happened.
    pub events: Vec<EventLine>,
    /// The stretch is shorter than was asked for: they are too many.
    pub is_cut_short: bool,
}

/// What the viewer hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    Connection(Connection),
    /// The park's definition (TOML), and how far its record reaches.
    Park {
        definition: String,
        first_ms: Option<i64>,
        now_ms: i64,
    },
    /// The live stream moved on.
    Live {
        delta: TwinDelta,
        /// Wall time between the newest message's arrival and its being taken, in ms.
        waited_ms: u32,
    },
    /// The park's clock, told every second or so, and how far back the record reaches.
    LiveMoment {
        first_ms: Option<i64>,
        now_ms: i64,
    },
    /// A moment of the record was reached.
    Replay {
        delta: TwinDelta,
        is_end: bool,
    },
    /// There is no event that way.
    NoFurtherEvent,
    Alarms {
        alarms: Vec<Alarm>,
        position: Option<u64>,
        /// A moment, and how many were raised in the ten minutes before it.
        counted: Option<(i64, u32)>,
    },
    AlarmTransitions(Vec<AlarmTransition>),
    History(Vec<PointHistory>),
    Events {
        asset: String,
        events: Vec<EventLine>,
    },
    Density(Density),
    Carbon(Box<CarbonBalances>),
    Entries(EntryList),
    Explanation(Box<Explanation>),
    ClaimNames(Vec<ClaimName>),
    Statement(Box<Statement>),
    /// The state at a moment of a comparison.
    Compared(TwinDelta),
    Shift(Box<ShiftRecord>),
    Around(EventsAround),
    /// A file was written, or why not.
    Saved(Result<String, String>),
    Outcome {
        number: u64,
        outcome: Outcome,
    },
    /// A page could not be fetched.
    Failed {
        /// [`Request::name`], `alarms`, or `command line`.
        what: &'static str,
        reason: String,
    },
}
