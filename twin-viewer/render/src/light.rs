//! The light of a moment: sun, sky and lamps, from where the sun stands and how much of the sky is covered. Pure.

use bevy::math::Vec3;
use terrarium_view_model::Sun;

/// Light on the park, linear.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Towards the sun, or towards the moon at night. Never lower than shadows can be drawn.
    pub direction: Vec3,
    pub sun: Vec3,
    /// From above and from below.
    pub sky: Vec3,
    pub bounce: Vec3,
    /// Of the sky behind everything, and of the haze.
    pub background: Vec3,
    /// Share of its light that flat ground keeps in a shadow, 0 to 1.
    pub shade: f32,
    /// 0 off, 1 lit.
    pub lamps: f32,
}

/// Sines below this would throw shadows out of the park.
const LOWEST_SINE: f32 = 0.16;
/// What a shadow takes of the sunlight; the rest comes in from the sides. Assumed.
const SHADOW_DEPTH: f32 = 0.92;

impl Light {
    /// The light that the park stands in. `cloud`: 0 clear, 1 overcast.
    pub fn of(sun: Sun, cloud: f32) -> Light {
        let cloud = cloud.clamp(0.0, 1.0);
        let [east, up, north] = sun.direction();
        let day = smooth(-7.0, 6.0, sun.elevation_deg);
        let disc = smooth(-1.5, 12.0, sun.elevation_deg) * (1.0 - 0.85 * cloud);
        let is_night = sun.elevation_deg < -1.5;
        let direction = if is_night {
            MOON
        } else {
            Vec3::new(east, up, -north)
        };

        let low_sun = Vec3::new(1.0, 0.80, 0.62);
        let high_sun = Vec3::new(1.0, 0.975, 0.94);
        let warm = low_sun.lerp(high_sun, smooth(3.0, 26.0, sun.elevation_deg));
        let moon = Vec3::new(0.055, 0.062, 0.08) * (1.0 - day);
        let sunlight = warm * (0.86 * disc) + moon;

        let by_day = Vec3::new(0.50, 0.525, 0.56).lerp(Vec3::new(0.66, 0.67, 0.68), cloud);
        let by_night = Vec3::new(0.072, 0.080, 0.102);
        let sky = by_night.lerp(by_day, day);
        let bounce = Vec3::new(0.045, 0.047, 0.055).lerp(Vec3::new(0.36, 0.355, 0.34), day);

        let dusk = day * (1.0 - smooth(-2.0, 12.0, sun.elevation_deg)) * (1.0 - cloud);
        let clear = Vec3::new(0.70, 0.75, 0.80).lerp(Vec3::new(0.66, 0.68, 0.70), cloud);
        let night = Vec3::new(0.018, 0.022, 0.032);
        let background = night
            .lerp(clear, day * day)
            .lerp(Vec3::new(0.46, 0.39, 0.36), dusk * 0.7);

        let direction = raised(direction);
        Light {
            direction,
            sun: sunlight,
            sky,
            bounce,
            background,
            shade: shade(sunlight * direction.y, sky),
            lamps: 1.0 - smooth(-3.5, 1.5, sun.elevation_deg),
        }
    }

    /// The same light at every hour, for who watches colours: a high sun in the south-west behind the viewer's shoulder.
    pub fn constant() -> Light {
        let sun = Sun {
            elevation_deg: 48.0,
            azimuth_deg: 215.0,
        };
        Light::of(sun, 0.15)
    }
}

/// The moon's place is not worked out: light from high in the south-east lets one see by night.
const MOON: Vec3 = Vec3::new(0.42, 0.78, 0.46);

fn raised(direction: Vec3) -> Vec3 {
    let up = direction.y.max(LOWEST_SINE);
    let along = Vec3::new(direction.x, 0.0, direction.z).normalize_or(Vec3::Z);
    along * (1.0 - up * up).max(0.0).sqrt() + Vec3::Y * up
}

/// The share of the light on flat ground that is left where the sun does not reach.
fn shade(sun: Vec3, sky: Vec3) -> f32 {
    let full = luminance(sun + sky);
    if full <= 0.0 {
        return 1.0;
    }
    1.0 - SHADOW_DEPTH * luminance(sun) / full
}

/// Of linear light, after Rec. 709.
fn luminance(light: Vec3) -> f32 {
    light.dot(Vec3::new(0.2126, 0.7152, 0.0722))
}

/// From 0 to 1 without corners (Hermite).
fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(elevation_deg: f32) -> Light {
        let sun = Sun {
            elevation_deg,
            azimuth_deg: 200.0,
        };
        Light::of(sun, 0.0)
    }

    #[test]
    fn noon_is_bright_and_unlit_and_night_is_dark_and_lit() {
        assert_eq!(at(60.0).lamps, 0.0);
        assert_eq!(at(-20.0).lamps, 1.0);
        assert!(at(60.0).sky.y > 5.0 * at(-20.0).sky.y);
        assert!(at(60.0).background.y > 10.0 * at(-20.0).background.y);
    }

    #[test]
    fn the_light_of_a_day_changes_without_a_jump() {
        let steps: Vec<Light> = (-300..900).map(|tenth| at(tenth as f32 / 10.0)).collect();
        for pair in steps.windows(2) {
            for (before, after) in [
                (pair[0].sky, pair[1].sky),
                (pair[0].background, pair[1].background),
                (pair[0].sun, pair[1].sun),
            ] {
                assert!((before - after).abs().max_element() < 0.03);
            }
        }
    }

    #[test]
    fn light_falls_from_above_in_every_moment() {
        for elevation in -90..=90 {
            let light = at(elevation as f32);
            assert!(light.direction.y >= LOWEST_SINE - 1e-4);
            assert!((light.direction.length() - 1.0).abs() < 1e-3);
            assert!(
                (0.05..=1.0).contains(&light.shade),
                "a shadow at {elevation} degrees keeps {} of the light",
                light.shade
            );
        }
    }

    #[test]
    fn an_overcast_sky_throws_faint_shadows() {
        let sun = Sun {
            elevation_deg: 50.0,
            azimuth_deg: 180.0,
        };
        let depth = |cloud| 1.0 - Light::of(sun, cloud).shade;
        assert!(depth(1.0) < 0.3 * depth(0.0));
    }

    #[test]
    fn no_light_is_colourful() {
        for elevation in -30..=80 {
            let light = at(elevation as f32);
            for color in [light.sky, light.background] {
                let saturation = 1.0 - color.min_element() / color.max_element();
                assert!(saturation < 0.5, "{saturation} at {elevation} degrees");
            }
        }
    }
}
