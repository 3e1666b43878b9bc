//! How fleet files write durations, numbers and amounts.

use crate::api::quantity::Quantity;
use evenkeel_core::{Span, words::ID_PART_MAX};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};
use std::fmt;

/// The most executors that a group can number, and so its largest target.
pub const MOST_EXECUTORS: u64 = ID_PART_MAX as u64;

/// A length of time as `500ms`, `90s`, `10m` or `1h`; `0` needs no unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub Span);

/// A length of time, or `never` (None).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrNever(pub Option<Span>);

/// A bound: a whole number, or `none` where there is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound(pub Option<u64>);

/// A Kubernetes quantity as it was written: text, or a plain number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityText(pub String);

/// A share of a whole as `0.5`, kept in percent; or `never` (None).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub Option<u32>);

impl Duration {
    /// Reads `500ms`, `90s`, `10m`, `1h`.
    ///
    /// # Errors
    /// It is none of that kind; the text says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        let each = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "" if digits.bytes().all(|b| b == b'0') && !digits.is_empty() => 0,
            "" if !digits.is_empty() => {
                return Err(format!("{text} has no unit; write {text}s for seconds"));
            }
            _ => return Err(no_duration(&format!("{text:?}"))),
        };
        if digits.is_empty() {
            return Err(no_duration(&format!("{text:?}")));
        }
        digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(each))
            .map(|millis| Self(Span(millis)))
            .ok_or_else(|| format!("{text} is longer than can be counted"))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.0;
        let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let fits = |(each, _): &(u64, &str)| millis >= *each && millis.is_multiple_of(*each);
        let (each, unit) = units.into_iter().find(fits).unwrap_or((1000, "s"));
        write!(f, "{}{unit}", millis / each)
    }
}

fn no_duration(what: &str) -> String {
    format!("{what} is no duration; write a whole number and ms, s, m or h, as 90s")
}

/// What a scalar may be here.
struct Scalar<F>(F, &'static str);

/// A scalar as it was written.
enum Found<'a> {
    Text(&'a str),
    Whole(i128),
    Real(f64),
    Bool(bool),
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

impl<T, F: Fn(Found<'_>) -> Result<T, String>> Visitor<'_> for Scalar<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        self.0(Found::Bool(value)).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.0(Found::Whole(value.into())).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.0(Found::Whole(value.into())).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.0(Found::Real(value)).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.0(Found::Text(text)).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Unit, &self))
    }
}

fn duration(found: &Found<'_>) -> Result<Duration, String> {
    match found {
        Found::Text(text) => Duration::parse(text),
        Found::Whole(number) if *number >= 0 => Duration::parse(&number.to_string()),
        Found::Whole(number) => Err(format!(
            "{number} is negative; a duration is 0 or more, as 90s"
        )),
        other => Err(no_duration(&other.to_string())),
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar(
            |found: Found<'_>| duration(&found),
            "a duration, as 90s",
        ))
    }
}

impl<'de> Deserialize<'de> for OrNever {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |found: Found<'_>| match found {
            Found::Text("never") => Ok(Self(None)),
            found => match duration(&found) {
                Ok(duration) => Ok(Self(Some(duration.0))),
                Err(what) => Err(format!("{what}, or never")),
            },
        };
        deserializer.deserialize_any(Scalar(read, "a duration, as 90s, or never"))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |found: Found<'_>| {
            let percent = match found {
                Found::Text("never") => return Ok(Self(None)),
                Found::Whole(1) => Some(100),
                Found::Real(share) => {
                    (1..=100u32).find(|n| (f64::from(*n) - share * 100.0).abs() < 0.5)
                }
                _ => None,
            };
            percent.map(|percent| Self(Some(percent))).ok_or_else(|| {
                format!("{found} is no share; write a number from 0.01 to 1, as 0.5, or never")
            })
        };
        deserializer.deserialize_any(Scalar(read, "a share, as 0.5, or never"))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("never"),
            Some(percent) if percent % 100 == 0 => write!(f, "{}", percent / 100),
            Some(percent) if percent % 10 == 0 => write!(f, "0.{}", percent / 10),
            Some(percent) => write!(f, "0.{percent:02}"),
        }
    }
}

