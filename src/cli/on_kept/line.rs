//! A kept upload as a line of JSON (RFC 8259).

use std::io::Write;

use streamsum::folder::KeptUpload;

use super::super::stamp::Stamp;

/// The members of the object, but for those that [`numbered`] puts before them. Answers in JSON
/// have the same names for the same things.
pub(super) fn fields(upload: &KeptUpload<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    let mut stamp = Stamp::new(upload.time());
    line.extend_from_slice(b", \"time\": \"");
    line.extend_from_slice(stamp.text().trim_ascii_end());
    line.push(b'"');
    put_text(&mut line, "key", upload.key().as_str());
    put_text(&mut line, "target", &upload.key().to_target());
    put(&mut line, format_args!(", \"length\": {}", upload.length()));
    for value in upload.digests() {
        put(&mut line, format_args!(", \"{}\": \"{value}\"", value.algorithm()));
    }
    put(&mut line, format_args!(", \"replaced\": {}", upload.has_replaced()));
    if let Some(holder) = upload.holder() {
        put_text(&mut line, "by", holder.name());
    }
    put_text(&mut line, "peer", &upload.peer().to_string());
    if let Some(content_type) = upload.content_type() {
        put_text(&mut line, "content-type", content_type);
    }
    line
}

/// The whole line. The word for the process needs no escape.
pub(super) fn numbered(run: &str, number: u64, fields: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(run.len() + fields.len() + 48);
    put(&mut line, format_args!("{{\"run\": \"{run}\", \"number\": {number}"));
    line.extend_from_slice(fields);
    line.extend_from_slice(b"}\n");
    line
}

fn put(line: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    // A vector takes all that it is given.
    let _ = line.write_fmt(what);
}

/// A member whose value is text. All text may stand in a string but quotes, backslashes and control
/// characters (RFC 8259 §7).
fn put_text(line: &mut Vec<u8>, name: &str, text: &str) {
    put(line, format_args!(", \"{name}\": \""));
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            0..0x20 => put(line, format_args!("\\u{byte:04x}")),
            _ => line.push(byte),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut line = Vec::new();
        put_text(&mut line, "a", text);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn text_is_escaped_where_json_demands_it_and_nowhere_else() {
        assert_eq!(text("a/b c"), r#", "a": "a/b c""#);
        assert_eq!(text(r#"a"b\c"#), r#", "a": "a\"b\\c""#);
        assert_eq!(text("\0\n\u{1f}\u{7f}"), ", \"a\": \"\\u0000\\u000a\\u001f\u{7f}\"");
        assert_eq!(text("é\u{2028}🦀"), ", \"a\": \"é\u{2028}🦀\"");
    }

    #[test]
    fn a_line_is_one_object_and_ends() {
        let line = numbered("1-2", 3, b", \"a\": 4");
        assert_eq!(line, b"{\"run\": \"1-2\", \"number\": 3, \"a\": 4}\n");
    }
}
