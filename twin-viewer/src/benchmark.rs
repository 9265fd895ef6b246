//! Frame times of a made-up park, or of one that a server serves, without a window: what `--benchmark` prints.

mod made_up;
mod served;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bevy::render::renderer::RenderAdapterInfo;
use terrarium_render::SceneDrawings;
use terrarium_scene::{Poses, Squares, Stage};
use terrarium_view_model::{Command, Connection, Report, TwinDelta};

use crate::args::Args;
use crate::cameras;
use crate::marks::Names;
use crate::offscreen::OffscreenStage;
use crate::panels::Bare;
use crate::repaint::Patience;
use crate::rig::Rig;
use crate::start;
use crate::view::View;

/// Frames that are drawn before counting: meshes are uploaded and caches filled.
const WARM_UP_FRAMES: u32 = 12;
const NOON: &str = "2026-06-21T12:00:00+08:00";
const DELTAS_PER_S: u64 = 50_000;
/// With deltas and without by turns, so that what the machine does beside weighs on both.
const TURNS: u32 = 5;
/// Names over the scene, where there is room for them.
const LABELS: usize = 100;
/// Trees of the second park, which is loaded while the first is shown.
const TREES: u32 = 20_000;
/// Seconds that an idle wall is watched for.
const IDLE_S: u32 = 8;

/// Draws `frames` frames of each course, or a few more so that each turn has as many, and prints how long they took.
pub fn run(args: &Args, frames: u32) -> Result<()> {
    if args.park.is_some() {
        return served::run(args, frames);
    }
    let began = Instant::now();
    let mut stage = OffscreenStage::new(args.size, 1)?;
    let mut view = View::default();
    start::set_preferences(&mut view, args);
    let noon_ms = start::moment_ms("--at", args.at.as_deref().unwrap_or(NOON))?;
    match &args.park_file {
        Some(file) => start::park_of_file(&mut view, file, args.at.as_deref().or(Some(NOON)))?,
        None => show(&mut view, made_up::park(args.assets, 0), noon_ms)?,
    }
    let is_made_up = args.park_file.is_none();
    if is_made_up {
        let delta = made_up::first_values(args.assets, noon_ms);
        view.0.take(Report::Live {
            delta,
            waited_ms: 0,
        });
    }
    let park = view.0.park().context("no park is there to draw")?;
    let pose = cameras::named(park, &args.camera)?;
    let assets = park.assets.len();
    view.0.take_camera_wish();
    stage.world().insert_resource(Bare(args.bare));
    stage.world().insert_resource(Patience::Short);
    stage.world().resource_mut::<Rig>().jump(pose);
    stage.world().insert_resource(view);
    stage.world().resource_mut::<Names>().most = LABELS;
    stage.whole_frame()?;
    let first_frame_ms = began.elapsed().as_millis();
    for _ in 0..WARM_UP_FRAMES {
        stage.frame()?;
    }
    tell_scene(&mut stage, args, assets);
    println!("first full frame {first_frame_ms} ms after start");

    let mut calm = Course::default();
    let mut busy = Busy::default();
    let frames_a_turn = frames.div_ceil(TURNS);
    for _ in 0..TURNS {
        calm.join(Course::of(&mut stage, frames_a_turn, |_| {})?);
        if is_made_up {
            busy.go_on(&mut stage, args.assets, frames_a_turn, noon_ms)?;
        }
    }
    calm.tell("values stand still");
    if is_made_up {
        busy.latencies_ms.sort_by(f64::total_cmp);
        busy.course.tell(&format!("{DELTAS_PER_S} deltas/s"));
        println!(
            "  p95 {:+.1} ms by the deltas; {} deltas taken; from event to pixel p50 {:.0} ms, p95 {:.0} ms",
            busy.course.at(0.95) - calm.at(0.95),
            busy.deltas,
            share_of(&busy.latencies_ms, 0.5),
            share_of(&busy.latencies_ms, 0.95),
        );
    }
    idle_wall(&mut stage, noon_ms)?;
    if let Some(mb) = resident_mb() {
        println!(
            "{mb} MB resident with {} parts",
            stage.world().resource::<Stage>().pieces()
        );
    }
    if is_made_up {
        load_trees(&mut stage, args, noon_ms)?;
    }
    Ok(())
}

