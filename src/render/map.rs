//! Maps: tables whose numbers colour the cells of two axes, drawn as SVG.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use proofs_checks::{Figure, Scale, Table};

use super::digits;
use super::figure::{GREY, HEIGHT, INK, Outcome, WIDTH, column_head, text, text_width};
use super::palette::shade;
use super::scale::PlotAxis;

/// Where the cells are: left, top, right, bottom.
const CELLS: [i32; 4] = [96, 52, WIDTH as i32 - 130, HEIGHT as i32 - 78];
/// Where the bar of shades is.
const BAR: [i32; 2] = [WIDTH as i32 - 96, WIDTH as i32 - 76];
const SHADES: i32 = 64;
/// A cell without a number.
const EMPTY: RGBColor = RGBColor(230, 230, 230);

/// Draws the map of `fill` over `figure.x` and the only series. Of several rows for one cell the first counts; rows without a position or a number leave their cell empty.
pub(super) fn draw(figure: &Figure, fill: &str, table: &Table, svg: &mut String) -> Outcome {
    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = text(17.0, INK, HPos::Center, VPos::Center);
    root.draw(&Text::new(figure.title.clone(), (WIDTH as i32 / 2, 26), title))?;

    let y_name = figure.series.first().map_or("", String::as_str);
    let number = |row: usize, name: &str| table.rows[row].get(table.column(name)?)?.number();
    let cells: Vec<[f64; 3]> = (0..table.rows.len())
        .filter_map(|row| Some([number(row, &figure.x)?, number(row, y_name)?, number(row, fill)?]))
        .collect();
    if cells.is_empty() {
        let note = text(12.0, GREY, HPos::Left, VPos::Center);
        root.draw(&Text::new("no points", (84, HEIGHT as i32 - 14), note))?;
        return root.present();
    }
    let axis = |k: usize| {
        let mut values: Vec<f64> = cells.iter().map(|cell| cell[k]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let (xs, ys) = (axis(0), axis(1));
    let [low, high] = range(cells.iter().map(|cell| cell[2]));

    let [left, top, right, bottom] = CELLS;
    let edge =
        |from: i32, to: i32, k: usize, n: usize| from + ((to - from) as f64 * k as f64 / n as f64).round() as i32;
    let column = |k: usize| [edge(left, right, k, xs.len()), edge(left, right, k + 1, xs.len())];
    // The least number is at the bottom.
    let row = |k: usize| [edge(bottom, top, k + 1, ys.len()), edge(bottom, top, k, ys.len())];
    let middle = |[from, to]: [i32; 2]| (from + to) / 2;
    for (i, &x) in xs.iter().enumerate() {
        for (j, &y) in ys.iter().enumerate() {
            let value = cells.iter().find(|cell| cell[0] == x && cell[1] == y).map(|cell| cell[2]);
            let position = value.map(|value| PlotAxis::within(low, high, value));
            let colour = position.map_or(EMPTY, shade);
            let ([x0, x1], [y0, y1]) = (column(i), row(j));
            root.draw(&Rectangle::new([(x0, y0), (x1, y1)], colour.filled()))?;
            root.draw(&Rectangle::new([(x0, y0), (x1, y1)], WHITE.stroke_width(1)))?;
            let label = value.map_or_else(String::new, short);
            let fits = text_width(&label, 13.0) < x1 - x0 && y1 - y0 > 14;
            let ink = if position.is_some_and(|position| position > 0.55) { WHITE } else { INK };
            if fits {
                let style = text(13.0, ink, HPos::Center, VPos::Center);
                root.draw(&Text::new(label, (middle([x0, x1]), middle([y0, y1])), style))?;
            }
        }
    }

    let label = |scale: Scale, values: &[f64], value: f64| PlotAxis::around(scale, values.iter().copied()).label(value);
    let small = |horizontal, vertical| text(13.0, INK, horizontal, vertical);
    for (i, &x) in xs.iter().enumerate() {
        let at = (middle(column(i)), bottom + 8);
        root.draw(&Text::new(label(figure.scale[0], &xs, x), at, small(HPos::Center, VPos::Top)))?;
    }
    for (j, &y) in ys.iter().enumerate() {
        let at = (left - 8, middle(row(j)));
        root.draw(&Text::new(label(figure.scale[1], &ys, y), at, small(HPos::Right, VPos::Center)))?;
    }
    let heads = text(14.0, INK, HPos::Center, VPos::Center);
    root.draw(&Text::new(column_head(table, &figure.x), (middle([left, right]), bottom + 46), heads.clone()))?;
    let turned = heads.transform(FontTransform::Rotate270);
    root.draw(&Text::new(column_head(table, y_name), (26, middle([top, bottom])), turned))?;

    let [from, to] = BAR;
    for k in 0..SHADES {
        let level = |k: i32| bottom + (top - bottom) * k / SHADES;
        let colour = shade((f64::from(k) + 0.5) / f64::from(SHADES));
        root.draw(&Rectangle::new([(from, level(k + 1)), (to, level(k))], colour.filled()))?;
    }
    for (value, at) in [(low, bottom), (high, top)] {
        root.draw(&Text::new(short(value), (to + 6, at), small(HPos::Left, VPos::Center)))?;
    }
    let centred = text(14.0, INK, HPos::Center, VPos::Center);
    root.draw(&Text::new(
        column_head(table, fill),
        (middle([left, WIDTH as i32]).max((from + to) / 2), bottom + 46),
        centred,
    ))?;
    root.present()
}

/// Shares keep the scale from 0 to 1, so that maps can be compared.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] =
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)]);
    if low >= 0.0 && high <= 1.0 { [0.0, 1.0] } else { [low, high] }
}

/// A number as short as a cell needs it.
fn short(value: f64) -> String {
    if (1e-2..1e4).contains(&value.abs()) {
        digits::number((value * 100.0).round() / 100.0)
    } else {
        digits::number(value)
    }
}
