//! Where things are.

use super::super::*;
use super::{GOOD, good_with, parse, problems};

const SITE: &str = "[site]\nlatitude = '39.73'\nlongitude = '-116.1400005'\n";

/// The good park with a site and more.
fn sited(more: &str) -> String {
    good_with(&format!("{SITE}{more}"))
}

/// The good park with a site and a place for its home.
fn placed(lines: &str) -> String {
    let home = "kind = \"building\"\n";
    sited("").replacen(home, &format!("{home}{lines}\n"), 1)
}

#[test]
fn a_site_is_read_in_millionths_of_a_degree_and_centimetres() {
    let text =
        sited("elevation_m = 45\noutline = [[0, 0], [100.5, 0], [100.5, 60.126], [0, 60]]\n");
    let site = parse(&text).unwrap().site.unwrap();
    assert_eq!(site.latitude_udeg, 39_730_000);
    assert_eq!(site.longitude_udeg, -116_140_000, "half to even");
    assert_eq!(site.elevation_m, Some(45));
    let outline = site.outline.unwrap();
    assert_eq!(
        outline.points()[2],
        SitePoint {
            east_cm: 10_050,
            north_cm: 6_013
        }
    );
    assert_eq!(outline.area_m2(), 6_036);
    assert_eq!(parse(GOOD).unwrap().site, None);
}

#[test]
fn zones_paths_and_waters_have_their_ground() {
    let text = sited(
        "[[zones]]\nid = 'pond'\nname = { en = 'P', zh = '塘' }\noutline = [[0, 0], [9, 0], [0, 9]]\n\
         [[paths]]\nname = { en = 'Walk', zh = '路' }\nwidth = 2.5\nline = [[0, 0], [10, 5], [20, 0]]\n\
         [[paths]]\nwidth = 1\nline = [[0, 0], [1, 1]]\n\
         [[waters]]\noutline = [[1, 1], [3, 1], [1, 3]]\n",
    );
    let park = parse(&text).unwrap();
    assert_eq!(park.zones["pond"].outline.as_ref().unwrap().area_m2(), 40);
    assert_eq!(park.zones["street"].outline, None);
    assert_eq!(park.paths[0].width_cm, 250);
    assert_eq!(park.paths[0].line.len(), 3);
    assert_eq!(park.paths[1].name, None);
    assert_eq!(park.waters[0].outline.area_m2(), 2);
}

#[test]
fn an_asset_has_a_place_of_centimetres() {
    let park = parse(&placed(
        "at = [-12.5, 3]\nsize = [10, 8.25, 4]\nraised = -1.5\nturn_deg = -30",
    ))
    .unwrap();
    let expected = Place {
        at: SitePoint {
            east_cm: -1_250,
            north_cm: 300,
        },
        size: Some(SiteSize {
            width_cm: 1_000,
            depth_cm: 825,
            height_cm: 400,
        }),
        raised_cm: -150,
        turn_deg: -30,
    };
    assert_eq!(park.assets["home-01"].place, Some(expected));
    let park = parse(&placed("at = [1, 2]")).unwrap();
    let place = park.assets["home-01"].place.unwrap();
    assert_eq!((place.size, place.raised_cm, place.turn_deg), (None, 0, 0));
    assert_eq!(park.assets["home-01.pv"].place, None);
}

