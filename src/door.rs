//! The door to what is kept: which key an upload gets, who may keep it, and from which page.
//!
//! It is shared by all that keeps uploads, and knows none of it.
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

mod key;
mod names;
mod origin;
mod tokens;
#[cfg(test)]
mod wire;

pub use key::{BadKey, Key, KeyRules, Place};
pub use names::Names;
pub use origin::{Forbidden, InvalidPages, Page, Pages};
pub use tokens::{Holder, TokenFileError, Tokens, Unauthorized};

use crate::proto::Response;

/// Adds fields that are known to be good; one that is not would be left out.
fn put_fields(response: &mut Response, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let put = response.put_field(name, value);
        debug_assert!(put.is_ok(), "{name}: {value}");
    }
}
