//! What a year of a park's record says of each published figure. Pure.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::{
    AssetId, AssetKind, AssetParameters, ConnectionKind, ConnectionSource, Decimal, ParkDefinition,
    Published, PublishedFigure, WasteStream, round_half_even_div,
};
use terrarium_proto::ledger::v1::{BalanceLine, NaturalAccount, NaturalTotal};

/// A year as calendars without leap days have it.
pub const DAYS_PER_YEAR: i64 = 365;

/// An exact number; the denominator is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    fn of(numerator: i128, denominator: i128) -> Ratio {
        Ratio {
            numerator,
            denominator,
        }
    }

    /// A published number.
    pub fn of_decimal(decimal: &Decimal) -> Ratio {
        Ratio::of(decimal.mantissa(), 10_i128.pow(u32::from(decimal.scale())))
    }

    /// With so many decimals, rounded once, half to even.
    pub fn rounded(self, decimals: u32) -> String {
        let scale = 10_i128.pow(decimals);
        let rounded = round_half_even_div(self.numerator * scale, self.denominator);
        let sign = if rounded < 0 { "-" } else { "" };
        let (whole, rest) = (rounded.abs() / scale, rounded.abs() % scale);
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{rest:0width$}", width = decimals as usize)
    }

    /// How much more it is than `other`, in percent; `None` where that is 0.
    pub fn percent_above(self, other: Ratio) -> Option<Ratio> {
        let base = self.denominator * other.numerator;
        if base == 0 {
            return None;
        }
        let more = self.numerator * other.denominator - base;
        Some(if base < 0 {
            Ratio::of(-more * 100, -base)
        } else {
            Ratio::of(more * 100, base)
        })
    }
}

/// What the books say of a period.
pub struct Recorded<'a> {
    pub park: &'a ParkDefinition,
    /// Energy of all nodes.
    pub energy: &'a BalanceLine,
    pub totals: &'a [NaturalTotal],
    /// Days of the period, 1 or more.
    pub days: i64,
}

