//! The weather: what goes wrong by chance, how large the cluster is, and how long things take. The key `weather` of a
//! fleet file.

use crate::api::quantity::Quantity;
use evenkeel_core::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// How the cluster is, and what goes wrong in it. The default is calm: small delays, no faults.
///
/// Durations are written `500ms`, `90s`, `10m`, `1h`; rates `2/min`; shares in percent; quantities as Kubernetes
/// writes them. What is drawn around a duration is between half and one and a half of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// What all chance is drawn from. Default 1.
    pub seed: u64,
    /// How many nodes there are. Default 10.
    pub nodes: u32,
    /// The CPUs of each node. Default 16.
    #[serde(with = "amount")]
    pub node_cpu: Quantity,
    /// The memory of each node. Default 64Gi.
    #[serde(with = "amount")]
    pub node_memory: Quantity,
    /// The most pods on each node. Default 110.
    pub node_pods: u32,
    /// The scheduler binds one pod after another, and takes this long for each. Default 16ms, which is what a real
    /// scheduler was measured to take.
    #[serde(with = "span")]
    pub schedule: Span,
    /// From being bound to running: drawn around this. Default 2s.
    #[serde(with = "span")]
    pub start: Span,
    /// How long containers take to end once asked to: drawn around this, at most the pod's grace. Default 1s.
    #[serde(with = "span")]
    pub stop: Span,
    /// How often a container fails, over all running pods: with an exit code, or out of memory. Default 0/min.
    pub crash_rate: Rate,
    /// How often a node is lost. Default 0/min.
    pub node_loss: Rate,
    /// After how long a new node takes the place of a lost one. Default 2m.
    #[serde(with = "span")]
    pub node_return: Span,
    /// After how long the pods of a lost node are collected. Default 58s, which is what a real control plane was
    /// measured to take.
    #[serde(with = "span")]
    pub pod_gc: Span,
    /// How often a running pod is evicted: by its node, by the eviction API, for a pod of higher priority, or by a
    /// taint of its node. Default 0/min.
    pub evictions: Rate,
    /// The share of pods that take ten times as long to start. Default 0.
    pub slow_start: Percent,
    /// The share of pods whose image can't be pulled: half of them never, the others after a few tries. Default 0.
    pub pull_errors: Percent,
    /// The share of requests that fail: with 500, 503 or 429, or because the connection breaks, with or without
    /// effect. Default 0.
    pub api_errors: Percent,
    /// How long requests take: drawn around this. Default 5ms.
    #[serde(with = "span")]
    pub api_latency: Span,
    /// How often a watch is cut. Default 0/min.
    pub watch_drops: Rate,
    /// How often the API server forgets its history and ends a watch with 410. Default 0/min.
    pub expiries: Rate,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            seed: 1,
            nodes: 10,
            node_cpu: Quantity::units(16),
            node_memory: Quantity::units(64 << 30),
            node_pods: 110,
            schedule: Span(16),
            start: Span::seconds(2),
            stop: Span::seconds(1),
            crash_rate: Rate::NEVER,
            node_loss: Rate::NEVER,
            node_return: Span::seconds(120),
            pod_gc: Span::seconds(58),
            evictions: Rate::NEVER,
            slow_start: Percent(0),
            pull_errors: Percent(0),
            api_errors: Percent(0),
            api_latency: Span(5),
            watch_drops: Rate::NEVER,
            expiries: Rate::NEVER,
        }
    }
}

/// So many times in such a time, on average: `2/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per: Span,
}

impl Rate {
    /// Not at all.
    pub const NEVER: Rate = Rate {
        count: 0,
        per: Span::seconds(60),
    };

    /// `count` times a second.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        let per = Span::seconds(1);
        Self { count, per }
    }

    /// `count` times a minute.
    #[must_use]
    pub const fn per_minute(count: u32) -> Self {
        let per = Span::seconds(60);
        Self { count, per }
    }

    /// `count` times an hour.
    #[must_use]
    pub const fn per_hour(count: u32) -> Self {
        let per = Span::seconds(3600);
        Self { count, per }
    }

    /// How many times in that span; None where it never is.
    pub(super) fn parts(self) -> Option<(u32, Span)> {
        (self.count > 0).then_some((self.count, self.per))
    }
}

