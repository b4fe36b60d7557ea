//! What the server holds, of which none may be lost.

use std::fmt::{self, Display, Formatter};
use std::io;

use streamsum_load::process::{descriptors, resident_kib};

/// What a process holds at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Holding {
    pub(crate) resident_kib: u64,
    pub(crate) descriptors: usize,
}

impl Holding {
    pub(crate) fn of(id: u32) -> io::Result<Self> {
        Ok(Self { resident_kib: resident_kib(id)?, descriptors: descriptors(id)? })
    }
}

impl Display for Holding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB resident, {} descriptors", self.resident_kib, self.descriptors)
    }
}
