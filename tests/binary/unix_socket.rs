//! Who may connect to the binary's Unix socket.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use testkit::binary::{ABC, Running, text};

use crate::STREAMSUM;

/// An ordinary user and a group of nobody's, by number.
const NOBODY: u32 = 65_534;
const GROUP: u32 = 54_321;

/// A directory of its own that everybody may enter.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("streamsum-unix-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
        Self(path)
    }

    fn socket(&self) -> String {
        self.0.join("http.sock").display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Serves on `unix:PATH` with `options` behind it, under a umask.
fn serve(path: &str, options: &str, umask: &str) -> Running {
    let script = format!("umask {umask} && exec \"$0\" --listen 'unix:{path}{options}'");
    let mut command = Command::new("sh");
    command.args(["-c", &script, STREAMSUM.path]).stderr(Stdio::piped());
    let running = Running::spawn(&mut command);
    assert_eq!(running.address(), format!("unix:{path}"));
    running
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).expect("a socket").mode() & 0o7777
}

// covers: 32.5
#[test]
fn the_mode_of_a_socket_can_be_set() {
    let scratch = Scratch::new("mode");
    let path = scratch.socket();
    for umask in ["000", "022", "077"] {
        let _running = serve(&path, ",mode=0660", umask);
        assert_eq!(mode(&path), 0o660, "umask {umask}");
    }
}

// covers: 32.5
#[test]
fn without_a_mode_the_umask_decides() {
    let scratch = Scratch::new("umask");
    let path = scratch.socket();
    for (umask, expected) in [("022", 0o755), ("007", 0o770)] {
        let _running = serve(&path, "", umask);
        assert_eq!(mode(&path), expected, "umask {umask}");
    }
}

/// Uploads with curl as another user, who is in these groups.
fn upload_as_nobody(path: &str, group: u32) -> Output {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--max-time", "60", "--unix-socket", path]);
    command.args(["--data-binary", "abc", "http://localhost/"]);
    command.uid(NOBODY).gid(group).output().expect("curl")
}

/// Needs to be root, for another user and for a group of others.
// covers: 32.5
#[test]
fn a_proxy_of_another_user_reaches_the_socket_by_its_group() {
    let scratch = Scratch::new("group");
    if fs::metadata(&scratch.0).expect("a directory").uid() != 0 {
        return;
    }
    let path = scratch.socket();
    let _running = serve(&path, &format!(",mode=0660,group={GROUP}"), "022");
    assert_eq!(fs::metadata(&path).expect("a socket").gid(), GROUP);
    let member = upload_as_nobody(&path, GROUP);
    assert_eq!(text(&member.stdout), ABC, "{}", text(&member.stderr));
    let other = upload_as_nobody(&path, NOBODY);
    // curl: could not connect.
    assert_eq!(other.status.code(), Some(7), "{}", text(&other.stderr));
}

/// Of the group by name, which every user can set: his own.
// covers: 32.5
#[test]
fn a_group_is_found_by_its_name() {
    let groups = fs::read_to_string("/etc/group").expect("groups");
    let scratch = Scratch::new("name");
    let own = fs::metadata(&scratch.0).expect("a directory").gid().to_string();
    let line = groups.lines().find(|line| line.split(':').nth(2) == Some(&own));
    let Some((name, _)) = line.and_then(|line| line.split_once(':')) else { return };
    let path = scratch.socket();
    let _running = serve(&path, &format!(",mode=0620,group={name}"), "022");
    assert_eq!(
        (mode(&path), fs::metadata(&path).expect("a socket").gid().to_string()),
        (0o620, own)
    );
}

fn fails(listen: &str, code: i32, words: &str) {
    let output = STREAMSUM.command(&["--listen", listen]).output().expect("it runs");
    let line = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), ""), "{line}");
    assert!(line.lines().count() == 1 && line.contains(words), "{line}");
}

// covers: 32.1
#[test]
fn a_group_that_is_not_there_is_told_and_leaves_no_socket() {
    let scratch = Scratch::new("no-group");
    let listen = format!("unix:{},mode=0660,group=no-such-group", scratch.socket());
    fails(&listen, 1, &format!("cannot listen on {listen}: "));
    assert!(fs::read_dir(&scratch.0).expect("a directory").next().is_none());
}

// covers: 32.2
#[test]
fn wrong_options_of_a_socket_are_usage_errors() {
    fails("unix:@streamsum", 2, "unix:./@streamsum");
    for wrong in ["mode=0999", "mode=rw", "mode=", "mode=1777", "mod=0660", "group=", "0660"] {
        fails(&format!("unix:/nowhere/sock,{wrong}"), 2, wrong);
    }
    fails("unix:/nowhere/sock,group=www-data", 2, "mode=0660");
}

// covers: 32.5
#[test]
fn several_sockets_with_options_from_the_environment() {
    let scratch = Scratch::new("environment");
    let path = scratch.socket();
    let second = format!("{path}2");
    let listen = format!("unix:{path},mode=0600,unix:{second},mode=0666, 127.0.0.1:0");
    let mut command = STREAMSUM.command(&[]);
    let running = Running::spawn(command.env("STREAMSUM_LISTEN", listen).stderr(Stdio::piped()));
    assert_eq!(running.address(), format!("unix:{path}"));
    assert_eq!(running.address(), format!("unix:{second}"));
    assert!(running.address().starts_with("127.0.0.1:"));
    assert_eq!([mode(&path), mode(&second)], [0o600, 0o666]);
}
