//! Every bound and every deadline of a client, each with its default and the reason for it.

use std::time::Duration;

use crate::proto::Limits;

/// What a [`Client`](super::Client) may use, and for how long it waits.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use streamsum::client::Config;
///
/// let config = Config::default().connections(16).idle(Duration::from_secs(1));
/// assert_eq!(config.tries, 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Connections at a time, in use and idle. Default 256: one for each exchange under way.
    pub connections: usize,
    /// Exchanges that may wait for a connection, or for their next try. Default 10,000: each costs a
    /// few hundred bytes.
    pub waiting: usize,
    /// What a server may send in one answer: [`Limits::for_answers`].
    pub limits: Limits,
    /// How often an exchange is tried, as long as the server cannot have acted on it. Default 5.
    pub tries: u32,
    /// The time before the second try, which doubles with each further one. Default 200 ms, with a
    /// fourth more or less by chance.
    pub first_pause: Duration,
    /// The longest time before a try. Default 5 s.
    pub longest_pause: Duration,
    /// How long after its start an exchange may still be without a connection, over all tries.
    /// Default 30 s, which is how long clients of a server wait without a word.
    pub wait: Duration,
    /// How long one address is tried, handshakes included. Default 3 s.
    pub address: Duration,
    /// How long all addresses of a name are tried, its lookup and all tries included. Default 10 s.
    pub connect: Duration,
    /// How long 100 (Continue) is waited for. Default 1 s, as curl does.
    pub continues: Duration,
    /// For how long a server that gave no 100 (Continue) in time is not asked for one again.
    /// Default 10 min.
    pub unasked: Duration,
    /// Content of so many bytes or more is asked for with `Expect: 100-continue`, as is what a
    /// connection carries that was used before. Default 1 MiB: less is sent in about the time that
    /// the question takes.
    pub ask_from: u64,
    /// For how long a server may take no byte of what is to be sent. Default 45 s: stores give up
    /// after 30 s themselves, and their answer is worth having.
    pub write: Duration,
    /// For how long a whole answer is waited for once the request is sent. Default 60 s.
    pub answer: Duration,
    /// For how long an idle connection is kept. Default 4 s: servers close theirs after 5 s or
    /// more, and one that closes first may take a request with it.
    pub idle: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: 256,
            waiting: 10_000,
            limits: Limits::for_answers(),
            tries: 5,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            wait: Duration::from_secs(30),
            address: Duration::from_secs(3),
            connect: Duration::from_secs(10),
            continues: Duration::from_secs(1),
            unasked: Duration::from_secs(600),
            ask_from: 1 << 20,
            write: Duration::from_secs(45),
            answer: Duration::from_secs(60),
            idle: Duration::from_secs(4),
        }
    }
}

/// Declares a setter for each field, of its name.
macro_rules! setters {
    ($($name:ident: $type:ty;)*) => {
        /// Sets each field by its name; the fields say what they mean.
        impl Config {
            $(
                #[doc = concat!("Sets [`Config::", stringify!($name), "`](field@Config::", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters! {
    connections: usize;
    waiting: usize;
    limits: Limits;
    tries: u32;
    first_pause: Duration;
    longest_pause: Duration;
    wait: Duration;
    address: Duration;
    connect: Duration;
    continues: Duration;
    unasked: Duration;
    ask_from: u64;
    write: Duration;
    answer: Duration;
    idle: Duration;
}

impl Config {
    /// The time before the next try when so many have failed. `chance` decides how much more or
    /// less it is, so that those who failed together do not come back together.
    pub(super) fn pause(&self, failed: u32, chance: u64) -> Duration {
        let doublings = failed.saturating_sub(1).min(16);
        let pause = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        let share = u32::try_from(chance % 128).unwrap_or_default();
        (pause * (192 + share)) / 256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest_and_varies_by_a_fourth() {
        let config = Config::default();
        for (failed, millis) in [(1, 200), (2, 400), (3, 800), (5, 3_200), (6, 5_000), (99, 5_000)]
        {
            let pauses = (0..128).map(|chance| config.pause(failed, chance).as_millis());
            let (least, most) = (pauses.clone().min().unwrap(), pauses.max().unwrap());
            assert_eq!(least, millis * 3 / 4, "{failed}");
            assert!(most > millis * 6 / 5 && most <= millis * 5 / 4, "{failed}: {most}");
        }
    }

    #[test]
    fn each_name_sets_its_own() {
        let seconds = Duration::from_secs;
        let limits = Limits::for_answers().head(7);
        let config =
            Config::default().connections(1).waiting(2).tries(3).ask_from(4).limits(limits);
        let config = config.first_pause(seconds(1)).longest_pause(seconds(2)).wait(seconds(3));
        let config = config.address(seconds(4)).connect(seconds(5)).continues(seconds(6));
        let config =
            config.unasked(seconds(7)).write(seconds(8)).answer(seconds(9)).idle(seconds(10));
        let expected = Config {
            connections: 1,
            waiting: 2,
            limits,
            tries: 3,
            first_pause: seconds(1),
            longest_pause: seconds(2),
            wait: seconds(3),
            address: seconds(4),
            connect: seconds(5),
            continues: seconds(6),
            unasked: seconds(7),
            ask_from: 4,
            write: seconds(8),
            answer: seconds(9),
            idle: seconds(10),
        };
        assert_eq!(config, expected);
    }
}
