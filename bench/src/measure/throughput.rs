//! How much a server manages in a closed loop, and at what cost.

use crate::clock::{self, Account};
use crate::contestant::{Contestant, Role};
use crate::cores::Cores;
use crate::crowd::gather;
use crate::hasher::Hasher;
use crate::loader::{Done, Failure, Loader};
use crate::plan::Plan;
use crate::server::Server;
use crate::settle::settle;
use crate::workload::{Load, Unit};

use super::PATIENCE;

/// What one measurement found.
#[derive(Clone, Copy, Debug)]
pub struct Throughput {
    pub unit: Unit,
    /// Units a second.
    pub rate: f64,
    /// The server's CPU seconds for a unit.
    pub cost: f64,
    /// The loader's.
    pub loader_cost: f64,
    /// The most memory the server had, in bytes.
    pub memory: f64,
    /// CPU seconds of the server's in a second.
    pub busy: f64,
    /// CPU seconds that neither server nor loader had, in a second.
    pub others: f64,
}

/// Carries out a plan, which is that of the load.
///
/// # Errors
///
/// When the contestant does not do all of it.
pub fn measure(
    contestant: &Contestant,
    load: &Load,
    plan: &Plan,
    cores: &Cores,
) -> Result<Throughput, Failure> {
    let unit = load.traffic.unit();
    if contestant.role == Role::Hasher {
        let mut hasher = Hasher::start(contestant, plan, cores)?;
        return account(hasher.id(), unit, || hasher.run());
    }
    let server = Server::start(contestant, cores)?;
    let beside = load.beside.map(|crowd| gather(crowd, &server)).transpose()?;
    if beside.is_some() {
        settle(&server, PATIENCE)?;
    }
    let loader = Loader::connect(plan, server.address, server.digests)?;
    let throughput = account(server.id(), unit, || loader.run(PATIENCE))?;
    if let Some(beside) = beside {
        beside.check()?;
    }
    Ok(throughput)
}

fn account(
    program: u32,
    unit: Unit,
    run: impl FnOnce() -> Result<Done, Failure>,
) -> Result<Throughput, Failure> {
    let before = Account::of(program)?;
    let done = run()?;
    let spent = Account::of(program)?.since(&before);
    let units = match unit {
        Unit::Gigabyte => done.content as f64 / 1e9,
        Unit::Request => done.answers as f64,
    };
    let time = done.time.as_secs_f64();
    Ok(Throughput {
        unit,
        rate: units / time,
        cost: spent.program / units,
        loader_cost: spent.loader / units,
        memory: clock::peak_memory(program)? as f64,
        busy: spent.program / time,
        others: spent.others / time,
    })
}
