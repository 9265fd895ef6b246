//! Stored energy as lots, each with where it came from, since when, and the emissions that it carries.
//!
//! What is charged is a lot; what is discharged is taken from lots, the oldest first unless another order is chosen. A store gives
//! back less than it took: the loss belongs to the lots it was lost from and bears their emissions. Whose store is whose, and what
//! flows between them in an hour, is in [`super::stores`].
//! Wh and milligrams are split by cumulative rounding, so that the parts always add up to the whole.

use std::collections::VecDeque;

use terrarium_model::{UnixSeconds, round_half_even_div};

/// Wh given back of a thousand that were charged: a lithium store on its alternating-current side; `assumed` for every store.
pub const ROUND_TRIP_PERMILLE: i64 = 900;

/// Where stored energy came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Generated at the node.
    OnSite,
    /// Taken from the grid.
    Grid,
    /// Bought from someone else's store, such as a car.
    ThirdParty,
    /// More came out than is known to have gone in: what was stored before the first reading.
    Unknown,
}

/// Which lot is taken from first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LotOrder {
    /// The oldest.
    #[default]
    Fifo,
    /// The newest.
    Lifo,
}

/// Energy that was charged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Where it came from.
    pub source: Source,
    /// When it was charged.
    pub since: UnixSeconds,
    /// Wh of it that are left, as charged.
    pub wh: i64,
    /// Emissions that they carry, mg.
    pub mg: i64,
}

/// What a discharge took out of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where it came from.
    pub source: Source,
    /// When it was charged.
    pub since: UnixSeconds,
    /// Wh that came out.
    pub delivered_wh: i64,
    /// Emissions of those, mg.
    pub delivered_mg: i64,
    /// Wh that were lost on the way through the store.
    pub lost_wh: i64,
    /// Emissions of those, mg.
    pub lost_mg: i64,
}

/// The content of a store.
#[derive(Clone, Debug)]
pub struct Lots {
    lots: VecDeque<Lot>,
    order: LotOrder,
    round_trip_permille: i64,
}

impl Lots {
    /// An empty store that gives back so many of a thousand Wh.
    ///
    /// # Panics
    /// If `round_trip_permille` is not 1 to 1000.
    pub fn new(order: LotOrder, round_trip_permille: i64) -> Lots {
        assert!(
            (1..=1_000).contains(&round_trip_permille),
            "a store gives back 1 to 1000 of a thousand Wh, not {round_trip_permille}"
        );
        Lots {
            lots: VecDeque::new(),
            order,
            round_trip_permille,
        }
    }

    /// What is stored, oldest first.
    pub fn lots(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter()
    }

    /// Wh that are stored, as charged.
    pub fn stored_wh(&self) -> i64 {
        self.lots.iter().map(|lot| lot.wh).sum()
    }

    /// Puts energy in. Nothing or less is not stored.
    pub fn charge(&mut self, lot: Lot) {
        if lot.wh > 0 {
            self.lots.push_back(lot);
        }
    }

    /// Takes out so many Wh. What no lot has comes from [`Source::Unknown`], without loss and without emissions of its own.
    pub fn discharge(&mut self, at: UnixSeconds, wh: i64) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut left = wh.max(0);
        while left > 0 {
            let next = match self.order {
                LotOrder::Fifo => self.lots.front_mut(),
                LotOrder::Lifo => self.lots.back_mut(),
            };
            let Some(lot) = next else {
                taken.push(Taken {
                    source: Source::Unknown,
                    since: at,
                    delivered_wh: left,
                    delivered_mg: 0,
                    lost_wh: 0,
                    lost_mg: 0,
                });
                break;
            };
            // What has to be taken for what is still wanted, rounded up: no Wh comes out that did not go in.
            let wanted = div_ceil(left * 1_000, self.round_trip_permille);
            let part = wanted.min(lot.wh);
            let delivered_wh = if part == wanted {
                left
            } else {
                (part * self.round_trip_permille / 1_000).min(left)
            };
            let part_mg = share(lot.mg, part, lot.wh);
            let delivered_mg = share(part_mg, delivered_wh, part);
            taken.push(Taken {
                source: lot.source,
                since: lot.since,
                delivered_wh,
                delivered_mg,
                lost_wh: part - delivered_wh,
                lost_mg: part_mg - delivered_mg,
            });
            left -= delivered_wh;
            lot.wh -= part;
            lot.mg -= part_mg;
            if lot.wh == 0 {
                match self.order {
                    LotOrder::Fifo => self.lots.pop_front(),
                    LotOrder::Lifo => self.lots.pop_back(),
                };
            }
        }
        taken
    }
}

fn div_ceil(numerator: i64, denominator: i64) -> i64 {
    (numerator + denominator - 1) / denominator
}

/// `whole` x `part` / `of`, half to even.
fn share(whole: i64, part: i64, of: i64) -> i64 {
    round_half_even_div(i128::from(whole) * i128::from(part), i128::from(of)) as i64
}

/// What a discharge of someone else's store (vehicle to grid) is to the park: a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThirdPartyPurchase {
    /// Wh that bear the emissions that they were charged with.
    pub carried_wh: i64,
    /// Emissions of those, mg.
    pub carried_mg: i64,
    /// Wh of no known origin, or of the park's own generation: sold to the store's owner it was zero there, and is not zero again.
    /// They are priced at the grid's factor of the hour.
    pub at_grid_factor_wh: i64,
}

/// Splits what came out of someone else's store by what is known of it.
pub fn third_party_purchase(taken: &[Taken]) -> ThirdPartyPurchase {
    let mut purchase = ThirdPartyPurchase {
        carried_wh: 0,
        carried_mg: 0,
        at_grid_factor_wh: 0,
    };
    for part in taken {
        match part.source {
            // Without any emissions no factor was known when it was charged.
            Source::Grid | Source::ThirdParty if part.delivered_mg + part.lost_mg > 0 => {
                purchase.carried_wh += part.delivered_wh;
                purchase.carried_mg += part.delivered_mg + part.lost_mg;
            }
            Source::OnSite | Source::Grid | Source::ThirdParty | Source::Unknown => {
                purchase.at_grid_factor_wh += part.delivered_wh;
            }
        }
    }
    purchase
}
