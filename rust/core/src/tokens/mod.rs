//! Words to ids and back.

mod added;
mod bpe;
mod decode;
mod load;
mod save;
mod tokenizer;
pub mod train;
mod vocab;

pub use added::AddedToken;
pub use bpe::{Bpe, WordCache};
pub use tokenizer::{SpecialText, Tokenizer};
pub use train::{ByteBpeTrainer, TrainSettings};
pub use vocab::Vocab;
