//! A kind of connections.

pub(crate) struct Kind<P> {
    pub(crate) name: &'static str,
    /// How many of a hundred connections are of this kind, if they are quick; how many do it
    /// side by side, if they are slow.
    pub(crate) count: u64,
    /// What they do.
    pub(crate) play: P,
}

pub(crate) const fn kind<P>(name: &'static str, count: u64, play: P) -> Kind<P> {
    Kind { name, count, play }
}
