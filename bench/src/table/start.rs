//! Start and size, as a table shows them.

use super::{Shown, percent, ratio};
use crate::figures::Figures;
use crate::measure::start::Start;

impl Shown for Start {
    const HEADINGS: &'static [&'static str] =
        &["first answer", "× hyper's", "spread", "program KiB", "× hyper's"];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        vec![
            format!("{:.1} ms", figures.median(|it| it.answered) * 1e3),
            ratio(figures.ratio(|it| it.answered)),
            percent(figures.spread(|it| it.answered)),
            format!("{:.0}", figures.median(|it| it.program) / 1024.0),
            ratio(figures.ratio(|it| it.program)),
        ]
    }

    fn remarks(_: &Figures<'_, Self>) -> Vec<String> {
        Vec::new()
    }
}
