//! The table itself.

use super::{Setting, ValueKind};

/// All settings, in the order of the help text.
pub(in crate::cli) const TABLE: &[Setting] = &[
    Setting {
        name: "listen",
        kind: ValueKind::Listen,
        help: "address to listen on; may be repeated",
    },
    Setting {
        name: "connections",
        kind: ValueKind::Auto(|s| &mut s.connections),
        help: "connections at a time; then idle ones make room, if any",
    },
    Setting {
        name: "workers",
        kind: ValueKind::Auto(|s| &mut s.workers),
        help: "threads that serve; auto takes one for each core",
    },
    Setting {
        name: "digest",
        kind: ValueKind::Digests,
        help: "digests between commas; the first is the answer",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "to",
        kind: ValueKind::Path(|s| &mut s.keep.to),
        help: "folder to keep uploads in, by their targets",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "anonymous",
        kind: ValueKind::Flag(|s| &mut s.keep.anonymous),
        help: "let everybody keep uploads who can connect",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "token-file",
        kind: ValueKind::Path(|s| &mut s.keep.token_file),
        help: "who may keep uploads: a line NAME TOKEN for each",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "no-overwrite",
        kind: ValueKind::Flag(|s| &mut s.keep.no_overwrite),
        help: "keep what has a name already: 412",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "min-free",
        kind: ValueKind::Cap(|s| &mut s.keep.min_free),
        help: "least free bytes with which an upload is begun",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "cors-origin",
        kind: ValueKind::Words(|s| &mut s.keep.cors_origin, "ORIGIN"),
        help: "whose pages may keep uploads; may be repeated",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "host",
        kind: ValueKind::Words(|s| &mut s.keep.host, "NAME"),
        help: "name that clients send to; may be repeated",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "on-kept",
        kind: ValueKind::Socket(|s| &mut s.keep.on_kept),
        help: "where a line for each kept upload goes",
    },
    #[cfg(feature = "folder")]
    Setting {
        name: "on-kept-queue",
        kind: ValueKind::Count(|s| &mut s.keep.on_kept_queue),
        help: "most of these lines that wait to be read",
    },
    Setting {
        name: "max-body",
        kind: ValueKind::Cap(|s| &mut s.config.limits.body),
        help: "longest content",
    },
    Setting {
        name: "max-request-line",
        kind: ValueKind::Size(|s| &mut s.config.limits.request_line),
        help: "longest request line",
    },
    Setting {
        name: "max-head",
        kind: ValueKind::Size(|s| &mut s.config.limits.head),
        help: "longest head, and longest trailer section",
    },
    Setting {
        name: "max-fields",
        kind: ValueKind::Count(|s| &mut s.config.limits.fields),
        help: "most fields in a head, and in a trailer section",
    },
    Setting {
        name: "max-chunk-overhead",
        kind: ValueKind::Size(|s| &mut s.config.limits.chunk_overhead),
        help: "most bytes of chunk extensions in a request",
    },
    Setting {
        name: "max-requests",
        kind: ValueKind::CountCap(|s| &mut s.config.limits.requests),
        help: "most requests on one connection",
    },
    Setting {
        name: "max-held",
        kind: ValueKind::Size(|s| &mut s.config.max_held),
        help: "memory for all unfinished heads and the like",
    },
    Setting {
        name: "max-output",
        kind: ValueKind::Size(|s| &mut s.config.max_output),
        help: "most unsent answers of a client that is still read",
    },
    Setting {
        name: "max-turn",
        kind: ValueKind::Size(|s| &mut s.config.max_turn),
        help: "most bytes read before the next look at the clock",
    },
    Setting {
        name: "head-timeout",
        kind: ValueKind::Deadline(|s| &mut s.config.timeouts.head),
        help: "for a whole head",
    },
    Setting {
        name: "idle-timeout",
        kind: ValueKind::Deadline(|s| &mut s.config.timeouts.idle),
        help: "for the next request to begin",
    },
    Setting {
        name: "body-timeout",
        kind: ValueKind::Deadline(|s| &mut s.config.timeouts.body),
        help: "without a byte of content",
    },
    Setting {
        name: "min-rate",
        kind: ValueKind::Cap(|s| &mut s.config.timeouts.min_rate),
        help: "least bytes of content a second, on average",
    },
    Setting {
        name: "rate-grace",
        kind: ValueKind::Time(|s| &mut s.config.timeouts.rate_grace),
        help: "from the first byte of content until the average counts",
    },
    Setting {
        name: "write-timeout",
        kind: ValueKind::Deadline(|s| &mut s.config.timeouts.write),
        help: "without a byte of an answer taken",
    },
    Setting {
        name: "linger-timeout",
        kind: ValueKind::Time(|s| &mut s.config.timeouts.linger),
        help: "for a refused client to close",
    },
    Setting {
        name: "linger-silence",
        kind: ValueKind::Time(|s| &mut s.config.timeouts.linger_silence),
        help: "for a refused client that sends nothing to close",
    },
    Setting {
        name: "max-linger",
        kind: ValueKind::Cap(|s| &mut s.config.timeouts.max_linger),
        help: "most bytes of a refused client that are read",
    },
    Setting {
        name: "drain-timeout",
        kind: ValueKind::Deadline(|s| &mut s.drain_timeout),
        help: "for requests under way when a signal ends it",
    },
    Setting {
        name: "access-log",
        kind: ValueKind::AccessLog,
        help: "where a line for each request goes",
    },
];
