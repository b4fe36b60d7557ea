//! Whether a request brings a whole upload, and asks for nothing else.
#![warn(clippy::indexing_slicing, clippy::expect_used)]

use super::{Denied, NotKept};
use crate::proto::{Framing, Head};

/// Judges the fields that would change what an upload means; true if nothing is to be replaced.
pub(super) fn judge(head: &Head<'_>) -> Result<bool, Denied> {
    let fields = head.fields();
    if head.framing() == Framing::None {
        // Else a request that has lost its content would replace a file by nothing.
        return Err(Denied::because(NotKept::NoLength, "an upload has a length, or is chunked"));
    }
    let is_wrapped = |coding: &[u8]| coding.eq_ignore_ascii_case(b"aws-chunked");
    let payload = fields.get("x-amz-content-sha256").unwrap_or_default();
    if fields.list("Content-Encoding").any(is_wrapped) || payload.starts_with(b"STREAMING-") {
        return Err(Denied::because(
            NotKept::Unsupported,
            "aws-chunked is an envelope: send the file itself",
        ));
    }
    // Copies, and uploads in several requests.
    for name in ["x-amz-copy-source", "Upload-Length", "Upload-Offset", "Upload-Complete"] {
        if fields.get(name).is_some() {
            return Err(Denied::because(
                NotKept::Unsupported,
                "an upload is one request with all of its content",
            ));
        }
    }
    if fields.get("Content-Range").is_some() {
        // RFC 9110 §14.5: a part would replace the whole.
        return Err(Denied::because(NotKept::Range, "a part of an upload cannot be kept"));
    }
    let media_type = fields.get("Content-Type").unwrap_or_default();
    let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    if media_type.trim_ascii().eq_ignore_ascii_case(b"multipart/form-data") {
        return Err(Denied::because(NotKept::Form, "a form is an envelope: send the file itself"));
    }
    if fields.get("If-Match").is_some() {
        return Err(Denied::because(NotKept::Unsupported, "If-Match is not supported"));
    }
    match fields.values("If-None-Match").collect::<Vec<_>>()[..] {
        [] => Ok(false),
        [b"*"] => Ok(true),
        _ => Err(Denied::because(NotKept::Unsupported, "If-None-Match is supported with * alone")),
    }
}
