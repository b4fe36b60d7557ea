//! streamsum's MD5 against that of other crates, all measured against the crate md-5.
//!
//! ```text
//! cargo bench --manifest-path bench/Cargo.toml --bench hashing [-- FILTER]
//! ```
//!
//! *Messages* are all there when hashing begins, which is what some crates are made for;
//! *pieces* are what streams under way grow by, as a server has them. *Equal* ones have
//! 64 KiB, *ragged* ones anything up to that.

mod rivals;
#[path = "../side_by_side/mod.rs"]
mod side_by_side;

use std::hint::black_box;

use rivals::{Digest, FastMd5, Md5Many, Md5Simd, Rival, RustCrypto, Streamsum};
use side_by_side::{Comparison, Work};
use testkit::content::content;

const LONGEST: usize = 64 << 10;
const COUNTS: [usize; 5] = [2, 4, 8, 16, 32];

fn main() {
    let mut comparison = Comparison::new("hashing", RustCrypto::NAME);
    for (name, length) in
        [("64 B", 64), ("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)]
    {
        let bytes = content(length, 0);
        comparison.case(
            &format!("one message of {name}"),
            one::<RustCrypto>(&bytes),
            vec![
                work::<Streamsum>(one::<Streamsum>(&bytes)),
                work::<FastMd5>(one::<FastMd5>(&bytes)),
                work::<Md5Simd>(one::<Md5Simd>(&bytes)),
                work::<Md5Many>(one::<Md5Many>(&bytes)),
            ],
        );
    }
    // Rows exactly 64 KiB apart would fall on the same sets of the cache.
    let bytes = content((LONGEST + 64) * COUNTS[COUNTS.len() - 1], 0);
    let rows: Vec<&[u8]> = bytes.chunks(LONGEST + 64).collect();
    for (shape, length) in [("equal", (|_| LONGEST) as fn(usize) -> usize), ("ragged", ragged)] {
        for count in COUNTS {
            let messages: Vec<&[u8]> =
                rows[..count].iter().enumerate().map(|(at, row)| &row[..length(at)]).collect();
            comparison.case(
                &format!("{count} {shape} messages"),
                whole::<RustCrypto>(&messages),
                vec![
                    work::<Streamsum>(whole::<Streamsum>(&messages)),
                    work::<FastMd5>(whole::<FastMd5>(&messages)),
                    work::<Md5Simd>(whole::<Md5Simd>(&messages)),
                    work::<Md5Many>(whole::<Md5Many>(&messages)),
                ],
            );
            comparison.case(
                &format!("{count} {shape} pieces"),
                pieces::<RustCrypto>(&messages),
                vec![
                    work::<Streamsum>(pieces::<Streamsum>(&messages)),
                    work::<FastMd5>(pieces::<FastMd5>(&messages)),
                    work::<Md5Simd>(pieces::<Md5Simd>(&messages)),
                    work::<Md5Many>(pieces::<Md5Many>(&messages)),
                ],
            );
        }
    }
    comparison.finish();
}

/// Lengths that have nothing in common, all of them odd.
fn ragged(at: usize) -> usize {
    (at * 40_503 + 30_010) % (LONGEST / 2) * 2 + 1
}

fn work<'w, R: Rival>(run: impl FnMut() + 'w) -> Work<'w> {
    (R::NAME, Box::new(run))
}

fn one<R: Rival>(message: &[u8]) -> impl FnMut() + use<'_, R> {
    assert_eq!(R::one(message), RustCrypto::one(message), "{}", R::NAME);
    || {
        black_box(R::one(black_box(message)));
    }
}

fn whole<'m, R: Rival>(messages: &'m [&[u8]]) -> impl FnMut() + use<'m, R> {
    let mut digests = vec![[0; 16]; messages.len()];
    R::whole(messages, &mut digests);
    assert_eq!(digests, expected(messages), "{}", R::NAME);
    move || R::whole(black_box(messages), black_box(&mut digests))
}

fn pieces<'m, R: Rival>(pieces: &'m [&[u8]]) -> impl FnMut() + use<'m, R> {
    let mut streams = R::streams(pieces.len());
    R::update(&mut streams, pieces);
    R::update(&mut streams, pieces);
    let doubled: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.repeat(2)).collect();
    let doubled: Vec<&[u8]> = doubled.iter().map(Vec::as_slice).collect();
    assert_eq!(R::digests(streams), expected(&doubled), "{}", R::NAME);
    let mut streams = R::streams(pieces.len());
    move || R::update(&mut streams, black_box(pieces))
}

fn expected(messages: &[&[u8]]) -> Vec<Digest> {
    messages.iter().map(|message| RustCrypto::one(message)).collect()
}
