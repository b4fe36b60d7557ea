//! Uploads in parts.

use super::super::request::encode;
use super::super::{Act, Answer, End, Operation, Rule, Store};
use super::{in_every_cut, settle, start, talk};
use crate::content::digest;
use crate::naive::base64;

fn s3() -> Store {
    let store = Store::s3("b");
    store.configure(|config| config.smallest_part = 3);
    store
}

/// A store with an upload of the key `k`, and its name as a query has it.
fn begun() -> (Store, String) {
    let store = s3();
    let create = request("POST", "/b/k?uploads", "x-amz-meta-a: 1\r\n", "");
    let told = talk(&store, &[&create], None);
    assert!(told.output.contains("<UploadId>0+id/&amp;=</UploadId>"), "{}", told.output);
    let id = encode(&store.uploads()[0].id, "");
    (store, id)
}

fn request(method: &str, target: &str, fields: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: s3.test\r\n{fields}Content-Length: {length}\r\n\r\n\
         {content}"
    )
    .into()
}

fn part(id: &str, number: u32, content: &str) -> Vec<u8> {
    request("PUT", &format!("/b/k?partNumber={number}&uploadId={id}"), "", content)
}

fn complete(id: &str, parts: &[(u32, &str)]) -> Vec<u8> {
    let part = |(number, content): &(u32, &str)| {
        let etag = digest(content.as_bytes());
        format!("<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    let document = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    request("POST", &format!("/b/k?uploadId={id}"), "", &document)
}

/// What is answered to all of these in turn.
fn answers(store: &Store, requests: &[Vec<u8>]) -> Vec<String> {
    let told = talk(store, &[&requests.concat()], None);
    told.output.split("HTTP/1.1 ").skip(1).map(str::to_owned).collect()
}

#[test]
fn parts_become_an_object() {
    let (store, id) = begun();
    let all = [part(&id, 2, "lo"), part(&id, 1, "hel"), complete(&id, &[(1, "hel"), (2, "lo")])];
    let answers = answers(&store, &all);
    assert!(answers[0].contains(&format!("ETag: \"{}\"\r\n", digest(b"lo"))), "{}", answers[0]);
    // By Python: md5(md5(b"hel").digest() + md5(b"lo").digest()).
    let etag = "554a2f6105cc700b8cc987b5ddfb8102-2";
    assert!(answers[2].contains(&format!("<ETag>&quot;{etag}&quot;</ETag>")), "{}", answers[2]);
    let object = store.object("b", "k").expect("an object");
    assert_eq!((object.content.as_deref(), object.length), (Some(&b"hello"[..]), 5));
    assert_eq!(object.etag, format!("\"{etag}\""));
    assert_eq!((object.md5, object.fields.len()), (Some(digest(b"hello")), 1));
    assert!(store.uploads().is_empty());
    let operations: Vec<Operation> =
        store.log().requests.iter().map(|request| request.operation).collect();
    let part = Operation::UploadPart;
    let complete = Operation::CompleteMultipartUpload;
    assert_eq!(operations, [Operation::CreateMultipartUpload, part, part, complete]);
}

#[test]
fn an_upload_is_the_same_however_its_bytes_are_cut() {
    let id = encode("0+id/&=", "");
    let all = [
        request("POST", "/b/k?uploads", "", ""),
        part(&id, 1, "hel"),
        complete(&id, &[(1, "hel")]),
    ];
    let (told, store) = in_every_cut(s3, &[], &all.concat(), None);
    assert!(told.output.contains("-1&quot;</ETag>") && store.keys("b") == ["k"]);
}

#[test]
fn a_part_comes_again_and_takes_the_place_of_the_first() {
    let (store, id) = begun();
    let all = [part(&id, 1, "bye"), part(&id, 1, "hel"), complete(&id, &[(1, "hel")])];
    assert!(answers(&store, &all)[2].starts_with("200"));
    assert_eq!(store.object("b", "k").expect("an object").content, Some(b"hel".to_vec()));
}

#[test]
fn what_cannot_be_completed() {
    for (parts, code) in [
        (&[(1, "hex")][..], "InvalidPart"),
        (&[(1, "hel"), (3, "lo")], "InvalidPart"),
        (&[(2, "lo"), (1, "hel")], "InvalidPartOrder"),
        (&[(1, "hel"), (1, "hel")], "InvalidPartOrder"),
        (&[(2, "lo"), (4, "lo")], "EntityTooSmall"),
        (&[], "MalformedXML"),
    ] {
        let (store, id) = begun();
        let all =
            [part(&id, 1, "hel"), part(&id, 2, "lo"), part(&id, 4, "lo"), complete(&id, parts)];
        let answers = answers(&store, &all);
        assert!(answers[3].contains(&format!("<Code>{code}</Code>")), "{}", answers[3]);
        assert_eq!((store.keys("b").len(), store.uploads().len()), (0, 1));
        // That of no parts is what no client should send.
        assert_eq!(store.log().faults.len(), usize::from(parts.is_empty()));
    }
    for document in [
        "",
        "<CompleteMultipartUpload>",
        "<Other/>",
        "<CompleteMultipartUpload><Part>\
        <PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
    ] {
        let (store, id) = begun();
        let target = format!("/b/k?uploadId={id}");
        let answers = answers(&store, &[request("POST", &target, "", document)]);
        assert!(answers[0].contains("<Code>MalformedXML</Code>"), "{document}");
    }
}

#[test]
fn an_object_of_parts_is_conditional_and_a_version_as_others_are() {
    let (store, id) = begun();
    store.configure(|config| config.keeps_versions = true);
    let target = format!("/b/k?uploadId={id}");
    let held = request("POST", &target, "If-Match: *\r\n", "");
    let answers = answers(&store, &[held, part(&id, 1, "hel"), complete(&id, &[(1, "hel")])]);
    assert!(answers[0].starts_with("404") && answers[2].contains("x-amz-version-id: v.1\r\n"));
    assert_eq!(store.versions("b", "k"), ["v.1"]);
}

#[test]
fn an_upload_has_to_be_there() {
    let (store, id) = begun();
    let other = |target: &str| request("PUT", &format!("{target}uploadId={id}"), "", "");
    let all = [
        part("other", 1, ""),
        complete("other", &[(1, "")]),
        request("DELETE", "/b/k?uploadId=other", "", ""),
        other("/b/l?partNumber=1&"),
        other("/b/k?partNumber=0&"),
        other("/b/k?partNumber=10001&"),
    ];
    let answers = answers(&store, &all);
    assert!(answers[..4].iter().all(|answer| answer.contains("<Code>NoSuchUpload</Code>")));
    assert!(answers[4..].iter().all(|answer| answer.contains("<Code>InvalidArgument</Code>")));
    assert!(store.uploads()[0].parts.is_empty());
}

#[test]
fn an_upload_is_aborted_once() {
    let (store, id) = begun();
    let abort = request("DELETE", &format!("/b/k?uploadId={id}"), "", "");
    let all = [part(&id, 1, "hel"), abort.clone(), abort.clone(), part(&id, 2, "lo")];
    let answered = answers(&store, &all);
    assert!(answered[1].starts_with("204") && answered[2].starts_with("404"));
    assert!(answered[3].starts_with("404") && store.uploads().is_empty());
    // One that was on its way brings it back, and it is to be aborted again.
    store.script(Rule::always(Act::ReviveUpload).of(Operation::UploadPart));
    let answered = answers(&store, &[part(&id, 2, "lo")]);
    assert!(answered[0].starts_with("200"));
    assert_eq!(store.uploads()[0].parts.len(), 2);
    assert!(answers(&store, &[abort])[0].starts_with("204"));
}

#[test]
fn digests_of_parts_are_verified_and_cut_parts_are_none() {
    let (store, id) = begun();
    let target = format!("/b/k?partNumber=1&uploadId={id}");
    let md5 = base64::encode(&crate::naive::digests::digest("md5", b"hel"));
    let field = format!("Content-MD5: {}\r\n", String::from_utf8(md5).expect("text"));
    assert!(answers(&store, &[request("PUT", &target, &field, "hex")])[0].contains("BadDigest"));
    let whole = request("PUT", &target, &field, "hel");
    talk(&store, &[&whole[..whole.len() - 1]], Some(End::Reset));
    assert!(store.uploads()[0].parts.is_empty());
    assert!(answers(&store, &[whole])[0].starts_with("200"));
    assert_eq!(store.uploads()[0].parts[&1].length, 3);
}

#[test]
fn etags_of_an_upload_may_be_others() {
    let (store, id) = begun();
    store.script(Rule::always(Act::KmsEtag));
    let answered = answers(&store, &[part(&id, 1, "hel"), complete(&id, &[(1, "hel")])]);
    assert!(answered[0].contains("aws:kms") && !answered[0].contains(&digest(b"hel")));
    assert!(answered[1].contains("InvalidPart"), "the part has another ETag");
}

#[test]
fn completing_can_go_wrong_inside_a_200() {
    let (store, id) = begun();
    let inside = Act::Answer(Answer::error_inside("InternalError"));
    store.script(Rule::once(inside).of(Operation::CompleteMultipartUpload));
    let complete = complete(&id, &[(1, "hel")]);
    let answered = answers(&store, &[part(&id, 1, "hel"), complete.clone(), complete]);
    assert!(answered[1].starts_with("200") && answered[1].contains("<Error><Code>InternalError"));
    assert!(answered[2].starts_with("200") && store.keys("b") == ["k"]);
}

#[test]
fn an_answer_to_complete_is_lost_and_it_is_done() {
    let (store, id) = begun();
    let lost = Act::EndInAnswer { after: 0, end: End::Reset };
    store.script(Rule::once(lost).of(Operation::CompleteMultipartUpload));
    answers(&store, &[part(&id, 1, "hel"), complete(&id, &[(1, "hel")])]);
    assert_eq!(store.keys("b"), ["k"]);
    let again = answers(&store, &[complete(&id, &[(1, "hel")])]);
    assert!(again[0].contains("<Code>NoSuchUpload</Code>"));
}

#[test]
fn unfinished_uploads_are_listed_page_by_page() {
    let store = s3();
    let keys = ["a b", "c", "a b", "d&e", "other"];
    for key in keys {
        let target = format!("/b/{}?uploads", encode(&format!("p/{key}"), "/"));
        answers(&store, &[request("POST", &target, "", "")]);
    }
    let list = |query: &str| {
        let mut session = store.connect(start());
        session.receive(&request("GET", &format!("/b?uploads&{query}"), "", ""));
        String::from_utf8(settle(&mut session)).expect("text")
    };
    let upload = |key: &str, number: usize| {
        format!(
            "<Upload><Key>{key}</Key><UploadId>{number}+id/&amp;=</UploadId>\
             <Initiated>2027-01-15T08:00:00.000Z</Initiated></Upload>"
        )
    };
    let all = list("prefix=p/");
    let first = [upload("p/a b", 0), upload("p/a b", 2)].concat();
    let rest = [upload("p/c", 1), upload("p/d&amp;e", 3), upload("p/other", 4)].concat();
    assert!(all.contains(&format!("<IsTruncated>false</IsTruncated>{first}{rest}<")), "{all}");
    assert!(list("prefix=p/o").contains(&format!("false</IsTruncated>{}<", upload("p/other", 4))));
    let page = list("max-uploads=1&encoding-type=url");
    let next = "<NextKeyMarker>p/a%20b</NextKeyMarker><NextUploadIdMarker>0+id/&amp;=<";
    assert!(page.contains(next) && page.contains("<IsTruncated>true<"), "{page}");
    let marker = format!("key-marker=p/a%20b&upload-id-marker={}", encode("0+id/&=", ""));
    let page = list(&format!("max-uploads=1&{marker}"));
    assert!(page.contains(&format!("true</IsTruncated>{}<", upload("p/a b", 2))), "{page}");
    let page = list("key-marker=p/a%20b");
    assert!(page.contains(&format!("false</IsTruncated>{rest}<")), "{page}");
}
