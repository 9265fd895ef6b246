//! Heat and cold, balanced for each network and hour: what meters counted at its sources, less what they counted at its users,
//! less what its lines lose by the park's definition. Read from the meters' books, so that late readings, corrections and what
//! is in quarantine count here as they do for electricity.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, Carrier, Interval, MeterId, ParkDefinition, SECONDS_PER_HOUR, ThermalNetwork,
    UnixSeconds,
};

use super::account::NaturalAccount;
use super::book::{DayPeriod, OpenBalance};
use super::tanks::{BalanceSums, NaturalMedium};
use crate::energy::meter_book::{MeterBook, Sight};
use crate::park_ledger::ParkLedger;

/// The networks of a park's definition in force, over its meters' books.
pub struct Thermal<'a> {
    networks: Vec<Laid<'a>>,
}

/// A network and the books of its meters.
struct Laid<'a> {
    network: &'a ThermalNetwork,
    meters: Vec<LaidMeter<'a>>,
    /// What lines lose that do not begin at a source: they are in use when any source gives.
    shared_loss_w: i64,
}

struct LaidMeter<'a> {
    asset: &'a AssetId,
    is_supply: bool,
    book: Option<&'a MeterBook>,
    /// What the lines lose that begin at this source; of several meters of one source the first has it.
    loss_w: i64,
}

/// An hour of a network that every meter covers, Wh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThermalHour {
    /// Counted at the sources.
    pub supplied_wh: i64,
    /// Counted at the users.
    pub used_wh: i64,
    /// What the lines in use lose by definition, at most what was supplied.
    pub lost_wh: i64,
}

impl ThermalHour {
    /// What no meter and no loss explains.
    pub fn unexplained_wh(&self) -> i64 {
        self.supplied_wh - self.used_wh - self.lost_wh
    }
}

