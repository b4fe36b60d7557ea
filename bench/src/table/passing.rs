//! Passing on, as a table shows it.

use super::throughput::{SATURATED, writers};
use super::{Shown, disturbance, percent, ratio};
use crate::contestant::FORWARDER;
use crate::figures::Figures;
use crate::measure::passing::Passed;

/// A sink that costs more of what the server does is no small thing beside it.
const DEAR: f64 = 0.5;

impl Shown for Passed {
    const BASELINE: &'static str = FORWARDER;

    const HEADINGS: &'static [&'static str] = &[
        "speed",
        "× ruler",
        "busy",
        "CPU",
        "× ruler's",
        "CPU's spread",
        "system",
        "sink's CPU",
        "loader's CPU",
        "peak MiB",
    ];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        let [speed, cpu] = writers(figures.all(|it| it.0.is_of_requests()));
        vec![
            speed(figures.median(|it| it.0.rate)),
            ratio(figures.ratio(|it| it.0.rate)),
            percent(figures.median(|it| it.0.busy)),
            cpu(figures.median(|it| it.0.cost)),
            ratio(figures.ratio(|it| it.0.cost)),
            percent(figures.spread(|it| it.0.cost)),
            percent(figures.median(|it| it.0.system)),
            cpu(figures.median(|it| it.0.sink_cost)),
            cpu(figures.median(|it| it.0.loader_cost)),
            format!("{:.1}", figures.median(|it| it.0.memory) / f64::from(1 << 20)),
        ]
    }

    fn remarks(figures: &Figures<'_, Self>) -> Vec<String> {
        let is_dear = figures.median(|it| it.0.sink_cost / it.0.cost) > DEAR;
        let dear = is_dear.then(|| String::from("the sink is dear"));
        let is_waiting = figures.median(|it| it.0.busy) < SATURATED;
        let beside = figures.median(|it| (it.0.sink_cost + it.0.loader_cost) * it.0.rate);
        let is_limit = is_waiting && beside >= SATURATED;
        let limit = is_limit.then(|| String::from("loader and sink are the limit"));
        let disturbed = disturbance(figures.median(|it| it.0.others));
        dear.into_iter().chain(limit).chain(disturbed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::table::tests::last_row;
    use crate::table::throughput::tests::SAMPLE;

    #[test]
    fn figures_stand_beside_those_of_the_ruler() {
        let passed = |rate, cost| {
            let mut passed = SAMPLE;
            (passed.rate, passed.cost, passed.sink_cost) = (rate, cost, 0.3);
            vec![Ok(Passed(passed))]
        };
        let entries = || [entry(FORWARDER, passed(1.0, 0.8)), entry("it", passed(0.8, 1.0))];
        let cells = [
            "0.80 GB/s",
            "0.80",
            "100 %",
            "1.00 s/GB",
            "1.25",
            "0 %",
            "85 %",
            "0.30 s/GB",
            "0.10 s/GB",
            "3.0",
            "",
        ];
        assert_eq!(last_row(entries().into()), cells);
    }

    #[test]
    fn remarks_say_what_spoils_a_figure() {
        let remark = |busy, sink_cost| {
            let mut passed = SAMPLE;
            (passed.rate, passed.cost, passed.busy) = (1.0, 1.0, busy);
            (passed.sink_cost, passed.loader_cost) = (sink_cost, 0.5);
            last_row(vec![entry("it", vec![Ok(Passed(passed))])]).pop().unwrap()
        };
        assert_eq!(remark(1.0, 0.5), "");
        assert_eq!(remark(1.0, 0.51), "the sink is dear");
        assert_eq!(remark(0.9, 0.46), "loader and sink are the limit");
    }
}
