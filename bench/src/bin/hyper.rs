//! The peer: hyper, put together as its guides do it. Content is hashed frame by frame
//! as it arrives, with the crate `md-5` or with streamsum's own MD5, one stream at a time.
//!
//! `hyper current-thread|multi-thread md-5|own-hash ADDRESS`

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use md5::Digest;
use testkit::content::{Hex, hex};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// An MD5 that content is fed to as it comes.
trait Hash: Default + Send + 'static {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self) -> Hex;
}

impl Hash for md5::Md5 {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }

    fn finish(self) -> Hex {
        hex(self.finalize().into())
    }
}

impl Hash for streamsum::md5::Md5 {
    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self) -> Hex {
        self.finish().to_hex()
    }
}

async fn checksum<H: Hash>(
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    let mut md5 = H::default();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Some(data) = frame.data_ref() {
                    md5.update(data);
                }
            }
            Err(error) => {
                let mut response = Response::new(Full::from(error.to_string()));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                return Ok(response);
            }
        }
    }
    let mut response = Response::new(Full::from(md5.finish().to_vec()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

async fn serve<H: Hash>(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A connection that breaks off concerns its client alone.
            let _ = http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(checksum::<H>))
                .await;
        });
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, hash, address] = arguments.as_slice() else {
        return Err("hyper current-thread|multi-thread md-5|own-hash ADDRESS".into());
    };
    let mut builder = match runtime.as_str() {
        "current-thread" => Builder::new_current_thread(),
        "multi-thread" => Builder::new_multi_thread(),
        other => return Err(format!("no such runtime: {other}").into()),
    };
    let runtime = builder.enable_io().build()?;
    let address = address.parse()?;
    match hash.as_str() {
        "md-5" => runtime.block_on(serve::<md5::Md5>(address)),
        "own-hash" => runtime.block_on(serve::<streamsum::md5::Md5>(address)),
        other => Err(format!("no such hash: {other}").into()),
    }
}
