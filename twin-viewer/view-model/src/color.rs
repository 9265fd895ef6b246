//! Colours of data and of alarms. Saturated colour says "abnormal" or "the chosen overlay", nothing else.

use crate::alarm::AlarmPriority;
use crate::quality::Quality;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

/// No value, in an overlay: the grey of what carries no data.
pub const NO_DATA: Rgb = Rgb([168, 168, 168]);

/// Eleven anchors of cividis, which people with and without a colour deficiency read alike (Nuñez, Anderton, Renslow 2018,
/// "Optimizing colormaps with consideration for color vision deficiency", PLoS ONE 13(7) e0199239; values as in matplotlib).
const CIVIDIS: [[u8; 3]; 11] = [
    [0, 34, 78],
    [8, 51, 112],
    [53, 69, 108],
    [79, 87, 108],
    [102, 105, 112],
    [125, 124, 120],
    [148, 142, 119],
    [174, 163, 113],
    [200, 184, 102],
    [229, 207, 82],
    [254, 232, 56],
];

/// Blue, grey-white, orange: the poles are Okabe and Ito's blue and vermilion (jfly.uni-koeln.de/color, 2008), apart for
/// every kind of colour vision.
const DIVERGING: [[u8; 3]; 3] = [[0, 114, 178], [232, 232, 232], [213, 94, 0]];

/// From dark blue (0) over grey to yellow (1).
pub fn sequential(share: f32) -> Rgb {
    between(&CIVIDIS, share)
}

/// From blue (0) over pale grey (0.5) to orange (1).
pub fn diverging(share: f32) -> Rgb {
    between(&DIVERGING, share)
}

fn between(anchors: &[[u8; 3]], share: f32) -> Rgb {
    let place = share.clamp(0.0, 1.0) * (anchors.len() - 1) as f32;
    let low = (place.floor() as usize).min(anchors.len() - 2);
    let part = place - low as f32;
    let mix = |channel: usize| {
        let [from, to] = [anchors[low][channel], anchors[low + 1][channel]].map(f32::from);
        (from + (to - from) * part).round() as u8
    };
    Rgb([mix(0), mix(1), mix(2)])
}

/// Alarm colours; shape and letter tell them apart too.
pub fn of_priority(priority: AlarmPriority) -> Rgb {
    match priority {
        AlarmPriority::High => Rgb([204, 34, 41]),
        AlarmPriority::Medium => Rgb([230, 126, 0]),
        AlarmPriority::Low => Rgb([0, 114, 178]),
    }
}

/// A quality as a share of the data-quality overlay: 1 good, 0 bad.
pub fn share_of_quality(quality: Quality) -> f32 {
    1.0 - f32::from(quality as u8) / f32::from(Quality::Bad as u8)
}

/// Relative luminance of WCAG 2.2, 0 to 1.
pub fn luminance(Rgb(channels): Rgb) -> f32 {
    let [red, green, blue] = channels.map(|channel| {
        let channel = f32::from(channel) / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Contrast of WCAG 2.2 between two colours, 1 to 21.
pub fn contrast(one: Rgb, other: Rgb) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequential_scale_grows_brighter_all_the_way() {
        let steps: Vec<f32> = (0..=100)
            .map(|step| luminance(sequential(step as f32 / 100.0)))
            .collect();
        for pair in steps.windows(2) {
            assert!(pair[0] <= pair[1] + 0.002, "{pair:?}");
        }
        assert!(contrast(sequential(0.0), sequential(1.0)) > 10.0);
    }

    #[test]
    fn both_scales_hold_their_ends_and_bad_shares_are_held_in() {
        assert_eq!(sequential(-3.0), Rgb([0, 34, 78]));
        assert_eq!(sequential(2.0), Rgb([254, 232, 56]));
        assert_eq!(sequential(f32::NAN), sequential(f32::NAN));
        assert_eq!(diverging(0.5), Rgb([232, 232, 232]));
    }

    #[test]
    fn alarm_colours_are_read_on_a_light_grey_panel() {
        for priority in AlarmPriority::ALL {
            assert!(contrast(of_priority(priority), Rgb([235, 235, 235])) > 2.3);
        }
    }
}
