//! The peer: hyper, put together as its guides do it. Content is hashed frame by frame
//! as it arrives.
//!
//! `hyper current-thread|multi-thread ADDRESS`

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
use md5::{Digest, Md5};
use streamsum_bench::content::hex;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

async fn checksum(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    let mut md5 = Md5::new();
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
    let digest = hex(md5.finalize().into());
    let mut response = Response::new(Full::from(digest.to_vec()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A connection that breaks off concerns its client alone.
            let _ = http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(checksum))
                .await;
        });
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, address] = arguments.as_slice() else {
        return Err("hyper current-thread|multi-thread ADDRESS".into());
    };
    let mut builder = match runtime.as_str() {
        "current-thread" => Builder::new_current_thread(),
        "multi-thread" => Builder::new_multi_thread(),
        other => return Err(format!("no such runtime: {other}").into()),
    };
    builder.enable_io().build()?.block_on(serve(address.parse()?))
}
