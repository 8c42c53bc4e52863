//! Masked language modelling: some tokens are hidden, and the model names them.
//!
//! Devlin et al., *BERT: pre-training of deep bidirectional transformers* (2019), section 3.1: of the chosen tokens
//! 80 % become the mask token, 10 % a random token, and 10 % stay as they are. Each token is chosen by a coin of its
//! own, anew in every epoch ("dynamic masking": Liu et al., *A robustly optimized BERT pretraining approach*, 2019,
//! section 4.1).

use super::grid::{check_along_ids, for_each_row};
use super::{AlongIds, Batch, IGNORED, Labelled, Samples, check_id, check_probability};
use crate::random::{Draws, Stream, bounded, threshold, threshold_product};
use crate::{Error, Result};

/// What happens to a token; the numbers are those of the noise arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Not chosen: seen as it is, no label.
    None = 0,
    /// Becomes the mask token.
    Mask = 1,
    /// Becomes a random token.
    Random = 2,
    /// Chosen, and seen as it is.
    Keep = 3,
}

const NONE: u8 = Action::None as u8;
const MASK: u8 = Action::Mask as u8;
const RANDOM: u8 = Action::Random as u8;
const KEEP: u8 = Action::Keep as u8;

/// The settings of [`MaskedLm`].
#[derive(Debug, Clone, PartialEq)]
pub struct MaskedLmSettings {
    /// Highest id + 1.
    pub vocab_size: u32,
    /// The id of the mask token.
    pub mask_id: u32,
    /// What padding holds in `input_ids`.
    pub pad_id: u32,
    /// Never chosen, and never drawn as a random token.
    pub special_ids: Vec<u32>,
    /// Never chosen, though a random token may be one of them.
    pub never_mask_ids: Vec<u32>,
    /// How likely a token is chosen.
    pub mlm_probability: f64,
    /// How likely a chosen token becomes the mask token.
    pub mask_replace_prob: f64,
    /// How likely a chosen token becomes a random token.
    pub random_replace_prob: f64,
    /// Longer rows are refused.
    pub max_length: Option<usize>,
}

/// Noise of a batch along its ids: see [`Action`]; `random_ids` count where the action is [`Action::Random`].
#[derive(Debug, Clone, Copy)]
pub struct MaskedLmNoise<'a> {
    /// An action for each id.
    pub action: &'a [u8],
    /// A random token for each id.
    pub random_ids: &'a [u32],
}

/// Masked language modelling.
#[derive(Debug, Clone)]
pub struct MaskedLm {
    settings: MaskedLmSettings,
    /// Indexed by id, as far as the highest id that is never chosen.
    never_chosen: Vec<bool>,
    /// How many ids that are not special lie below each special one, in ascending order.
    ordinary_below: Vec<u32>,
    /// A select word below the first is chosen, below the second masked, below the third replaced.
    thresholds: [u64; 3],
}

impl MaskedLm {
    /// Refuses settings that cannot work.
    pub fn new(mut settings: MaskedLmSettings) -> Result<Self> {
        settings.special_ids.sort_unstable();
        settings.special_ids.dedup();
        check_settings(&settings)?;
        let ordinary_below = (0..).zip(&settings.special_ids).map(|(before, &id)| id - before).collect();
        Ok(Self {
            never_chosen: never_chosen(&settings),
            ordinary_below,
            thresholds: thresholds(&settings),
            settings,
        })
    }

    /// Refuses rows that this objective cannot take.
    pub fn check(&self, batch: &Batch<'_>) -> Result<()> {
        batch.check(self.settings.vocab_size, self.settings.max_length)
    }

