//! A chart of bars that lie on their sides, one below the other.

use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::{self, Axis};
use super::style::{self, Look};
use super::{Bar, Error};

const WIDTH: u32 = 920;
/// What each bar and the space to the next one take together.
const BAR_HEIGHT: u32 = 38;
const TOP: u32 = 74;
const BOTTOM: u32 = 64;
const LEFT: i32 = 24;
/// Room for names, and for the value of the longest bar.
const NAMES: i32 = 170;
const RIGHT: i32 = 90;
/// What a letter of a value takes at most.
const LETTER: i32 = 10;
/// What a connection is to cost at most.
const GOAL: f64 = 512.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws all `bars`, of which there is at least one.
pub(super) fn draw(title: &str, bars: &[Bar]) -> Result<String, Error> {
    let height = TOP + BAR_HEIGHT * bars.len() as u32 + BOTTOM;
    let mut svg = String::new();
    draw_on(SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area(), title, bars)
        .map_err(Error::Drawing)?;
    Ok(svg)
}

fn draw_on(
    area: Area<'_>,
    title: &str,
    bars: &[Bar],
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // A bar below a byte has no length; and the longest leaves the goal in sight.
    let values = bars.iter().map(|bar| bar.value).filter(|value| *value >= 1.0);
    let least = values.clone().fold(GOAL / 2.0, f64::min) / 2.0;
    let x = Axis::decades(values.chain([least, GOAL * 2.0]), axis::bytes);
    let start = x.range().start;
    area.fill(&WHITE)?;
    area.draw(&Text::new(style::printable(title), (LEFT, 18), style::title()))?;
    let mut chart = ChartBuilder::on(&area)
        .margin_top(TOP)
        .margin_right(RIGHT)
        .margin_left(LEFT + NAMES)
        .margin_bottom(14)
        .x_label_area_size(48)
        // The first bar is the uppermost.
        .build_cartesian_2d(x, bars.len() as f64..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(style::GRID)
        .light_line_style(style::GRID)
        .axis_style(style::AXIS)
        .label_style(style::tick())
        .draw()?;
    let goal = [(GOAL, 0.0), (GOAL, bars.len() as f64)];
    chart.draw_series(DashedLineSeries::new(goal, 5, 4, style::GOAL.stroke_width(1)))?;
    let (column, row) = chart.backend_coord(&goal[0]);
    let caption = style::caption(HPos::Center, VPos::Bottom);
    area.draw(&Text::new(axis::bytes(GOAL), (column, row - 6), caption))?;
    for (at, bar) in bars.iter().enumerate() {
        let look = Look::of(&bar.name);
        let (row, end) = (at as f64, bar.value.max(start));
        let corners = [(start, row + 0.16), (end, row + 0.84)];
        chart.draw_series([Rectangle::new(corners, look.color.filled())])?;
        let (left, middle) = chart.backend_coord(&(start, row + 0.5));
        let (right, _) = chart.backend_coord(&(end, row));
        let name = style::printable(&bar.name);
        area.draw(&Text::new(name, (left - 10, middle), style::name(&look, HPos::Right)))?;
        let value = axis::bytes(bar.value);
        // The line of the goal is not to run through it.
        let width = LETTER * value.chars().count() as i32;
        let ground = [(right + 4, middle - 12), (right + 12 + width, middle + 12)];
        area.draw(&Rectangle::new(ground, WHITE.filled()))?;
        area.draw(&Text::new(value, (right + 8, middle), style::name(&look, HPos::Left)))?;
    }
    let (columns, _) = chart.plotting_area().get_pixel_range();
    let middle = (columns.start + columns.end) / 2;
    let (_, height) = area.dim_in_pixel();
    let caption = style::caption(HPos::Center, VPos::Bottom);
    area.draw(&Text::new("per connection, log scale", (middle, height as i32 - 10), caption))?;
    area.present()?;
    Ok(())
}