/// A whole number up to `most`; errors call it by `name`.
fn whole(found: &Found<'_>, name: &str, most: u64) -> Result<u64, String> {
    let range = format!("{name} is a whole number from 0 to {most}");
    match found {
        Found::Whole(number) if *number < 0 => Err(format!("{number} is negative; {range}")),
        Found::Whole(number) => u64::try_from(*number)
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| format!("{number} is too large; {range}")),
        other => Err(format!("{other} is no whole number; {range}")),
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |found: Found<'_>| match found {
            Found::Text("none") => Ok(Self(None)),
            Found::Text(text) => Err(format!(
                "{text:?} is no bound; write a whole number, or none for no bound"
            )),
            found => whole(&found, "a bound", MOST_EXECUTORS).map(|bound| Self(Some(bound))),
        };
        deserializer.deserialize_any(Scalar(read, "a whole number, or none"))
    }
}

/// A target: how many executors.
pub(super) fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let read = |found: Found<'_>| whole(&found, "a target", MOST_EXECUTORS);
    deserializer.deserialize_any(Scalar(read, "a whole number"))
}

/// A target that may be absent.
pub(super) fn maximum<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let read = |found: Found<'_>| whole(&found, "a maximum", MOST_EXECUTORS).map(Some);
    deserializer.deserialize_any(Scalar(read, "a whole number"))
}

/// A number of failures: 0 halts at the first.
pub(super) fn failures<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let read = |found: Found<'_>| whole(&found, "this", MOST_EXECUTORS).map(Some);
    deserializer.deserialize_any(Scalar(read, "a whole number"))
}

/// A number of things at once, which none would make no sense of.
pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let read = |found: Found<'_>| {
        let number = whole(&found, "this", MOST_EXECUTORS)?;
        match u32::try_from(number) {
            Ok(0) => Err("0 would let nothing happen, ever; write 1 or more".to_owned()),
            Ok(number) => Ok(number),
            Err(_) => Err(format!("{number} is too large")),
        }
    };
    deserializer.deserialize_any(Scalar(read, "a whole number"))
}

/// A number of tasks, from 0.
pub(super) fn tasks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let read = |found: Found<'_>| {
        let number = whole(&found, "a number of tasks", i64::MAX.unsigned_abs())?;
        i64::try_from(number).map_err(|_| format!("{number} is too large"))
    };
    deserializer.deserialize_any(Scalar(read, "a whole number"))
}

/// `on` or `off`; true and false mean the same.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let read = |found: Found<'_>| match found {
        Found::Text("on") | Found::Bool(true) => Ok(true),
        Found::Text("off") | Found::Bool(false) => Ok(false),
        other => Err(format!("{other} is neither on nor off")),
    };
    deserializer.deserialize_any(Scalar(read, "on or off"))
}

/// An amount of memory or storage in bytes, written as a Kubernetes quantity; rounded up, and not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |found: Found<'_>| {
            let text = match found {
                Found::Text(text) => text.to_owned(),
                other => other.to_string(),
            };
            let amount = text
                .parse::<Quantity>()
                .map_err(|error| error.to_string())?;
            match amount.bytes() {
                Some(bytes) if bytes > 0 => Ok(Self(bytes)),
                _ => Err(format!(
                    "{text} is no size; write an amount above 0, as 10Gi"
                )),
            }
        };
        deserializer.deserialize_any(Scalar(read, "a quantity, as 10Gi"))
    }
}

impl QuantityText {
    /// How many bytes it is, rounded up.
    ///
    /// # Errors
    /// It is no amount, negative, or more than can be counted.
    pub fn bytes(&self) -> Result<u64, String> {
        let amount = self
            .0
            .parse::<Quantity>()
            .map_err(|error| error.to_string())?;
        amount
            .bytes()
            .ok_or_else(|| format!("{} is more bytes than can be counted", self.0))
    }
}

impl<'de> Deserialize<'de> for QuantityText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |found: Found<'_>| {
            let text = match found {
                Found::Text(text) => text.to_owned(),
                other => other.to_string(),
            };
            match text.parse::<Quantity>() {
                Ok(amount) if amount.is_negative() => {
                    Err(format!("{text} is negative; a resource is 0 or more"))
                }
                Ok(_) => Ok(Self(text)),
                Err(error) => Err(error.to_string()),
            }
        };
        deserializer.deserialize_any(Scalar(read, "a quantity, as 500m or 1Gi"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for (text, millis) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(Duration::parse(text), Ok(Duration(Span(millis))), "{text}");
        }
        for text in ["500ms", "90s", "10m", "1h", "0s"] {
            let back = Duration::parse(text).map(|duration| duration.to_string());
            assert_eq!(back.as_deref(), Ok(text));
        }
        for text in [
            "",
            "s",
            "5",
            "1.5s",
            "-1s",
            "5 s",
            "5d",
            "1m30s",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }
}
