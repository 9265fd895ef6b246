//! Rows of integers, sorted and packed.
//!
//! Column 0 is a time and column 1 a position; together they are the key. Rows mostly come in order and lie near each other, so
//! all but the newest are kept in blocks as differences to the row before, column by column, as variable-length integers (zigzag and
//! LEB128, as protobuf's `sint64`). A late row opens its block, and no other.
//!
//! Invariant: every row of a block is below every row of the blocks after it and of `open`.

/// Rows of a packed block when it is made; it is split when a late row makes it twice as long.
const BLOCK_ROWS: usize = 64;

/// A row: time, position, and what else there is.
pub type Row<const N: usize> = [i64; N];

/// Sorted rows of `N` columns, 2 or more.
#[derive(Clone, Debug, Default)]
pub struct Rows<const N: usize> {
    blocks: Vec<Block<N>>,
    /// The newest, as they are.
    open: Vec<Row<N>>,
}

#[derive(Clone, Debug)]
struct Block<const N: usize> {
    first: Row<N>,
    last: Row<N>,
    least_position: i64,
    rows: u32,
    /// Differences of all rows but the first.
    packed: Box<[u8]>,
}

fn key<const N: usize>(row: &Row<N>) -> [i64; 2] {
    [row[0], row[1]]
}

impl<const N: usize> Rows<N> {
    /// Takes in a row; one of the same time and position is replaced and given back.
    pub fn insert(&mut self, row: Row<N>) -> Option<Row<N>> {
        let after_blocks = self
            .blocks
            .last()
            .is_none_or(|block| key(&block.last) < key(&row));
        if after_blocks {
            let replaced = insert_sorted(&mut self.open, row);
            if self.open.len() >= 2 * BLOCK_ROWS {
                let rest = self.open.split_off(BLOCK_ROWS);
                self.blocks.push(Block::pack(&self.open));
                self.open = rest;
            }
            return replaced;
        }
        let at = self
            .blocks
            .partition_point(|block| key(&block.last) < key(&row));
        let mut rows = self.blocks[at].unpack();
        let replaced = insert_sorted(&mut rows, row);
        if rows.len() >= 2 * BLOCK_ROWS {
            let rest = rows.split_off(BLOCK_ROWS);
            self.blocks[at] = Block::pack(&rows);
            self.blocks.insert(at + 1, Block::pack(&rest));
        } else {
            self.blocks[at] = Block::pack(&rows);
        }
        replaced
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        let packed: usize = self.blocks.iter().map(|block| block.rows as usize).sum();
        packed + self.open.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.open.is_empty()
    }

    /// The row of exactly this time and position.
    pub fn get(&self, time: i64, position: i64) -> Option<Row<N>> {
        let (_, found) = self.around([time, position]);
        found.filter(|row| key(row) == [time, position])
    }

    /// The last row before a time and position, and the first one at or after them.
    pub fn around(&self, at: [i64; 2]) -> (Option<Row<N>>, Option<Row<N>>) {
        let block_at = self.blocks.partition_point(|block| key(&block.last) < at);
        let last_of_block_before = block_at
            .checked_sub(1)
            .map(|before| self.blocks[before].last);
        if let Some(block) = self.blocks.get(block_at) {
            let mut before = last_of_block_before;
            for row in block.unpacked() {
                if key(&row) >= at {
                    return (before, Some(row));
                }
                before = Some(row);
            }
        }
        let open_at = self.open.partition_point(|row| key(row) < at);
        let before = open_at.checked_sub(1).map(|before| self.open[before]);
        (
            before.or(last_of_block_before),
            self.open.get(open_at).copied(),
        )
    }

    /// Rows at or after a time and position, in order.
    pub fn ascending(&self, from: [i64; 2]) -> Ascending<'_, N> {
        let block = self.blocks.partition_point(|block| key(&block.last) < from);
        let mut rows = Ascending {
            source: self,
            next_block: block,
            current: Vec::new(),
            at: 0,
        };
        rows.load();
        rows.at = rows.current.partition_point(|row| key(row) < from);
        rows
    }

    /// Rows before a time and position, the last one first.
    pub fn descending(&self, before: [i64; 2]) -> Descending<'_, N> {
        let open = self.open.partition_point(|row| key(row) < before);
        if open > 0 {
            return Descending {
                source: self,
                blocks_left: self.blocks.len(),
                current: self.open[..open].to_vec(),
            };
        }
        let block = self
            .blocks
            .partition_point(|block| key(&block.first) < before);
        let mut rows = Descending {
            source: self,
            blocks_left: block,
            current: Vec::new(),
        };
        rows.load();
        let kept = rows.current.partition_point(|row| key(row) < before);
        rows.current.truncate(kept);
        rows
    }

    /// The last row among those up to a position (inclusive).
    pub fn last_up_to_position(&self, position: i64) -> Option<Row<N>> {
        let in_rows = |rows: &[Row<N>]| rows.iter().rev().find(|row| row[1] <= position).copied();
        in_rows(&self.open).or_else(|| {
            self.blocks
                .iter()
                .rev()
                .filter(|block| block.least_position <= position)
                .find_map(|block| in_rows(&block.unpack()))
        })
    }

    /// Heap bytes in use.
    pub fn heap_bytes(&self) -> usize {
        let packed: usize = self.blocks.iter().map(|block| block.packed.len()).sum();
        packed
            + self.blocks.capacity() * size_of::<Block<N>>()
            + self.open.capacity() * size_of::<Row<N>>()
    }
}

