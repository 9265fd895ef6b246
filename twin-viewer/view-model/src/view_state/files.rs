//! What is written to files, and links to what is shown. The state says what is to be written; somebody else writes it.

use terrarium_model::UnixMillis;

use super::ViewState;
use crate::deep_link::DeepLink;
use crate::document::Format;
use crate::incident::{BundleFile, Incident};
use crate::request::{EventsAround, Request};
use crate::shift_report::{LONGEST_SHIFT_MS, shift_report};

/// A file that a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileWish {
    Text {
        name: String,
        text: String,
    },
    /// A picture of what is shown, for the bundle of this name, whose files follow as soon as its events are there.
    BundlePicture {
        name: String,
    },
    /// A ZIP file of this name with these files, the picture that was asked for with the same name, and a manifest.
    Bundle {
        name: String,
        files: Vec<BundleFile>,
    },
    /// A picture of what is shown.
    Picture {
        name: String,
    },
}

impl ViewState {
    /// The files that are to be written, once.
    pub fn take_file_wishes(&mut self) -> Vec<FileWish> {
        std::mem::take(&mut self.file_wishes)
    }

    /// A link to what is shown, at a moment.
    pub fn link_to(&self, moment_ms: i64) -> String {
        let Some(park) = self.park() else {
            return String::new();
        };
        self.link_at(Some(moment_ms)).text(&park.time_zone)
    }

    /// A link to what is shown: live as live, a past moment as that moment.
    pub fn link(&self) -> String {
        let Some(park) = self.park() else {
            return String::new();
        };
        let moment_ms = (!self.timeline.is_live()).then(|| self.timeline.shown_ms());
        self.link_at(moment_ms).text(&park.time_zone)
    }

    fn link_at(&self, moment_ms: Option<i64>) -> DeepLink {
        DeepLink {
            park: self.park().map_or_else(String::new, |park| park.id.clone()),
            // A link tells whole seconds, rounded up so that what happened within the second is in.
            moment_ms: moment_ms
                .map(|ms| ms.div_euclid(1_000) * 1_000 + i64::from(ms % 1_000 > 0) * 1_000),
            select: self.selected_id().map(str::to_owned),
            overlay: Some(self.overlay),
            drawing: Some(self.drawing),
            camera: self.camera,
            alarm: self.open_alarm.clone(),
            entry: self.trail.entry.clone(),
            compare_ms: self
                .comparison
                .moments_ms()
                .filter(|_| self.comparison.is_on()),
        }
    }

    pub(super) fn ask_shift(&self, from_ms: i64, to_ms: i64) -> Option<Request> {
        let to_ms = to_ms.min(self.timeline.now_ms());
        let is_a_shift = from_ms < to_ms && to_ms - from_ms <= LONGEST_SHIFT_MS;
        is_a_shift.then_some(Request::Shift { from_ms, to_ms })
    }

    pub(super) fn save_shift_report(&mut self, format: Format) {
        let Some((shift, park)) = self.shift.as_ref().zip(self.park()) else {
            return;
        };
        let document = shift_report(shift, park, &self.alarms, self.language);
        let wish = FileWish::Text {
            name: format!(
                "{}.{}",
                self.file_name("shift", shift.to_ms),
                format.extension()
            ),
            text: document.written(format),
        };
        self.file_wishes.push(wish);
    }

    /// Everything but the events is taken at once: by the time they come, another moment may be shown.
    pub(super) fn ask_bundle(&mut self) -> Option<Request> {
        let moment_ms = self.timeline.shown_ms();
        let name = format!("{}.zip", self.file_name("incident", moment_ms));
        let incident = Incident::of(self, name.clone())?;
        let request = incident.request();
        self.incident = Some(incident);
        self.file_wishes.push(FileWish::BundlePicture { name });
        Some(request)
    }

    pub(super) fn make_bundle(&mut self, around: &EventsAround) {
        let Some(incident) = self.incident.take() else {
            return;
        };
        self.file_wishes.push(FileWish::Bundle {
            name: incident.name.clone(),
            files: incident.files(around),
        });
    }

    pub(super) fn save_link(&mut self) {
        let link = self.link();
        if link.is_empty() {
            return;
        }
        let name = format!("{}.txt", self.file_name("link", self.timeline.shown_ms()));
        let text = format!("{link}\n");
        self.file_wishes.push(FileWish::Text { name, text });
    }

    pub(super) fn ask_picture(&mut self) {
        let name = format!(
            "{}.png",
            self.file_name("picture", self.timeline.shown_ms())
        );
        self.file_wishes.push(FileWish::Picture { name });
    }

    /// Such as `haotian-2026-05-01T140312-shift`.
    fn file_name(&self, what: &str, moment_ms: i64) -> String {
        let Some(park) = self.park() else {
            return what.to_owned();
        };
        let moment = park
            .time_zone
            .format_rfc3339(UnixMillis(moment_ms).seconds());
        let moment = moment.get(.."2026-05-01T14:03:12".len()).unwrap_or(&moment);
        format!("{}-{}-{what}", park.id, moment.replace(':', ""))
    }
}
