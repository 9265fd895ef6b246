//! Pixels: of a picture, of its mask, and what a colour means by the legend.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Fewer pixels than these of an asset tell no colour.
const LEAST_PIXELS: usize = 24;

/// Opaque pixels, row by row.
pub struct Image {
    pub width: usize,
    pub height: usize,
    rgb: Vec<u8>,
}

impl Image {
    pub fn read(path: &Path) -> Image {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = png::Decoder::new(BufReader::new(file))
            .read_info()
            .expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut rgb).expect("a PNG");
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Image {
            width: info.width as usize,
            height: info.height as usize,
            rgb,
        }
    }

    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let place = (y * self.width + x) * 3;
        [self.rgb[place], self.rgb[place + 1], self.rgb[place + 2]]
    }
}

/// Of every asset the pixels that show nothing else, by its number in the mask: those at its rim are left out.
pub fn places(mask: &Image) -> BTreeMap<usize, Vec<(usize, usize)>> {
    let number = |x: usize, y: usize| {
        let digits = mask.at(x, y).map(|channel| usize::from(channel >> 3));
        (digits[0] << 10) | (digits[1] << 5) | digits[2]
    };
    let mut places: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for y in 1..mask.height - 1 {
        for x in 1..mask.width - 1 {
            let own = number(x, y);
            let is_inside =
                own != 0 && (y - 1..=y + 1).all(|y| (x - 1..=x + 1).all(|x| number(x, y) == own));
            if is_inside {
                places.entry(own).or_default().push((x, y));
            }
        }
    }
    places.retain(|_, pixels| pixels.len() >= LEAST_PIXELS);
    places
}

/// The shares of red, green and blue in the light of a colour: whatever light falls on it, these stay.
pub type Chroma = [f64; 3];

pub fn chroma(rgb: [u8; 3]) -> Chroma {
    let light = rgb.map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let sum: f64 = light.iter().sum::<f64>().max(1e-9);
    light.map(|channel| channel / sum)
}

/// The middle one of these pixels' colours, channel by channel.
pub fn chroma_of(picture: &Image, pixels: &[(usize, usize)]) -> Chroma {
    let all: Vec<Chroma> = pixels
        .iter()
        .map(|(x, y)| chroma(picture.at(*x, *y)))
        .collect();
    [0, 1, 2].map(|channel| {
        let mut values: Vec<f64> = all.iter().map(|of| of[channel]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    })
}

fn distance(one: Chroma, other: Chroma) -> f64 {
    (0..3)
        .map(|channel| (one[channel] - other[channel]).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// How far from grey.
pub fn strength(of: Chroma) -> f64 {
    distance(of, [1.0 / 3.0; 3])
}

/// What colours mean, as the legend's bar in the picture shows it.
pub struct Scale(Vec<(f64, Chroma)>);

impl Scale {
    /// From the bar that spans these columns above a row.
    pub fn read(picture: &Image, (left, right): (usize, usize), above: usize) -> Scale {
        const LOOK_UP_PX: usize = 30;
        const LEAST_COLORS: usize = 12;
        let row = (above.saturating_sub(LOOK_UP_PX)..above).rev().find(|y| {
            let mut colors: Vec<[u8; 3]> = (left..right).map(|x| picture.at(x, *y)).collect();
            colors.dedup();
            colors.len() >= LEAST_COLORS
        });
        let row = row.expect("the legend has a bar of colours");
        // Away from its rim.
        let row = row - 4;
        // The mark of the park's mean stands over the bar, and its smooth edges beside it.
        let is_marked =
            |x: usize| (x.saturating_sub(2)..=x + 2).any(|x| is_ink(picture.at(x, row)));
        let steps = (left..right).filter(|x| !is_marked(*x)).map(|x| {
            let share = (x - left) as f64 + 0.5;
            (share / (right - left) as f64, chroma(picture.at(x, row)))
        });
        Scale(steps.collect())
    }

    /// Where a colour stands, 0 to 1.
    pub fn place(&self, of: Chroma) -> f64 {
        let distances = self
            .0
            .iter()
            .map(|(share, step)| (*share, distance(*step, of)));
        let nearest = distances.min_by(|one, other| one.1.total_cmp(&other.1));
        nearest.expect("the legend has colours").0
    }

    /// The colour at a place.
    pub fn color(&self, share: f64) -> Chroma {
        let nearest = self.0.iter().min_by(|one, other| {
            let off = |step: &(f64, Chroma)| (step.0 - share).abs();
            off(one).total_cmp(&off(other))
        });
        nearest.expect("the legend has colours").1
    }

    /// How far a colour is from those between two places: along the straight line from each step to the next, as the mark may
    /// cover some.
    pub fn off(&self, of: Chroma, (from, to): (f64, f64)) -> f64 {
        let inside = |(share, _): &&(f64, Chroma)| (from..=to).contains(share);
        let mut steps = vec![self.color(from)];
        steps.extend(self.0.iter().filter(inside).map(|(_, color)| *color));
        steps.push(self.color(to));
        let offs = steps.windows(2).map(|pair| off_line(of, pair[0], pair[1]));
        offs.fold(f64::MAX, f64::min)
    }
}

/// From a point to the line between two.
fn off_line(of: Chroma, from: Chroma, to: Chroma) -> f64 {
    let along = [0, 1, 2].map(|channel| to[channel] - from[channel]);
    let dot = |one: Chroma, other: Chroma| -> f64 {
        (0..3).map(|channel| one[channel] * other[channel]).sum()
    };
    let reach = [0, 1, 2].map(|channel| of[channel] - from[channel]);
    let share = (dot(reach, along) / dot(along, along).max(1e-12)).clamp(0.0, 1.0);
    distance(
        of,
        [0, 1, 2].map(|channel| from[channel] + along[channel] * share),
    )
}

fn is_ink([red, green, blue]: [u8; 3]) -> bool {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    most < 70 && most - least < 12
}