impl<'a> Thermal<'a> {
    /// Of a park as it stands; no networks before it is defined.
    pub fn of(ledger: &'a ParkLedger) -> Thermal<'a> {
        let networks = match ledger.definition() {
            Some(definition) => definition
                .thermal_networks
                .values()
                .map(|network| Laid::new(network, definition, ledger))
                .collect(),
            None => Vec::new(),
        };
        Thermal { networks }
    }

    /// An hour of a network, by its node; `None` while some meter does not cover it.
    pub fn hour(
        &self,
        carrier: Carrier,
        node: &AssetId,
        hour_start: UnixSeconds,
    ) -> Option<ThermalHour> {
        let is_it =
            |laid: &&Laid<'_>| laid.network.carrier == carrier && laid.network.node == *node;
        self.networks.iter().find(is_it)?.hour(hour_start)
    }

    /// Balances of the hours that start in a period, network by network.
    pub fn balances(&self, period: DayPeriod) -> Vec<(NaturalMedium, &'a AssetId, BalanceSums)> {
        let balanced = self.networks.iter().filter(|laid| laid.network.is_metered);
        balanced
            .map(|laid| {
                let mut sums = BalanceSums::default();
                for hour in hour_starts(period).filter_map(|start| laid.hour(start)) {
                    sums.add(hour.supplied_wh, hour.used_wh + hour.lost_wh, 0);
                }
                (medium_of(laid.network.carrier), &laid.network.node, sums)
            })
            .collect()
    }

    /// Totals of the hours that start in a period by account and asset, without those of nothing. What a meter counted is in them
    /// even where an hour has a gap; losses are those of the balanced hours.
    pub fn totals(&self, period: DayPeriod) -> BTreeMap<(NaturalAccount, &'a AssetId), i64> {
        let mut totals: BTreeMap<(NaturalAccount, &'a AssetId), i64> = BTreeMap::new();
        for laid in &self.networks {
            let (supplied, used, lost) = accounts_of(laid.network.carrier);
            for meter in &laid.meters {
                let Some(book) = meter.book else { continue };
                let metered: i64 = hour_starts(period)
                    .map(|start| book.hour(start, Sight::ALL).energy.0)
                    .sum();
                let account = if meter.is_supply { supplied } else { used };
                *totals.entry((account, meter.asset)).or_default() += metered;
            }
            let hours = hour_starts(period).filter_map(|start| laid.hour(start));
            let lost_wh: i64 = hours.map(|hour| hour.lost_wh).sum();
            totals.insert((lost, &laid.network.node), lost_wh);
        }
        totals.retain(|_, amount| *amount != 0);
        totals
    }
}

/// What a reading of a meter of heat or cold balances, or balances anew. Nothing for other meters.
pub fn balanced_by(
    ledger: &ParkLedger,
    meter: &MeterId,
    interval: Interval,
    balances: &mut Vec<OpenBalance>,
) {
    let Some(definition) = ledger.definition() else {
        return;
    };
    let Some(metered) = definition.meters.get(meter) else {
        return;
    };
    let Some(carrier) = metered.measures.carrier() else {
        return;
    };
    let key = (carrier, metered.node.clone());
    let network = &definition.thermal_networks[&key];
    let Some(book) = ledger.meter(meter).filter(|_| network.is_metered) else {
        return;
    };
    let laid = Laid::new(network, definition, ledger);
    for hour_start in book.changed_by(interval).hour_starts() {
        if let Some(hour) = laid.hour(hour_start) {
            balances.push(OpenBalance {
                medium: medium_of(carrier),
                asset: network.node.clone(),
                hour_start,
                unexplained: hour.unexplained_wh(),
            });
        }
    }
}

impl<'a> Laid<'a> {
    fn new(
        network: &'a ThermalNetwork,
        definition: &'a ParkDefinition,
        ledger: &'a ParkLedger,
    ) -> Laid<'a> {
        let loss_from = |asset: &AssetId| -> i64 {
            let lines = network.lines.iter().filter(|line| line.from == *asset);
            lines.map(|line| line.loss_w).sum()
        };
        let mut meters: Vec<LaidMeter<'a>> = Vec::with_capacity(network.meters.len());
        for id in &network.meters {
            let meter = &definition.meters[id];
            let is_supply = meter.measures.is_thermal_supply();
            let is_first = !meters
                .iter()
                .any(|other| other.is_supply && *other.asset == meter.asset);
            meters.push(LaidMeter {
                asset: &meter.asset,
                is_supply,
                book: ledger.meter(id),
                loss_w: if is_supply && is_first {
                    loss_from(&meter.asset)
                } else {
                    0
                },
            });
        }
        let of_sources: i64 = network.sources.iter().map(loss_from).sum();
        let of_all: i64 = network.lines.iter().map(|line| line.loss_w).sum();
        Laid {
            network,
            meters,
            shared_loss_w: of_all - of_sources,
        }
    }

    fn hour(&self, hour_start: UnixSeconds) -> Option<ThermalHour> {
        if !self.network.is_metered {
            return None;
        }
        let mut hour = ThermalHour::default();
        let mut loss_w = 0;
        for meter in &self.meters {
            let metered = meter.book?.hour(hour_start, Sight::ALL);
            if !metered.is_complete() {
                return None;
            }
            if meter.is_supply {
                hour.supplied_wh += metered.energy.0;
                loss_w += if metered.energy.0 > 0 {
                    meter.loss_w
                } else {
                    0
                };
            } else {
                hour.used_wh += metered.energy.0;
            }
        }
        if hour.supplied_wh > 0 {
            // W over an hour are as many Wh.
            hour.lost_wh = (loss_w + self.shared_loss_w).min(hour.supplied_wh);
        }
        Some(hour)
    }
}

fn hour_starts(period: DayPeriod) -> impl Iterator<Item = UnixSeconds> {
    let first_s = period.from.0.div_euclid(SECONDS_PER_HOUR)
        + i64::from(period.from.0.rem_euclid(SECONDS_PER_HOUR) != 0);
    (first_s * SECONDS_PER_HOUR..period.to.0)
        .step_by(SECONDS_PER_HOUR as usize)
        .map(UnixSeconds)
}

fn medium_of(carrier: Carrier) -> NaturalMedium {
    match carrier {
        Carrier::Heat => NaturalMedium::HeatWh,
        Carrier::Cold => NaturalMedium::ColdWh,
    }
}

/// Supplied, used and lost.
fn accounts_of(carrier: Carrier) -> (NaturalAccount, NaturalAccount, NaturalAccount) {
    match carrier {
        Carrier::Heat => (
            NaturalAccount::HeatSuppliedWh,
            NaturalAccount::HeatUsedWh,
            NaturalAccount::HeatLostWh,
        ),
        Carrier::Cold => (
            NaturalAccount::ColdSuppliedWh,
            NaturalAccount::ColdUsedWh,
            NaturalAccount::ColdLostWh,
        ),
    }
}
