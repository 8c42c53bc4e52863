//! The special tokens around a single text, where they are all that its ids need.

use super::PostProcessor;
use super::template::{Piece, Template};

/// The ids before a text and after it.
type Frame = (Vec<u32>, Vec<u32>);

impl PostProcessor {
    /// The ids that are put before a single text and after it, if the ids of the text itself stay as they are and
    /// stand there once: then ids need no [`Encoding`](super::Encoding).
    pub fn frame(&self) -> Option<Frame> {
        let mut frame = Frame::default();
        let mut is_one_part = true;
        self.widen(&mut frame, &mut is_one_part)?;
        Some(frame)
    }

    /// A template gives a part for each of its pieces, and a step that puts in tokens would treat each as a text.
    fn widen(&self, frame: &mut Frame, is_one_part: &mut bool) -> Option<()> {
        let (before, after) = match self {
            Self::ByteLevel { .. } => return Some(()),
            Self::Sequence { processors } => {
                return processors.iter().try_for_each(|part| part.widen(frame, is_one_part));
            }
            _ if !*is_one_part => return None,
            Self::BertProcessing { sep, cls } | Self::RobertaProcessing { sep, cls, .. } => {
                (vec![cls.1], vec![sep.1])
            }
            Self::TemplateProcessing(template) => {
                *is_one_part = template.single().len() == 1;
                template_frame(template)?
            }
        };
        frame.0.splice(0..0, before);
        frame.1.extend(after);
        Some(())
    }
}

fn template_frame(template: &Template) -> Option<Frame> {
    let pieces = template.single();
    let is_text = |piece: &Piece| matches!(piece, Piece::Sequence { .. });
    let place = pieces.iter().position(is_text)?;
    if pieces.iter().filter(|piece| is_text(piece)).count() > 1 {
        return None;
    }
    let ids = |pieces: &[Piece]| pieces.iter().flat_map(|piece| template.ids(piece)).copied().collect();
    let (before, after) = pieces.split_at_checked(place)?;
    Some((ids(before), ids(after)))
}
