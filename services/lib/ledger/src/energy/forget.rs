//! What lets go of the far past of electricity, for who only asks what is so now.

use super::meter_book::hour_start_of;
use crate::park_ledger::ParkLedger;

impl ParkLedger {
    /// Lets go of the readings and the sums of the days (since 1970, UTC) before one. Nothing of those days, nor any sum over
    /// them, can be asked for afterwards, and what is still reported of them is summed up nowhere; hours of later days are what
    /// they are to a ledger that keeps everything.
    pub fn forget_days_before(&mut self, day: i64) {
        for meter in &mut self.meters {
            meter.forget_days_before(day);
        }
        for node in &mut self.nodes {
            node.forget_days_before(day);
        }
        self.park_hours.forget_days_before(day);
        self.kept_from = self.kept_from.max(Some(hour_start_of(day, 0)));
    }
}
