//! How scenario files write ids, pods, replies and causes.

use evenkeel::{
    core::{ExecutorId, Group},
    file::{Bytes, Duration},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// An executor: `3` of the incarnation that runs at that step, or `"1-3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// Of the incarnation that runs.
    Sequence(u32),
    /// Of any.
    Full(ExecutorId),
}

impl Id {
    /// The executor, where that incarnation runs.
    pub fn of(self, incarnation: u32) -> ExecutorId {
        match self {
            Self::Sequence(sequence) => ExecutorId::new(incarnation, sequence),
            Self::Full(id) => id,
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an executor, as 3, or \"1-3\" for one of incarnation 1")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                let number = text.parse::<u32>().ok().filter(|number| *number > 0);
                let full = || text.parse().ok().map(Id::Full);
                number.map(Id::Sequence).or_else(full).ok_or_else(|| {
                    E::custom(format_args!(
                        "{text:?} is no executor; write its number, as 3, or \"1-3\" for one of incarnation 1"
                    ))
                })
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Several executors.
pub type Ids = Vec<Id>;

/// A map in the order written.
#[derive(Clone, Debug)]
pub struct Ordered<K, V>(pub Vec<(K, V)>);

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct OrderedVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for OrderedVisitor<K, V> {
    type Value = Ordered<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Ordered(entries))
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Ordered<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OrderedVisitor(PhantomData))
    }
}

/// Executors, of all groups or by group.
#[derive(Clone, Debug)]
pub enum WhoseIds {
    /// Whatever their groups.
    All(Ids),
    /// By group.
    ByGroup(BTreeMap<Group, Ids>),
}

impl<'de> Deserialize<'de> for WhoseIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WhoseVisitor;
        impl<'de> Visitor<'de> for WhoseVisitor {
            type Value = WhoseIds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of executors, as [1, 2], or a map of such lists by group")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WhoseIds, A::Error> {
                let mut ids = Vec::new();
                while let Some(id) = seq.next_element()? {
                    ids.push(id);
                }
                Ok(WhoseIds::All(ids))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WhoseIds, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(WhoseIds::ByGroup)
            }
        }
        deserializer.deserialize_any(WhoseVisitor)
    }
}

/// `10s ago`.
#[derive(Clone, Copy, Debug)]
pub struct Ago(pub Duration);

impl<'de> Deserialize<'de> for Ago {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_suffix(" ago")
            .and_then(|span| Duration::parse(span.trim()).ok())
            .map(Self)
            .ok_or_else(|| D::Error::custom(format_args!("{text:?} is no time; write 10s ago")))
    }
}

/// `before 3`: as old as just before the observation of step 3.
#[derive(Clone, Copy, Debug)]
pub struct At(pub usize);

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_prefix("before ")
            .and_then(|step| step.trim().parse().ok())
            .filter(|step| *step > 0)
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format_args!(
                    "{text:?} is no revision; write before 3, where 3 is a step, counted from 1"
                ))
            })
    }
}

/// Pods as they are observed, and how old that is.
#[derive(Clone, Debug, Default)]
pub struct Timed {
    pub started: Option<Ago>,
    pub revision: Option<At>,
    pub pods: Vec<(Id, Pod)>,
}

impl<'de> Deserialize<'de> for Timed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TimedVisitor)
    }
}

struct TimedVisitor;

impl<'de> Visitor<'de> for TimedVisitor {
    type Value = Timed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pods, as {1: running}, or {started: 10s ago, revision: before 3, pods: {…}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Timed, A::Error> {
        let mut timed = Timed::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "started" => timed.started = Some(map.next_value()?),
                "revision" => timed.revision = Some(map.next_value()?),
                "pods" => timed.pods.extend(map.next_value::<Ordered<Id, Pod>>()?.0),
                id => {
                    let id = Id::deserialize(serde::de::value::StrDeserializer::new(id))?;
                    timed.pods.push((id, map.next_value()?));
                }
            }
        }
        Ok(timed)
    }
}

/// A pod: its phase as it is written here, and what else is said of it.
#[derive(Clone, Debug)]
pub struct Pod {
    pub phase: PodPhase,
    pub keys: PodKeys,
}

/// A pod's phase, or what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Terminating,
    Gone,
    Unknown,
}

/// What is said of a pod beside its phase.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map of what is said of the pod, as {exit_code: 1}"
)]
pub struct PodKeys {
    pub group: Option<Group>,
    pub node: Option<String>,
    pub on_node: Option<bool>,
    pub created: Option<Ago>,
    pub uid: Option<String>,
    pub labels: Labels,
    pub sidecars: BTreeMap<String, ExitKeys>,
    pub main: Option<ExitKeys>,
    pub deleting: Option<bool>,
    pub grace: Option<Duration>,
    pub ready: Option<bool>,
    pub condition: Option<String>,
    pub waiting: Option<String>,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
    pub message: Option<String>,
}

/// Labels that a pod has instead of its own; None: that one is missing.
pub type Labels = BTreeMap<String, Option<String>>;

/// How a container ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map, as {exit_code: 1}")]
pub struct ExitKeys {
    pub exit_code: i32,
    #[serde(default)]
    pub reason: Option<String>,
}

