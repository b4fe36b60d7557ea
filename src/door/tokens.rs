//! Who may: tokens out of a file.
