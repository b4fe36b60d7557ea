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
    /// Which of its versions it is, if the store keeps several.
    pub version: Option<String>,
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
    all: BTreeMap<String, BTreeMap<String, Versions>>,
}

/// From the oldest to the current one. `None` says that there is no object from then on.
type Versions = Vec<(String, Option<Object>)>;

impl Buckets {
    pub(super) fn create(&mut self, name: &str) {
        self.all.entry(name.to_owned()).or_default();
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        let (_, current) = self.all.get(bucket)?.get(key)?.last()?;
        current.as_ref()
    }

    /// The names of the versions of a key, from the oldest to the current one.
    pub(super) fn versions(&self, bucket: &str, key: &str) -> Vec<String> {
        let versions = self.all.get(bucket).and_then(|keys| keys.get(key));
        versions.into_iter().flatten().map(|(version, _)| version.clone()).collect()
    }

    /// Puts an object, in the place of all others if it is no version among them.
    pub(super) fn put(&mut self, bucket: &str, key: &str, object: Object) {
        let version = object.version.clone();
        self.add(bucket, key, version, Some(object));
    }

    fn add(&mut self, bucket: &str, key: &str, version: Option<String>, object: Option<Object>) {
        let keys = self.all.entry(bucket.to_owned()).or_default();
        let versions = keys.entry(key.to_owned()).or_default();
        if version.is_none() {
            versions.clear();
        }
        if version.is_some() || object.is_some() {
            versions.push((version.unwrap_or_default(), object));
        }
    }

    /// Has no object from now on. What was there stays if this is a version of its own. True if
    /// there was one.
    pub(super) fn delete(&mut self, bucket: &str, key: &str, version: Option<String>) -> bool {
        let was_there = self.object(bucket, key).is_some();
        self.add(bucket, key, version, None);
        was_there
    }

    /// Has this version no more; the one before it is the current one if it was that. True if
    /// there was one.
    pub(super) fn delete_version(&mut self, bucket: &str, key: &str, version: &str) -> bool {
        let keys = self.all.get_mut(bucket).and_then(|keys| keys.get_mut(key));
        let Some(versions) = keys else { return false };
        let before = versions.len();
        versions.retain(|(own, _)| own != version);
        versions.len() < before
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        let Some(keys) = self.all.get(bucket) else { return Vec::new() };
        keys.keys().filter(|key| self.object(bucket, key).is_some()).cloned().collect()
    }
}
