//! What the ledger is told.

use std::sync::Arc;

use terrarium_model::{EnergyWh, Interval, MeterId, ParkDefinition, UnixSeconds};
use uuid::Uuid;

use crate::carbon::CarbonFact;
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
