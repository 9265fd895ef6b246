//! Boundaries: who controls, accounts. GHG Protocol Corporate Standard, chapters 3 and 4; leased assets: its appendix F.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_model::round_half_even_div;

use crate::books::{CarbonBook, Posting, Scope};

/// How emissions are assigned to an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consolidation {
    /// By the share in what is owned.
    EquityShare,
    /// All of what is controlled financially, none of the rest.
    FinancialControl,
    /// All of what is operated, none of the rest.
    OperationalControl,
}

/// What kind of park it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkRole {
    /// The owner runs it.
    OwnerOperated,
    /// Space is let to tenants.
    Landlord,
}

/// Where the electricity and fuel of tenants are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantEnergy {
    /// There are no tenants.
    NoTenants,
    /// In scopes 1 and 2 of the park: it operates what they use.
    OwnScopes,
    /// In scope 3, category 13.
    DownstreamLeased,
}

/// Somebody other than the park who answers for activities in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// What they are to the park.
    pub relation: Relation,
    /// Whether the park operates what they use.
    pub park_operates: bool,
    /// Whether the park controls it financially.
    pub park_controls_financially: bool,
    /// Share of the park's owner in it, millionths.
    pub equity_ppm: u32,
}

/// What somebody is to the park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Rents space or equipment.
    Tenant,
    /// Owned together.
    JointVenture,
    /// Runs something on the park's ground for their own account, such as public chargers.
    Concession,
}

/// What belongs to the park's inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// How emissions are assigned.
    pub consolidation: Consolidation,
    /// Kind of park.
    pub role: ParkRole,
    /// Share of the reporting owner in the park, millionths; matters for equity share.
    pub equity_ppm: u32,
    /// Whether the park is a development zone approved at provincial level or above, or a bounded part of one.
    pub development_zone: bool,
    /// Categories of scope 3 that are counted.
    pub scope3: BTreeSet<u8>,
    /// Tenants that are not named in `parties`.
    pub tenants: TenantEnergy,
    /// Parties by their opaque id.
    pub parties: BTreeMap<String, Party>,
    /// What is left out and why, in the park's words.
    pub exclusions: String,
}

impl Default for Boundary {
    /// What holds until a park decides: operational control, all categories, no tenants.
    fn default() -> Self {
        Boundary {
            consolidation: Consolidation::OperationalControl,
            role: ParkRole::OwnerOperated,
            equity_ppm: 1_000_000,
            development_zone: false,
            scope3: (1..=15).collect(),
            tenants: TenantEnergy::NoTenants,
            parties: BTreeMap::new(),
            exclusions: String::new(),
        }
    }
}

/// Why a posting does not count in an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// The category is not in the boundary.
    Category(u8),
    /// Somebody else controls it and accounts for it.
    AnotherParty,
    /// The owner has no share in it.
    NoShare,
}

/// Where a posting stands in an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In, under this scope, with this share in millionths.
    In(Option<Scope>, u32),
    /// Out.
    Out(LeftOut),
}

impl Boundary {
    /// Where a posting of any carbon book stands.
    pub fn place(&self, posting: &Posting) -> Place {
        let placed = if posting.party == crate::books::PARK {
            match self.consolidation {
                Consolidation::EquityShare => Place::In(posting.scope, self.equity_ppm),
                _ => Place::In(posting.scope, 1_000_000),
            }
        } else {
            self.place_of_party(posting)
        };
        match placed {
            Place::In(Some(Scope::Three(category)), _) if !self.scope3.contains(&category) => {
                Place::Out(LeftOut::Category(category))
            }
            Place::In(_, 0) => Place::Out(LeftOut::NoShare),
            other => other,
        }
    }

    fn place_of_party(&self, posting: &Posting) -> Place {
        let (relation, share_ppm) = match self.parties.get(&posting.party) {
            Some(party) => {
                let share = match self.consolidation {
                    Consolidation::EquityShare => party.equity_ppm,
                    Consolidation::FinancialControl => {
                        if party.park_controls_financially {
                            1_000_000
                        } else {
                            0
                        }
                    }
                    Consolidation::OperationalControl => {
                        if party.park_operates {
                            1_000_000
                        } else {
                            0
                        }
                    }
                };
                (party.relation, share)
            }
            None => match self.tenants {
                TenantEnergy::OwnScopes => (Relation::Tenant, 1_000_000),
                TenantEnergy::DownstreamLeased => (Relation::Tenant, 0),
                TenantEnergy::NoTenants => (Relation::Concession, 0),
            },
        };
        if share_ppm > 0 {
            return Place::In(posting.scope, share_ppm);
        }
        // What tenants burn and buy in rented space is the landlord's downstream leased asset; what lies further up or down
        // their own chain is theirs, and so are removals.
        let is_their_energy = posting.book == CarbonBook::Emission
            && matches!(posting.scope, Some(Scope::One | Scope::Two));
        if relation == Relation::Tenant && is_their_energy {
            return Place::In(Some(Scope::Three(13)), 1_000_000);
        }
        Place::Out(LeftOut::AnotherParty)
    }
}

/// A share of an amount, rounded once, half to even.
pub fn share(amount: i64, share_ppm: u32) -> i64 {
    if share_ppm == 1_000_000 {
        return amount;
    }
    round_half_even_div(i128::from(amount) * i128::from(share_ppm), 1_000_000) as i64
}
