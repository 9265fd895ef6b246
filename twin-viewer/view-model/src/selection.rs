use std::collections::BTreeSet;

use crate::park_view::AssetIndex;

const MOST_HISTORY: usize = 100;

/// Which assets are selected, with a way back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    selected: BTreeSet<AssetIndex>,
    back: Vec<BTreeSet<AssetIndex>>,
    forward: Vec<BTreeSet<AssetIndex>>,
}

impl Selection {
    /// All that is selected.
    pub fn all(&self) -> &BTreeSet<AssetIndex> {
        &self.selected
    }

    /// The asset that the detail panel is about; `None`: none, or several.
    pub fn single(&self) -> Option<AssetIndex> {
        match self.selected.len() {
            1 => self.selected.first().copied(),
            _ => None,
        }
    }

    pub fn contains(&self, asset: AssetIndex) -> bool {
        self.selected.contains(&asset)
    }

    /// Selects these and nothing else.
    pub fn select(&mut self, assets: impl IntoIterator<Item = AssetIndex>) {
        self.replace(assets.into_iter().collect());
    }

    /// Adds an asset to the selection, or takes it out.
    pub fn toggle(&mut self, asset: AssetIndex) {
        let mut selected = self.selected.clone();
        if !selected.remove(&asset) {
            selected.insert(asset);
        }
        self.replace(selected);
    }

    /// The same assets under their new numbers, where they still are, now and on the way back and forward.
    pub(crate) fn moved(&self, number: impl Fn(AssetIndex) -> Option<AssetIndex>) -> Selection {
        let moved = |assets: &BTreeSet<AssetIndex>| -> BTreeSet<AssetIndex> {
            assets.iter().filter_map(|asset| number(*asset)).collect()
        };
        Selection {
            selected: moved(&self.selected),
            back: self.back.iter().map(moved).collect(),
            forward: self.forward.iter().map(moved).collect(),
        }
    }

    fn replace(&mut self, selected: BTreeSet<AssetIndex>) {
        if selected == self.selected {
            return;
        }
        self.back
            .push(std::mem::replace(&mut self.selected, selected));
        if self.back.len() > MOST_HISTORY {
            self.back.remove(0);
        }
        self.forward.clear();
    }

    /// To the selection before. False: there is none.
    pub fn go_back(&mut self) -> bool {
        let Some(selected) = self.back.pop() else {
            return false;
        };
        self.forward
            .push(std::mem::replace(&mut self.selected, selected));
        true
    }

    /// To the selection that was left by going back. False: there is none.
    pub fn go_forward(&mut self) -> bool {
        let Some(selected) = self.forward.pop() else {
            return false;
        };
        self.back
            .push(std::mem::replace(&mut self.selected, selected));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_and_forward_finds_every_selection_again() {
        let mut selection = Selection::default();
        selection.select([AssetIndex(3)]);
        selection.toggle(AssetIndex(5));
        assert_eq!(selection.single(), None);
        assert!(selection.go_back());
        assert_eq!(selection.single(), Some(AssetIndex(3)));
        assert!(selection.go_forward());
        assert!(selection.contains(AssetIndex(5)));
        assert!(!selection.go_forward());
        selection.toggle(AssetIndex(3));
        assert_eq!(selection.single(), Some(AssetIndex(5)));
    }
}
