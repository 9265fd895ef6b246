//! From the command line to the first thing shown.

use std::path::Path;

use anyhow::{Context, Result, bail};
use terrarium_model::parse_rfc3339_with_offset;
use terrarium_network::{Network, Wake};
use terrarium_runtime::ServerAddress;
use terrarium_view_model::{Audience, Command, Connection, DeepLink, Kiosk, Page, Report};

use crate::args::Args;
use crate::view::{Link, View, apply};

/// Language, overlay and motion as the command line wants them.
pub fn set_preferences(view: &mut View, args: &Args) {
    view.0.language = args.language.into();
    view.0.reduced_motion = args.reduced_motion;
    view.0.audience = match &args.visitors {
        true => Audience::Visitors,
        false => args.audience.into(),
    };
    if let Some(scale) = args.ui_scale {
        view.0.apply(Command::SetUiScale(scale));
    }
    if view.0.audience == Audience::Visitors {
        view.0.apply(Command::ShowPage(Page::Visitors));
    }
    view.0.apply(Command::ShowDrawing(args.drawing.into()));
    view.0.apply(Command::SetOverlay(args.overlay.into()));
    if args.ledger {
        view.0.apply(Command::ShowCarbon(true));
    }
}

/// The screens that the command line asks for.
pub fn kiosk(args: &Args) -> Result<Option<Kiosk>> {
    let Some(file) = &args.kiosk else {
        return Ok(args.visitors.then(Kiosk::for_visitors));
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    let kiosk =
        Kiosk::parse(&text).with_context(|| format!("{} describes no kiosk", file.display()))?;
    Ok(Some(kiosk))
}

/// The link that the command line gives.
pub fn link(args: &Args) -> Result<Option<DeepLink>> {
    let Some(text) = &args.goto else {
        return Ok(None);
    };
    let link = DeepLink::parse(text)?;
    if let Some(park) = args.park.as_ref().filter(|park| **park != link.park) {
        bail!(
            "the link leads to park `{}`, and --park says `{park}`",
            link.park
        );
    }
    Ok(Some(link))
}

/// The park that is to be shown.
pub fn park_name(args: &Args) -> Result<String> {
    let of_link = link(args)?.map(|link| link.park);
    args.park
        .clone()
        .or(of_link)
        .context("--park PARK says which park to show")
}

/// A moment in milliseconds.
pub fn moment_ms(flag: &str, text: &str) -> Result<i64> {
    let moment = parse_rfc3339_with_offset(text).with_context(|| {
        format!("{flag} `{text}` is no moment: write it like 2026-06-21T12:00:00+08:00")
    })?;
    Ok(moment.0 * 1_000)
}

/// Shows a park from its file, at a moment, without values.
pub fn park_of_file(view: &mut View, file: &Path, at: Option<&str>) -> Result<()> {
    let Some(at) = at else {
        bail!(
            "a park from a file has no clock: say which moment to show with --at, like 2026-06-21T12:00:00+08:00"
        );
    };
    let now_ms = moment_ms("--at", at)?;
    let definition = std::fs::read_to_string(file)
        .with_context(|| format!("{} can't be read", file.display()))?;
    view.0.take(Report::Park {
        definition,
        first_ms: None,
        now_ms,
    });
    if let Some(problem) = &view.0.park_problem {
        bail!("{} is no park that can be shown: {problem}", file.display());
    }
    view.0.take(Report::Connection(Connection::Live));
    view.0.take(Report::LiveMoment {
        first_ms: None,
        now_ms,
    });
    Ok(())
}

/// Starts connecting to the server.
pub fn connect(args: &Args, wake: Wake) -> Result<Link> {
    let park = park_name(args)?;
    let server = ServerAddress {
        url: args.server.clone(),
        ca: args.ca.clone(),
        token: args.token.clone(),
    };
    let network = Network::start(server, park, wake).context("no thread for the network")?;
    Ok(Link(Some(network)))
}

/// Refuses a park of which nobody knows where anything stands.
pub fn check_geometry(view: &View) -> Result<()> {
    let Some(park) = view.0.park() else {
        bail!("no park is there to draw");
    };
    if !park.has_geometry() {
        bail!(
            "park `{}` has no geometry: give its assets `at = [east, north]` and `size = [width, depth, height]` in metres",
            park.id
        );
    }
    Ok(())
}

/// Selects what the command line names.
pub fn select(view: &mut View, link: &Link, args: &Args) -> Result<()> {
    let Some(name) = &args.select else {
        return Ok(());
    };
    let found = view.0.park().and_then(|park| park.index_of(name));
    let Some(asset) = found else {
        bail!("there is no asset `{name}` to select in this park");
    };
    apply(view, link, [Command::Select(asset)]);
    Ok(())
}
