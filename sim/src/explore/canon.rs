//! What a state is, but for when it was reached: a fingerprint that is the same where nothing that follows can differ.
//!
//! Moments count as distances to now, and beyond the longest deadline all distances are the same. The numbers of actions
//! and requests count by their rank: each is only ever compared with others of its kind. A revision is of the pod that
//! changed then, and is only ever compared with others of that pod, and with those of listings: it counts by its rank
//! among the former, and between the latter. How far watches have come is only ever compared with what comes later.

use evenkeel::core::Time;
use serde::{
    Serialize, Serializer,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};
use std::{
    cell::RefCell,
    fmt::{self, Write},
};
use xxhash_rust::xxh3::xxh3_128;

/// The fingerprint of that value at `now`; distances of more than `cap` milliseconds are all the same. `owner` says which
/// pod changed at a revision.
pub(super) fn fingerprint(
    value: &impl Serialize,
    now: Time,
    cap: u64,
    owner: &dyn Fn(u64) -> u64,
) -> u128 {
    thread_local! {
        // Millions are taken in a row, of about the same length.
        static TEXT: RefCell<Text> = RefCell::default();
    }
    TEXT.with_borrow_mut(|text| {
        text.clear();
        let mut pass = Pass {
            now,
            cap,
            kind: Kind::Plain,
            place: Place::Pod,
            owner,
            text,
        };
        if let Err(Never(why)) = value.serialize(&mut pass) {
            unreachable!("everything has a fingerprint: {why}")
        }
        text.rank();
        xxh3_128(&text.bytes)
    })
}

/// A value, written down: first with gaps for the numbers of which only their order matters, which is known at its end.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    gaps: Vec<Gap>,
    numbers: Numbers,
}

/// Eight bytes that are still to be written.
struct Gap {
    at: usize,
    number: Number,
}

/// A number that counts by its rank.
#[derive(Clone, Copy)]
enum Number {
    Action(u64),
    Request(u64),
    /// A revision of a pod.
    Revision {
        owner: u64,
        number: u64,
    },
    /// A revision of none.
    Bound(u64),
}

impl Text {
    fn clear(&mut self) {
        self.bytes.clear();
        self.gaps.clear();
        self.numbers.clear();
    }

    fn write_u64(&mut self, number: u64) {
        // Most are small, and a number's length tells it from others.
        let bytes = number.to_le_bytes();
        let length = bytes.len() - (number.leading_zeros() / 8) as usize;
        self.bytes.push(length as u8);
        self.bytes.extend_from_slice(&bytes[..length]);
    }

    fn gap(&mut self, number: Number) {
        let at = self.bytes.len();
        self.gaps.push(Gap { at, number });
        self.bytes.extend_from_slice(&[0; 8]);
    }

    /// Fills the gaps.
    fn rank(&mut self) {
        self.numbers.sort();
        for Gap { at, number } in &self.gaps {
            let rank = match *number {
                Number::Action(number) => rank(&self.numbers.actions, number),
                Number::Request(number) => rank(&self.numbers.requests, number),
                Number::Bound(number) => rank(&self.numbers.bounds, number),
                Number::Revision { owner, number } => self.numbers.revision(owner, number),
            };
            self.bytes[*at..*at + 8].copy_from_slice(&rank.to_le_bytes());
        }
    }
}

/// The numbers of a state that only their order matters of.
#[derive(Default)]
struct Numbers {
    actions: Vec<u64>,
    requests: Vec<u64>,
    /// Revisions of listings.
    listed: Vec<u64>,
    /// Of those, the ones to come.
    coming: Vec<u64>,
    /// Those, and others that are of no pod: up to where things were shown.
    bounds: Vec<u64>,
    /// Other revisions: each with the pod that changed.
    revisions: Vec<(u64, u64)>,
}

impl Numbers {
    fn plain(&mut self) -> [&mut Vec<u64>; 5] {
        [
            &mut self.actions,
            &mut self.requests,
            &mut self.listed,
            &mut self.coming,
            &mut self.bounds,
        ]
    }

    fn clear(&mut self) {
        for numbers in self.plain() {
            numbers.clear();
        }
        self.revisions.clear();
    }

    fn sort(&mut self) {
        for numbers in self.plain() {
            numbers.sort_unstable();
            numbers.dedup();
        }
        self.revisions.sort_unstable();
        self.revisions.dedup();
    }

    /// What counts of a revision of that pod's.
    fn revision(&self, owner: u64, number: u64) -> u64 {
        let first = self.revisions.partition_point(|(of, _)| *of < owner);
        let own = self
            .revisions
            .partition_point(|other| *other < (owner, number));
        // A listing shows all up to its revision. That it is that very one counts only until it is applied.
        let comes = self.coming.binary_search(&number).is_ok();
        (own - first) as u64 | rank(&self.listed, number) << 24 | u64::from(comes) << 48
    }
}