fn tell_scene(stage: &mut OffscreenStage, args: &Args, assets: usize) {
    let world = stage.world();
    let pieces = world.resource::<Stage>().pieces();
    let (triangles, vertices, meshes) = world.resource::<Squares>().shown();
    let moving = world.resource::<Stage>().turning(world.resource::<Poses>());
    let labels = world.resource::<Names>().drawn;
    let adapter = world.resource::<RenderAdapterInfo>();
    println!(
        "adapter: {} ({:?}, {})",
        adapter.name, adapter.device_type, adapter.driver_info
    );
    println!(
        "load of the machine before: {}",
        load().unwrap_or_else(|| "not known".to_owned())
    );
    println!(
        "{assets} assets, {moving} moving, {labels} labels, {pieces} parts in {meshes} meshes, {triangles} triangles, \
         {vertices} vertices, {}x{}, panels {}",
        args.size.0,
        args.size.1,
        if args.bare { "closed" } else { "open" }
    );
}

/// Frames one after the other.
#[derive(Default)]
struct Course {
    /// In order of length.
    times_ms: Vec<f64>,
    /// Of all frames together.
    processor_ms: Option<f64>,
}

impl Course {
    fn of(
        stage: &mut OffscreenStage,
        frames: u32,
        mut before: impl FnMut(&mut OffscreenStage),
    ) -> Result<Course> {
        let mut times_ms: Vec<f64> = Vec::with_capacity(frames as usize);
        let processor_before = processor_ms();
        for _ in 0..frames.max(1) {
            let frame = Instant::now();
            before(stage);
            stage.frame()?;
            times_ms.push(frame.elapsed().as_secs_f64() * 1_000.0);
        }
        let processor_ms = processor_before
            .zip(processor_ms())
            .map(|(before, after)| after - before);
        times_ms.sort_by(f64::total_cmp);
        Ok(Course {
            times_ms,
            processor_ms,
        })
    }

    fn join(&mut self, other: Course) {
        self.processor_ms = match self.times_ms.is_empty() {
            true => other.processor_ms,
            false => self
                .processor_ms
                .zip(other.processor_ms)
                .map(|(ours, others)| ours + others),
        };
        self.times_ms.extend(other.times_ms);
        self.times_ms.sort_by(f64::total_cmp);
    }

    fn at(&self, share: f64) -> f64 {
        share_of(&self.times_ms, share)
    }

    fn tell(&self, what: &str) {
        let processor = self
            .processor_ms
            .map(|ms| ms / self.times_ms.len() as f64)
            .map_or_else(|| "not known".to_owned(), |ms| format!("{ms:.1} ms"));
        println!(
            "{what}: {} frames, p50 {:.1} ms, p95 {:.1} ms, most {:.1} ms, processor time {processor} a frame",
            self.times_ms.len(),
            self.at(0.5),
            self.at(0.95),
            self.at(1.0)
        );
    }
}

