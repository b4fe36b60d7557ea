//! Where ticks stand on an axis, and what they say.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// How values lie along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    Linear,
    Logarithm,
    /// The logarithm of 1 / (1 − p): each further nine is as wide as the one before.
    Nines,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Logarithm => value.log10(),
            Scale::Nines => -(1.0 - value).log10(),
        }
    }
}

/// A scale with its ends and its ticks, as the plotting crate takes it.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    scale: Scale,
    range: Range<f64>,
    /// Values with their labels, in order.
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis from the first to the last of these ticks.
    pub(super) fn at(
        scale: Scale,
        ticks: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let ticks: Vec<_> = ticks.into_iter().map(|value| (value, label(value))).collect();
        let range = match (ticks.first(), ticks.last()) {
            (Some((first, _)), Some((last, _))) if first < last => *first..*last,
            // A single tick stands in the middle.
            (Some((only, _)), _) => only / 2.0..only * 2.0,
            (None, _) => 1.0..2.0,
        };
        Self { scale, range, ticks }
    }

    /// An axis from 0 through `greatest`, with round numbers as ticks.
    pub(super) fn from_zero(greatest: f64) -> Self {
        /// As many steps as give a grid that is neither crowded nor bare.
        const STEPS: f64 = 5.0;
        let step = if greatest > 0.0 { round_up(greatest / STEPS) } else { 0.2 };
        let count = (greatest / step).ceil().max(1.0) as usize;
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let ticks = (0..=count).map(|at| at as f64 * step);
        Self::at(Scale::Linear, ticks, |value| format!("{value:.decimals$}"))
    }

    /// A logarithmic axis that has room for all of these values, with ticks at powers of
    /// ten; where these are few, at their doubles and halves too.
    pub(super) fn decades(
        values: impl Iterator<Item = f64> + Clone,
        label: impl Fn(f64) -> String,
    ) -> Self {
        /// Fewer leave the reader to guess at the scale.
        const FEWEST_TICKS: usize = 3;
        /// What a power may be off from the number that was written.
        const ROUNDING: f64 = 1e-6;
        let least = values.clone().fold(f64::MAX, f64::min) * (1.0 + ROUNDING);
        let greatest = values.fold(f64::MIN_POSITIVE, f64::max) * (1.0 - ROUNDING);
        let powers = power_of_ten(least)..=power_of_ten(greatest) + 1;
        let steps = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit, power)));
        let steps: Vec<(f64, f64)> =
            steps.map(|(digit, power)| (digit, digit * 10_f64.powi(power))).collect();
        let start = steps.iter().rposition(|(_, step)| *step <= least).unwrap_or(0);
        let end = steps.iter().position(|(_, step)| *step >= greatest).unwrap_or(steps.len() - 1);
        let steps = &steps[start..=end.max(start)];
        let is_power = |step: &&(f64, f64)| step.0 == 1.0;
        let few = steps.iter().filter(is_power).count() < FEWEST_TICKS;
        let ticks = steps.iter().filter(|step| few || is_power(step)).map(|(_, step)| *step);
        let whole = Self::at(Scale::Logarithm, steps.iter().map(|(_, step)| *step), |_| "".into());
        Self { range: whole.range, ..Self::at(Scale::Logarithm, ticks, label) }
    }

    /// From the median to the last of the nines that these reach.
    pub(super) fn percentiles(parts: impl Iterator<Item = f64> + Clone) -> Self {
        const TICKS: [(f64, &str); 6] = [
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
        ];
        let least = parts.clone().fold(0.5, f64::min);
        let greatest = parts.fold(0.999, f64::max);
        let ticks = TICKS.iter().filter(|(part, _)| *part <= greatest);
        let ticks = ticks.map(|(part, label)| (*part, (*label).into())).collect();
        Self { scale: Scale::Nines, range: least..greatest, ticks }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let [start, end, place] =
            [self.range.start, self.range.end, *value].map(|value| self.scale.place(value));
        first + ((place - start) / (end - start) * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let wanted = !hint.weight().allow_light_points();
        self.ticks.iter().filter(|_| wanted).map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        value.to_string()
    }

    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(own, _)| own == value);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The power of ten that a number's first digit stands for.
