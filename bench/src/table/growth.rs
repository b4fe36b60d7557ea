//! Growth, as a table shows it.

use super::{Shown, disturbance, percent, ratio};
use crate::figures::Figures;
use crate::measure::growth::Grown;

impl Shown for Grown {
    const HEADINGS: &'static [&'static str] =
        &["beside few", "beside many", "× hyper", "many / few", "spread"];

    fn cells(figures: &Figures<'_, Self>) -> Vec<String> {
        let speed = |rate: f64| format!("{:.1} k/s", rate / 1e3);
        vec![
            speed(figures.median(|it| it.beside_few)),
            speed(figures.median(|it| it.beside_many)),
            ratio(figures.ratio(|it| it.beside_many)),
            format!("{:.2}", figures.median(Self::kept)),
            percent(figures.spread(Self::kept)),
        ]
    }

    fn remarks(figures: &Figures<'_, Self>) -> Vec<String> {
        disturbance(figures.median(|it| it.others)).into_iter().collect()
    }
}