fn share_of(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

/// Frames while values come.
#[derive(Default)]
struct Busy {
    course: Course,
    /// How many deltas the frames took, ...
    deltas: u64,
    /// ... and how many were made.
    made: u64,
    latencies_ms: Vec<f64>,
}

/// What waits for the next frame, merged, as the network does it.
#[derive(Default)]
struct Lane {
    delta: Option<TwinDelta>,
    /// So many deltas were merged into it, ...
    merged: u64,
    /// ... the first one then.
    since: Option<Instant>,
    /// All that were made.
    made: u64,
}

impl Busy {
    /// More frames. Another thread makes deltas and merges them, as the network's does; every frame takes what is there.
    fn go_on(
        &mut self,
        stage: &mut OffscreenStage,
        assets: u32,
        frames: u32,
        noon_ms: i64,
    ) -> Result<()> {
        let lane = Arc::new(Mutex::new(Lane {
            made: self.made,
            ..Lane::default()
        }));
        let is_over = Arc::new(AtomicBool::new(false));
        let feed = std::thread::spawn({
            let (lane, is_over) = (Arc::clone(&lane), Arc::clone(&is_over));
            move || feed(&lane, &is_over, assets, noon_ms)
        });
        let mut taken = Taken::default();
        let deltas = &mut self.deltas;
        let course = Course::of(stage, frames, |stage| {
            taken.see(stage.finished());
            let (delta, since) = {
                let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
                *deltas += std::mem::take(&mut lane.merged);
                (lane.delta.take(), lane.since.take())
            };
            let frame = stage.begun() + 1;
            taken.waiting.extend(since.map(|since| (frame, since)));
            if let Some(delta) = delta {
                let mut view = stage.world().resource_mut::<View>();
                view.0.take(Report::Live {
                    delta,
                    waited_ms: 0,
                });
            }
        });
        is_over.store(true, Ordering::Relaxed);
        let is_fed = feed.join().is_ok();
        anyhow::ensure!(is_fed, "the thread that makes deltas panicked");
        self.made = lane.lock().unwrap_or_else(PoisonError::into_inner).made;
        self.course.join(course?);
        while !taken.waiting.is_empty() {
            stage.frame()?;
            taken.see(stage.finished());
        }
        self.latencies_ms.extend(taken.latencies_ms);
        Ok(())
    }
}

/// Deltas on their way from the lane to the picture.
#[derive(Default)]
struct Taken {
    /// The frame that shows them, and since when the first of them waited.
    waiting: VecDeque<(u64, Instant)>,
    latencies_ms: Vec<f64>,
}

impl Taken {
    /// Frames up to this one can be seen.
    fn see(&mut self, finished: u64) {
        while let Some((_, since)) = self.waiting.pop_front_if(|(frame, _)| *frame <= finished) {
            self.latencies_ms
                .push(since.elapsed().as_secs_f64() * 1_000.0);
        }
    }
}

fn feed(lane: &Mutex<Lane>, is_over: &AtomicBool, assets: u32, noon_ms: i64) {
    const BATCH: Duration = Duration::from_millis(2);
    let began = Instant::now();
    let made_before = lane.lock().unwrap_or_else(PoisonError::into_inner).made;
    let mut made = made_before;
    while !is_over.load(Ordering::Relaxed) {
        let due = made_before + (began.elapsed().as_secs_f64() * DELTAS_PER_S as f64) as u64;
        while made < due {
            let moment_ms = noon_ms + (made / DELTAS_PER_S * 1_000) as i64;
            let later = made_up::next_value(assets, made, moment_ms);
            let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
            lane.since.get_or_insert_with(Instant::now);
            match &mut lane.delta {
                Some(delta) => delta.merge(later),
                none => *none = Some(later),
            }
            made += 1;
            lane.merged += 1;
            lane.made = made;
        }
        std::thread::sleep(BATCH);
    }
}

/// A wall that nobody touches: the clock ticks once a second, and a frame is drawn for it.
fn idle_wall(stage: &mut OffscreenStage, noon_ms: i64) -> Result<()> {
    // As `Pace` has it where nobody is at the controls: nothing moves by itself.
    stage.world().resource_mut::<View>().0.reduced_motion = true;
    for _ in 0..WARM_UP_FRAMES {
        tick(stage, noon_ms + 3_600_000)?;
    }
    let drawings = stage.world().resource::<SceneDrawings>().clone();
    let drawn_before = drawings.drawn();
    let Some(before_ms) = processor_ms() else {
        return Ok(());
    };
    let began = Instant::now();
    for second in 1..=IDLE_S {
        tick(stage, noon_ms + 3_600_000 + i64::from(second) * 1_000)?;
        let next = Duration::from_secs(u64::from(second));
        std::thread::sleep(next.saturating_sub(began.elapsed()));
    }
    let used_ms = processor_ms().unwrap_or(before_ms) - before_ms;
    let share = used_ms / (began.elapsed().as_secs_f64() * 1_000.0) * 100.0;
    let drawn = drawings.drawn() - drawn_before;
    println!(
        "an idle wall, one frame a second: {share:.1} % of one core, the scene drawn anew in {drawn} of {IDLE_S} frames"
    );
    Ok(())
}

/// The park's clock is told, and a frame is drawn for it.
fn tick(stage: &mut OffscreenStage, now_ms: i64) -> Result<()> {
    let mut view = stage.world().resource_mut::<View>();
    view.0.take(Report::LiveMoment {
        first_ms: None,
        now_ms,
    });
    stage.frame()
}

/// Another park with a wood: from its definition to the first frame that shows it.
fn load_trees(stage: &mut OffscreenStage, args: &Args, noon_ms: i64) -> Result<()> {
    let definition = made_up::park(args.assets, TREES);
    let began = Instant::now();
    let mut view = stage.world().resource_mut::<View>();
    show(&mut view, definition, noon_ms)?;
    view.0.apply(Command::CameraHome);
    stage.whole_frame()?;
    let loaded_ms = began.elapsed().as_millis();
    let parts = stage.world().resource::<Stage>().pieces();
    let (triangles, _, _) = stage.world().resource::<Squares>().shown();
    println!(
        "{TREES} trees beside them ({parts} parts, {triangles} triangles): loaded and drawn after {loaded_ms} ms"
    );
    Ok(())
}

fn show(view: &mut View, definition: String, now_ms: i64) -> Result<()> {
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

/// The machine's load over one, five and fifteen minutes.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(
        text.split_whitespace()
            .take(3)
            .collect::<Vec<&str>>()
            .join(" "),
    )
}

/// Main memory that this process holds, shared libraries included.
fn resident_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kb: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1_024)
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
