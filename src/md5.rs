//! MD5 of one stream, and of many streams at once.
