//! A mutation that knows where messages are brittle.

/// What parsers disagree about at the edges of elements.
const INSERTED: [&[u8]; 24] = [
    b"+", b"-", b"0", b"1", b"9", b"x", b"a", b"_", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\0",
    b"\x0b", b"\x7f", b"\x80", b",", b", ", b";", b"=", b"\"", b":", b"/",
];

/// Inserts one of them behind or before a delimiter of the first `size` bytes of `data`,
/// both chosen by `seed`, and gives the new size; nothing happens where there is no room.
/// The fuzzer's own mutations hit such a place once in thousands.
pub fn insert(data: &mut [u8], size: usize, seed: u32) -> usize {
    let seed = seed as usize;
    let inserted = INSERTED[seed % INSERTED.len()];
    let is_delimiter = |at: &usize| b"\r\n :,;=/".contains(&data[*at]);
    let delimiters: Vec<usize> = (0..size).filter(is_delimiter).collect();
    if delimiters.is_empty() || size + inserted.len() > data.len() {
        return size;
    }
    let drawn = seed / INSERTED.len();
    let at = delimiters[drawn / 2 % delimiters.len()] + drawn % 2;
    data.copy_within(at..size, at + inserted.len());
    data[at..][..inserted.len()].copy_from_slice(inserted);
    size + inserted.len()
}
