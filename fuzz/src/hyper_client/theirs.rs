//! hyper's reading of a server's bytes, over a connection in memory: no sockets, no threads, no
//! timers.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ::hyper::body::{Bytes, Incoming};
use ::hyper::client::conn::http1;
use ::hyper::http::Version;
use ::hyper::rt::{Read, ReadBufCursor, Write};
use ::hyper::{Request, Response};
use http_body_util::{BodyExt, Full};

use super::{Answer, Asked, Outcome, sorted};

/// The server: all its bytes are there once it has read something; the end of the connection
/// comes when hyper has done all it can with them.
struct Server<'i> {
    bytes: &'i [u8],
    was_asked: bool,
    ended: Rc<Cell<bool>>,
    reader: RefCell<Option<Waker>>,
}

impl Read for Server<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.was_asked || (self.bytes.is_empty() && !self.ended.get()) {
            *self.reader.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let (now, later) = self.bytes.split_at(buffer.remaining().min(self.bytes.len()));
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// It reads all requests, and forgets them.
impl Write for Server<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.was_asked = true;
        self.reader.take().iter().for_each(Waker::wake_by_ref);
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

pub(super) fn read(asked: Asked, data: &[u8]) -> Outcome {
    let ended = Rc::new(Cell::new(false));
    let server = Server {
        bytes: data,
        was_asked: false,
        ended: Rc::clone(&ended),
        reader: RefCell::new(None),
    };
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let Poll::Ready(Ok((mut sender, connection))) =
        pin!(http1::handshake(server)).poll(&mut context)
    else {
        unreachable!("nothing is exchanged in a handshake")
    };
    let mut connection = pin!(connection);
    let response = sender.send_request(request(asked));
    let mut exchange = pin!(exchange(response));
    let mut outcome = None;
    let mut is_open = true;
    loop {
        if outcome.is_none()
            && let Poll::Ready(answer) = exchange.as_mut().poll(&mut context)
        {
            outcome = Some(answer);
            // What it does then is of interest, too.
            woken.0.store(true, Ordering::Relaxed);
        }
        is_open = is_open && connection.as_mut().poll(&mut context).is_pending();
        if woken.0.swap(false, Ordering::Relaxed) {
            continue;
        }
        if outcome.is_some() {
            break;
        }
        assert!(!ended.replace(true), "hyper waits behind the end");
    }
    let is_reusable = is_open && !ended.get() && sender.is_ready();
    match outcome.flatten() {
        Some(answer) => Outcome::Took(Answer { is_reusable, ..answer }),
        None => Outcome::Refused(None),
    }
}

/// The answer, read to its end.
async fn exchange(
    response: impl Future<Output = ::hyper::Result<Response<Incoming>>>,
) -> Option<Answer> {
    let (head, mut body) = response.await.ok()?.into_parts();
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        content.extend_from_slice(frame.ok()?.data_ref().map_or(&[], |data| data));
    }
    let fields = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Some(Answer {
        status: head.status.as_u16(),
        old: head.version == Version::HTTP_10,
        fields: sorted(fields),
        content,
        is_reusable: false,
    })
}

fn request(asked: Asked) -> Request<Full<Bytes>> {
    let (method, content) = match asked {
        Asked::Get => ("GET", ""),
        Asked::Head => ("HEAD", ""),
        Asked::Put => ("PUT", "abc"),
    };
    let request = Request::builder().method(method).uri("/").header("Host", "x");
    request.body(Full::from(content)).expect("a good request")
}