fn insert_sorted<const N: usize>(rows: &mut Vec<Row<N>>, row: Row<N>) -> Option<Row<N>> {
    let is_last = rows.last().is_none_or(|last| key(last) < key(&row));
    if is_last {
        rows.push(row);
        return None;
    }
    let at = rows.partition_point(|other| key(other) < key(&row));
    if key(&rows[at]) == key(&row) {
        return Some(std::mem::replace(&mut rows[at], row));
    }
    rows.insert(at, row);
    None
}

impl<const N: usize> Block<N> {
    fn pack(rows: &[Row<N>]) -> Block<N> {
        let mut packed = Vec::with_capacity(rows.len() * N * 2);
        for pair in rows.windows(2) {
            for (before, value) in pair[0].iter().zip(&pair[1]) {
                write_varint(&mut packed, zigzag(value.wrapping_sub(*before)));
            }
        }
        Block {
            first: rows[0],
            last: rows[rows.len() - 1],
            least_position: rows.iter().map(|row| row[1]).min().unwrap_or(i64::MAX),
            rows: rows.len() as u32,
            packed: packed.into_boxed_slice(),
        }
    }

    fn unpack(&self) -> Vec<Row<N>> {
        let mut rows = Vec::with_capacity(self.rows as usize + 1);
        rows.extend(self.unpacked());
        rows
    }

    fn unpacked(&self) -> impl Iterator<Item = Row<N>> + '_ {
        let mut row = self.first;
        let mut packed = &self.packed[..];
        let differences = (1..self.rows).map(move |_| {
            for value in &mut row {
                *value = value.wrapping_add(unzigzag(read_varint(&mut packed)));
            }
            row
        });
        std::iter::once(self.first).chain(differences)
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Only reads what [`write_varint`] wrote.
fn read_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    value
}

/// Rows in order. See [`Rows::ascending`].
pub struct Ascending<'a, const N: usize> {
    source: &'a Rows<N>,
    next_block: usize,
    current: Vec<Row<N>>,
    at: usize,
}

impl<const N: usize> Ascending<'_, N> {
    fn load(&mut self) {
        self.at = 0;
        match self.source.blocks.get(self.next_block) {
            Some(block) => self.current = block.unpack(),
            None if self.next_block == self.source.blocks.len() => {
                self.current.clone_from(&self.source.open);
            }
            None => self.current.clear(),
        }
        self.next_block += 1;
    }
}

impl<const N: usize> Iterator for Ascending<'_, N> {
    type Item = Row<N>;

    fn next(&mut self) -> Option<Row<N>> {
        if self.at >= self.current.len() {
            self.load();
        }
        let row = self.current.get(self.at).copied();
        self.at += 1;
        row
    }
}

/// Rows in reverse order. See [`Rows::descending`].
pub struct Descending<'a, const N: usize> {
    source: &'a Rows<N>,
    /// Blocks below the current one.
    blocks_left: usize,
    current: Vec<Row<N>>,
}

impl<const N: usize> Descending<'_, N> {
    fn load(&mut self) {
        if self.blocks_left > 0 {
            self.blocks_left -= 1;
            self.current = self.source.blocks[self.blocks_left].unpack();
        }
    }
}

impl<const N: usize> Iterator for Descending<'_, N> {
    type Item = Row<N>;

    fn next(&mut self) -> Option<Row<N>> {
        if self.current.is_empty() {
            self.load();
        }
        self.current.pop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_those_of_a_sorted_map(
            inserted in prop::collection::vec((0_i64..400, 0_i64..300, any::<i64>()), 0..900),
            from in (0_i64..400, 0_i64..300),
        ) {
            let mut rows: Rows<3> = Rows::default();
            let mut map = BTreeMap::new();
            for (time, position, value) in &inserted {
                let replaced = rows.insert([*time, *position, *value]);
                prop_assert_eq!(replaced.map(|row| row[2]), map.insert([*time, *position], *value));
            }
            prop_assert_eq!(rows.len(), map.len());
            let from = [from.0, from.1];
            let upwards: Vec<[i64; 3]> = map.range(from..).map(|(key, value)| [key[0], key[1], *value]).collect();
            prop_assert_eq!(rows.ascending(from).collect::<Vec<_>>(), upwards);
            let downwards: Vec<[i64; 3]> = map.range(..from).rev().map(|(key, value)| [key[0], key[1], *value]).collect();
            prop_assert_eq!(rows.descending(from).collect::<Vec<_>>(), downwards);
            let up_to = map.iter().rev().find(|(key, _)| key[1] <= from[1]).map(|(key, value)| [key[0], key[1], *value]);
            prop_assert_eq!(rows.last_up_to_position(from[1]), up_to);
            let around = (rows.descending(from).next(), rows.ascending(from).next());
            prop_assert_eq!(rows.around(from), around);
            prop_assert_eq!(rows.get(from[0], from[1]).map(|row| row[2]), map.get(&from).copied());
        }

        #[test]
        fn any_integers_survive_packing(mut rows in prop::collection::vec(any::<[i64; 4]>(), 1..200)) {
            rows.sort_unstable();
            rows.dedup_by_key(|row| key(row));
            prop_assert_eq!(Block::pack(&rows).unpack(), rows);
        }
    }
}
