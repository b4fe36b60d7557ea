//! What a store does when it is asked properly.

use std::time::SystemTime;

use md5::{Digest, Md5};

use super::answer::Content;
use super::content::Framing;
use super::objects::{Object, kept_fields};
use super::request::{Head, Subject};
use super::state::State;
use super::{Answer, Conditions, Operation};
use crate::naive::base64;
use crate::naive::digests::digest;

/// The content of a request, when all of it has come.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// `None` if it is longer than what is kept.
    pub(super) content: Option<Vec<u8>>,
    pub(super) length: u64,
    pub(super) md5: [u8; 16],
}

impl Received {
    fn hex(&self) -> String {
        hex(&self.md5)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One request to a store.
pub(super) struct Doing<'s> {
    pub(super) state: &'s mut State,
    pub(super) head: &'s Head,
    pub(super) subject: &'s Subject,
    pub(super) now: SystemTime,
    /// Which of the log's requests it is.
    pub(super) request: usize,
    /// True if ETags are others than the MD5 makes.
    pub(super) has_other_etag: bool,
    /// True if a part is taken though its upload was aborted.
    pub(super) revives: bool,
}

/// What is refused, and how.
type Judgement = Result<(), Answer>;

impl Doing<'_> {
    /// What can be told from the head alone.
    pub(super) fn judge_head(&self, framing: Framing) -> Judgement {
        let config = &self.state.config;
        let takes_content =
            matches!(self.subject.operation, Operation::PutObject | Operation::UploadPart);
        if !config.is_plain {
            self.judge_bucket()?;
            if takes_content && config.needs_length && !matches!(framing, Framing::Length(_)) {
                return Err(Answer::error("MissingContentLength"));
            }
            let is_streaming = |value: &str| value.starts_with("STREAMING-");
            if self.head.lists("content-encoding", "aws-chunked")
                || self.head.field("x-amz-content-sha256").is_some_and(is_streaming)
            {
                return Err(Answer::error("NotImplemented"));
            }
        }
        if matches!(framing, Framing::Length(length) if length > config.largest) {
            return Err(Answer::error("EntityTooLarge"));
        }
        self.judge_conditions()
    }

    fn judge_bucket(&self) -> Judgement {
        let Subject { operation, bucket, .. } = self.subject;
        let is_there = self.state.buckets.has(bucket);
        if is_there || *operation == Operation::CreateBucket {
            return Ok(());
        }
        Err(Answer::error("NoSuchBucket"))
    }

    fn judge_conditions(&self) -> Judgement {
        let matches = self.head.field("if-match");
        let none_matches = self.head.field("if-none-match");
        let changes = matches!(
            self.subject.operation,
            Operation::PutObject | Operation::CompleteMultipartUpload | Operation::DeleteObject
        );
        if !changes || matches.is_none() && none_matches.is_none() {
            return Ok(());
        }
        match self.state.config.conditions {
            Conditions::Ignored => return Ok(()),
            Conditions::Refused => return Err(Answer::error("NotImplemented")),
            Conditions::Honoured => {}
        }
        let there = self.state.buckets.object(&self.subject.bucket, &self.subject.key);
        let is_met = |etag: &str| there.is_some_and(|own| etag == "*" || own.etag == etag);
        match (matches, none_matches) {
            (Some(_), _) if there.is_none() => Err(Answer::error("NoSuchKey")),
            (Some(etag), _) if !is_met(etag) => Err(Answer::error("PreconditionFailed")),
            (_, Some(etag)) if is_met(etag) => Err(Answer::error("PreconditionFailed")),
            _ => Ok(()),
        }
    }

