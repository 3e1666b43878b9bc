//! Quantities as Kubernetes writes them: `500m`, `2`, `1.5Gi`, `1e3`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// An amount of something, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    thousandths: u64,
}

impl Quantity {
    /// So many whole units.
    #[must_use]
    pub const fn units(units: u64) -> Self {
        Self {
            thousandths: units.saturating_mul(1000),
        }
    }

    /// The amount in thousandths of the unit: for `cpu`, millicores.
    #[must_use]
    pub const fn thousandths(self) -> u64 {
        self.thousandths
    }

    /// The amount in whole units, rounded up: for `memory`, bytes.
    #[must_use]
    pub const fn whole(self) -> u64 {
        self.thousandths.div_ceil(1000)
    }
}

/// What was given is no quantity. The words are the API server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)]
pub struct NoQuantity;

impl FromStr for Quantity {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(NoQuantity);
        }
        let digits: u128 = format!("0{whole}{fraction}")
            .parse()
            .map_err(|_| NoQuantity)?;
        let (times, over) = scale(suffix).ok_or(NoQuantity)?;
        let places = u32::try_from(fraction.len()).map_err(|_| NoQuantity)?;
        let divisor = 10u128
            .checked_pow(places)
            .and_then(|tens| tens.checked_mul(over))
            .ok_or(NoQuantity)?;
        let thousandths = digits
            .checked_mul(times)
            .and_then(|amount| amount.checked_mul(1000))
            .ok_or(NoQuantity)?
            .div_ceil(divisor);
        Ok(Self {
            thousandths: u64::try_from(thousandths).unwrap_or(u64::MAX),
        })
    }
}

/// What a suffix multiplies and divides by.
fn scale(suffix: &str) -> Option<(u128, u128)> {
    let decimal = |power: u32| Some((10u128.pow(power), 1));
    let binary = |power: u32| Some((1u128 << (10 * power), 1));
    match suffix {
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "" => Some((1, 1)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let tens = 10u128.checked_pow(power.unsigned_abs())?;
            Some(if power < 0 { (1, tens) } else { (tens, 1) })
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.thousandths / 1000;
        let binary = [(1u64 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
        if self.thousandths % 1000 != 0 {
            return write!(f, "{}m", self.thousandths);
        }
        match binary
            .into_iter()
            .find(|(size, _)| units > 0 && units % size == 0)
        {
            Some((size, suffix)) => write!(f, "{}{suffix}", units / size),
            None => write!(f, "{units}"),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A fleet file may write a bare number.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(units) => Ok(Self::units(units)),
            Written::Text(text) => text
                .parse()
                .map_err(|error| D::Error::custom(format!("{text:?}: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, thousandths) in [
            ("500m", 500),
            ("2", 2000),
            ("0.5", 500),
            (".5", 500),
            ("1e3", 1_000_000),
            ("15e-1", 1500),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("1u", 1),
            ("+3", 3000),
        ] {
            let read: Quantity = text.parse().expect(text);
            assert_eq!(read.thousandths(), thousandths, "{text}");
        }
        for text in ["", "much", "1.2.3", "1Q", "-1", "1 Gi", "e3", "."] {
            assert_eq!(text.parse::<Quantity>(), Err(NoQuantity), "{text}");
        }
    }

    #[test]
    fn quantities_are_written_so_that_they_read_the_same() {
        for text in ["500m", "2", "64Gi", "3Mi", "1Ki", "0", "1025"] {
            let read: Quantity = text.parse().expect(text);
            assert_eq!(read.to_string(), text);
        }
    }
}
