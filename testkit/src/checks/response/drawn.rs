//! What the embedding program answers with.

use streamsum::proto::Response;

use super::Field;
use crate::checks::choices::Choices;
use crate::response;

/// A response of the embedding program, and its fields as they have to arrive, Content-Type
/// first. A status or a media type that the library does not take is a panic of the
/// program's own making, and not drawn.
pub(super) fn draw(choices: &mut Choices<'_>) -> (Response, Vec<Field>) {
    let status = match choices.below(3) {
        0 => [200, 204, 205, 304, 206, 599][choices.below(6)],
        _ => 200 + choices.below(400) as u16,
    };
    let length = choices.below(40);
    let content = choices.bytes(length);
    let (mut response, kind) = match choices.below(3) {
        0 => {
            let text = String::from_utf8_lossy(content).into_owned();
            (Response::text(status, text), "text/plain; charset=utf-8")
        }
        which => {
            let kind = ["", "application/octet-stream"][which - 1];
            (Response::new(status, kind, content.to_vec()), kind)
        }
    };
    // A note is nobody's to read.
    if choices.below(8) == 7 {
        response = response.with_note("Note: 1\r\n\r\n");
    }
    let mut fields = vec![(b"Content-Type".to_vec(), kind.as_bytes().to_vec())];
    for _ in 0..choices.below(4) {
        let name = match choices.below(NAMES.len() + 1) {
            0 => {
                let length = choices.below(8);
                String::from_utf8_lossy(choices.bytes(length)).into_owned()
            }
            known => NAMES[known - 1].to_owned(),
        };
        let length = choices.below(16);
        let value = String::from_utf8_lossy(choices.bytes(length)).into_owned();
        let added = response.clone().field(&name, &value);
        assert_eq!(added.is_ok(), is_allowed(&name, &value), "{name:?}: {value:?}");
        if let Ok(added) = added {
            response = added;
            fields.push((name.into_bytes(), response::trim(value.as_bytes()).to_vec()));
        }
    }
    (response, fields)
}

fn is_allowed(name: &str, value: &str) -> bool {
    let ours =
        ["connection", "content-length", "content-type", "date", "keep-alive", "transfer-encoding"];
    !name.is_empty()
        && name.bytes().all(response::is_tchar)
        && value.bytes().all(response::is_text)
        && !ours.contains(&name.to_ascii_lowercase().as_str())
}

/// Names of fields, those that the connection writes itself among them.
const NAMES: [&str; 10] = [
    "Location",
    "set-cookie",
    "Trailer",
    "Upgrade",
    "Keep-Alive",
    "Date",
    "content-LENGTH",
    "Content-Type",
    "Transfer-Encoding",
    "CONNECTION",
];
