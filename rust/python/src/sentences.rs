//! Texts that may be split into words already.

use fastmask_core::Result;
use fastmask_core::tokens::Sentence;
use pyo3::prelude::*;

use crate::texts::Texts;
use crate::unicode::{Errors, Text};

/// Many texts, or many lists of words, kept alive and readable without the GIL.
pub(crate) enum Sentences {
    Texts(Texts),
    Words(Vec<Texts>),
}

/// What can be read of them.
pub(crate) enum View<'a> {
    Text(Text<'a>),
    Words(Vec<Text<'a>>),
}

impl Sentences {
    /// Borrows them from Python.
    pub(crate) fn read(objects: &Bound<'_, PyAny>, is_split_into_words: bool) -> PyResult<Self> {
        if is_split_into_words {
            let lists = objects.try_iter()?.map(|words| Texts::read(&words?));
            return lists.collect::<PyResult<_>>().map(Self::Words);
        }
        Texts::read(objects).map(Self::Texts)
    }

    /// The texts; an error names the one that is at fault. Needs no GIL.
    pub(crate) fn view(&self, errors: Errors) -> Result<Vec<View<'_>>> {
        match self {
            Self::Texts(texts) => Ok(texts.view(errors)?.into_iter().map(View::Text).collect()),
            Self::Words(lists) => lists
                .iter()
                .enumerate()
                .map(|(index, words)| {
                    words.view(errors).map(View::Words).map_err(|error| error.at(format!("text {index}")))
                })
                .collect(),
        }
    }
}

/// The same as the core takes them.
pub(crate) fn sentences<'a>(views: &'a [View<'_>]) -> Vec<Sentence<'a>> {
    views
        .iter()
        .map(|view| match view {
            View::Text(text) => Sentence::Text(text.as_ref()),
            View::Words(words) => Sentence::Words(words.iter().map(AsRef::as_ref).collect()),
        })
        .collect()
}
