//! Throughput, as a table shows it.

use super::{Shown, cost_of_requests, disturbance, percent, ratio};
use crate::figures::Figures;
use crate::measure::throughput::{THREADS, Throughput};

/// A server that is so busy has no time left.
pub(super) const SATURATED: f64 = 0.95;

/// A thread that had less is not shown.
const LEAST_PART: f64 = 0.01;

impl Shown for Throughput {
    const HEADINGS: &'static [&'static str] = &[
        "speed",
        "× hyper",
        "spread",
        "busy",
        "threads",
        "both",
        "CPU",
        "× hyper's",
        "CPU's spread",
        "system",
        "loader's CPU",
        "peak MiB",
    ];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        let [speed, cpu] = writers(figures.all(Self::is_of_requests));
        vec![
            speed(figures.median(|it| it.rate)),
            ratio(figures.ratio(|it| it.rate)),
            percent(figures.spread(|it| it.rate)),
            percent(figures.median(|it| it.busy)),
            threads(figures),
            percent(figures.median(|it| it.busy + it.loader_cost * it.rate)),
            cpu(figures.median(|it| it.cost)),
            ratio(figures.ratio(|it| it.cost)),
            percent(figures.spread(|it| it.cost)),
            percent(figures.median(|it| it.system)),
            cpu(figures.median(|it| it.loader_cost)),
            format!("{:.1}", figures.median(|it| it.memory) / f64::from(1 << 20)),
        ]
    }

    fn remarks(figures: &Figures<'_, Self>) -> Vec<String> {
        let loader_is_dearer = figures.median(|it| it.loader_cost) >= figures.median(|it| it.cost);
        let is_waiting = figures.median(|it| it.busy) < SATURATED;
        let limit =
            (loader_is_dearer && is_waiting).then(|| String::from("the loader is the limit"));
        limit.into_iter().chain(disturbance(figures.median(|it| it.others))).collect()
    }
}

/// How a speed and a cost are written, of requests or of content.
pub(super) fn writers(is_of_requests: bool) -> [fn(f64) -> String; 2] {
    if is_of_requests {
        [|rate| format!("{:.1} k/s", rate / 1e3), cost_of_requests]
    } else {
        [|rate| format!("{rate:.2} GB/s"), |cost| format!("{cost:.2} s/GB")]
    }
}

/// The parts of the server's CPU time that its threads had, but for those that had hardly any.
fn threads(figures: &Figures<'_, Throughput>) -> String {
    let parts = (0..THREADS).map(|rank| figures.median(|it| it.threads[rank]));
    let parts = parts.filter(|part| *part >= LEAST_PART);
    parts.map(|part| format!("{:.0}", part * 100.0)).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::figures::tests::entry;
    use crate::table::tests::last_row;
    use crate::workload::Unit;

    pub(crate) const SAMPLE: Throughput = Throughput {
        unit: Unit::Gigabyte,
        rate: 2.0,
        cost: 0.2,
        system: 0.85,
        sink_cost: 0.0,
        loader_cost: 0.1,
        memory: 3.0 * 1_048_576.0,
        busy: 1.0,
        threads: [0.7, 0.298, 0.002, 0.0],
        others: 0.0,
    };

    #[test]
    fn units_are_those_of_the_work() {
        let row = |sample| last_row(vec![entry("hyper", vec![Ok(sample)])]);
        let bytes = [
            "2.00 GB/s",
            "1.00",
            "0 %",
            "100 %",
            "70+30",
            "120 %",
            "0.20 s/GB",
            "1.00",
            "0 %",
            "85 %",
            "0.10 s/GB",
            "3.0",
        ];
        assert_eq!(row(SAMPLE)[..12], bytes);
        let requests = Throughput {
            unit: Unit::Request,
            rate: 1500.0,
            cost: 1e-5,
            loader_cost: 2e-6,
            ..SAMPLE
        };
        let row = row(requests);
        assert_eq!([&row[0], &row[6], &row[10]], ["1.5 k/s", "1.00 s/100k", "0.20 s/100k"]);
    }

    #[test]
    fn remarks_say_what_spoils_a_figure() {
        let remark = |busy, loader_cost, others| {
            let sample = Throughput { busy, loader_cost, others, ..SAMPLE };
            last_row(vec![entry("it", vec![Ok(sample)])]).pop().unwrap()
        };
        assert_eq!(remark(0.5, 0.1, 0.0), "");
        assert_eq!(remark(0.5, 0.3, 0.0), "the loader is the limit");
        assert_eq!(remark(1.0, 0.3, 0.0), "");
        assert_eq!(remark(1.0, 0.1, 0.4), "disturbed: others took 40 %");
    }
}
