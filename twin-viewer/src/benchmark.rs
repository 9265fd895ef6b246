//! Frame times of a made-up park, without a window: what `--benchmark` prints.

use std::time::Instant;

use anyhow::{Context, Result};
use terrarium_scene::{Squares, Stage};
use terrarium_view_model::{Connection, Report};

use crate::args::Args;
use crate::cameras;
use crate::offscreen::OffscreenStage;
use crate::panels::Bare;
use crate::repaint::Patience;
use crate::rig::Rig;
use crate::start;
use crate::view::View;

/// Frames that are drawn before counting: meshes are uploaded and caches filled.
const WARM_UP_FRAMES: u32 = 12;

/// Draws `frames` frames and prints how long they took.
pub fn run(args: &Args, frames: u32) -> Result<()> {
    let began = Instant::now();
    let mut stage = OffscreenStage::new(args.size, 1)?;
    let started_ms = began.elapsed().as_millis();
    let mut view = View::default();
    start::set_preferences(&mut view, args);
    let loaded = Instant::now();
    match &args.park_file {
        Some(file) => start::park_of_file(&mut view, file, args.at.as_deref().or(Some(NOON)))?,
        None => show(&mut view, made_up_park(args.assets))?,
    }
    let park = view.0.park().context("no park is there to draw")?;
    let pose = cameras::named(park, &args.camera)?;
    let assets = park.assets.len();
    view.0.take_camera_wish();
    stage.world().insert_resource(Bare(args.bare));
    stage.world().insert_resource(Patience::Short);
    stage.world().resource_mut::<Rig>().jump(pose);
    stage.world().insert_resource(view);
    stage.frame()?;
    let first_frame_ms = loaded.elapsed().as_millis();
    for _ in 0..WARM_UP_FRAMES {
        stage.frame()?;
    }
    let mut times_ms: Vec<f64> = Vec::with_capacity(frames as usize);
    let processor_before = processor_ms();
    for _ in 0..frames.max(1) {
        let frame = Instant::now();
        stage.frame()?;
        times_ms.push(frame.elapsed().as_secs_f64() * 1_000.0);
    }
    let processor = processor_before
        .zip(processor_ms())
        .map(|(before, after)| (after - before) / times_ms.len() as f64);
    times_ms.sort_by(f64::total_cmp);
    let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share).round() as usize];
    let pieces = stage.world().resource::<Stage>().pieces();
    let (triangles, vertices, meshes) = stage.world().resource::<Squares>().shown();
    println!(
        "{assets} assets, {pieces} pieces in {meshes} meshes, {triangles} triangles, {vertices} vertices, {}x{}, panels {}",
        args.size.0,
        args.size.1,
        if args.bare { "closed" } else { "open" }
    );
    println!(
        "renderer ready after {started_ms} ms, park loaded and first frame after {first_frame_ms} ms more"
    );
    println!(
        "{} frames: p50 {:.1} ms, p95 {:.1} ms, most {:.1} ms",
        times_ms.len(),
        at(0.5),
        at(0.95),
        at(1.0)
    );
    if let Some(per_frame_ms) = processor {
        println!("{per_frame_ms:.1} ms of processor time per frame, all threads together");
    }
    Ok(())
}

const NOON: &str = "2026-06-21T12:00:00+08:00";

fn show(view: &mut View, definition: String) -> Result<()> {
    let now_ms = start::moment_ms("--at", NOON)?;
    view.0.take(Report::Park {
        definition,
        first_ms: None,
        now_ms,
    });
    if let Some(problem) = &view.0.park_problem {
        anyhow::bail!("the made-up park is wrong: {problem}");
    }
    view.0.take(Report::Connection(Connection::Live));
    view.0.take(Report::LiveMoment {
        first_ms: None,
        now_ms,
    });
    Ok(())
}

/// A park of so many assets on a grid, a quarter of them with moving parts.
fn made_up_park(assets: u32) -> String {
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
    text.push_str(
        "[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"a7\"\n\n[[meters]]\nid = \"m\"\nasset = \"a7\"\nmeasures = \"consumption\"\nreports = \"interval\"\nrated_kw = 3.0\n",
    );
    text
}

/// Processor time that this process has taken so far, all threads together.
fn processor_ms() -> Option<f64> {
    /// Ticks of `/proc` are hundredths of a second on every Linux that we run on (USER_HZ).
    const MS_PER_TICK: f64 = 10.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold spaces; after it, user and system time are the 12th and 13th fields (proc(5)).
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) * MS_PER_TICK)
}
