//! A picture without a window.

use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bevy::app::SubApps;
use bevy::asset::RenderAssetUsages;
use bevy::camera::{ImageRenderTarget, RenderTarget};
use bevy::image::Image;
use bevy::prelude::*;
use bevy::render::render_resource::{
    Extent3d, PipelineCache, PollType, TextureDimension, TextureFormat, TextureUsages,
};
use bevy::render::renderer::RenderDevice;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy::time::TimeUpdateStrategy;
use terrarium_network::Wake;
use terrarium_view_model::{BundleFile, CameraPose, CameraWish, Command, Connection, FileWish};

use crate::app::{self, Surface};
use crate::args::Args;
use crate::bundle;
use crate::cameras;
use crate::files;
use crate::panels::Bare;
use crate::picture::Picture;
use crate::repaint::Layouts;
use crate::rig::Rig;
use crate::rotation;
use crate::start;
use crate::view::{Link, View, apply, report};

/// What passes with every frame of a picture.
const FRAME: Duration = Duration::from_millis(20);
/// Frames until meshes, fonts and layouts have settled; all but the first are cheap.
const FRAMES_TO_SETTLE: usize = 6;
/// Frames after which meshes, glyphs and rows that changed are sure to have reached the adapter.
const FRAMES_UNTIL_WHOLE: u64 = 4;
/// A picture that was asked for is there after a few frames.
const MOST_FRAMES_TO_WAIT: usize = 60;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
pub const LONGEST_WAIT_FOR_PANELS: Duration = Duration::from_secs(10);
const LONGEST_WAIT_FOR_SHADERS: Duration = Duration::from_secs(60);
const LONGEST_WAIT_FOR_SERVER: Duration = Duration::from_secs(30);

