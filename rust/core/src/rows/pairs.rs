//! Documents to rows of two segments, of which a model says whether the second belongs after the first.
//!
//! Next sentence prediction: the second segment follows the first in its document, or is from another document (Devlin
//! et al., *BERT*, 2019, section 3.1 and appendix A.2). Sentence order prediction: it follows the first, or the two
//! have changed places (Lan et al., *ALBERT*, 2020, section 3.1). The algorithm is that of both papers' own
//! `create_pretraining_data.py`, whose rows come out to the id when its random generator gives these draws.
//!
//! There one generator runs through the whole job. Here a document has draws of its own, numbered in the order of
//! their use, so its rows are the same on any thread.

use std::ops::Range;

use super::Ragged;
use super::documents::{Document, Documents, Filled};
use crate::random::{Draws, Key, Stream, bounded, threshold};
use crate::threads::{self, WORTH_A_THREAD};
use crate::{Error, Result};

/// What a model is to say of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairTask {
    /// Whether the second segment follows the first, or is from elsewhere.
    NextSentence,
    /// Whether the segments stand in their order, or have changed places.
    SentenceOrder,
}

/// The settings of [`SentencePairs`].
#[derive(Debug, Clone, PartialEq)]
pub struct SentencePairsSettings {
    /// What a model is to say of a row.
    pub task: PairTask,
    /// Begins a row.
    pub cls_id: u32,
    /// Ends each segment.
    pub sep_id: u32,
    /// The longest row, special tokens included.
    pub max_length: u32,
    /// How likely a document's rows aim at a shorter length.
    pub short_seq_prob: f64,
    /// Highest id + 1, where it is known: then ids are checked.
    pub vocab_size: Option<u32>,
}

/// Documents to rows of two segments.
#[derive(Debug, Clone)]
pub struct SentencePairs {
    settings: SentencePairsSettings,
    /// How many ids of text a row has room for.
    room: usize,
    short: u64,
}

/// Rows `[CLS] A [SEP] B [SEP]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairRows {
    /// The rows.
    pub rows: Ragged,
    /// Along the ids: 0 for `[CLS] A [SEP]`, 1 for `B [SEP]`.
    pub type_ids: Vec<u32>,
    /// 0 where B follows A, else 1.
    pub labels: Vec<i64>,
    /// Where A and B are from.
    pub sources: Vec<[Source; 2]>,
}

/// The ids `begin..end` of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Its number among all documents.
    pub document: usize,
    /// Where the ids begin in it.
    pub begin: usize,
    /// Where they end.
    pub end: usize,
}

const CLS_AND_TWICE_SEP: usize = 3;
/// A segment is never empty.
const LEAST_ROOM: usize = 2;
const HALF: u64 = 1 << 31;

impl SentencePairs {
    /// Refuses settings that cannot work.
    pub fn new(settings: SentencePairsSettings) -> Result<Self> {
        let room = (settings.max_length as usize).checked_sub(CLS_AND_TWICE_SEP);
        let Some(room) = room.filter(|&room| room >= LEAST_ROOM) else {
            return Err(Error::new(format!("max_length is {}", settings.max_length))
                .advise("give at least 5: [CLS], an id, [SEP], an id, [SEP]"));
        };
        if !(0.0..=1.0).contains(&settings.short_seq_prob) {
            return Err(Error::new(format!("short_seq_prob is {}", settings.short_seq_prob))
                .advise("give a probability between 0 and 1"));
        }
        check_id("cls_id", settings.cls_id, settings.vocab_size)?;
        check_id("sep_id", settings.sep_id, settings.vocab_size)?;
        let short = threshold(settings.short_seq_prob);
        Ok(Self { settings, room, short })
    }

    /// The rows of all documents, in their order.
    ///
    /// A document's rows follow from (seed, epoch, its number, the corpus, the settings).
    pub fn pairs(&self, documents: &Documents<'_>, key: Key, num_threads: usize) -> Result<PairRows> {
        if let Some(vocab_size) = self.settings.vocab_size {
            documents.check(vocab_size)?;
        }
        let filled = Filled::of(documents);
        let mut parts: Vec<(Range<usize>, Vec<Pair>)> =
            filled.runs(WORTH_A_THREAD).into_iter().map(|run| (run, Vec::new())).collect();
        threads::for_each(
            num_threads,
            parts.iter_mut().collect(),
            || (),
            |(), (run, pairs)| {
                run.clone().for_each(|index| self.pair_up(&filled, index, key, pairs));
                Ok(())
            },
        )?;
        let parts: Vec<Vec<Pair>> = parts.into_iter().map(|(_, pairs)| pairs).collect();
        let (rows, type_ids) = self.write(documents.ids(), &parts, num_threads)?;
        let pairs = || parts.iter().flatten();
        Ok(PairRows {
            rows,
            type_ids,
            labels: pairs().map(|pair| pair.label).collect(),
            sources: pairs().map(|pair| pair.sources(documents)).collect(),
        })
    }

