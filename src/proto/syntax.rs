//! What a server and a client read in the same way: bytes, field lines, and content.
//!
//! Nothing here depends on whether the message is a request or a response.

mod authority;
mod body;
mod fields;
mod framing;
mod malformed;

pub(super) use authority::{is_authority, is_excluded_from_target};
pub use fields::Fields;
pub(crate) use fields::{is_tchar, list_members, parts};
pub use framing::{Framing, Version};

pub(super) use body::{Body, Chunked};
pub(super) use fields::{ByteSet, Section, SectionScan, Seen, check, line_end, trim_ows};
pub(super) use framing::FramingFields;
pub(super) use malformed::Malformed;

/// The most bytes of content that one message may have: 2^63 − 1.
pub(super) const LARGEST_BODY: u64 = i64::MAX as u64;
