//! Figures: views of tables, drawn as SVG.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use proofs_checks::{Axis, Figure, Table};

use super::head;
use super::map;
use super::palette::colour;
use super::scale::{PlotAxis, has_place};

pub(super) const WIDTH: u32 = 820;
pub(super) const HEIGHT: u32 = 500;
const FONT: &str = "sans-serif";
pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);
/// Series beyond which a legend says less than it hides.
const LEGEND: usize = 12;
/// Points of a series beyond which symbols would cover its line.
const SYMBOLS: usize = 60;
/// Lengths of the dashes of laws, in turn, and the distance from one to the next: shorter ones leave the longer ones visible where laws coincide.
const DASHES: [u32; 3] = [9, 6, 3];
const PERIOD: u32 = 13;
/// Mean width of a character in font sizes, for the room that a text needs.
const ASPECT: f64 = 0.56;

/// The points of one series, in pieces: a missing number interrupts the line.
struct Series {
    name: String,
    pieces: Vec<Vec<(f64, f64)>>,
    kind: Kind,
}

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Line,
    /// Dashed, without symbols.
    Law,
    /// Symbols alone.
    Points,
}

/// Draws a figure. Points without a place on a logarithmic axis are left out, which the drawing says.
///
/// # Errors
/// The drawing library refuses.
pub(crate) fn svg(figure: &Figure, table: &Table) -> anyhow::Result<String> {
    let mut svg = String::new();
    let outcome = match &figure.fill {
        Some(fill) => map::draw(figure, fill, table, &mut svg),
        None => {
            let (series, left_out) = collect(figure, table);
            draw(figure, table, &series, left_out, &mut svg)
        }
    };
    outcome.map_err(|error| anyhow!("cannot be drawn: {error}"))?;
    Ok(svg)
}

