//! The natural books of one park.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AssetId, EnergyWh, Interval, ParkDefinition, Shelf, TimeZone, UnixSeconds, hour_shares,
};

use super::account::{NaturalAccount, NaturalFact};
use super::masses::Masses;
use super::pipes::{Channel, Pipes};
use super::tanks::{BalanceSums, NaturalMedium, Tanks};
use crate::hash::Hasher;
use crate::park_ledger::Period;

const SECONDS_PER_DAY: i64 = 86_400;

/// A stretch of whole days of the park: from (inclusive) to (exclusive), both midnights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayPeriod {
    /// First midnight.
    pub from: UnixSeconds,
    /// Last midnight.
    pub to: UnixSeconds,
}

/// A balance that can be told now, or anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBalance {
    /// What is balanced.
    pub medium: NaturalMedium,
    /// The tank, or the node of a network.
    pub asset: AssetId,
    /// The hour.
    pub hour_start: UnixSeconds,
    /// Litres or Wh that no meter explains.
    pub unexplained: i64,
}

/// Everything that these books know of one park.
#[derive(Default)]
pub struct NaturalBook {
    zone: Option<TimeZone>,
    pipes: Pipes,
    tanks: Tanks,
    masses: Masses,
    /// CO2 in the living trees of each group.
    trees: BTreeMap<AssetId, i64>,
    /// By asset, account and day of the park (days since 1970-01-01).
    of_assets: BTreeMap<AssetId, BTreeMap<NaturalAccount, BTreeMap<i64, i64>>>,
    of_park: BTreeMap<NaturalAccount, BTreeMap<i64, i64>>,
    /// First and last day with a fact.
    days: Option<(i64, i64)>,
}

