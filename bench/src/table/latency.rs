//! Latency, as a table shows it.

use super::{Shown, cost_of_requests, disturbance, percent, ratio};
use crate::figures::Figures;
use crate::measure::latency::{KEPT_UP, Latency};

/// So much of a latency must not be the loader's own.
const LOADERS_PART: f64 = 0.5;

impl Shown for Latency {
    const HEADINGS: &'static [&'static str] =
        &["due", "50 %", "90 %", "99 %", "× hyper", "spread", "99.9 %", "most", "CPU", "× hyper's"];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        let percentile = |at| microseconds(figures.median(|it| it.percentile(at)));
        let p99 = |it: &Self| it.percentile(99.0);
        let mut due = format!("{:.1} k/s", figures.median(|it| it.due.requests) / 1e3);
        let flow = figures.median(|it| it.due.bytes);
        if flow > 0.0 {
            due += &format!(" + {:.2} GB/s", flow / 1e9);
        }
        vec![
            due,
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
        let answered = figures.median(Self::kept);
        let behind =
            (answered < KEPT_UP).then(|| format!("did not keep up: {} in time", percent(answered)));
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
    use crate::measure::latency::Rates;
    use crate::table::tests::last_row;

    const RATES: Rates = Rates { requests: 5000.0, bytes: 0.0 };

    /// A hundred latencies, of 10 µs to 1 ms.
    fn sample() -> Latency {
        let mut histogram = paced::histogram();
        (1..=100).for_each(|at| histogram.saturating_record(at * 10_000));
        let (due, done) = (RATES, RATES);
        Latency { histogram, lateness: 0.0, due, done, cost: 1e-5, others: 0.0 }
    }

    #[test]
    fn percentiles_are_in_microseconds() {
        let row = last_row(vec![entry("hyper", vec![Ok(sample())])]);
        assert_eq!(row[..4], ["5.0 k/s", "500 µs", "900 µs", "990 µs"]);
        assert_eq!(row[4..8], ["1.00", "0 %", "1000 µs", "1000 µs"]);
        assert_eq!(row[8..], ["1.00 s/100k", "1.00", ""]);
    }

    #[test]
    fn what_flows_beside_is_due_too() {
        let due = Rates { bytes: 1e8, ..RATES };
        let row = last_row(vec![entry("hyper", vec![Ok(Latency { due, ..sample() })])]);
        assert_eq!(row[0], "5.0 k/s + 0.10 GB/s");
    }

    #[test]
    fn remarks_say_what_spoils_a_figure() {
        let remark = |sample| last_row(vec![entry("it", vec![Ok(sample)])]).pop().unwrap();
        let slow = Latency { done: Rates { requests: 4000.0, ..RATES }, ..sample() };
        assert_eq!(remark(slow), "did not keep up: 80 % in time");
        let due = Rates { bytes: 1e9, ..RATES };
        let uploads_slow = Latency { due, done: Rates { bytes: 5e8, ..RATES }, ..sample() };
        assert_eq!(remark(uploads_slow), "did not keep up: 50 % in time");
        let late = Latency { lateness: 600_000.0, ..sample() };
        assert_eq!(remark(late), "the loader itself was late");
        let disturbed = Latency { others: 0.5, ..sample() };
        assert_eq!(remark(disturbed), "disturbed: others took 50 %");
    }
}
