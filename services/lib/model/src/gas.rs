//! Greenhouse gases by name.

use std::fmt;

/// A gas that the books keep apart. A view chooses how to weigh them; no book holds a weighted sum, except where the source
/// published nothing else ([`Gas::Co2e`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gas {
    /// Carbon dioxide.
    Co2,
    /// Methane whose origin is not told.
    Ch4,
    /// Methane of fossil origin.
    Ch4Fossil,
    /// Methane of living origin.
    Ch4Biogenic,
    /// Nitrous oxide.
    N2o,
    /// Sulphur hexafluoride.
    Sf6,
    /// Nitrogen trifluoride.
    Nf3,
    /// Tetrafluoromethane, PFC-14.
    Cf4,
    /// Trifluoromethane.
    Hfc23,
    /// Difluoromethane, R-32.
    Hfc32,
    /// Pentafluoroethane.
    Hfc125,
    /// 1,1,1,2-tetrafluoroethane.
    Hfc134a,
    /// 1,1,1-trifluoroethane.
    Hfc143a,
    /// 1,1-difluoroethane.
    Hfc152a,
    /// Chlorodifluoromethane; outside the seven gases of the Kyoto protocol, listed beside them.
    Hcfc22,
    /// CO2 equivalent of a source that does not tell the gases; the set behind it can't be changed.
    Co2e,
}

impl Gas {
    /// All gases, in the order of the books.
    pub const ALL: [Gas; 16] = [
        Gas::Co2,
        Gas::Ch4,
        Gas::Ch4Fossil,
        Gas::Ch4Biogenic,
        Gas::N2o,
        Gas::Sf6,
        Gas::Nf3,
        Gas::Cf4,
        Gas::Hfc23,
        Gas::Hfc32,
        Gas::Hfc125,
        Gas::Hfc134a,
        Gas::Hfc143a,
        Gas::Hfc152a,
        Gas::Hcfc22,
        Gas::Co2e,
    ];

    /// As in units and files: "CO2", "CH4", "HFC-134a".
    pub fn token(self) -> &'static str {
        match self {
            Gas::Co2 => "CO2",
            Gas::Ch4 => "CH4",
            Gas::Ch4Fossil => "CH4-fossil",
            Gas::Ch4Biogenic => "CH4-biogenic",
            Gas::N2o => "N2O",
            Gas::Sf6 => "SF6",
            Gas::Nf3 => "NF3",
            Gas::Cf4 => "CF4",
            Gas::Hfc23 => "HFC-23",
            Gas::Hfc32 => "HFC-32",
            Gas::Hfc125 => "HFC-125",
            Gas::Hfc134a => "HFC-134a",
            Gas::Hfc143a => "HFC-143a",
            Gas::Hfc152a => "HFC-152a",
            Gas::Hcfc22 => "HCFC-22",
            Gas::Co2e => "CO2e",
        }
    }

    /// From its token.
    pub fn parse(token: &str) -> Option<Gas> {
        Gas::ALL.into_iter().find(|gas| gas.token() == token)
    }
}

impl fmt::Display for Gas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.token())
    }
}
