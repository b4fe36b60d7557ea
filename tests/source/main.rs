//! The source, its manifest and its pages, read as text: what they have to keep to.

mod dependencies;
mod pages;
mod tidy;
