//! The wire format of protocol buffers, as far as a `.model` file uses it (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! Nothing is copied and nothing is allocated for what a length claims, so a damaged file costs an error and no memory.

use crate::{Error, Result};

/// The fields of a message, one after the other. `place` is where the rest begins in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    place: usize,
}

/// A field: its number, and its value as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
    begin: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Fields<'a> {
    pub(super) fn of(file: &'a [u8]) -> Self {
        Self { rest: file, place: 0 }
    }

    /// The next field; None at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let begin = self.place;
        let tag = self.varint().and_then(|tag| u32::try_from(tag).ok()).filter(|tag| tag >> 3 != 0);
        let tag = tag.ok_or_else(|| damaged("no field begins here").at(place(begin)))?;
        let number = tag >> 3;
        let value = match tag & 7 {
            0 => self.varint().map(Value::Varint),
            1 => self.take(8).map(|_| Value::Fixed64),
            2 => {
                let length = self.varint().and_then(|length| usize::try_from(length).ok());
                length.and_then(|length| self.take(length)).map(Value::Bytes)
            }
            5 => self.take(4).and_then(|bytes| bytes.first_chunk()).map(|bytes| Value::Fixed32(*bytes)),
            kind => {
                let what = format!("field {number} has the wire type {kind}, which is not read");
                return Err(damaged(&what).at(place(begin)));
            }
        };
        let value = value.ok_or_else(|| damaged(&format!("field {number} is cut off")).at(place(begin)))?;
        Ok(Some(Field { number, value, begin, end: self.place }))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            // As in the original, bits beyond the 64th are dropped.
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.place += length;
        Some(taken)
    }
}

impl<'a> Field<'a> {
    pub(super) fn message(&self, name: &str) -> Result<Fields<'a>> {
        let rest = self.bytes(name)?;
        Ok(Fields { rest, place: self.end - rest.len() })
    }

    pub(super) fn bytes(&self, name: &str) -> Result<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.is_not(name, "bytes")),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        std::str::from_utf8(self.bytes(name)?).map_err(|_| self.is_not(name, "UTF-8"))
    }

    /// A number of 32 bits: larger ones lose their upper bits, as in the original.
    pub(super) fn integer(&self, name: &str) -> Result<i32> {
        match self.value {
            Value::Varint(value) => Ok(value as i32),
            _ => Err(self.is_not(name, "an integer")),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.value {
            Value::Varint(value) => Ok(value != 0),
            _ => Err(self.is_not(name, "true or false")),
        }
    }

    pub(super) fn float(&self, name: &str) -> Result<f32> {
        match self.value {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.is_not(name, "a float")),
        }
    }

    /// What to say of a field that nobody knows. Extensions, from 200 upwards, are other people's: `SentencePiece` does
    /// not look at them.
    pub(super) fn unknown(&self) -> Result<()> {
        if self.number >= 200 {
            return Ok(());
        }
        Err(Error::new(format!("field {} is not known here, and may change ids", self.number))
            .at(place(self.begin))
            .advise("use a model as sentencepiece 0.2.3 writes it"))
    }

    fn is_not(&self, name: &str, kind: &str) -> Error {
        damaged(&format!("{name} is not {kind}")).at(place(self.begin))
    }
}

fn place(byte: usize) -> String {
    format!("byte {byte}")
}

fn damaged(what: &str) -> Error {
    Error::new(what).advise("the file is damaged, or is no SentencePiece model")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(file: &[u8]) -> Result<Vec<u32>> {
        let mut fields = Fields::of(file);
        let mut numbers = Vec::new();
        while let Some(field) = fields.next()? {
            numbers.push(field.number);
        }
        Ok(numbers)
    }

    #[test]
    fn every_wire_type_is_stepped_over() {
        let file = [0x08, 0x96, 1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x1A, 2, 7, 7, 0x25, 0, 0, 0x80, 0x3F];
        assert_eq!(numbers(&file).unwrap(), [1, 2, 3, 4]);
        let mut fields = Fields::of(&file);
        assert_eq!(fields.next().unwrap().unwrap().integer("a").unwrap(), 150);
        let fixed = fields.next().unwrap().unwrap();
        assert_eq!(
            fixed.float("x.y").unwrap_err().to_string().split(": ").nth(1),
            Some("x.y is not a float")
        );
        assert_eq!(fields.next().unwrap().unwrap().bytes("c").unwrap(), [7, 7]);
        assert!((fields.next().unwrap().unwrap().float("d").unwrap() - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        for (file, what) in [
            (&[0x08][..], "byte 0: field 1 is cut off"),
            (&[0x08, 1, 0x12, 5, 1], "byte 2: field 2 is cut off"),
            (&[0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "byte 0: field 2 is cut off"),
            (
                &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
                "byte 0: field 1 is cut off",
            ),
            (&[0x0B], "byte 0: field 1 has the wire type 3"),
            (&[0x00], "byte 0: no field begins here"),
            (&[0x80], "byte 0: no field begins here"),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "byte 0: no field begins here"),
        ] {
            let error = numbers(file).unwrap_err().to_string();
            assert!(error.starts_with(what), "{error}");
        }
    }

    proptest! {
        #[test]
        fn garbage_ends(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = numbers(&file);
        }
    }
}
