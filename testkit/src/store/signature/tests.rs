//! The examples of AWS's documentation, and what is not to be taken for a signature.

use std::time::Duration;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn key() -> Key {
    Key::new("AKIAIOSFODNN7EXAMPLE", SECRET)
}

/// The 24th of May 2013.
fn day() -> SystemTime {
    time::of_basic_date("20130524T000000Z").expect("a date")
}

/// The code of the refusal, or the content that was signed.
#[track_caller]
fn judge_by(key: Key, now: SystemTime, request: &str) -> Result<Option<String>, String> {
    let head = Head::read(request.as_bytes()).expect("a head");
    let verifier = Verifier { keys: &[key], region: "us-east-1", now };
    match verifier.judge(&head) {
        Ok(signed) => Ok(signed.content),
        Err(answer) => match answer.content {
            crate::store::Content::Error(code) => Err(code),
            other => panic!("no error: {other:?}"),
        },
    }
}

#[track_caller]
fn judge(request: &str) -> Result<Option<String>, String> {
    judge_by(key(), day(), request)
}

fn refused(code: &str) -> Result<Option<String>, String> {
    Err(code.to_owned())
}

/// A request to the bucket of the examples with the signature that is published for it.
fn example(line: &str, fields: &str, names: &str, hash: &str, signature: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n{fields}\
         x-amz-content-sha256: {hash}\r\nx-amz-date: 20130524T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/\
         aws4_request,SignedHeaders={names},Signature={signature}\r\n\r\n"
    )
}

fn get() -> String {
    example(
        "GET /test.txt",
        "Range: bytes=0-9\r\n",
        "host;range;x-amz-content-sha256;x-amz-date",
        NOTHING,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    )
}

