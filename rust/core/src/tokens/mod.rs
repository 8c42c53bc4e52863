//! Words to ids and back.

mod added;
mod cache;
mod decode;
mod load;
mod models;
mod save;
pub mod sentencepiece;
mod tokenizer;
pub mod train;
mod trie;
mod vocab;

pub use added::AddedToken;
pub use cache::WordCache;
pub use models::{Bpe, BpeSettings, Model, Token, Unigram, WordLevel, WordPiece};
pub use sentencepiece::SentencePiece;
pub use tokenizer::{SpecialText, Tokenizer};
pub use train::{ByteBpeTrainer, TrainSettings};
pub use vocab::Vocab;
