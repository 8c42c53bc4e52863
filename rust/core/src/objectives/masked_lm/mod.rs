//! Masked language modelling: some tokens are hidden, and the model names them.
//!
//! Devlin et al., *BERT: pre-training of deep bidirectional transformers* (2019), section 3.1: of the chosen tokens
//! 80 % become the mask token, 10 % a random token, and 10 % stay as they are. Which ones are chosen is drawn anew in
//! every epoch ("dynamic masking": Liu et al., *A robustly optimized BERT pretraining approach*, 2019, section 4.1).

use super::grid::{check_along_ids, for_each_row};
use super::lanes::{below, fill};
use super::ordinary::OrdinaryIds;
use super::words::{BEGINS_WORD, IdMarks, NEVER_CHOSEN, SPECIAL};
use super::{AlongIds, Batch, IGNORED, Labelled, Samples};
use crate::random::{Draws, Stream, threshold, threshold_product};
use crate::{Error, Result};

mod selection;
mod settings;

use selection::Selection;
pub use settings::{Count, Grouping, MaskedLmSettings, ReplaceUnit};

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
    ordinary_ids: OrdinaryIds,
    /// None where each token is chosen by a word of its own, which then says what happens to it, too.
    selection: Option<Selection>,
    /// The word of a token below the first chooses it.
    chosen: u64,
    /// The word that says what happens to a chosen token: below the first it is masked, below the second replaced.
    actions: [u64; 2],
}

/// What happens to a chosen token.
#[derive(Debug, Clone, Copy)]
struct Pick {
    position: u32,
    seen: u32,
    action: u8,
}

/// What a thread keeps between rows.
#[derive(Debug, Default)]
struct Scratch {
    words: Vec<u32>,
    positions: Vec<u32>,
    picks: Vec<Pick>,
    selection: selection::Scratch,
}

