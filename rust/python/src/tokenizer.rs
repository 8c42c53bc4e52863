//! `fastmask._rust.Tokenizer` and `fastmask._rust.StreamDecoder`.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fastmask_core::tokens::{self as core, Assembly, EncodeOptions, SpecialText};
use fastmask_core::{Error, Result, threads};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::arrays::{Rows, contiguous, ragged_to_python};
use crate::blocks;
use crate::columns::columns;
use crate::error::to_python;
use crate::sentences::{Sentences, sentences};
use crate::texts::{OneText, Texts};
use crate::unicode::{Errors, Text};

/// A tokenizer; `fastmask.Tokenizer` is what users see of it.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct Tokenizer {
    pub(crate) core: core::Tokenizer,
}

/// What Python says of how to encode, before it is checked.
struct Asked<'a> {
    add_special_tokens: bool,
    special_text: Option<&'a str>,
    with_spans: bool,
}

impl Tokenizer {
    fn made(py: Python<'_>, make: impl FnOnce() -> Result<core::Tokenizer> + Send) -> PyResult<Self> {
        py.detach(make).map(|core| Self { core }).map_err(to_python)
    }

    fn options<'a>(&'a self, assembly: &'a Assembly, asked: &Asked<'_>) -> PyResult<EncodeOptions<'a>> {
        Ok(EncodeOptions {
            assembly,
            add_special_tokens: asked.add_special_tokens,
            special_text: match asked.special_text {
                None => self.core.options().special_text,
                Some(name) => special_text(name)?,
            },
            with_spans: asked.with_spans,
        })
    }
}

fn special_text(policy: &str) -> PyResult<SpecialText> {
    match policy {
        "parse" => Ok(SpecialText::Parse),
        "text" => Ok(SpecialText::Text),
        "error" => Ok(SpecialText::Error),
        _ => Err(to_python(
            Error::new(format!("special_text is {policy:?}")).advise("give \"parse\", \"text\" or \"error\""),
        )),
    }
}