    /// Draws the noise of `batch`.
    pub fn noise(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: (AlongIds<'_, u8>, AlongIds<'_, u32>),
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, (action, random_ids)| {
            self.noise_row(batch.rows().row(index), samples, index, action.values(), random_ids.values());
        })
    }

    /// Carries out noise; nothing is written when something is refused.
    pub fn apply(
        &self,
        batch: &Batch<'_>,
        noise: MaskedLmNoise<'_>,
        out: Labelled<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        self.check_noise(batch, noise)?;
        out.check(batch)?;
        let state = || ();
        for_each_row(batch.rows(), out, num_threads, state, |(), index, line| {
            let here = batch.rows().range(index);
            let (action, random_ids) = (&noise.action[here.clone()], &noise.random_ids[here]);
            self.apply_row(batch, index, MaskedLmNoise { action, random_ids }, line);
        })
    }

    /// Draws noise and carries it out; nothing is written when something is refused.
    pub fn corrupt(
        &self,
        batch: &Batch<'_>,
        samples: Samples<'_>,
        out: Labelled<'_>,
        num_threads: usize,
    ) -> Result<()> {
        self.check(batch)?;
        out.check(batch)?;
        let longest = batch.rows().longest();
        let state = || (vec![0; longest], vec![0; longest]);
        for_each_row(batch.rows(), out, num_threads, state, |(action, random_ids), index, line| {
            let row = batch.rows().row(index);
            let (action, random_ids) = (&mut action[..row.len()], &mut random_ids[..row.len()]);
            self.noise_row(row, samples, index, action, random_ids);
            self.apply_row(batch, index, MaskedLmNoise { action, random_ids }, line);
        })
    }

    fn noise_row(
        &self,
        row: &[u32],
        samples: Samples<'_>,
        index: usize,
        action: &mut [u8],
        random_ids: &mut [u32],
    ) {
        let select = samples.draws(index, Stream::Select);
        let replacement = samples.draws(index, Stream::Replacement);
        let blocks = row.chunks(4).zip(action.chunks_mut(4)).zip(random_ids.chunks_mut(4));
        for (block, ((ids, actions), random_ids)) in blocks.enumerate() {
            let words = select.block(block as u32);
            for lane in 0..ids.len() {
                let action = self.action(ids[lane], words[lane]);
                actions[lane] = action as u8;
                random_ids[lane] = match action {
                    Action::Random => self.random_id(&replacement, 4 * block + lane),
                    _ => 0,
                };
            }
        }
    }

    /// What the select word of a token says: whether it is chosen, and what then happens to it.
    fn action(&self, id: u32, word: u32) -> Action {
        let [chosen, mask, mask_or_random] = self.thresholds;
        let word = u64::from(word);
        if word >= chosen || self.never_chosen.get(id as usize) == Some(&true) {
            Action::None
        } else if word < mask {
            Action::Mask
        } else if word < mask_or_random {
            Action::Random
        } else {
            Action::Keep
        }
    }

    /// An id that is not special, each equally likely.
    fn random_id(&self, replacement: &Draws, position: usize) -> u32 {
        let ordinary = self.settings.vocab_size - self.ordinary_below.len() as u32;
        let rank = bounded(replacement.draw(position), ordinary);
        // The id with that rank among the ordinary ones: one further for each special id on the way to it.
        rank + self.ordinary_below.partition_point(|&below| below <= rank) as u32
    }

    fn apply_row(&self, batch: &Batch<'_>, index: usize, noise: MaskedLmNoise<'_>, line: Labelled<'_>) {
        let row = batch.rows().row(index);
        let seen = row.iter().zip(noise.action).zip(noise.random_ids).map(|((&id, &action), &random_id)| {
            i64::from(match action {
                MASK => self.settings.mask_id,
                RANDOM => random_id,
                _ => id,
            })
        });
        let labels = row.iter().zip(noise.action).map(|(&id, &action)| match action {
            NONE => IGNORED,
            _ => i64::from(id),
        });
        line.write(seen, labels, batch.columns(index), self.settings.pad_id);
    }

    fn check_noise(&self, batch: &Batch<'_>, noise: MaskedLmNoise<'_>) -> Result<()> {
        check_along_ids("action", noise.action.len(), batch.rows())?;
        check_along_ids("random_ids", noise.random_ids.len(), batch.rows())?;
        let bad = noise.action.iter().zip(noise.random_ids).position(|(&action, &random_id)| {
            action > KEEP || (action == RANDOM && random_id >= self.settings.vocab_size)
        });
        bad.map_or(Ok(()), |at| {
            let (action, random_id) = (noise.action[at], noise.random_ids[at]);
            Err(Error::new(format!("action {action} with random id {random_id}"))
                .at(format!("noise at id {at}"))
                .advise("actions are 0 none, 1 mask, 2 random, 3 keep; random ids lie in the vocabulary"))
        })
    }
}