/// "Authenticating Requests: Using the Authorization Header", its four examples.
#[test]
fn examples_of_the_field_are_right() {
    assert_eq!(judge(&get()), Ok(Some(NOTHING.to_owned())));
    let content = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let put = example(
        "PUT /test$file.text",
        "Date: Fri, 24 May 2013 00:00:00 GMT\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\n",
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        content,
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    assert_eq!(judge(&put), Ok(Some(content.to_owned())));
    // The same path, written otherwise.
    assert_eq!(judge(&put.replace('$', "%24")), Ok(Some(content.to_owned())));
    let names = "host;x-amz-content-sha256;x-amz-date";
    for (line, signature) in [
        ("GET /?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET /?max-keys=2&prefix=J",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        (
            "GET /?prefix=J&max-keys=2",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let request = example(line, "", names, NOTHING, signature);
        assert_eq!(judge(&request), Ok(Some(NOTHING.to_owned())), "{line}");
    }
}

fn presigned() -> String {
    "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE\
     %2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
     &X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
     aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\r\n\
     Host: examplebucket.s3.amazonaws.com\r\n\r\n"
        .to_owned()
}

/// "Authenticating Requests: Using Query Parameters", its example.
#[test]
fn the_example_of_a_presigned_url_is_right() {
    assert_eq!(judge(&presigned()), Ok(None));
}

#[test]
fn what_is_signed_cannot_be_changed() {
    for (from, to) in [
        ("GET ", "PUT "),
        ("/test.txt", "/test.text"),
        ("bytes=0-9", "bytes=0-8"),
        ("examplebucket", "otherbucket"),
        ("20130524T000000Z", "20130524T000001Z"),
        ("bdb41", "bdb42"),
        ("Range: ", "Ranges: "),
        (NOTHING, "UNSIGNED-PAYLOAD"),
    ] {
        let request = get().replace(from, to);
        assert_ne!(request, get(), "{from}");
        assert_eq!(judge(&request), refused("SignatureDoesNotMatch"), "{from}");
    }
    for (from, to) in [("GET ", "PUT "), ("=86400", "=86401"), ("d404 ", "d405 "), ("?", "?a&")] {
        let request = presigned().replacen(from, to, 1);
        assert_eq!(judge(&request), refused("SignatureDoesNotMatch"), "{from}");
    }
    let other = Key { secret: "another".to_owned(), ..key() };
    assert_eq!(judge_by(other, day(), &get()), refused("SignatureDoesNotMatch"));
}

#[test]
fn fields_of_aws_have_to_be_signed() {
    let unsigned = get().replace("Range", "x-amz-meta-a: 1\r\nRange");
    assert_eq!(judge(&unsigned), refused("AccessDenied"));
    let unsigned = presigned().replace("Host", "x-amz-acl: public\r\nHost");
    assert_eq!(judge(&unsigned), refused("AccessDenied"));
    assert_eq!(judge(&get().replace("=host;", "=")), refused("AccessDenied"));
    // Others need not.
    assert_eq!(judge(&get().replace("Range", "X-Other: 1\r\nRange")), judge(&get()));
}

#[test]
fn a_signature_is_good_for_some_time() {
    let at = |seconds: i64, request: &str| {
        let time = Duration::from_secs(seconds.unsigned_abs());
        let now = if seconds < 0 { day() - time } else { day() + time };
        judge_by(key(), now, request).err()
    };
    let skewed = Some("RequestTimeTooSkewed".to_owned());
    assert_eq!((at(900, &get()), at(-900, &get())), (None, None));
    assert_eq!((at(901, &get()), at(-901, &get())), (skewed.clone(), skewed));
    let denied = Some("AccessDenied".to_owned());
    assert_eq!((at(86_399, &presigned()), at(-900, &presigned())), (None, None));
    assert_eq!((at(86_400, &presigned()), at(-901, &presigned())), (denied.clone(), denied));
}

#[test]
fn a_key_has_to_be_known_and_its_token_right() {
    let unknown = Key { id: "AK".to_owned(), ..key() };
    assert_eq!(judge_by(unknown, day(), &get()), refused("InvalidAccessKeyId"));
    let temporary = key().with_token("token");
    assert_eq!(judge_by(temporary.clone(), day(), &get()), refused("InvalidToken"));
    let with = presigned().replace("?", "?X-Amz-Security-Token=token&");
    assert_eq!(judge(&with), refused("InvalidToken"));
    // The token is right, but it is not signed.
    assert_eq!(judge_by(temporary.clone(), day(), &with), refused("SignatureDoesNotMatch"));
    let over = Key { expires: Some(day()), ..temporary };
    assert_eq!(judge_by(over.clone(), day(), &with), refused("ExpiredToken"));
    let before = day() - Duration::from_secs(1);
    assert_eq!(judge_by(over, before, &with), refused("SignatureDoesNotMatch"));
}

#[test]
fn what_is_no_signature_is_refused() {
    let malformed = "AuthorizationHeaderMalformed";
    for (from, to, code) in [
        ("Authorization", "X-Authorization", "AccessDenied"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", malformed),
        ("us-east-1", "eu-west-1", malformed),
        ("Credential=AKIAIOSFODNN7EXAMPLE/", "Credential=AKIAIOSFODNN7EXAMPLE", malformed),
        (",Signature", ",Sign", malformed),
        ("20130524T000000Z", "20130524T006000Z", malformed),
        ("x-amz-content-sha256: ", "x-amz-other: ", "InvalidRequest"),
        ("GET /test.txt", "GET /%zz", "InvalidURI"),
    ] {
        assert_eq!(judge(&get().replacen(from, to, 1)), refused(code), "{from}");
    }
    let malformed = "AuthorizationQueryParametersError";
    for (from, to) in [
        ("=AWS4-HMAC-SHA256", "=AWS4"),
        ("us-east-1", "eu-west-1"),
        ("86400", "604801"),
        ("86400", "0"),
        ("X-Amz-Expires=86400&", ""),
        ("X-Amz-Date=", "X-Amz-Dat="),
    ] {
        assert_eq!(judge(&presigned().replace(from, to)), refused(malformed), "{from}");
    }
    let both = presigned().replace("Host", "Authorization: AWS4-HMAC-SHA256\r\nHost");
    assert_eq!(judge(&both), refused("InvalidArgument"));
}
