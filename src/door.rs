//! The door to what is kept: which key an upload gets, who may keep it, and from which page.
//!
//! It is shared by all that keeps uploads, and knows none of it.

mod key;
mod names;
mod origin;
mod tokens;
