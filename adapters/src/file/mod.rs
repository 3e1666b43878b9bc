//! Fleet files: what a user writes, and its defaults.
//!
//! Every error is one line with file, line, column and field, what is wrong and the way out. The keys of `config` and of
//! a group are types of their own, for other files that have them too.

mod check;
mod config;
mod decode;
mod error;
mod fleet;
mod group;
pub mod keys;
mod node;
#[cfg(test)]
mod tests;
mod words;

pub use config::{ConfigKeys, FixedRamp, MaxDeletes, RampKey};
pub use error::{FileError, Position};
pub use fleet::{ClusterKind, FleetFile, FleetKeys, GroupFile, Weather};
pub use group::{ClaimKeys, GroupKeys, ResizeKeys, ResourceKeys, RollKeys, ShrinkKey};
pub use words::{Bound, Bytes, Duration, MOST_EXECUTORS, OrNever, QuantityText, Share};

use crate::template::FieldPath;
use node::Node;
use serde::de::DeserializeOwned;
use std::{fs, io, path::Path};

/// Reads the fleet file at `path`.
///
/// # Errors
/// It can't be read, or is no good fleet file.
pub fn read(path: &Path) -> Result<FleetFile, FileError> {
    read_for(path, None)
}

/// Reads the fleet file at `path` for that cluster, whatever the file says.
///
/// # Errors
/// It can't be read, or is no good fleet file for that cluster.
pub fn read_for(path: &Path, cluster: Option<ClusterKind>) -> Result<FleetFile, FileError> {
    parse_for(&text(path)?, &path.display().to_string(), cluster)
}

/// Reads `text` as the fleet file of that name.
///
/// # Errors
/// It is no good fleet file.
pub fn parse(text: &str, name: &str) -> Result<FleetFile, FileError> {
    parse_for(text, name, None)
}

/// Reads `text` as the fleet file of that name for that cluster, whatever the file says.
///
/// # Errors
/// It is no good fleet file for that cluster.
pub fn parse_for(
    text: &str,
    name: &str,
    cluster: Option<ClusterKind>,
) -> Result<FleetFile, FileError> {
    let tree = Node::read(text, name)?;
    let keys = decode(&tree, name)?;
    fleet::checked(keys, &tree, name, cluster)
}

/// Reads `text` as any other YAML document, with errors like those of fleet files.
///
/// # Errors
/// It is not YAML, or not what `T` takes.
pub fn from_yaml<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, FileError> {
    decode(&Node::read(text, name)?, name)
}

/// Any other YAML document: read, and able to say where in it something is.
pub struct Document {
    tree: Node,
    name: String,
}

impl Document {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// It can't be read, or is not YAML.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Self::parse(&text(path)?, &path.display().to_string())
    }

    /// Reads `text` as the document of that name.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn parse(text: &str, name: &str) -> Result<Self, FileError> {
        Ok(Self {
            tree: Node::read(text, name)?,
            name: name.to_owned(),
        })
    }

    /// What it says.
    ///
    /// # Errors
    /// It is not what `T` takes.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        decode(&self.tree, &self.name)
    }

    /// An error about that field of it.
    #[must_use]
    pub fn error(&self, field: FieldPath, what: &str) -> FileError {
        FileError::new(&self.name, Some(self.tree.locate(&field)), field, what)
    }
}

fn decode<T: DeserializeOwned>(tree: &Node, name: &str) -> Result<T, FileError> {
    T::deserialize(tree).map_err(|wrong| wrong.in_file(name))
}

/// The text of a file.
///
/// # Errors
/// There is none, or none that can be read.
pub fn text(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file; check the path".to_owned(),
            io::ErrorKind::InvalidData => "this is no text in UTF-8".to_owned(),
            io::ErrorKind::IsADirectory => "this is a folder; name the file in it".to_owned(),
            _ => format!("it can't be read: {error}"),
        };
        let name = path.display().to_string();
        FileError::new(&name, None, Default::default(), &what)
    })
}