    /// Cuts a document into chunks of whole sentences, and makes a row of each.
    fn pair_up(&self, filled: &Filled, index: usize, key: Key, pairs: &mut Vec<Pair>) {
        let Document { number, sentences } = &filled.documents()[index];
        let here = |sentences| Segment { document: *number, ids: filled.ids(sentences) };
        let mut draws = InOrder::new(key.draws(*number as u64, Stream::SentencePairs));
        let target = self.target(&mut draws);
        let mut begin = sentences.start;
        while begin < sentences.end {
            let end = filled.reach(begin, sentences.end, target);
            let middle = if end - begin < 2 { end } else { begin + 1 + draws.below(end - begin - 1) };
            let relation = self.relation(end - begin, &mut draws);
            let first = here(begin..middle);
            let mut segments = match relation {
                Relation::Next => [first, here(middle..end)],
                Relation::Swapped => [here(middle..end), first],
                Relation::Random => {
                    let length = target.saturating_sub(first.ids.len());
                    [first, elsewhere(filled, index, length, &mut draws)]
                }
            };
            truncate(&mut segments, self.room, &mut draws);
            pairs.push(Pair { segments, label: i64::from(relation != Relation::Next) });
            // What a random segment stands in for is put back.
            begin = if relation == Relation::Random { middle } else { end };
        }
    }

    /// How many ids of text a document's rows aim at: mostly all that there is room for.
    ///
    /// Shorter ones are there because a model is later given short texts too.
    fn target(&self, draws: &mut InOrder) -> usize {
        let is_short = u64::from(draws.word()) < self.short;
        if is_short { LEAST_ROOM + draws.below(self.room - LEAST_ROOM + 1) } else { self.room }
    }

    /// How the segments of a chunk are to stand to each other; one sentence alone has no second segment of its own.
    fn relation(&self, sentences: usize, draws: &mut InOrder) -> Relation {
        if sentences < 2 {
            return Relation::Random;
        }
        match (draws.coin(), self.settings.task) {
            (false, _) => Relation::Next,
            (true, PairTask::NextSentence) => Relation::Random,
            (true, PairTask::SentenceOrder) => Relation::Swapped,
        }
    }

    /// Writes planned rows and the types of their ids, each part on a thread.
    fn write(&self, ids: &[u32], parts: &[Vec<Pair>], num_threads: usize) -> Result<(Ragged, Vec<u32>)> {
        let mut rows = Ragged::new();
        let ends = parts.iter().flatten().scan(0, |end, pair| {
            *end += pair.length() as i64;
            Some(*end)
        });
        rows.offsets.extend(ends);
        let total = parts.iter().flatten().map(Pair::length).sum();
        rows.ids.resize(total, 0);
        let mut type_ids = vec![0; total];
        let mut rest = (&mut rows.ids[..], &mut type_ids[..]);
        let mut tasks = Vec::with_capacity(parts.len());
        for pairs in parts {
            let length = pairs.iter().map(Pair::length).sum();
            let (row_ids, more_ids) = rest.0.split_at_mut(length);
            let (row_types, more_types) = rest.1.split_at_mut(length);
            tasks.push((pairs, row_ids, row_types));
            rest = (more_ids, more_types);
        }
        threads::for_each(
            num_threads,
            tasks,
            || (),
            |(), (pairs, mut row_ids, mut row_types)| {
                for pair in pairs {
                    let (row, more_ids) = row_ids.split_at_mut(pair.length());
                    let (types, more_types) = row_types.split_at_mut(pair.length());
                    self.write_row(ids, pair, row, types);
                    (row_ids, row_types) = (more_ids, more_types);
                }
                Ok(())
            },
        )?;
        Ok((rows, type_ids))
    }

