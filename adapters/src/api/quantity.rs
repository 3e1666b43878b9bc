//! Kubernetes quantities: `500m`, `1Gi`, `0.5`, `1e3`.

use std::{fmt, str::FromStr};

/// An amount of a resource, in billionths of its unit, as Kubernetes counts them too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nano: i128,
}

/// What was given is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no quantity; a quantity is a number with a unit or without, as 500m, 2, 1Gi")]
pub struct NoQuantity(String);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// So many whole units.
    #[must_use]
    pub const fn units(units: u64) -> Self {
        Self {
            nano: units as i128 * NANO,
        }
    }

    /// In thousandths, rounded up: cores as `cpu` is counted.
    #[must_use]
    pub fn milli(self) -> i128 {
        self.in_units_of(NANO / 1000)
    }

    /// In whole units, rounded up: bytes of `memory`.
    #[must_use]
    pub fn whole(self) -> i128 {
        self.in_units_of(NANO)
    }

    /// The amount as a number of bytes, rounded up; None where it is negative, or beyond what can be counted.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        u64::try_from(self.whole()).ok()
    }

    /// Whether it is below nothing, which no resource can be.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.nano < 0
    }

    fn in_units_of(self, unit: i128) -> i128 {
        let (whole, rest) = (self.nano.div_euclid(unit), self.nano.rem_euclid(unit));
        whole + i128::from(rest > 0)
    }
}

/// So many bytes as Kubernetes writes them: in the largest binary unit that they are whole in.
#[must_use]
pub fn binary(bytes: u64) -> String {
    let units = [
        (60, "Ei"),
        (50, "Pi"),
        (40, "Ti"),
        (30, "Gi"),
        (20, "Mi"),
        (10, "Ki"),
    ];
    let whole = |(shift, _): &&(u32, &str)| bytes > 0 && bytes.trailing_zeros() >= *shift;
    match units.iter().find(whole) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

impl FromStr for Quantity {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        parse(text).ok_or_else(|| NoQuantity(text.to_owned()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nano % NANO {
            0 => write!(f, "{}", self.nano / NANO),
            _ => write!(f, "{}m", self.milli()),
        }
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, unit) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let mantissa = digits.parse::<i128>().ok()?;
    let (multiplier, exponent) = scale(unit)?;
    let power = exponent - i32::try_from(fraction.len()).ok()? + 9;
    let scaled = mantissa.checked_mul(multiplier)?;
    let nano = if mantissa == 0 {
        0
    } else if power >= 0 {
        scaled.checked_mul(10i128.checked_pow(power.unsigned_abs())?)?
    } else {
        // Finer than a billionth: rounded up, as Kubernetes does.
        10i128
            .checked_pow(power.unsigned_abs())
            .map_or(1, |divisor| {
                scaled / divisor + i128::from(scaled % divisor > 0)
            })
    };
    Some(Quantity {
        nano: if negative { -nano } else { nano },
    })
}

/// A unit as a factor and a power of ten.
fn scale(unit: &str) -> Option<(i128, i32)> {
    Some(match unit {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        _ => {
            let exponent = unit.strip_prefix(['e', 'E'])?;
            let exponent = exponent.parse::<i32>().ok()?;
            // Beyond this nothing could be counted anyway.
            (-64..=64).contains(&exponent).then_some((1, exponent))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, milli) in [
            ("0", 0),
            ("500m", 500),
            ("0.5", 500),
            (".5", 500),
            ("2.", 2000),
            ("+1", 1000),
            ("-1", -1000),
            ("1e3", 1_000_000),
            ("1E-1", 100),
            ("1k", 1_000_000),
            ("1Ki", 1_024_000),
            ("1.5Ki", 1_536_000),
            ("1n", 1),
            ("0.0000000000001", 1),
        ] {
            assert_eq!(
                text.parse::<Quantity>().map(Quantity::milli),
                Ok(milli),
                "{text}"
            );
        }
        assert_eq!("16Ei".parse::<Quantity>().map(Quantity::whole), Ok(1 << 64));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "", "-", ".", "1.2.3", "1 Gi", "1gi", "Gi", "1e", "1e99", "0x10", "500 m", "much",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_written_in_the_largest_unit_that_fits() {
        for (bytes, text) in [
            (0, "0"),
            (1000, "1000"),
            (1024, "1Ki"),
            (1536 << 20, "1536Mi"),
            (10 << 30, "10Gi"),
            (1 << 63, "8Ei"),
            ((1 << 30) + 1, "1073741825"),
        ] {
            assert_eq!(binary(bytes), text);
            assert_eq!(
                text.parse::<Quantity>().ok().and_then(Quantity::bytes),
                Some(bytes)
            );
        }
    }

    #[test]
    fn quantities_are_ordered_across_units() {
        let read = |text: &str| text.parse::<Quantity>().expect("a quantity");
        assert!(read("1G") < read("1Gi"));
        assert_eq!(read("1000m"), read("1"));
    }
}
