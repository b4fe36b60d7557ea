//! The peer: axum, which keeps what it gets as its users do it with `tokio::fs`. Content is hashed
//! and written frame by frame as it arrives, into a file that has no one's name until it is whole
//! and synced.
//!
//! `axum current-thread|multi-thread ADDRESS FOLDER`

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{self, State};
use axum::http::StatusCode;
use axum::routing::put;
use axum::serve::ListenerExt;
use futures_util::StreamExt;
use md5::{Digest, Md5};
use testkit::content::{hex, text};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

type Wrong = Box<dyn Error + Send + Sync>;

async fn keep(
    State(folder): State<Arc<Path>>,
    extract::Path(name): extract::Path<String>,
    content: Body,
) -> Result<String, (StatusCode, String)> {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    if name.starts_with('.') || name.contains('/') {
        return Err((StatusCode::BAD_REQUEST, "not a name".into()));
    }
    let number = BEGUN.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.join(format!(".unfinished-{number}"));
    let kept = async {
        let digest = write(&unfinished, content).await?;
        fs::rename(&unfinished, folder.join(name)).await?;
        Ok::<_, Wrong>(digest)
    };
    match kept.await {
        Ok(digest) => Ok(digest),
        Err(wrong) => {
            // It may never have been made.
            let _ = fs::remove_file(&unfinished).await;
            Err((StatusCode::INTERNAL_SERVER_ERROR, wrong.to_string()))
        }
    }
}

/// Writes a new file, which is synced, and says its digest.
async fn write(path: &Path, content: Body) -> Result<String, Wrong> {
    let mut file = File::create_new(path).await?;
    let mut content = content.into_data_stream();
    let mut md5 = Md5::new();
    while let Some(bytes) = content.next().await {
        let bytes = bytes?;
        md5.update(&bytes);
        file.write_all(&bytes).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    Ok(text(hex(md5.finalize().into())))
}

async fn serve(address: SocketAddr, folder: Arc<Path>) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // Without it the first small answers are late, no more.
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/{name}", put(keep)).with_state(folder);
    Ok(axum::serve(listener, router).await?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, address, folder] = arguments.as_slice() else {
        return Err("axum current-thread|multi-thread ADDRESS FOLDER".into());
    };
    let mut builder = match runtime.as_str() {
        "current-thread" => Builder::new_current_thread(),
        "multi-thread" => Builder::new_multi_thread(),
        other => return Err(format!("no such runtime: {other}").into()),
    };
    let runtime = builder.enable_io().build()?;
    runtime.block_on(serve(address.parse()?, Path::new(folder).into()))
}
