//! The source and its manifest, read as text: what they have to keep to.

mod dependencies;
mod tidy;
