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
