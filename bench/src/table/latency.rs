//! Latency, as a table shows it.

use super::{Shown, cost_of_requests, disturbance, percent, ratio};
use crate::figures::Figures;
use crate::measure::latency::Latency;

/// A server that answers so little of what is due does not keep up.
const KEPT_UP: f64 = 0.95;
/// So much of a latency must not be the loader's own.
const LOADERS_PART: f64 = 0.5;

impl Shown for Latency {
    const HEADINGS: &'static [&'static str] =
        &["due", "50 %", "90 %", "99 %", "× hyper", "spread", "99.9 %", "most", "CPU", "× hyper's"];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        let percentile = |at| microseconds(figures.median(|it| it.percentile(at)));
        let p99 = |it: &Self| it.percentile(99.0);
        vec![
            format!("{:.1} k/s", figures.median(|it| it.due) / 1e3),
            percentile(50.0),
            percentile(90.0),
            percentile(99.0),
            ratio(figures.ratio(p99)),
            percent(figures.spread(p99)),
            percentile(99.9),
            microseconds(figures.median(Self::longest)),
            cost_of_requests(figures.median(|it| it.cost)),
            ratio(figures.ratio(|it| it.cost)),
        ]
    }

    fn remarks(figures: &Figures<'_, Self>) -> Vec<String> {
        let answered = figures.median(|it| it.rate / it.due);
        let behind = (answered < KEPT_UP)
            .then(|| format!("did not keep up: answered {} in time", percent(answered)));
        let late = figures.median(|it| it.lateness / it.percentile(99.0)) >= LOADERS_PART;
        let late = late.then(|| String::from("the loader itself was late"));
        let disturbed = disturbance(figures.median(|it| it.others));
        behind.into_iter().chain(late).chain(disturbed).collect()
    }
}

fn microseconds(nanoseconds: f64) -> String {
    format!("{:.0} µs", nanoseconds / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::loader::paced;
    use crate::table::tests::last_row;

    /// A hundred latencies, of 10 µs to 1 ms.
    fn sample() -> Latency {
        let mut histogram = paced::histogram();
        (1..=100).for_each(|at| histogram.saturating_record(at * 10_000));
        Latency { histogram, lateness: 0.0, due: 5000.0, rate: 5000.0, cost: 1e-5, others: 0.0 }
    }

    #[test]
    fn percentiles_are_in_microseconds() {
        let row = last_row(vec![entry("hyper", vec![Ok(sample())])]);
        assert_eq!(row[..4], ["5.0 k/s", "500 µs", "900 µs", "990 µs"]);
        assert_eq!(row[4..8], ["1.00", "0 %", "1000 µs", "1000 µs"]);
        assert_eq!(row[8..], ["1.00 s/100k", "1.00", ""]);
    }

    #[test]
    fn remarks_say_what_spoils_a_figure() {
        let remark = |sample| last_row(vec![entry("it", vec![Ok(sample)])]).pop().unwrap();
        let slow = Latency { rate: 4000.0, ..sample() };
        assert_eq!(remark(slow), "did not keep up: answered 80 % in time");
        let late = Latency { lateness: 600_000.0, ..sample() };
        assert_eq!(remark(late), "the loader itself was late");
        let disturbed = Latency { others: 0.5, ..sample() };
        assert_eq!(remark(disturbed), "disturbed: others took 50 %");
    }
}
