//! What is raced over.

use std::time::Duration;

use crate::plan::Plan;
use crate::request::Chunks;

/// A kind of work for a server.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Uploads { count: usize, bytes: u64, chunks: Option<Chunks> },
    Requests { connections: usize, bytes: usize, depth: usize, time: Duration },
    Expecting { connections: usize, bytes: usize, time: Duration },
}

/// What a server's speed and cost are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 10⁹ bytes of content.
    Gigabyte,
    Request,
}

/// All of them; `quick` ones are the same but shorter.
pub fn all(quick: bool) -> Vec<Workload> {
    let shorter: u64 = if quick { 8 } else { 1 };
    let uploads = |name, count, bytes: u64, chunks| Workload {
        name,
        kind: Kind::Uploads { count, bytes: bytes / shorter, chunks },
    };
    let time = Duration::from_millis(if quick { 400 } else { 2000 });
    let (connections, bytes) = (64, 1 << 10);
    let requests =
        |name, depth| Workload { name, kind: Kind::Requests { connections, bytes, depth, time } };
    vec![
        uploads("upload", 1, 1 << 30, None),
        uploads("chunked-64k", 1, 1 << 30, Some(Chunks::Large)),
        uploads("chunked-1k", 1, 1 << 30, Some(Chunks::Small)),
        uploads("uploads", 32, 64 << 20, None),
        requests("small", 1),
        requests("pipelined", 16),
        Workload { name: "expect", kind: Kind::Expecting { connections, bytes, time } },
    ]
}

impl Workload {
    /// Prepares all bytes and digests: seconds of work for long uploads.
    pub fn plan(&self) -> Plan {
        match self.kind {
            Kind::Uploads { count, bytes, chunks } => Plan::uploads(count, bytes, chunks),
            Kind::Requests { connections, bytes, depth, time } => {
                Plan::requests(connections, bytes, depth, time)
            }
            Kind::Expecting { connections, bytes, time } => {
                Plan::expecting(connections, bytes, time)
            }
        }
    }

    pub fn unit(&self) -> Unit {
        match self.kind {
            Kind::Uploads { .. } => Unit::Gigabyte,
            Kind::Requests { .. } | Kind::Expecting { .. } => Unit::Request,
        }
    }

    /// What is done, in words.
    pub fn about(&self) -> String {
        match self.kind {
            Kind::Uploads { count, bytes, chunks } => {
                let framing = match chunks {
                    Some(chunks) => format!("in chunks of {} KiB", chunks.size() >> 10),
                    None => "by length".into(),
                };
                format!("{count} × {} MiB at once, {framing}", bytes >> 20)
            }
            Kind::Requests { connections, bytes, depth, time } => {
                let time = time.as_secs_f64();
                format!("{bytes} bytes over {connections} connections, {depth} at a time, {time} s")
            }
            Kind::Expecting { connections, bytes, time } => {
                let time = time.as_secs_f64();
                format!(
                    "{bytes} bytes over {connections} connections, each after a 100 (Continue), \
                     {time} s"
                )
            }
        }
    }
}