impl NaturalBook {
    /// An empty one, whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> NaturalBook {
        NaturalBook {
            tanks: Tanks::shelved(shelf),
            ..NaturalBook::default()
        }
    }

    /// The park is, from now on, as defined here; what was taken in before stays where it went.
    pub fn define(&mut self, park: &ParkDefinition) {
        self.zone = Some(park.time_zone.clone());
        self.pipes = Pipes::of(park);
        self.tanks.define(self.pipes.tanks(park));
    }

    /// Takes in a fact. What can be balanced by it is added to `balances`.
    pub fn apply(&mut self, fact: &NaturalFact, balances: &mut Vec<OpenBalance>) {
        use NaturalAccount as Account;
        match fact {
            NaturalFact::TankFlow {
                tank,
                pipe,
                interval,
                litres,
            } => {
                self.count_over(tank, pipe.account(), *interval, *litres);
                let channel = Channel::Pipe(tank.clone(), *pipe);
                self.flow(&channel, *interval, *litres, balances);
            }
            NaturalFact::WaterUsed {
                asset,
                network,
                interval,
                litres,
            } => {
                self.count_over(asset, network.used(), *interval, *litres);
                let channel = Channel::User(asset.clone(), *network);
                self.flow(&channel, *interval, *litres, balances);
            }
            NaturalFact::TankLevel { tank, at, litres } => {
                let mut touched = Vec::new();
                self.tanks.level(tank, *at, *litres, &mut touched);
                self.tell(touched, balances);
            }
            NaturalFact::HeatGiven {
                source,
                interval,
                heat_wh,
            } => self.count_over(source, Account::HeatGivenWh, *interval, *heat_wh),
            NaturalFact::VisitorsCounted {
                counter,
                interval,
                entered,
            } => self.count_over(counter, Account::Visitors, *interval, *entered),
            NaturalFact::BinEmptied {
                bin,
                at,
                collection,
                weight_g,
            } => {
                self.masses.emptied(collection, *weight_g);
                self.count(bin, Account::EmptiedG, *at, weight_g.unwrap_or(0));
            }
            NaturalFact::CollectionWeighed {
                collection,
                at,
                bins,
                weight_g,
            } => {
                self.masses.weighed(collection, *at, *bins, *weight_g);
                let day = self.note_day(*at);
                let days = self.of_park.entry(Account::TicketsG).or_default();
                *days.entry(day).or_default() += weight_g;
            }
            NaturalFact::CompostMoved {
                bay,
                batch,
                at,
                weight_g,
            } => {
                self.masses.moved(bay, batch, *weight_g);
                if *weight_g >= 0 {
                    self.count(bay, Account::CompostFedG, *at, *weight_g);
                } else {
                    self.count(bay, Account::CompostTakenG, *at, -weight_g);
                }
            }
            NaturalFact::CompostEnded {
                bay,
                batch,
                at,
                fed_g,
                product_g,
            } => {
                self.masses.ended(bay, batch, *at, *fed_g, *product_g);
                self.count(bay, Account::CompostLostG, *at, fed_g - product_g);
            }
            NaturalFact::SessionEnded {
                charger,
                at,
                in_wh,
                out_wh,
            } => {
                self.count(charger, Account::Sessions, *at, 1);
                self.count(charger, Account::ToVehiclesWh, *at, *in_wh);
                self.count(charger, Account::FromVehiclesWh, *at, *out_wh);
            }
            NaturalFact::ShuttleTrip {
                vehicle,
                at,
                distance_m,
            } => self.count(vehicle, Account::ShuttleDistanceM, *at, *distance_m),
            NaturalFact::TreesSurveyed { group, at, co2_g } => {
                let before = self.trees.insert(group.clone(), *co2_g);
                // What the first survey finds was there when the record began.
                let grown_g = before.map_or(0, |before| co2_g - before);
                self.count(group, Account::TreesGrownG, *at, grown_g);
            }
            NaturalFact::TreesDied {
                group,
                at,
                count,
                co2_g,
            } => {
                let before = self.trees.insert(group.clone(), *co2_g);
                self.count(group, Account::TreesDied, *at, *count);
                let lost_g = before.map_or(0, |before| before - co2_g);
                self.count(group, Account::TreesLostG, *at, lost_g);
            }
        }
    }

    /// From the first day with a fact to the end of the last; `None` without any.
    pub fn days(&self) -> Option<DayPeriod> {
        let (first, last) = self.days?;
        Some(DayPeriod {
            from: self.midnight(first),
            to: self.midnight(last + 1),
        })
    }

    /// As [`NaturalBook::days`], with the days of a metered period.
    pub fn days_with(&self, metered: Option<Period>) -> Option<DayPeriod> {
        let metered = metered.map(|metered| {
            let (first, last) = (
                self.day_of(metered.from),
                self.day_of(UnixSeconds(metered.to.0 - 1)),
            );
            DayPeriod {
                from: self.midnight(first),
                to: self.midnight(last + 1),
            }
        });
        match (self.days(), metered) {
            (Some(one), Some(other)) => Some(DayPeriod {
                from: one.from.min(other.from),
                to: one.to.max(other.to),
            }),
            (one, other) => one.or(other),
        }
    }

    /// Whether an instant is the start of a day of the park.
    pub fn is_midnight(&self, instant: UnixSeconds) -> bool {
        self.midnight(self.day_of(instant)) == instant
    }

    /// Totals of the period by account and asset (`None`: the park's own), without those of nothing.
    pub fn totals(&self, period: DayPeriod) -> BTreeMap<(NaturalAccount, Option<&AssetId>), i64> {
        let days = self.day_of(period.from)..self.day_of(period.to);
        let mut totals = BTreeMap::new();
        let mut add = |account, asset, amounts: &BTreeMap<i64, i64>| {
            if days.is_empty() {
                return;
            }
            let sum: i64 = amounts.range(days.clone()).map(|(_, amount)| amount).sum();
            if sum != 0 {
                totals.insert((account, asset), sum);
            }
        };
        for (account, amounts) in &self.of_park {
            add(*account, None, amounts);
        }
        for (asset, accounts) in &self.of_assets {
            for (account, amounts) in accounts {
                add(*account, Some(asset), amounts);
            }
        }
        totals
    }

    /// Balances of the period: of tanks and bays, and (without an asset) of collections.
    pub fn balances(
        &self,
        period: DayPeriod,
    ) -> Vec<(NaturalMedium, Option<&AssetId>, BalanceSums)> {
        let (from, to) = (period.from, period.to);
        let mut balances = vec![(
            NaturalMedium::MassG,
            None,
            self.masses.collections(from, to),
        )];
        for (tank, sums) in self.tanks.sums(from, to) {
            balances.push((NaturalMedium::WaterL, Some(tank), sums));
        }
        for (bay, sums) in self.masses.bays(from, to) {
            balances.push((NaturalMedium::MassG, Some(bay), sums));
        }
        balances.sort_by_key(|(medium, asset, _)| (*asset, *medium));
        balances
    }

    /// What is left over of a tank's hour; `None` while something of it is missing.
    pub fn unexplained_l(&self, tank: &AssetId, hour_start: UnixSeconds) -> Option<i64> {
        self.tanks.unexplained_l(tank, hour_start)
    }

    /// Grams that a collection's ticket says beside what its bins weighed; `None` while either is missing.
    pub fn weighing_difference_g(&self, collection: &str) -> Option<i64> {
        self.masses.difference_g(collection)
    }

    /// Lets go of what is of days (since 1970) before one: its totals and balances can't be asked for afterwards.
    pub fn forget_days_before(&mut self, day: i64) {
        self.tanks.forget_days_before(day);
        self.masses
            .forget_before(UnixSeconds(day * SECONDS_PER_DAY));
        let of_assets = self.of_assets.values_mut().flat_map(BTreeMap::values_mut);
        for days in of_assets.chain(self.of_park.values_mut()) {
            *days = days.split_off(&day);
        }
    }

    /// A hash of all that these books say. They hold no positions.
    pub fn hash(&mut self) -> [u8; 32] {
        let mut hasher = Hasher::new("natural-books");
        let accounts_of = |hasher: &mut Hasher, accounts: &BTreeMap<_, BTreeMap<i64, i64>>| {
            for (account, amounts) in accounts {
                hasher.number(*account as i64);
                for (day, amount) in amounts {
                    hasher.number(*day).number(*amount);
                }
            }
        };
        accounts_of(&mut hasher, &self.of_park);
        for (asset, accounts) in &self.of_assets {
            hasher.text(asset.as_str());
            accounts_of(&mut hasher, accounts);
        }
        for (group, co2_g) in &self.trees {
            hasher.text(group.as_str()).number(*co2_g);
        }
        self.tanks.hash(&mut hasher);
        self.masses.hash(&mut hasher);
        hasher.finish()
    }

    fn flow(
        &mut self,
        channel: &Channel,
        interval: Interval,
        litres: i64,
        balances: &mut Vec<OpenBalance>,
    ) {
        let mut touched = Vec::new();
        self.tanks
            .flow(&self.pipes, channel, interval, litres, &mut touched);
        self.tell(touched, balances);
    }

    fn tell(&self, touched: Vec<(AssetId, UnixSeconds)>, balances: &mut Vec<OpenBalance>) {
        for (asset, hour_start) in touched {
            if let Some(unexplained_l) = self.tanks.unexplained_l(&asset, hour_start) {
                balances.push(OpenBalance {
                    medium: NaturalMedium::WaterL,
                    asset,
                    hour_start,
                    unexplained: unexplained_l,
                });
            }
        }
    }

    fn count_over(
        &mut self,
        asset: &AssetId,
        account: NaturalAccount,
        interval: Interval,
        amount: i64,
    ) {
        if !interval.crosses_hour_border() {
            self.count(asset, account, interval.start, amount);
            return;
        }
        for share in hour_shares(interval, EnergyWh(amount)) {
            let at = share.hour_start.max(interval.start);
            self.count(asset, account, at, share.energy.0);
        }
    }

    fn count(&mut self, asset: &AssetId, account: NaturalAccount, at: UnixSeconds, amount: i64) {
        let day = self.note_day(at);
        if amount == 0 {
            return;
        }
        if !self.of_assets.contains_key(asset) {
            self.of_assets.insert(asset.clone(), BTreeMap::new());
        }
        let accounts = self.of_assets.get_mut(asset).expect("inserted above");
        let days = accounts.entry(account).or_default();
        *days.entry(day).or_default() += amount;
    }

    fn note_day(&mut self, at: UnixSeconds) -> i64 {
        let day = self.day_of(at);
        let (first, last) = self.days.unwrap_or((day, day));
        self.days = Some((first.min(day), last.max(day)));
        day
    }

    fn day_of(&self, at: UnixSeconds) -> i64 {
        (at.0 + self.offset_s(at)).div_euclid(SECONDS_PER_DAY)
    }

    /// The first second of a day of the park. Twice, because the offset belongs to the instant that is looked for.
    fn midnight(&self, day: i64) -> UnixSeconds {
        let utc = UnixSeconds(day * SECONDS_PER_DAY);
        let guess = UnixSeconds(utc.0 - self.offset_s(utc));
        UnixSeconds(utc.0 - self.offset_s(guess))
    }

    fn offset_s(&self, at: UnixSeconds) -> i64 {
        let zone = self.zone.as_ref();
        zone.map_or(0, |zone| i64::from(zone.offset_seconds(at)))
    }
}
