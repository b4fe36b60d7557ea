//! What is known of origins.

use std::sync::Arc;
use std::time::Instant;

use super::Origin;

/// So many are remembered.
const MOST: usize = 64;

/// Those that gave no 100 (Continue), and when they are to be asked again.
#[derive(Debug, Default)]
pub(super) struct Origins(Vec<(Arc<Origin>, Instant)>);

impl Origins {
    /// True if it is of no use to ask.
    pub(super) fn is_deaf(&self, origin: &Origin, now: Instant) -> bool {
        self.0.iter().any(|(own, until)| **own == *origin && *until > now)
    }

    /// It gave none in time.
    pub(super) fn was_silent(&mut self, origin: &Arc<Origin>, until: Instant) {
        self.gave(origin);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((Arc::clone(origin), until));
    }

    /// It gave one, if late.
    pub(super) fn gave(&mut self, origin: &Origin) {
        self.0.retain(|(own, _)| **own != *origin);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_was_silent_is_not_asked_until_then() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let origin = |port: usize| Arc::new(format!("http://a:{port}").parse().unwrap());
        let mut origins = Origins::default();
        origins.was_silent(&origin(1), later);
        assert!(origins.is_deaf(&origin(1), now) && !origins.is_deaf(&origin(1), later));
        assert!(!origins.is_deaf(&origin(2), now));
        origins.gave(&origin(1));
        assert!(!origins.is_deaf(&origin(1), now));
        for port in 1..=MOST + 1 {
            origins.was_silent(&origin(port), later);
        }
        assert_eq!(origins.0.len(), MOST);
        assert!(!origins.is_deaf(&origin(1), now) && origins.is_deaf(&origin(MOST + 1), now));
    }
}
