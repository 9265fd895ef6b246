//! The clay that the park is modelled in: light greys with a hint of what a thing is made of. Colour is kept for what is
//! abnormal and for the one chosen overlay (ISA-101, high-performance HMI).

/// A colour of clay, and how much of it glows when the lamps are lit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// As written in a style sheet: 0xRRGGBB in sRGB.
    pub srgb: u32,
    /// From 0 (only reflects) to 1 (a lamp).
    pub glow: f32,
}

impl Paint {
    pub const fn matt(srgb: u32) -> Paint {
        Paint { srgb, glow: 0.0 }
    }

    pub const fn glowing(srgb: u32, glow: f32) -> Paint {
        Paint { srgb, glow }
    }

    /// Linear red, green and blue, then what does not glow (1: nothing glows), as vertices carry it.
    pub fn vertex_color(self) -> [f32; 4] {
        let [red, green, blue] = linear_of_srgb(self.srgb);
        [red, green, blue, 1.0 - self.glow]
    }
}

/// Linear light of a colour 0xRRGGBB (IEC 61966-2-1).
pub fn linear_of_srgb(srgb: u32) -> [f32; 3] {
    let channel = |shift: u32| {
        let value = ((srgb >> shift) & 0xff) as f32 / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    [channel(16), channel(8), channel(0)]
}

pub const SURROUNDINGS: Paint = Paint::matt(0xb4b7b1);
pub const PAVED: Paint = Paint::matt(0xc3c3be);
pub const GREEN: Paint = Paint::matt(0xa7b09d);
pub const GREEN_OTHER: Paint = Paint::matt(0x9fa996);
pub const PATH: Paint = Paint::matt(0xd6d4cd);
pub const WATER: Paint = Paint::matt(0x8d9fab);
pub const SHORE: Paint = Paint::matt(0xb5b3a8);
pub const MARKING: Paint = Paint::matt(0xe6e5e0);
pub const WALL: Paint = Paint::matt(0xe2e0da);
pub const PLINTH: Paint = Paint::matt(0xb9b7b1);
pub const ROOF: Paint = Paint::matt(0xcdccc7);
pub const PARAPET: Paint = Paint::matt(0xd9d7d1);
pub const WINDOW: Paint = Paint::glowing(0x77828a, 0.5);
pub const DOOR: Paint = Paint::matt(0x8b8f90);
pub const STEEL: Paint = Paint::matt(0xa9acae);
pub const DARK_STEEL: Paint = Paint::matt(0x74797c);
pub const CABINET: Paint = Paint::matt(0xdcdddb);
pub const VENT: Paint = Paint::matt(0x8f9496);
pub const CELL: Paint = Paint::matt(0x4d5661);
pub const CELL_FRAME: Paint = Paint::matt(0x9aa0a4);
pub const COLLECTOR: Paint = Paint::matt(0x474b50);
pub const GAUGE_BACK: Paint = Paint::matt(0x52575a);
pub const GAUGE: Paint = Paint::glowing(0xf2f3f1, 0.35);
pub const SCREEN: Paint = Paint::glowing(0x5d6a72, 0.75);
pub const LAMP: Paint = Paint::glowing(0xf1eee6, 1.0);
pub const TYRE: Paint = Paint::matt(0x55585a);
pub const CAR: Paint = Paint::matt(0xcfd1d2);
pub const GLASS: Paint = Paint::matt(0x6d767d);
pub const BLADE: Paint = Paint::matt(0xe9e9e6);
pub const CONCRETE: Paint = Paint::matt(0xb7b5af);
pub const HEAP: Paint = Paint::matt(0x857c70);
pub const BARK: Paint = Paint::matt(0x8d857b);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_grey_is_a_fifth_of_the_light() {
        let [red, green, blue] = linear_of_srgb(0x808080);
        assert!((red - 0.2159).abs() < 1e-3);
        assert_eq!((red, red), (green, blue));
    }

    #[test]
    fn a_lamp_leaves_nothing_that_does_not_glow() {
        assert_eq!(LAMP.vertex_color()[3], 0.0);
        assert_eq!(WALL.vertex_color()[3], 1.0);
    }
}
