//! What is raced over, in works of six kinds.
//!
//! A kind is what one measurement finds, and so what a table of its own shows.

use std::time::Duration;

use crate::contestant::{BASELINE, Fate};
use crate::plan::Plan;
use crate::request::Chunks;

/// A work for a server.
#[derive(Clone, Debug)]
pub struct Workload {
    pub name: String,
    pub work: Work,
}

/// What is done and measured.
#[derive(Clone, Debug)]
pub enum Work {
    /// As much as the server manages, and at what cost.
    Throughput(Load),
    /// As much as the server can pass on to an origin, and at what cost.
    Passing(Passing),
    /// How late answers come to requests that are due at fixed times.
    Latency(Pace),
    /// Memory for each of so many open connections.
    Memory(Crowd),
    /// Throughput of a few connections while few or many others are open.
    Growth(Growth),
    /// Time from start to first answer, and how large the program is.
    Start,
}

/// What is asked of a server in a closed loop.
#[derive(Clone, Debug)]
pub struct Load {
    pub traffic: Traffic,
    /// Who is connected meanwhile and asks nothing.
    pub beside: Option<Crowd>,
    /// Whether content is kept, by whoever does that.
    pub is_kept: bool,
}

/// What is passed on to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    pub traffic: Traffic,
    /// Whether it is encrypted on its way, by whoever does that.
    pub by_tls: bool,
}

/// What goes over connections that are at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Each once.
    Uploads { count: usize, bytes: u64, chunks: Option<Chunks> },
    /// Over and over, `depth` of them at a time.
    Requests { connections: usize, bytes: usize, depth: usize, time: Duration },
    /// The same, one at a time, and content only once the server has asked for it.
    Expecting { connections: usize, bytes: usize, time: Duration },
}

/// Connections that are open and ask nothing: how many, and how they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    pub connections: usize,
    pub pose: Pose,
}

/// What a connection has stopped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pose {
    /// In an upload: its head and some of its content have been sent.
    Held,
    /// Between requests: one has been answered.
    Idle,
}

/// Requests that are due at fixed times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub connections: usize,
    pub bytes: usize,
    /// Of what the baseline manages in a closed loop.
    pub share: f64,
    pub time: Duration,
    /// What flows meanwhile.
    pub beside: Option<Flow>,
}

/// Uploads at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    pub uploads: usize,
    pub bytes: u64,
    /// Of what the baseline manages of these uploads in a closed loop.
    pub share: f64,
}

/// A load, and how many connections are idle beside it.
#[derive(Clone, Debug)]
pub struct Growth {
    pub traffic: Traffic,
    pub few: usize,
    pub many: usize,
}

/// What a server's speed and cost are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 10⁹ bytes of content.
    Gigabyte,
    Request,
}

/// Uploads at once, in the works that make the curve.
const CURVE: [usize; 7] = [1, 2, 4, 8, 16, 32, 256];
/// Uploads at once that are kept or passed on.
const MANY: usize = 32;
/// Bytes of content in every small request.
const SMALL: usize = 1 << 10;
/// Bytes of content in every request that is passed on and small.
const PASSED: usize = 16 << 10;
/// Bytes of content that a held upload has sent.
pub const HELD: usize = 64 << 10;
/// Connections that small requests go over.
const CONNECTIONS: usize = 64;

