//! What the tests, the fuzz targets and the benchmark share. It imports from none of them.

pub mod binary;
pub mod cases;
pub mod checks;
pub mod client;
pub mod content;
pub mod descriptors;
pub mod naive;
pub mod random;
pub mod response;
pub mod scratch;
pub mod serving;
pub mod sim;
