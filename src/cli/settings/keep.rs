//! Where uploads are kept, and whose.

use std::path::PathBuf;

use super::super::address::Address;

/// Means nothing without a folder.
#[derive(Debug, Default)]
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
}

impl Keep {
    /// # Errors
    ///
    /// What is missing, in words.
    pub(super) fn check(&self, addresses: &[Address]) -> Result<(), String> {
        if self.to.is_none() {
            return Ok(());
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
