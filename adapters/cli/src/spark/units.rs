//! How Spark writes lengths of time, sizes, numbers and switches.

use evenkeel::{core::Span, file::Duration};

/// A length of time in milliseconds: `100ms`, `30s`, `5min`; without a unit, in `unit` milliseconds.
pub fn time(text: &str, unit: u64) -> Result<u64, String> {
    let (number, suffix) = split(text);
    let wrong = || {
        format!(
            "{text:?} is no length of time; Spark takes a whole number with us, ms, s, m, min, h or d, as 30s"
        )
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let each = match suffix.as_str() {
        "us" => return Ok(number / 1000),
        "" => unit,
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(each).ok_or_else(wrong)
}

/// That many milliseconds, as a fleet file writes them.
pub fn duration(millis: u64) -> String {
    Duration(Span(millis)).to_string()
}

/// A size in bytes: `512m`, `4g`; without a unit, in `unit` bytes.
pub fn size(text: &str, unit: u64) -> Result<u64, String> {
    let (number, suffix) = split(text);
    let wrong = || {
        format!("{text:?} is no size; Spark takes a whole number with b, k, m, g, t or p, as 4g")
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let each = match suffix.as_str() {
        "" => unit,
        "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => MIB,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1 << 40,
        "p" | "pb" => 1 << 50,
        _ => return Err(wrong()),
    };
    number.checked_mul(each).ok_or_else(wrong)
}

/// Bytes.
pub const MIB: u64 = 1 << 20;

/// `true` or `false`.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// A whole number from `least`.
pub fn number(text: &str, least: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{text:?} is no whole number from {least}"))
}

/// A number of 0 or more.
pub fn factor(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let good = number.filter(|number| number.is_finite() && *number >= 0.0);
    good.ok_or_else(|| format!("{text:?} is no number of 0 or more"))
}

/// Words as a shell would see them: quotes keep blanks, a backslash keeps what follows.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next()),
            (_, c) => word.push(c),
        }
        begun = true;
    }
    words.extend(begun.then_some(word));
    words
}

fn split(text: &str) -> (&str, String) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    (number, suffix.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_sparks() {
        for (text, millis) in [
            ("100ms", 100),
            ("30s", 30_000),
            ("5min", 300_000),
            ("2m", 120_000),
            ("1H", 3_600_000),
            ("1d", 86_400_000),
            ("7", 7000),
            ("1500us", 1),
        ] {
            assert_eq!(time(text, 1000), Ok(millis), "{text}");
        }
        for (text, bytes) in [
            ("4g", 4 << 30),
            ("512m", 512 << 20),
            ("1KB", 1024),
            ("2048", 2048 << 20),
            ("1t", 1 << 40),
        ] {
            assert_eq!(size(text, MIB), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "1 fortnight",
            "99999999999999999999s",
            "99999999999999999d",
        ] {
            assert!(time(text, 1).is_err(), "{text}");
        }
        for text in ["4.5g", "4gi", "-1", "99999999999p"] {
            assert!(size(text, 1).is_err(), "{text}");
        }
        assert_eq!(duration(90_000), "90s");
    }

    #[test]
    fn words_are_those_of_a_shell() {
        assert_eq!(
            words(r#" -Da=1  "-Db=x y" -Dc='\z'\ 1 "" "#),
            ["-Da=1", "-Db=x y", r"-Dc=\z 1", ""]
        );
        assert!(words("  ").is_empty());
    }
}
