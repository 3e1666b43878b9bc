//! The words of the domain: moments, spans, identities and revisions.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc};

/// A group's name: a named pool of like executors with one pod template and one target.
pub type Group = Arc<str>;

/// Any other name: of a pod, a node, a reason that the cluster gave.
pub type Name = Arc<str>;

/// A moment: milliseconds of the shell's monotonic clock since this controller started.
///
/// Every deadline is in it, so a step of the wall clock changes nothing.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub u64);

impl Time {
    /// The moment that never comes.
    pub const NEVER: Time = Time(u64::MAX);

    /// This moment and `span` more; [`Time::NEVER`] where that is beyond what can be counted.
    #[must_use]
    pub const fn after(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }

    /// This moment less `span`; the start where that is before it.
    #[must_use]
    pub const fn before(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }

    /// How long it is from `earlier` to this moment; nothing where it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// A moment of the shell's clock that may be before this controller's start: what an earlier incarnation left has an age.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct Moment(i64);

impl Moment {
    /// Before all others.
    pub const FIRST: Moment = Moment(i64::MIN);
    /// After all others.
    pub const LAST: Moment = Moment(i64::MAX);

    /// So long before this one.
    pub fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(signed(span)))
    }

    /// So long after this one; this controller's start, where that is before it.
    pub fn after(self, span: Span) -> Time {
        Time(u64::try_from(self.0.saturating_add(signed(span))).unwrap_or(0))
    }

    /// How long it is from this moment to `now`; nothing where it is not earlier.
    pub fn age(self, now: Time) -> Span {
        let now = Self::from(now).0;
        Span(u64::try_from(now.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The next one after it.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self(i64::try_from(time.0).unwrap_or(i64::MAX))
    }
}

fn signed(span: Span) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX)
}

/// A length of time in milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// `n` seconds.
    #[must_use]
    pub const fn seconds(n: u64) -> Span {
        Span(n.saturating_mul(1000))
    }

    /// The wait before try number `tries` + 1 of something that starts at `self` and doubles up to `most`.
    #[must_use]
    pub fn doubled(self, tries: u8, most: Span) -> Span {
        let factor = 1u64.checked_shl(u32::from(tries)).unwrap_or(u64::MAX);
        Span(self.0.saturating_mul(factor)).min(most)
    }
}

/// The largest incarnation and sequence that a pod's label may give (SEE-1).
pub const ID_PART_MAX: u32 = 1 << 30;

/// An executor's identity: which life of the controller made it, and the how-manieth it was in that life.
///
/// Written `2-17`; ordered by incarnation, then sequence; never used twice in a fleet's life.
/// `u64::from` packs it for engines with numeric ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExecutorId {
    /// Which life of the controller: 1, 2, …
    pub incarnation: u32,
    /// Which executor of that life: 1, 2, …
    pub sequence: u32,
}

impl ExecutorId {
    /// The executor `incarnation-sequence`.
    #[must_use]
    pub const fn new(incarnation: u32, sequence: u32) -> Self {
        Self {
            incarnation,
            sequence,
        }
    }

    /// The name of this executor's pod in the fleet of that name (GROW-3): derived, so that a create is safe to repeat.
    #[must_use]
    pub fn pod_name(self, fleet: &str) -> Name {
        format!("{fleet}-exec-{self}").into()
    }
}

impl From<ExecutorId> for u64 {
    fn from(id: ExecutorId) -> u64 {
        u64::from(id.incarnation) << 32 | u64::from(id.sequence)
    }
}

impl fmt::Display for ExecutorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.incarnation, self.sequence)
    }
}

/// What was given is no executor id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no executor id: an id is incarnation-sequence, both from 1 to 2^30, as in 2-17")]
pub struct NoExecutorId(String);

impl FromStr for ExecutorId {
    type Err = NoExecutorId;

    fn from_str(text: &str) -> Result<Self, NoExecutorId> {
        let part = |digits: &str| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
            let number = digits.parse::<u32>().ok().filter(|_| plain)?;
            (1..=ID_PART_MAX).contains(&number).then_some(number)
        };
        text.split_once('-')
            .and_then(|(incarnation, sequence)| {
                Some(Self::new(part(incarnation)?, part(sequence)?))
            })
            .ok_or_else(|| NoExecutorId(text.to_owned()))
    }
}

