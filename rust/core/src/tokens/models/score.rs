//! Scores as files hold them.

/// The number to write so that `score` is read again.
///
/// `serde_json`, ours and that of the `tokenizers` library, reads some numbers of seventeen digits as a neighbour of
/// the nearest one. What was saved would have other scores than what it was saved from, and ties would fall otherwise.
pub(super) fn as_written(score: f64) -> f64 {
    let (above, below) = (score.next_up(), score.next_down());
    let near = [score, above, below, above.next_up(), below.next_down()];
    near.into_iter().find(|&number| read_again(number) == Some(score)).unwrap_or(score)
}

/// A score with few enough decimals that every reader of JSON reads it alike: with fewer than 2^53 for its digits and
/// than 10^22 for its power of ten, one exact division gives the nearest number.
pub(in crate::tokens) fn rounded(score: f64) -> f64 {
    (score * DECIMALS).round() / DECIMALS
}

const DECIMALS: f64 = 1e11;

fn read_again(number: f64) -> Option<f64> {
    serde_json::from_str(&serde_json::to_string(&number).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn some_numbers_are_read_as_their_neighbours() {
        assert_eq!(read_again(-9.122_965_753_604_479), Some(-9.122_965_753_604_48));
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_again(number in -1000.0..0.0_f64) {
            let score = read_again(number).unwrap();
            prop_assert_eq!(read_again(as_written(score)), Some(score));
        }

        #[test]
        fn few_decimals_are_always_read_again(number in -1000.0..0.0_f64) {
            let score = rounded(number);
            prop_assert!((score - number).abs() < 1e-10);
            prop_assert_eq!(as_written(score).to_bits(), score.to_bits());
        }
    }
}
