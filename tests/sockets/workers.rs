//! One server on several threads: who gets a connection, limits for all together, and the end.

use std::io;
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use streamsum::engine::{Config, Timeouts};
use streamsum::handler::{Finished, Handler, Piece, Reply, Request, UploadId, Verdict};
use streamsum::proto::{Limits, Response};
use streamsum::resident::Pair;
use streamsum::run::{Handle, Runner};
use streamsum::server::Listener;
use streamsum::thread::{Spawned, spawn_workers};
use testkit::client::{Address, Client, PATIENCE, put};
use testkit::random::Random;
use testkit::scratch::Folder;

/// Tells which worker has which request; answers at once, or when it is told to.
struct Telling {
    worker: usize,
    tell: Sender<(usize, UploadId)>,
}

impl Handler for Telling {
    type Upload = bool;

    fn begin(&mut self, request: Request<'_>) -> Verdict<bool> {
        let target = request.head().target();
        assert_ne!(target, "/panic", "as it was asked for");
        let _ = self.tell.send((self.worker, request.id()));
        Verdict::Take(target == "/later")
    }

    fn consume(&mut self, _: &mut [Piece<bool>]) {}

    fn finish(&mut self, message: Finished<'_>, is_late: bool) -> Reply {
        if is_late {
            return Reply::Later;
        }
        Reply::Now(Response::text(200, format!("{} bytes", message.received())))
    }
}

/// Where thousands of connections leave no port taken.
fn listen() -> (Folder, Address, Listener) {
    let folder = Folder::make();
    let path = folder.place("sock");
    let listener = UnixListener::bind(&path).expect("a Unix socket");
    (folder, Address::Unix(path), listener.into())
}

struct Workers {
    server: Spawned,
    address: Address,
    _folder: Folder,
    begun: Receiver<(usize, UploadId)>,
}

fn workers(count: usize, config: Config) -> Workers {
    let (folder, address, listener) = listen();
    let (tell, begun) = mpsc::channel();
    let server = spawn_workers([listener], config, count, 0, |runner| {
        Ok(Pair::alone(Telling { worker: runner.number(), tell: tell.clone() }))
    });
    Workers { server: server.expect("a server"), address, _folder: folder, begun }
}

impl Workers {
    fn handle(&self) -> Handle {
        self.server.handle()
    }

