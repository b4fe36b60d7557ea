//! The same over TLS.

use std::sync::Arc;

use streamsum::client::{Config, Event, Failure, Origin};
use streamsum::proto::Framing;
use streamsum::tls::Trust;
use testkit::cases::repository;
use testkit::content::content;
use testkit::store::serve::Serving;
use testkit::store::{Act, Answer as Scripted, End, Framing as Framed, Rule, Store, Then};

use super::outgoing::{Loop, origin, put};

fn serve(store: &Store) -> Serving {
    let file = |name| repository().join("src/tls/tests").join(name);
    let config = testkit::tls::server_config(&file("server.pem"), &file("server.key"));
    let config = config.expect("a certificate and a key");
    Serving::layered(store, "127.0.0.1:0", move |stream| testkit::tls::layer(&config, stream))
}

fn trust() -> Trust {
    let path = repository().join("src/tls/tests/ca.pem");
    Trust::authorities(&std::fs::read(path).expect("a file")).expect("an authority")
}

fn secured(config: Config) -> Loop {
    Loop::new(config, |dialer| dialer.with_tls(trust()))
}

#[test]
fn content_goes_on_over_tls_on_one_connection() {
    let serving = serve(&Store::plain());
    let origin = origin("https", &serving);
    let mut own = secured(Config::default());
    let content = content(3_000_000, 1);
    for (path, framing) in [("/a", Framing::Length(content.len() as u64)), ("/b", Framing::Chunked)]
    {
        let request = put(&origin, path).content(framing);
        let id = own.client.start(&origin, request).expect("room");
        let Event::Answered(answer) = own.stream(id, &content) else { panic!("no answer") };
        assert_eq!(answer.status(), 200, "{path}");
        let object = serving.store().object("", &path[1..]).expect("it is kept");
        assert!(object.content.as_deref() == Some(&content), "{path}");
    }
    // Tickets that came meanwhile have not looked like an answer.
    assert_eq!(serving.store().log().connections.len(), 1);
}

#[test]
fn who_is_not_trusted_gets_nothing_and_is_named() {
    let serving = serve(&Store::plain());
    let url = format!("https://localhost:{}", serving.address().port());
    let origin: Arc<Origin> = Arc::new(url.parse().expect("an origin"));
    let path = repository().join("src/tls/tests/server.pem");
    let other = Trust::authorities(&std::fs::read(path).expect("a file")).expect("a certificate");
    let mut own = Loop::new(Config::default().tries(1), |dialer| dialer.with_tls(other));
    let id = own.client.start_whole(&origin, put(&origin, "/a"), *b"abc").expect("room");
    let Failure::Connect(cause) = own.failure(id) else { panic!("another failure") };
    assert!(cause.to_string().contains("certificate"), "{cause}");
    assert!(serving.store().log().requests.is_empty());
}

#[test]
fn https_without_anybody_to_trust_is_refused() {
    let serving = serve(&Store::plain());
    let origin = origin("https", &serving);
    let mut own = Loop::new(Config::default().tries(1), |dialer| dialer);
    let id = own.client.start_whole(&origin, put(&origin, "/a"), *b"abc").expect("room");
    assert!(matches!(own.failure(id), Failure::Connect(_)));
}

#[test]
fn a_refusal_amid_content_is_heard_over_tls() {
    let serving = serve(&Store::plain());
    let refusal = Scripted::error("EntityTooLarge");
    let act = Act::AnswerInContent { after: 10, answer: refusal, then: Then::ReadOn };
    serving.store().script(Rule::always(act));
    serving.store().script(Rule::always(Act::StopReading { after: 10, time: None }));
    let origin = origin("https", &serving);
    let mut own = secured(Config::default());
    let content = content(20_000_000, 1);
    let request = put(&origin, "/a").content(Framing::Length(content.len() as u64));
    let id = own.client.start(&origin, request).expect("room");
    let Event::Answered(answer) = own.stream(id, &content) else { panic!("no answer") };
    assert_eq!((answer.status(), answer.is_early()), (400, true));
}

/// An end that was said (`close_notify`) completes an answer that goes to the end of its
/// connection; one that was not does not.
#[test]
fn content_to_the_end_is_complete_if_the_end_was_said() {
    for (end, is_complete) in [(End::Fin, true), (End::Reset, false)] {
        let store = Store::plain();
        store.script(Rule::always(Act::Framed(Framed::ToEnd)));
        store.script(Rule::always(Act::Close(end)));
        let serving = serve(&store);
        let origin = origin("https", &serving);
        let mut own = secured(Config::default().tries(1));
        let id = own.client.start_whole(&origin, put(&origin, "/a"), *b"abc").expect("room");
        match own.event(id) {
            Event::Answered(answer) => assert!(is_complete, "{answer:?}"),
            other => assert!(!is_complete, "{other:?}"),
        }
    }
}
