//! Where connections lead. Works on places in a list, so that drafts with bad ids can be followed too.

use std::collections::BTreeSet;

/// Which nodes an asset reaches by following its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    None,
    One(usize),
    /// Two of them, if there are more.
    Two(usize, usize),
    /// A cycle is on the way.
    Unknown,
}

impl Reach {
    fn and(self, other: Reach) -> Reach {
        match (self, other) {
            (Reach::Unknown, _) | (_, Reach::Unknown) => Reach::Unknown,
            (Reach::None, reach) | (reach, Reach::None) => reach,
            (Reach::One(left), Reach::One(right)) if left != right => Reach::Two(left, right),
            (Reach::One(left), Reach::Two(right, other)) if left != right && left != other => {
                Reach::Two(left, right)
            }
            (Reach::One(_), two @ Reach::Two(..)) => two,
            (reach, _) => reach,
        }
    }
}

/// What each asset reaches, and the cycles that are in the way.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) reach: Vec<Reach>,
    /// Each as its assets in order, the first one again left out.
    pub(super) cycles: Vec<Vec<usize>>,
}

/// Follows `targets[asset]`, the assets that each asset connects to. `nodes` are those the grid connects to.
pub(super) fn follow(targets: &[Vec<usize>], nodes: &BTreeSet<usize>) -> Topology {
    let mut sources = vec![Vec::new(); targets.len()];
    for (asset, its_targets) in targets.iter().enumerate() {
        for target in its_targets {
            sources[*target].push(asset);
        }
    }

    // From the ends backwards: an asset's reach is known once that of all its targets is.
    let mut reach = vec![Reach::Unknown; targets.len()];
    let mut targets_left: Vec<usize> = targets.iter().map(Vec::len).collect();
    let mut settled: Vec<usize> = (0..targets.len())
        .filter(|asset| targets_left[*asset] == 0)
        .collect();
    while let Some(asset) = settled.pop() {
        let own = if nodes.contains(&asset) {
            Reach::One(asset)
        } else {
            Reach::None
        };
        reach[asset] = targets[asset]
            .iter()
            .fold(own, |reached, target| reached.and(reach[*target]));
        for source in &sources[asset] {
            targets_left[*source] -= 1;
            if targets_left[*source] == 0 {
                settled.push(*source);
            }
        }
    }
    Topology {
        cycles: cycles_among(targets, &reach),
        reach,
    }
}

/// Every asset left unknown has an unknown target, so walking from one to the next must come round.
fn cycles_among(targets: &[Vec<usize>], reach: &[Reach]) -> Vec<Vec<usize>> {
    let is_unknown = |asset: usize| reach[asset] == Reach::Unknown;
    let mut walk_of: Vec<Option<usize>> = vec![None; targets.len()];
    let mut cycles = Vec::new();
    for start in (0..targets.len()).filter(|asset| is_unknown(*asset)) {
        let mut walk = Vec::new();
        let mut asset = start;
        while walk_of[asset].is_none() {
            walk_of[asset] = Some(start);
            walk.push(asset);
            asset = *targets[asset]
                .iter()
                .find(|target| is_unknown(**target))
                .expect("an asset is left unknown only because a target is");
        }
        if walk_of[asset] == Some(start) {
            let came_round_at = walk.iter().position(|walked| *walked == asset);
            cycles.push(walk.split_off(came_round_at.expect("it was walked in this walk")));
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_reach_the_nodes_behind_all_their_connections() {
        // 0 and 1 are nodes; 2 -> 0, 3 -> 2, 4 -> 0 and 1, 5 alone.
        let targets = vec![vec![], vec![], vec![0], vec![2], vec![0, 1], vec![]];
        let topology = follow(&targets, &BTreeSet::from([0, 1]));
        let expected = [
            Reach::One(0),
            Reach::One(1),
            Reach::One(0),
            Reach::One(0),
            Reach::Two(0, 1),
            Reach::None,
        ];
        assert_eq!(topology.reach, expected);
        assert!(topology.cycles.is_empty());
    }

    #[test]
    fn each_cycle_is_found_once() {
        // 0 -> 1 -> 2 -> 1, 3 -> 3, 4 -> 2.
        let targets = vec![vec![1], vec![2], vec![1], vec![3], vec![2]];
        let topology = follow(&targets, &BTreeSet::new());
        assert_eq!(topology.cycles, [vec![1, 2], vec![3]]);
    }

    #[test]
    fn a_very_long_chain_needs_no_deep_stack() {
        let length = 200_000;
        let targets: Vec<Vec<usize>> = (0..length)
            .map(|asset| if asset == 0 { vec![] } else { vec![asset - 1] })
            .collect();
        let topology = follow(&targets, &BTreeSet::from([0]));
        assert_eq!(topology.reach[length - 1], Reach::One(0));
    }
}
