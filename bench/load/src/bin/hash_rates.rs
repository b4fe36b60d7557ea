//! How fast each kernel hashes, in one run with the crate md-5 going through the same
//! bytes stream by stream: a table of GB/s, and of ratios to md-5 with as many streams.
//!
//! ```text
//! cargo run --release --manifest-path bench/load/Cargo.toml --bin hash_rates [rounds [best]]
//! ```
//!
//! Every stream is fed piece by piece, one piece of each stream at a time, as a server
//! feeds its uploads. *Equal* pieces have 64 KiB, *ragged* ones 32 to 64 KiB, *any* 1 byte
//! to 64 KiB, *small* ones are bodies of 1 KiB, begun and ended in one call. All kernels
//! take turns, round after round. The median round counts, or with `best` the best, which
//! says more on a machine with other work to do.

use std::hint::black_box;
use std::time::Instant;

use streamsum::md5::{Input, Kernel, Md5};
use testkit::random::Random;

const PIECE: usize = 64 << 10;
const STREAMS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const MOST: usize = 32;
/// What a measurement goes through, at least.
const BYTES: usize = 1 << 20;

#[derive(Clone, Copy)]
enum Shape {
    Equal,
    Ragged,
    Any,
    Small,
}

/// The lengths of the pieces of each call, stream by stream.
fn plan(shape: Shape, streams: usize) -> Vec<Vec<usize>> {
    // The same lengths at every run.
    let mut random = Random::new(0);
    let mut between = |least: usize, most: usize| least + random.below(most - least + 1);
    let mut calls = Vec::new();
    let mut bytes = 0;
    while bytes < BYTES {
        let length = |_| match shape {
            Shape::Equal => PIECE,
            Shape::Ragged => between(PIECE / 2, PIECE),
            Shape::Any => between(1, PIECE),
            Shape::Small => 1 << 10,
        };
        let call: Vec<usize> = (0..streams).map(length).collect();
        bytes += call.iter().sum::<usize>();
        calls.push(call);
    }
    calls
}

/// Hashes with a kernel of ours.
fn ours(kernel: Kernel, shape: Shape, plan: &[Vec<usize>], data: &[Vec<u8>]) -> Vec<[u8; 16]> {
    let mut streams = vec![Md5::new(); plan[0].len()];
    for call in plan {
        let small = matches!(shape, Shape::Small);
        let inputs = streams.iter_mut().zip(call).zip(data);
        kernel.update_many(inputs.map(|((stream, len), bytes)| {
            if small {
                *stream = Md5::new();
            }
            Input { stream, bytes: &bytes[..*len], last: small }
        }));
    }
    streams.into_iter().map(|stream| stream.finish().to_bytes()).collect()
}

/// Hashes with the crate md-5.
fn theirs(shape: Shape, plan: &[Vec<usize>], data: &[Vec<u8>]) -> Vec<[u8; 16]> {
    use md5::Digest as _;
    let mut streams = vec![md5::Md5::new(); plan[0].len()];
    let mut digests = vec![[0; 16]; plan[0].len()];
    for call in plan {
        let inputs = streams.iter_mut().zip(call).zip(data).zip(&mut digests);
        for (((stream, len), bytes), digest) in inputs {
            stream.update(&bytes[..*len]);
            if matches!(shape, Shape::Small) {
                *digest = stream.finalize_reset().into();
            }
        }
    }
    match shape {
        Shape::Small => digests,
        _ => streams.into_iter().map(|stream| stream.finalize().into()).collect(),
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().map_or(15, |rounds| rounds.parse().expect("a number"));
    let best = arguments.next().is_some_and(|what| what == "best");
    // Rows exactly 64 KiB apart would fall on the same sets of the cache.
    let row =
        |of: usize| (0..PIECE + 64 * of).map(|at| (at * 31 + of * 7 + at / 251) as u8).collect();
    let data: Vec<Vec<u8>> = (0..MOST).map(row).collect();
    let kernels: Vec<Kernel> = Kernel::available().collect();
    println!("detected: {}, {rounds} rounds", Kernel::detect().name());

    let shapes = [
        ("equal", Shape::Equal),
        ("ragged", Shape::Ragged),
        ("any", Shape::Any),
        ("small", Shape::Small),
    ];
    for (name, shape) in shapes {
        println!("\n{name:22}{}", STREAMS.map(|streams| format!("{streams:>15}")).concat());
        let mut rates = vec![vec![Vec::new(); STREAMS.len()]; kernels.len() + 1];
        let plans = STREAMS.map(|streams| plan(shape, streams));
        for round in 0..rounds {
            for (column, plan) in plans.iter().enumerate() {
                let bytes: usize = plan.iter().flatten().sum();
                for (row, rates) in rates.iter_mut().enumerate() {
                    let start = Instant::now();
                    let digests = match row.checked_sub(1) {
                        None => theirs(shape, plan, &data),
                        Some(at) => ours(kernels[at], shape, plan, &data),
                    };
                    let seconds = start.elapsed().as_secs_f64();
                    rates[column].push(bytes as f64 / seconds / 1e9);
                    if round == 0 {
                        assert_eq!(digests, theirs(shape, plan, &data));
                    }
                    black_box(digests);
                }
            }
        }
        let one = |rates: &mut Vec<f64>| {
            rates.sort_by(f64::total_cmp);
            rates[if best { rates.len() - 1 } else { rates.len() / 2 }]
        };
        let table: Vec<Vec<f64>> =
            rates.iter_mut().map(|row| row.iter_mut().map(one).collect()).collect();
        for (row, rates) in table.iter().enumerate() {
            let name = row.checked_sub(1).map_or("md-5, one by one", |at| kernels[at].name());
            let cells = rates.iter().zip(&table[0]);
            let cells = cells.map(|(rate, base)| format!("{rate:7.2} {:5.2} x", rate / base));
            println!("{name:22}{}", cells.collect::<String>());
        }
    }
}
