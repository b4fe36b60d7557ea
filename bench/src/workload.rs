//! What is raced over.

use std::time::Duration;

use crate::plan::Plan;

/// A kind of work for a server.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Uploads { count: usize, bytes: u64, chunked: bool },
    Requests { connections: usize, bytes: usize, depth: usize, time: Duration },
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
    let uploads = |name, count, bytes: u64, chunked| Workload {
        name,
        kind: Kind::Uploads { count, bytes: bytes / shorter, chunked },
    };
    let requests = |name, depth| Workload {
        name,
        kind: Kind::Requests {
            connections: 64,
            bytes: 1 << 10,
            depth,
            time: Duration::from_millis(if quick { 400 } else { 2000 }),
        },
    };
    vec![
        uploads("upload", 1, 1 << 30, false),
        uploads("chunked", 1, 1 << 30, true),
        uploads("uploads", 32, 64 << 20, false),
        requests("small", 1),
        requests("pipelined", 16),
    ]
}

impl Workload {
    /// Prepares all bytes and digests: seconds of work for long uploads.
    pub fn plan(&self) -> Plan {
        match self.kind {
            Kind::Uploads { count, bytes, chunked } => Plan::uploads(count, bytes, chunked),
            Kind::Requests { connections, bytes, depth, time } => {
                Plan::requests(connections, bytes, depth, time)
            }
        }
    }

    pub fn unit(&self) -> Unit {
        match self.kind {
            Kind::Uploads { .. } => Unit::Gigabyte,
            Kind::Requests { .. } => Unit::Request,
        }
    }

    /// What is done, in words.
    pub fn about(&self) -> String {
        match self.kind {
            Kind::Uploads { count, bytes, chunked } => {
                let framing = if chunked { "in chunks of 64 KiB" } else { "by length" };
                format!("{count} × {} MiB at once, {framing}", bytes >> 20)
            }
            Kind::Requests { connections, bytes, depth, time } => {
                let time = time.as_secs_f64();
                format!("{bytes} bytes over {connections} connections, {depth} at a time, {time} s")
            }
        }
    }
}