    /// What can be told when the content has come: its length, its digests, and what others
    /// did meanwhile.
    pub(super) fn judge_content(&self, received: &Received) -> Judgement {
        if received.length > self.state.config.largest {
            return Err(Answer::error("EntityTooLarge"));
        }
        if let Some(declared) = self.head.field("content-md5") {
            judge_digest(declared, &received.md5)?;
        }
        if let Some(declared) = self.head.field("x-amz-checksum-sha256") {
            // Content that has a declared digest is kept until here.
            let content = received.content.as_deref().unwrap_or_default();
            judge_digest(declared, &digest("sha-256", content))?;
        }
        self.judge_conditions()
    }

    /// The ETag that an MD5 makes, or another one.
    pub(super) fn etag(&self, md5: &[u8], suffix: &str) -> String {
        let digits = if self.has_other_etag { hex(&Md5::digest(md5)) } else { hex(md5) };
        format!("\"{digits}{suffix}\"")
    }

    /// Does it. True if it changed what the store has.
    pub(super) fn run(&mut self, received: Received) -> (Answer, bool) {
        match self.subject.operation {
            Operation::PutObject => (self.put(received), true),
            Operation::HeadObject => (self.get(true), false),
            Operation::GetObject => (self.get(false), false),
            Operation::DeleteObject => {
                let Subject { bucket, key, .. } = self.subject;
                let was_there = match self.subject.value("versionId") {
                    Some(version) => self.state.buckets.delete_version(bucket, key, version),
                    None => {
                        let version = self.state.next_version();
                        self.state.buckets.delete(bucket, key, version)
                    }
                };
                (Answer::status(204), was_there)
            }
            Operation::CreateBucket => {
                self.state.buckets.create(&self.subject.bucket);
                (Answer::status(200), true)
            }
            Operation::HeadBucket => (Answer::status(200), false),
            Operation::CreateMultipartUpload => (self.create_upload(), true),
            Operation::UploadPart => self.upload_part(received),
            Operation::CompleteMultipartUpload => self.complete_upload(&received),
            Operation::AbortMultipartUpload => self.abort_upload(),
            Operation::ListMultipartUploads => (self.list_uploads(), false),
            Operation::Other => (Answer::error("MethodNotAllowed"), false),
        }
    }

    fn put(&mut self, received: Received) -> Answer {
        let etag = self.etag(&received.md5, "");
        let version = self.state.next_version();
        let (limit, length) = (self.state.config.keeps, received.length);
        let object = Object {
            md5: Some(received.hex()),
            content: received.content.filter(|_| length <= limit),
            length,
            etag: etag.clone(),
            version: version.clone(),
            fields: kept_fields(&self.head.fields),
            time: self.now,
            request: self.request,
        };
        self.state.buckets.put(&self.subject.bucket, &self.subject.key, object);
        let answer = Answer::status(200).with("ETag", &etag).of_version(version.as_deref());
        match self.head.field("x-amz-checksum-sha256") {
            Some(digest) => answer.with("x-amz-checksum-sha256", digest),
            None => answer,
        }
    }

    fn get(&self, is_head: bool) -> Answer {
        let Some(object) = self.state.buckets.object(&self.subject.bucket, &self.subject.key)
        else {
            return Answer::error("NoSuchKey");
        };
        let date = super::time::http_date(object.time);
        let answer = Answer::status(200).with("ETag", &object.etag).with("Last-Modified", &date);
        let answer = answer.of_version(object.version.as_deref());
        let answer =
            object.fields.iter().fold(answer, |answer, (name, value)| answer.with(name, value));
        answer.with_content(match &object.content {
            _ if is_head => Content::Absent(object.length),
            Some(content) => Content::Bytes(content.clone()),
            None => Content::Error("ContentNotKept".to_owned()),
        })
    }
}

fn judge_digest(declared: &str, own: &[u8]) -> Judgement {
    match base64::decode(declared.as_bytes()) {
        Some(declared) if declared == own => Ok(()),
        Some(declared) if declared.len() == own.len() => Err(Answer::error("BadDigest")),
        _ => Err(Answer::error("InvalidDigest")),
    }
}