/// Renders the picture that the arguments ask for and writes it.
pub fn run(args: &Args) -> Result<()> {
    let out = args
        .out
        .as_deref()
        .context("--offscreen needs --out FILE")?;
    let (picture, bundle) = render_with_bundle(args)?;
    write(&picture, out)?;
    println!("{}", out.display());
    if let Some((folder, incident)) = args.incident.as_ref().zip(bundle) {
        let png = picture
            .png()
            .context("the picture can't be written as PNG")?;
        let file = bundle::bundle(&incident.files, &png)
            .and_then(|bytes| files::write_beside(folder, &incident.name, &bytes))
            .with_context(|| format!("{} can't be written to", folder.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

/// An incident bundle without its picture.
struct Bundle {
    name: String,
    files: Vec<BundleFile>,
}

/// Renders the picture that the arguments ask for. All that can be wrong with them is found before anything is drawn.
fn render_with_bundle(args: &Args) -> Result<(Picture, Option<Bundle>)> {
    let mut show = Show::prepare(args, Arc::new(|| ()))?;
    let bundle = match args.incident {
        Some(_) => Some(show.bundle(args)?),
        None => None,
    };
    let mut stage = OffscreenStage::new(args.size, args.samples)?;
    if bundle.is_some() {
        // The picture is of the moment that the bundle tells of.
        show.link = Link::default();
    }
    show.stand_on(&mut stage, args);
    Ok((stage.picture()?, bundle))
}

/// What a picture shows.
pub struct Show {
    view: View,
    link: Link,
    pose: CameraPose,
}

impl Show {
    /// Everything but the drawing.
    pub fn prepare(args: &Args, wake: Wake) -> Result<Show> {
        let mut view = View::default();
        start::set_preferences(&mut view, args);
        view.0.reduced_motion = true;
        let mut link = Link::default();
        match &args.park_file {
            Some(file) => start::park_of_file(&mut view, file, args.at.as_deref())?,
            None => {
                link = start::connect(args, wake)?;
                let deep_link = start::link(args)?;
                let wanted_ms = match (&args.at, &deep_link) {
                    (Some(at), _) => Some(start::moment_ms("--at", at)?),
                    (None, Some(deep_link)) => deep_link.moment_ms,
                    (None, None) => None,
                };
                wait_for_server(&mut view, &link, args, wanted_ms)?;
                // The view's own wish for a home camera is not wanted.
                view.0.take_camera_wish();
                if let Some(deep_link) = deep_link {
                    apply(&mut view, &link, [Command::GoTo(deep_link)]);
                }
            }
        }
        start::check_geometry(&view)?;
        start::select(&mut view, &link, args)?;
        let kiosk = start::kiosk(args)?;
        let mut camera = args.camera.clone();
        if let Some(kiosk) = &kiosk {
            view.0.audience = kiosk.audience;
            rotation::show(&mut view, &link, kiosk, 0);
            camera.clone_from(&kiosk.screens[0].camera);
        }
        settle(&mut view, &link);
        let park = view.0.park().context("no park is there to draw")?;
        let named = cameras::named(park, &camera)?;
        let pose = match view.0.take_camera_wish() {
            Some(CameraWish::To(pose)) if args.goto.is_some() => pose,
            _ => named,
        };
        Ok(Show { view, link, pose })
    }

    /// Puts it on a stage.
    pub fn stand_on(self, stage: &mut OffscreenStage, args: &Args) {
        let world = stage.world();
        world.insert_resource(Bare(args.bare));
        world.resource_mut::<Rig>().jump(self.pose);
        world.insert_resource(self.link);
        world.insert_resource(self.view);
    }

    /// Fetches what happened around the moment.
    fn bundle(&mut self, args: &Args) -> Result<Bundle> {
        let Some(network) = &self.link.0 else {
            bail!("an incident bundle needs a server: a park from a file has no events");
        };
        apply(&mut self.view, &self.link, [Command::SaveIncident]);
        let began = Instant::now();
        loop {
            report(&mut self.view, &self.link, network.take());
            for wish in self.view.0.take_file_wishes() {
                if let FileWish::Bundle { name, files } = wish {
                    return Ok(Bundle { name, files });
                }
            }
            if let Some(reason) = self.view.0.failure_of("events around") {
                bail!("the events around the moment can't be fetched: {reason}");
            }
            if began.elapsed() > LONGEST_WAIT_FOR_SERVER {
                bail!("{} did not send the events around the moment", args.server);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// Takes in what the panels wait for; not for ever, as a panel also says what it lacks.
fn settle(view: &mut View, link: &Link) {
    let Some(network) = &link.0 else {
        return;
    };
    let began = Instant::now();
    while !view.0.is_settled() && began.elapsed() < LONGEST_WAIT_FOR_PANELS {
        report(view, link, network.take());
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

fn write(picture: &Picture, out: &Path) -> Result<()> {
    let bytes = picture
        .png()
        .context("the picture can't be written as PNG")?;
    std::fs::write(out, bytes).with_context(|| format!("{} can't be written", out.display()))
}

/// An app that draws into an image, frame by frame.
pub struct OffscreenStage {
    /// Never torn down: Mesa's software driver can crash when its device goes while its threads run. The process ends anyway.
    apps: ManuallyDrop<SubApps>,
    target: ImageRenderTarget,
    samples: u32,
    rendered: Arc<Rendered>,
    /// Frames that were begun, and those of them that are finished.
    begun: u64,
    finished: u64,
}

/// What the render thread tells of its frames.
struct Rendered {
    /// How many pipelines can't be used yet, as of the frame that was drawn last; no frame yet counts as one.
    waiting_pipelines: AtomicUsize,
    /// Frames that were handed to the adapter.
    submitted: AtomicU64,
}

impl OffscreenStage {
    /// `size` in points; every point is drawn `samples` times finer in both directions.
    pub fn new(size: (u32, u32), samples: u32) -> Result<OffscreenStage> {
        OffscreenStage::with(size, samples, |_| {})
    }

    /// The same with more in its app.
    pub fn with(
        size: (u32, u32),
        samples: u32,
        more: impl FnOnce(&mut App),
    ) -> Result<OffscreenStage> {
        let mut app = app::build(&Surface::Image)?;
        // A clock that goes on by frames: what the panels animate stands alike on a fast machine and on a busy one, and with it
        // the order in which glyphs are kept, which decides how the last bit of their pixels is rounded.
        app.insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
        more(&mut app);
        let rendered = watch_rendering(&mut app);
        app::finish(&mut app);
        let handle = app
            .world_mut()
            .resource_mut::<Assets<Image>>()
            .add(empty_image(size.0 * samples, size.1 * samples));
        let target = ImageRenderTarget {
            handle,
            scale_factor: samples as f32,
        };
        let render_target = RenderTarget::Image(target.clone());
        app.world_mut().spawn((app::scene_camera(), render_target));
        Ok(OffscreenStage {
            apps: ManuallyDrop::new(std::mem::take(app.sub_apps_mut())),
            target,
            samples,
            rendered,
            begun: 0,
            finished: 0,
        })
    }

    pub fn world(&mut self) -> &mut World {
        self.apps.main.world_mut()
    }

    /// Begins a frame and waits for all that the adapter was given. While another thread still renders this frame, as it does
    /// for a window, that is the one before.
    pub fn frame(&mut self) -> Result<()> {
        self.apps.update();
        self.begun += 1;
        let submitted = self.rendered.submitted.load(Ordering::Acquire);
        let device = self.apps.main.world().resource::<RenderDevice>();
        device
            .wgpu_device()
            .poll(PollType::Wait {
                submission_index: None,
                timeout: None,
            })
            .context("the graphics adapter was lost while drawing: start again")?;
        self.finished = submitted;
        Ok(())
    }

    /// The number of the frame that was begun last, from 1.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// The number of the last frame that is finished: its pixels are there.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Draws frames until one is finished that lacks nothing of what the world holds now: shaders, meshes, texts.
    pub fn whole_frame(&mut self) -> Result<()> {
        let began = Instant::now();
        let laid_out = self.world().resource::<Layouts>().0;
        let mut settled = self.begun + FRAMES_UNTIL_WHOLE;
        loop {
            self.frame()?;
            // The first layout only installs the fonts.
            let is_laid_out = self.world().resource::<Layouts>().0 > laid_out.max(1);
            let waits = self.rendered.waiting_pipelines.load(Ordering::Acquire) > 0;
            if waits || !is_laid_out {
                settled = self.begun + 1;
            } else if self.finished >= settled {
                return Ok(());
            }
            if began.elapsed() > LONGEST_WAIT_FOR_SHADERS {
                bail!("the graphics driver does not compile the viewer's shaders");
            }
        }
    }

    /// The picture as it is now.
    pub fn picture(&mut self) -> Result<Picture> {
        self.picture_after(FRAMES_TO_SETTLE)
    }

    /// The picture after so many frames, and after as many more as the shaders take to be there: until then whatever needs
    /// them is left out, in the worst case everything.
    pub fn picture_after(&mut self, frames: usize) -> Result<Picture> {
        let began = Instant::now();
        for _ in 0..frames {
            self.frame()?;
        }
        while self.rendered.waiting_pipelines.load(Ordering::Acquire) > 0 {
            if began.elapsed() > LONGEST_WAIT_FOR_SHADERS {
                bail!("the graphics driver does not compile the viewer's shaders");
            }
            self.frame()?;
        }
        self.capture()
    }

    fn capture(&mut self) -> Result<Picture> {
        let captured: Arc<Mutex<Option<Image>>> = Arc::default();
        let slot = Arc::clone(&captured);
        // The very target of the camera, its scale included: another scale is another target, and black.
        let target = RenderTarget::Image(self.target.clone());
        self.world().spawn(Screenshot(target)).observe(
            move |event: On<'_, '_, ScreenshotCaptured>| {
                if let Ok(mut slot) = slot.lock() {
                    *slot = Some(event.image.clone());
                }
            },
        );
        for _ in 0..MOST_FRAMES_TO_WAIT {
            self.frame()?;
            let image = captured.lock().ok().and_then(|mut slot| slot.take());
            if let Some(image) = image {
                let data = image
                    .data
                    .as_deref()
                    .context("the picture came back empty")?;
                return Ok(Picture::averaged(
                    data,
                    image.width(),
                    image.height(),
                    self.samples,
                ));
            }
        }
        bail!("the graphics adapter draws but gives no picture back")
    }
}

fn watch_rendering(app: &mut App) -> Arc<Rendered> {
    let rendered = Arc::new(Rendered {
        waiting_pipelines: AtomicUsize::new(1),
        submitted: AtomicU64::new(0),
    });
    let told = Arc::clone(&rendered);
    let tell = move |cache: Res<'_, PipelineCache>| {
        let waiting = cache.waiting_pipelines().count();
        told.waiting_pipelines.store(waiting, Ordering::Release);
        told.submitted.fetch_add(1, Ordering::AcqRel);
    };
    if let Some(render) = app.get_sub_app_mut(RenderApp) {
        render.add_systems(Render, tell.in_set(RenderSystems::Cleanup));
    }
    rendered
}

fn empty_image(width: u32, height: u32) -> Image {
    let size = Extent3d {
        width,
        height,
        depth_or_array_layers: 1,
    };
    let mut image = Image::new_uninit(
        size,
        TextureDimension::D2,
        TextureFormat::Rgba8UnormSrgb,
        RenderAssetUsages::RENDER_WORLD,
    );
    image.texture_descriptor.usage |= TextureUsages::RENDER_ATTACHMENT;
    image
}

/// Takes in what the server says until the wanted moment is there.
pub fn wait_for_server(
    view: &mut View,
    link: &Link,
    args: &Args,
    wanted_ms: Option<i64>,
) -> Result<()> {
    let Some(network) = &link.0 else {
        return Ok(());
    };
    let began = Instant::now();
    let mut has_asked = false;
    loop {
        report(view, link, network.take());
        refuse_what_will_not_come(&view.0.connection, &args.server)?;
        if let Some(reason) = view.0.failure_of("replay") {
            bail!("the moment can't be shown: {reason}");
        }
        if let Some(problem) = &view.0.park_problem {
            bail!("the park's definition on the server can't be read: {problem}");
        }
        if view.0.park().is_some() {
            if let (Some(moment_ms), false) = (wanted_ms, has_asked) {
                start::refuse_the_future(moment_ms, view.0.timeline.now_ms())?;
                apply(view, link, [Command::SeekExact { moment_ms }]);
                has_asked = true;
            } else if is_there(view, wanted_ms) {
                return Ok(());
            }
        }
        if began.elapsed() > LONGEST_WAIT_FOR_SERVER {
            bail!(
                "{} did not send the park within {} s",
                args.server,
                LONGEST_WAIT_FOR_SERVER.as_secs()
            );
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

fn is_there(view: &View, wanted_ms: Option<i64>) -> bool {
    let timeline = &view.0.timeline;
    wanted_ms.is_none_or(|moment_ms| timeline.shown_ms() == moment_ms) && !timeline.is_waiting()
}

fn refuse_what_will_not_come(connection: &Connection, server: &str) -> Result<()> {
    match connection {
        Connection::Idle | Connection::Connecting { .. } | Connection::Live => Ok(()),
        Connection::StaleSince { reason, .. } => {
            bail!(
                "{server} does not answer: {reason}. Is the park running (`deploy/up`), and is --server right?"
            )
        }
        Connection::WrongVersion { reason } => bail!("{server} is of another version: {reason}"),
        Connection::NotAllowed { reason } => {
            bail!(
                "{server} does not let the viewer in: {reason}. Pass a token with --token or TERRARIUM_TOKEN"
            )
        }
        Connection::NoSuchPark { park, parks } if parks.is_empty() => {
            bail!("{server} has no park `{park}`, and none that this token may see")
        }
        Connection::NoSuchPark { park, parks } => {
            bail!("{server} has no park `{park}`; it has {}", parks.join(", "))
        }
    }
}
