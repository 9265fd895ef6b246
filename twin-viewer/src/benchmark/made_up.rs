//! A park that nobody built, and its values: a quarter of it turns, the rest fills, charges and takes power. Pure.

use terrarium_view_model::{NewPoint, PointName, Quality, Quantity, Sample, TwinDelta};

/// A park of so many assets on a grid, a quarter of them with moving parts, and a wood of `trees` beside them.
pub fn park(assets: u32, trees: u32) -> String {
    const APART_M: i64 = 14;
    let mut text = String::from(
        "[park]\nid = \"benchmark\"\nname = { en = \"Benchmark\", zh = \"基准\" }\ntime_zone = \"Asia/Shanghai\"\n\
         clock = \"simulated\"\ngrid_region = \"north-china\"\n\n[site]\nlatitude = \"39.73\"\nlongitude = \"116.14\"\n\n\
         [[zones]]\nid = \"all\"\nname = { en = \"All\", zh = \"全部\" }\n\n",
    );
    let side = f64::from(assets).sqrt().ceil() as i64;
    for number in 0..i64::from(assets) {
        let (east, north) = (
            (number % side - side / 2) * APART_M,
            (number / side - side / 2) * APART_M,
        );
        let kind = match number % 8 {
            0 => "kind = \"wind\"\nrated_kw = 10.0\nhub_height_m = 18\nrotor_m = 9".to_owned(),
            1 => "kind = \"heat_pump\"\nrated_kw = 4.0\nheat_w = 12000\nheat_source = \"air\"\nsize = [1.2, 1, 1.6]".to_owned(),
            2 => "kind = \"battery\"\nrated_kw = 50.0\ncapacity_wh = 100000\nchemistry = \"lithium\"\nsize = [6, 2.4, 2.6]".to_owned(),
            3 => "kind = \"charger\"\nrated_kw = 60.0\nbidirectional = true\nsize = [0.8, 0.6, 1.9]".to_owned(),
            4 => "kind = \"tank\"\ncapacity_l = 40000\nreserve_l = 2000\nwater = \"rain\"\nsize = [4, 4, 2.6]".to_owned(),
            5 => "kind = \"pv\"\nrated_kw = 7.0\nsize = [10, 4, 0.2]".to_owned(),
            6 => "kind = \"bin\"\ncapacity_l = 240\nlimit_g = 60000\nwaste = \"residual\"\nsize = [1.1, 0.8, 1.4]".to_owned(),
            _ => "kind = \"load\"\nrated_kw = 3.0\nsize = [3, 2, 1.6]".to_owned(),
        };
        text.push_str(&format!(
            "[[assets]]\nid = \"a{number}\"\nzone = \"all\"\nname = {{ en = \"Asset {number}\", zh = \"设备{number}\" }}\nat = [{east}, {north}]\n{kind}\n\n"
        ));
    }
    if trees > 0 {
        let reach = side * APART_M;
        text.push_str(&format!(
            "[[assets]]\nid = \"wood\"\nzone = \"all\"\nname = {{ en = \"Wood\", zh = \"树林\" }}\nat = [{reach}, 0]\n\
             size = [{reach}, {reach}, 6]\nkind = \"tree_group\"\nspecies = \"Populus tomentosa\"\ncount = {trees}\n\n"
        ));
    }
    text.push_str(
        "[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"a7\"\n\n[[meters]]\nid = \"m\"\nasset = \"a7\"\nmeasures = \"consumption\"\nreports = \"interval\"\nrated_kw = 3.0\n",
    );
    text
}

/// What the kinds of [`park`] tell, in their order.
const TOLD: [Quantity; 8] = [
    Quantity::GenerationW,
    Quantity::ConsumptionW,
    Quantity::StoredWh,
    Quantity::SessionPowerW,
    Quantity::LevelL,
    Quantity::GenerationW,
    Quantity::FillPermille,
    Quantity::ConsumptionW,
];
/// Greatest values, in the same order.
const MOST: [i64; 8] = [10_000, 4_000, 100_000, 60_000, 40_000, 7_000, 1_000, 3_000];
/// Points of sessions come after those of the assets.
const SESSIONS: u32 = 1 << 20;

/// The first message: every point and a value.
pub fn first_values(assets: u32, moment_ms: i64) -> TwinDelta {
    let mut delta = TwinDelta {
        begins_anew: true,
        moment_ms,
        position: Some(1),
        head_position: Some(1),
        caught_up: true,
        ..TwinDelta::default()
    };
    for asset in 0..assets {
        let kind = (asset % 8) as usize;
        let mut tell = |point: u32, quantity: Quantity, value: i64| {
            let name = PointName {
                asset: format!("a{asset}"),
                quantity,
                source: String::new(),
            };
            delta.new_points.insert(
                point,
                NewPoint {
                    name,
                    usual_interval_s: 60,
                },
            );
            delta.values.insert(point, Some(sample(value, moment_ms)));
        };
        tell(asset, TOLD[kind], value(asset, 0));
        if TOLD[kind] == Quantity::SessionPowerW {
            tell(SESSIONS + asset, Quantity::Session, 1);
        }
    }
    delta
}

/// The next message: one asset tells something new.
pub fn next_value(assets: u32, number: u64, moment_ms: i64) -> TwinDelta {
    let asset = (number % u64::from(assets.max(1))) as u32;
    TwinDelta {
        values: [(asset, Some(sample(value(asset, number), moment_ms)))].into(),
        moment_ms,
        position: Some(number + 2),
        head_position: Some(number + 2),
        caught_up: true,
        ..TwinDelta::default()
    }
}

fn value(asset: u32, number: u64) -> i64 {
    let most = MOST[(asset % 8) as usize];
    let share = (u64::from(asset) * 37 + number * 13) % 90 + 10;
    most * share as i64 / 100
}

fn sample(value: i64, time_ms: i64) -> Sample {
    Sample {
        value,
        time_ms,
        recorded: Quality::Good,
    }
}
