//! Counters that show whole units and keep the fraction for the next interval.

/// What has flowed, but does not fill a whole unit yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Register {
    fraction: f64,
}

impl Register {
    /// Adds an amount, 0 or more, and takes the whole units out.
    pub fn take(&mut self, amount: f64) -> i64 {
        self.fraction += amount.max(0.0);
        let whole = self.fraction.floor();
        self.fraction -= whole;
        whole as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up_to_whole_units() {
        let mut register = Register::default();
        let total: i64 = (0..1_000).map(|_| register.take(0.25)).sum();
        assert_eq!(total, 250);
    }
}