/// What was given is no rate, duration or share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct NotUnderstood {
    text: String,
    what: &'static str,
}

impl FromStr for Rate {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let rate = text.split_once('/').and_then(|(count, per)| {
            let count = count.trim().parse().ok()?;
            match per.trim() {
                "s" => Some(Self::per_second(count)),
                "min" => Some(Self::per_minute(count)),
                "h" => Some(Self::per_hour(count)),
                _ => None,
            }
        });
        rate.ok_or_else(|| NotUnderstood {
            text: text.to_owned(),
            what: "rate: a whole number per s, min or h, as in 2/min",
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per.0 {
            1000 => "s",
            60_000 => "min",
            _ => "h",
        };
        write!(f, "{}/{per}", self.count)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// A share in percent: 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Percent(u8);

impl Percent {
    /// That share; all where it is more than 100.
    #[must_use]
    pub const fn new(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    pub(super) fn get(self) -> u8 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u64::deserialize(deserializer)?;
        u8::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{percent} is no share: 0 to 100 percent")))
    }
}

/// A fleet file may write a bare number where it needs no unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

/// Quantities in fleet files.
mod amount {
    use super::{NotUnderstood, Quantity, Written};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(of: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(of)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Number(units) => return Ok(Quantity::units(units)),
            Written::Text(text) => text,
        };
        let read = text.parse::<Quantity>().ok();
        read.filter(|quantity| !quantity.is_negative())
            .ok_or_else(|| {
                let what = "amount: a number with a unit or without, as 500m, 2, 1Gi";
                D::Error::custom(NotUnderstood { text, what })
            })
    }
}

/// Durations in fleet files.
mod span {
    use super::{NotUnderstood, Written};
    use evenkeel_core::Span;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    pub fn parse(text: &str) -> Result<Span, NotUnderstood> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let size = UNITS.iter().find(|(name, _)| *name == unit);
        let span = size.and_then(|(_, size)| number.parse::<u64>().ok()?.checked_mul(*size));
        span.map(Span).ok_or_else(|| NotUnderstood {
            text: text.to_owned(),
            what: "duration: a whole number of ms, s, m or h, as in 90s",
        })
    }

    pub fn serialize<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
        let fits = |(_, size): &&(&str, u64)| span.0 > 0 && span.0.is_multiple_of(*size);
        match UNITS.iter().rev().find(fits) {
            Some((unit, size)) => serializer.collect_str(&format_args!("{}{unit}", span.0 / size)),
            None => serializer.serialize_str("0s"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(0) => Ok(Span(0)),
            Written::Number(number) => parse(&number.to_string()).map_err(D::Error::custom),
            Written::Text(text) => parse(&text).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weather_is_read_as_it_is_written() {
        let text = r#"{"seed": 7, "crash_rate": "2/min", "node_loss": "1/h", "start": "500ms", "node_return": "10m",
            "node_cpu": 4, "node_memory": "8Gi", "pull_errors": 5, "stop": 0}"#;
        let weather: Weather = serde_json::from_str(text).expect("weather");
        assert_eq!(weather.crash_rate, Rate::per_minute(2));
        assert_eq!(weather.node_loss, Rate::per_hour(1));
        assert_eq!(weather.start, Span(500));
        assert_eq!(weather.node_return, Span::seconds(600));
        assert_eq!(weather.node_cpu, Quantity::units(4));
        assert_eq!((weather.nodes, weather.stop), (10, Span(0)));
        let written = serde_json::to_string(&weather).expect("text");
        assert_eq!(
            serde_json::from_str::<Weather>(&written).ok(),
            Some(weather)
        );
    }

    #[test]
    fn what_is_no_weather_is_refused() {
        for text in [
            r#"{"rain": 1}"#,
            r#"{"crash_rate": "2/day"}"#,
            r#"{"crash_rate": "-1/s"}"#,
            r#"{"start": "5"}"#,
            r#"{"start": "1.5s"}"#,
            r#"{"start": "99999999999999999h"}"#,
            r#"{"pull_errors": 101}"#,
            r#"{"node_cpu": "lots"}"#,
            r#"{"node_cpu": "-1"}"#,
            r#"{"start": 5}"#,
        ] {
            assert!(serde_json::from_str::<Weather>(text).is_err(), "{text}");
        }
    }
}
