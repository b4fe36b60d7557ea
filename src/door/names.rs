//! Names of our own, for uploads that have none.