    /// `[CLS] A [SEP]` of type 0, `B [SEP]` of type 1.
    fn write_row(&self, ids: &[u32], pair: &Pair, row: &mut [u32], types: &mut [u32]) {
        let [first, second] = [0, 1].map(|which| &ids[pair.segments[which].ids.clone()]);
        let (cls, sep) = ([self.settings.cls_id], [self.settings.sep_id]);
        let mut rest = row;
        for part in [&cls, first, &sep, second, &sep] {
            let (here, more) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = more;
        }
        let (types_of_first, types_of_second) = types.split_at_mut(first.len() + 2);
        types_of_first.fill(0);
        types_of_second.fill(1);
    }
}

fn check_id(name: &str, id: u32, vocab_size: Option<u32>) -> Result<()> {
    match vocab_size {
        Some(size) if id >= size => {
            Err(Error::new(format!("{name} has id {id}, which is outside the vocabulary of {size}"))
                .advise("ids run from 0 to vocab_size - 1"))
        }
        _ => Ok(()),
    }
}

/// How the second segment of a row stands to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It follows.
    Next,
    /// It was before it.
    Swapped,
    /// It is from elsewhere.
    Random,
}

/// Ids that follow each other in a document.
#[derive(Debug)]
struct Segment {
    document: usize,
    ids: Range<usize>,
}

/// A row that is planned.
#[derive(Debug)]
struct Pair {
    segments: [Segment; 2],
    label: i64,
}

impl Pair {
    /// The length of the row.
    fn length(&self) -> usize {
        CLS_AND_TWICE_SEP + self.segments.iter().map(|segment| segment.ids.len()).sum::<usize>()
    }

    fn sources(&self, documents: &Documents<'_>) -> [Source; 2] {
        [0, 1].map(|which| {
            let Segment { document, ids } = &self.segments[which];
            let base = documents.begin(*document);
            Source { document: *document, begin: ids.start - base, end: ids.end - base }
        })
    }
}

/// Sentences of another document from a random one on, until they have `length` ids.
///
/// BERT draws among all documents and tries up to ten times to miss the one it is at; one draw among the others is
/// the same without the rest. A document that is alone has to be its own other one, there as here.
fn elsewhere(filled: &Filled, index: usize, length: usize, draws: &mut InOrder) -> Segment {
    let documents = filled.documents();
    let other = match documents.len() - 1 {
        0 => 0,
        others => {
            let other = draws.below(others);
            other + usize::from(other >= index)
        }
    };
    let Document { number, sentences } = &documents[other];
    let begin = sentences.start + draws.below(sentences.len());
    let end = filled.reach(begin, sentences.end, length);
    Segment { document: *number, ids: filled.ids(begin..end) }
}

/// Takes single ids off the longer segment (off the second of equal ones), in front or behind, until there is room.
fn truncate([first, second]: &mut [Segment; 2], room: usize, draws: &mut InOrder) {
    while first.ids.len() + second.ids.len() > room {
        let longer = if first.ids.len() > second.ids.len() { &mut first.ids } else { &mut second.ids };
        if draws.coin() { longer.start += 1 } else { longer.end -= 1 }
    }
}

/// The draws of a document, in the order of their use.
struct InOrder {
    draws: Draws,
    next: usize,
    block: [u32; 4],
}

impl InOrder {
    fn new(draws: Draws) -> Self {
        Self { draws, next: 0, block: [0; 4] }
    }

    fn word(&mut self) -> u32 {
        let lane = self.next % 4;
        if lane == 0 {
            self.block = self.draws.block((self.next / 4) as u32);
        }
        self.next += 1;
        self.block[lane]
    }

    fn below(&mut self, bound: usize) -> usize {
        bounded(self.word(), bound as u32) as usize
    }

