//! Multipart uploads.

use std::collections::BTreeMap;
use std::time::SystemTime;

use md5::{Digest, Md5};

use super::objects::{Object, kept_fields};
use super::operations::{Doing, Received, hex};
use super::request::encode;
use super::xml::{escape, leaves};
use super::{Answer, time};

/// The highest number of a part.
const LAST: u32 = 10_000;

/// So many uploads are listed in one answer at most.
const MOST_LISTED: usize = 1000;

/// One that is unfinished.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What the client names it by; it has characters that a query does not take.
    pub id: String,
    /// Where the object is to be.
    pub bucket: String,
    /// What the object is to be called.
    pub key: String,
    /// The fields that are to be kept with the object: names in lower case, and values.
    pub fields: Vec<(String, String)>,
    /// When it began.
    pub time: SystemTime,
    /// By their numbers.
    pub parts: BTreeMap<u32, Part>,
}

/// A part of an upload.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its content; `None` if it is longer than what the store keeps.
    pub content: Option<Vec<u8>>,
    /// Bytes of its content.
    pub length: u64,
    /// With its quotes.
    pub etag: String,
    md5: [u8; 16],
}

/// Those that are unfinished, and those that were aborted.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    /// In the order in which they began.
    pub(super) unfinished: Vec<Upload>,
    aborted: Vec<Upload>,
    begun: usize,
}

fn take(uploads: &mut Vec<Upload>, id: &str) -> Option<Upload> {
    let at = uploads.iter().position(|upload| upload.id == id)?;
    Some(uploads.remove(at))
}

impl Doing<'_> {
    pub(super) fn create_upload(&mut self) -> Answer {
        let uploads = &mut self.state.uploads;
        // What has to be encoded in a query will be forgotten to be.
        let id = format!("{}+id/&=", uploads.begun);
        uploads.begun += 1;
        uploads.unfinished.push(Upload {
            id: id.clone(),
            bucket: self.subject.bucket.clone(),
            key: self.subject.key.clone(),
            fields: kept_fields(&self.head.fields),
            time: self.now,
            parts: BTreeMap::new(),
        });
        self.answer_with("InitiateMultipartUploadResult", &[("UploadId", &id)])
    }

    pub(super) fn upload_part(&mut self, received: Received) -> (Answer, bool) {
        let number = self.subject.value("partNumber").and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|number| (1..=LAST).contains(number)) else {
            return (Answer::error("InvalidArgument"), false);
        };
        let (etag, limit) = (self.etag(&received.md5, ""), self.state.config.keeps);
        let part = Part {
            content: received.content.filter(|_| received.length <= limit),
            length: received.length,
            etag: etag.clone(),
            md5: received.md5,
        };
        if self.revives {
            let id = self.subject.value("uploadId").unwrap_or_default();
            let aborted = take(&mut self.state.uploads.aborted, id);
            self.state.uploads.unfinished.extend(aborted);
        }
        let Some(upload) = self.upload() else { return (Answer::error("NoSuchUpload"), false) };
        upload.parts.insert(number, part);
        (Answer::status(200).with("ETag", &etag), true)
    }

    pub(super) fn abort_upload(&mut self) -> (Answer, bool) {
        let Some(id) = self.upload().map(|upload| upload.id.clone()) else {
            return (Answer::error("NoSuchUpload"), false);
        };
        let uploads = &mut self.state.uploads;
        uploads.aborted.extend(take(&mut uploads.unfinished, &id));
        (Answer::status(204), true)
    }

    pub(super) fn complete_upload(&mut self, received: &Received) -> (Answer, bool) {
        let content = received.content.as_deref().unwrap_or_default();
        let named = str::from_utf8(content).ok().and_then(parts);
        let smallest = self.state.config.smallest_part;
        let Some(upload) = self.upload().cloned() else {
            return (Answer::error("NoSuchUpload"), false);
        };
        if named.as_ref().is_some_and(Vec::is_empty) {
            self.state.log.faults.push("an upload is to be completed without parts".to_owned());
        }
        let Some(named) = named.filter(|named| !named.is_empty()) else {
            return (Answer::error("MalformedXML"), false);
        };
        let parts = match chosen(&upload, &named, smallest) {
            Ok(parts) => parts,
            Err(code) => return (Answer::error(code), false),
        };
        let version = self.state.next_version();
        let object = self.assembled(&upload, &parts, version.clone());
        let etag = object.etag.clone();
        take(&mut self.state.uploads.unfinished, &upload.id);
        self.state.buckets.put(&upload.bucket, &upload.key, object);
        let location = format!("http://s3.test/{}/{}", upload.bucket, upload.key);
        let leaves = [("Location", &*location), ("ETag", &etag)];
        let answer = self.answer_with("CompleteMultipartUploadResult", &leaves);
        (answer.of_version(version.as_deref()), true)
    }

    fn assembled(&self, upload: &Upload, parts: &[&Part], version: Option<String>) -> Object {
        let length = parts.iter().map(|part| part.length).sum();
        let pieces: Option<Vec<&[u8]>> = parts.iter().map(|part| part.content.as_deref()).collect();
        let content = pieces.map(|pieces| pieces.concat());
        let md5s: Vec<u8> = parts.iter().flat_map(|part| part.md5).collect();
        Object {
            md5: content.as_ref().map(|content| hex(&Md5::digest(content))),
            content: content.filter(|_| length <= self.state.config.keeps),
            length,
            etag: self.etag(&Md5::digest(md5s), &format!("-{}", parts.len())),
            fields: upload.fields.clone(),
            version,
            time: self.now,
            request: self.request,
        }
    }

    /// Those of a bucket behind a marker, by their keys, and among these by their age.
    pub(super) fn list_uploads(&self) -> Answer {
        let value = |name| self.subject.value(name).unwrap_or_default();
        let most = value("max-uploads").parse().unwrap_or(MOST_LISTED).min(MOST_LISTED);
        let uploads = &self.state.uploads.unfinished;
        let mut listed: Vec<&Upload> =
            uploads.iter().filter(|upload| upload.bucket == self.subject.bucket).collect();
        listed.retain(|upload| upload.key.starts_with(value("prefix")));
        listed.sort_by_key(|upload| &upload.key);
        let (key, id) = (value("key-marker"), value("upload-id-marker"));
        let marked = listed.iter().position(|upload| upload.key == key && upload.id == id);
        match marked {
            Some(marked) => drop(listed.drain(..=marked)),
            None => listed.retain(|upload| upload.key.as_str() > key),
        }
        let is_url = value("encoding-type") == "url";
        let written = |key: &str| if is_url { encode(key, "/") } else { escape(key) };
        let is_truncated = listed.len() > most;
        listed.truncate(most);
        let mut xml = String::new();
        if let Some(last) = listed.last().filter(|_| is_truncated) {
            let (key, id) = (written(&last.key), escape(&last.id));
            xml += &format!("<NextKeyMarker>{key}</NextKeyMarker>");
            xml += &format!("<NextUploadIdMarker>{id}</NextUploadIdMarker>");
        }
        xml += &format!("<IsTruncated>{is_truncated}</IsTruncated>");
        for Upload { id, key, time, .. } in listed {
            let (key, id, begun) = (written(key), escape(id), time::iso_date(*time));
            xml += &format!(
                "<Upload><Key>{key}</Key><UploadId>{id}</UploadId>\
                 <Initiated>{begun}</Initiated></Upload>"
            );
        }
        self.answer("ListMultipartUploadsResult", &xml)
    }

    /// The upload that the request names.
    fn upload(&mut self) -> Option<&mut Upload> {
        let (subject, id) = (self.subject, self.subject.value("uploadId")?);
        let mut uploads = self.state.uploads.unfinished.iter_mut();
        let names = |upload: &Upload| upload.bucket == subject.bucket && upload.key == subject.key;
        uploads.find(|upload| upload.id == id && names(upload))
    }

    /// XML of one element around others with text.
    fn answer_with(&self, element: &str, leaves: &[(&str, &str)]) -> Answer {
        let key = ("Key", self.subject.key.as_str());
        let leaves = leaves.iter().copied().chain([key]);
        let xml: String =
            leaves.map(|(name, text)| format!("<{name}>{}</{name}>", escape(text))).collect();
        self.answer(element, &xml)
    }

    fn answer(&self, element: &str, xml: &str) -> Answer {
        let bucket = escape(&self.subject.bucket);
        let space = "http://s3.amazonaws.com/doc/2006-03-01/";
        Answer::status(200).with_xml(&format!(
            "<{element} xmlns=\"{space}\"><Bucket>{bucket}</Bucket>{xml}</{element}>"
        ))
    }
}

