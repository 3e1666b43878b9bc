//! A YAML document as a tree that knows where everything in it was written.

use super::error::{FileError, Position};
use crate::template::path::{FieldPath, Step};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Budget, Location, Options, Spanned};
use std::fmt;

/// Deeper documents are refused: no fleet file needs it, and reading them takes stack.
const DEEPEST: usize = 32;

/// A value, and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Position,
    pub content: Content,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub at: Position,
    pub name: String,
}

impl Node {
    /// Reads the one document of `text`.
    pub fn read(text: &str, name: &str) -> Result<Self, FileError> {
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let at = error.location().as_ref().and_then(position);
            FileError::new(name, at, FieldPath::default(), &words(&error))
        })
    }

    /// Where the field is; for one that is not written, where the nearest thing around it is.
    pub fn locate(&self, path: &FieldPath) -> Position {
        let mut node = self;
        let mut nearest = self.at;
        for step in &path.0 {
            let below = match (&node.content, step) {
                (Content::Map(entries), Step::Key(name)) => entries
                    .iter()
                    .find(|(key, _)| key.name == *name)
                    .map(|(key, below)| (key.at, below)),
                (Content::List(nodes), Step::Index(index)) => {
                    nodes.get(*index).map(|below| (below.at, below))
                }
                _ => None,
            };
            let Some((at, below)) = below else {
                return nearest;
            };
            (nearest, node) = (at, below);
        }
        match &node.content {
            // What is wrong with a scalar is its value; with a whole map, what it is the value of.
            Content::List(_) | Content::Map(_) => nearest,
            _ => node.at,
        }
    }
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_depth = DEEPEST;
    budget.flow_nesting_limit = DEEPEST;
    serde_saphyr::options! {
        budget: Some(budget),
        with_snippet: false,
        // `lease: off` and an environment's `yes` are words.
        strict_booleans: true,
    }
}

/// What the parser says, in the words of this file, or its first line without the place, which is told otherwise.
fn words(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    match error {
        serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this key");
            format!("{key} is given twice; keep one of them")
        }
        serde_saphyr::Error::MultipleDocuments { .. } => {
            "another document begins here; write one document to a file".to_owned()
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            let end = line.rfind(" at line ").unwrap_or(line.len());
            format!("this is no YAML that can be read: {}", &line[..end])
        }
    }
}

fn position(location: &Location) -> Option<Position> {
    let (line, column) = (location.line(), location.column());
    (line > 0).then_some(Position { line, column })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self {
            at: position(&spanned.referenced).unwrap_or_default(),
            content: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            at: position(&spanned.referenced).unwrap_or_default(),
            name: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Integer(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Content, E> {
        Ok(Content::Integer(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Content, E> {
        Ok(i128::try_from(value)
            .map_or_else(|_| Content::Text(value.to_string()), Content::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Real(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Content::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Map(entries))
    }
}
