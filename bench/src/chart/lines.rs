//! A chart of lines, each named where it ends, and of names without a line.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::style::{self, Look, Marker};
use super::{Error, Line};

const SIZE: (u32, u32) = (920, 500);
/// Room for the names, and for the title with the caption of y below it.
const RIGHT: i32 = 190;
const TOP: i32 = 80;
const LEFT: i32 = 24;
/// From one name to the next below it.
const NAME_HEIGHT: i32 = 23;
/// From the plot to the names, for the lines that lead to them.
const GAP: i32 = 26;
/// From there to the middle of a mark, and as much again to the name behind it.
const MARK: i32 = 7;
/// What the mark of those says that are behind.
const BEHIND: &str = "did not keep up with what was due";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Failed = DrawingAreaErrorKind<std::io::Error>;

/// Draws all `lines` that have points, and the names of those who are `behind`.
pub(super) fn draw(
    title: &str,
    captions: [&str; 2],
    axes: [Axis; 2],
    lines: &[Line],
    behind: &[String],
) -> Result<String, Error> {
    let mut svg = String::new();
    draw_on(
        SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(),
        title,
        captions,
        axes,
        lines,
        behind,
    )
    .map_err(Error::Drawing)?;
    Ok(svg)
}

fn draw_on(
    area: Area<'_>,
    title: &str,
    [x_caption, y_caption]: [&str; 2],
    [x, y]: [Axis; 2],
    lines: &[Line],
    behind: &[String],
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    area.fill(&WHITE)?;
    area.draw(&Text::new(title, (LEFT, 18), style::title()))?;
    let mut chart = ChartBuilder::on(&area)
        .margin_top(TOP)
        .margin_right(RIGHT)
        .margin_left(LEFT)
        .margin_bottom(14)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(style::GRID)
        .light_line_style(style::GRID)
        .axis_style(style::AXIS)
        .label_style(style::tick())
        .draw()?;
    let (columns, rows) = chart.plotting_area().get_pixel_range();
    let caption = style::caption(HPos::Left, VPos::Bottom);
    area.draw(&Text::new(y_caption, (LEFT, rows.start - 14), caption))?;
    let middle = (columns.start + columns.end) / 2;
    let caption = style::caption(HPos::Center, VPos::Bottom);
    area.draw(&Text::new(x_caption, (middle, SIZE.1 as i32 - 10), caption))?;
    if !behind.is_empty() {
        draw_mark(&area, (columns.end + GAP + MARK, rows.start - 22), style::LEGEND)?;
        let caption = style::caption(HPos::Right, VPos::Bottom);
        area.draw(&Text::new(BEHIND, (columns.end + GAP - 4, rows.start - 14), caption))?;
    }

    // Who stands out is drawn last, above all others.
    let mut drawn: Vec<_> = lines.iter().map(|line| (line, Look::of(&line.name))).collect();
    drawn.sort_by_key(|(_, look)| look.stands_out);
    let named = |name: &String| Name { name: name.clone(), look: Look::of(name), end: None };
    let mut names: Vec<Name> = behind.iter().map(named).collect();
    for (line, look) in drawn {
        let points = line.points.iter().copied();
        let Some(end) = line.points.last() else { continue };
        chart.draw_series(LineSeries::new(points.clone(), look.stroke()))?;
        let (size, filled) = (if look.stands_out { 5 } else { 4 }, look.color.filled());
        let outlined = look.color.stroke_width(2);
        match look.marker {
            Marker::Circle => chart.draw_series(points.map(|at| Circle::new(at, size, filled)))?,
            Marker::Ring => chart.draw_series(points.map(|at| {
                EmptyElement::at(at)
                    + Circle::new((0, 0), size, WHITE.filled())
                    + Circle::new((0, 0), size, outlined)
            }))?,
            Marker::Triangle => {
                chart.draw_series(points.map(|at| TriangleMarker::new(at, size + 2, filled)))?
            }
            Marker::Cross => chart.draw_series(points.map(|at| Cross::new(at, size, outlined)))?,
        };
        names.push(Name { name: line.name.clone(), look, end: Some(chart.backend_coord(end)) });
    }
    draw_names(&area, columns.end, rows, names)?;
    area.present()?;
    Ok(())
}

/// A server's name, beside its line's end unless another one stands there.
struct Name {
    name: String,
    look: Look,
    /// `None` without a line: then it stands above all others, with a mark.
    end: Option<(i32, i32)>,
}

fn draw_names(
    area: &Area<'_>,
    right: i32,
    rows: std::ops::Range<i32>,
    mut names: Vec<Name>,
) -> Result<(), Failed> {
    // Those without an end come first.
    names.sort_by_key(|name| name.end.map(|(_, row)| row));
    let wanted = |name: &Name| name.end.map_or(rows.start, |(_, row)| row);
    let wanted: Vec<i32> = names.iter().map(wanted).collect();
    for (name, row) in names.iter().zip(spread(&wanted, rows.start, rows.end)) {
        let Name { name, look, end } = name;
        let column = right + GAP;
        let left = match *end {
            Some(end) => {
                let lead = [end, (right + 6, end.1), (column - 4, row)];
                area.draw(&PathElement::new(lead, look.color.mix(0.45)))?;
                column
            }
            None => {
                draw_mark(area, (column + MARK, row), look.color)?;
                column + 2 * MARK
            }
        };
        let text = style::printable(name);
        area.draw(&Text::new(text, (left, row), style::name(look, HPos::Left)))?;
    }
    Ok(())
}

/// An arrow out of the plot: no scale has a place for what it stands for.
fn draw_mark(area: &Area<'_>, (column, row): (i32, i32), color: RGBColor) -> Result<(), Failed> {
    let (top, style) = ((column, row - 7), color.stroke_width(2));
    area.draw(&PathElement::new([(column, row + 7), top], style))?;
    area.draw(&PathElement::new([(column - 4, row - 2), top, (column + 4, row - 2)], style))
}

/// Rows for names, in order, none too near to the next: as near to those wanted as it
/// goes, and within these bounds if they have room for all.
fn spread(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut rows = Vec::with_capacity(wanted.len());
    let mut least = top;
    for row in wanted {
        rows.push((*row).max(least));
        least = rows[rows.len() - 1] + NAME_HEIGHT;
    }
    let mut most = bottom;
    for row in rows.iter_mut().rev() {
        *row = (*row).min(most);
        most = *row - NAME_HEIGHT;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_distance_and_their_order() {
        for wanted in [
            [100, 200, 300, 400].as_slice(),
            &[100, 100, 100, 101],
            &[399, 400, 400, 400],
            &[50, 51, 52, 53, 395, 396, 397],
        ] {
            let rows = spread(wanted, 50, 400);
            assert!(rows.windows(2).all(|pair| pair[1] - pair[0] >= NAME_HEIGHT), "{rows:?}");
            assert!(rows[0] >= 50 && rows[rows.len() - 1] <= 400, "{rows:?}");
        }
        assert_eq!(spread(&[100, 200], 50, 400), [100, 200]);
    }
}
