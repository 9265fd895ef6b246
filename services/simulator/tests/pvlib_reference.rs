//! The sun, the sky and the panels against pvlib: tests/pvlib/reference.csv, which tests/pvlib/reference.py writes.

use terrarium_model::{UnixMillis, sun_position};
use terrarium_simulator::physics::pv::{self, PvLosses};
use terrarium_simulator::physics::sky::{self, Plane, SkyModel};

const LATITUDE_DEG: f64 = 39.73;
const LONGITUDE_DEG: f64 = 116.14;
const ALTITUDE_M: f64 = 45.0;
const RATED_W: f64 = 98_000.0;
const GAMMA_PER_K: f64 = -0.0035;

struct Row {
    unix_s: i64,
    zenith_deg: f64,
    azimuth_deg: f64,
    clear_ghi: f64,
    ghi: f64,
    air_c: f64,
    wind_m_s: f64,
    in_plane: f64,
    ac_w: f64,
}

fn reference() -> Vec<Row> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/pvlib/reference.csv"
    );
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_path(file)
        .expect("the reference file is there");
    let rows: Vec<Row> = reader
        .records()
        .map(|record| {
            let record = record.expect("a row of the reference file");
            let number = |index: usize| record[index].parse::<f64>().expect("a number");
            Row {
                unix_s: record[0].parse().expect("a time"),
                zenith_deg: number(1),
                azimuth_deg: number(2),
                clear_ghi: number(3),
                ghi: number(4),
                air_c: number(5),
                wind_m_s: number(6),
                in_plane: number(7),
                ac_w: number(8),
            }
        })
        .collect();
    assert!(rows.len() > 4_000, "the reference file was cut off");
    rows
}

/// Days of 2025 from 1; the reference's calendar is UTC.
fn day_of_year(unix_s: i64) -> u32 {
    const START_OF_2025: i64 = 1_735_689_600;
    ((unix_s - START_OF_2025) / 86_400 + 1) as u32
}

/// In-plane irradiance and alternating-current power by our chain.
fn ours(row: &Row) -> (f64, f64) {
    let sun = sun_position(UnixMillis(row.unix_s * 1_000), LATITUDE_DEG, LONGITUDE_DEG);
    let extraterrestrial = sky::extraterrestrial(day_of_year(row.unix_s));
    let split = sky::erbs(row.ghi, sun.zenith_deg, extraterrestrial);
    let plane = Plane {
        tilt_deg: 30.0,
        azimuth_deg: 180.0,
    };
    let in_plane = sky::in_plane(
        plane,
        sun,
        split,
        extraterrestrial,
        sky::URBAN_ALBEDO,
        SkyModel::Perez,
    );
    let cell_c = pv::faiman_cell_c(in_plane, row.air_c, row.wind_m_s);
    let dc_w = pv::pvwatts_dc_w(in_plane, cell_c, RATED_W, GAMMA_PER_K);
    let after_losses_w = dc_w * (1.0 - PvLosses::PVWATTS.share());
    (in_plane, pv::pvwatts_inverter_w(after_losses_w, RATED_W))
}

#[test]
fn the_sun_stands_where_pvlib_has_it_within_a_hundredth_of_a_degree() {
    for row in reference() {
        let sun = sun_position(UnixMillis(row.unix_s * 1_000), LATITUDE_DEG, LONGITUDE_DEG);
        let zenith_off = (sun.zenith_deg - row.zenith_deg).abs();
        // Azimuth counts as an angle on the sky: near the zenith a degree of it is little.
        let azimuth_off = (sun.azimuth_deg - row.azimuth_deg + 540.0).rem_euclid(360.0) - 180.0;
        let on_sky = azimuth_off.abs() * row.zenith_deg.to_radians().sin();
        assert!(
            zenith_off < 0.01 && on_sky < 0.01,
            "at {}: zenith off by {zenith_off}, azimuth by {azimuth_off}",
            row.unix_s
        );
    }
}

#[test]
fn the_clear_sky_is_pvlibs() {
    for row in reference().iter().filter(|row| row.zenith_deg < 89.0) {
        let extraterrestrial = sky::extraterrestrial(day_of_year(row.unix_s));
        let clear = sky::ineichen(row.zenith_deg, ALTITUDE_M, 4.0, extraterrestrial);
        assert!(
            (clear.ghi - row.clear_ghi).abs() < 0.05,
            "at {}: {} against {}",
            row.unix_s,
            clear.ghi,
            row.clear_ghi
        );
    }
}

#[test]
fn a_year_of_panels_is_pvlibs_within_a_thousandth_and_each_hour_within_half_a_percent_of_the_rating()
 {
    let rows: Vec<Row> = reference()
        .into_iter()
        .filter(|row| row.ghi > 0.0)
        .collect();
    let (mut ours_wh, mut pvlib_wh, mut squares, mut worst_in_plane) = (0.0, 0.0, 0.0, 0.0_f64);
    for row in &rows {
        let (in_plane, ac_w) = ours(row);
        ours_wh += ac_w;
        pvlib_wh += row.ac_w;
        squares += (ac_w - row.ac_w).powi(2);
        worst_in_plane = worst_in_plane.max((in_plane - row.in_plane).abs());
    }
    let root_mean_square_w = (squares / rows.len() as f64).sqrt();
    println!(
        "annual {:.3} MWh against pvlib's {:.3}; hourly RMSE {root_mean_square_w:.2} W; in-plane off by {worst_in_plane:.3} W/m2 at most",
        ours_wh / 1e6,
        pvlib_wh / 1e6
    );
    assert!((ours_wh / pvlib_wh - 1.0).abs() < 0.001);
    assert!(root_mean_square_w < 0.005 * RATED_W);
}
