//! Boundaries: who controls, accounts. GHG Protocol Corporate Standard, chapters 3 and 4; leased assets: its appendix F.
//!
//! A posting has the scope that it has for whoever does it. What that is to the park:
//!
//! | done by | controlled by the park (or by its share) | not controlled |
//! |---|---|---|
//! | the park | the same scope | |
//! | a tenant | the same scope | scopes 1 and 2: category 13, downstream leased assets; their value chain is theirs |
//! | who lets something to the park | the same scope | scopes 1 and 2: category 8, upstream leased assets; their value chain is theirs |
//! | a supplier | the same scope | materials, capital goods, haulage and waste: the same category; what it burns and buys itself: category 1 |
//! | a joint venture, a concession | the same scope | theirs |
//!
//! Somebody who is not named is a tenant in a park that lets space, and a supplier in one that its owner runs.

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
    /// Works for the park: contractors, hauliers.
    Supplier,
    /// Lets something to the park.
    Lessor,
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
        match self.place_in_any_category(posting) {
            Place::In(Some(Scope::Three(category)), _) if !self.scope3.contains(&category) => {
                Place::Out(LeftOut::Category(category))
            }
            other => other,
        }
    }

    /// Where it would stand if all categories of scope 3 were counted.
    pub fn place_in_any_category(&self, posting: &Posting) -> Place {
        let placed = if posting.party == crate::books::PARK {
            match self.consolidation {
                Consolidation::EquityShare => Place::In(posting.scope, self.equity_ppm),
                _ => Place::In(posting.scope, 1_000_000),
            }
        } else {
            self.place_of_party(posting)
        };
        match placed {
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
            None => match (self.tenants, self.role) {
                (TenantEnergy::OwnScopes, _) => (Relation::Tenant, 1_000_000),
                (TenantEnergy::DownstreamLeased, _)
                | (TenantEnergy::NoTenants, ParkRole::Landlord) => (Relation::Tenant, 0),
                (TenantEnergy::NoTenants, ParkRole::OwnerOperated) => (Relation::Supplier, 0),
            },
        };
        if share_ppm > 0 {
            return Place::In(posting.scope, share_ppm);
        }
        let is_inventory = matches!(posting.book, CarbonBook::Emission | CarbonBook::Embodied);
        let scope = posting.scope.filter(|_| is_inventory);
        match scope.and_then(|scope| value_chain(relation, scope)) {
            Some(category) => Place::In(Some(Scope::Three(category)), 1_000_000),
            None => Place::Out(LeftOut::AnotherParty),
        }
    }
}

/// Category of the park's scope 3 in which something stands that somebody does whom it does not control; `None`: it is theirs
/// alone.
fn value_chain(relation: Relation, scope: Scope) -> Option<u8> {
    match (relation, scope) {
        (Relation::Tenant, Scope::One | Scope::Two) => Some(13),
        (Relation::Lessor, Scope::One | Scope::Two) => Some(8),
        (Relation::Supplier, Scope::Three(category @ (1 | 2 | 4 | 5))) => Some(category),
        // What it takes to do the work, with the fuel's upstream and the way of the staff.
        (Relation::Supplier, Scope::One | Scope::Two | Scope::Three(3 | 6 | 7 | 8)) => Some(1),
        _ => None,
    }
}

/// A share of an amount, rounded once, half to even.
pub fn share(amount: i64, share_ppm: u32) -> i64 {
    if share_ppm == 1_000_000 {
        return amount;
    }
    round_half_even_div(i128::from(amount) * i128::from(share_ppm), 1_000_000) as i64
}
