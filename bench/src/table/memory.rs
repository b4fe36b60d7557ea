//! Memory, as a table shows it.

use super::{Shown, percent, ratio};
use crate::figures::Figures;
use crate::measure::memory::Memory;

impl Shown for Memory {
    const HEADINGS: &'static [&'static str] =
        &["bytes a connection", "× hyper's", "spread", "whole MiB"];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        vec![
            format!("{:.0}", figures.median(|it| it.each)),
            ratio(figures.ratio(|it| it.each)),
            percent(figures.spread(|it| it.each)),
            format!("{:.1}", figures.median(|it| it.whole) / f64::from(1 << 20)),
        ]
    }

    fn remarks(_: &Figures<'_, Self>) -> Vec<String> {
        Vec::new()
    }
}
