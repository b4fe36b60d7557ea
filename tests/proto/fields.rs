//! Lists in the values of fields, beside the oracle that reads them by other code.

use std::borrow::Cow;

use streamsum::proto::{Connection, Event, Limits};
use testkit::naive;
use testkit::random::Random;

/// A value: mostly of what means something in a list, else of any byte that may stand in it.
fn value(random: &mut Random) -> Vec<u8> {
    let length = random.below(16);
    let byte = |random: &mut Random| match random.below(8) {
        0 => random.bytes(1)[0],
        _ => *random.pick(b",,\"\"\\ \tab"),
    };
    let bytes = (0..length).map(|_| byte(random));
    bytes.filter(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)).collect()
}

#[test]
fn the_oracle_agrees_on_lists_of_random_bytes() {
    let mut random = Random::new(1);
    let (mut members, mut quoted_commas) = (0, 0);
    for _ in 0..20_000 {
        let mut head = b"GET / HTTP/1.1\r\nHost: x\r\n".to_vec();
        let mut fields = Vec::new();
        for _ in 0..random.below(5) {
            let (name, value) = (*random.pick(&["a", "A", "ab"]), value(&mut random));
            head.extend([name.as_bytes(), b":", &value, b"\r\n"].concat());
            fields.push((name.as_bytes().to_vec(), value));
        }
        head.extend(b"\r\n");
        let mut connection = Connection::new(Limits::default());
        let Event::Head(read) = connection.receive(&mut head).unwrap().event else { panic!() };
        let found: Vec<&[u8]> = read.fields().list("a").collect();
        let shown = || fields.iter().map(|(_, value)| lossy(value)).collect::<Vec<_>>();
        assert_eq!(found, naive::list(&fields, "a"), "{:?}", shown());
        members += found.len();
        quoted_commas += found.iter().filter(|member| member.contains(&b',')).count();
    }
    assert!(members > 20_000 && quoted_commas > 2_000, "{members} {quoted_commas}");
}

fn lossy(value: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(value)
}
