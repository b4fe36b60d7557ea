//! What the tests, the fuzz targets and the benchmark share: one reader of responses, one
//! source of random numbers, one pattern of content. It imports from none of them.

pub mod content;
pub mod random;
pub mod response;