fn rank(numbers: &[u64], number: u64) -> u64 {
    numbers.partition_point(|other| *other < number) as u64
}

/// What a number is.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Moment,
    Revision,
    Action,
    Request,
}

/// Goes through a value and writes it down.
struct Pass<'a> {
    now: Time,
    cap: u64,
    kind: Kind,
    /// What revisions are here.
    place: Place,
    owner: &'a dyn Fn(u64) -> u64,
    text: &'a mut Text,
}

/// Kinds by the names of the core's types.
fn kind(name: &str) -> Kind {
    match name {
        "Time" | "Moment" => Kind::Moment,
        "Revision" => Kind::Revision,
        "ActionId" => Kind::Action,
        "RequestId" => Kind::Request,
        _ => Kind::Plain,
    }
}

/// What a revision is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Of a pod, as it was then.
    Pod,
    /// Of a listing that was applied.
    Listing,
    /// Of a listing on its way, or the next.
    Coming,
    /// Of neither: how far something has come.
    Reach,
}

/// Structs with fields that [`place`] knows.
const OF_REVISIONS: [&str; 8] = [
    "View", "Back", "Known", "Listing", "Ahead", "Viewing", "Wire", "Cluster",
];

/// What revisions in that field are of, where they are not of a pod.
fn place(of: &str, field: &str) -> Option<Place> {
    match (of, field) {
        ("View", "complete_to") | ("Back", "revision") | ("Known", "listed") => {
            Some(Place::Listing)
        }
        ("Listing" | "Ahead", "revision") => Some(Place::Coming),
        ("View" | "Known", "newest" | "floor")
        | ("Viewing", "from")
        | ("Wire", "shown")
        | ("Cluster", "newest") => Some(Place::Reach),
        ("Listing", "pods") => Some(Place::Pod),
        _ => None,
    }
}

impl Pass<'_> {
    fn number(&mut self, number: u64) {
        let numbers = &mut self.text.numbers;
        let ranked = match self.kind {
            Kind::Plain => return self.text.write_u64(number),
            Kind::Moment if number == u64::MAX => return self.raw(i64::MAX),
            Kind::Moment => return self.raw(distance(i128::from(number), self.now, self.cap)),
            Kind::Action => {
                numbers.actions.push(number);
                Number::Action(number)
            }
            Kind::Request => {
                numbers.requests.push(number);
                Number::Request(number)
            }
            Kind::Revision if self.place == Place::Pod => {
                let owner = (self.owner)(number);
                numbers.revisions.push((owner, number));
                Number::Revision { owner, number }
            }
            Kind::Revision => {
                numbers.bounds.push(number);
                if self.place != Place::Reach {
                    numbers.listed.push(number);
                }
                if self.place == Place::Coming {
                    numbers.coming.push(number);
                }
                Number::Bound(number)
            }
        };
        self.text.gap(ranked);
    }

    fn signed(&mut self, number: i64) {
        self.raw(match (self.kind, number) {
            (Kind::Moment, i64::MIN | i64::MAX) => number,
            (Kind::Moment, _) => distance(i128::from(number), self.now, self.cap),
            _ => number,
        });
    }

    fn raw(&mut self, number: i64) {
        self.text.write_u64(number.cast_unsigned());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.text.write_u64(bytes.len() as u64);
        self.text.bytes.extend_from_slice(bytes);
    }

    fn mark(&mut self, mark: u32) {
        self.text.write_u64(mark.into());
    }
}

fn distance(number: i128, now: Time, cap: u64) -> i64 {
    let cap = i128::from(cap);
    let distance = (number - i128::from(now.0)).clamp(-cap, cap);
    i64::try_from(distance).unwrap_or(i64::MAX)
}

/// What is written goes there as it is.
struct Letters<'a>(&'a mut Vec<u8>);

impl Write for Letters<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// No value fails.
#[derive(Debug)]
struct Never(String);

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

type Done = Result<(), Never>;

impl<'a, 'b> Serializer for &'a mut Pass<'b> {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'a, 'b>;
    type SerializeStructVariant = Self;

