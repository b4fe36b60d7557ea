//! What a store answers, and the bytes of it.

use super::Space;
use super::xml::escape;

/// A final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// Names and values, without those of the framing.
    pub fields: Vec<(String, String)>,
    /// What follows the head.
    pub content: Content,
}

/// The content of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// An error of S3 with this code, in XML.
    Error(String),
    /// None, in the answer to a HEAD that says so many bytes.
    Absent(u64),
}

/// Codes of S3 with their status and a message.
const ERRORS: [(&str, u16, &str); 31] = [
    ("AccessDenied", 403, "Access Denied"),
    (
        "AuthorizationHeaderMalformed",
        400,
        "The authorization header that you provided is not valid.",
    ),
    ("AuthorizationQueryParametersError", 400, "The authorization parameters are not valid."),
    ("BadDigest", 400, "The Content-MD5 you specified did not match what we received."),
    ("BadRequest", 400, "An error occurred when parsing the HTTP request."),
    ("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"),
    ("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size"),
    ("ExpiredToken", 400, "The provided token has expired."),
    ("IncompleteBody", 400, "The request body terminated unexpectedly"),
    ("InternalError", 500, "We encountered an internal error. Please try again."),
    ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist."),
    ("InvalidArgument", 400, "Only one auth mechanism allowed"),
    ("InvalidDigest", 400, "The Content-MD5 you specified was invalid."),
    ("InvalidPart", 400, "One or more of the specified parts could not be found."),
    ("InvalidPartOrder", 400, "The list of parts was not in ascending order."),
    ("InvalidRequest", 400, "Invalid Request"),
    ("InvalidToken", 400, "The provided token is malformed or otherwise not valid."),
    ("InvalidURI", 400, "The specified URI couldn't be parsed."),
    ("MalformedXML", 400, "The XML you provided was not well-formed."),
    ("MethodNotAllowed", 405, "The specified method is not allowed against this resource."),
    ("MissingContentLength", 411, "You must provide the Content-Length HTTP header."),
    ("NoSuchBucket", 404, "The specified bucket does not exist"),
    ("NoSuchKey", 404, "The specified key does not exist."),
    ("NoSuchUpload", 404, "The specified upload does not exist."),
    ("NotImplemented", 501, "A header you provided implies functionality that is not implemented"),
    ("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"),
    (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    (
        "RequestTimeout",
        400,
        "Your socket connection to the server was not read from or written to within the timeout period.",
    ),
    ("SlowDown", 503, "Please reduce your request rate."),
    (
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you provided.",
    ),
    ("XAmzContentSHA256Mismatch", 400, "The provided x-amz-content-sha256 does not match."),
];

fn message(code: &str) -> &'static str {
    let known = ERRORS.iter().find(|(own, ..)| *own == code);
    known.map_or("This is an error of a script.", |(.., message)| message)
}

impl Answer {
    /// With no fields and no content.
    pub fn status(status: u16) -> Self {
        Self { status, fields: Vec::new(), content: Content::Bytes(Vec::new()) }
    }

    /// An error of S3, with the status that belongs to its code: 400 if it is none of those
    /// that are known.
    pub fn error(code: &str) -> Self {
        let known = ERRORS.iter().find(|(own, ..)| *own == code);
        let status = known.map_or(400, |(_, status, _)| *status);
        Self::status(status).with_content(Content::Error(code.to_owned()))
    }

    /// 200 with an error inside, as the answer to a CompleteMultipartUpload may be.
    pub fn error_inside(code: &str) -> Self {
        Self { status: 200, ..Self::error(code) }
    }

    /// With this field, too.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this content in place of its own.
    #[must_use]
    pub fn with_content(self, content: Content) -> Self {
        Self { content, ..self }
    }

    /// With the name of a version, if there is one.
    pub(super) fn of_version(self, version: Option<&str>) -> Self {
        match version {
            Some(version) => self.with("x-amz-version-id", version),
            None => self,
        }
    }

    /// With this XML.
    pub(super) fn with_xml(self, xml: &str) -> Self {
        let xml = format!("{DECLARATION}{xml}");
        self.with("Content-Type", "application/xml").with_content(Content::Bytes(xml.into()))
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// How the content of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes as `Content-Length` says.
    Length,
    /// With the last of chunks of so many bytes.
    Chunked(usize),
    /// With the connection, of which it says nothing.
    ToEnd,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It has two lengths that differ.
    TwoLengths,
    /// It has a length and is chunked.
    LengthBesideCoding,
    /// It is chunked, and a chunk line is none.
    BadChunk,
    /// Its status line is none.
    BadStatusLine,
    /// A line of its head has no colon.
    BadField,
    /// Its head has so many bytes of a field that nobody needs.
    LongHead(usize),
}

/// What an answer is written for.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    /// True if the request was a HEAD: its answer has no content, whatever its length says.
    pub(super) is_head: bool,
    pub(super) date: String,
    /// Of S3 alone.
    pub(super) request_id: Option<String>,
    pub(super) resource: String,
    pub(super) framing: Framing,
    pub(super) malformed: Option<Malformed>,
    /// True if it says `Connection: close`.
    pub(super) says_close: bool,
}

