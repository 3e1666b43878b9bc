//! From the tree to typed values, with errors that name the field, its place, and the way out.

use super::{
    error::{FileError, Position},
    node::{Content, Key, Node},
};
use crate::template::path::{FieldPath, Step};
use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use std::fmt;

/// What is wrong with a value, found while it was decoded.
#[derive(Debug)]
pub(super) struct Wrong {
    at: Option<Position>,
    /// The steps to the field, the last one first.
    steps: Vec<Step>,
    what: String,
}

impl Wrong {
    fn here(mut self, at: Position) -> Self {
        self.at.get_or_insert(at);
        self
    }

    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub fn in_file(self, name: &str) -> FileError {
        let path = FieldPath(self.steps.into_iter().rev().collect());
        FileError::new(name, self.at, path, &self.what)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self {
            at: None,
            steps: Vec::new(),
            what: what.to_string(),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "a string" => match found {
                Unexpected::Bool(_)
                | Unexpected::Signed(_)
                | Unexpected::Unsigned(_)
                | Unexpected::Float(_) => "text here; put it in quotes",
                _ => "text",
            }
            .to_owned(),
            "a sequence" => "a list, as [one, two]".to_owned(),
            "a map" => "a map, as {KEY: value}".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
            other if other.starts_with("struct ") => "a map of keys and values".to_owned(),
            other => other.to_owned(),
        };
        Self::custom(match found {
            Unexpected::Unit | Unexpected::Option => {
                format!("nothing is given here; write {expected}")
            }
            found => format!("{} is not {expected}", show(found)),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::custom(match closest(found, known) {
            Some(meant) => format!("{found:?} is not known here; did you mean {meant}?"),
            None => format!("{found:?} is not one of {}", known.join(", ")),
        })
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        let what = match closest(found, known) {
            Some(meant) => format!("there is no such key here; did you mean {meant}?"),
            None => format!(
                "there is no such key here; the keys are {}",
                known.join(", ")
            ),
        };
        Self::custom(what).under(found.into())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom("this is missing, and must be given").under(field.into())
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom("this is given twice; keep one of them").under(field.into())
    }
}

/// What was found, as the file shows it.
fn show(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Str(text) | Unexpected::Other(text) => format!("{text:?}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// The known word that was probably meant.
fn closest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = found.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&wanted, word), *word))
        .filter(|(distance, word)| *distance <= word.len().max(wanted.len()) / 3)
        .min()
        .map(|(_, word)| word)
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => Err(de::Error::custom(format_args!(
                    "{value} is beyond what can be counted"
                ))),
            },
            Content::Real(value) => visitor.visit_f64(*value),
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(nodes) => visitor.visit_seq(Elements { nodes, at: 0 }),
            Content::Map(entries) => visitor.visit_map(Entries { entries, at: 0 }),
        }
        .map_err(|wrong| wrong.here(self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.content {
            Content::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Content::Map(entries) if entries.len() == 1 => visitor.visit_enum(Variant {
                key: &entries[0].0,
                value: &entries[0].1,
            }),
            _ => Err(de::Error::custom(format_args!(
                "this is not one of {}",
                variants.join(", ")
            ))),
        }
        .map_err(|wrong: Wrong| wrong.here(self.at))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.content {
            // A derived type would take a list as its fields in order.
            Content::List(_) => {
                let wrong: Wrong = de::Error::invalid_type(Unexpected::Seq, &visitor);
                Err(wrong.here(self.at))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Elements<'de> {
    nodes: &'de [Node],
    at: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(node) = self.nodes.get(self.at) else {
            return Ok(None);
        };
        let index = self.at;
        self.at += 1;
        seed.deserialize(node)
            .map(Some)
            .map_err(|wrong| wrong.here(node.at).under(index.into()))
    }
}

struct Entries<'de> {
    entries: &'de [(Key, Node)],
    at: usize,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((key, _)) = self.entries.get(self.at) else {
            return Ok(None);
        };
        let name: StrDeserializer<'de, Wrong> = key.name.as_str().into_deserializer();
        seed.deserialize(name)
            .map(Some)
            .map_err(|wrong| wrong.here(key.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, node)) = self.entries.get(self.at) else {
            return Err(de::Error::custom("a value was read where none is"));
        };
        self.at += 1;
        seed.deserialize(node)
            .map_err(|wrong| wrong.here(node.at).under(key.name.as_str().into()))
    }
}

struct Variant<'de> {
    key: &'de Key,
    value: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name: StrDeserializer<'de, Wrong> = self.key.name.as_str().into_deserializer();
        let value = seed
            .deserialize(name)
            .map_err(|wrong| wrong.here(self.key.at))?;
        Ok((value, self))
    }
}

impl<'de> Variant<'de> {
    fn below<T>(&self, result: Result<T, Wrong>) -> Result<T, Wrong> {
        let step = || self.key.name.as_str().into();
        result.map_err(|wrong| wrong.here(self.value.at).under(step()))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        self.below(<()>::deserialize(self.value))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        self.below(seed.deserialize(self.value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.below(self.value.deserialize_any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.below(self.value.deserialize_any(visitor))
    }
}
