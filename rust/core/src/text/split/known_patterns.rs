//! The patterns of `OpenAI`'s encodings, as the tiktoken package spells them.

const R50K: &str = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s";

const CL100K: &str = concat!(
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+",
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
);

const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// The pattern of an encoding of tiktoken, in the syntax of Rust's fancy-regex; None for a name that is not known.
///
/// ```
/// assert!(fastmask_core::text::known_pattern("cl100k_base").is_some_and(|pattern| pattern.contains(r"\p{N}{1,3}")));
/// ```
pub fn known_pattern(name: &str) -> Option<&'static str> {
    match name {
        "gpt2" | "r50k_base" | "p50k_base" | "p50k_edit" => Some(R50K),
        "cl100k_base" => Some(CL100K),
        "o200k_base" | "o200k_harmony" => Some(O200K),
        _ => None,
    }
}
