//! The peer's side: hyper over memory, without a runtime, which would only cost it time.

use std::cell::Cell;
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use crate::wire::Wire;

/// One connection, request after request.
pub(crate) struct Peer<'w> {
    wire: &'w Wire<'w>,
    connection: Pin<Box<dyn Future<Output = hyper::Result<()>> + 'w>>,
    content: Rc<Cell<usize>>,
}

impl<'w> Peer<'w> {
    pub(crate) fn new(wire: &'w Wire<'w>, answer: &'static str) -> Self {
        let content = Rc::new(Cell::new(0));
        let counter = Rc::clone(&content);
        let service = service_fn(move |request| drain(request, Rc::clone(&counter), answer));
        let connection =
            http1::Builder::new().pipeline_flush(true).serve_connection(Memory(wire), service);
        Self { wire, connection: Box::pin(connection), content }
    }

    /// Answers all that has arrived with so many bytes, and says how many bytes of content
    /// there were.
    pub(crate) fn serve(&mut self, answers: usize) -> usize {
        /// hyper yields at every chunk that it hands over, so this is more than enough.
        const MOST_POLLS: usize = 100_000;
        self.content.set(0);
        for _ in 0..MOST_POLLS {
            let polled = self.connection.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "closed: {polled:?}");
            if self.wire.is_drained() && self.wire.answered() >= answers {
                break;
            }
        }
        self.content.get()
    }
}

async fn drain(
    request: Request<Incoming>,
    content: Rc<Cell<usize>>,
    answer: &'static str,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.expect("a good request");
        content.set(content.get() + frame.data_ref().map_or(0, Bytes::len));
    }
    let mut response = Response::new(Full::from(answer));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

struct Memory<'w>(&'w Wire<'w>);

impl Read for Memory<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.receive(into.remaining());
        if read.is_empty() {
            // No need to be woken: it is polled again when there is more.
            return Poll::Pending;
        }
        into.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.answer(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    /// As over TCP.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        slices.iter().for_each(|bytes| self.0.answer(bytes));
        Poll::Ready(Ok(slices.iter().map(|bytes| bytes.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
