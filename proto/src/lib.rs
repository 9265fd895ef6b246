//! The wire: everything that crosses a process boundary, generated from `terrarium/**/*.proto`.
//!
//! One module per protobuf package; the `.proto` files carry the documentation.

macro_rules! package {
    ($domain:ident, $name:literal) => {
        #[allow(clippy::all, clippy::pedantic, rust_2018_idioms, missing_docs)]
        pub mod $domain {
            pub mod v1 {
                tonic::include_proto!($name);
            }
        }
    };
}

package!(alarm, "terrarium.alarm.v1");
package!(carbon, "terrarium.carbon.v1");
package!(clock, "terrarium.clock.v1");
package!(energy, "terrarium.energy.v1");
package!(feed, "terrarium.feed.v1");
package!(journal, "terrarium.journal.v1");
package!(ledger, "terrarium.ledger.v1");
package!(mobility, "terrarium.mobility.v1");
package!(report, "terrarium.report.v1");
package!(twin, "terrarium.twin.v1");
package!(waste, "terrarium.waste.v1");
package!(water, "terrarium.water.v1");

/// Encoded `FileDescriptorSet` of all packages, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Metadata of a call by which the simulator tells what time it is in the park; see `terrarium.clock.v1.ClockService`.
pub const PARK_TIME: &str = "terrarium-park-time";

/// A request that concerns one park.
pub trait ParkRequest {
    /// Id of the park, as sent.
    fn park(&self) -> &str;
    /// The caller's own id of the request; empty: none.
    fn client_request_id(&self) -> &str;
}

/// The answer to a single report or command.
pub trait RecordedAnswer {
    /// The position that covers it, and whether it made something new; all other fields are left empty.
    fn new(recorded_position: u64, recorded: bool) -> Self;
}

/// The answer to a batch of reports.
pub trait ReportAnswer {
    /// What became of the reports, and the position that covers them; all other fields are left empty.
    fn new(
        counts: report::v1::ReportCounts,
        rejections: Vec<report::v1::ReportRejection>,
        recorded_position: u64,
    ) -> Self;
}

#[allow(clippy::needless_update)]
mod requests_and_answers {
    use super::{ParkRequest, RecordedAnswer, ReportAnswer};

    include!(concat!(env!("OUT_DIR"), "/requests_and_answers.rs"));
}
