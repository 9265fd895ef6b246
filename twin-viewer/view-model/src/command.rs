use crate::audience::Page;
use crate::camera::CameraPose;
use crate::comparison::Mark;
use crate::deep_link::DeepLink;
use crate::document::Format;
use crate::ledger_trail::{LedgerBook, LedgerPeriod};
use crate::overlay::Overlay;
use crate::park_view::AssetIndex;
use crate::request::ParkCommand;
use crate::single_line::Drawing;
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
    /// In the order of ids, round and round.
    SelectNext {
        backwards: bool,
    },
    Search(String),

    // View.
    SetOverlay(Overlay),
    SetLanguage(Language),
    ShowDrawing(Drawing),
    /// As far as the audience may see it.
    ShowPage(Page),
    ShowHelp(bool),
    OpenAlarm(Option<String>),
    /// What a link says; its park is the caller's business.
    GoTo(DeepLink),
    SetReducedMotion(bool),
    SetUiScale(f32),
    CameraHome,
    CameraNorthUp,
    FlyTo(AssetIndex),
    /// Turns clockwise, tilts towards the ground, and multiplies the distance.
    MoveCamera {
        turn_deg: f32,
        tilt_deg: f32,
        distance: f32,
    },
    /// Tells what the camera sees, so that it can be bookmarked.
    CameraMoved(CameraPose),
    AddBookmark {
        name: String,
    },
    GoToBookmark(usize),
    RemoveBookmark(usize),

    // Ledger.
    ShowCarbon(bool),
    SetLedgerPeriod(LedgerPeriod),
    /// The entries of an asset in a book, or none.
    ListEntries(Option<(String, LedgerBook)>),
    /// Where an entry comes from, by its id.
    Explain(Option<String>),
    ShowClaims(bool),
    /// What the books come to by a claim, or none; anew where it is the one that is shown.
    MakeClaim(Option<String>),
    /// Where a figure of the statement comes from, by the id of its line.
    OpenFigure(Option<String>),
    /// The moment of an event and, where it is known, its place.
    JumpToEvent {
        moment_ms: i64,
        position: u64,
        asset: Option<AssetIndex>,
    },

    // Comparison.
    /// Puts a mark to the moment shown.
    SetMark(Mark),
    Compare(bool),

    // To files.
    MakeShiftReport {
        from_ms: i64,
        to_ms: i64,
    },
    CloseShiftReport,
    SaveShiftReport(Format),
    SaveIncident,
    SavePicture,
    SaveLink,

    // To the park. The first asks for confirmation, the second sends what was asked for.
    Propose(ParkCommand),
    Confirm,
    Dismiss,
}
