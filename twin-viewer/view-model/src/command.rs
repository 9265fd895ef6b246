use crate::camera::CameraPose;
use crate::overlay::Overlay;
use crate::park_view::AssetIndex;
use crate::request::ParkCommand;
use crate::timeline::LoopMode;
use crate::words::Language;

/// What a person does in the viewer: every button, key and drag becomes one of these, applied at the end of the frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    // Time.
    Follow,
    Pause,
    Play {
        backwards: bool,
    },
    SeekExact {
        moment_ms: i64,
    },
    SeekClamped {
        moment_ms: i64,
    },
    StepEvent {
        backwards: bool,
    },
    SetSpeed {
        speed: u32,
    },
    SetLoop(LoopMode),
    SelectRange(Option<(i64, i64)>),
    ZoomTimeline(Option<(i64, i64)>),

    // Selection.
    Select(AssetIndex),
    ToggleSelect(AssetIndex),
    SelectMany(Vec<AssetIndex>),
    ClearSelection,
    SelectionBack,
    SelectionForward,
    Search(String),

    // View.
    SetOverlay(Overlay),
    SetLanguage(Language),
    /// Shows the plan instead of the scene, or the scene again.
    ShowPlan(bool),
    OpenAlarm(Option<String>),
    ShowCarbon(bool),
    SetReducedMotion(bool),
    SetUiScale(f32),
    CameraHome,
    CameraNorthUp,
    FlyTo(AssetIndex),
    /// Tells what the camera sees, so that it can be bookmarked.
    CameraMoved(CameraPose),
    AddBookmark {
        name: String,
    },
    GoToBookmark(usize),
    RemoveBookmark(usize),

    // To the park. The first asks for confirmation, the second sends what was asked for.
    Propose(ParkCommand),
    Confirm,
    Dismiss,
}
