use super::definition::Name;

/// Where the park lies on Earth. Latitude and longitude are those of the origin that all points of the park are counted
/// from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Of the origin, in millionths of a degree, north positive.
    pub latitude_udeg: i32,
    /// Of the origin, in millionths of a degree, east positive.
    pub longitude_udeg: i32,
    /// Above the sea.
    pub elevation_m: Option<i64>,
    /// The park's border.
    pub outline: Option<SitePolygon>,
}

/// A point on the ground, in centimetres from the site's origin; within 10 km of it on either axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SitePoint {
    pub east_cm: i32,
    pub north_cm: i32,
}

/// The border of a piece of ground: three points or more that do not lie in one line, no side crossing another. The
/// last point joins the first without being written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePolygon {
    pub(super) points: Vec<SitePoint>,
}

/// How much room an asset takes, before it is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteSize {
    /// From west to east.
    pub width_cm: i32,
    /// From south to north.
    pub depth_cm: i32,
    pub height_cm: i32,
}

/// Where an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its middle.
    pub at: SitePoint,
    pub size: Option<SiteSize>,
    /// Height of its foot above the ground: more than 0 for what stands on a roof, less for what is buried.
    pub raised_cm: i32,
    /// Clockwise as seen from above, from -360 to 360.
    pub turn_deg: i32,
}

/// A way to walk or drive on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePath {
    pub name: Option<Name>,
    pub width_cm: i32,
    /// Two points or more.
    pub line: Vec<SitePoint>,
}

/// A pond or a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteWater {
    pub name: Option<Name>,
    pub outline: SitePolygon,
}

impl SitePolygon {
    /// In the order of the file, the first not repeated.
    pub fn points(&self) -> &[SitePoint] {
        &self.points
    }

    /// The ground within, in whole square metres, rounded down.
    pub fn area_m2(&self) -> i64 {
        const TWICE_CM2_PER_M2: i64 = 20_000;
        doubled_area_cm2(&self.points) / TWICE_CM2_PER_M2
    }

    /// Whether a point lies within; of points on the border, some do and some don't.
    pub fn contains(&self, point: SitePoint) -> bool {
        let crossed = sides(&self.points).filter(|(from, to)| {
            let spans = (from.north_cm > point.north_cm) != (to.north_cm > point.north_cm);
            let turn = cross(*from, *to, point);
            spans && (turn > 0) == (to.north_cm > from.north_cm)
        });
        crossed.count() % 2 == 1
    }
}

/// Twice the area by the surveyor's formula; zero if the points lie in one line.
pub(super) fn doubled_area_cm2(points: &[SitePoint]) -> i64 {
    // Points lie within 10^6 cm of the origin, so even 10^5 sides sum to far less than 2^63.
    let doubled: i64 = sides(points)
        .map(|(from, to)| {
            i64::from(from.east_cm) * i64::from(to.north_cm)
                - i64::from(to.east_cm) * i64::from(from.north_cm)
        })
        .sum();
    doubled.abs()
}

/// The first two sides, counted from 0, that cross or touch though they are no neighbours, or that fold back on their
/// neighbour.
pub(super) fn crossing_sides(points: &[SitePoint]) -> Option<(usize, usize)> {
    let sides: Vec<(SitePoint, SitePoint)> = sides(points).collect();
    for (first, one) in sides.iter().enumerate() {
        for (second, other) in sides.iter().enumerate().skip(first + 1) {
            let is_next = second == first + 1 || (first == 0 && second == sides.len() - 1);
            let is_wrong = if is_next {
                folds_back(*one, *other)
            } else {
                touch(*one, *other)
            };
            if is_wrong {
                return Some((first, second));
            }
        }
    }
    None
}

fn sides(points: &[SitePoint]) -> impl Iterator<Item = (SitePoint, SitePoint)> + '_ {
    let next = points.iter().cycle().skip(1);
    points.iter().copied().zip(next.copied())
}

