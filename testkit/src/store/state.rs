//! What the sessions of a store share.

use super::log::Log;
use super::multipart::Uploads;
use super::objects::Buckets;
use super::script::Script;
use super::{Config, Cut, End, Side};

#[derive(Debug)]
pub(super) struct State {
    pub(super) config: Config,
    pub(super) buckets: Buckets,
    pub(super) uploads: Uploads,
    pub(super) script: Script,
    pub(super) log: Log,
    /// How many names were given to versions.
    versions: usize,
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        let mut buckets = Buckets::default();
        if config.is_plain {
            buckets.create("");
        }
        let (uploads, script, log) = (Uploads::default(), Script::default(), Log::default());
        Self { config, buckets, uploads, script, log, versions: 0 }
    }

    /// A name for a version, if there are any.
    pub(super) fn next_version(&mut self) -> Option<String> {
        self.versions += 1;
        self.config.keeps_versions.then(|| format!("v.{}", self.versions))
    }

    pub(super) fn fault(&mut self, connection: usize, what: &str) {
        self.log.faults.push(format!("connection {connection}: {what}"));
    }

    /// Notes who ended a connection, unless it was ended before.
    pub(super) fn note_end(&mut self, connection: usize, request: Option<usize>, cut: Cut) {
        let noted = &mut self.log.connections[connection];
        if cut.by == Side::Client {
            noted.client_end.get_or_insert(cut.end);
        }
        if noted.end.is_none() {
            noted.end = Some(cut);
            if let Some(request) = request.map(|request| &mut self.log.requests[request])
                && !request.is_complete
            {
                request.cut = Some(cut);
            }
        } else if cut == (Cut { by: Side::Client, end: End::Reset }) {
            noted.client_end = Some(End::Reset);
        }
    }
}
