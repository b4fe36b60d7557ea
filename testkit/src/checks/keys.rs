//! A request target names what the oracle's slow rules say, and no key leads out of the folder
//! that it is joined to.

use std::path::{Component, Path};
use std::time::{Duration, UNIX_EPOCH};

use streamsum::door::{Key, KeyRules, Names, Place};

use super::choices::Choices;
use crate::naive::keys::{self, Meaning, Rules};

/// The rules of a store, and then a target as it is.
pub fn check(data: &[u8]) {
    let mut choices = Choices::new(data);
    let dots = choices.byte() & 1 != 0;
    let prefix_length = choices.below(Key::MAX_LENGTH + 8);
    let target = choices.bytes(usize::MAX);
    if !keys::is_target(target) {
        return;
    }
    let target = std::str::from_utf8(target).expect("every target is UTF-8");
    let ours = KeyRules::default().prefix_length(prefix_length).dots(dots);
    let rules = Rules { prefix_length, dots, own_name: Names::LENGTH };
    match (Place::of(target, &ours), keys::judge(target.as_bytes(), &rules)) {
        (Ok(place), Ok(meaning)) => {
            assert_eq!(meaning_of(&place), meaning, "left the library, right the oracle: {target}");
            assert_sound(&place, &ours);
        }
        (Err(bad), Err(broken)) => {
            assert!(broken.contains(bad.code()), "{bad:?} is not of {broken:?}: {target}");
        }
        (place, judged) => panic!("the library {place:?}, the oracle {judged:?}: {target}"),
    }
}

fn meaning_of(place: &Place) -> Meaning {
    match place {
        Place::Named(key) => Meaning::Key(key.to_string()),
        Place::Within(folder) => Meaning::Within(folder.as_ref().map(ToString::to_string)),
    }
}

fn assert_sound(place: &Place, rules: &KeyRules) {
    let made = match place {
        Place::Named(key) => key.clone(),
        Place::Within(folder) => {
            if let Some(folder) = folder {
                assert_stays_below(folder);
                let again = Place::of(&format!("{}/", folder.to_target()), rules);
                assert_eq!(again.as_ref(), Ok(place), "round trip of a folder");
            }
            let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
            Names::new().key_in(folder.as_ref(), now)
        }
    };
    assert_stays_below(&made);
    let target = made.to_target();
    assert!(keys::is_target(target.as_bytes()) && target.is_ascii(), "{target}");
    assert_eq!(Place::of(&target, rules), Ok(Place::Named(made)), "round trip: {target}");
}

/// As a path it is its segments, each of them a name.
fn assert_stays_below(key: &Key) {
    let root = Path::new("/kept");
    let joined = root.join(key.as_str());
    let below = joined.strip_prefix(root).expect("below the folder");
    let names = key.segments().map(|segment| Component::Normal(segment.as_ref()));
    assert!(below.components().eq(names), "{key:?}");
}
