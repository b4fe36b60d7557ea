//! What a client asks for.

use super::{Config, content};

/// What S3 calls what a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An object from the request's content.
    PutObject,
    /// The fields of an object.
    HeadObject,
    /// An object.
    GetObject,
    /// An object is to go.
    DeleteObject,
    /// A bucket is to be.
    CreateBucket,
    /// Whether a bucket is there.
    HeadBucket,
    /// A multipart upload begins.
    CreateMultipartUpload,
    /// A part of it.
    UploadPart,
    /// Its parts become an object.
    CompleteMultipartUpload,
    /// Its parts are to go.
    AbortMultipartUpload,
    /// Those that are unfinished.
    ListMultipartUploads,
    /// None of these.
    Other,
}

/// A head as it came.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) method: String,
    /// As it stands in the request line.
    pub(super) target: String,
    /// True of HTTP/1.0.
    pub(super) is_old: bool,
    /// Names in lower case, values without white space around them, in their order.
    pub(super) fields: Vec<(String, String)>,
}

impl Head {
    /// Reads it with the empty line at its end. `Err` says what is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut room = [httparse::EMPTY_HEADER; 100];
        let mut parsed = httparse::Request::new(&mut room);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
            _ => return Err("the head is malformed"),
        }
        let mut fields = Vec::new();
        for field in parsed.headers.iter() {
            let value = str::from_utf8(field.value).map_err(|_| "a field is no text")?;
            fields.push((field.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let head = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            target: parsed.path.unwrap_or_default().to_owned(),
            is_old: parsed.version == Some(0),
            fields,
        };
        if head.all("host").count() != 1 && !head.is_old {
            return Err("Host does not stand there once");
        }
        Ok(head)
    }

    /// All values of a field.
    pub(super) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.fields.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// True if a list has that member, in whatever case.
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        let mut members = self.all(name).flat_map(|value| value.split(','));
        members.any(|own| own.trim().eq_ignore_ascii_case(member))
    }

    pub(super) fn expects_continue(&self) -> bool {
        self.lists("expect", "100-continue")
    }

    pub(super) fn asks_to_close(&self) -> bool {
        self.lists("connection", "close") || self.is_old && !self.lists("connection", "keep-alive")
    }

    /// How its content ends. `Err` says what is wrong with it.
    pub(super) fn framing(&self) -> Result<content::Framing, &'static str> {
        let lengths: Vec<&str> = self.all("content-length").collect();
        let codings: Vec<&str> = self.all("transfer-encoding").collect();
        match (&lengths[..], &codings[..]) {
            ([], []) => Ok(content::Framing::None),
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => {
                Ok(content::Framing::Chunked)
            }
            ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
                let length = length.parse().map_err(|_| "the length is too large")?;
                Ok(content::Framing::Length(length))
            }
            _ => Err("the framing is malformed"),
        }
    }

    /// The path, without scheme and authority.
    pub(super) fn path(&self) -> &str {
        let target = self.target.split('?').next().unwrap_or_default();
        match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => target,
        }
    }

    /// Names and values of the query, decoded, in their order.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| decode(text).unwrap_or_default();
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect()
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) operation: Operation,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: Vec<(String, String)>,
}

impl Subject {
    pub(super) fn of(head: &Head, config: &Config) -> Self {
        let path = decode(head.path()).unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(&path).to_owned();
        let query = head.query();
        if config.is_plain {
            let operation = object_operation(&head.method);
            return Self { operation, bucket: String::new(), key: path, query };
        }
        let host = head.field("host").unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let named = config.domain.as_ref().and_then(|domain| {
            host.strip_suffix(domain.as_str())?.strip_suffix('.').map(str::to_owned)
        });
        let (bucket, key) = match named {
            Some(bucket) => (bucket, path),
            None => match path.split_once('/') {
                Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
                None => (path, String::new()),
            },
        };
        let operation = operation(&head.method, &key, &query);
        Self { operation, bucket, key, query }
    }

    /// The value of a name in the query.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }
}

fn value<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

fn object_operation(method: &str) -> Operation {
    match method {
        "PUT" => Operation::PutObject,
        "HEAD" => Operation::HeadObject,
        "GET" => Operation::GetObject,
        "DELETE" => Operation::DeleteObject,
        _ => Operation::Other,
    }
}

fn operation(method: &str, key: &str, query: &[(String, String)]) -> Operation {
    let has = |name| value(query, name).is_some();
    match method {
        "POST" if has("uploads") && !key.is_empty() => Operation::CreateMultipartUpload,
        "POST" if has("uploadId") => Operation::CompleteMultipartUpload,
        "PUT" if has("uploadId") && has("partNumber") => Operation::UploadPart,
        "DELETE" if has("uploadId") => Operation::AbortMultipartUpload,
        "GET" if has("uploads") && key.is_empty() => Operation::ListMultipartUploads,
        "PUT" if key.is_empty() => Operation::CreateBucket,
        "HEAD" if key.is_empty() => Operation::HeadBucket,
        _ if key.is_empty() => Operation::Other,
        _ => object_operation(method),
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3) and those of `kept`.
pub(super) fn encode(text: &str, kept: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let letter = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(letter) || kept.contains(letter) {
            encoded.push(letter);
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

/// Percent-decodes (RFC 3986 section 2.1). `None` if it is malformed or no UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = str::from_utf8(behind.get(..2)?).ok()?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        rest = &behind[2..];
    }
    String::from_utf8(bytes).ok()
}
