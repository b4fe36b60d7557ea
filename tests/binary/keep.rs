//! The binary that keeps uploads: bytes on the wire, and bytes on disk.

mod access;
mod counted;
mod crashes;
mod disk;
mod ends;
mod names;
mod pages;
mod reload;
mod told;
mod untouched;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::binary::Running;
use testkit::client::{Address, Client, PATIENCE, Received};
#[cfg(feature = "digests")]
use testkit::content::EMPTY;
use testkit::content::{content, digest};
use testkit::scratch::Folder;

use crate::STREAMSUM;

/// Has a program run without `/proc`, by which files without a name get one: so the unfinished
/// files of the server can be seen.
const SEEN: &[&str] =
    &["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$0\" \"$@\""];

/// True if this wrapper can be used here, else that is printed.
fn can(wrapper: &[&str]) -> bool {
    let mut command = Command::new(wrapper[0]);
    let tried = command.args(&wrapper[1..]).arg("true").stderr(Stdio::null()).status();
    let works = tried.is_ok_and(|status| status.success());
    if !works {
        println!("skipped: {} cannot be used here", wrapper[0]);
    }
    works
}

/// What is in a folder: the paths of files with the digests of their contents, those of links
/// with where they lead, and those of folders, which end in `/`; but no lock files.
type Listing = BTreeMap<String, String>;

/// A server that keeps uploads in a folder.
struct Shelf {
    folder: Folder,
    running: Running,
    address: Address,
}

impl Shelf {
    fn start(options: &[&str]) -> Self {
        Self::start_in(Folder::make(), &[], options)
    }

    /// In this folder, by way of a program that runs it.
    fn start_in(folder: Folder, wrapper: &[&str], options: &[&str]) -> Self {
        let (running, address) = serve(folder.path(), wrapper, options);
        Self { folder, running, address }
    }

    fn connect(&self) -> Client {
        self.address.connect()
    }

    /// Sends one request on a connection of its own.
    fn send(&self, head: &str, content: &[u8]) -> Received {
        self.connect().exchange(&by_length(head, content))
    }

    /// Sends the head of an upload of so many bytes, and gives what comes before its content.
    fn ask(&self, head: &str, length: usize) -> (Client, Received) {
        let mut client = self.connect();
        let expect = "Expect: 100-continue\r\n";
        client.send(format!("{head}{expect}Content-Length: {length}\r\n\r\n").as_bytes());
        let answer = client.answer();
        (client, answer)
    }

    /// An upload whose content the server waits for.
    fn begin(&self, head: &str, length: usize) -> Client {
        let (client, answer) = self.ask(head, length);
        assert_eq!(answer.status, 100, "{} {}", answer.head, answer.content);
        client
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.place(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        list(self.folder.path(), "", &mut listing);
        listing.retain(|name, _| !is_lock(name));
        listing
    }

    /// The names of the lock files.
    fn locks(&self) -> Vec<String> {
        let mut listing = Listing::new();
        list(self.folder.path(), "", &mut listing);
        listing.into_keys().filter(|name| is_lock(name)).collect()
    }

    /// Asserts that soon there is nothing else, and the one lock file of the server.
    #[track_caller]
    fn comes_to(&self, expected: &Listing, what: &str) {
        wait_for(|| self.listing() == *expected);
        assert_eq!(self.listing(), *expected, "{what}");
        let own = format!(".streamsum-{}-", self.running.child.id());
        let locks = self.locks();
        assert!(locks.len() == 1 && locks[0].starts_with(&own), "{locks:?}");
    }
}

/// Starts a server on that folder.
fn serve(folder: &Path, wrapper: &[&str], options: &[&str]) -> (Running, Address) {
    let to = folder.display().to_string();
    let own = [STREAMSUM.path, "--listen", "127.0.0.1:0", "--to", &to];
    let words = [wrapper, &own, options].concat();
    let running = Running::spawn(Command::new(words[0]).args(&words[1..]).stderr(Stdio::piped()));
    let address = Address::Tcp(running.address().parse().expect("an address"));
    (running, address)
}

fn is_lock(name: &str) -> bool {
    name.starts_with(".streamsum-") && name.ends_with(".lock")
}

fn list(folder: &Path, before: &str, listing: &mut Listing) {
    for entry in fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
        let name = format!("{before}{}", entry.file_name().display());
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let name = format!("{name}/");
                list(&path, &name, listing);
                listing.insert(name, String::new());
            }
            Ok(kind) if kind.is_symlink() => {
                let target = fs::read_link(&path).expect("a link");
                listing.insert(name, format!("-> {}", target.display()));
            }
            // It may be gone meanwhile.
            _ => {
                if let Ok(content) = fs::read(&path) {
                    listing.insert(name, digest(&content));
                }
            }
        }
    }
}