#[test]
fn a_wrong_site_is_told() {
    for (text, expected) in [
        (
            "[site]\nlongitude = '1'\n",
            "[site] has no key \"latitude\"; write latitude = \"39.73\"",
        ),
        (
            "[site]\nlatitude = '91'\nlongitude = '1'\n",
            "latitude is no number of degrees from -90 to 90; write latitude = ",
        ),
        (
            "[site]\nlatitude = '1'\nlongitude = '180.5'\n",
            "longitude is no number of degrees from -180 to 180",
        ),
        (
            "[site]\nlatitude = '39°'\nlongitude = '1'\n",
            "latitude is no number of degrees",
        ),
        (
            "[site]\nlatitude = 39.73\nlongitude = '1'\n",
            "latitude is of type float; write latitude = \"39.73\"",
        ),
        (
            "[site]\nlatitude = '1'\nlongitude = '1'\nheight = 3\n",
            "[site] has an unknown key \"height\"",
        ),
        (
            "[site]\nlatitude = '1'\nlongitude = '1'\nelevation_m = 9001\n",
            "elevation_m = 9001 is out of range",
        ),
    ] {
        let found = problems(&good_with(text));
        assert!(found.contains(expected), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
    let not_a_table = format!("site = 5\n{GOOD}");
    assert!(problems(&not_a_table).contains("site is of type integer; write a table: [site]"));
}

#[test]
fn an_outline_that_is_none_is_told() {
    for (outline, expected) in [
        (
            "[[0, 0], [1, 0]]",
            "outline has 2 points; write 3 to 500 points",
        ),
        (
            "[[0, 0], [1, 0], [2, 0]]",
            "outline of [site] encloses nothing; write points that do not lie in one line",
        ),
        (
            "[[0, 0], [9, 9], [9, 0], [0, 8]]",
            "outline of [site] meets itself: its sides 1 and 3 cross or touch",
        ),
        (
            "[[0, 0], [9, 0], [0, 9], [0, 0]]",
            "the first not again at the end",
        ),
        (
            "[[0, 0], [1, 0], [1]]",
            "outline has something that is no point; write [x, y]",
        ),
        (
            "[[0, 0], [1, 0], [1, 10000.01]]",
            "outline: 10000.01 m is out of range; write metres from -10000 to 10000",
        ),
        (
            "[[0, 0], [1, 0], [1, '7']]",
            "outline is of type string; write metres",
        ),
        (
            "'round'",
            "outline is of type string; write a list of points",
        ),
    ] {
        let found = problems(&sited(&format!("outline = {outline}\n")));
        assert!(found.contains(expected), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn a_wrong_place_path_or_water_is_told() {
    for (lines, expected) in [
        ("at = [1]", "at has something that is no point"),
        ("at = [1, 20000]", "at: 20000 m is out of range"),
        (
            "at = [1, 2]\nsize = [1, 2]",
            "size is no list of three numbers; write size = [width, depth, height]",
        ),
        (
            "at = [1, 2]\nsize = [1, 2, 0]",
            "size: 0 m is out of range; write metres from 0.01 to 2000",
        ),
        (
            "at = [1, 2]\nraised = 2001",
            "raised: 2001 m is out of range",
        ),
        (
            "at = [1, 2]\nturn_deg = 361",
            "turn_deg = 361 is out of range",
        ),
        (
            "turn_deg = 5",
            "[[assets]] \"home-01\" has turn_deg, but no key \"at\"; write at = [x, y]",
        ),
    ] {
        let found = problems(&placed(lines));
        assert!(found.contains(expected), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
    for (text, expected) in [
        (
            "[[paths]]\nwidth = 2\n",
            "[[paths]] has no key \"line\"; write line = ",
        ),
        (
            "[[paths]]\nwidth = 0\nline = [[0, 0], [1, 1]]\n",
            "width: 0 m is out of range",
        ),
        (
            "[[paths]]\nwidth = 1\nline = [[0, 0]]\n",
            "line has 1 points; write 2 to 500 points",
        ),
        (
            "[[waters]]\nname = { en = 'P', zh = '塘' }\n",
            "[[waters]] has no key \"outline\"",
        ),
        (
            "[[waters]]\ndepth = 1\noutline = [[0, 0], [1, 0], [0, 1]]\n",
            "[[waters]] has an unknown key \"depth\"",
        ),
    ] {
        let found = problems(&sited(text));
        assert!(found.contains(expected), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn places_without_a_site_are_told_once() {
    let home = "kind = \"building\"\n";
    let text = GOOD.replacen(home, &format!("{home}at = [1, 2]\n"), 1)
        + "[[waters]]\noutline = [[0, 0], [1, 0], [0, 1]]\n";
    let found = problems(&text);
    assert!(
        found.contains(
            "the file has no table [site] to count them from; write [site] with latitude"
        ),
        "{found}"
    );
    assert_eq!(found.lines().count(), 1, "{found}");
}
