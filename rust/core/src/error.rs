//! The one error of fastmask: what was wrong, where, and what to do about it.

use std::fmt;

/// What was wrong, where (file, line, byte, row, field), and what to do about it.
///
/// ```
/// use fastmask_core::Error;
/// let error = Error::new("mlm_probability is 1.5").advise("give a probability between 0 and 1");
/// assert_eq!(error.to_string(), "mlm_probability is 1.5: give a probability between 0 and 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    what: String,
    place: Option<String>,
    advice: Option<String>,
}

/// The result of everything here that can refuse.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that says what was wrong; it names the bad value.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, advice: None }
    }

    /// Says where it was: a file, a field, a row. The outermost place comes first when several are given.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        let place = place.into();
        self.place = Some(match self.place {
            Some(inner) => format!("{place}, {inner}"),
            None => place,
        });
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        out.write_str(&self.what)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(out, ": {advice}"))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_nest_from_the_outside_in() {
        let error =
            Error::new("no such token: \"x\"").at("model.merges[3]").at("tokenizer.json").advise("add it");
        assert_eq!(error.to_string(), "tokenizer.json, model.merges[3]: no such token: \"x\": add it");
    }
}
