use roxmltree::{Document, Node};

use super::*;

fn line(name: &str, points: &[(f64, f64)]) -> Line {
    Line { name: name.into(), points: points.to_vec() }
}

fn bar(name: &str, value: f64) -> Bar {
    Bar { name: name.into(), value }
}

#[track_caller]
fn parse(svg: &str) -> Document<'_> {
    Document::parse(svg).expect("well-formed XML")
}

fn texts<'a>(document: &'a Document<'_>) -> Vec<&'a str> {
    elements(document, "text").filter_map(|text| Some(text.text()?.trim())).collect()
}

fn elements<'a, 'i>(
    document: &'a Document<'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

fn number(node: Node<'_, '_>, attribute: &str) -> f64 {
    node.attribute(attribute).expect(attribute).parse().expect(attribute)
}

/// Where the markers of this colour stand, in the order of drawing.
fn circles(document: &Document<'_>, color: &str) -> Vec<(f64, f64)> {
    let own = elements(document, "circle").filter(|node| node.attribute("fill") == Some(color));
    own.map(|node| (number(node, "cx"), number(node, "cy"))).collect()
}

/// The points of each line of this colour.
fn polylines(document: &Document<'_>, color: &str) -> Vec<Vec<(f64, f64)>> {
    let own = elements(document, "polyline").filter(|node| node.attribute("stroke") == Some(color));
    let points = own.map(|node| node.attribute("points").expect("points"));
    let point = |text: &str| {
        let (x, y) = text.split_once(',').expect("a point");
        (x.parse().expect(text), y.parse().expect(text))
    };
    points.map(|points| points.split_whitespace().map(point).collect()).collect()
}

const STREAMSUM: &str = "#0072B2";
const HYPER: &str = "#D55E00";

#[track_caller]
fn assert_has(svg: &str, expected: &[&str]) {
    let document = parse(svg);
    let texts = texts(&document);
    for text in expected {
        assert!(texts.contains(text), "{text:?} is missing: {texts:?}");
    }
}

#[test]
fn throughput_has_all_names_and_a_tick_at_each_count() {
    let counts = [1.0_f64, 2.0, 4.0, 8.0, 16.0, 32.0, 256.0];
    let svg = throughput(&[
        line("streamsum", &counts.map(|count| (count, count.min(16.0) / 4.0))),
        line("hyper", &counts.map(|count| (count, 0.4))),
    ])
    .unwrap();
    assert_has(&svg, &["streamsum", "hyper", "Throughput", "GB/s", "uploads at once"]);
    assert_has(&svg, &["1", "2", "4", "8", "16", "32", "256", "0", "4"]);
}

#[test]
fn each_doubling_is_as_wide_and_each_gigabyte_as_high() {
    let points: Vec<_> = (0..5).map(|at| (2_f64.powi(at), f64::from(at))).collect();
    let svg = throughput(&[line("streamsum", &points)]).unwrap();
    let document = parse(&svg);
    let places = circles(&document, STREAMSUM);
    assert_eq!(places.len(), points.len());
    for three in places.windows(3) {
        let [first, second, third] = [three[0], three[1], three[2]];
        assert!(first.0 < second.0 && first.1 > second.1, "{places:?}");
        assert!((second.0 - first.0 - (third.0 - second.0)).abs() <= 1.0, "{places:?}");
        assert!((second.1 - first.1 - (third.1 - second.1)).abs() <= 1.0, "{places:?}");
    }
}

#[test]
fn latency_goes_by_nines_and_decades() {
    let parts = [0.5, 0.9, 0.99, 0.999];
    let svg = latency(
        &[
            line("streamsum", &[(0.5, 1e-4), (0.9, 1e-3), (0.99, 1e-2), (0.999, 1e-1)]),
            line("hyper", &parts.map(|part| (part, 0.03))),
        ],
        &[],
    )
    .unwrap();
    assert_has(&svg, &["50 %", "90 %", "99 %", "99.9 %", "100 µs", "1 ms", "10 ms", "100 ms"]);
    let document = parse(&svg);
    let places = circles(&document, STREAMSUM);
    let [second, third, fourth] = [places[1], places[2], places[3]];
    assert!((third.0 - second.0 - (fourth.0 - third.0)).abs() <= 1.0, "{places:?}");
    assert!((third.1 - second.1 - (fourth.1 - third.1)).abs() <= 1.0, "{places:?}");
}

#[test]
fn who_did_not_keep_up_has_a_mark_and_no_value() {
    const LEGEND: &str = "did not keep up with what was due";
    let lines = [line("streamsum", &[(0.5, 1e-4), (0.99, 2e-4), (0.999, 5e-4)])];
    let without = latency(&lines, &[]).unwrap();
    let svg = latency(&lines, &["hyper".into(), "go".into()]).unwrap();
    let (document, document_without) = (parse(&svg), parse(&without));
    // There is nothing more to read than who they are and what that means: no tick either.
    let mut added = texts(&document);
    for text in texts(&document_without) {
        let place = added.iter().position(|it| *it == text).expect(text);
        added.remove(place);
    }
    added.sort_unstable();
    assert_eq!(added, [LEGEND, "go", "hyper"]);
    assert_eq!(circles(&document, STREAMSUM), circles(&document_without, STREAMSUM));
    // Nothing of theirs lies in the plot, which ends where streamsum's line does.
    let (end, _) = circles(&document, STREAMSUM)[2];
    for (name, color) in [("hyper", HYPER), ("go", "#CC79A7")] {
        assert_eq!(circles(&document, color), []);
        let marks = polylines(&document, color);
        assert_eq!(marks.len(), 2, "an arrow's shaft and head: {marks:?}");
        let text = elements(&document, "text").find(|it| it.text().map(str::trim) == Some(name));
        let (left, row) = text.map(|it| (number(it, "x"), number(it, "y"))).expect(name);
        for (x, y) in marks.concat() {
            assert!(x > end && x < left && (y - row).abs() < 12.0, "{x} {y} at {left} {row}");
        }
    }
    // The legend has the same mark.
    let legend = polylines(&document, "#59636E");
    assert_eq!(legend.len(), 2, "{legend:?}");
    assert!(polylines(&document_without, "#59636E").is_empty());
}

#[test]
fn memory_writes_each_value_at_its_bar() {
    let bars = [bar("streamsum", 344.0), bar("hyper", 120_700.0), bar("idler", 0.0)];
    let svg = memory("Memory of a held upload", &bars).unwrap();
    assert_has(&svg, &["Memory of a held upload", "streamsum", "hyper", "idler"]);
    assert_has(&svg, &["344 B", "121 kB", "0 B", "512 B"]);
    let document = parse(&svg);
    let width = |color| {
        let rect = elements(&document, "rect").find(|node| node.attribute("fill") == Some(color));
        number(rect.expect(color), "width")
    };
    assert!(width(HYPER) > width(STREAMSUM));
}

#[test]
fn a_server_looks_the_same_in_every_chart() {
    let lines = |names: &[&str]| -> Vec<Line> {
        names.iter().map(|name| line(name, &[(1.0, 1.0), (2.0, 2.0)])).collect()
    };
    let percentiles = [line("hyper", &[(0.5, 1.0)]), line("streamsum", &[(0.5, 2.0)])];
    for svg in [
        throughput(&lines(&["streamsum", "hyper"])).unwrap(),
        throughput(&lines(&["go", "hyper", "actix", "streamsum"])).unwrap(),
        latency(&percentiles, &[]).unwrap(),
        memory("", &[bar("hyper", 1e5), bar("streamsum", 300.0)]).unwrap(),
    ] {
        assert!(svg.contains(STREAMSUM) && svg.contains(HYPER), "{svg}");
    }
}

#[test]
fn all_that_is_drawn_lies_within_the_picture() {
    let names: Vec<String> = (0..16).map(|at| format!("server-{at}")).collect();
    let lines: Vec<Line> =
        names.iter().map(|name| line(name, &[(1.0, 0.4), (2.0, 0.41), (1e6, 0.42)])).collect();
    let bars: Vec<Bar> = names.iter().map(|name| bar(name, 1e15)).collect();
    let slow = names.iter().map(|name| line(name, &[(0.0, 1e-9), (0.999_999, 1e9)]));
    for svg in [
        throughput(&lines).unwrap(),
        latency(&slow.collect::<Vec<_>>(), &names).unwrap(),
        memory("Much", &bars).unwrap(),
    ] {
        let document = parse(&svg);
        let root = document.root_element();
        let (width, height) = (number(root, "width"), number(root, "height"));
        for (element, x, y) in [("text", "x", "y"), ("circle", "cx", "cy"), ("rect", "x", "y")] {
            for node in elements(&document, element) {
                let (x, y) = (number(node, x), number(node, y));
                assert!((0.0..width).contains(&x) && (0.0..height).contains(&y), "{node:?}");
            }
        }
    }
}

#[test]
fn the_names_of_like_lines_do_not_overlap() {
    let names: Vec<String> = (0..12).map(|at| format!("server-{at}")).collect();
    let lines: Vec<Line> = names.iter().map(|name| line(name, &[(1.0, 0.4), (8.0, 0.4)])).collect();
    let svg = throughput(&lines).unwrap();
    let document = parse(&svg);
    let mut rows: Vec<f64> = elements(&document, "text")
        .filter(|node| node.text().is_some_and(|text| text.trim().starts_with("server")))
        .map(|node| number(node, "y"))
        .collect();
    rows.sort_by(f64::total_cmp);
    assert_eq!(rows.len(), names.len());
    assert!(rows.windows(2).all(|pair| pair[1] - pair[0] >= 18.0), "{rows:?}");
}

#[test]
fn any_name_is_taken() {
    let name = "<a href=\"x\">&\u{0}\u{1b}]]>' é 中";
    let shown = "<a href=\"x\">&\u{fffd}\u{fffd}]]>' é 中";
    assert_has(&throughput(&[line(name, &[(1.0, 1.0)])]).unwrap(), &[shown]);
    assert_has(&memory(name, &[bar("-", 1.0)]).unwrap(), &[shown]);
    assert_has(&memory("", &[bar(name, 1.0), bar("", 2.0)]).unwrap(), &[shown]);
}

#[test]
fn what_has_no_place_is_an_error() {
    assert!(matches!(throughput(&[]), Err(Error::Empty)));
    assert!(matches!(latency(&[line("a", &[])], &["b".into()]), Err(Error::Empty)));
    assert!(matches!(memory("", &[]), Err(Error::Empty)));
    for point in [(0.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0)] {
        let drawn = throughput(&[line("a", &[(1.0, 1.0)]), line("b", &[point])]);
        assert!(matches!(drawn, Err(Error::OffAxis { name, .. }) if name == "b"), "{point:?}");
    }
    for point in [(1.0, 1.0), (99.0, 1.0), (-0.1, 1.0), (0.5, 0.0), (0.5, f64::INFINITY)] {
        let drawn = latency(&[line("b", &[point])], &[]);
        assert!(matches!(drawn, Err(Error::OffAxis { .. })), "{point:?}");
    }
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(memory("", &[bar("b", value)]), Err(Error::OffAxis { .. })), "{value}");
    }
    let disordered = throughput(&[line("a", &[(2.0, 1.0), (1.0, 1.0)])]);
    assert_eq!(disordered.unwrap_err().to_string(), "a: points out of order");
}

#[test]
fn extreme_values_are_drawn_or_refused() {
    for value in [LEAST, 1.0, GREATEST] {
        parse(&throughput(&[line("a", &[(1.0, value)])]).unwrap());
        parse(&throughput(&[line("a", &[(value.max(1.0), 0.0)])]).unwrap());
        parse(&latency(&[line("a", &[(0.5, value)])], &[]).unwrap());
        parse(&memory("", &[bar("a", value)]).unwrap());
    }
    for value in [f64::MIN_POSITIVE, f64::MAX] {
        assert!(throughput(&[line("a", &[(1.0, value)])]).is_err());
        assert!(latency(&[line("a", &[(0.5, value)])], &[]).is_err());
    }
    parse(&throughput(&[line("a", &[(1.0, 0.0), (1.0, 0.0)])]).unwrap());
    parse(&latency(&[line("a", &[(0.0, 1.0), (1.0 - f64::EPSILON / 2.0, 1.0)])], &[]).unwrap());
}