/// Numbers and ETags without quotes, as a CompleteMultipartUpload names them.
fn parts(document: &str) -> Option<Vec<(u32, String)>> {
    let mut parts = Vec::new();
    let (mut number, mut etag) = (None, None);
    for (around, text) in leaves(document)? {
        let around: Vec<&str> = around.iter().map(String::as_str).collect();
        match around[..] {
            ["CompleteMultipartUpload", "Part", "PartNumber"] => {
                number = Some(text.trim().parse().ok()?);
            }
            ["CompleteMultipartUpload", "Part", "ETag"] => {
                etag = Some(text.trim().trim_matches('"').to_owned());
            }
            ["CompleteMultipartUpload"] => return Some(Vec::new()),
            _ => return None,
        }
        if number.is_some() && etag.is_some() {
            parts.extend(number.take().zip(etag.take()));
        }
    }
    (number.is_none() && etag.is_none()).then_some(parts)
}

/// The parts that are named, or the code of what is wrong with them.
fn chosen<'u>(
    upload: &'u Upload,
    named: &[(u32, String)],
    smallest: u64,
) -> Result<Vec<&'u Part>, &'static str> {
    if !named.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err("InvalidPartOrder");
    }
    let part = |(number, etag): &(u32, String)| {
        let part = upload.parts.get(number)?;
        (part.etag.trim_matches('"') == etag).then_some(part)
    };
    let parts: Option<Vec<&Part>> = named.iter().map(part).collect();
    let parts = parts.ok_or("InvalidPart")?;
    let (_, all_but_last) = parts.split_last().ok_or("MalformedXML")?;
    let is_small = all_but_last.iter().any(|part| part.length < smallest);
    if is_small { Err("EntityTooSmall") } else { Ok(parts) }
}