    /// A client that has sent a request but for its last byte.
    fn begin(&self, target: &str) -> Client {
        let mut client = self.address.connect();
        let head = format!("PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
        client.send(head.as_bytes());
        client
    }

    /// Likewise, once a worker has begun it.
    #[track_caller]
    fn begin_one(&self, target: &str) -> (Client, usize, UploadId) {
        let client = self.begin(target);
        let (worker, id) = self.placed();
        (client, worker, id)
    }

    /// The worker that has begun a request.
    #[track_caller]
    fn placed(&self) -> (usize, UploadId) {
        self.begun.recv_timeout(PATIENCE).expect("a request begins")
    }

    fn end(self) {
        self.server.drain();
        self.server.join().expect("a good end");
    }
}

/// Looks at what the workers say until it is so.
fn until(handle: &Handle, mut holds: impl FnMut(&Handle) -> bool) {
    while !holds(handle) {
        let (tell, told) = mpsc::channel();
        handle.inspect(move |_| {
            let _ = tell.send(());
        });
        told.recv_timeout(PATIENCE).expect("they tell");
    }
}

fn finish(client: &mut Client) {
    client.send(b"c");
    let answer = client.answer();
    assert_eq!((answer.status, answer.content.as_str()), (200, "3 bytes"));
}

#[track_caller]
fn assert_even(busy: &[usize]) {
    let (least, most) = (busy.iter().min(), busy.iter().max());
    assert!(most.unwrap() - least.unwrap() <= 1, "{busy:?}");
}

#[test]
fn a_connection_goes_where_the_fewest_uploads_are() {
    let mut random = Random::new(7);
    for count in [2, 3] {
        let workers = workers(count, Config::default());
        for run in 0..500 {
            let mut busy = vec![0; count];
            let mut clients = Vec::new();
            let uploads = 2 + random.below(8);
            for _ in 0..uploads {
                clients.push(workers.begin("/"));
                // Every other time the next one comes before this one has begun.
                if run % 2 == 0 {
                    busy[workers.placed().0] += 1;
                    assert_even(&busy);
                }
            }
            if run % 2 == 1 {
                (0..uploads).for_each(|_| busy[workers.placed().0] += 1);
                assert_even(&busy);
            }
            clients.iter_mut().for_each(finish);
            drop(clients);
            until(&workers.handle(), |handle| handle.connections() == 0);
        }
        workers.end();
    }
}

#[test]
fn connections_without_an_upload_weigh_nothing() {
    let workers = workers(2, Config::default());
    let mut idle = [(); 4].map(|()| workers.begin_one("/"));
    idle.iter_mut().for_each(|(client, ..)| finish(client));
    assert_eq!(idle.each_ref().map(|(_, worker, _)| *worker), [0, 1, 0, 1]);
    until(&workers.handle(), |handle| handle.stats().answers == 4);
    // Both of the first worker begin again, and two that are new go to the second.
    for (client, worker, _) in idle.iter_mut().filter(|(_, worker, _)| *worker == 0) {
        client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
        assert_eq!(workers.placed().0, *worker);
    }
    let new = [(); 2].map(|()| workers.begin_one("/"));
    assert_eq!(new.map(|(_, worker, _)| worker), [1, 1]);
    workers.server.stop();
    workers.end();
}

#[test]
fn limit_of_connections_is_for_all_together() {
    let workers = workers(2, Config::default().connections(5));
    let mut clients: Vec<_> = (0..5).map(|_| workers.begin("/")).collect();
    let mut busy = [0; 2];
    clients.iter().for_each(|_| busy[workers.placed().0] += 1);
    assert_eq!(busy, [3, 2]);
    let mut waiting = workers.begin("/");
    let handle = workers.handle();
    until(&handle, |handle| handle.connections() == 5);
    // Whoever leaves makes room, on either worker.
    let mut served = Vec::new();
    for mut client in clients.drain(..) {
        finish(&mut client);
        drop(client);
        workers.placed();
        finish(&mut waiting);
        served.push(waiting);
        waiting = workers.begin("/");
    }
    workers.server.stop();
    workers.end();
}

#[test]
fn idle_connections_give_way_on_any_worker() {
    let workers = workers(2, Config::default().connections(4));
    let mut idle = [(); 4].map(|()| workers.begin("/"));
    idle.iter_mut().for_each(finish);
    idle.iter().for_each(|_| assert!(workers.placed().0 < 2));
    // Those who come have all four places in the end, of whichever worker; none of them is idle
    // before, or it might be the one that gives way.
    let mut clients = [(); 4].map(|()| workers.begin("/"));
    clients.iter().for_each(|_| assert!(workers.placed().0 < 2));
    clients.iter_mut().for_each(finish);
    for client in &mut idle {
        client.ends();
    }
    assert_eq!(workers.server.stats().displaced, 4);
    workers.end();
}

/// Two workers with two places each, whose refused clients linger until they leave.
fn refusing() -> Workers {
    let minute = Duration::from_secs(60);
    let timeouts = Timeouts::default().linger(minute).linger_silence(minute);
    let limits = Limits::default().body(10);
    workers(2, Config::default().connections(4).limits(limits).timeouts(timeouts))
}

/// A client that was refused, and holds its place without a request.
fn linger(workers: &Workers) -> (Client, usize) {
    let mut client = workers.address.connect();
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
    let (worker, _) = workers.placed();
    assert_eq!(client.answer().status, 413);
    (client, worker)
}

#[test]
fn newcomer_for_whom_nobody_gives_way_gets_the_next_place_of_any_worker() {
    let workers = refusing();
    let mut uploads: Vec<_> = (0..3).map(|_| workers.begin_one("/")).collect();
    assert_eq!(uploads.iter().map(|(_, worker, _)| *worker).collect::<Vec<_>>(), [0, 1, 0]);
    let (_lingering, worker) = linger(&workers);
    assert_eq!(worker, 1, "which has one that may give way, as it seems");
    let mut newcomer = workers.begin("/");
    until(&workers.handle(), |handle| handle.connections() == 5);
    let (mut first, ..) = uploads.remove(0);
    finish(&mut first);
    drop(first);
    assert_eq!(workers.placed().0, 0);
    finish(&mut newcomer);
    workers.server.stop();
    workers.end();
}

// covers: 28.7
#[test]
fn worker_with_an_idle_connection_is_asked_when_another_cannot_give_way() {
    let workers = refusing();
    let (_lingering, first) = linger(&workers);
    let (_upload, second, _) = workers.begin_one("/");
    let (_another, third) = linger(&workers);
    let (mut idle, fourth, _) = workers.begin_one("/");
    assert_eq!([first, second, third, fourth], [0, 1, 0, 1]);
    finish(&mut idle);
    let mut newcomer = workers.begin("/");
    assert_eq!(workers.placed().0, 1);
    idle.ends();
    finish(&mut newcomer);
    assert_eq!(workers.server.stats().displaced, 1);
    workers.server.stop();
    workers.end();
}

#[test]
fn newcomer_without_a_place_keeps_no_drain_waiting() {
    let workers = refusing();
    let mut uploads: Vec<_> = (0..3).map(|_| workers.begin_one("/")).collect();
    let (lingering, _) = linger(&workers);
    let mut newcomer = workers.begin("/");
    until(&workers.handle(), |handle| handle.connections() == 5);
    workers.server.drain();
    // As whoever waits in a backlog is: it has sent what nobody has read.
    let wrong = newcomer.try_to_end().expect_err("a reset");
    assert_eq!(wrong.kind(), io::ErrorKind::ConnectionReset);
    drop(lingering);
    uploads.drain(..).for_each(|(mut client, ..)| finish(&mut client));
    workers.end();
}

#[test]
fn counters_of_all_add_up() {
    let workers = workers(3, Config::default());
    let mut clients = [(); 6].map(|()| workers.begin("/"));
    clients.iter_mut().for_each(finish);
    until(&workers.handle(), |handle| handle.stats().answers == 6);
    let stats = workers.server.stats();
    assert_eq!((stats.connections, stats.requests), (6, 6));
    workers.end();
}

#[test]
fn drain_finishes_the_uploads_of_all() {
    let workers = workers(2, Config::default());
    let mut clients = [(); 4].map(|()| workers.begin("/"));
    let mut busy = [0; 2];
    clients.iter().for_each(|_| busy[workers.placed().0] += 1);
    assert_eq!(busy, [2, 2]);
    workers.server.drain();
    for client in &mut clients {
        finish(client);
        client.ends();
    }
    drop(clients);
    workers.end();
}

#[test]
fn stop_ends_all() {
    let workers = workers(3, Config::default());
    let mut clients = [(); 3].map(|()| workers.begin("/"));
    clients.iter().for_each(|_| assert!(workers.placed().0 < 3));
    workers.server.stop();
    clients.iter_mut().for_each(Client::ends);
    workers.end();
}

/// The system has accepted them, and nobody else has.
#[test]
fn drain_serves_those_in_the_backlog_on_any_worker() {
    let mut group = Runner::group(Config::default().connections(4), 2, 0).expect("two loops");
    let (_folder, address, listener) = listen();
    group[0].server_mut().listen(listener).expect("a listener");
    let mut clients = [(); 4].map(|()| address.connect());
    for client in &mut clients {
        client.send(&put(b"abc"));
    }
    group[0].handle().drain();
    let (tell, begun) = mpsc::channel();
    let threads: Vec<_> = group
        .into_iter()
        .map(|runner| {
            let mut part = Pair::alone(Telling { worker: runner.number(), tell: tell.clone() });
            std::thread::spawn(move || runner.run(&mut part))
        })
        .collect();
    for client in &mut clients {
        assert_eq!(client.answer().content, "3 bytes");
        client.ends();
    }
    drop(clients);
    for thread in threads {
        thread.join().expect("no panic").expect("a good end");
    }
    drop(tell);
    let mut busy = [0; 2];
    begun.iter().for_each(|(worker, _)| busy[worker] += 1);
    assert_eq!(busy, [2, 2]);
}

#[test]
fn answers_find_their_worker_while_it_drains_and_not_when_it_is_gone() {
    let workers = workers(2, Config::default());
    let handle = workers.handle();
    let mut begun = [(); 2].map(|()| workers.begin_one("/later"));
    assert_eq!(begun.each_ref().map(|(_, worker, _)| *worker), [0, 1]);
    begun.iter_mut().for_each(|(client, ..)| client.send(b"c"));
    workers.server.drain();
    // The second worker ends first, and then the one that accepts.
    for (left, (mut client, _, id)) in begun.into_iter().enumerate().rev() {
        // It has not begun to wait if its last byte has not come; but then it is answered, too.
        assert!(handle.answer(id, Response::text(202, format!("by {left}"))));
        let answer = client.answer();
        assert_eq!((answer.status, answer.content), (202, format!("by {left}")));
        drop(client);
        until(&handle, |handle| handle.running() == left);
        assert!(!handle.answer(id, Response::text(500, "it is gone")));
        assert!(!handle.resume(id));
    }
    workers.end();
}

#[test]
fn panic_of_a_worker_drains_the_others_and_is_joined() {
    for asked in [0, 1] {
        let workers = workers(2, Config::default());
        let begun = [(); 2].map(|()| workers.begin_one("/"));
        let mut clients = begun.map(|(client, ..)| client);
        finish(&mut clients[asked]);
        clients[asked].send(b"GET /panic HTTP/1.1\r\nHost: x\r\n\r\n");
        clients[asked].ends();
        until(&workers.handle(), |handle| handle.running() == 1);
        finish(&mut clients[1 - asked]);
        clients[1 - asked].ends();
        drop(clients);
        let joined = catch_unwind(AssertUnwindSafe(|| workers.server.join()));
        let panic = joined.expect_err("a panic");
        let words = panic.downcast_ref::<String>().expect("words");
        assert!(words.contains("as it was asked for"), "{words}");
    }
}

#[test]
fn settings_have_to_be_enough_for_each() {
    let group = |workers, config| Runner::<()>::group(config, workers, 0).map(|group| group.len());
    let kind = |group: io::Result<usize>| group.map_err(|error| error.kind());
    assert_eq!(kind(group(0, Config::default())), Err(io::ErrorKind::InvalidInput));
    let few = Config::default().connections(3);
    assert_eq!(kind(group(3, few.clone())), Ok(3));
    assert_eq!(kind(group(4, few)), Err(io::ErrorKind::InvalidInput));
    let least = Config::default().least_held();
    let config = |held| Config::default().max_held(held);
    assert_eq!(kind(group(2, config(2 * least))), Ok(2));
    assert_eq!(kind(group(2, config(2 * least - 1))), Err(io::ErrorKind::InvalidInput));
}