    fn coin(&mut self) -> bool {
        u64::from(self.word()) < HALF
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLS: u32 = 1;
    const SEP: u32 = 2;

    fn settings() -> SentencePairsSettings {
        SentencePairsSettings {
            task: PairTask::NextSentence,
            cls_id: CLS,
            sep_id: SEP,
            max_length: 12,
            short_seq_prob: 0.3,
            vocab_size: None,
        }
    }

    /// Documents whose ids are all different.
    fn corpus(lengths: &[Vec<usize>]) -> (Ragged, Vec<i64>) {
        let (mut sentences, mut starts) = (Ragged::new(), vec![0]);
        for document in lengths {
            for &length in document {
                let next = sentences.ids.len() as u32 + 10;
                sentences.push(&(next..next + length as u32).collect::<Vec<_>>());
            }
            starts.push(sentences.view().len() as i64);
        }
        (sentences, starts)
    }

    fn pairs(settings: SentencePairsSettings, lengths: &[Vec<usize>], num_threads: usize) -> PairRows {
        let (sentences, starts) = corpus(lengths);
        let documents = Documents::new(sentences.view(), &starts).unwrap();
        let key = Key::new(7, 1).unwrap();
        SentencePairs::new(settings).unwrap().pairs(&documents, key, num_threads).unwrap()
    }

    /// The row that the ids at two sources make.
    fn row_of(lengths: &[Vec<usize>], sources: [Source; 2]) -> Vec<u32> {
        let (sentences, starts) = corpus(lengths);
        let documents = Documents::new(sentences.view(), &starts).unwrap();
        let [first, second] = sources.map(|Source { document, begin, end }| {
            let base = documents.begin(document);
            documents.ids()[base + begin..base + end].to_vec()
        });
        [&[CLS][..], &first, &[SEP], &second, &[SEP]].concat()
    }

    proptest! {
        #[test]
        fn rows_are_what_their_sources_say(
            lengths in proptest::collection::vec(proptest::collection::vec(0_usize..9, 0..7), 0..7),
            is_order in any::<bool>(),
        ) {
            let task = if is_order { PairTask::SentenceOrder } else { PairTask::NextSentence };
            let made = pairs(SentencePairsSettings { task, ..settings() }, &lengths, 2);
            for (index, &[first, second]) in made.sources.iter().enumerate() {
                let row = made.rows.view().row(index);
                prop_assert!(row.len() <= 12);
                prop_assert_eq!(row, row_of(&lengths, [first, second]));
                prop_assert!(first.begin < first.end && second.begin < second.end);
                let types = &made.type_ids[made.rows.view().range(index)];
                let ones = second.end - second.begin + 1;
                prop_assert_eq!(types.iter().filter(|&&one| one == 1).count(), ones);
                prop_assert!(types.is_sorted());
                if made.labels[index] == 0 {
                    prop_assert!(first.document == second.document && first.end <= second.begin);
                }
            }
            let documents: Vec<usize> = made.sources.iter().map(|sources| sources[0].document).collect();
            prop_assert!(documents.is_sorted());
            prop_assert_eq!(made.labels.len(), made.rows.view().len());
        }
    }

    #[test]
    fn threads_change_nothing() {
        let lengths: Vec<Vec<usize>> = (0..400).map(|document| vec![7 + document % 9; 40]).collect();
        let alone = pairs(settings(), &lengths, 1);
        assert!(alone.rows.ids.len() > 2 * WORTH_A_THREAD);
        for num_threads in [2, 5] {
            assert_eq!(pairs(settings(), &lengths, num_threads), alone);
        }
    }

    #[test]
    fn a_document_alone_is_its_own_other_one() {
        let made = pairs(settings(), &[vec![], vec![3], vec![0]], 1);
        let whole = Source { document: 1, begin: 0, end: 3 };
        assert_eq!((made.sources, made.labels), (vec![[whole; 2]], vec![1]));
        assert!(pairs(settings(), &[], 1).labels.is_empty());
    }

    #[test]
    fn a_long_sentence_is_cut_at_both_ends() {
        let made = pairs(settings(), &[vec![1000], vec![1000]], 1);
        for [first, second] in made.sources {
            assert_eq!((first.end - first.begin, second.end - second.begin), (5, 4));
            assert!(first.begin > 400 && first.begin < 600, "{first:?}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        type Change = fn(&mut SentencePairsSettings);
        let cases: [(&str, Change); 5] = [
            ("max_length is 4", |s| s.max_length = 4),
            ("short_seq_prob", |s| s.short_seq_prob = 1.1),
            ("short_seq_prob", |s| s.short_seq_prob = f64::NAN),
            ("cls_id", |s| s.vocab_size = Some(1)),
            ("sep_id", |s| s.vocab_size = Some(2)),
        ];
        for (want, change) in cases {
            let mut changed = settings();
            change(&mut changed);
            let message = SentencePairs::new(changed).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
        assert!(SentencePairs::new(SentencePairsSettings { max_length: 5, ..settings() }).is_ok());
    }
}
