//! hyper's reading of a client's bytes, over a connection in memory: no sockets, no
//! threads, no timers.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ::hyper::body::{Bytes, Incoming};
use ::hyper::rt::{Read, ReadBufCursor, Write};
use ::hyper::server::conn::http1;
use ::hyper::service::service_fn;
use ::hyper::{Request, Response};
use http_body_util::{BodyExt, Full};

use super::{Message, Outcome};

/// The messages that were read to their ends, and what came then.
pub(super) struct Reading {
    messages: Vec<Message>,
    last: Outcome,
}

impl Reading {
    pub(super) fn get(&self, at: usize) -> Outcome {
        self.messages.get(at).map_or_else(|| self.last.clone(), |took| Outcome::Took(took.clone()))
    }
}

/// The client: all its bytes are there at once; the end of its stream comes when hyper has
/// done all it can with them, for it takes an earlier end for a client that has gone away.
struct Client<'i> {
    bytes: &'i [u8],
    ended: Rc<Cell<bool>>,
}

impl Read for Client<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() && !self.ended.get() {
            return Poll::Pending;
        }
        let (now, later) = self.bytes.split_at(buffer.remaining().min(self.bytes.len()));
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// It reads all answers, and forgets them.
impl Write for Client<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the service saw; a message is taken off `begun` when it has ended.
#[derive(Default)]
struct Seen {
    begun: bool,
    messages: Vec<Message>,
}

pub(super) fn read(data: &[u8]) -> Reading {
    let seen = RefCell::new(Seen::default());
    let ended = Rc::new(Cell::new(false));
    let client = Client { bytes: data, ended: Rc::clone(&ended) };
    let service = service_fn(|request| answer(request, &seen));
    let mut connection =
        pin!(http1::Builder::new().pipeline_flush(true).serve_connection(client, service));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let result = loop {
        match connection.as_mut().poll(&mut context) {
            Poll::Ready(result) => break result,
            Poll::Pending if woken.0.swap(false, Ordering::Relaxed) => {}
            Poll::Pending => assert!(!ended.replace(true), "hyper waits behind the end"),
        }
    };
    let Seen { begun, messages } = seen.take();
    let last = if begun || result.is_err() { Outcome::Refused(None) } else { Outcome::Ended };
    Reading { messages, last }
}

async fn answer(
    request: Request<Incoming>,
    seen: &RefCell<Seen>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    seen.borrow_mut().begun = true;
    let method = request.method().as_str().to_owned();
    let target = request.uri().to_string();
    let mut content = Vec::new();
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => content.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Err(_) => return Ok(Response::new(Full::default())),
        }
    }
    let text = content.len().to_string();
    let mut seen = seen.borrow_mut();
    seen.begun = false;
    seen.messages.push(Message { method, target, content });
    Ok(Response::new(Full::from(text)))
}
