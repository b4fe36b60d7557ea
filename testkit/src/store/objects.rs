//! What a store has.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// An object, as whoever asks gets it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its content; `None` if it is longer than what the store keeps.
    pub content: Option<Vec<u8>>,
    /// Bytes of its content.
    pub length: u64,
    /// The MD5 of its content, in hexadecimal digits; that of a multipart upload is not known
    /// if a part was too long to be kept.
    pub md5: Option<String>,
    /// With its quotes.
    pub etag: String,
    /// The fields that are kept with it: names in lower case, and values.
    pub fields: Vec<(String, String)>,
    /// When it was put.
    pub time: SystemTime,
    /// Which of the log's requests made it.
    pub request: usize,
}

impl Object {
    /// The value of a field that is kept with it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Fields of a PUT that are kept with the object, besides `x-amz-meta-*`.
const KEPT: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-checksum-sha256",
];

/// Those of a head that are kept with its object.
pub(super) fn kept_fields(fields: &[(String, String)]) -> Vec<(String, String)> {
    let is_kept = |name: &str| KEPT.contains(&name) || name.starts_with("x-amz-meta-");
    fields.iter().filter(|(name, _)| is_kept(name)).cloned().collect()
}

/// By the names of buckets, then by keys. A plain origin has one with the empty name.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    all: BTreeMap<String, BTreeMap<String, Object>>,
}

impl Buckets {
    pub(super) fn create(&mut self, name: &str) {
        self.all.entry(name.to_owned()).or_default();
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.all.get(bucket)?.get(key)
    }

    pub(super) fn put(&mut self, bucket: &str, key: &str, object: Object) {
        self.all.entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    pub(super) fn delete(&mut self, bucket: &str, key: &str) -> bool {
        self.all.get_mut(bucket).is_some_and(|objects| objects.remove(key).is_some())
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        self.all.get(bucket).map(|objects| objects.keys().cloned().collect()).unwrap_or_default()
    }
}
