//! From shades of grey to on and off.

use std::str::FromStr;

/// How shades become dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dither {
    /// What a dot is wrong by goes to its neighbours that come after it (Floyd–Steinberg): the most detail; for photos.
    #[default]
    Diffuse,
    /// A fixed pattern of four by four (Bayer): calm, the same picture always in the same dots; for animations.
    Ordered,
    /// The bright half is on: hard edges; for drawings and text.
    Threshold,
}

impl FromStr for Dither {
    type Err = &'static str;

    /// `diffuse`, `ordered`, `threshold`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "diffuse" => Ok(Self::Diffuse),
            "ordered" => Ok(Self::Ordered),
            "threshold" => Ok(Self::Threshold),
            _ => Err("dither is diffuse, ordered or threshold"),
        }
    }
}

/// Thresholds of sixteen neighbours, as far from each other as can be.
const BAYER: [[i32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

impl Dither {
    /// Calls `light` for every dot of a picture of grey shades, row by row, that is on.
    pub(crate) fn each_light(self, shades: &[u8], width: usize, mut light: impl FnMut(usize, usize)) {
        let rows = shades.chunks_exact(width.max(1)).enumerate();
        match self {
            Self::Threshold => rows.for_each(|(y, row)| {
                (0..width).filter(|x| row[*x] >= 128).for_each(|x| light(x, y));
            }),
            Self::Ordered => rows.for_each(|(y, row)| {
                // The middle of each of the sixteen steps, so that black stays dark and white light.
                let limit = |x: usize| BAYER[y % 4][x % 4] * 16 + 8;
                (0..width).filter(|x| i32::from(row[*x]) > limit(*x)).for_each(|x| light(x, y));
            }),
            Self::Diffuse => {
                // What this row and the next one are wrong by so far, in sixteenths; a place more at both ends.
                let (mut here, mut next) = (vec![0i32; width + 2], vec![0i32; width + 2]);
                for (y, row) in rows {
                    for x in 0..width {
                        let wish = i32::from(row[x]) + here[x + 1] / 16;
                        let is_on = wish >= 128;
                        let wrong = wish - if is_on { 255 } else { 0 };
                        if is_on {
                            light(x, y);
                        }
                        here[x + 2] += wrong * 7;
                        next[x] += wrong * 3;
                        next[x + 1] += wrong * 5;
                        next[x + 2] += wrong;
                    }
                    std::mem::swap(&mut here, &mut next);
                    next.fill(0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(dither: Dither, shades: &[u8], width: usize) -> Vec<String> {
        let mut dots = vec![vec!['.'; width]; shades.len() / width];
        dither.each_light(shades, width, |x, y| dots[y][x] = '#');
        dots.into_iter().map(|row| row.into_iter().collect()).collect()
    }

    const ALL: [Dither; 3] = [Dither::Diffuse, Dither::Ordered, Dither::Threshold];

    #[test]
    fn black_is_dark_and_white_is_light_whatever_is_in_between() {
        for dither in ALL {
            assert_eq!(drawn(dither, &[0, 255, 0, 255, 255, 0], 3), [".#.", "##."], "{dither:?}");
        }
    }

    #[test]
    fn a_shade_of_grey_has_as_many_lights_as_it_is_bright() {
        for (dither, shade) in
            [(Dither::Diffuse, 64), (Dither::Ordered, 64), (Dither::Diffuse, 200), (Dither::Ordered, 200)]
        {
            let mut lights = 0;
            dither.each_light(&[shade; 64 * 64], 64, |_, _| lights += 1);
            let expected = 64 * 64 * i32::from(shade) / 255;
            assert!((lights - expected).abs() < 64 * 64 / 20, "{dither:?} {shade}: {lights} of {expected}");
        }
    }

    #[test]
    fn every_way_has_its_own_hand() {
        let ramp: Vec<u8> = (0..4).flat_map(|_| (0..16).map(|x| x * 17)).collect();
        let diffuse = ["......#.#.######", "....#.#.##.#####", ".....#..#.##.###", "...#..#.#.######"];
        assert_eq!(drawn(Dither::Threshold, &ramp, 16), ["........########"; 4]);
        let ordered = ["....#.#.########", ".....#.#.#.#####", "..#.#.#.#.######", ".......#.#.#.###"];
        assert_eq!(drawn(Dither::Ordered, &ramp, 16), ordered);
        assert_eq!(drawn(Dither::Diffuse, &ramp, 16), diffuse);
    }

    #[test]
    fn names_are_those_of_the_query() {
        assert_eq!(["diffuse", "ordered", "threshold"].map(str::parse), ALL.map(Ok));
        assert!("floyd".parse::<Dither>().is_err());
    }
}