/// Waits until it is true, but not for ever.
fn wait_for(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The beginning of a head, with `Host`.
fn put(target: &str) -> String {
    with_host("PUT", target)
}

fn with_host(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n")
}

fn by_length(head: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("{head}Content-Length: {}\r\n\r\n", content.len());
    [head.as_bytes(), content].concat()
}

fn in_chunks(head: &str, content: &[u8], size: usize) -> Vec<u8> {
    let mut request = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in content.chunks(size) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// Asserts that it is kept, and that the answer is that of one which is.
#[track_caller]
fn is_kept(answer: &Received, content: &[u8]) {
    answer.is_digest_of(content);
    assert_eq!(answer.field("ETag"), Some(&*format!("\"{}\"", digest(content))));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

// covers: 36.1 36.4
#[test]
fn an_upload_is_a_file_of_its_name() {
    let shelf = Shelf::start(&[]);
    for (number, length) in [0, 1, 3, 4096, 1 << 20, (1 << 20) + 1].into_iter().enumerate() {
        let bytes = content(length, number as u64);
        let (plain, chunked) = (format!("l{number}"), format!("c{number}"));
        let answer = shelf.send(&put(&format!("/{plain}")), &bytes);
        is_kept(&answer, &bytes);
        assert_eq!(answer.field("Location"), None);
        assert!(shelf.read(&plain) == bytes, "{length} by length");
        let request = in_chunks(&put(&format!("/{chunked}")), &bytes, 1000);
        is_kept(&shelf.connect().exchange(&request), &bytes);
        assert!(shelf.read(&chunked) == bytes, "{length} in chunks");
    }
    is_kept(&shelf.send(&with_host("POST", "/posted"), b"abc"), b"abc");
    assert_eq!(shelf.read("posted"), b"abc");
    let old = b"PUT /old HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc";
    is_kept(&shelf.connect().exchange(old), b"abc");
    assert_eq!(shelf.listing().len(), 14);
}

// covers: 36.5
#[test]
fn what_had_the_name_is_replaced_as_a_whole() {
    let shelf = Shelf::start(&[]);
    let mut client = shelf.connect();
    for bytes in [content(100_000, 1), content(10, 2), vec![], content(50_000, 3)] {
        is_kept(&client.exchange(&by_length(&put("/a"), &bytes)), &bytes);
        assert!(shelf.read("a") == bytes);
        assert_eq!(shelf.listing().len(), 1);
    }
}

// covers: 36.4
#[test]
fn uploads_of_one_connection_are_all_kept_and_answered_in_turn() {
    let shelf = Shelf::start(&[]);
    let mut client = shelf.connect();
    let all: Vec<u8> = (0..20)
        .flat_map(|number| by_length(&put(&format!("/{number}")), &content(number, 7)))
        .collect();
    client.send(&all);
    for number in 0..20 {
        is_kept(&client.answer(), &content(number, 7));
        assert_eq!(shelf.read(&number.to_string()), content(number, 7));
    }
}

// covers: 36.3
#[test]
fn a_post_to_a_folder_gets_a_name_which_sorts() {
    let shelf = Shelf::start(&[]);
    for folder in ["/", "/in/", "/in/side/"] {
        let mut names = Vec::new();
        for bytes in [b"one", b"two"] {
            let answer = shelf.send(&with_host("POST", folder), bytes);
            is_kept(&answer, bytes);
            let location = answer.field("Location").expect("a name").to_owned();
            let (within, name) = location.split_at(folder.len());
            assert!(within == folder && !name.is_empty() && !name.contains('/'), "{location}");
            assert_eq!(shelf.read(&location[1..]), bytes);
            names.push(location);
        }
        assert!(names[0] < names[1], "{names:?}");
    }
    let answer = shelf.send(&put("/in/"), b"abc");
    assert_eq!(answer.status, 400, "{}", answer.content);
    // What it says can be sent to.
    let location = shelf.send(&with_host("POST", "/%C3%A9%20/"), b"abc");
    let location = location.field("Location").expect("a name").to_owned();
    assert!(location.starts_with("/%C3%A9%20/"), "{location}");
    is_kept(&shelf.send(&put(&location), b"again"), b"again");
    assert_eq!(fs::read_dir(shelf.path("é ")).expect("a folder").count(), 1);
}

// covers: 36.4
#[cfg(feature = "digests")]
#[test]
fn etag_is_the_md5_whatever_is_answered() {
    let shelf = Shelf::start(&["--digest", "sha-256"]);
    let answer = shelf.send(&put("/a"), b"");
    let sha_256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!((answer.status, &*answer.content), (200, sha_256));
    assert_eq!(answer.field("ETag"), Some(&*format!("\"{EMPTY}\"")));
}

#[test]
fn files_are_for_owner_and_group_less_what_the_umask_takes() {
    for (umask, file, folder) in
        [("000", 0o640, 0o777), ("022", 0o640, 0o755), ("027", 0o640, 0o750), ("077", 0o600, 0o700)]
    {
        let script = format!("umask {umask} && exec \"$0\" \"$@\"");
        let shelf = Shelf::start_in(Folder::make(), &["sh", "-c", &script], &[]);
        is_kept(&shelf.send(&put("/d/e/f"), b"abc"), b"abc");
        assert_eq!(mode(&shelf.path("d/e/f")), file, "{umask}");
        assert_eq!(["d", "d/e"].map(|name| mode(&shelf.path(name))), [folder; 2], "{umask}");
    }
}

/// Eight at once, to eight names and to one.
#[test]
fn uploads_at_once_do_not_mix() {
    for wrapper in [&[], SEEN] {
        if !wrapper.is_empty() && !can(wrapper) {
            continue;
        }
        let shelf = Shelf::start_in(Folder::make(), wrapper, &["--workers", "2"]);
        for is_one in [false, true] {
            let name = |number| format!("deep/er/{}", if is_one { 9 } else { number });
            let contents: Vec<_> = (0..8).map(|seed| content(300_000, seed)).collect();
            let head = |number| put(&format!("/{}", name(number)));
            let mut clients: Vec<_> =
                (0..8).map(|number| shelf.begin(&head(number), contents[number].len())).collect();
            for at in (0..300_000).step_by(50_000) {
                for (client, content) in clients.iter_mut().zip(&contents) {
                    client.send(&content[at..at + 50_000]);
                }
            }
            for (client, content) in clients.iter_mut().zip(&contents) {
                is_kept(&client.answer(), content);
            }
            if is_one {
                assert!(contents.contains(&shelf.read(&name(0))), "it is one of them");
            } else {
                for (number, content) in contents.iter().enumerate() {
                    assert!(shelf.read(&name(number)) == *content, "{number}");
                }
            }
        }
        assert_eq!(shelf.listing().len(), 9 + 2);
    }
}
