//! What a caller of the twin knows after some updates.

use std::collections::BTreeMap;

use terrarium_proto::twin::v1::{Quality, Quantity, TwinUpdate};

/// What a point shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// In the unit of the quantity.
    pub value: i64,
    /// When it was so.
    pub time_ms: i64,
    /// How far it can be trusted.
    pub quality: Quality,
}

/// Asset, quantity, and the meter or alarm that it comes from.
pub type Name = (String, Quantity, String);

/// Points and what they show.
#[derive(Clone, Debug, Default)]
pub struct TwinState {
    names: BTreeMap<u32, Name>,
    /// What is shown now.
    pub shown: BTreeMap<Name, Shown>,
}

impl TwinState {
    /// After one update on an empty state.
    pub fn of(update: &TwinUpdate) -> TwinState {
        let mut state = TwinState::default();
        state.take(update);
        state
    }

    /// Lays an update over what is known. Gives the number of values that were told though they were known.
    ///
    /// # Panics
    /// When the update makes no sense: columns of different lengths, a point that was never told, nothing to clear.
    pub fn take(&mut self, update: &TwinUpdate) -> usize {
        for point in &update.new_points {
            let name = (point.asset.clone(), point.quantity(), point.source.clone());
            let known = self.names.insert(point.index, name.clone());
            assert!(
                known.as_ref().is_none_or(|known| *known == name),
                "point {} was {known:?} and became {name:?}",
                point.index
            );
        }
        let values = update.values.clone().unwrap_or_default();
        let lengths = [
            values.values.len(),
            values.times_ms.len(),
            values.qualities.len(),
        ];
        assert_eq!(lengths, [values.points.len(); 3], "columns of one length");
        let mut told_again = 0;
        for (place, index) in values.points.iter().enumerate() {
            let name = self.name(*index).clone();
            let shown = Shown {
                value: values.values[place],
                time_ms: values.times_ms[place],
                quality: Quality::try_from(values.qualities[place]).expect("a known quality"),
            };
            told_again += usize::from(self.shown.insert(name, shown) == Some(shown));
        }
        for index in &update.cleared {
            let name = self.name(*index).clone();
            assert!(
                self.shown.remove(&name).is_some(),
                "{name:?} showed nothing"
            );
        }
        told_again
    }

    /// What is known of a stream that has not told its points yet.
    pub fn with_new_numbers(&self) -> TwinState {
        TwinState {
            names: BTreeMap::new(),
            shown: self.shown.clone(),
        }
    }

    fn name(&self, index: u32) -> &Name {
        self.names
            .get(&index)
            .unwrap_or_else(|| panic!("point {index} was never told"))
    }

    /// What a point that an asset itself reports shows.
    pub fn value(&self, asset: &str, quantity: Quantity) -> Option<i64> {
        let name = (asset.to_owned(), quantity, String::new());
        self.shown.get(&name).map(|shown| shown.value)
    }
}
