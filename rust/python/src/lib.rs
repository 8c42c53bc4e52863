//! The `PyO3` glue of fastmask: module `fastmask._rust`.
//!
//! Only conversions live here; every loop over tokens is in `fastmask-core`. Classes are frozen and every method
//! takes `&self`, so any number of threads may share one; the GIL is released while the core works.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]

mod arrays;
mod arrow;
mod blocks;
mod columns;
mod error;
mod loader;
mod long_text;
mod objectives;
mod pairs;
mod random;
mod sentences;
mod spelling;
mod texts;
mod tokenizer;
mod train;
mod unicode;
mod warm;

/// The compiled core of fastmask.
#[pyo3::pymodule(gil_used = false)]
mod _rust {
    #[pymodule_export]
    use crate::arrow::{arrow_array, arrow_lists, arrow_schema, arrow_stream};
    #[pymodule_export]
    use crate::loader::{TokenCorpus, loader_order};
    #[pymodule_export]
    use crate::objectives::{
        CausalLm, Denoising, FillInTheMiddle, MaskedLm, MixtureOfDenoisers, PrefixLm, SpanCorruption,
        count_documents, padded_width, rows_in_order, sentinels_needed,
    };
    #[pymodule_export]
    use crate::pairs::SentencePairs;
    #[pymodule_export]
    use crate::random::philox4x32;
    #[pymodule_export]
    use crate::tokenizer::{StreamDecoder, Tokenizer};
    #[pymodule_export]
    use crate::train::Trainer;
    #[pymodule_export]
    use crate::warm::warm_array;
}