/// An answer in bytes, with the place where white space may come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The head, and the content before that place.
    pub(super) start: Vec<u8>,
    /// Each piece of white space, in the coding of the content.
    pub(super) spaces: Vec<Vec<u8>>,
    /// The content behind it.
    pub(super) rest: Vec<u8>,
    /// True if the connection has to end behind it.
    pub(super) ends: bool,
}

impl Writing {
    /// With so many bytes of white space at that place.
    pub(super) fn write(&self, answer: &Answer, place: Space, spaces: usize) -> Written {
        let bytes = self.content(answer);
        let framing = match self.malformed {
            Some(Malformed::LengthBesideCoding | Malformed::BadChunk) => Framing::Chunked(1000),
            _ => self.framing,
        };
        let length = match answer.content {
            Content::Absent(length) => length,
            _ => (bytes.len() + spaces) as u64,
        };
        let mut start = self.head(answer, framing, length);
        let ends = self.says_close || framing == Framing::ToEnd;
        if self.is_head || matches!(answer.status, 204 | 304) {
            return Written { start, spaces: Vec::new(), rest: Vec::new(), ends };
        }
        let declaration = match place {
            Space::BehindDeclaration if bytes.starts_with(DECLARATION.as_bytes()) => {
                DECLARATION.len()
            }
            _ => 0,
        };
        let (before, behind) = bytes.split_at(declaration);
        start.extend(coded(framing, before));
        let mut rest = coded(framing, behind);
        if let Framing::Chunked(_) = framing {
            let is_bad = self.malformed == Some(Malformed::BadChunk);
            rest.extend(if is_bad { b"chunk\r\n\r\n".as_slice() } else { b"0\r\n\r\n" });
        }
        Written { start, spaces: vec![coded(framing, b" "); spaces], rest, ends }
    }

    fn content(&self, answer: &Answer) -> Vec<u8> {
        match &answer.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Absent(_) => Vec::new(),
            Content::Error(code) => {
                let (message, resource) = (message(code), escape(&self.resource));
                let id = self.request_id.as_deref().unwrap_or_default();
                format!(
                    "{DECLARATION}<Error><Code>{code}</Code><Message>{message}</Message>\
                     <Resource>{resource}</Resource><RequestId>{id}</RequestId></Error>"
                )
                .into()
            }
        }
    }

    fn head(&self, answer: &Answer, framing: Framing, length: u64) -> Vec<u8> {
        let status = answer.status;
        let mut head = match self.malformed {
            Some(Malformed::BadStatusLine) => format!("HTTP/1.1 {status:05}\r\n"),
            _ => format!("HTTP/1.1 {status} {}\r\n", reason(status)),
        };
        let mut field = |name: &str, value: &str| {
            head += &format!("{name}: {value}\r\n");
        };
        field("Date", &self.date);
        if let Some(id) = &self.request_id {
            field("x-amz-request-id", id);
            field("Server", "AmazonS3");
        }
        for (name, value) in &answer.fields {
            field(name, value);
        }
        if matches!(answer.content, Content::Error(_)) {
            field("Content-Type", "application/xml");
        }
        if self.says_close {
            field("Connection", "close");
        }
        match framing {
            _ if status == 204 => {}
            Framing::Length => field("Content-Length", &length.to_string()),
            Framing::Chunked(_) => field("Transfer-Encoding", "chunked"),
            Framing::ToEnd => {}
        }
        match self.malformed {
            Some(Malformed::TwoLengths) => field("Content-Length", &(length + 1).to_string()),
            Some(Malformed::LengthBesideCoding) => field("Content-Length", &length.to_string()),
            Some(Malformed::LongHead(bytes)) => field("x-long", &"x".repeat(bytes)),
            Some(Malformed::BadField) => head += "no colon\r\n",
            _ => {}
        }
        head += "\r\n";
        head.into()
    }
}

/// Content as it is sent, without the last chunk.
fn coded(framing: Framing, bytes: &[u8]) -> Vec<u8> {
    let Framing::Chunked(size) = framing else { return bytes.to_vec() };
    let mut chunks = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend(chunk);
        chunks.extend(b"\r\n");
    }
    chunks
}

/// The words of a status line.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        412 => "Precondition Failed",
        417 => "Expectation Failed",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Slow Down",
        _ => "Scripted",
    }
}
