//! Whether a request brings a whole upload, and asks for nothing else.
#![warn(clippy::indexing_slicing, clippy::expect_used)]

use super::{Denied, NotKept};
use crate::proto::{Framing, Head};

/// Fields by which clients send an upload in several requests, or name where its content is.
const FIELDS_OF_PARTS: &[&str] = &[
    // Tus, and the drafts for resumable uploads of the IETF that came of it.
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Defer-Length",
    "Upload-Concat",
    "Upload-Offset",
    "Upload-Complete",
    "Upload-Incomplete",
    "Upload-Draft-Interop-Version",
    // Google's.
    "X-Goog-Upload-Protocol",
    "X-Goog-Upload-Command",
    "X-Upload-Content-Length",
    // What modules of nginx take in parts.
    "X-Content-Range",
    // To append to an object, and to copy, or rename, another one.
    "x-amz-write-offset-bytes",
    "x-amz-copy-source",
    "x-amz-rename-source",
];

/// Names in a query by which they do that: those of S3, of Google, of Azure and of Alibaba.
const QUERIES_OF_PARTS: &[&str] =
    &["uploads", "uploadId", "partNumber", "uploadType", "upload_id", "comp", "append"];

/// Names in a query by which a client of S3 wants something else than to keep an upload: what it
/// sends is a description of that.
const QUERIES_OF_OTHERS: &[&str] = &[
    "acl",
    "delete",
    "legal-hold",
    "renameObject",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
];

/// Judges what would change the meaning of an upload; true if nothing is to be replaced.
pub(super) fn judge(head: &Head<'_>) -> Result<bool, Denied> {
    let fields = head.fields();
    let unsupported = |words| Err(Denied::because(NotKept::Unsupported, words));
    if has_query_of(head, QUERIES_OF_PARTS)
        || FIELDS_OF_PARTS.iter().any(|name| fields.get(name).is_some())
    {
        // A part would replace the whole.
        return unsupported("an upload is one request with all of its content");
    }
    if has_query_of(head, QUERIES_OF_OTHERS) {
        return unsupported("by its query it is no upload: leave that out");
    }
    if head.framing() == Framing::None {
        // Else a request that has lost its content would replace a file by nothing.
        return Err(Denied::because(NotKept::NoLength, "an upload has a length, or is chunked"));
    }
    let is_wrapped = |coding: &[u8]| coding.eq_ignore_ascii_case(b"aws-chunked");
    let payload = fields.get("x-amz-content-sha256").unwrap_or_default();
    if fields.list("Content-Encoding").any(is_wrapped) || payload.starts_with(b"STREAMING-") {
        return unsupported("aws-chunked is an envelope: send the file itself");
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
        return unsupported("If-Match is not supported");
    }
    match fields.values("If-None-Match").collect::<Vec<_>>()[..] {
        [] => Ok(false),
        [b"*"] => Ok(true),
        _ => unsupported("If-None-Match is supported with * alone"),
    }
}

/// True if one of these names, in small or capital letters, is in the query of the target, with a
/// value or without.
fn has_query_of(head: &Head<'_>, names: &[&str]) -> bool {
    let Some((_, query)) = head.target().split_once('?') else { return false };
    query.split('&').any(|member| {
        let name = member.split('=').next().unwrap_or_default();
        names.iter().any(|one| one.eq_ignore_ascii_case(name))
    })
}
