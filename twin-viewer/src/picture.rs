//! Pixels of a finished picture. Pure.

/// Opaque pixels, row by row from the top, three bytes each in sRGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Picture {
    /// From RGBA in sRGB, squares of `samples` by `samples` averaged as light.
    pub fn averaged(rgba: &[u8], width: u32, height: u32, samples: u32) -> Picture {
        let linear: Vec<f32> = (0..=255_u32)
            .map(|value| linear(value as f32 / 255.0))
            .collect();
        let (small_width, small_height) = (width / samples, height / samples);
        let mut rgb = Vec::with_capacity((small_width * small_height * 3) as usize);
        for row in 0..small_height {
            for column in 0..small_width {
                for channel in 0..3 {
                    let mut sum = 0.0;
                    for y in 0..samples {
                        for x in 0..samples {
                            let pixel = (row * samples + y) * width + column * samples + x;
                            sum += linear[usize::from(rgba[(pixel * 4 + channel) as usize])];
                        }
                    }
                    rgb.push(encoded(sum / (samples * samples) as f32));
                }
            }
        }
        Picture {
            width: small_width,
            height: small_height,
            rgb,
        }
    }

    /// As small as it gets soon.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        self.encoded(png::Compression::Balanced)
    }

    /// As soon as it gets: for many pictures.
    pub fn png_at_once(&self) -> Result<Vec<u8>, png::EncodingError> {
        self.encoded(png::Compression::Fast)
    }

    fn encoded(&self, compression: png::Compression) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_compression(compression);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(bytes)
    }

    #[cfg(test)]
    pub fn pixels(&self) -> impl Iterator<Item = [u8; 3]> {
        self.rgb
            .chunks_exact(3)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
    }

    /// Share of the pixels that a person calls coloured.
    #[cfg(test)]
    pub fn saturated_share(&self) -> f64 {
        let saturated = self.pixels().filter(|pixel| is_saturated(*pixel)).count();
        saturated as f64 / f64::from(self.width * self.height).max(1.0)
    }
}

/// Colour that stands out of grey: a saturation (HSV) above 0.35 at a value that can be seen. Assumed.
#[cfg(test)]
pub fn is_saturated([red, green, blue]: [u8; 3]) -> bool {
    const LEAST_VALUE: u8 = 60;
    const LEAST_SATURATION: f32 = 0.35;
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    most >= LEAST_VALUE && f32::from(most - least) / f32::from(most) > LEAST_SATURATION
}

fn linear(value: f32) -> f32 {
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn encoded(light: f32) -> u8 {
    let value = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_samples_are_averaged_as_light_and_not_as_bytes() {
        let rgba = [
            255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255,
        ];
        let picture = Picture::averaged(&rgba, 2, 2, 2);
        assert_eq!((picture.width, picture.height), (1, 1));
        assert_eq!(picture.rgb, [188, 188, 188]);
    }

    #[test]
    fn one_sample_leaves_every_pixel_as_it_is() {
        let rgba: Vec<u8> = (0..=255)
            .flat_map(|value| [value, 255 - value, 7, 255])
            .collect();
        let picture = Picture::averaged(&rgba, 256, 1, 1);
        let expected: Vec<u8> = (0..=255)
            .flat_map(|value| [value, 255 - value, 7])
            .collect();
        assert_eq!(picture.rgb, expected);
    }

    #[test]
    fn greys_are_not_saturated_and_alarms_are() {
        assert!(!is_saturated([167, 176, 157]));
        assert!(!is_saturated([20, 24, 40]));
        assert!(is_saturated([204, 34, 41]));
        assert!(is_saturated([230, 126, 0]));
        assert!(is_saturated([0, 114, 178]));
    }
}