fn check_settings(settings: &MaskedLmSettings) -> Result<()> {
    check_id("mask_id", settings.mask_id, settings.vocab_size)?;
    check_id("pad_id", settings.pad_id, settings.vocab_size)?;
    settings.special_ids.iter().try_for_each(|&id| check_id("special_ids", id, settings.vocab_size))?;
    settings.never_mask_ids.iter().try_for_each(|&id| check_id("never_mask_ids", id, settings.vocab_size))?;
    let (mask, random) = (settings.mask_replace_prob, settings.random_replace_prob);
    check_probability("mlm_probability", settings.mlm_probability)?;
    check_probability("mask_replace_prob", mask)?;
    check_probability("random_replace_prob", random)?;
    if mask + random > 1.0 {
        let sum = format!("mask_replace_prob {mask} + random_replace_prob {random} is above 1");
        return Err(
            Error::new(sum).advise("they are shares of the chosen tokens; what is left of 1 stays as it is")
        );
    }
    if random > 0.0 && settings.special_ids.len() >= settings.vocab_size as usize {
        return Err(Error::new("every id is special, so there is no random token to draw")
            .advise("set random_replace_prob to 0, or name fewer special_ids"));
    }
    Ok(())
}

fn never_chosen(settings: &MaskedLmSettings) -> Vec<bool> {
    let ids = || settings.special_ids.iter().chain(&settings.never_mask_ids);
    let mut table = vec![false; ids().max().map_or(0, |&highest| highest as usize + 1)];
    ids().for_each(|&id| table[id as usize] = true);
    table
}

