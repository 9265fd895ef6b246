//! Water, balanced for each tank and hour: what ran in, less what ran out, less what it holds more.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_model::{
    AssetId, EnergyWh, Interval, SECONDS_PER_HOUR, Shelf, UnixSeconds, hour_shares,
};

use super::pipes::{Channel, Pipes};
use crate::bytes::{Bytes, Damaged, Unread};
use crate::days::{Day, Days};
use crate::energy::meter_book::{HOURS_PER_DAY, day_and_hour, hour_start_of};
use crate::hash::{DayHash, Hasher};

/// What is balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NaturalMedium {
    /// Litres, hour by hour.
    WaterL,
    /// Grams, collection by collection or batch by batch.
    MassG,
    /// Wh of heat, hour by hour.
    HeatWh,
    /// Wh of cold, hour by hour.
    ColdWh,
}

/// Sums of balances. Always `incoming = outgoing + stored + unexplained`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalanceSums {
    /// Hours, collections or batches that are balanced.
    pub closed: u64,
    /// Of those, with something left over.
    pub open: u64,
    /// What came in.
    pub incoming: i64,
    /// What went out.
    pub outgoing: i64,
    /// What is held more at the end than at the start.
    pub stored: i64,
    /// What is left over, with its sign.
    pub unexplained: i64,
    /// What is left over each time, without its sign.
    pub unexplained_absolute: i64,
}

impl BalanceSums {
    pub(super) fn add(&mut self, incoming: i64, outgoing: i64, stored: i64) {
        let unexplained = incoming - outgoing - stored;
        self.closed += 1;
        self.open += u64::from(unexplained != 0);
        self.incoming += incoming;
        self.outgoing += outgoing;
        self.stored += stored;
        self.unexplained += unexplained;
        self.unexplained_absolute += unexplained.abs();
    }
}

/// All tanks of a park.
#[derive(Default)]
pub(super) struct Tanks {
    shelf: Option<Arc<dyn Shelf>>,
    tanks: BTreeMap<AssetId, Days<TankDay>>,
    /// What the definition knows of each tank.
    defined: BTreeMap<AssetId, DefinedTank>,
}

/// Whose meters an hour of a tank needs to be balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DefinedTank {
    /// Users of it, and tanks below it.
    pub(super) takers: u32,
    /// Pipes of its own, a bit each; others count where they report.
    pub(super) pipes: u8,
}

/// The hours of a tank's day.
struct TankDay {
    /// Days since 1970, UTC.
    day: i64,
    hours: [TankHour; HOURS_PER_DAY],
}

#[derive(Clone, Copy, Default)]
struct TankHour {
    in_l: i64,
    out_l: i64,
    /// At its end.
    level_l: Option<i64>,
    /// Seconds that flows cover, all flows together.
    covered_s: u32,
    /// Pipes of the tank that reported in it, a bit each.
    pipes: u8,
}

impl Tanks {
    /// None yet; their far past goes to a shelf.
    pub(super) fn shelved(shelf: Option<Arc<dyn Shelf>>) -> Tanks {
        Tanks {
            shelf,
            ..Tanks::default()
        }
    }

    /// From now on flows count as this definition says.
    pub(super) fn define(&mut self, defined: BTreeMap<AssetId, DefinedTank>) {
        self.defined = defined;
    }

    /// Takes in a flow. Hours of tanks that it belongs to are added to `touched`.
    pub(super) fn flow(
        &mut self,
        pipes: &Pipes,
        channel: &Channel,
        interval: Interval,
        litres: i64,
        touched: &mut Vec<(AssetId, UnixSeconds)>,
    ) {
        let into = pipes.tank_it_fills(channel).cloned();
        let out_of = pipes.tank_it_drains(channel).cloned();
        if into.is_none() && out_of.is_none() {
            return;
        }
        // Litres are laid over hours by the same rule as Wh.
        for share in hour_shares(interval, EnergyWh(litres)) {
            if let Some(tank) = &into {
                let hour = self.hour(tank, share.hour_start);
                hour.in_l += share.energy.0;
                hour.cover(share.seconds, channel, tank);
                touched.push((tank.clone(), share.hour_start));
            }
            if let Some(tank) = &out_of {
                let hour = self.hour(tank, share.hour_start);
                hour.out_l += share.energy.0;
                hour.cover(share.seconds, channel, tank);
                touched.push((tank.clone(), share.hour_start));
            }
        }
    }

    /// Takes in a level; only those at full hours close one.
    pub(super) fn level(
        &mut self,
        tank: &AssetId,
        at: UnixSeconds,
        litres: i64,
        touched: &mut Vec<(AssetId, UnixSeconds)>,
    ) {
        if at.start_of_hour() != at {
            return;
        }
        let ended = UnixSeconds(at.0 - SECONDS_PER_HOUR);
        self.hour(tank, ended).level_l = Some(litres);
        touched.push((tank.clone(), ended));
        touched.push((tank.clone(), at));
    }

