//! How an upload has ended whose client left while it was being kept.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// Is told in words. By whichever thread knows both, that the client has left and how it ended.
pub(super) type OnLeft = Arc<dyn Fn(&str) + Send + Sync>;

/// What two threads know of an upload: the loop that its client has left, and another how it has
/// ended. The second of them tells.
#[derive(Clone, Default)]
pub(super) struct Afterword(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    UnderWay,
    /// Nobody hears the answer.
    Left,
    Ended(String),
}

impl Afterword {
    /// It has ended so.
    pub(super) fn ended(&self, words: String, tell: &OnLeft) {
        if let State::Left = self.replace(State::Ended(words.clone())) {
            tell(&words);
        }
    }

    /// Its client has left without an answer.
    pub(super) fn left(&self, tell: &OnLeft) {
        if let State::Ended(words) = self.replace(State::Left) {
            tell(&words);
        }
    }

    fn replace(&self, state: State) -> State {
        mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), state)
    }
}

impl fmt::Debug for Afterword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Afterword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn listen() -> (OnLeft, Receiver<String>) {
        let (tell, told) = channel();
        (Arc::new(move |words: &str| tell.send(words.to_owned()).expect("it is awaited")), told)
    }

    #[test]
    fn it_is_told_once_whichever_comes_first() {
        let (tell, told) = listen();
        let [first, second] = [Afterword::default(), Afterword::default()];
        first.left(&tell);
        assert!(told.try_recv().is_err());
        first.ended("kept".into(), &tell);
        second.ended("not kept".into(), &tell);
        assert_eq!((told.try_recv().as_deref(), told.try_recv().is_err()), (Ok("kept"), true));
        second.left(&tell);
        assert_eq!((told.try_recv().as_deref(), told.try_recv().is_err()), (Ok("not kept"), true));
    }
}
