//! How much a server can pass on to an origin, and at what cost.

use crate::contestant::{Contestant, Role, Sinks};
use crate::cores::Cores;
use crate::loader::{Failure, Loader};
use crate::offline::Offline;
use crate::plan::Plan;
use crate::server::Server;
use crate::workload::Traffic;

use super::PATIENCE;
use super::throughput::{Throughput, account};

/// What one measurement found: the cost of the sink stands beside that of the server.
#[derive(Clone, Copy, Debug)]
pub struct Passed(pub Throughput);

/// Carries out a plan, which is that of the traffic, over a server and a sink of its own, or
/// without a network.
///
/// # Errors
///
/// When the contestant does not do all of it, or the sink does not start.
pub fn measure(
    contestant: &Contestant,
    traffic: Traffic,
    plan: &Plan,
    sinks: &Sinks,
    cores: &Cores,
) -> Result<Passed, Failure> {
    if contestant.role == Role::Offline {
        let mut offline = Offline::start(contestant, plan, cores)?;
        return account(offline.id(), None, traffic.unit(), || offline.run()).map(Passed);
    }
    let (sink, scheme) = sinks.of(contestant);
    let sink = Server::start(sink, cores)?;
    let contestant = contestant.sending_to(&format!("{scheme}://{}", sink.address));
    let server = Server::start(&contestant, cores)?;
    let loader = Loader::connect(plan, server.address, server.digests)?;
    let run = || loader.run(PATIENCE);
    account(server.id(), Some(sink.id()), traffic.unit(), run).map(Passed)
}
