//! What a server looks like: the same in every chart, and told apart by everybody.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What browsers find on every system: an SVG brings no font along.
const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const FADED_INK: RGBColor = RGBColor(0x59, 0x63, 0x6e);
pub(super) const GRID: RGBColor = RGBColor(0xe4, 0xe7, 0xea);
pub(super) const GOAL: RGBColor = FADED_INK;
pub(super) const LEGEND: RGBColor = FADED_INK;
pub(super) const AXIS: RGBColor = RGBColor(0x9a, 0xa2, 0xab);

/// The palette of Okabe and Ito, which the colour-blind can tell apart, without its
/// yellow, which nobody sees on white.
const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const GREY: RGBColor = RGBColor(0x8c, 0x8c, 0x8c);
const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
const BLACK: RGBColor = RGBColor(0x33, 0x33, 0x33);

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Ring,
    Triangle,
    Cross,
}

/// How a server is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) color: RGBColor,
    pub(super) marker: Marker,
    /// Who the charts are about.
    pub(super) stands_out: bool,
}

impl Look {
    /// The look that goes with a name: servers of one family, such as `hyper` and
    /// `hyper-2`, have one colour, and the plain name has the plainest marker.
    pub(super) fn of(name: &str) -> Self {
        let (family, variant) = name.split_once('-').unwrap_or((name, ""));
        let color = match family {
            "streamsum" => BLUE,
            "hyper" => VERMILION,
            "actix" => GREEN,
            "go" => PURPLE,
            "ruler" => GREY,
            other => [SKY, ORANGE, BLACK][sum(other) % 3],
        };
        let marker = match variant {
            "" => Marker::Circle,
            other => [Marker::Ring, Marker::Triangle, Marker::Cross][sum(other) % 3],
        };
        Self { color, marker, stands_out: name == "streamsum" }
    }

    pub(super) fn stroke(&self) -> ShapeStyle {
        self.color.stroke_width(if self.stands_out { 4 } else { 2 })
    }
}

fn sum(name: &str) -> usize {
    name.bytes().map(usize::from).sum()
}

/// Styles of text.
pub(super) fn title() -> TextStyle<'static> {
    text(22, INK, FontStyle::Bold, HPos::Left, VPos::Top)
}

pub(super) fn caption(h_pos: HPos, v_pos: VPos) -> TextStyle<'static> {
    text(17, FADED_INK, FontStyle::Normal, h_pos, v_pos)
}

pub(super) fn tick() -> TextStyle<'static> {
    text(17, INK, FontStyle::Normal, HPos::Left, VPos::Top)
}

pub(super) fn name(look: &Look, h_pos: HPos) -> TextStyle<'static> {
    let weight = if look.stands_out { FontStyle::Bold } else { FontStyle::Normal };
    text(18, INK, weight, h_pos, VPos::Center)
}

fn text(
    size: i32,
    color: RGBColor,
    weight: FontStyle,
    h_pos: HPos,
    v_pos: VPos,
) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::Name(FONTS), f64::from(size), weight);
    font.color(&color).pos(Pos::new(h_pos, v_pos))
}

/// A name as XML can hold it: control characters have no place there.
pub(super) fn printable(name: &str) -> String {
    name.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}
