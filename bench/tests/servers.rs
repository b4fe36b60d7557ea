//! The servers of this package do the works of the race, in small.

use std::path::Path;
use std::time::Duration;

use streamsum_bench::build;
use streamsum_bench::contestant::{Contestant, Digests, Role};
use streamsum_bench::cores::Cores;
use streamsum_bench::loader::{Failure, Loader};
use streamsum_bench::measure::latency::Rates;
use streamsum_bench::measure::{growth, latency, memory, start, throughput};
use streamsum_bench::offline::Offline;
use streamsum_bench::plan::Plan;
use streamsum_bench::request::Chunks;
use streamsum_bench::server::Server;
use streamsum_bench::workload::{Crowd, Flow, Growth, Load, Pace, Pose, Traffic};

const PATIENCE: Duration = Duration::from_secs(30);

/// What every server can do.
fn plans() -> Vec<Plan> {
    let time = Duration::from_millis(20);
    vec![
        Plan::uploads(1, 1_000_003, None),
        Plan::uploads(5, 2 << 20, None),
        Plan::uploads(3, 1 << 20, Some(Chunks::Large)),
        Plan::uploads(3, 1 << 20, Some(Chunks::Small)),
        Plan::requests(8, 1000, 1, time),
        Plan::requests(8, 1000, 16, time),
    ]
}

/// What rulers cannot do.
fn expecting() -> Plan {
    Plan::expecting(8, 1000, Duration::from_millis(20))
}

fn serve(
    cores: &Cores,
    command: &[&str],
    digests: Digests,
    plans: impl IntoIterator<Item = Plan>,
) -> Result<(), Failure> {
    let contestant = Contestant { digests, ..Contestant::new("it", command) };
    for plan in plans {
        let server = Server::start(&contestant, cores)?;
        let done = Loader::connect(&plan, server.address, digests)?.run(PATIENCE)?;
        assert!(done.answers >= plan.connections as u64);
        assert_eq!(
            done.content / done.answers,
            plan.bursts[0].content / plan.bursts[0].digests.len() as u64
        );
    }
    Ok(())
}

/// All kinds of measurements but that of throughput.
fn measure(cores: &Cores, contestant: &Contestant) -> Result<(), Failure> {
    let time = Duration::from_millis(50);
    let requests = Plan::requests(8, 1000, 1, time);
    let flow = Flow { uploads: 3, bytes: 200_000, share: 0.1 };
    for beside in [None, Some(flow)] {
        let pace = Pace { connections: 8, bytes: 1000, share: 0.5, time, beside };
        let due = Rates { requests: 1000.0, bytes: 2e7 };
        let found = latency::measure(contestant, &latency::plans(&pace), due, time, cores)?;
        assert_eq!(found.histogram.len(), 50);
        assert_eq!(found.done.bytes > 0.0, beside.is_some());
    }
    for pose in [Pose::Held, Pose::Idle] {
        let found = memory::measure(contestant, Crowd { connections: 300, pose }, cores)?;
        assert!(found.each < found.whole, "{found:?}");
    }
    let traffic = Traffic::Requests { connections: 8, bytes: 1000, depth: 1, time };
    let grown = Growth { traffic, few: 10, many: 100 };
    assert!(growth::measure(contestant, &grown, &requests, cores)?.kept() > 0.0);
    assert!(start::measure(contestant, cores)?.program > 1000.0);
    Ok(())
}

/// Has it keep uploads, all of which are then looked at.
fn keep(cores: &Cores, contestant: &Contestant) -> Result<(), Failure> {
    for (count, bytes) in [(1, 1_000_003), (5, 2 << 20)] {
        let traffic = Traffic::Uploads { count, bytes, chunks: None };
        let load = Load { traffic, beside: None, is_kept: true };
        let found = throughput::measure(contestant, &load, &traffic.plan(), cores)?;
        assert!(found.cost > 0.0, "{found:?}");
    }
    Ok(())
}

#[test]
fn hyper() {
    let cores = Cores::find().unwrap();
    for (runtime, hash) in
        [("current-thread", "md-5"), ("multi-thread", "md-5"), ("current-thread", "own-hash")]
    {
        let command = [env!("CARGO_BIN_EXE_hyper"), runtime, hash, "{addr}"];
        serve(&cores, &command, Digests::True, plans().into_iter().chain([expecting()])).unwrap();
        measure(&cores, &Contestant::new("it", &command)).unwrap();
    }
}

#[test]
fn actix() {
    let cores = Cores::find().unwrap();
    let command = [env!("CARGO_BIN_EXE_actix"), "{addr}"];
    serve(&cores, &command, Digests::True, plans().into_iter().chain([expecting()])).unwrap();
    measure(&cores, &Contestant::new("it", &command)).unwrap();
}

