//! Encodings as flat numpy arrays, one a column.

use fastmask_core::tokens::{EncodedToken, Encoding};
use numpy::{Element, IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The columns of encodings, row after row, what overflowed behind the row that it was cut from: `ids` and
/// `input_ids`, `offsets`, `spans` and `offset_mapping`, `word_ids`, `type_ids` and `token_type_ids`,
/// `special_tokens_mask`, `attention_mask`, and for each row the text that it is of, `samples`.
pub(crate) fn columns<'py>(
    py: Python<'py>,
    encodings: &[Encoding],
    with_overflow: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let mut rows: Vec<(i64, &Encoding)> = Vec::with_capacity(encodings.len());
    for (sample, encoding) in encodings.iter().enumerate() {
        rows.push((sample as i64, encoding));
        if with_overflow {
            rows.extend(encoding.overflowing.iter().map(|part| (sample as i64, part)));
        }
    }
    let total: usize = rows.iter().map(|(_, row)| row.len()).sum();
    let offsets = std::iter::once(0).chain(rows.iter().scan(0, |end, (_, row)| {
        *end += row.len() as i64;
        Some(*end)
    }));
    let dict = PyDict::new(py);
    let ids = column(py, &rows, |token| token.id);
    let spans: Vec<i64> = rows
        .iter()
        .flat_map(|(_, row)| &row.tokens)
        .flat_map(|token| [i64::from(token.span.0), i64::from(token.span.1)])
        .collect();
    let spans = spans.into_pyarray(py).reshape([total, 2])?;
    let types = column(py, &rows, |token| token.type_id);
    dict.set_item("ids", &ids)?;
    dict.set_item("input_ids", ids)?;
    dict.set_item("offsets", offsets.collect::<Vec<i64>>().into_pyarray(py))?;
    dict.set_item("spans", &spans)?;
    dict.set_item("offset_mapping", spans)?;
    dict.set_item("word_ids", column(py, &rows, |token| token.word_id))?;
    dict.set_item("type_ids", &types)?;
    dict.set_item("token_type_ids", types)?;
    dict.set_item("special_tokens_mask", column(py, &rows, |token| u8::from(token.special)))?;
    dict.set_item("attention_mask", column(py, &rows, |token| u8::from(token.attended)))?;
    dict.set_item("samples", rows.iter().map(|(sample, _)| *sample).collect::<Vec<i64>>().into_pyarray(py))?;
    Ok(dict)
}

fn column<'py, T: Element>(
    py: Python<'py>,
    rows: &[(i64, &Encoding)],
    of: impl Fn(&EncodedToken) -> T,
) -> Bound<'py, PyAny> {
    let values: Vec<T> = rows.iter().flat_map(|(_, row)| &row.tokens).map(of).collect();
    values.into_pyarray(py).into_any()
}
