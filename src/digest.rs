//! Digests of content: those that a client declares, and those that are computed of it.
//!
//! A handler that keeps content asks [`Declared`] what the head declares, has a [`Running`]
//! take the content, and at its end has [`Declared::verify`] compare: before anybody sees
//! what was kept. [`Checksum`](crate::Checksum) does so, too.
//!
//! Without the feature `digests` there is MD5 alone: `Content-MD5` and all other ways to declare
//! an MD5 are verified, and other digests are unknown.
//!
//! # Example
//!
//! ```
//! use streamsum::digest::{Algorithm, Algorithms, Declared, Fault, Running};
//! use streamsum::proto::{Connection, Event, Fields, Limits};
//!
//! let mut input = *b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\
//!                    Content-Digest: md5=:kAFQmDzST7DWlj99KOF/cg==:\r\n\r\nabc";
//! let mut connection = Connection::new(Limits::default());
//! let Event::Head(head) = connection.receive(&mut input).unwrap().event else { panic!() };
//! let declared = Declared::of(&head)?;
//!
//! let mut running = Running::new(declared.algorithms());
//! running.update(b"abc");
//! let values = running.finish();
//! let verified = declared.verify(&values, Fields::default())?;
//! assert_eq!(verified.to_string(), "md5");
//!
//! let mut damaged = Running::new(declared.algorithms());
//! damaged.update(b"abd");
//! let found = declared.verify(&damaged.finish(), Fields::default());
//! assert_eq!(found, Err(Fault::Differs(Algorithm::Md5)));
//! # Ok::<(), Fault>(())
//! ```
#![warn(clippy::indexing_slicing, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::expect_used))]

mod algorithm;
pub(crate) mod base64;
mod declared;
mod dictionary;
mod fault;
mod field;
mod running;
mod value;

pub use algorithm::{Algorithm, Algorithms};
pub use declared::Declared;
pub use fault::Fault;
pub use field::DigestField;
pub use running::Running;
pub use value::Value;
