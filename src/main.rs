//! The streamsum server: answers every HTTP upload with the digest of its content, and keeps it
//! if it is told where.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(not(unix))]
compile_error!(
    "the binary is for Unix, with its signals and its Unix sockets; \
     the library is for other systems too: default-features = false"
);

#[cfg(unix)]
mod cli {
    mod access;
    mod address;
    pub(crate) mod arguments;
    mod descriptors;
    mod keeping;
    mod lines;
    mod listen;
    #[cfg(feature = "folder")]
    mod on_kept;
    mod operator;
    pub(crate) mod serve;
    pub(crate) mod settings;
    mod signals;
    mod spelling;
    mod stamp;
    #[cfg(feature = "folder")]
    mod token_file;
    mod unix_socket;
    mod workers;
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use cli::arguments::{Task, read};
    use cli::serve::serve;
    use cli::settings::Settings;
    use std::process::ExitCode;

    match read(std::env::args_os().skip(1), std::env::vars_os(), Settings::default()) {
        Ok(Task::Print(text)) => {
            print(std::io::stdout(), &text);
            ExitCode::SUCCESS
        }
        Ok(Task::Serve { settings, warnings }) => {
            for warning in warnings {
                print(std::io::stderr(), &format!("streamsum: {warning}\n"));
            }
            match serve(&settings) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                Err(wrong) => {
                    print(std::io::stderr(), &format!("streamsum: {wrong}\n"));
                    ExitCode::FAILURE
                }
            }
        }
        Err(wrong) => {
            print(std::io::stderr(), &format!("streamsum: {wrong}; try --help\n"));
            ExitCode::from(2)
        }
    }
}

/// Unlike the macros of the standard library, does not panic if the stream is closed.
#[cfg(unix)]
fn print(mut out: impl std::io::Write, text: &str) {
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
