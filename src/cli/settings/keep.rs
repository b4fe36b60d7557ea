//! Where uploads are kept, and whose.

use std::path::PathBuf;

use super::super::address::Address;

/// Lines that may wait for a reader: with some 300 bytes each they are 3 MB.
const QUEUE: usize = 10_000;

/// Means nothing without a folder.
#[derive(Debug)]
pub(in crate::cli) struct Keep {
    /// The folder; `None` forgets all content.
    pub(in crate::cli) to: Option<PathBuf>,
    /// True if everybody may who can connect.
    pub(in crate::cli) anonymous: bool,
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// True if nothing is replaced.
    pub(in crate::cli) no_overwrite: bool,
    pub(in crate::cli) min_free: Option<u64>,
    pub(in crate::cli) cors_origin: Vec<String>,
    pub(in crate::cli) host: Vec<String>,
    /// The Unix socket on which somebody wants to be told of each upload that is kept.
    pub(in crate::cli) on_kept: Option<PathBuf>,
    /// At most so many of these wait to be told.
    pub(in crate::cli) on_kept_queue: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            to: None,
            anonymous: false,
            token_file: None,
            no_overwrite: false,
            min_free: None,
            cors_origin: Vec::new(),
            host: Vec::new(),
            on_kept: None,
            on_kept_queue: QUEUE,
        }
    }
}

impl Keep {
    /// # Errors
    ///
    /// What is missing, in words.
    pub(super) fn check(&self, addresses: &[Address]) -> Result<(), String> {
        if self.to.is_none() {
            let set = [
                ("anonymous", self.anonymous),
                ("token-file", self.token_file.is_some()),
                ("no-overwrite", self.no_overwrite),
                ("min-free", self.min_free.is_some()),
                ("cors-origin", !self.cors_origin.is_empty()),
                ("host", !self.host.is_empty()),
                ("on-kept", self.on_kept.is_some()),
                ("on-kept-queue", self.on_kept_queue != QUEUE),
            ];
            // Else who has forgotten the folder thinks that uploads are kept, or guarded.
            let idle = set.into_iter().find(|(_, is_set)| *is_set);
            return idle.map_or(Ok(()), |(name, _)| Err(format!("--{name}: it needs --to")));
        }
        if self.on_kept.is_none() && self.on_kept_queue != QUEUE {
            return Err("--on-kept-queue: it needs --on-kept".into());
        }
        if self.anonymous && self.token_file.is_some() {
            return Err("--anonymous and --token-file: it can be only one of them".into());
        }
        let is_open = addresses.iter().any(|address| !address.is_of_this_machine());
        if is_open && !self.anonymous && self.token_file.is_none() {
            return Err("--to: whoever can connect could keep uploads; say who may with \
                        --token-file, or that everybody may with --anonymous"
                .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut Keep), listen: &[&str]) -> Result<(), String> {
        let mut keep = Keep { to: Some("box".into()), ..Keep::default() };
        change(&mut keep);
        let addresses: Vec<Address> =
            listen.iter().map(|one| one.parse().expect("an address")).collect();
        keep.check(&addresses)
    }

    // covers: 36.15
    #[test]
    fn what_others_can_reach_needs_tokens_or_everybody_by_name() {
        let own = ["127.0.0.1:0", "[::1]:0", "localhost:0", "unix:/a"];
        assert_eq!(check(|_| (), &own), Ok(()));
        for open in [":0", "0.0.0.0:0", "192.0.2.1:0", "a.example:0", "localhost.example:0"] {
            let listen = [own[0], open];
            let wrong = check(|_| (), &listen).expect_err(open);
            assert!(wrong.contains("--token-file") && wrong.contains("--anonymous"), "{wrong}");
            assert_eq!(check(|keep| keep.anonymous = true, &listen), Ok(()));
            assert_eq!(check(|keep| keep.token_file = Some("t".into()), &listen), Ok(()));
            assert_eq!(check(|keep| keep.to = None, &listen), Ok(()));
        }
    }

    #[test]
    fn what_means_nothing_without_a_folder_is_refused_there() {
        type Change = fn(&mut Keep);
        let changes: [(&str, Change); 8] = [
            ("anonymous", |keep| keep.anonymous = true),
            ("token-file", |keep| keep.token_file = Some("t".into())),
            ("no-overwrite", |keep| keep.no_overwrite = true),
            ("min-free", |keep| keep.min_free = Some(1)),
            ("cors-origin", |keep| keep.cors_origin.push("https://a.example".into())),
            ("host", |keep| keep.host.push("a.example".into())),
            ("on-kept", |keep| keep.on_kept = Some("s".into())),
            ("on-kept-queue", |keep| keep.on_kept_queue = 1),
        ];
        for (name, change) in changes {
            let without = |keep: &mut Keep| {
                keep.to = None;
                change(keep);
            };
            assert_eq!(check(without, &[":0"]), Err(format!("--{name}: it needs --to")));
        }
    }

    #[test]
    fn a_queue_of_lines_needs_somebody_to_read_them() {
        let own = ["127.0.0.1:0"];
        let alone = check(|keep| keep.on_kept_queue = 1, &own);
        assert_eq!(alone, Err("--on-kept-queue: it needs --on-kept".into()));
        let with = |keep: &mut Keep| {
            keep.on_kept = Some("s".into());
            keep.on_kept_queue = 1;
        };
        assert_eq!(check(with, &own), Ok(()));
    }

    #[test]
    fn everybody_needs_no_token() {
        let both = |keep: &mut Keep| {
            keep.anonymous = true;
            keep.token_file = Some("tokens".into());
        };
        assert!(check(both, &["127.0.0.1:0"]).is_err());
    }
}