#[pymethods]
impl Tokenizer {
    /// Reads a file of the kind that its name says.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_file(&path))
    }

    /// Reads the content of a tokenizer.json file.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_json(json.as_bytes()))
    }

    /// Reads BERT's vocab.txt.
    #[staticmethod]
    fn from_vocab_txt(py: Python<'_>, path: PathBuf, lowercase: bool) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_vocab_txt(&path, lowercase))
    }

    /// Reads GPT-2's vocab.json and merges.txt.
    #[staticmethod]
    fn from_vocab_and_merges(py: Python<'_>, vocab: PathBuf, merges: PathBuf) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_vocab_and_merges(&vocab, &merges))
    }

    /// Reads a tiktoken file.
    #[staticmethod]
    fn from_tiktoken(
        py: Python<'_>,
        path: PathBuf,
        pattern: &str,
        special_tokens: Vec<(String, u32)>,
    ) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_tiktoken_file(&path, pattern, &special_tokens))
    }

    /// Reads a SentencePiece model.
    #[staticmethod]
    fn from_sentencepiece(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Self::made(py, || core::Tokenizer::from_sentencepiece_file(&path))
    }

    /// The same tokenizer with more special tokens, each with the id that it must get, if any.
    fn with_special_tokens(&self, py: Python<'_>, tokens: Vec<(String, Option<u32>)>) -> PyResult<Self> {
        Self::made(py, || self.core.with_special_tokens(&tokens))
    }

    /// The content of a tokenizer.json file.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.core.to_json()).map_err(to_python)
    }

    /// The ids of one text or pair of texts.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        pair: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
        special_text: Option<&str>,
        errors: &str,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let asked = Asked { add_special_tokens, special_text, with_spans: false };
        let options = self.options(self.core.options().assembly, &asked)?;
        let errors = Errors::new(errors)?;
        let (text, pair) = (OneText::read(text)?, pair.map(OneText::read).transpose()?);
        let ids = py.detach(|| {
            let text = text.view(errors)?;
            let pair = pair.as_ref().map(|pair| pair.view(errors)).transpose()?;
            if errors == Errors::Bytes {
                let rows = self.core.encode_batch_bytes(&[text.as_bytes()], pair.is_some(), &options, 1)?;
                return Ok(rows.ids);
            }
            self.core.encode_ids(text.as_ref(), pair.as_ref().map(AsRef::as_ref), &options)
        });
        ids.map(|ids| ids.into_pyarray(py)).map_err(to_python)
    }

    /// The ids of many texts or pairs of texts, flat, and where each row begins and ends. A bare row is not framed,
    /// cut or padded, whatever the file says.
    #[pyo3(signature = (texts, pairs, add_special_tokens, special_text, errors, num_threads, bare=false))]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the Python method")]
    fn encode_batch<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        pairs: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
        special_text: Option<&str>,
        errors: &str,
        num_threads: Option<usize>,
        bare: bool,
    ) -> PyResult<Rows<'py>> {
        let asked = Asked { add_special_tokens, special_text, with_spans: false };
        let none = Assembly::default();
        let options = self.options(if bare { &none } else { self.core.options().assembly }, &asked)?;
        let errors = Errors::new(errors)?;
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        let batch = self.core.id_batch(&options, num_threads);
        if let Some(batch) = batch.filter(|_| pairs.is_none() && errors != Errors::Bytes) {
            // What other threads can encode meanwhile is spelled later.
            let mut texts = if num_threads > 1 { Texts::keep(texts) } else { Texts::read(texts) }?;
            let rows = blocks::encode(py, batch, &mut texts, errors);
            return rows.map(|rows| ragged_to_python(py, rows)).map_err(to_python);
        }
        let (texts, pairs) = (Texts::read(texts)?, pairs.map(Texts::read).transpose()?);
        let rows = py.detach(|| {
            let texts = texts.view(errors)?;
            let pairs = pairs.as_ref().map(|pairs| pairs.view(errors)).transpose()?;
            if errors == Errors::Bytes {
                return self.core.encode_batch_bytes(&raw(&texts), pairs.is_some(), &options, num_threads);
            }
            self.core.encode_batch_ids(&texts, pairs.as_deref(), &options, num_threads)
        });
        rows.map(|rows| ragged_to_python(py, rows)).map_err(to_python)
    }

    /// Everything that is known of the tokens of many texts. Truncation and padding are the file's ("file"), none, or
    /// as a tokenizer.json spells them.
    #[pyo3(signature = (texts, pairs, add_special_tokens, special_text, errors, num_threads, truncation, padding, is_split_into_words=false, return_overflowing_tokens=false))]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the Python method")]
    fn encode_columns<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        pairs: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
        special_text: Option<&str>,
        errors: &str,
        num_threads: Option<usize>,
        truncation: Option<&str>,
        padding: Option<&str>,
        is_split_into_words: bool,
        return_overflowing_tokens: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let own = self.core.options().assembly;
        let assembly = own.with(truncation, padding).map_err(to_python)?;
        let asked = Asked { add_special_tokens, special_text, with_spans: true };
        let options = self.options(&assembly, &asked)?;
        let errors = Errors::new(errors)?;
        let read = |texts: &Bound<'py, PyAny>| Sentences::read(texts, is_split_into_words);
        let (texts, pairs) = (read(texts)?, pairs.map(read).transpose()?);
        let num_threads = threads::resolve(num_threads).map_err(to_python)?;
        let encodings = py.detach(|| {
            let texts = texts.view(errors)?;
            let pairs = pairs.as_ref().map(|pairs| pairs.view(errors)).transpose()?;
            let (texts, pairs) = (sentences(&texts), pairs.as_deref().map(sentences));
            self.core.encode_batch(&texts, pairs.as_deref(), &options, num_threads)
        });
        columns(py, &encodings.map_err(to_python)?, return_overflowing_tokens)
    }

    /// The bytes that ids stand for.
    fn decode<'py>(
        &self,
        py: Python<'py>,
        ids: PyReadonlyArray1<'py, u32>,
        skip_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ids = contiguous(&ids, "ids")?;
        let bytes = py.detach(|| self.core.decode(ids, skip_special_tokens)).map_err(to_python)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// A decoder that is fed ids as they come.
    fn stream_decoder(&self, skip_special_tokens: bool) -> StreamDecoder {
        StreamDecoder { core: Mutex::new(self.core.stream_decoder(skip_special_tokens)) }
    }

    /// The highest id + 1.
    #[getter]
    fn vocab_size(&self) -> usize {
        self.core.vocab().size()
    }

    /// The id of a token; None where there is none.
    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.core.vocab().id(token)
    }

    /// The token with an id; None where there is none.
    fn id_to_token(&self, id: u32) -> Option<&str> {
        self.core.vocab().token(id)
    }

    /// For each id whether its token begins a word.
    fn word_starts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        PyArray1::from_slice(py, self.core.word_starts())
    }

    /// The special tokens with their ids, in the order of the file.
    fn special_tokens(&self) -> Vec<(&str, u32)> {
        let special = self.core.added_tokens().iter().filter(|token| token.special);
        special.map(|token| (token.content.as_str(), token.id)).collect()
    }
}

fn raw<'a>(texts: &'a [Text<'_>]) -> Vec<&'a [u8]> {
    texts.iter().map(Text::as_bytes).collect()
}

/// Decodes ids as they come and gives text as soon as it is certain, never half a character.
#[pyclass(frozen, module = "fastmask._rust")]
pub(crate) struct StreamDecoder {
    core: Mutex<core::TokenStream>,
}

#[pymethods]
impl StreamDecoder {
    /// Takes one id and returns the text that is certain by now.
    fn step(&self, id: u32) -> PyResult<String> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).push(&[id]).map_err(to_python)
    }

    /// Takes several ids and returns the text that is certain by now.
    fn extend(&self, ids: Vec<u32>) -> PyResult<String> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).push(&ids).map_err(to_python)
    }

    /// Returns the rest of the text; the decoder is then as new.
    fn finish(&self) -> PyResult<String> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner).finish().map_err(to_python)
    }
}
