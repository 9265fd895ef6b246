//! What the ledger is told.

use std::sync::Arc;

use terrarium_model::{AssetId, EnergyWh, Interval, MeterId, ParkDefinition, UnixSeconds};
use uuid::Uuid;

use crate::books::InstrumentKind;
use crate::carbon::CarbonFact;
use crate::claims::policy::Decision;
use crate::energy::sessions::CarOwner;
use crate::factor_book::FactorSet;

/// The event that a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its position in the record.
    pub position: u64,
    /// Its id, which follows from what it says.
    pub event: Uuid,
}

/// One thing that happened to a park, as the ledger sees it.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The park is, from now on, as defined here.
    ParkDefined {
        /// The definition.
        definition: Arc<ParkDefinition>,
        /// SHA-256 of its text.
        sha256: [u8; 32],
    },
    /// Factors were published.
    FactorSetPublished(Arc<FactorSet>),
    /// A reading counts; one of the same meter and start is replaced.
    ReadingCounted {
        /// The meter.
        meter: MeterId,
        /// Of no length: the read of a register.
        interval: Interval,
        /// Energy of the interval, or content of the register.
        energy: EnergyWh,
        /// 0 for the first report.
        revision: u32,
        /// How it came to count.
        how: How,
    },
    /// A register was read that came round or was exchanged; one of the same meter and time is replaced.
    RegisterContinued {
        /// The meter.
        meter: MeterId,
        /// When.
        at: UnixSeconds,
        /// Content of the register.
        energy: EnergyWh,
        /// What has to be added to go on where the reads before left off.
        offset: EnergyWh,
        /// The same for the reads that follow: another one if the register was exchanged then.
        next_offset: EnergyWh,
    },
    /// A reading was kept apart.
    ReadingQuarantined {
        /// The meter.
        meter: MeterId,
    },
    /// Something happened to a certificate, credit or allowance.
    InstrumentMoved {
        /// Registry that issued it.
        registry: Arc<str>,
        /// Serial number there.
        serial: Arc<str>,
        /// When.
        at: UnixSeconds,
        /// What.
        step: InstrumentStep,
    },
    /// Something happened to a reporting period.
    PeriodMoved {
        /// Id of the period.
        period: Arc<str>,
        /// When.
        at: UnixSeconds,
        /// Who: name of the credential.
        by: Arc<str>,
        /// What.
        step: PeriodStep,
    },
    /// The year that targets and progress are measured against was set.
    BaseYearSet {
        /// The year.
        year: u32,
        /// A change of its total by this many thousandths or more makes it be worked out again.
        recalculation_permille: u32,
        /// When it was decided.
        at: UnixSeconds,
    },
    /// The park decided something that claims rest on.
    Decided {
        /// What.
        decision: Arc<Decision>,
        /// When it was decided, or from when it holds.
        at: UnixSeconds,
    },
    /// A car was plugged in at a charger, or its session ended.
    ChargeSession {
        /// The charger.
        charger: AssetId,
        /// Opaque id of the session.
        session: Arc<str>,
        /// Whose car.
        owner: CarOwner,
        /// When it began.
        start: UnixSeconds,
        /// When it ended; `None`: it goes on.
        end: Option<UnixSeconds>,
    },
    /// Something happened beside electricity.
    Carbon(CarbonFact),
}

/// How a reading came to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As reported.
    Reported,
    /// A correction of a reading that counted.
    Corrected,
    /// A person let it out of quarantine, as it is or corrected.
    Released {
        /// The quarantined event.
        quarantined: Uuid,
    },
}

/// What happens to an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstrumentStep {
    /// Its registry issued it.
    Issued {
        /// What it stands for.
        kind: InstrumentKind,
        /// Wh or grams of CO2 equivalent, by kind.
        amount: i64,
        /// What it was issued for: from (inclusive), to (exclusive).
        vintage: (UnixSeconds, UnixSeconds),
    },
    /// The park came to hold it.
    Held {
        /// The park's own plants were issued it.
        own_generation: bool,
    },
    /// Retired for the claim of a period.
    Retired {
        /// Id of the reporting period.
        period: Arc<str>,
    },
    /// Sold: the park can't use it any more.
    Sold,
    /// Surrendered to the authority for a period.
    Surrendered {
        /// Id of the reporting period.
        period: Arc<str>,
    },
}

/// What happens to a reporting period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodStep {
    /// Opened: its figures move by themselves.
    Opened {
        /// Its start ...
        from: UnixSeconds,
        /// ... and end, exclusive.
        to: UnixSeconds,
    },
    /// Closed by who prepared it: from now on changes restate it.
    Closed,
    /// Looked through by someone who did not prepare it.
    Reviewed,
    /// Approved by a third person, after an outside verification.
    Verified,
    /// The changes since it was closed were taken over, for this reason.
    Restated(RestatementReason),
}

/// Why a figure that was reported changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestatementReason {
    /// Readings came after the period was closed.
    LateData,
    /// Readings were corrected, or an error in them was found.
    CorrectedData,
    /// A newer release of factors.
    NewFactors,
    /// Another version of a method.
    MethodChange,
    /// Another boundary or structure of the park.
    BoundaryChange,
}

impl RestatementReason {
    /// All of them.
    pub const ALL: [RestatementReason; 5] = [
        RestatementReason::LateData,
        RestatementReason::CorrectedData,
        RestatementReason::NewFactors,
        RestatementReason::MethodChange,
        RestatementReason::BoundaryChange,
    ];

    /// By its token.
    pub fn parse(token: &str) -> Option<RestatementReason> {
        Self::ALL.into_iter().find(|reason| reason.token() == token)
    }

    /// As in tables and on the wire.
    pub fn token(self) -> &'static str {
        match self {
            RestatementReason::LateData => "late_data",
            RestatementReason::CorrectedData => "corrected_data",
            RestatementReason::NewFactors => "new_factors",
            RestatementReason::MethodChange => "method_change",
            RestatementReason::BoundaryChange => "boundary_change",
        }
    }
}
