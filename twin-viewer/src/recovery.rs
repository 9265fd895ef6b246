//! A graphics adapter that is lost: the driver was updated, the card was unplugged, its memory ran out. Nothing of what it
//! held can be trusted, so the viewer starts itself anew, and gives up loudly where that does not help.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bevy::app::AppExit;
use bevy::prelude::World;
use bevy::render::error_handler::{RenderError, RenderErrorHandler, RenderErrorPolicy};

/// The app ends with this code where the adapter was lost.
pub const ADAPTER_LOST: u8 = 75;
/// When the viewer was started anew before, in seconds since 1970, with commas between.
const RESTARTS: &str = "TWIN_VIEWER_RESTARTS";
/// More losses than this within the window help nobody.
const MOST_RESTARTS: usize = 3;
const WINDOW: Duration = Duration::from_secs(600);

/// Ends the app with any error of the renderer: to go on would flicker, or show what is not so.
pub fn handler() -> RenderErrorHandler {
    RenderErrorHandler(|error, main, _render| end(error, main))
}

fn end(error: &RenderError, main: &mut World) -> RenderErrorPolicy {
    tracing::error!(kind = ?error.ty, description = %error.description, "the renderer failed");
    main.write_message(AppExit::from_code(ADAPTER_LOST));
    RenderErrorPolicy::StopRendering
}

/// Starts this program anew in its own place. Comes back only with the reason why not.
pub fn start_anew() -> anyhow::Error {
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let known = std::env::var(RESTARTS).unwrap_or_default();
    let Some(restarts) = with_one_more(&known, now_s) else {
        return anyhow::anyhow!(
            "the graphics adapter was lost {MOST_RESTARTS} times within {} minutes: look at its driver, or render in \
             software (on Debian and Ubuntu `apt-get install mesa-vulkan-drivers`)",
            WINDOW.as_secs() / 60
        );
    };
    eprintln!("twin-viewer: the graphics adapter was lost; the viewer starts anew");
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return anyhow::Error::from(error).context("the viewer does not find itself"),
    };
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(RESTARTS, restarts)
        .exec();
    anyhow::Error::from(error).context("the viewer can't be started anew")
}

/// The restarts with that of now; `None`: it is one too many.
fn with_one_more(known: &str, now_s: u64) -> Option<String> {
    let recent = known
        .split(',')
        .filter_map(|text| text.parse::<u64>().ok())
        .filter(|at_s| at_s.saturating_add(WINDOW.as_secs()) > now_s);
    let mut recent: Vec<String> = recent.map(|at_s| at_s.to_string()).collect();
    if recent.len() >= MOST_RESTARTS {
        return None;
    }
    recent.push(now_s.to_string());
    Some(recent.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_adapter_ends_the_app_and_not_the_process() {
        let mut main = World::new();
        main.init_resource::<bevy::ecs::message::Messages<AppExit>>();
        let lost = RenderError {
            ty: bevy::render::error_handler::ErrorType::DeviceLost,
            description: String::new(),
            source: None,
        };
        let policy = end(&lost, &mut main);
        assert!(matches!(policy, RenderErrorPolicy::StopRendering));
        let told = main.resource::<bevy::ecs::message::Messages<AppExit>>();
        let mut cursor = told.get_cursor();
        let exits: Vec<&AppExit> = cursor.read(told).collect();
        assert_eq!(exits, [&AppExit::from_code(ADAPTER_LOST)]);
    }

    #[test]
    fn it_starts_anew_three_times_in_ten_minutes_and_no_more() {
        let mut known = String::new();
        for now_s in [1_000, 1_010, 1_020] {
            known = with_one_more(&known, now_s).expect("few");
        }
        assert_eq!(with_one_more(&known, 1_030), None);
        assert_eq!(
            with_one_more(&known, 1_605).as_deref(),
            Some("1010,1020,1605")
        );
        assert_eq!(with_one_more("nonsense", 5).as_deref(), Some("5"));
    }
}