/// All of them; `quick` ones are the same but shorter.
pub fn all(quick: bool) -> Vec<Workload> {
    let scale = if quick { Scale::QUICK } else { Scale::FULL };
    let mut all = Vec::new();
    let mut add = |name: &str, work| all.push(Workload { name: name.into(), work });
    let load = |traffic| Work::Throughput(Load { traffic, beside: None, is_kept: false });
    let uploads = |count: usize, chunks| Traffic::Uploads {
        count,
        bytes: scale.bytes / count as u64,
        chunks,
    };
    let requests = |bytes, depth| Traffic::Requests {
        connections: CONNECTIONS,
        bytes,
        depth,
        time: scale.time,
    };
    for count in CURVE {
        add(&format!("upload-{count}"), load(uploads(count, None)));
    }
    add("chunked-64k", load(uploads(1, Some(Chunks::Large))));
    add("chunked-1k", load(uploads(1, Some(Chunks::Small))));
    let stalled = Crowd { connections: 1000, pose: Pose::Held };
    let beside_stalled = Load { traffic: uploads(8, None), beside: Some(stalled), is_kept: false };
    add("stalled", Work::Throughput(beside_stalled));
    add("small", load(requests(SMALL, 1)));
    add("pipelined", load(requests(SMALL, 16)));
    let expecting = Traffic::Expecting { connections: CONNECTIONS, bytes: SMALL, time: scale.time };
    add("expect", load(expecting));
    let kept = Traffic::Uploads { count: MANY, bytes: scale.kept / MANY as u64, chunks: None };
    let kept = Load { traffic: kept, beside: None, is_kept: true };
    add(&format!("keep-{MANY}"), Work::Throughput(kept));
    let passed = |traffic| Work::Passing(Passing { traffic, by_tls: false });
    add(&format!("pass-{MANY}"), passed(uploads(MANY, None)));
    add("pass-1", passed(uploads(1, None)));
    add(&format!("pass-chunked-{MANY}"), passed(uploads(MANY, Some(Chunks::Large))));
    add("pass-small", passed(requests(PASSED, 1)));
    let by_tls = Passing { traffic: uploads(MANY, None), by_tls: true };
    add(&format!("pass-tls-{MANY}"), Work::Passing(by_tls));
    let pace = |share, beside| {
        let (connections, bytes, time) = (CONNECTIONS, SMALL, scale.time);
        Work::Latency(Pace { connections, bytes, share, time, beside })
    };
    add("latency-small", pace(0.5, None));
    let flow = Flow { uploads: 8, bytes: scale.bytes / 64, share: 0.25 };
    add("latency-mixed", pace(0.25, Some(flow)));
    for (name, pose) in [("held", Pose::Held), ("idle", Pose::Idle)] {
        add(name, Work::Memory(Crowd { connections: scale.crowd, pose }));
    }
    add(
        "growth",
        Work::Growth(Growth { traffic: requests(SMALL, 1), few: 100, many: scale.crowd }),
    );
    add("start", Work::Start);
    all
}

/// How much of everything.
struct Scale {
    /// Of content in all uploads of a work.
    bytes: u64,
    /// Of content in uploads that are kept.
    kept: u64,
    /// For which small requests are sent.
    time: Duration,
    /// Connections that are only open.
    crowd: usize,
}

impl Scale {
    const FULL: Self =
        Self { bytes: 1 << 30, kept: 2 << 30, time: Duration::from_secs(2), crowd: 10_000 };
    const QUICK: Self =
        Self { bytes: 128 << 20, kept: 256 << 20, time: Duration::from_millis(250), crowd: 2_000 };
}

impl Workload {
    /// Whether `name` is its own, or that of the works which it belongs to: what stands
    /// before the dash.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.name.split_once('-').is_some_and(|(group, _)| group == name)
    }

    /// What becomes of content in it.
    pub fn fate(&self) -> Fate {
        match &self.work {
            Work::Throughput(Load { is_kept: true, .. }) => Fate::Kept,
            Work::Passing(Passing { by_tls: false, .. }) => Fate::PassedOn,
            Work::Passing(Passing { by_tls: true, .. }) => Fate::PassedOnByTls,
            _ => Fate::Dropped,
        }
    }

    /// Descriptors that it takes at a time.
    pub fn descriptors(&self) -> usize {
        match &self.work {
            Work::Throughput(Load { traffic, beside, .. }) => {
                traffic.connections() + beside.map_or(0, |crowd| crowd.connections)
            }
            Work::Passing(passing) => passing.traffic.connections(),
            Work::Latency(pace) => pace.connections + pace.beside.map_or(0, |flow| flow.uploads),
            Work::Memory(crowd) => crowd.connections,
            Work::Growth(growth) => growth.traffic.connections() + growth.many,
            Work::Start => 1,
        }
    }

    /// What is done, in words.
    pub fn about(&self) -> String {
        match &self.work {
            Work::Throughput(Load { traffic, beside, is_kept }) => {
                let beside = beside.map(|crowd| format!(", beside {}", crowd.about()));
                let kept = if *is_kept { ", kept in a folder in memory" } else { "" };
                format!("{}{}{kept}", traffic.about(), beside.unwrap_or_default())
            }
            Work::Passing(Passing { traffic, by_tls }) => {
                let by_tls = if *by_tls { ", by TLS" } else { "" };
                format!("{}, passed on to a sink{by_tls}", traffic.about())
            }
            Work::Latency(pace) => pace.about(),
            Work::Memory(crowd) => crowd.about(),
            Work::Growth(Growth { traffic, few, many }) => {
                format!("{}, beside {few} and {many} idle connections", traffic.about())
            }
            Work::Start => "from the start of the program to the first answer".into(),
        }
    }
}

