//! The live state of a park as points with values: what every asset is doing, now or at any past moment. Pure.
//!
//! A [`Point`] is one quantity of one asset. What was observed of it is a [`History`] of [`Sample`]s; from it follows the
//! value at any moment, in two ways: *by time* (what happened until then, as known now) and *by position* (what was on
//! record then). Nothing is overwritten: of samples of the same time, the one recorded last counts.
//!
//! ```text
//!            (start] sample .. (end]                    a sample holds over its span, and on until the next begins
//!  ----------+=============+-----------+=========+----> time
//! ```
//!
//! - [`point`]: quantities, qualities, the names of points
//! - [`rows`]: rows of integers, sorted and packed: a year of 2.8 million samples in some 30 MB
//! - [`history`]: the samples of one point
//! - [`thin`]: fewer samples of the same course
//! - [`event_index`]: when something happened, and to which asset
//! - [`twin`]: all points of a park, and what changed since a position
//! - [`cursor`]: the state at a moment, and the changes on the way to another, forwards or backwards

pub mod cursor;
pub mod event_index;
pub mod history;
pub mod point;
pub mod rows;
pub mod thin;
pub mod twin;

pub use cursor::{Changes, Cursor};
pub use event_index::{EventIndex, EventMark};
pub use history::{History, Sample, Segment, Value};
pub use point::{PointId, PointName, Quality, Quantity};
pub use thin::{ChartSample, thin};
pub use twin::{Point, Twin};
