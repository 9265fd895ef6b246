//! What lets go of the far past of electricity, for who only asks what is so now.

use crate::park_ledger::ParkLedger;

impl ParkLedger {
    /// Lets go of the readings and the sums of the days (since 1970, UTC) before one. Nothing of those days, nor any sum over
    /// them, can be asked for afterwards; hours of later days stay what they are.
    pub fn forget_days_before(&mut self, day: i64) {
        for meter in &mut self.meters {
            meter.forget_days_before(day);
        }
        for node in &mut self.nodes {
            node.forget_days_before(day);
        }
        self.park_hours.forget_days_before(day);
    }
}
