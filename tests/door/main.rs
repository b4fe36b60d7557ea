//! The door to what is kept: which key an upload gets.
#![cfg(feature = "door")]

mod keys;
