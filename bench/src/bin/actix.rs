//! The peer: actix-web with one worker. Content is hashed payload by payload as it
//! arrives, so no limit on its length applies.
//!
//! `actix ADDRESS`

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::ContentType;
use actix_web::rt::System;
use actix_web::web::{self, Payload};
use actix_web::{App, HttpResponse, HttpServer};
use futures_util::StreamExt;
use md5::{Digest, Md5};
use testkit::content::hex;

/// Of idle connections: not the usual five seconds, in which thousands could not be
/// opened and counted.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

async fn checksum(mut payload: Payload) -> Result<HttpResponse, PayloadError> {
    let mut md5 = Md5::new();
    while let Some(bytes) = payload.next().await {
        md5.update(bytes?);
    }
    let digest = hex(md5.finalize().into());
    Ok(HttpResponse::Ok().content_type(ContentType::plaintext()).body(digest.to_vec()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = env::args().nth(1).ok_or("actix ADDRESS")?.parse()?;
    System::new().block_on(async {
        HttpServer::new(|| App::new().default_service(web::to(checksum)))
            .workers(1)
            .keep_alive(KEEP_ALIVE)
            .bind(address)?
            .run()
            .await
    })?;
    Ok(())
}
