//! What open connections cost those that are at work.

use crate::clock::Account;
use crate::contestant::Contestant;
use crate::cores::Cores;
use crate::crowd::gather;
use crate::loader::{Failure, Loader};
use crate::plan::Plan;
use crate::server::Server;
use crate::workload::{Crowd, Growth, Pose};

use super::PATIENCE;

/// What one measurement found: requests a second beside few and many idle connections,
/// of the same server.
#[derive(Clone, Copy, Debug)]
pub struct Grown {
    pub beside_few: f64,
    pub beside_many: f64,
    /// CPU seconds that neither server nor loader had, in a second of both.
    pub others: f64,
}

impl Grown {
    /// What is left of the throughput.
    pub fn kept(&self) -> f64 {
        self.beside_many / self.beside_few
    }
}

/// Carries out a plan, which is that of the growth, twice.
///
/// # Errors
///
/// When the server does not do all of it, or does not keep the idle connections.
pub fn measure(
    contestant: &Contestant,
    growth: &Growth,
    plan: &Plan,
    cores: &Cores,
) -> Result<Grown, Failure> {
    let server = Server::start(contestant, cores)?;
    let (mut others, mut seconds) = (0.0, 0.0);
    let mut rate = || -> Result<f64, Failure> {
        let loader = Loader::connect(plan, server.address, server.digests)?;
        let before = Account::of(server.id())?;
        let done = loader.run(PATIENCE)?;
        others += Account::of(server.id())?.since(&before).others;
        seconds += done.time.as_secs_f64();
        Ok(done.answers as f64 / done.time.as_secs_f64())
    };
    let idle = |connections| gather(Crowd { connections, pose: Pose::Idle }, &server);
    let few = idle(growth.few)?;
    let beside_few = rate()?;
    let more = idle(growth.many - growth.few)?;
    let beside_many = rate()?;
    few.check()?;
    more.check()?;
    Ok(Grown { beside_few, beside_many, others: others / seconds })
}