#[test]
fn axum() {
    let cores = Cores::find().unwrap();
    for runtime in ["current-thread", "multi-thread"] {
        let command = [env!("CARGO_BIN_EXE_axum"), runtime, "{addr}", "{folder}"];
        keep(&cores, &Contestant::new("it", &command)).unwrap();
    }
}

#[test]
fn go() {
    let Some(program) = build::go(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap() else {
        println!("no Go toolchain: not tested");
        return;
    };
    let cores = Cores::find().unwrap();
    let command = [program.as_str(), "{addr}"];
    serve(&cores, &command, Digests::True, plans().into_iter().chain([expecting()])).unwrap();
    measure(&cores, &Contestant::new("it", &command)).unwrap();
    let command = [program.as_str(), "{addr}", "{folder}"];
    keep(&cores, &Contestant::new("it", &command)).unwrap();
}

#[test]
fn rulers() {
    let cores = Cores::find().unwrap();
    let zeros = Digests::Always([b'0'; 32]);
    serve(&cores, &[env!("CARGO_BIN_EXE_ruler"), "receive", "{addr}"], zeros, plans()).unwrap();
    let lanes = [env!("CARGO_BIN_EXE_ruler"), "lanes", "{addr}"];
    serve(&cores, &lanes, Digests::True, plans()).unwrap();
    measure(&cores, &Contestant::new("it", &lanes)).unwrap();
}

fn offline(bytes: &str) -> Contestant {
    let command = [env!("CARGO_BIN_EXE_offline"), "md5", "{uploads}", bytes];
    Contestant { role: Role::Offline, ..Contestant::new("it", &command) }
}

#[test]
fn a_ruler_that_only_hashes() {
    let cores = Cores::find().unwrap();
    for (count, bytes) in [(1, 1_000_003), (5, 2 << 20), (40, 0)] {
        let plan = Plan::uploads(count, bytes, None);
        let done = Offline::start(&offline("{bytes}"), &plan, &cores).unwrap().run().unwrap();
        assert_eq!((done.answers, done.content), (count as u64, count as u64 * bytes));
    }
}

#[test]
fn a_ruler_of_other_digests_answers_zeros() {
    let cores = Cores::find().unwrap();
    let plan = Plan::uploads(5, 2 << 20, None);
    let command = [env!("CARGO_BIN_EXE_offline"), "others", "{uploads}", "{bytes}"];
    let others = Contestant {
        role: Role::Offline,
        digests: Digests::Always([b'0'; 32]),
        ..Contestant::new("it", &command)
    };
    let done = Offline::start(&others, &plan, &cores).unwrap().run().unwrap();
    assert_eq!((done.answers, done.content), (5, 5 * (2 << 20)));
}

#[test]
fn a_ruler_that_only_writes() {
    let cores = Cores::find().unwrap();
    let command = [env!("CARGO_BIN_EXE_offline"), "write", "{uploads}", "{bytes}", "{folder}"];
    let writer = Contestant {
        role: Role::Offline,
        digests: Digests::Always([b'0'; 32]),
        ..Contestant::new("it", &command)
    };
    keep(&cores, &writer).unwrap();
}

#[test]
fn a_ruler_that_hashes_something_else_has_failed() {
    let cores = Cores::find().unwrap();
    let plan = Plan::uploads(2, 2000, None);
    let failure = Offline::start(&offline("1000"), &plan, &cores).unwrap().run().unwrap_err();
    assert!(matches!(failure, Failure::WrongDigest { .. }), "{failure:?}");
}

#[test]
fn a_ruler_without_a_hash_is_no_server() {
    let cores = Cores::find().unwrap();
    let failure =
        serve(&cores, &[env!("CARGO_BIN_EXE_ruler"), "receive", "{addr}"], Digests::True, plans());
    assert!(matches!(failure, Err(Failure::WrongDigest { .. })), "{failure:?}");
}

#[test]
fn a_server_that_keeps_nothing_has_failed() {
    let cores = Cores::find().unwrap();
    let command = [env!("CARGO_BIN_EXE_broken"), "honest", "{addr}", "{folder}"];
    let failure = keep(&cores, &Contestant::new("it", &command)).unwrap_err().to_string();
    assert!(failure.starts_with("not kept: upload-0: No such file"), "{failure}");
}

#[test]
fn what_does_not_start_has_failed() {
    let cores = Cores::find().unwrap();
    let failure =
        serve(&cores, &[env!("CARGO_BIN_EXE_ruler"), "nonsense", "{addr}"], Digests::True, plans());
    assert!(failure.unwrap_err().to_string().starts_with("did not start: exit status: 1"));
}
