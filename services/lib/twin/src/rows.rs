//! Rows of integers, sorted and packed.
//!
//! Column 0 is a time and column 1 a position; together they are the key. Rows mostly come in order and lie near each other, so
//! all but the newest are kept in blocks as differences to the row before, column by column, as variable-length integers (zigzag and
//! LEB128, as protobuf's `sint64`). A late row opens its block, and no other.
//!
//! With a [`Shelf`], the packed rows of the far past lie there, in larger blocks; only their ends stay in memory.
//!
//! Invariant: every row of a block is below every row of the blocks after it and of `open`.

use std::sync::Arc;

use terrarium_model::Shelf;

/// Rows of a packed block when it is made; it is split when a late row makes it twice as long.
const BLOCK_ROWS: usize = 64;
/// Blocks that become one on the shelf.
const SHELVED_BLOCKS: usize = 16;
/// The newest blocks stay in memory: 4,096 rows, half a year of hours.
const BLOCKS_IN_MEMORY: usize = 64;

/// A row: time, position, and what else there is.
pub type Row<const N: usize> = [i64; N];

/// Sorted rows of `N` columns, 2 or more.
#[derive(Clone, Debug, Default)]
pub struct Rows<const N: usize> {
    blocks: Vec<Block<N>>,
    /// The newest, as they are.
    open: Vec<Row<N>>,
    shelf: Option<Arc<dyn Shelf>>,
    /// Blocks at the beginning that are on the shelf, or were when they were made.
    shelved: usize,
}

#[derive(Clone, Debug)]
struct Block<const N: usize> {
    first: Row<N>,
    last: Row<N>,
    least_position: i64,
    rows: u32,
    /// Differences of all rows but the first.
    packed: Packed,
}

#[derive(Clone, Debug)]
enum Packed {
    Here(Box<[u8]>),
    OnShelf { place: u64, bytes: u32 },
}

fn key<const N: usize>(row: &Row<N>) -> [i64; 2] {
    [row[0], row[1]]
}

