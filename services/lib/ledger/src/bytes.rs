//! Numbers and texts as bytes: little endian, counts and lengths before what they count. For what is kept between two runs of one
//! version; whoever keeps it sees to its checksum.

/// Bytes that are being written.
#[derive(Default)]
pub struct Bytes(Vec<u8>);

/// Bytes end too early, or say something that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("kept day blocks are damaged; delete them, they are made anew from the record")]
pub struct Damaged;

impl Bytes {
    /// What was written.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// Bytes of a length that is fixed by their kind.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number.
    pub fn u8(&mut self, number: u8) -> &mut Self {
        self.raw(&[number])
    }

    /// A number.
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number.
    pub fn u128(&mut self, number: u128) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// A number.
    pub fn i64(&mut self, number: i64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// How many follow.
    ///
    /// # Panics
    /// If they are more than 32 bits count: nothing in a ledger is.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).expect("fewer than 2^32"))
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.count(text.len()).raw(text.as_bytes())
    }
}

/// Bytes that are still to be read.
pub struct Unread<'a>(&'a [u8]);

impl<'a> Unread<'a> {
    /// All of them.
    pub fn new(bytes: &'a [u8]) -> Unread<'a> {
        Unread(bytes)
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], Damaged> {
        let (raw, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(raw)
    }

    /// Bytes of a length that is fixed by their kind.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.raw(N)?.try_into().map_err(|_| Damaged)
    }

    /// A number.
    pub fn u8(&mut self) -> Result<u8, Damaged> {
        Ok(self.array::<1>()?[0])
    }

    /// A number.
    pub fn u32(&mut self) -> Result<u32, Damaged> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A number.
    pub fn u64(&mut self) -> Result<u64, Damaged> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A number.
    pub fn u128(&mut self) -> Result<u128, Damaged> {
        Ok(u128::from_le_bytes(self.array()?))
    }

    /// A number.
    pub fn i64(&mut self) -> Result<i64, Damaged> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// How many follow; each takes a byte at least.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = self.u32()? as usize;
        if count > self.0.len() {
            return Err(Damaged);
        }
        Ok(count)
    }

    /// A text.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let length = self.count()?;
        std::str::from_utf8(self.raw(length)?).map_err(|_| Damaged)
    }
}