impl Serialize for ExecutorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExecutorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever was written is read again, nonsense of an engine's too: a flight record has it as it came.
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let parts = text.split_once('-').and_then(|(incarnation, sequence)| {
            Some(Self::new(incarnation.parse().ok()?, sequence.parse().ok()?))
        });
        parts.ok_or_else(|| D::Error::custom(NoExecutorId(text.into_owned())))
    }
}

/// The order of changes of one kind of object (Kubernetes: `resourceVersion`).
///
/// Revisions of different kinds are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub NonZeroU64);

impl Revision {
    /// Revision `n`, where that is one: revisions start at 1.
    #[must_use]
    pub fn new(n: u64) -> Option<Self> {
        NonZeroU64::new(n).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for Revision {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What tells two objects of one name apart (Kubernetes: `metadata.uid`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uid {
    /// A UUID in its usual form, as API servers give: kept as a number.
    Uuid(u128),
    /// Any other text.
    Other(Arc<str>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let bytes = text.as_bytes();
        let dashes = [8, 13, 18, 23];
        let shaped = bytes.len() == 36
            && bytes
                .iter()
                .enumerate()
                .all(|(at, byte)| match dashes.contains(&at) {
                    true => *byte == b'-',
                    false => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                });
        if !shaped {
            return Self::Other(text.into());
        }
        let digits = bytes.iter().filter(|byte| **byte != b'-');
        Self::Uuid(digits.fold(0, |number, byte| {
            let digit = if byte.is_ascii_digit() {
                byte - b'0'
            } else {
                byte - b'a' + 10
            };
            number << 4 | u128::from(digit)
        }))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => f.write_str(text),
            Self::Uuid(n) => {
                let part = |shift: u32, digits: u32| n >> shift & ((1u128 << (4 * digits)) - 1);
                write!(
                    f,
                    "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                    part(96, 8),
                    part(80, 4),
                    part(64, 4),
                    part(48, 4),
                    part(0, 12)
                )
            }
        }
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer).map(|text| Self::from(text.as_ref()))
    }
}

/// Numbers the effects of one controller in order of issue: 1, 2, 3…
///
/// Each gets exactly one answer. A repeat of the same effect is a new action.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ActionId(pub u64);

/// Numbers listings and watches alike. What comes for a request that is no longer open is dropped.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RequestId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = ExecutorId::new(2, 17);
        assert_eq!(id.to_string(), "2-17");
        assert_eq!("2-17".parse(), Ok(id));
        assert_eq!(u64::from(id), 2 << 32 | 17);
        assert_eq!(&*id.pod_name("demo"), "demo-exec-2-17");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "0-1",
            "1-0",
            "01-1",
            "1-+2",
            "1-1073741825",
            "1-2-3",
            "EXECID",
        ] {
            assert!(text.parse::<ExecutorId>().is_err(), "{text}");
        }
        assert!("1073741824-1073741824".parse::<ExecutorId>().is_ok());
    }

    #[test]
    fn nonsense_is_read_as_it_was_written() {
        for id in [ExecutorId::new(0, 5), ExecutorId::new(u32::MAX, u32::MAX)] {
            let text = serde_json::to_string(&id).expect("is text");
            assert_eq!(
                serde_json::from_str::<ExecutorId>(&text).expect("is an id"),
                id
            );
        }
        assert!(serde_json::from_str::<ExecutorId>("\"x-1\"").is_err());
    }

    #[test]
    fn a_uid_keeps_its_text() {
        for text in [
            "6f2c1b0a-0000-4fff-8123-00000000abcd",
            "6F2C1B0A-0000-4fff-8123-00000000abcd",
            "u-1",
            "",
        ] {
            assert_eq!(Uid::from(text).to_string(), text);
        }
        assert!(matches!(
            Uid::from("6f2c1b0a-0000-4fff-8123-00000000abcd"),
            Uid::Uuid(_)
        ));
    }

    #[test]
    fn waits_double_up_to_their_bound() {
        let waits = [0, 1, 5, 6, 255].map(|tries| Span(1000).doubled(tries, Span(60_000)).0);
        assert_eq!(waits, [1000, 2000, 32_000, 60_000, 60_000]);
    }
}
