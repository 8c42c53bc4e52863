//! From the tokens of texts to the rows that models read: truncation, special tokens, padding, in this order.

use serde::Deserialize;

use super::encoding::Encoding;
use super::pad::Padding;
use super::post_process::{self, PostProcessor};
use super::truncate::Truncation;
use crate::{Error, Result};

/// The fields `truncation`, `post_processor` and `padding` of a `tokenizer.json`.
///
/// ```
/// use fastmask_core::tokens::{Assembly, EncodedToken, Encoding, PostProcessor, Template};
/// let template = Template::new("<s> $A", "<s> $A <s> $B", &[("<s>", 1)])?;
/// let assembly =
///     Assembly { post_processor: Some(PostProcessor::TemplateProcessing(template)), ..Assembly::default() };
/// let text = Encoding::from(vec![EncodedToken::new(7, 0, (0, 5), 0)]);
/// assert_eq!(assembly.assemble(text, None, true)?.ids().collect::<Vec<_>>(), [1, 7]);
/// # Ok::<(), fastmask_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assembly {
    /// To what length texts are cut.
    pub truncation: Option<Truncation>,
    /// The special tokens and where they go.
    pub post_processor: Option<PostProcessor>,
    /// To what length rows are filled up.
    pub padding: Option<Padding>,
}

impl Assembly {
    /// Refuses settings that cannot work together.
    pub fn check(&self) -> Result<()> {
        self.truncation.map_or(Ok(()), |truncation| truncation.check(self.added_tokens(false)))
    }

    /// The same with another truncation and padding, each in the notation of a `tokenizer.json`: None for none,
    /// `file` for what this has.
    pub fn with(&self, truncation: Option<&str>, padding: Option<&str>) -> Result<Self> {
        let assembly = Self {
            truncation: chosen("truncation", truncation, self.truncation.as_ref())?,
            post_processor: self.post_processor.clone(),
            padding: chosen("padding", padding, self.padding.as_ref())?,
        };
        assembly.check()?;
        Ok(assembly)
    }

    /// How many special tokens are put in.
    pub fn added_tokens(&self, is_pair: bool) -> usize {
        self.post_processor.as_ref().map_or(0, |processor| processor.added_tokens(is_pair))
    }

    /// The row of a text or of a pair of texts, padded by itself. A batch is padded once more, by
    /// [`Padding::apply`], which gives what padding it once would.
    pub fn assemble(
        &self,
        mut first: Encoding,
        mut pair: Option<Encoding>,
        add_special_tokens: bool,
    ) -> Result<Encoding> {
        if let Some(truncation) = &self.truncation {
            let added = if add_special_tokens { self.added_tokens(pair.is_some()) } else { 0 };
            truncation.apply(&mut first, pair.as_mut(), added)?;
        }
        let mut row = match &self.post_processor {
            Some(processor) => processor.process(first, pair, add_special_tokens)?,
            None => post_process::join(first, pair)?,
        };
        if let Some(padding) = &self.padding {
            padding.apply(std::slice::from_mut(&mut row))?;
        }
        Ok(row)
    }
}

fn chosen<T: Clone + for<'de> Deserialize<'de>>(
    name: &str,
    said: Option<&str>,
    own: Option<&T>,
) -> Result<Option<T>> {
    match said {
        None => Ok(None),
        Some("file") => Ok(own.cloned()),
        Some(json) => serde_json::from_str(json).map(Some).map_err(|error| {
            Error::new(error.to_string()).at(name).advise("give it as a tokenizer.json has it")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::EncodedToken;
    use super::super::pad::PaddingStrategy;
    use super::super::truncate::{Side, TruncationStrategy};
    use super::*;

    fn text(ids: &[u32]) -> Encoding {
        ids.iter().map(|&id| EncodedToken::new(id, 0, (id, id + 1), id as i32)).collect::<Vec<_>>().into()
    }

    fn ids(row: &Encoding) -> Vec<u32> {
        row.ids().collect()
    }

    #[test]
    fn special_tokens_count_and_padding_comes_last() {
        let (sep, cls) = (("[SEP]".to_owned(), 102), ("[CLS]".to_owned(), 101));
        let assembly = Assembly {
            truncation: Some(Truncation {
                direction: Side::Right,
                max_length: 5,
                strategy: TruncationStrategy::LongestFirst,
                stride: 1,
            }),
            post_processor: Some(PostProcessor::BertProcessing { sep, cls }),
            padding: Some(Padding {
                strategy: PaddingStrategy::Fixed(6),
                direction: Side::Left,
                pad_to_multiple_of: None,
                pad_id: 0,
                pad_type_id: 0,
                pad_token: "[PAD]".to_owned(),
            }),
        };
        assembly.check().unwrap();
        let row = assembly.assemble(text(&[1, 2, 3, 4]), None, true).unwrap();
        assert_eq!(ids(&row), [0, 101, 1, 2, 3, 102]);
        assert_eq!(row.overflowing.iter().map(ids).collect::<Vec<_>>(), [[0, 0, 101, 3, 4, 102]]);
        let bare = assembly.assemble(text(&[1, 2, 3, 4]), None, false).unwrap();
        assert_eq!(ids(&bare), [0, 0, 1, 2, 3, 4]);
        let error = assembly.assemble(text(&[1, 2, 3]), Some(text(&[4, 5])), true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "stride 1 with room for 1 tokens of text: a stride is less than max_length without the special tokens: \
             lower it, or raise max_length"
        );
    }
}
