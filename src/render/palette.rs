//! Colours of series.

use plotters::style::RGBColor;

/// Okabe and Ito's colours, told apart under every common colour vision; yellow left out, as it is pale on white.
const OKABE_ITO: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// The colour of series `index` of `count`: the named colours while they last, a wheel of hues in two shades beyond.
pub(crate) fn colour(index: usize, count: usize) -> RGBColor {
    if count <= OKABE_ITO.len() {
        return OKABE_ITO[index % OKABE_ITO.len()];
    }
    let lightness = if index.is_multiple_of(2) { 0.36 } else { 0.58 };
    rgb(index as f64 / count as f64, 0.75, lightness)
}

/// The shade of a number at this position between the least (0, pale) and the greatest (1, dark): lightness falls throughout, so that it reads in grey, too.
pub(crate) fn shade(position: f64) -> RGBColor {
    const STOPS: [[f64; 3]; 4] =
        [[247.0, 251.0, 255.0], [158.0, 202.0, 225.0], [49.0, 130.0, 189.0], [8.0, 48.0, 107.0]];
    let place = position.clamp(0.0, 1.0) * 3.0;
    let k = (place as usize).min(2);
    let channel = |c: usize| (STOPS[k][c] + (place - k as f64) * (STOPS[k + 1][c] - STOPS[k][c])).round() as u8;
    RGBColor(channel(0), channel(1), channel(2))
}

/// The standard conversion, all three in [0, 1]: channel n is l − a max(−1, min(k − 3, 9 − k, 1)) with
/// k = (n + 12 h) mod 12, a = s min(l, 1 − l), n = 0, 8, 4 for red, green, blue.
fn rgb(hue: f64, saturation: f64, lightness: f64) -> RGBColor {
    let a = saturation * lightness.min(1.0 - lightness);
    let channel = |n: f64| {
        let k = (n + 12.0 * hue).rem_euclid(12.0);
        (255.0 * (lightness - a * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0))).round() as u8
    };
    RGBColor(channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_series_have_thirty_colours_none_of_them_white() {
        for count in 1..=30 {
            let colours: Vec<RGBColor> = (0..count).map(|index| colour(index, count)).collect();
            for (i, a) in colours.iter().enumerate() {
                assert!(u32::from(a.0) + u32::from(a.1) + u32::from(a.2) < 600, "{a:?}");
                for b in &colours[..i] {
                    let distance = a.0.abs_diff(b.0).max(a.1.abs_diff(b.1)).max(a.2.abs_diff(b.2));
                    assert!(distance >= 20, "{count}: {a:?} {b:?}");
                }
            }
        }
    }
}