fn power_of_ten(number: f64) -> i32 {
    number.log10().floor() as i32
}

/// The next of 1, 2, 5 and 10 in the number's own decade.
fn round_up(number: f64) -> f64 {
    let decade = 10_f64.powi(power_of_ten(number));
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * decade >= number);
    digit.unwrap_or(10.0) * decade
}

/// Seconds in the unit that leaves the fewest digits.
pub(super) fn duration(seconds: f64) -> String {
    let (scale, unit) = match seconds {
        ..0.999_999e-6 => (1e9, "ns"),
        ..0.999_999e-3 => (1e6, "µs"),
        ..0.999_999 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{} {unit}", three_digits(seconds * scale))
}

/// Bytes in the unit that leaves the fewest digits, in powers of 1000 as the axis has them.
pub(super) fn bytes(count: f64) -> String {
    let (scale, unit) = match count {
        ..999.5 => (1.0, "B"),
        ..999.5e3 => (1e3, "kB"),
        ..999.5e6 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{} {unit}", three_digits(count / scale))
}

/// A number to three digits, without zeros behind the point.
fn three_digits(number: f64) -> String {
    let decimals = (2.0 - number.abs().max(1.0).log10().floor()).max(0.0) as usize;
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn an_axis_from_zero_has_room_for_the_greatest() {
        for (greatest, expected) in [
            (0.0, ["0.0", "0.2"].as_slice()),
            (4.6, &["0", "1", "2", "3", "4", "5"]),
            (5.0, &["0", "1", "2", "3", "4", "5"]),
            (5.01, &["0", "2", "4", "6"]),
            (0.07, &["0.00", "0.02", "0.04", "0.06", "0.08"]),
            (180.0, &["0", "50", "100", "150", "200"]),
        ] {
            assert_eq!(labels(&Axis::from_zero(greatest)), expected, "{greatest}");
        }
    }

    #[test]
    fn decades_enclose_their_values() {
        for (least, greatest, expected) in [
            (120e-6, 4e-3, ["100 µs", "200 µs", "500 µs", "1 ms", "2 ms", "5 ms"].as_slice()),
            (30e-6, 1.5, &["100 µs", "1 ms", "10 ms", "100 ms", "1 s"]),
            (1e-3, 1.0, &["1 ms", "10 ms", "100 ms", "1 s"]),
            (1e-3, 1e-3, &["1 ms"]),
            (1e-3, 2e-3, &["1 ms", "2 ms"]),
        ] {
            let axis = Axis::decades([least, greatest].into_iter(), duration);
            assert_eq!(labels(&axis), expected, "{least} {greatest}");
            let room = axis.range.start * 0.999..axis.range.end * 1.001;
            assert!(room.contains(&least) && room.contains(&greatest), "{room:?}");
        }
    }

    #[test]
    fn each_nine_is_as_wide_as_the_one_before() {
        let axis = Axis::percentiles([0.25, 0.9999].into_iter());
        assert_eq!(labels(&axis), ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        let places: Vec<i32> =
            axis.ticks.iter().map(|(value, _)| axis.map(value, (0, 10_000))).collect();
        for pair in places[1..].windows(3) {
            assert!((pair[1] - pair[0] - (pair[2] - pair[1])).abs() <= 1, "{places:?}");
        }
        assert_eq!(axis.map(&0.25, (0, 10_000)), 0);
        assert!(places[0] > 0 && places[4] == 10_000, "{places:?}");
        assert_eq!(labels(&Axis::percentiles([0.5].into_iter())).last(), Some(&"99.9 %"));
    }

    #[test]
    fn quantities_are_short() {
        for (seconds, expected) in [
            (5e-9, "5 ns"),
            (1e-6, "1 µs"),
            (2.345_6e-4, "235 µs"),
            (0.0105, "10.5 ms"),
            (70.0, "70 s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
        for (count, expected) in [
            (0.0, "0 B"),
            (344.0, "344 B"),
            (1000.0, "1 kB"),
            (999.9, "1 kB"),
            (120_700.0, "121 kB"),
            (1.5e6, "1.5 MB"),
            (3.5e15, "3500000 GB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }
}
