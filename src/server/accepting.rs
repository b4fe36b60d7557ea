//! What to do after an attempt to accept has failed.

use std::io::{self, ErrorKind};

/// What to do after an attempt to accept has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// Wait for the next event: nobody is left in the backlog.
    Wait,
    /// Try again at once: one connection in the backlog has failed, and is gone.
    TryAgain,
    /// Try again once a descriptor is free, or else after a while: all are in use.
    MakeRoom,
    /// Try again after a while: something is short or forbidden, perhaps not for long.
    Rest,
    /// Close the listener: it does not listen any more.
    Close,
}

impl AfterFailure {
    /// What `error` of accept(2) asks for.
    pub(super) fn of(error: &io::Error) -> Self {
        if let Some(number) = error.raw_os_error()
            && let Some((_, after)) = BY_NUMBER.iter().find(|(known, _)| *known == number)
        {
            return *after;
        }
        match error.kind() {
            ErrorKind::WouldBlock => Self::Wait,
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::TimedOut => Self::TryAgain,
            // EINVAL: it does not listen any more.
            ErrorKind::InvalidInput => Self::Close,
            // ENFILE: if we close a descriptor, another process may get it. ENOBUFS,
            // ENOMEM, and all other errors.
            _ => Self::Rest,
        }
    }
}

/// True if the numbers of [`BY_NUMBER`] are those of this system. Linux alone passes on the
/// errors of a connection in the backlog as errors of accept(2).
const IS_LINUX: bool = cfg!(all(
    any(target_os = "linux", target_os = "android"),
    // Their numbers are others.
    not(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64",
    ))
));

/// Errors that [`ErrorKind`] does not distinguish.
const BY_NUMBER: &[(i32, AfterFailure)] = if IS_LINUX {
    &[
        // EPERM: a rule of the firewall forbids this connection.
        (1, AfterFailure::TryAgain),
        // EBADF
        (9, AfterFailure::Close),
        // EMFILE
        (24, AfterFailure::MakeRoom),
        // ENONET
        (64, AfterFailure::TryAgain),
        // EPROTO
        (71, AfterFailure::TryAgain),
        // ENOTSOCK
        (88, AfterFailure::Close),
        // ENOPROTOOPT
        (92, AfterFailure::TryAgain),
        // EPROTONOSUPPORT
        (93, AfterFailure::TryAgain),
        // ESOCKTNOSUPPORT
        (94, AfterFailure::TryAgain),
        // EOPNOTSUPP
        (95, AfterFailure::TryAgain),
        // EHOSTDOWN
        (112, AfterFailure::TryAgain),
    ]
} else {
    // EBADF, EMFILE, and ENOTSOCK of the BSDs.
    &[(9, AfterFailure::Close), (24, AfterFailure::MakeRoom), (38, AfterFailure::Close)]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all_ask_for(after: AfterFailure, errors: &[(&str, i32)]) {
        for (name, number) in errors {
            assert_eq!(AfterFailure::of(&io::Error::from_raw_os_error(*number)), after, "{name}");
        }
    }

    // covers: 28.6
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn errors_of_accept_are_known_by_their_numbers_on_linux() {
        all_ask_for(AfterFailure::Wait, &[("EAGAIN", 11)]);
        all_ask_for(
            AfterFailure::TryAgain,
            &[
                ("EPERM", 1),
                ("EINTR", 4),
                ("ENONET", 64),
                ("EPROTO", 71),
                ("ENOPROTOOPT", 92),
                ("EPROTONOSUPPORT", 93),
                ("ESOCKTNOSUPPORT", 94),
                ("EOPNOTSUPP", 95),
                ("ENETDOWN", 100),
                ("ENETUNREACH", 101),
                ("ECONNABORTED", 103),
                ("ECONNRESET", 104),
                ("ETIMEDOUT", 110),
                ("EHOSTDOWN", 112),
                ("EHOSTUNREACH", 113),
            ],
        );
        all_ask_for(
            AfterFailure::Rest,
            &[("ENOMEM", 12), ("EACCES", 13), ("ENFILE", 23), ("ENOSR", 63), ("ENOBUFS", 105)],
        );
        all_ask_for(AfterFailure::MakeRoom, &[("EMFILE", 24)]);
        all_ask_for(AfterFailure::Close, &[("EBADF", 9), ("EINVAL", 22), ("ENOTSOCK", 88)]);
    }

    /// On systems whose numbers are not listed.
    #[test]
    fn errors_of_accept_are_known_by_their_kind() {
        for (kind, after) in [
            (ErrorKind::WouldBlock, AfterFailure::Wait),
            (ErrorKind::ConnectionAborted, AfterFailure::TryAgain),
            (ErrorKind::ConnectionReset, AfterFailure::TryAgain),
            (ErrorKind::HostUnreachable, AfterFailure::TryAgain),
            (ErrorKind::Interrupted, AfterFailure::TryAgain),
            (ErrorKind::NetworkDown, AfterFailure::TryAgain),
            (ErrorKind::NetworkUnreachable, AfterFailure::TryAgain),
            (ErrorKind::TimedOut, AfterFailure::TryAgain),
            (ErrorKind::InvalidInput, AfterFailure::Close),
            (ErrorKind::OutOfMemory, AfterFailure::Rest),
            (ErrorKind::PermissionDenied, AfterFailure::Rest),
        ] {
            assert_eq!(AfterFailure::of(&kind.into()), after, "{kind}");
        }
    }
}
