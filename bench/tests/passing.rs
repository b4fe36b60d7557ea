//! Whoever passes uploads on does so with all of their content, and nothing else.

use std::collections::BTreeSet;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use streamsum::engine::Config;
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, Verdict};
use streamsum::md5::Md5;
use streamsum::proto::Response;
use streamsum::thread;
use streamsum_bench::build;
use streamsum_bench::contestant::{Contestant, Digests, Fate, Role, Sinks};
use streamsum_bench::cores::Cores;
use streamsum_bench::loader::{Done, Failure, Loader};
use streamsum_bench::measure::passing;
use streamsum_bench::plan::{Plan, Repeat};
use streamsum_bench::request::Chunks;
use streamsum_bench::server::Server;
use streamsum_bench::workload::Traffic;

const PATIENCE: Duration = Duration::from_secs(30);
const ZEROS: Digests = Digests::Always([b'0'; 32]);

/// What every one of them can do.
fn plans() -> Vec<Plan> {
    let time = Duration::from_millis(20);
    vec![
        Plan::uploads(1, 1_000_003, None),
        Plan::uploads(5, 2 << 20, None),
        // More than read at a time.
        Plan::uploads(70, 100_000, None),
        Plan::requests(8, 16 << 10, 1, time),
        Plan::requests(8, 1, 1, time),
        Plan::expecting(8, 1000, time),
    ]
}

/// What the rulers cannot do.
fn chunked() -> [Plan; 2] {
    [Chunks::Large, Chunks::Small].map(|chunks| Plan::uploads(3, 1 << 20, Some(chunks)))
}

/// Digests of what an origin got, with the paths of it.
type Got = Arc<Mutex<Vec<(String, String)>>>;

/// An origin that takes note of all it gets, and answers with something else.
struct Origin {
    got: Got,
    status: u16,
    /// Before it takes anything.
    pause: Duration,
}

impl Handler for Origin {
    type Upload = (String, Md5);

    fn begin(&mut self, request: Request<'_>) -> Verdict<Self::Upload> {
        assert_eq!(request.head().method(), "PUT");
        Verdict::Take((request.head().target().into(), Md5::new()))
    }

    fn consume(&mut self, pieces: &mut [Piece<Self::Upload>]) {
        sleep(self.pause);
        for piece in pieces {
            let ((_, md5), bytes) = piece.parts();
            md5.update(bytes);
        }
    }

    fn finish(&mut self, _: Finished<'_>, (path, md5): Self::Upload) -> Reply {
        self.got.lock().unwrap().push((path, md5.finish().to_string()));
        Reply::Now(Response::text(self.status, "taken"))
    }
}

/// Has a program pass on to such an origin what a plan sends.
fn race(
    cores: &Cores,
    contestant: &Contestant,
    plan: &Plan,
    status: u16,
    pause: Duration,
) -> (Result<Done, Failure>, Vec<(String, String)>) {
    let got = Got::default();
    let origin = Origin { got: Arc::clone(&got), status, pause };
    let origin = thread::spawn("127.0.0.1:0", Config::default(), origin).unwrap();
    let contestant = contestant.sending_to(&format!("http://{}", origin.address()));
    let server = Server::start(&contestant, cores).unwrap();
    let loader = Loader::connect(plan, server.address, contestant.digests).unwrap();
    let done = loader.run(PATIENCE);
    drop(server);
    origin.stop();
    origin.join().unwrap();
    let got = mem::take(&mut *got.lock().unwrap());
    (done, got)
}

fn pass_on(
    cores: &Cores,
    contestant: &Contestant,
    plans: impl IntoIterator<Item = Plan>,
    pause: Duration,
) {
    for plan in plans {
        let (done, got) = race(cores, contestant, &plan, 200, pause);
        let done = done.unwrap();
        assert_eq!(done.answers, got.len() as u64);
        let text = |digest: &[u8; 32]| String::from_utf8_lossy(digest).into_owned();
        let sent = plan.bursts.iter().flat_map(|burst| &burst.digests).map(text);
        let sent: BTreeSet<String> = sent.collect();
        assert!(got.iter().all(|(_, digest)| sent.contains(digest)), "{got:?}");
        let names = got.iter().map(|(path, _)| path).collect::<BTreeSet<_>>();
        assert!(names.iter().all(|name| name.starts_with("/upload-")), "{names:?}");
        if plan.repeat == Repeat::Once {
            assert_eq!(names.len(), plan.connections, "each under its own name");
            assert_eq!(
                got.iter().map(|(_, digest)| digest).collect::<BTreeSet<_>>().len(),
                sent.len()
            );
        }
    }
}

