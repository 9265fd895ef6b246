//! Rain that is gathered: what runs off roofs and ground into a tank.

/// Share of a year's rain that runs off.
///
/// Yearly shares, not those of a design storm: metal and tile roofs 0.9, paved ground 0.85, planted ground 0.15 (the last
/// two assumed, after GB 50400-2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    Roof,
    Paved,
    Planted,
}

impl Surface {
    /// Share that runs off.
    pub fn runoff(self) -> f64 {
        match self {
            Surface::Roof => 0.90,
            Surface::Paved => 0.85,
            Surface::Planted => 0.15,
        }
    }
}

/// Kept from the tank at the start of each rain, because it is dirty, in mm (GB 50400-2016: 2 to 3 mm from roofs).
pub const FIRST_FLUSH_MM: f64 = 2.0;

/// Rain in mm that reaches tanks, of `rain_mm` that fall after `fallen_mm` of the same rain.
pub fn after_first_flush_mm(fallen_mm: f64, rain_mm: f64) -> f64 {
    (fallen_mm + rain_mm - FIRST_FLUSH_MM).clamp(0.0, rain_mm)
}

/// Litres that run off a surface: 1 mm on 1 m2 is 1 l (GB 50400-2016 form, W = psi h F).
pub fn runoff_l(surface: Surface, area_m2: f64, rain_mm: f64) -> f64 {
    surface.runoff() * area_m2 * rain_mm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rain_after_the_first_flush_is_gathered() {
        assert_eq!(after_first_flush_mm(0.0, 1.5), 0.0);
        assert_eq!(after_first_flush_mm(1.5, 1.5), 1.0);
        assert_eq!(after_first_flush_mm(5.0, 1.5), 1.5);
        assert_eq!(runoff_l(Surface::Roof, 100.0, 10.0), 900.0);
    }
}
