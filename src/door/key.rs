//! Where an upload goes: keys out of request targets.