fn forward(kind: &str) -> Contestant {
    let command = [env!("CARGO_BIN_EXE_forward"), kind, "{addr}", "{origin}"];
    let digests = if kind == "plain" { ZEROS } else { Digests::True };
    Contestant { role: Role::Ruler, digests, ..Contestant::new("it", &command) }
}

#[test]
fn rulers() {
    let cores = Cores::find().unwrap();
    for kind in ["plain", "lanes"] {
        pass_on(&cores, &forward(kind), plans(), Duration::ZERO);
    }
}

#[test]
fn rulers_wait_for_an_origin_that_takes_its_time() {
    let cores = Cores::find().unwrap();
    for kind in ["plain", "lanes"] {
        // More than sockets hold, and sooner there than it is taken.
        let plans = [Plan::uploads(1, 20 << 20, None)];
        pass_on(&cores, &forward(kind), plans, Duration::from_millis(5));
    }
}

#[test]
fn hyper() {
    let command = [env!("CARGO_BIN_EXE_hyper_pass_on"), "{addr}", "{origin}"];
    let cores = Cores::find().unwrap();
    let contestant = Contestant::new("it", &command);
    pass_on(&cores, &contestant, plans().into_iter().chain(chunked()), Duration::ZERO);
}

#[test]
fn go() {
    let Some(program) = build::go(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap() else {
        println!("no Go toolchain: not tested");
        return;
    };
    let cores = Cores::find().unwrap();
    let contestant = Contestant::new("it", &[program.as_str(), "{addr}", "{origin}"]);
    pass_on(&cores, &contestant, plans().into_iter().chain(chunked()), Duration::ZERO);
}

#[test]
fn who_does_not_wait_for_the_origin_has_failed() {
    let cores = Cores::find().unwrap();
    let plan = Plan::uploads(2, 100_000, None);
    let hyper = [env!("CARGO_BIN_EXE_hyper_pass_on"), "{addr}", "{origin}"];
    for contestant in [forward("plain"), forward("lanes"), Contestant::new("it", &hyper)] {
        let (done, _) = race(&cores, &contestant, &plan, 503, Duration::ZERO);
        assert!(matches!(done, Err(Failure::Status(502))), "{done:?}");
    }
}

#[test]
fn what_the_sink_costs_is_counted_beside() {
    let cores = Cores::find().unwrap();
    let sinks = Sinks::new(env!("CARGO_BIN_EXE_sink"));
    let hyper = [env!("CARGO_BIN_EXE_hyper_pass_on"), "{addr}", "{origin}"];
    for (contestant, chunks) in
        [(forward("lanes"), None), (Contestant::new("it", &hyper), Some(Chunks::Large))]
    {
        let traffic = Traffic::Uploads { count: 5, bytes: 2 << 20, chunks };
        let found = passing::measure(&contestant, traffic, &traffic.plan(), &sinks, &cores);
        let found = found.unwrap().0;
        assert!(found.cost > 0.0 && found.sink_cost > 0.0, "{found:?}");
    }
}

#[test]
fn a_ruler_that_only_encrypts() {
    let cores = Cores::find().unwrap();
    let files = ["ca.pem", "server.pem", "server.key"]
        .map(|name| format!("{}/../src/tls/tests/{name}", env!("CARGO_MANIFEST_DIR")));
    let files = files.each_ref().map(String::as_str);
    let command = [&[env!("CARGO_BIN_EXE_offline"), "tls", "{uploads}", "{bytes}"], &files[..]];
    let ruler = Contestant {
        role: Role::Offline,
        fate: Fate::PassedOnByTls,
        digests: ZEROS,
        ..Contestant::new("it", &command.concat())
    };
    let traffic = Traffic::Uploads { count: 5, bytes: 2 << 20, chunks: None };
    let sinks = Sinks::new("nobody");
    let found = passing::measure(&ruler, traffic, &traffic.plan(), &sinks, &cores).unwrap().0;
    assert!(found.cost > 0.0 && found.sink_cost == 0.0, "{found:?}");
}