fn thresholds(settings: &MaskedLmSettings) -> [u64; 3] {
    let chosen = threshold(settings.mlm_probability);
    let share = |probability| threshold_product(chosen, threshold(probability));
    let mask = settings.mask_replace_prob;
    [chosen, share(mask), share(mask + settings.random_replace_prob)]
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, Places};
    use super::*;
    use crate::random::Key;
    use crate::rows::{Ragged, RaggedView};

    fn settings() -> MaskedLmSettings {
        MaskedLmSettings {
            vocab_size: 20,
            mask_id: 4,
            pad_id: 0,
            special_ids: vec![4, 0, 2, 4, 19],
            never_mask_ids: vec![7],
            mlm_probability: 0.5,
            mask_replace_prob: 0.5,
            random_replace_prob: 0.3,
            max_length: None,
        }
    }

    fn noise(settings: MaskedLmSettings, rows: RaggedView<'_>) -> (Vec<u8>, Vec<u32>) {
        let (mut action, mut random_ids) = (vec![9; rows.ids().len()], vec![9; rows.ids().len()]);
        let samples = Samples::new(Key::new(3, 1).unwrap(), None, rows).unwrap();
        let out = (AlongIds::new(&mut action, rows).unwrap(), AlongIds::new(&mut random_ids, rows).unwrap());
        MaskedLm::new(settings).unwrap().noise(&Batch::new(rows, None).unwrap(), samples, out, 2).unwrap();
        (action, random_ids)
    }

    #[test]
    fn actions_have_the_outputs_that_their_names_say() {
        let mut rows = Ragged::new();
        rows.push(&[5, 6, 7, 8]);
        let (mut input_ids, mut labels) = ([1; 5], [1; 5]);
        let out = Labelled {
            input_ids: Grid::new(&mut input_ids, 1, 5).unwrap(),
            labels: Grid::new(&mut labels, 1, 5).unwrap(),
            places: Places::default(),
        };
        let given = MaskedLmNoise { action: &[NONE, MASK, RANDOM, KEEP], random_ids: &[0, 0, 11, 0] };
        let batch = Batch::new(rows.view(), None).unwrap();
        MaskedLm::new(settings()).unwrap().apply(&batch, given, out, 1).unwrap();
        assert_eq!((input_ids, labels), ([5, 4, 11, 8, 0], [-100, 6, 7, 8, -100]));
    }

    #[test]
    fn special_ids_are_neither_chosen_nor_drawn() {
        let mut rows = Ragged::new();
        (0..2000).for_each(|_| rows.push(&(0..20).collect::<Vec<_>>()));
        let (action, random_ids) =
            noise(MaskedLmSettings { mlm_probability: 1.0, ..settings() }, rows.view());
        let mut drawn = [0; 20];
        for ((&id, &action), &random_id) in rows.ids.iter().zip(&action).zip(&random_ids) {
            assert_eq!(action == NONE, [0, 2, 4, 7, 19].contains(&id));
            drawn[random_id as usize] += usize::from(action == RANDOM);
        }
        let never: Vec<usize> = (0..20).filter(|&id| drawn[id] == 0).collect();
        assert_eq!(never, [0, 2, 4, 19]);
    }

    #[test]
    fn certain_and_impossible_are_exact() {
        let mut rows = Ragged::new();
        rows.push(&[5; 1000]);
        for (chosen, mask, random, want) in
            [(0.0, 0.8, 0.1, NONE), (1.0, 1.0, 0.0, MASK), (1.0, 0.0, 1.0, RANDOM), (1.0, 0.0, 0.0, KEEP)]
        {
            let changed = MaskedLmSettings {
                mlm_probability: chosen,
                mask_replace_prob: mask,
                random_replace_prob: random,
                ..settings()
            };
            assert_eq!(noise(changed, rows.view()).0, [want; 1000]);
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        type Change = fn(&mut MaskedLmSettings);
        let cases: [(&str, Change); 9] = [
            ("mlm_probability", |s| s.mlm_probability = 1.5),
            ("mlm_probability", |s| s.mlm_probability = f64::NAN),
            ("mask_replace_prob", |s| s.mask_replace_prob = -0.1),
            ("random_replace_prob", |s| s.random_replace_prob = f64::INFINITY),
            ("above 1", |s| s.random_replace_prob = 0.6),
            ("mask_id", |s| s.mask_id = 20),
            ("special_ids", |s| s.special_ids = vec![1, 20]),
            ("never_mask_ids", |s| s.never_mask_ids = vec![20]),
            ("every id is special", |s| s.special_ids = (0..20).collect()),
        ];
        for (want, change) in cases {
            let mut changed = settings();
            change(&mut changed);
            let message = MaskedLm::new(changed).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
    }

    #[test]
    fn noise_that_says_nothing_is_refused() {
        let mut rows = Ragged::new();
        rows.push(&[5, 6]);
        let batch = Batch::new(rows.view(), None).unwrap();
        let objective = MaskedLm::new(settings()).unwrap();
        for (action, random_ids, fine) in [
            (vec![0, 3], vec![0, 0], true),
            (vec![0, 1], vec![0, 99], true),
            (vec![0, 4], vec![0, 0], false),
            (vec![0, 2], vec![0, 20], false),
            (vec![0], vec![0, 0], false),
            (vec![0, 0], vec![0], false),
        ] {
            let noise = MaskedLmNoise { action: &action, random_ids: &random_ids };
            assert_eq!(objective.check_noise(&batch, noise).is_ok(), fine, "{noise:?}");
        }
    }
}