impl Crowd {
    fn about(self) -> String {
        match self.pose {
            Pose::Held => {
                format!("{} uploads that stalled after {} KiB", self.connections, HELD >> 10)
            }
            Pose::Idle => format!("{} idle connections", self.connections),
        }
    }
}

impl Pace {
    fn about(&self) -> String {
        let Self { connections, bytes, share, time, beside } = self;
        let percent = |share: f64| format!("{:.0} % of the rate of {BASELINE}", share * 100.0);
        let beside = beside.map(|Flow { uploads, bytes, share }| {
            format!(", beside {uploads} × {} at {}", size(bytes), percent(share))
        });
        format!(
            "{bytes} bytes over {connections} connections, due at {}{}, {} s",
            percent(*share),
            beside.unwrap_or_default(),
            time.as_secs_f64()
        )
    }
}

/// A number of bytes, in words.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let whole = UNITS.iter().find(|(_, shift)| bytes >> shift << shift == bytes && bytes > 0);
    whole.map_or_else(
        || format!("{bytes} bytes"),
        |(name, shift)| format!("{} {name}", bytes >> shift),
    )
}

impl Traffic {
    /// Prepares all bytes and digests: seconds of work for long uploads.
    pub fn plan(self) -> Plan {
        match self {
            Self::Uploads { count, bytes, chunks } => Plan::uploads(count, bytes, chunks),
            Self::Requests { connections, bytes, depth, time } => {
                Plan::requests(connections, bytes, depth, time)
            }
            Self::Expecting { connections, bytes, time } => {
                Plan::expecting(connections, bytes, time)
            }
        }
    }

    /// What its speed is counted in.
    pub fn unit(self) -> Unit {
        match self {
            Self::Uploads { .. } => Unit::Gigabyte,
            Self::Requests { .. } | Self::Expecting { .. } => Unit::Request,
        }
    }

    fn connections(self) -> usize {
        match self {
            Self::Uploads { count, .. } => count,
            Self::Requests { connections, .. } | Self::Expecting { connections, .. } => connections,
        }
    }

    fn about(self) -> String {
        match self {
            Self::Uploads { count, bytes, chunks } => {
                let framing = chunks.map_or_else(
                    || String::from("by length"),
                    |chunks| format!("in chunks of {} KiB", chunks.size() >> 10),
                );
                format!("{count} × {} at once, {framing}", size(bytes))
            }
            Self::Requests { connections, bytes, depth, time } => {
                let time = time.as_secs_f64();
                format!("{bytes} bytes over {connections} connections, {depth} at a time, {time} s")
            }
            Self::Expecting { connections, bytes, time } => {
                let time = time.as_secs_f64();
                format!(
                    "{bytes} bytes over {connections} connections, each after a 100 (Continue), \
                     {time} s"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_go_by_their_group_too() {
        let named = |name: &str| -> Vec<String> {
            let all = all(false).into_iter().filter(|workload| workload.is_named(name));
            all.map(|workload| workload.name).collect()
        };
        assert_eq!(named("chunked"), ["chunked-64k", "chunked-1k"]);
        assert_eq!(named("upload-1"), ["upload-1"]);
        assert_eq!(named("upload").len(), CURVE.len());
        assert!(named("up").is_empty());
    }

    #[test]
    fn works_that_keep_say_so() {
        let kept: Vec<_> = all(false).into_iter().filter(|it| it.fate() == Fate::Kept).collect();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].name.as_str(), kept[0].descriptors()), ("keep-32", 32));
        assert_eq!(kept[0].about(), "32 × 64 MiB at once, by length, kept in a folder in memory");
    }

    #[test]
    fn sizes_are_in_the_largest_whole_unit() {
        let sizes = [1 << 30, 3 << 29, 64 << 20, 512 << 10, 1000, 0].map(size);
        assert_eq!(sizes, ["1 GiB", "1536 MiB", "64 MiB", "512 KiB", "1000 bytes", "0 bytes"]);
    }

    #[test]
    fn names_are_different() {
        let mut names: Vec<_> = all(false).into_iter().map(|workload| workload.name).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