impl MaskedLm {
    /// Refuses settings that cannot work.
    pub fn new(mut settings: MaskedLmSettings) -> Result<Self> {
        settings.special_ids.sort_unstable();
        settings.special_ids.dedup();
        settings.check()?;
        let selection = (!settings.is_token_by_token()).then(|| {
            let special = (&*settings.special_ids, SPECIAL);
            let never = (&*settings.never_mask_ids, NEVER_CHOSEN);
            let starts = (&*settings.word_starts, BEGINS_WORD);
            let marks = IdMarks::new(settings.vocab_size, 0, &[special, never, starts]);
            Selection::new(marks, settings.grouping, settings.count, settings.mlm_probability)
        });
        let chosen = threshold(settings.mlm_probability);
        Ok(Self {
            never_chosen: never_chosen(&settings),
            ordinary_ids: OrdinaryIds::new(&settings.special_ids, settings.vocab_size),
            actions: action_thresholds(&settings, selection.is_none().then_some(chosen)),
            selection,
            chosen,
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
        let state = Scratch::default;
        for_each_row(batch.rows(), out, num_threads, state, |scratch, index, (action, random_ids)| {
            self.pick(batch, samples, index, scratch);
            let (action, random_ids) = (action.values(), random_ids.values());
            action.fill(NONE);
            random_ids.fill(0);
            for pick in &scratch.picks {
                action[pick.position as usize] = pick.action;
                if pick.action == RANDOM {
                    random_ids[pick.position as usize] = pick.seen;
                }
            }
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
        for_each_row(batch.rows(), out, num_threads, Scratch::default, |scratch, index, line| {
            let (row, here) = (batch.rows().row(index), batch.rows().range(index));
            let noise = noise.action[here.clone()].iter().zip(&noise.random_ids[here]).enumerate();
            scratch.picks.clear();
            scratch.picks.extend(noise.filter(|(_, (action, _))| **action != NONE).map(
                |(position, (&action, &random_id))| {
                    let seen = self.seen(action, row[position], || random_id);
                    Pick { position: position as u32, seen, action }
                },
            ));
            self.write(batch, index, &scratch.picks, line);
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
        for_each_row(batch.rows(), out, num_threads, Scratch::default, |scratch, index, line| {
            self.pick(batch, samples, index, scratch);
            self.write(batch, index, &scratch.picks, line);
        })
    }

    /// Draws what happens to the tokens of a row.
    fn pick(&self, batch: &Batch<'_>, samples: Samples<'_>, index: usize, scratch: &mut Scratch) {
        let row = batch.rows().row(index);
        let replacement = samples.draws(index, Stream::Replacement);
        scratch.words.resize(row.len(), 0);
        scratch.picks.clear();
        if let Some(selection) = &self.selection {
            selection.choose(row, batch.segments(index), samples, index, &mut scratch.selection);
            samples.draws(index, Stream::Action).fill(&mut scratch.words);
            self.pick_chosen(row, &replacement, scratch);
        } else {
            samples.draws(index, Stream::Select).fill(&mut scratch.words);
            self.pick_by_one_word(row, &replacement, scratch);
        }
    }

    /// Each token is chosen for itself, and the same word says what happens to it.
    fn pick_by_one_word(&self, row: &[u32], replacement: &Draws, scratch: &mut Scratch) {
        let Scratch { words, positions, picks, .. } = scratch;
        for &position in below(words, self.chosen, positions) {
            let id = row[position as usize];
            if self.never_chosen.get(id as usize) != Some(&true) {
                picks.push(self.picked(position, words[position as usize], id, replacement));
            }
        }
    }

    fn pick_chosen(&self, row: &[u32], replacement: &Draws, scratch: &mut Scratch) {
        let by_group = self.settings.replace_unit == ReplaceUnit::Group;
        let Scratch { words, picks, selection, .. } = scratch;
        for &(position, group) in selection.chosen() {
            let word = words[if by_group { group } else { position } as usize];
            picks.push(self.picked(position, word, row[position as usize], replacement));
        }
    }

    /// What the word says that happens to a chosen token.
    fn picked(&self, position: u32, word: u32, id: u32, replacement: &Draws) -> Pick {
        let [mask, mask_or_random] = self.actions.map(|threshold| u8::from(u64::from(word) >= threshold));
        let action = MASK + mask + mask_or_random;
        let random_id = || self.ordinary_ids.drawn(replacement.draw(position as usize));
        Pick { position, seen: self.seen(action, id, random_id), action }
    }

    /// What the model sees in place of a chosen token.
    fn seen(&self, action: u8, id: u32, random_id: impl FnOnce() -> u32) -> u32 {
        match action {
            MASK => self.settings.mask_id,
            RANDOM => random_id(),
            _ => id,
        }
    }

    fn write(&self, batch: &Batch<'_>, index: usize, picks: &[Pick], line: Labelled<'_>) {
        let row = batch.rows().row(index);
        let pad = i64::from(self.settings.pad_id);
        line.places.write(row.len(), batch.columns(index));
        if let Some(grid) = line.original_ids {
            grid.write_ids(row, pad);
        }
        let (input_ids, labels) = (line.input_ids.write_ids(row, pad), line.labels.line());
        fill(labels, IGNORED);
        for pick in picks {
            let position = pick.position as usize;
            input_ids[position] = i64::from(pick.seen);
            labels[position] = i64::from(row[position]);
        }
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

fn never_chosen(settings: &MaskedLmSettings) -> Vec<bool> {
    let ids = || settings.special_ids.iter().chain(&settings.never_mask_ids);
    let mut table = vec![false; ids().max().map_or(0, |&highest| highest as usize + 1)];
    ids().for_each(|&id| table[id as usize] = true);
    table
}

/// Of words that are below `chosen` where it is given, else of any.
fn action_thresholds(settings: &MaskedLmSettings, chosen: Option<u64>) -> [u64; 2] {
    let share = |probability| {
        let share = threshold(probability);
        chosen.map_or(share, |chosen| threshold_product(chosen, share))
    };
    [share(settings.mask_replace_prob), share(settings.mask_replace_prob + settings.random_replace_prob)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives::{Grid, Places};
    use crate::random::Key;
    use crate::rows::{Ragged, RaggedView};

    fn settings() -> MaskedLmSettings {
        MaskedLmSettings {
            vocab_size: 20,
            mask_id: 4,
            pad_id: 0,
            special_ids: vec![4, 0, 2, 4, 19],
            never_mask_ids: vec![7],
            word_starts: vec![],
            mlm_probability: 0.5,
            mask_replace_prob: 0.5,
            random_replace_prob: 0.3,
            grouping: Grouping::Token,
            count: Count::Bernoulli,
            replace_unit: ReplaceUnit::Token,
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
            original_ids: None,
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
