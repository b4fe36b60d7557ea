//! What many measurements come to: medians and spread, and ratios within rounds.

use crate::loader::Failure;
use crate::race::Entry;

/// One contestant's measurements at one work beside the baseline's, round by round.
pub struct Figures<'a, S> {
    own: Vec<&'a S>,
    /// In the same rounds; none where it failed or does not take part.
    baseline: Vec<Option<&'a S>>,
}

impl<'a, S> Figures<'a, S> {
    /// Those of a contestant that has not failed.
    pub fn new(entry: &'a Entry<S>, baseline: Option<&'a Entry<S>>) -> Self {
        let own = entry.rounds().iter().flatten().collect();
        let other: &[Result<S, Failure>] = baseline.map(Entry::rounds).unwrap_or_default();
        Self { own, baseline: other.iter().map(|round| round.as_ref().ok()).collect() }
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Whether something holds of every measurement.
    pub fn all(&self, holds: impl Fn(&S) -> bool) -> bool {
        self.own.iter().all(|sample| holds(sample))
    }

    pub fn median(&self, of: impl Fn(&S) -> f64) -> f64 {
        median(self.own.iter().map(|sample| of(sample)).collect())
    }

    /// The most less the least, in parts of the median.
    pub fn spread(&self, of: impl Fn(&S) -> f64) -> f64 {
        let all = || self.own.iter().map(|sample| of(sample));
        (all().fold(f64::MIN, f64::max) - all().fold(f64::MAX, f64::min)) / median(all().collect())
    }

    /// The median of the ratios to the baseline in the same round.
    pub fn ratio(&self, of: impl Fn(&S) -> f64) -> Option<f64> {
        let pairs = self.own.iter().zip(&self.baseline);
        let ratios = pairs.filter_map(|(own, other)| Some(of(own) / of((*other)?)));
        let ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite()).collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }
}

/// The middle one, or the mean of the two in the middle; of none, not a number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::race::Outcome;

    pub(crate) fn entry<S>(contestant: &str, rounds: Vec<Result<S, Failure>>) -> Entry<S> {
        Entry { contestant: contestant.into(), outcome: Outcome::Rounds(rounds) }
    }

    fn rates(rates: &[f64]) -> Entry<f64> {
        entry("it", rates.iter().map(|rate| Ok(*rate)).collect())
    }

    #[test]
    fn ratios_are_those_within_rounds() {
        let (own, baseline) = (rates(&[3.0, 4.0, 12.0]), rates(&[1.0, 2.0, 4.0]));
        let figures = Figures::new(&own, Some(&baseline));
        assert_eq!(figures.median(|rate| *rate), 4.0);
        // The ratio of the medians is 2.
        assert_eq!(figures.ratio(|rate| *rate), Some(3.0));
        assert_eq!(figures.spread(|rate| *rate), 2.25);
    }

    #[test]
    fn a_round_in_which_the_baseline_failed_has_no_ratio() {
        let own = rates(&[3.0, 4.0, 12.0]);
        let baseline = entry("hyper", vec![Ok(1.0), Err(Failure::Closed), Ok(2.0)]);
        assert_eq!(Figures::new(&own, Some(&baseline)).ratio(|rate| *rate), Some(4.5));
        assert_eq!(Figures::new(&own, None).ratio(|rate| *rate), None);
    }

    #[test]
    fn of_an_even_number_the_two_in_the_middle_count() {
        let own = rates(&[1.0, 9.0, 2.0, 4.0]);
        assert_eq!(Figures::new(&own, None).median(|rate| *rate), 3.0);
    }
}
