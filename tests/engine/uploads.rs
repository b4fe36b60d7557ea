//! What an engine shows of the requests that are under way.

use std::time::Duration;

use super::{put, recording};
use streamsum::engine::{Config, Phase, Underway};
use streamsum::handler::PeerAddr;
use testkit::sim::{Driver, Recorder};

/// Targets are kept, so that the requests can be told apart.
fn watched() -> Driver<Recorder> {
    recording(Config::default().kept_target(16))
}

fn head(target: &str, length: usize) -> String {
    format!("PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
}

/// Target, phase, bytes received and length of all uploads, by their targets.
fn uploads(driver: &Driver<Recorder>) -> Vec<(&str, Phase, u64, Option<u64>)> {
    let mut all: Vec<_> = driver
        .engine
        .uploads()
        .map(|upload| {
            let target = upload.target.expect("it is kept");
            assert_eq!(upload.id, driver.handler.id(target));
            (target, upload.phase, upload.received, upload.length)
        })
        .collect();
    all.sort_by_key(|(target, ..)| *target);
    all
}

/// The only upload there is.
fn only(driver: &Driver<Recorder>) -> Underway<'_> {
    let mut all = driver.engine.uploads();
    let first = all.next().expect("one that is under way");
    assert!(all.next().is_none(), "one alone");
    first
}

#[test]
fn uploads_are_listed_with_their_phases_and_what_the_handler_has_of_them() {
    let mut driver = watched();
    let [receiving, paused, waiting, late, short] = [(); 5].map(|()| driver.connect());
    driver.handler.bits = [4].into();
    driver.send(&receiving, head("/a", 9) + "abc");
    driver.send(&paused, head("/bits", 20) + "0123456789");
    driver.send(&waiting, put("/wait", "abcdef"));
    driver.send(&late, put("/late", "abc"));
    driver.send(&short, "GET /late0 HTTP/1.1\r\nHost: x\r\n\r\n");
    let expected = [
        ("/a", Phase::Receiving, 3, Some(9)),
        ("/bits", Phase::Paused, 4, Some(20)),
        ("/late", Phase::AwaitsAnswer, 3, Some(3)),
        ("/late0", Phase::AwaitsAnswer, 0, Some(0)),
        ("/wait", Phase::AwaitsVerdict, 0, Some(6)),
    ];
    assert_eq!(uploads(&driver), expected);
}

#[test]
fn upload_goes_from_phase_to_phase_and_is_gone_with_its_answer() {
    let mut driver = watched();
    let client = driver.connect();
    driver.send(&client, "PUT /wa");
    assert_eq!(driver.engine.uploads().count(), 0, "its head is not complete");
    let chunked = "it HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    driver.send(&client, chunked);
    assert_eq!(uploads(&driver), [("/wait", Phase::AwaitsVerdict, 0, None)]);
    let id = only(&driver).id;
    assert!(driver.engine.resume(id));
    driver.settle();
    assert_eq!(uploads(&driver), [("/wait", Phase::Receiving, 3, None)]);
    driver.send(&client, "2\r\nde\r\n");
    assert_eq!(uploads(&driver), [("/wait", Phase::Receiving, 5, None)]);
    driver.send(&client, "0\r\n\r\n");
    assert!(!client.take_output().is_empty());
    assert_eq!(driver.engine.uploads().count(), 0, "it was answered");
}

#[test]
fn peers_without_a_request_are_not_listed() {
    let mut driver = watched();
    let [silent, idle, refused, broken] = [(); 4].map(|()| driver.connect());
    driver.send(&idle, put("/a", "abc"));
    driver.send(&refused, put("/refuse", "abc"));
    assert_eq!(driver.engine.lingering(), 1);
    driver.send(&broken, head("/b", 9));
    assert_eq!(driver.engine.uploads().count(), 1);
    broken.reset();
    driver.settle();
    assert_eq!((driver.engine.connections(), driver.engine.uploads().count()), (3, 0));
    drop(silent);
}

#[test]
fn upload_shows_who_sends_what_for_how_long() {
    let mut driver = watched();
    let address = PeerAddr::Tcp("192.0.2.1:7".parse().unwrap());
    let client = driver.connect_from(address);
    driver.advance_secs(2.0);
    driver.send(&client, head("/a-long-long-target", 9));
    let upload = only(&driver);
    assert_eq!((upload.peer, upload.method), (address, Some("PUT")));
    assert_eq!((upload.target, upload.duration), (Some("/a-long-long-tar"), Duration::ZERO));
    driver.advance_secs(3.5);
    driver.send(&client, "abc");
    let upload = only(&driver);
    assert_eq!((upload.received, upload.duration), (3, Duration::from_millis(3_500)));
}

#[test]
fn upload_shows_no_target_unless_it_is_kept() {
    let mut driver = recording(Config::default());
    let client = driver.connect();
    driver.send(&client, head("/a", 9) + "abc");
    let upload = only(&driver);
    assert_eq!((upload.method, upload.target, upload.received), (None, None, 3));
}
