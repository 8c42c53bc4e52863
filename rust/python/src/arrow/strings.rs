//! The bytes of each text of an Arrow column.

use fastmask_core::{Error, Result};

use super::array::{Plain, Values, size};

/// The bytes of each value; None where it is null.
pub(crate) fn strings<'a>(values: &Values<'a>) -> Result<Vec<Option<&'a [u8]>>> {
    if let Some(dictionary) = values.dictionary()? {
        return by_number(values, &strings(&dictionary)?);
    }
    match values.format() {
        "u" | "z" => by_offsets::<i32>(values),
        "U" | "Z" => by_offsets::<i64>(values),
        "vu" | "vz" => by_views(values),
        "n" => Ok(vec![None; values.length]),
        other => Err(Error::new(format!("an Arrow column of {}", type_name(other))).advise(advice(other))),
    }
}

fn by_offsets<'a, Offset>(values: &Values<'a>) -> Result<Vec<Option<&'a [u8]>>>
where
    Offset: Plain + TryInto<usize> + std::fmt::Display,
{
    if values.length == 0 {
        return Ok(Vec::new());
    }
    let offsets = values.buffer::<Offset>(1, values.offset, values.length + 1)?;
    let end = offsets.last().map_or(Ok(0), |&last| size(last))?;
    let data = values.buffer::<u8>(2, 0, end)?;
    let validity = values.validity()?;
    let slot = |(index, pair): (usize, &[Offset])| match (pair, &validity) {
        (_, Some(bits)) if !bits.holds(index) => Ok(None),
        (&[start, end], _) => data.get(size(start)?..size(end)?).map(Some).ok_or_else(falling),
        _ => Err(falling()),
    };
    offsets.windows(2).enumerate().map(slot).collect()
}

fn falling() -> Error {
    Error::new("the offsets of the Arrow column do not rise")
}

/// Views are 16 bytes: the length, then the text itself where it is short, or where its bytes lie.
fn by_views<'a>(values: &Values<'a>) -> Result<Vec<Option<&'a [u8]>>> {
    const SHORT: usize = 12;
    let views = values.buffer::<[u8; 16]>(1, values.offset, values.length)?;
    let last = values.buffers()?.saturating_sub(1);
    let sizes = values.buffer::<i64>(last, 0, last.saturating_sub(2))?;
    let data: Vec<&[u8]> = (sizes.iter().enumerate())
        .map(|(index, &bytes)| values.buffer::<u8>(index + 2, 0, size(bytes)?))
        .collect::<Result<_>>()?;
    let validity = values.validity()?;
    let slot = |(index, view): (usize, &'a [u8; 16])| {
        if validity.as_ref().is_some_and(|bits| !bits.holds(index)) {
            return Ok(None);
        }
        let [length, _, buffer, start] = four_numbers(view);
        let length = size(length)?;
        if length <= SHORT {
            return Ok(view.get(4..4 + length));
        }
        let start = size(start)?;
        let bytes = data.get(size(buffer)?).and_then(|bytes| bytes.get(start..start.checked_add(length)?));
        bytes.map(Some).ok_or_else(|| Error::new("a view of the Arrow column lies outside its buffers"))
    };
    views.iter().enumerate().map(slot).collect()
}

fn four_numbers(view: &[u8; 16]) -> [i32; 4] {
    let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = *view;
    [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3], [d0, d1, d2, d3]].map(i32::from_ne_bytes)
}

fn by_number<'a>(values: &Values<'a>, words: &[Option<&'a [u8]>]) -> Result<Vec<Option<&'a [u8]>>> {
    match values.format() {
        "c" => chosen::<i8>(values, words),
        "C" => chosen::<u8>(values, words),
        "s" => chosen::<i16>(values, words),
        "S" => chosen::<u16>(values, words),
        "i" => chosen::<i32>(values, words),
        "I" => chosen::<u32>(values, words),
        "l" => chosen::<i64>(values, words),
        "L" => chosen::<u64>(values, words),
        other => Err(Error::new(format!("an Arrow dictionary with keys of {}", type_name(other)))),
    }
}

fn chosen<'a, Key>(values: &Values<'a>, words: &[Option<&'a [u8]>]) -> Result<Vec<Option<&'a [u8]>>>
where
    Key: Plain + TryInto<usize> + std::fmt::Display,
{
    let validity = values.validity()?;
    let slot = |(index, &key): (usize, &Key)| match &validity {
        Some(bits) if !bits.holds(index) => Ok(None),
        _ => words.get(size(key)?).copied().ok_or_else(|| {
            Error::new(format!("an Arrow dictionary of {} words has no number {key}", words.len()))
        }),
    };
    values.buffer::<Key>(1, values.offset, values.length)?.iter().enumerate().map(slot).collect()
}

/// What people call a type.
pub(crate) fn type_name(format: &str) -> String {
    let name = match format {
        "n" => "nulls",
        "b" => "bool",
        "c" => "int8",
        "C" => "uint8",
        "s" => "int16",
        "S" => "uint16",
        "i" => "int32",
        "I" => "uint32",
        "l" => "int64",
        "L" => "uint64",
        "e" => "float16",
        "f" => "float32",
        "g" => "float64",
        "u" | "U" | "vu" => "strings",
        "z" | "Z" | "vz" => "binary values",
        "+l" | "+L" | "+vl" | "+vL" => "lists",
        "+s" => "structs",
        "+r" => "runs",
        other => return format!("Arrow's type {other:?}"),
    };
    name.to_owned()
}

fn advice(format: &str) -> &'static str {
    if format == "+s" { "a table: choose one column of it" } else { "give strings, or binary of UTF-8" }
}
