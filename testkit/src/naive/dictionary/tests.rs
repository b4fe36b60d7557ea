//! Values that are dictionaries, and some that are none.

use super::*;

/// Members as `key` or `key:text of the bytes`.
#[track_caller]
fn assert_members(value: &str, expected: &[&str]) {
    let members = read(value.as_bytes()).unwrap_or_else(|| panic!("{value:?} is refused"));
    let shown = |(key, bytes): Member| match bytes {
        Some(bytes) => format!("{key}:{}", bytes.escape_ascii()),
        None => key,
    };
    let shown: Vec<String> = members.into_iter().map(shown).collect();
    assert_eq!(shown, expected, "{value:?}");
}

#[test]
fn members_in_their_order() {
    assert_members("", &[]);
    assert_members("  ", &[]);
    assert_members("a=:Zm9v:", &["a:foo"]);
    assert_members("a=:Zm9v:,b=::\t, \ta=1 ,a=:Zg: \t ", &["a:foo", "b:", "a", "a:f"]);
    assert_members("*a_-.*9;q=:Zm9v:, x", &["*a_-.*9", "x"]);
    assert_members("a=:Zm8=:;b; c=2;d=\"e\"", &["a:fo"]);
}

#[test]
fn items_of_all_types() {
    let items = [
        "1",
        "-0",
        "999999999999999",
        "1.0",
        "-999999999999.999",
        "\"\"",
        "\"a, \\\"\\\\;\"",
        "*a:/%!",
        "Tok'en",
        "?0",
        "?1",
        "@0",
        "@-1",
        "%\"\"",
        "%\"a%c3%a4 \\%25\"",
        "%\"%f0%9f%98%80\"",
    ];
    for item in items {
        assert_members(&format!("a={item}, b;c={item};d"), &["a", "b"]);
        assert_members(&format!("a=({item} {item};b={item}), b"), &["a", "b"]);
    }
    for list in ["()", "( )", "(1 \"a\";b  :Zg:  )", "(a;b=?1 :Zg:);c=:Zg:"] {
        assert_members(&format!("a={list}, b={list};d"), &["a", "b"]);
    }
}

#[test]
fn what_fails() {
    let wrong = [
        "\ta",
        "A=1",
        "1=1",
        "-a",
        "a=",
        "a= 1",
        "a =1",
        "a,",
        "a, ",
        ",a",
        "a,,b",
        "a b",
        "a;",
        "a;B",
        "a;b=",
        "a;b=(1)",
        "a;\tb",
        "a ;b",
        "a=1.",
        "a=1.0000",
        "a=1234567890123.0",
        "a=.1",
        "a=--1",
        "a=+1",
        "a=1000000000000000",
        "a=\"",
        "a=\"\\a\"",
        "a=\"\\",
        "a=\"\t\"",
        "a=\"\u{e4}\"",
        "a=\"\x7f\"",
        "a=?2",
        "a=?",
        "a=@",
        "a=@1.0",
        "a=@a",
        "a=%a",
        "a=%\"%C3%A4\"",
        "a=%\"%c3\"",
        "a=%\"%2\"",
        "a=%\"",
        "a=%\"\u{e4}\"",
        "a=(",
        "a=(1",
        "a=( ",
        "a=(1,2)",
        "a=(1\t2)",
        "a=(1(2))",
        "a=((1))",
        "a=(b)c",
        "a=:Zg=:",
        "a=:Z:",
        "a=:Zm 9v:",
        "a=:Zm9v",
        "a=:",
        "a=:Zm-_:",
        "a=/b",
        "a=(\"b\"\"c\")",
        "\u{e4}=1",
        "a\0",
    ];
    for value in wrong {
        assert_eq!(read(value.as_bytes()), None, "{value:?}");
    }
}

/// RFC 9530 section 2.
#[test]
fn example_of_a_digest_field() {
    let value = b"sha-256=:d435Qo+nKZ+gLcUHn7GQtQ72hiBVAgqoLsZnZPiTGPk=:,unixsum=:AGQ=:";
    let members = read(value).expect("a dictionary");
    let lengths: Vec<_> =
        members.iter().map(|(key, bytes)| (&**key, bytes.as_ref().map(Vec::len))).collect();
    assert_eq!(lengths, [("sha-256", Some(32)), ("unixsum", Some(2))]);
}
