//! Tokens joined: with nothing between them, or with a space where there is no decoder.

use super::pipeline::Step;
use super::portion::Portion;
use crate::Result;

/// All tokens become one.
#[derive(Debug, Default)]
pub(super) struct Fuse;

impl Step for Fuse {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        output.extend(input.text());
        Ok(())
    }

    fn finish(&mut self, output: &mut Portion) -> Result<()> {
        output.end();
        Ok(())
    }
}

/// A space between tokens.
#[derive(Debug, Default)]
pub(super) struct Spaced {
    has_begun: bool,
}

impl Step for Spaced {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        for (token, _) in input.pieces() {
            if std::mem::replace(&mut self.has_begun, true) {
                output.extend_char(' ');
            }
            output.push(token);
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
