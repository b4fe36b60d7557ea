//! Connections that take their time, until the server has had enough of them; but for those
//! that come slowly and yet well within its deadlines.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::content::Contents;
use crate::kind::{Kind, kind};
use crate::peer::{PATIENCE, Peer, Wrong};
use crate::quick::{put, put_chunked};
use crate::tally::Counter;

/// What a few connections of this kind do side by side.
type Slow = for<'a> fn(Vec<Peer<'a>>, &Contents) -> Result<(), Wrong>;

pub(crate) const KINDS: &[Kind<Slow>] = &[
    kind("silent from the start", 32, silent_from_the_start),
    kind("silent in its head", 32, silent_in_head),
    kind("silent in its content", 32, silent_in_content),
    kind("silent after its answer", 32, silent_after_answer),
    kind("dripping head", 32, dripping_head),
    kind("dripping content", 32, dripping_content),
    kind("slow but honest", 32, honest),
    // Each leaves thousands of requests.
    kind("never reads", 4, never_reads),
    kind("refused and goes on", 4, refused_and_goes_on),
];

impl Kind<Slow> {
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        counter: Counter<'_>,
        contents: &Contents,
    ) -> Result<(), Wrong> {
        let peers = (0..self.count).map(|_| Peer::connect(address, counter));
        (self.play)(peers.collect::<Result<_, _>>()?, contents)
    }
}

const HEAD: &[u8] = b"PUT /slow HTTP/1.1\r\nHost: s\r\nContent-Length: 100000\r\n\r\n";

fn each<'a>(
    mut peers: Vec<Peer<'a>>,
    mut play: impl FnMut(&mut Peer<'a>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    peers.iter_mut().try_for_each(&mut play)
}

/// Sends to all of them, every so often, one of these parts after the other; to those that
/// are answered no more. The last part is sent for ever.
fn drip(peers: &mut [Peer<'_>], parts: &[&[u8]], pause: Duration) -> Result<(), Wrong> {
    let last = parts.last().copied().unwrap_or_default();
    let start = Instant::now();
    for part in parts.iter().copied().chain(std::iter::repeat(last)) {
        let mut all_answered = true;
        for peer in &mut *peers {
            if !peer.is_readable()? {
                all_answered = false;
                peer.send(part)?;
            }
        }
        if all_answered {
            break;
        }
        if start.elapsed() > PATIENCE {
            return Err(Wrong(format!("not refused for {PATIENCE:?}")));
        }
        sleep(pause);
    }
    Ok(())
}

fn silent_from_the_start(peers: Vec<Peer<'_>>, _: &Contents) -> Result<(), Wrong> {
    each(peers, Peer::read_end)
}

fn silent_in_head(mut peers: Vec<Peer<'_>>, _: &Contents) -> Result<(), Wrong> {
    peers.iter_mut().try_for_each(|peer| peer.send(&HEAD[..HEAD.len() / 2]))?;
    each(peers, |peer| peer.read_refusal(408))
}

fn silent_in_content(mut peers: Vec<Peer<'_>>, contents: &Contents) -> Result<(), Wrong> {
    for peer in &mut peers {
        peer.send(&[HEAD, contents.small(0).bytes].concat())?;
    }
    each(peers, |peer| peer.read_refusal(408))
}

fn silent_after_answer(mut peers: Vec<Peer<'_>>, contents: &Contents) -> Result<(), Wrong> {
    for (number, peer) in peers.iter_mut().enumerate() {
        let content = contents.small(number as u64);
        peer.send(&put(&content, ""))?;
        peer.read_digest(&content)?;
    }
    each(peers, Peer::read_end)
}

fn dripping_head(mut peers: Vec<Peer<'_>>, _: &Contents) -> Result<(), Wrong> {
    let start: &[u8] = b"GET / HTTP/1.1\r\nHost: s\r\nDrip: ";
    let bytes: Vec<&[u8]> = start.chunks(1).chain([&b"x"[..]]).collect();
    drip(&mut peers, &bytes, Duration::from_millis(200))?;
    each(peers, |peer| peer.read_refusal(408))
}

fn dripping_content(mut peers: Vec<Peer<'_>>, _: &Contents) -> Result<(), Wrong> {
    drip(&mut peers, &[HEAD, b"drip"], Duration::from_millis(200))?;
    each(peers, |peer| peer.read_refusal(408))
}

/// A head in three pieces, and content byte by byte, all in about a second.
fn honest(mut peers: Vec<Peer<'_>>, contents: &Contents) -> Result<(), Wrong> {
    let content = contents.small(2);
    let requests = [put(&content, ""), put_chunked(&content, 5, 0)];
    let longest = requests.iter().map(Vec::len).max().unwrap_or(0);
    for at in (0..longest).step_by(SIP) {
        for (number, peer) in peers.iter_mut().enumerate() {
            let request = &requests[number % 2];
            let rest = request.get(at..).unwrap_or_default();
            peer.send(&rest[..SIP.min(rest.len())])?;
        }
        sleep(Duration::from_millis(30));
    }
    each(peers, |peer| peer.read_digest(&content))
}

/// Bytes that slow but honest ones send at a time.
const SIP: usize = 7;

fn never_reads(mut peers: Vec<Peer<'_>>, contents: &Contents) -> Result<(), Wrong> {
    let several = put(&contents.small(0), "").repeat(64);
    let mut times = Vec::new();
    for peer in &mut peers {
        times.push(64 * peer.flood(&several)?);
    }
    peers.into_iter().zip(times).try_for_each(|(peer, sent)| peer.await_reset(sent))
}

fn refused_and_goes_on(mut peers: Vec<Peer<'_>>, contents: &Contents) -> Result<(), Wrong> {
    for peer in &mut peers {
        peer.send(b"PUT / HTTP/1.1\r\nHost: s\r\nContent-Length: 1099511627776\r\n\r\n")?;
        peer.flood(&contents.large(0).bytes[..64 << 10])?;
    }
    peers.into_iter().try_for_each(|peer| peer.await_reset(1))
}
