//! What the natural books are told, and the accounts that it goes to.

use std::sync::Arc;

use terrarium_model::{AssetId, Interval, UnixSeconds};

/// Where metered water comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// Drinking water.
    Supply,
    /// Treated waste water.
    Reclaimed,
    /// Collected rain.
    Rain,
}

/// A metered pipe of a tank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TankPipe {
    /// Rain that ran in, or what another rain tank spilled into it.
    RainIn,
    /// Reclaimed water, or water of the tank that fills it.
    ReclaimedIn,
    /// Drinking water.
    SupplyIn,
    /// Over the rim.
    SpillOut,
}

/// One thing that happened to a park, as these books see it.
#[derive(Clone, Debug)]
pub enum NaturalFact {
    /// Water through a pipe of a tank, litres.
    TankFlow {
        /// The tank.
        tank: AssetId,
        /// The pipe.
        pipe: TankPipe,
        /// When.
        interval: Interval,
        /// How much.
        litres: i64,
    },
    /// What a tank held at an instant, litres.
    TankLevel {
        /// The tank.
        tank: AssetId,
        /// When.
        at: UnixSeconds,
        /// How much.
        litres: i64,
    },
    /// Water that a fixture or a zone took, litres.
    WaterUsed {
        /// Who.
        asset: AssetId,
        /// Of which network.
        network: Network,
        /// When.
        interval: Interval,
        /// How much.
        litres: i64,
    },
    /// Heat that a source gave, Wh.
    HeatGiven {
        /// The source.
        source: AssetId,
        /// When.
        interval: Interval,
        /// How much.
        heat_wh: i64,
    },
    /// A bin was emptied in a collection; `weight_g` is what it weighed itself, where it had.
    BinEmptied {
        /// The bin.
        bin: AssetId,
        /// When.
        at: UnixSeconds,
        /// The collection.
        collection: Arc<str>,
        /// What the bin weighed itself.
        weight_g: Option<i64>,
    },
    /// A collection of so many bins was weighed on a ticket.
    CollectionWeighed {
        /// The collection.
        collection: Arc<str>,
        /// When.
        at: UnixSeconds,
        /// Bins of it.
        bins: u32,
        /// Net weight of the ticket.
        weight_g: i64,
    },
    /// Something was put into a batch of compost (taken out: below zero).
    CompostMoved {
        /// The bay.
        bay: AssetId,
        /// The batch.
        batch: Arc<str>,
        /// When.
        at: UnixSeconds,
        /// Grams put in; below zero: taken out.
        weight_g: i64,
    },
    /// A batch of compost ended with these sums.
    CompostEnded {
        /// The bay.
        bay: AssetId,
        /// The batch.
        batch: Arc<str>,
        /// When.
        at: UnixSeconds,
        /// Grams put in, all together.
        fed_g: i64,
        /// Grams taken out, all together.
        product_g: i64,
    },
    /// A charging session ended, Wh.
    SessionEnded {
        /// The charger.
        charger: AssetId,
        /// When.
        at: UnixSeconds,
        /// To the car.
        in_wh: i64,
        /// From the car.
        out_wh: i64,
    },
    /// A shuttle drove a trip.
    ShuttleTrip {
        /// The shuttle.
        vehicle: AssetId,
        /// Its end.
        at: UnixSeconds,
        /// How far.
        distance_m: i64,
    },
    /// A tree group was surveyed: CO2 held in living trees.
    TreesSurveyed {
        /// The group.
        group: AssetId,
        /// When.
        at: UnixSeconds,
        /// Grams.
        co2_g: i64,
    },
    /// Trees of a group died; what the living ones still hold.
    TreesDied {
        /// The group.
        group: AssetId,
        /// When.
        at: UnixSeconds,
        /// Trees.
        count: i64,
        /// Grams held in those that live.
        co2_g: i64,
    },
    /// People came in.
    VisitorsCounted {
        /// The entrance.
        counter: AssetId,
        /// When.
        interval: Interval,
        /// People.
        entered: i64,
    },
}

macro_rules! accounts {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What is added up by asset and day of the park; the unit is part of the name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum NaturalAccount {
            $($(#[$doc])* $name,)+
        }

        impl NaturalAccount {
            /// Every account, in order.
            pub const ALL: &'static [NaturalAccount] = &[$(NaturalAccount::$name,)+];
        }
    };
}

accounts! {
    /// Rain into a tank.
    TankRainInL,
    /// Reclaimed water into a tank.
    TankReclaimedInL,
    /// Drinking water into a tank.
    TankSupplyInL,
    /// Spilled by a tank.
    TankSpilledL,
    /// Drawn from a tank.
    TankDrawnL,
    /// Drinking water used.
    UsedSupplyL,
    /// Reclaimed water used.
    UsedReclaimedL,
    /// Rain used.
    UsedRainL,
    /// Heat given by a source, by its own report.
    HeatGivenWh,
    /// Heat that meters counted at a source.
    HeatSuppliedWh,
    /// Cold that meters counted at a source.
    ColdSuppliedWh,
    /// Heat that meters counted at a user.
    HeatUsedWh,
    /// Cold that meters counted at a user.
    ColdUsedWh,
    /// Heat that lines of a network lose by definition.
    HeatLostWh,
    /// Cold that lines of a network lose by definition.
    ColdLostWh,
    /// Emptied from a bin, as it weighed itself.
    EmptiedG,
    /// On tickets of collections.
    TicketsG,
    /// Put into compost.
    CompostFedG,
    /// Compost taken out.
    CompostTakenG,
    /// Gone into the air by the end of a batch.
    CompostLostG,
    /// To cars.
    ToVehiclesWh,
    /// From cars.
    FromVehiclesWh,
    /// Sessions that ended.
    Sessions,
    /// Driven by shuttles.
    ShuttleDistanceM,
    /// CO2 taken up by living trees.
    TreesGrownG,
    /// CO2 that was held in trees that died.
    TreesLostG,
    /// Trees that died.
    TreesDied,
    /// People who came in.
    Visitors,
}

impl Network {
    pub(super) fn used(self) -> NaturalAccount {
        match self {
            Network::Supply => NaturalAccount::UsedSupplyL,
            Network::Reclaimed => NaturalAccount::UsedReclaimedL,
            Network::Rain => NaturalAccount::UsedRainL,
        }
    }
}

impl TankPipe {
    /// One bit for each pipe.
    pub(super) fn bit(self) -> u8 {
        match self {
            TankPipe::RainIn => 1,
            TankPipe::ReclaimedIn => 2,
            TankPipe::SupplyIn => 4,
            TankPipe::SpillOut => 8,
        }
    }

    pub(super) fn account(self) -> NaturalAccount {
        match self {
            TankPipe::RainIn => NaturalAccount::TankRainInL,
            TankPipe::ReclaimedIn => NaturalAccount::TankReclaimedInL,
            TankPipe::SupplyIn => NaturalAccount::TankSupplyInL,
            TankPipe::SpillOut => NaturalAccount::TankSpilledL,
        }
    }
}