/// Positive if the point lies to the left of the way from `from` to `to`.
fn cross(from: SitePoint, to: SitePoint, point: SitePoint) -> i64 {
    let east = |of: SitePoint| i64::from(of.east_cm) - i64::from(from.east_cm);
    let north = |of: SitePoint| i64::from(of.north_cm) - i64::from(from.north_cm);
    east(to) * north(point) - north(to) * east(point)
}

/// Whether two neighbouring sides lie upon each other.
fn folds_back(one: (SitePoint, SitePoint), other: (SitePoint, SitePoint)) -> bool {
    let (shared, left, right) = if one.1 == other.0 {
        (one.1, one.0, other.1)
    } else {
        (one.0, one.1, other.0)
    };
    cross(shared, left, right) == 0 && !is_between(shared, left, right)
}

fn touch(one: (SitePoint, SitePoint), other: (SitePoint, SitePoint)) -> bool {
    let turns = [
        cross(one.0, one.1, other.0).signum(),
        cross(one.0, one.1, other.1).signum(),
        cross(other.0, other.1, one.0).signum(),
        cross(other.0, other.1, one.1).signum(),
    ];
    if turns[0] != turns[1] && turns[2] != turns[3] {
        return true;
    }
    let lies_on = |turn: i64, point, side: (SitePoint, SitePoint)| {
        turn == 0 && is_between(point, side.0, side.1)
    };
    lies_on(turns[0], other.0, one)
        || lies_on(turns[1], other.1, one)
        || lies_on(turns[2], one.0, other)
        || lies_on(turns[3], one.1, other)
}

/// Whether a point of the line through two others lies between them.
fn is_between(point: SitePoint, left: SitePoint, right: SitePoint) -> bool {
    let within =
        |value: i32, one: i32, other: i32| (one.min(other)..=one.max(other)).contains(&value);
    within(point.east_cm, left.east_cm, right.east_cm)
        && within(point.north_cm, left.north_cm, right.north_cm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(points: &[(i32, i32)]) -> SitePolygon {
        let points = points
            .iter()
            .map(|(east_cm, north_cm)| SitePoint {
                east_cm: *east_cm,
                north_cm: *north_cm,
            })
            .collect();
        SitePolygon { points }
    }

    #[test]
    fn the_area_of_an_l_shape_is_exact_either_way_round() {
        let mut shape = polygon(&[
            (0, 0),
            (2000, 0),
            (2000, 1000),
            (1000, 1000),
            (1000, 3000),
            (0, 3000),
        ]);
        assert_eq!(shape.area_m2(), 20 * 10 + 10 * 20);
        shape.points.reverse();
        assert_eq!(shape.area_m2(), 20 * 10 + 10 * 20);
    }

    #[test]
    fn an_l_shape_contains_what_is_in_it_and_not_its_notch() {
        let shape = polygon(&[
            (0, 0),
            (2000, 0),
            (2000, 1000),
            (1000, 1000),
            (1000, 3000),
            (0, 3000),
        ]);
        let at = |east_cm, north_cm| SitePoint { east_cm, north_cm };
        assert!(shape.contains(at(500, 2500)));
        assert!(shape.contains(at(1500, 500)));
        assert!(!shape.contains(at(1500, 1500)));
        assert!(!shape.contains(at(-1, 500)));
    }

    #[test]
    fn sides_that_cross_touch_or_fold_back_are_found() {
        let crossing = |points: &[(i32, i32)]| crossing_sides(&polygon(points).points);
        assert_eq!(crossing(&[(0, 0), (10, 0), (10, 10), (0, 10)]), None);
        assert_eq!(crossing(&[(0, 0), (5, 0), (10, 0), (10, 10)]), None);
        assert_eq!(
            crossing(&[(0, 0), (10, 10), (10, 0), (0, 10)]),
            Some((0, 2))
        );
        assert_eq!(
            crossing(&[(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)]),
            Some((0, 2))
        );
        assert_eq!(crossing(&[(0, 0), (10, 0), (5, 0), (5, 10)]), Some((0, 1)));
        assert_eq!(crossing(&[(0, 0), (10, 0), (10, 0), (5, 10)]), Some((0, 2)));
    }
}