impl Recorded<'_> {
    /// What the record says of a figure, in its unit; `None`: nothing.
    pub fn figure(&self, published: &Published) -> Option<Ratio> {
        let energy = self.energy;
        let own_use_wh = energy.generation_wh - energy.export_wh;
        match published.figure {
            PublishedFigure::Generation => Some(self.per_year(energy.generation_wh, 1_000_000)),
            PublishedFigure::OwnUse => Some(self.per_year(own_use_wh, 1_000_000)),
            PublishedFigure::Export => Some(self.per_year(energy.export_wh, 1_000_000)),
            PublishedFigure::Import => Some(self.per_year(energy.import_wh, 1_000_000)),
            PublishedFigure::OwnShare => share(own_use_wh, own_use_wh + energy.import_wh),
            PublishedFigure::ToVehicles => {
                let to_wh = self.total(NaturalAccount::ToVehiclesWh, |_| true);
                Some(self.per_year(to_wh, 1_000_000))
            }
            PublishedFigure::FromVehicles => {
                let from_wh = self.total(NaturalAccount::FromVehiclesWh, |_| true);
                Some(self.per_year(from_wh, 1_000_000))
            }
            PublishedFigure::FreshWater => {
                let fresh_l = self.fresh_water_l(published.asset.as_ref());
                Some(self.per_day(fresh_l, 1_000))
            }
            PublishedFigure::Irrigation => {
                Some(self.per_year(self.irrigation_l().iter().sum(), 1_000))
            }
            PublishedFigure::IrrigationWithoutFreshWater => {
                let [fresh_l, other_l] = self.irrigation_l();
                share(other_l, fresh_l + other_l)
            }
            PublishedFigure::WasteCollected => {
                let collected_g = self.collected_g(published.stream);
                Some(self.per_year(collected_g, 1_000))
            }
            PublishedFigure::CompostTaken => {
                let taken_g = self.total(NaturalAccount::CompostTakenG, |_| true);
                Some(self.per_year(taken_g, 1_000))
            }
            PublishedFigure::TreeUptake => {
                let grown_g = self.total(NaturalAccount::TreesGrownG, |_| true);
                let lost_g = self.total(NaturalAccount::TreesLostG, |_| true);
                Some(self.per_year(grown_g - lost_g, 1_000_000))
            }
            PublishedFigure::Visitors => {
                Some(self.per_day(self.total(NaturalAccount::Visitors, |_| true), 1))
            }
            PublishedFigure::OtherEmissions => None,
        }
    }

    fn per_year(&self, amount: i64, base_units: i128) -> Ratio {
        // A leap year is a year too.
        let (days, of) = match self.days {
            366 => (1, 1),
            days => (i128::from(DAYS_PER_YEAR), i128::from(days)),
        };
        Ratio::of(i128::from(amount) * days, base_units * of)
    }

    fn per_day(&self, amount: i64, base_units: i128) -> Ratio {
        Ratio::of(i128::from(amount), base_units * i128::from(self.days))
    }

    fn total(&self, account: NaturalAccount, is_meant: impl Fn(&str) -> bool) -> i64 {
        let of_account =
            |total: &&NaturalTotal| total.account() == account && is_meant(total.asset.as_str());
        let amounts = self.totals.iter().filter(of_account);
        amounts.map(|total| total.amount).sum()
    }

    /// Drinking water of an asset and of all that leads to it by water; without one, of the park.
    fn fresh_water_l(&self, asset: Option<&AssetId>) -> i64 {
        let meant = asset.map(|asset| upstream(self.park, asset));
        let is_meant = |id: &str| meant.as_ref().is_none_or(|meant| meant.contains(id));
        self.total(NaturalAccount::UsedSupplyL, is_meant)
            + self.total(NaturalAccount::TankSupplyInL, is_meant)
    }

    /// Of what irrigation zones took: drinking water (by way of their tanks too), and all other.
    fn irrigation_l(&self) -> [i64; 2] {
        let mut tanks: BTreeSet<&str> = BTreeSet::new();
        for asset in self.park.assets.values() {
            if let AssetParameters::IrrigationZone { tank, .. } = &asset.parameters {
                tanks.insert(tank.as_str());
            }
        }
        let is_zone = |id: &str| {
            let asset = self.park.assets.get(id);
            asset.is_some_and(|asset| asset.kind == AssetKind::IrrigationZone)
        };
        let used_l = |account| self.total(account, is_zone);
        let all_l = used_l(NaturalAccount::UsedSupplyL)
            + used_l(NaturalAccount::UsedReclaimedL)
            + used_l(NaturalAccount::UsedRainL);
        let into_tanks_l = self.total(NaturalAccount::TankSupplyInL, |id| tanks.contains(id));
        let fresh_l = (used_l(NaturalAccount::UsedSupplyL) + into_tanks_l).min(all_l);
        [fresh_l, all_l - fresh_l]
    }

    /// By what bins weighed themselves, for a ticket may be of several streams; of all streams by the tickets.
    fn collected_g(&self, stream: Option<WasteStream>) -> i64 {
        let Some(stream) = stream else {
            return self.total(NaturalAccount::TicketsG, |_| true);
        };
        self.total(NaturalAccount::EmptiedG, |id| {
            let asset = self.park.assets.get(id);
            asset.is_some_and(|asset| {
                matches!(asset.parameters, AssetParameters::Bin { waste, .. } if waste == stream)
            })
        })
    }
}

fn share(part: i64, whole: i64) -> Option<Ratio> {
    (whole > 0).then(|| Ratio::of(i128::from(part) * 100, i128::from(whole)))
}

/// An asset and everything from which water leads to it.
fn upstream(park: &ParkDefinition, asset: &AssetId) -> BTreeSet<String> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for connection in &park.connections {
        if let (ConnectionKind::Water, ConnectionSource::Asset(from)) =
            (connection.kind, &connection.from)
        {
            let of_target = sources.entry(connection.to.as_str()).or_default();
            of_target.push(from.as_str());
        }
    }
    let mut found = BTreeSet::from([asset.to_string()]);
    let mut waiting = vec![asset.as_str()];
    while let Some(next) = waiting.pop() {
        for source in sources.get(next).into_iter().flatten() {
            if found.insert((*source).to_owned()) {
                waiting.push(source);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once_and_differences_are_in_percent() {
        assert_eq!(Ratio::of(112_345_678, 1_000_000).rounded(2), "112.35");
        assert_eq!(Ratio::of(-5, 1_000).rounded(2), "0.00");
        assert_eq!(Ratio::of(-15, 10).rounded(0), "-2");
        let planned = Ratio::of_decimal(&Decimal::parse("112").unwrap());
        let simulated = Ratio::of(1_064, 10);
        let difference = simulated.percent_above(planned).unwrap();
        assert_eq!(difference.rounded(1), "-5.0");
        let nothing = Ratio::of_decimal(&Decimal::parse("0").unwrap());
        assert_eq!(simulated.percent_above(nothing), None);
    }
}