impl<'de> Deserialize<'de> for Pod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PodVisitor;
        impl<'de> Visitor<'de> for PodVisitor {
            type Value = Pod;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pod, as running, or {failed: {exit_code: 1}}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Pod, E> {
                let phase = PodPhase::deserialize(serde::de::value::StrDeserializer::new(text))?;
                let keys = PodKeys::default();
                Ok(Pod { phase, keys })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pod, A::Error> {
                let Some(phase) = map.next_key()? else {
                    return Err(A::Error::custom(
                        "a pod needs a state, as {running: {node: a}}",
                    ));
                };
                let keys = map.next_value()?;
                if let Some(second) = map.next_key::<String>()? {
                    return Err(A::Error::custom(format_args!(
                        "a pod has one state; put {second} inside it, or leave it out"
                    )));
                }
                Ok(Pod { phase, keys })
            }
        }
        deserializer.deserialize_any(PodVisitor)
    }
}

/// How an effect is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Ok,
    Silence,
    Lost,
    Exists,
    ExistsOther,
    NotFound,
    Conflict,
    Quota,
    QuotaConflict,
    Terminating,
    Forbidden,
    Invalid,
    Throttled,
    ServerError,
    Timeout,
}

/// How an effect is answered, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    pub answer: Answer,
    /// The `Retry-After` of a throttled one.
    pub retry_after: Option<Duration>,
    /// So many times only; then `ok` again.
    pub times: Option<u32>,
}

impl Reply {
    pub const OK: Self = Self::plain(Answer::Ok);

    const fn plain(answer: Answer) -> Self {
        Self {
            answer,
            retry_after: None,
            times: None,
        }
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Throttle {
            #[serde(default)]
            retry_after: Option<Duration>,
        }
        #[derive(Default, Deserialize)]
        #[serde(
            default,
            deny_unknown_fields,
            expecting = "a reply, as quota, {throttled: {retry_after: 5s}}, or {times: 2, with: quota}"
        )]
        struct Long {
            times: Option<u32>,
            with: Option<Reply>,
            throttled: Option<Throttle>,
        }
        struct ReplyVisitor;
        impl<'de> Visitor<'de> for ReplyVisitor {
            type Value = Reply;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a reply, as quota, {throttled: {retry_after: 5s}}, or {times: 2, with: quota}",
                )
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Reply, E> {
                Answer::deserialize(serde::de::value::StrDeserializer::new(text)).map(Reply::plain)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reply, A::Error> {
                let long = Long::deserialize(MapAccessDeserializer::new(map))?;
                match (long.times, long.with, long.throttled) {
                    (Some(times), Some(with), None) => Ok(Reply {
                        times: Some(times),
                        ..with
                    }),
                    (None, None, Some(throttle)) => Ok(Reply {
                        retry_after: throttle.retry_after,
                        ..Reply::plain(Answer::Throttled)
                    }),
                    _ => Err(A::Error::custom(
                        "write {times: 2, with: quota}, or {throttled: {retry_after: 5s}}",
                    )),
                }
            }
        }
        deserializer.deserialize_any(ReplyVisitor)
    }
}

/// How each sort of request is answered from now on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a map, as {create: quota, delete: ok}"
)]
pub struct ReplyKeys {
    pub create: Option<Reply>,
    pub delete: Option<Reply>,
    pub label: Option<Reply>,
    pub resize: Option<Reply>,
    pub claim: Option<Reply>,
    pub list: Option<Reply>,
}

/// A cause: its name alone matches any detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseText {
    pub name: String,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

impl<'de> Deserialize<'de> for CauseText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(
            default,
            deny_unknown_fields,
            expecting = "a map, as {exit_code: 1} or {reason: forbidden}"
        )]
        struct Detail {
            exit_code: Option<i32>,
            reason: Option<String>,
        }
        struct CauseVisitor;
        impl<'de> Visitor<'de> for CauseVisitor {
            type Value = CauseText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cause, as killed, or {app_failed: {exit_code: 1}}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<CauseText, E> {
                known(text)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CauseText, A::Error> {
                let Some((name, detail)) = map.next_entry::<String, Detail>()? else {
                    return Err(A::Error::custom(
                        "write a cause, as {app_failed: {exit_code: 1}}",
                    ));
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom(
                        "an executor has one cause; keep one of them",
                    ));
                }
                Ok(CauseText {
                    exit_code: detail.exit_code,
                    reason: detail.reason,
                    ..known(&name)?
                })
            }
        }
        deserializer.deserialize_any(CauseVisitor)
    }
}

/// All causes, by their names.
const CAUSES: [&str; 17] = [
    "completed",
    "app_failed",
    "oom_killed",
    "evicted",
    "preempted",
    "node_lost",
    "deleted_by_other",
    "vanished",
    "missing",
    "start_timeout",
    "start_failed",
    "create_rejected",
    "unhealthy",
    "released",
    "killed",
    "shrunk",
    "rolled",
];

fn known<E: Error>(name: &str) -> Result<CauseText, E> {
    if !CAUSES.contains(&name) {
        let all = CAUSES.join(", ");
        return Err(E::custom(format_args!(
            "{name:?} is no cause; the causes are {all}"
        )));
    }
    Ok(CauseText {
        name: name.to_owned(),
        exit_code: None,
        reason: None,
    })
}

/// Numbers by name: whole ones, or amounts as 900Mi.
#[derive(Clone, Debug)]
pub struct Numbers(pub Vec<(String, i64)>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Amount(Number);
        let entries = Ordered::<String, Amount>::deserialize(deserializer)?.0;
        let entries = entries.into_iter();
        Ok(Self(
            entries
                .map(|(name, Amount(Number(value)))| (name, value))
                .collect(),
        ))
    }
}

struct Number(i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or an amount as 900Mi")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                i64::try_from(number).map(Number).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let bytes = Bytes::deserialize(serde::de::value::StrDeserializer::new(text))?;
                i64::try_from(bytes.0).map(Number).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}