fn collect(figure: &Figure, table: &Table) -> (Vec<Series>, usize) {
    let mut left_out = 0;
    let number = |row: usize, name: &str| table.rows[row].get(table.column(name)?)?.number();
    let mut one = |name: &String| {
        let mut pieces = vec![Vec::new()];
        for row in 0..table.rows.len() {
            let point = number(row, &figure.x).zip(number(row, name));
            let placed = point.filter(|(x, y)| has_place(figure.scale[0], *x) && has_place(figure.scale[1], *y));
            left_out += usize::from(point.is_some() && placed.is_none());
            match (placed, pieces.last_mut()) {
                (Some(point), Some(piece)) => piece.push(point),
                _ => pieces.push(Vec::new()),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        let kind = match () {
            () if figure.laws.contains(name) => Kind::Law,
            () if figure.points.contains(name) => Kind::Points,
            () => Kind::Line,
        };
        Series { name: name.clone(), pieces, kind }
    };
    (figure.series.iter().map(&mut one).collect(), left_out)
}

pub(super) type Outcome = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn draw(figure: &Figure, table: &Table, series: &[Series], left_out: usize, svg: &mut String) -> Outcome {
    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;

    let points = || series.iter().flat_map(|one| one.pieces.iter().flatten());
    let marked = |axis| figure.marks.iter().filter(move |mark| mark.axis == axis).map(|mark| mark.value);
    let x = PlotAxis::around(figure.scale[0], points().map(|point| point.0).chain(marked(Axis::X)));
    let y = PlotAxis::around(figure.scale[1], points().map(|point| point.1).chain(marked(Axis::Y)));

    let marks = || figure.marks.iter().filter(|mark| has_place(figure.scale[axis_index(mark.axis)], mark.value));
    let beside = marks().filter(|mark| mark.axis == Axis::Y).map(|mark| text_width(&mark.label, 12.0)).max();
    let above = marks().any(|mark| mark.axis == Axis::X);

    let legend = if (2..=LEGEND).contains(&series.len()) { legend_width(series) } else { 0 };
    let mut notes = Vec::new();
    if points().next().is_none() {
        notes.push("no points".to_string());
    }
    if left_out > 0 {
        let points = if left_out == 1 { "point" } else { "points" };
        notes.push(format!("{left_out} {points} ≤ 0 left out on a logarithmic axis"));
    }
    if series.len() > LEGEND {
        notes.push(format!("{} series, legend left out", series.len()));
    }

    let (title, rest) = root.split_vertically(42);
    let style = text(17.0, INK, HPos::Center, VPos::Center);
    title.draw(&Text::new(figure.title.clone(), ((WIDTH as i32 - legend) / 2, 24), style))?;
    let (plot, key) = rest.split_horizontally(WIDTH as i32 - legend);

    let mut chart = ChartBuilder::on(&plot)
        .margin_left(12)
        .margin_top(if above { 18 } else { 4 })
        .margin_right(beside.unwrap_or(0).min(WIDTH as i32 / 4) + 20)
        .margin_bottom(if notes.is_empty() { 10 } else { 30 })
        .x_label_area_size(52)
        .y_label_area_size(72)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .axis_style(GREY)
        .bold_line_style(RGBColor(222, 222, 222))
        .light_line_style(RGBColor(242, 242, 242))
        .label_style((FONT, 13).into_font().color(&INK))
        .axis_desc_style((FONT, 14).into_font().color(&INK))
        .x_desc(column_head(table, &figure.x))
        .y_desc(vertical_head(figure, table))
        .draw()?;

    for mark in marks() {
        let line = match mark.axis {
            Axis::X => [(mark.value, y.low()), (mark.value, y.high())],
            Axis::Y => [(x.low(), mark.value), (x.high(), mark.value)],
        };
        chart.draw_series(DashedLineSeries::new(line, 6, 4, GREY.stroke_width(1)))?;
    }
    // Laws last: dashes leave what they cover visible.
    let (laws, data): (Vec<_>, Vec<_>) = series.iter().enumerate().partition(|(_, one)| one.kind == Kind::Law);
    let place = |i: usize| laws.iter().position(|(law, _)| *law == i).unwrap_or(0);
    for (i, one) in data.into_iter().chain(laws.iter().copied()) {
        let colour = colour(i, series.len());
        let few = one.pieces.iter().map(Vec::len).sum::<usize>() <= SYMBOLS;
        for piece in &one.pieces {
            match one.kind {
                Kind::Line => {
                    chart.draw_series(LineSeries::new(piece.iter().copied(), colour.stroke_width(2)))?;
                }
                Kind::Law => {
                    let dash = DASHES[place(i) % DASHES.len()];
                    let points = piece.iter().copied();
                    chart.draw_series(DashedLineSeries::new(points, dash, PERIOD - dash, colour.stroke_width(2)))?;
                }
                Kind::Points => {}
            }
            let symbols = match one.kind {
                Kind::Line => few || piece.len() == 1,
                Kind::Law => false,
                Kind::Points => true,
            };
            if symbols {
                chart.draw_series(piece.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
            }
        }
    }
    // Labels of marks stand outside of the plot, where they hide no data.
    for mark in marks() {
        let at = match mark.axis {
            Axis::X => chart.as_coord_spec().translate(&(mark.value, y.high())),
            Axis::Y => chart.as_coord_spec().translate(&(x.high(), mark.value)),
        };
        let half = text_width(&mark.label, 12.0) / 2;
        let (at, style) = match mark.axis {
            Axis::X => {
                let centre = at.0.min(WIDTH as i32 - half).max(half);
                ((centre, at.1 - 4), text(12.0, GREY, HPos::Center, VPos::Bottom))
            }
            Axis::Y => ((at.0 + 5, at.1), text(12.0, GREY, HPos::Left, VPos::Center)),
        };
        root.draw(&Text::new(mark.label.clone(), at, style))?;
    }

    if legend > 0 {
        for (i, one) in series.iter().enumerate() {
            let (colour, height) = (colour(i, series.len()), 16 + 22 * i as i32);
            let ends: &[[i32; 2]] = match one.kind {
                Kind::Line => &[[0, 24]],
                Kind::Law => &[[0, 9], [15, 24]],
                Kind::Points => &[],
            };
            for [from, to] in ends {
                key.draw(&PathElement::new([(*from, height), (*to, height)], colour.stroke_width(2)))?;
            }
            if one.kind != Kind::Law {
                key.draw(&Circle::new((12, height), 3, colour.filled()))?;
            }
            key.draw(&Text::new(one.name.clone(), (32, height), text(13.0, INK, HPos::Left, VPos::Center)))?;
        }
    }
    if !notes.is_empty() {
        let style = text(12.0, GREY, HPos::Left, VPos::Center);
        root.draw(&Text::new(notes.join("; "), (84, HEIGHT as i32 - 14), style))?;
    }
    root.present()
}

pub(super) fn text(size: f64, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour).into_text_style(&(WIDTH, HEIGHT)).pos(Pos::new(horizontal, vertical))
}

pub(super) fn text_width(text: &str, size: f64) -> i32 {
    (ASPECT * size * text.chars().count() as f64).ceil() as i32
}

fn legend_width(series: &[Series]) -> i32 {
    let longest = series.iter().map(|one| text_width(&one.name, 13.0)).max().unwrap_or(0);
    (48 + longest).min(WIDTH as i32 / 3)
}

fn axis_index(axis: Axis) -> usize {
    match axis {
        Axis::X => 0,
        Axis::Y => 1,
    }
}

pub(super) fn column_head(table: &Table, name: &str) -> String {
    table.column(name).map(|column| head(&table.columns[column])).unwrap_or_default()
}

/// The one series with its unit, or the unit that all series share.
fn vertical_head(figure: &Figure, table: &Table) -> String {
    if let [only] = &figure.series[..] {
        return column_head(table, only);
    }
    let mut units = figure.series.iter().filter_map(|name| Some(&table.columns[table.column(name)?].unit));
    match units.next() {
        Some(unit) if !unit.is_empty() && units.all(|other| other == unit) => format!("[{unit}]"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proofs_checks::{Cell, Column, Mark, Scale};

    use super::*;

    fn drawn(series: usize, rows: &[&[Cell]], scale: [Scale; 2]) -> String {
        let names: Vec<String> = (0..series).map(|i| format!("s{i}")).collect();
        let heads = std::iter::once("x".to_string()).chain(names.clone());
        let mut table = Table::new("t", heads.map(|name| Column::new(name, "time")));
        for row in rows {
            table.push(row.iter().cloned());
        }
        let figure = Figure::new("f", "a < b & c", "t", "x", names, scale)
            .with_mark(Mark::x(1.0, "one"))
            .with_mark(Mark::y(-2.0, "minus two"));
        let svg = svg(&figure, &table).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c"), "{svg}");
        svg
    }

    const SCALES: [[Scale; 2]; 4] = [
        [Scale::Linear, Scale::Linear],
        [Scale::Linear, Scale::Log],
        [Scale::Log, Scale::Linear],
        [Scale::Log, Scale::Log],
    ];

    /// Whatever a check put into its table, the drawing must not fail or mislead.
    #[test]
    fn any_table_can_be_drawn() {
        let null = || Cell::Null;
        for scale in SCALES {
            assert!(drawn(1, &[], scale).contains("no points"));
            assert!(drawn(0, &[], scale).contains("no points"));
            assert!(drawn(1, &[&[null(), null()], &["a".into(), 1.0.into()]], scale).contains("no points"));
            for value in [1.0, 0.0, -3.0, 1e300, f64::MAX, 5e-324] {
                drawn(1, &[&[value.into(), value.into()]], scale);
                drawn(1, &[&[1.0.into(), value.into()], &[2.0.into(), value.into()]], scale);
                drawn(1, &[&[value.into(), (-value).into()], &[(-value).into(), value.into()]], scale);
            }
        }
    }

    #[test]
    fn points_without_a_place_are_counted() {
        let rows: [&[Cell]; 3] = [&[1.0.into(), 2.0.into()], &[2.0.into(), 0.0.into()], &[(-1.0).into(), 1.0.into()]];
        assert!(drawn(1, &rows, [Scale::Log; 2]).contains("2 points ≤ 0 left out on a logarithmic axis"));
        assert!(drawn(1, &rows, [Scale::Linear, Scale::Log]).contains("1 point ≤ 0 left out"));
        assert!(!drawn(1, &rows, [Scale::Linear; 2]).contains("left out"));
    }

    #[test]
    fn a_missing_number_interrupts_the_line() {
        let rows: [&[Cell]; 5] = [
            &[1.0.into(), 1.0.into()],
            &[2.0.into(), 2.0.into()],
            &[3.0.into(), Cell::Null],
            &[4.0.into(), 2.0.into()],
            &[5.0.into(), 1.0.into()],
        ];
        let lines = drawn(1, &rows, [Scale::Linear; 2]).matches("stroke-width=\"2\"").count();
        assert_eq!(lines, 2);
    }

    /// Missing, repeated and extreme numbers, and no numbers at all.
    #[test]
    fn any_table_can_be_drawn_as_a_map() {
        let drawn = |rows: &[[Cell; 3]], scale| {
            let mut table = Table::new("t", ["d", "m", "share"].map(|name| Column::new(name, "")));
            rows.iter().for_each(|row| table.push(row.clone()));
            let svg = svg(&Figure::new("f", "a < b", "t", "d", ["m"], scale).with_fill("share"), &table).unwrap();
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            svg
        };
        for scale in SCALES {
            assert!(drawn(&[], scale).contains("no points"));
            assert!(drawn(&[["a".into(), 1.0.into(), Cell::Null]], scale).contains("no points"));
            for value in [1.0, 0.0, -3.0, f64::MAX, 5e-324] {
                drawn(&[[value.into(), value.into(), value.into()]], scale);
                drawn(&[[1.0.into(), value.into(), value.into()], [2.0.into(), 1.0.into(), (-value).into()]], scale);
            }
        }
        // Two by two positions, one of them without a number: three coloured cells, one empty.
        let cell = |x: f64, y: f64, share: f64| [x.into(), y.into(), share.into()];
        let svg = drawn(&[cell(1.0, 1.0, 0.0), cell(2.0, 1.0, 0.5), cell(2.0, 2.0, 1.0)], [Scale::Linear; 2]);
        assert_eq!(svg.matches("#E6E6E6").count(), 1, "{svg}");
    }

    /// A law has dashes and no symbols, points have symbols and no line.
    #[test]
    fn laws_are_dashed_and_points_apart() {
        let mut table = Table::new("t", ["x", "y"].map(|name| Column::new(name, "")));
        [[1.0, 1.0], [2.0, 3.0]].into_iter().for_each(|row| table.push(row.map(Cell::from)));
        let counts = |figure: Figure| {
            let svg = svg(&figure, &table).unwrap();
            [svg.matches("stroke-width=\"2\"").count(), svg.matches("<circle").count()]
        };
        let plain = || Figure::new("f", "", "t", "x", Vec::<String>::new(), [Scale::Linear; 2]);
        assert_eq!(counts(Figure { series: vec!["y".into()], ..plain() }), [1, 2]);
        assert_eq!(counts(plain().with_points(["y"])), [0, 2]);
        let [dashes, symbols] = counts(plain().with_laws(["y"]));
        assert!(dashes > 10 && symbols == 0, "{dashes} {symbols}");
    }

    #[test]
    fn many_series_go_without_a_legend() {
        let row = |x: f64| -> Vec<Cell> { (0..31).map(|i| (x + f64::from(i)).into()).collect() };
        let rows = [row(1.0), row(2.0)];
        let svg = drawn(30, &[&rows[0], &rows[1]], [Scale::Linear; 2]);
        assert!(svg.contains("30 series, legend left out") && !svg.contains("s29"));
    }
}