impl<const N: usize> Rows<N> {
    /// Rows whose far past goes to a shelf.
    pub fn shelved(shelf: Option<Arc<dyn Shelf>>) -> Rows<N> {
        Rows {
            shelf,
            ..Rows::default()
        }
    }

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
                self.shelve_oldest();
            }
            return replaced;
        }
        let at = self
            .blocks
            .partition_point(|block| key(&block.last) < key(&row));
        let mut rows = self.unpack(&self.blocks[at]);
        let replaced = insert_sorted(&mut rows, row);
        let is_shelved = at < self.shelved;
        let most = if is_shelved {
            BLOCK_ROWS * SHELVED_BLOCKS
        } else {
            BLOCK_ROWS
        };
        // Others may follow it to the same block: it goes back to the shelf when the next ones do.
        if rows.len() >= 2 * most {
            let rest = rows.split_off(most);
            self.blocks.insert(at + 1, Block::pack(&rest));
            self.shelved += usize::from(is_shelved);
        }
        self.blocks[at] = Block::pack(&rows);
        replaced
    }

    /// Joins the oldest blocks that are still in memory, when there are many, and puts them on the shelf, with those that late
    /// rows took from it.
    fn shelve_oldest(&mut self) {
        let in_memory = self.blocks.len() - self.shelved;
        let Some(shelf) = self.shelf.clone() else {
            return;
        };
        if in_memory < BLOCKS_IN_MEMORY + SHELVED_BLOCKS {
            return;
        }
        let joined = self.shelved..self.shelved + SHELVED_BLOCKS;
        let rows: Vec<Row<N>> = self.blocks[joined.clone()]
            .iter()
            .flat_map(|block| self.unpack(block))
            .collect();
        self.blocks.splice(joined, [Block::pack(&rows)]);
        self.shelved += 1;
        for block in &mut self.blocks[..self.shelved] {
            block.put_on(&*shelf);
        }
    }

    fn unpack(&self, block: &Block<N>) -> Vec<Row<N>> {
        match &block.packed {
            Packed::Here(packed) => block.unpack(packed),
            Packed::OnShelf { place, bytes } => {
                let shelf = self.shelf.as_ref().expect("something was put on it");
                block.unpack(&shelf.get(*place, *bytes as usize))
            }
        }
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
            for row in self.unpack(block) {
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
                .find_map(|block| in_rows(&self.unpack(block)))
        })
    }

    /// Heap bytes in use.
    pub fn heap_bytes(&self) -> usize {
        let packed = self.blocks.iter().map(|block| match &block.packed {
            Packed::Here(packed) => packed.len(),
            Packed::OnShelf { .. } => 0,
        });
        packed.sum::<usize>()
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
            packed: Packed::Here(packed.into_boxed_slice()),
        }
    }

    /// Puts what is packed here on a shelf, if there is room.
    fn put_on(&mut self, shelf: &dyn Shelf) {
        if let Packed::Here(packed) = &self.packed
            && let Ok(bytes) = u32::try_from(packed.len())
            && let Some(place) = shelf.put(packed)
        {
            self.packed = Packed::OnShelf { place, bytes };
        }
    }

    fn unpack(&self, mut packed: &[u8]) -> Vec<Row<N>> {
        let mut rows = Vec::with_capacity(self.rows as usize + 1);
        let mut row = self.first;
        rows.push(row);
        for _ in 1..self.rows {
            for value in &mut row {
                *value = value.wrapping_add(unzigzag(read_varint(&mut packed)));
            }
            rows.push(row);
        }
        rows
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
            Some(block) => self.current = self.source.unpack(block),
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
            self.current = self.source.unpack(&self.source.blocks[self.blocks_left]);
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

    /// A shelf in memory that is full at some time.
    #[derive(Debug, Default)]
    struct Bytes {
        kept: std::sync::Mutex<Vec<u8>>,
        room: usize,
    }

    impl Shelf for Bytes {
        fn put(&self, bytes: &[u8]) -> Option<u64> {
            let mut kept = self.kept.lock().expect("no test holds it");
            if kept.len() + bytes.len() > self.room {
                return None;
            }
            kept.extend(bytes);
            Some((kept.len() - bytes.len()) as u64)
        }

        fn get(&self, place: u64, bytes: usize) -> Vec<u8> {
            let kept = self.kept.lock().expect("no test holds it");
            kept[place as usize..place as usize + bytes].to_vec()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

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

        /// Rows on a shelf answer as those in memory do, whatever comes late and however little room the shelf has.
        #[test]
        fn a_shelf_changes_no_answer(
            steps in prop::collection::vec((0_i64..40, 0_i64..9), 7_000..9_000),
            late in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..40), 0..300),
            room in 0_usize..60_000,
            asked in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..20_000), 12),
        ) {
            let shelf: Arc<dyn Shelf> = Arc::new(Bytes { room, ..Bytes::default() });
            let mut shelved: Rows<3> = Rows::shelved(Some(shelf));
            let mut plain: Rows<3> = Rows::default();
            let mut time = 0;
            let mut position = 0;
            for (gap, value) in &steps {
                time += gap;
                position += 1;
                let row = [time, position, *value];
                prop_assert_eq!(shelved.insert(row), plain.insert(row));
            }
            for (at, value) in &late {
                position += 1;
                let row = [at.index(time as usize + 1) as i64, position, *value];
                prop_assert_eq!(shelved.insert(row), plain.insert(row));
            }
            prop_assert!(room < 20_000 || !late.is_empty() || shelved.heap_bytes() < plain.heap_bytes());
            prop_assert_eq!(shelved.len(), plain.len());
            for (at, position) in &asked {
                let key = [at.index(time as usize + 1) as i64, *position];
                prop_assert_eq!(shelved.around(key), plain.around(key));
                prop_assert_eq!(shelved.last_up_to_position(*position), plain.last_up_to_position(*position));
                let upwards: Vec<_> = plain.ascending(key).take(3_000).collect();
                prop_assert_eq!(shelved.ascending(key).take(3_000).collect::<Vec<_>>(), upwards);
                let downwards: Vec<_> = plain.descending(key).take(3_000).collect();
                prop_assert_eq!(shelved.descending(key).take(3_000).collect::<Vec<_>>(), downwards);
            }
        }

        #[test]
        fn any_integers_survive_packing(mut rows in prop::collection::vec(any::<[i64; 4]>(), 1..200)) {
            rows.sort_unstable();
            rows.dedup_by_key(|row| key(row));
            prop_assert_eq!(Rows::default().unpack(&Block::pack(&rows)), rows);
        }
    }
}