    fn serialize_bool(self, value: bool) -> Done {
        self.mark(u32::from(value));
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Done {
        self.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Done {
        self.number(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.bytes(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.mark(value.into());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Done {
        self.bytes(value.as_bytes());
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Done {
        // Its length comes after it: what it is of tells it from others.
        let before = self.text.bytes.len();
        write!(Letters(&mut self.text.bytes), "{value}").map_err(ser::Error::custom)?;
        let length = self.text.bytes.len() - before;
        self.text.write_u64(length as u64);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.mark(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.mark(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, index: u32, _is: &'static str) -> Done {
        self.mark(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Done {
        let before = std::mem::replace(&mut self.kind, kind(name));
        value.serialize(&mut *self)?;
        self.kind = before;
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _is: &'static str,
        value: &T,
    ) -> Done {
        self.mark(index);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Never> {
        self.mark(u32::try_from(length.unwrap_or(0)).unwrap_or(u32::MAX));
        Ok(self)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self, Never> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, Never> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _is: &'static str,
        _length: usize,
    ) -> Result<Self, Never> {
        self.mark(index);
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Never> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Fields<'a, 'b>, Never> {
        Ok(Fields {
            of: OF_REVISIONS.contains(&name).then_some(name),
            pass: self,
        })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _is: &'static str,
        _length: usize,
    ) -> Result<Self, Never> {
        self.mark(index);
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// All that is made of several values is written value by value.
macro_rules! parts {
    ($($of:ident $add:ident),*) => {$(
        impl $of for &mut Pass<'_> {
            type Ok = ();
            type Error = Never;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                value.serialize(&mut **self)
            }

            fn end(self) -> Done {
                Ok(())
            }
        }
    )*};
}

parts!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

impl SerializeMap for &mut Pass<'_> {
    type Ok = ();
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut **self)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

/// The fields of a struct; of which, where it has revisions that are not of a pod.
struct Fields<'a, 'b> {
    of: Option<&'static str>,
    pass: &'a mut Pass<'b>,
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Never;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        // The knobs are the same in all states.
        if key == "config" {
            return Ok(());
        }
        let Some(of) = self.of else {
            return value.serialize(&mut *self.pass);
        };
        let before = self.pass.place;
        self.pass.place = place(of, key).unwrap_or(before);
        value.serialize(&mut *self.pass)?;
        self.pass.place = before;
        Ok(())
    }

    fn end(self) -> Done {
        Ok(())
    }
}

impl SerializeStructVariant for &mut Pass<'_> {
    type Ok = ();
    type Error = Never;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _key: &'static str, value: &T) -> Done {
        value.serialize(&mut **self)
    }

    fn end(self) -> Done {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel::core::{ActionId, Revision};

    fn print(value: &impl Serialize, now: u64) -> u128 {
        // Pods take turns.
        fingerprint(value, Time(now), 1000, &|revision| revision % 2)
    }

    #[test]
    fn moments_count_as_distances_to_now_up_to_the_longest() {
        let at = |moment| (7, Some(Time(moment)));
        assert_eq!(print(&at(1500), 1000), print(&at(2500), 2000));
        assert_ne!(print(&at(1500), 1000), print(&at(1501), 1000));
        assert_eq!(print(&at(9000), 1000), print(&at(9500), 1000));
        assert_ne!(print(&at(9000), 1000), print(&(7, Some(Time::NEVER)), 1000));
        assert_ne!(print(&at(1500), 1000), print(&(8, Some(Time(1500))), 1000));
        assert_eq!(print(&1500, 1000), print(&1500, 2000));
    }

    #[test]
    fn actions_count_by_rank() {
        let of = |numbers: [u64; 2]| numbers.map(ActionId);
        assert_eq!(print(&of([3, 9]), 0), print(&of([30, 31]), 0));
        assert_ne!(print(&of([3, 9]), 0), print(&of([9, 3]), 0));
        assert_ne!(print(&of([3, 9]), 0), print(&of([3, 3]), 0));
    }

    #[test]
    fn revisions_count_among_those_of_their_pod_and_between_bounds() {
        #[derive(Serialize)]
        struct Known {
            listed: Option<Revision>,
            seen: [Option<Revision>; 2],
        }
        let of = |listed, seen: [u64; 2]| {
            let seen = seen.map(Revision::new);
            let listed = Revision::new(listed);
            print(&Known { listed, seen }, 0)
        };
        // Of two pods, the order says nothing.
        assert_eq!(of(10, [3, 6]), of(10, [7, 6]));
        // Of one pod, it does.
        assert_ne!(of(10, [3, 5]), of(10, [5, 3]));
        // Nor are those the same on two sides of what was listed.
        assert_ne!(of(10, [3, 6]), of(4, [3, 6]));
        assert_eq!(of(6, [3, 6]), of(7, [3, 6]));
    }

    #[test]
    fn whether_a_revision_is_that_of_a_listing_counts_where_it_is_to_come() {
        #[derive(Serialize)]
        struct Ahead {
            revision: Option<Revision>,
        }
        let of = |revision, seen| {
            let (revision, seen) = (Revision::new(revision), Revision::new(seen));
            print(&(Ahead { revision }, seen), 0)
        };
        assert_eq!(of(7, 7), of(9, 9));
        assert_ne!(of(7, 7), of(8, 7));
    }

    #[test]
    fn what_is_absent_differs_from_what_is_empty() {
        assert_ne!(
            print(&None::<Vec<u32>>, 0),
            print(&Some(Vec::<u32>::new()), 0)
        );
        assert_ne!(print(&("ab", "c"), 0), print(&("a", "bc"), 0));
    }
}