    /// What is left over of an hour: `None` while something of it is missing.
    pub(super) fn unexplained_l(&self, tank: &AssetId, hour_start: UnixSeconds) -> Option<i64> {
        let (hour, stored_l) = self.closed(tank, hour_start)?;
        Some(hour.in_l - hour.out_l - stored_l)
    }

    /// Balances of hours that start in the period, tank by tank.
    pub(super) fn sums(
        &self,
        from: UnixSeconds,
        to: UnixSeconds,
    ) -> impl Iterator<Item = (&AssetId, BalanceSums)> {
        self.tanks.iter().map(move |(tank, days)| {
            let mut sums = BalanceSums::default();
            let (first_day, _) = day_and_hour(from);
            let (last_day, _) = day_and_hour(to);
            let mut next = days.from(first_day).map(|found| found.day);
            while let Some(day) = next.filter(|day| *day <= last_day) {
                for place in 0..HOURS_PER_DAY {
                    let hour_start = hour_start_of(day, place);
                    if hour_start < from || hour_start >= to {
                        continue;
                    }
                    if let Some((hour, stored_l)) = self.closed(tank, hour_start) {
                        sums.add(hour.in_l, hour.out_l, stored_l);
                    }
                }
                next = days.from(day + 1).map(|found| found.day);
            }
            (tank, sums)
        })
    }

    /// Lets go of the days before one.
    pub(super) fn forget_days_before(&mut self, day: i64) {
        for days in self.tanks.values_mut() {
            days.forget_before(day, false);
        }
    }

    /// Writes down all of it. It holds no positions.
    pub(super) fn hash(&mut self, hasher: &mut Hasher) {
        for (tank, days) in &mut self.tanks {
            hasher.text(tank.as_str());
            days.hash_into(hasher, &mut Hasher::new("no-positions"));
        }
    }

    /// An hour of which nothing is missing, and what the tank holds more at its end.
    fn closed(&self, tank: &AssetId, hour_start: UnixSeconds) -> Option<(TankHour, i64)> {
        let hour = self.look(tank, hour_start)?;
        let before = self.look(tank, UnixSeconds(hour_start.0 - SECONDS_PER_HOUR))?;
        let stored_l = hour.level_l? - before.level_l?;
        let defined = self.defined.get(tank)?;
        let flows = defined.takers + hour.pipes.count_ones();
        let is_whole = hour.pipes & defined.pipes == defined.pipes
            && hour.covered_s == flows * SECONDS_PER_HOUR as u32;
        is_whole.then_some((hour, stored_l))
    }

    fn look(&self, tank: &AssetId, hour_start: UnixSeconds) -> Option<TankHour> {
        let (day, hour) = day_and_hour(hour_start);
        Some(self.tanks.get(tank)?.at(day)?.hours[hour])
    }

    fn hour(&mut self, tank: &AssetId, hour_start: UnixSeconds) -> &mut TankHour {
        let (day, hour) = day_and_hour(hour_start);
        if !self.tanks.contains_key(tank) {
            let days = Days::shelved(self.shelf.clone());
            self.tanks.insert(tank.clone(), days);
        }
        let days = self.tanks.get_mut(tank).expect("inserted above");
        let day = days.at_mut(day, || TankDay {
            day,
            hours: Default::default(),
        });
        &mut day.hours[hour]
    }
}

impl TankHour {
    fn cover(&mut self, seconds: u32, channel: &Channel, tank: &AssetId) {
        self.covered_s += seconds;
        if let Channel::Pipe(own, pipe) = channel
            && own == tank
        {
            self.pipes |= pipe.bit();
        }
    }
}

impl Day for TankDay {
    fn day(&self) -> i64 {
        self.day
    }

    fn hash(&mut self) -> DayHash {
        let mut hasher = Hasher::new("tank-day");
        for hour in &self.hours {
            hasher
                .number(hour.in_l)
                .number(hour.out_l)
                .number(hour.level_l.unwrap_or(-1))
                .number(i64::from(hour.covered_s))
                .number(i64::from(hour.pipes));
        }
        let hash = hasher.finish();
        DayHash {
            content: hash,
            state: hash,
        }
    }

    fn write_to(&self, bytes: &mut Bytes) {
        bytes.i64(self.day);
        for hour in &self.hours {
            bytes
                .i64(hour.in_l)
                .i64(hour.out_l)
                .i64(hour.level_l.unwrap_or(i64::MIN))
                .u32(hour.covered_s)
                .u8(hour.pipes);
        }
    }

    fn read_from(unread: &mut Unread<'_>) -> Result<TankDay, Damaged> {
        let mut day = TankDay {
            day: unread.i64()?,
            hours: Default::default(),
        };
        for hour in &mut day.hours {
            *hour = TankHour {
                in_l: unread.i64()?,
                out_l: unread.i64()?,
                level_l: Some(unread.i64()?).filter(|level_l| *level_l != i64::MIN),
                covered_s: unread.u32()?,
                pipes: unread.u8()?,
            };
        }
        Ok(day)
    }
}
