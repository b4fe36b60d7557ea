//! The peer: hyper, which passes on what it gets, with hyper's own client and its pool of
//! connections. Content is hashed frame by frame on its way, with the crate `md-5`.
//!
//! `hyper_pass_on ADDRESS ORIGIN`, on tokio's current-thread runtime

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use md5::{Digest, Md5};
use testkit::content::{Hex, hex};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

type Wrong = Box<dyn Error + Send + Sync>;

/// Content on its way from a client to the origin.
struct Hashed {
    content: Incoming,
    md5: Arc<Mutex<Md5>>,
}

impl Body for Hashed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.content).poll_frame(context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.md5.lock().unwrap_or_else(PoisonError::into_inner).update(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

struct Origin {
    uri: String,
    client: Client<HttpConnector, Hashed>,
}

impl Origin {
    async fn pass_on(&self, request: Request<Incoming>) -> Result<Hex, Wrong> {
        let target = request.uri().path();
        let md5 = Arc::new(Mutex::new(Md5::new()));
        let onward = Request::put(format!("{}{target}", self.uri));
        let onward = onward.body(Hashed { content: request.into_body(), md5: Arc::clone(&md5) })?;
        let answer = self.client.request(onward).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the origin answered {}", answer.status()).into());
        }
        answer.into_body().collect().await?;
        let md5 = mem::take(&mut *md5.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(hex(md5.finalize().into()))
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (status, content) = match self.pass_on(request).await {
            Ok(digest) => (StatusCode::OK, Bytes::copy_from_slice(&digest)),
            Err(wrong) => (StatusCode::BAD_GATEWAY, wrong.to_string().into()),
        };
        let mut response = Response::new(Full::new(content));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Ok(response)
    }
}

async fn serve(address: &str, origin: Arc<Origin>) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let origin = Arc::clone(&origin);
        let service = service_fn(move |request| {
            let origin = Arc::clone(&origin);
            async move { origin.answer(request).await }
        });
        tokio::spawn(async move {
            // A connection that breaks off concerns its client alone.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, uri] = arguments.as_slice() else {
        return Err("hyper_pass_on ADDRESS ORIGIN".into());
    };
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let origin = Arc::new(Origin { uri: uri.clone(), client });
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(address, origin))
}
