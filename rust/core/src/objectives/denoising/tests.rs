use super::*;
use crate::objectives::{AlongIds, Grid};
use crate::random::Key;
use crate::rows::{Ragged, RaggedView};

/// `<s>` is 1, `</s>` 2, the mask 4, the full stop 9; even ids from 10 on begin a word.
fn settings() -> DenoisingSettings {
    DenoisingSettings {
        vocab_size: 60,
        mask_id: 4,
        pad_id: 0,
        decoder_start_id: 2,
        prefix_id: Some(1),
        suffix_id: Some(2),
        special_ids: vec![0, 3, 4, 3],
        sentence_end_ids: vec![9],
        word_starts: Some((0..60).filter(|id| id % 2 == 0).collect()),
        mask_ratio: 0.3,
        poisson_lambda: Some(3.0),
        mask_random: 0.0,
        insert_ratio: 0.0,
        replace_length: SpanFill::OneToken,
        permute_sentence_ratio: 1.0,
        delete_ratio: 0.0,
        rotate_prob: 0.0,
        max_length: None,
    }
}

/// Noise that does nothing, to be changed.
struct Given {
    sentence_order: Vec<u32>,
    span_start: Vec<u8>,
    span_words: Vec<u32>,
    span_ids: Vec<u32>,
    delete: Vec<u8>,
    insert_at: Vec<u8>,
    insert_ids: Vec<u32>,
    rotate: Vec<u32>,
}

impl Given {
    fn none(length: usize) -> Self {
        Self {
            sentence_order: (0..length as u32).collect(),
            span_start: vec![0; length],
            span_words: vec![0; length],
            span_ids: vec![4; length],
            delete: vec![0; length],
            insert_at: vec![0; length],
            insert_ids: vec![4; length],
            rotate: vec![0],
        }
    }

    fn span(&mut self, start: usize, words: u32) {
        (self.span_start[start], self.span_words[start]) = (1, words);
    }

    fn noise(&self) -> DenoisingNoise<'_> {
        DenoisingNoise {
            sentence_order: &self.sentence_order,
            span_start: &self.span_start,
            span_words: &self.span_words,
            span_ids: &self.span_ids,
            delete: &self.delete,
            insert_at: &self.insert_at,
            insert_ids: &self.insert_ids,
            rotate: &self.rotate,
        }
    }
}

const ROW: [u32; 10] = [1, 10, 11, 12, 9, 14, 15, 16, 9, 2];

fn apply(settings: DenoisingSettings, change: impl Fn(&mut Given)) -> Result<Vec<i64>> {
    let (mut rows, mut given) = (Ragged::new(), Given::none(ROW.len()));
    rows.push(&ROW);
    change(&mut given);
    let (mut inputs, mut labels, mut decoder) = ([77; 12], [77; 12], [77; 12]);
    let out = EncoderDecoder {
        input_ids: Grid::new(&mut inputs, 1, 12)?,
        attention_mask: None,
        labels: Grid::new(&mut labels, 1, 12)?,
        decoder_input_ids: Grid::new(&mut decoder, 1, 12)?,
    };
    Denoising::new(settings)?.apply(&Batch::new(rows.view(), None)?, &given.noise(), out, 1)?;
    assert_eq!(labels[..ROW.len()], ROW.map(i64::from));
    assert_eq!(labels[ROW.len()..], [-100; 2]);
    assert_eq!((decoder[0], &decoder[1..11]), (2, &ROW.map(i64::from)[..]));
    Ok(inputs.iter().copied().take_while(|&id| id != 0).collect())
}

#[test]
fn each_step_does_what_its_noise_says() {
    type Change = fn(&mut Given);
    let cases: [(Change, &[i64]); 8] = [
        (|_| (), &[1, 10, 11, 12, 9, 14, 15, 16, 9, 2]),
        (
            |given| given.sentence_order = vec![0, 5, 6, 7, 8, 1, 2, 3, 4, 9],
            &[1, 14, 15, 16, 9, 10, 11, 12, 9, 2],
        ),
        (|given| given.span(1, 2), &[1, 4, 14, 15, 16, 9, 2]),
        (|given| given.delete[6] = 1, &[1, 10, 11, 12, 9, 14, 16, 9, 2]),
        (|given| given.rotate[0] = 3, &[1, 9, 14, 15, 16, 9, 10, 11, 12, 2]),
        // The insertion is at a place of the result, which turns after that.
        (
            |given| {
                given.span(1, 2);
                (given.insert_at[4], given.insert_ids[4]) = (1, 33);
                given.rotate[0] = 2;
            },
            &[1, 15, 33, 16, 9, 4, 14, 2],
        ),
        // Spans lie in the new order.
        (
            |given| {
                given.sentence_order = vec![0, 5, 6, 7, 8, 1, 2, 3, 4, 9];
                given.span(1, 1);
                given.span_ids[1] = 50;
            },
            &[1, 50, 16, 9, 10, 11, 12, 9, 2],
        ),
        (|given| given.span(7, 200), &[1, 10, 11, 12, 9, 14, 15, 4, 2]),
    ];
    for (change, want) in cases {
        assert_eq!(apply(settings(), change), Ok(want.to_vec()));
    }
}

#[test]
fn noise_that_cannot_be_carried_out_is_refused() {
    type Change = fn(&mut Given);
    let cases: [(&str, Change); 19] = [
        ("sentence_order is 1: give each", |given| given.sentence_order[2] = 1),
        ("sentence_order is 10", |given| given.sentence_order[2] = 10),
        ("position 0: sentence_order is 1", |given| given.sentence_order.swap(0, 1)),
        ("position 9: sentence_order is 8", |given| given.sentence_order.swap(8, 9)),
        ("position 0: span_start is true", |given| given.span(0, 1)),
        ("position 9: span_start is true", |given| given.span(9, 1)),
        ("span_start is true with 0 span_words", |given| given.span(3, 0)),
        ("span_start is false with 2 span_words", |given| given.span_words[3] = 2),
        ("position 0: a token that is special", |given| given.delete[0] = 1),
        ("position 2: a token that is special or in a span", |given| {
            given.span(1, 1);
            given.delete[2] = 1;
        }),
        ("1 insertions into the 10 tokens", |given| given.insert_at[3] = 1),
        ("position 0: an insertion", |given| {
            given.span(1, 1);
            given.insert_at[0] = 1;
        }),
        ("position 9: an insertion", |given| {
            given.span(1, 1);
            given.insert_at[9] = 1;
        }),
        ("span_ids at id 3: id 60", |given| given.span_ids[3] = 60),
        ("insert_ids at id 4: id 61", |given| given.insert_ids[4] = 61),
        ("rotate is 8 and the result has a body of 8", |given| given.rotate[0] = 8),
        ("rotate: 2 values for 1 rows", |given| given.rotate.push(0)),
        ("delete: 9 values for 10 ids", |given| given.delete.truncate(9)),
        ("span_words: 11 values", |given| given.span_words.push(0)),
    ];
    for (want, change) in cases {
        let message = apply(settings(), change).unwrap_err().to_string();
        assert!(message.contains(want), "{message}, not {want}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    type Change = fn(&mut DenoisingSettings);
    let cases: [(&str, Change); 16] = [
        ("mask_ratio", |s| s.mask_ratio = 1.5),
        ("mask_random", |s| s.mask_random = f64::NAN),
        ("insert_ratio", |s| s.insert_ratio = -0.1),
        ("permute_sentence_ratio", |s| s.permute_sentence_ratio = 2.0),
        ("delete_ratio", |s| s.delete_ratio = f64::INFINITY),
        ("rotate_prob", |s| s.rotate_prob = 1.01),
        ("poisson_lambda", |s| s.poisson_lambda = Some(0.0)),
        ("poisson_lambda", |s| s.poisson_lambda = Some(1000.0)),
        ("mask_id", |s| s.mask_id = 60),
        ("pad_id", |s| s.pad_id = 60),
        ("decoder_start_id", |s| s.decoder_start_id = 60),
        ("special_ids", |s| s.suffix_id = Some(60)),
        ("special_ids", |s| s.special_ids.push(60)),
        ("sentence_end_ids", |s| s.sentence_end_ids.push(60)),
        ("word_starts", |s| s.word_starts = Some(vec![60])),
        ("every id is special", |s| {
            s.special_ids = (0..60).collect();
            s.mask_random = 0.1;
        }),
    ];
    for (want, change) in cases {
        let mut changed = settings();
        change(&mut changed);
        let message = Denoising::new(changed).unwrap_err().to_string();
        assert!(message.contains(want), "{message}");
    }
    for (number, fine) in [(-1, true), (0, true), (1, true), (2, false), (-2, false)] {
        assert_eq!(SpanFill::from_replace_length(number).is_ok(), fine);
    }
}

#[test]
fn a_body_is_what_a_frame_leaves() {
    let same = DenoisingSettings { prefix_id: Some(3), suffix_id: Some(3), ..settings() };
    let none = DenoisingSettings { prefix_id: None, suffix_id: None, ..settings() };
    let [both, same, none] = [settings(), same, none].map(|settings| Denoising::new(settings).unwrap());
    for (objective, row, want) in [
        (&both, vec![], 0..0),
        (&both, vec![1], 1..1),
        (&both, vec![2], 0..0),
        (&both, vec![1, 2], 1..1),
        (&both, vec![1, 5, 2], 1..2),
        (&both, vec![5, 2], 0..1),
        (&both, vec![2, 5, 1], 0..3),
        (&same, vec![3], 1..1),
        (&same, vec![3, 3], 1..1),
        (&none, vec![1, 5, 2], 0..3),
        (&none, vec![], 0..0),
    ] {
        assert_eq!(objective.body(&row), want, "{row:?}");
    }
}

fn noise(settings: &DenoisingSettings, rows: RaggedView<'_>) -> Given {
    let mut given = Given::none(rows.ids().len());
    given.rotate = vec![0; rows.len()];
    let out = DenoisingNoiseOut {
        sentence_order: AlongIds::new(&mut given.sentence_order, rows).unwrap(),
        span_start: AlongIds::new(&mut given.span_start, rows).unwrap(),
        span_words: AlongIds::new(&mut given.span_words, rows).unwrap(),
        span_ids: AlongIds::new(&mut given.span_ids, rows).unwrap(),
        delete: AlongIds::new(&mut given.delete, rows).unwrap(),
        insert_at: AlongIds::new(&mut given.insert_at, rows).unwrap(),
        insert_ids: AlongIds::new(&mut given.insert_ids, rows).unwrap(),
        rotate: Grid::new(&mut given.rotate, rows.len(), 1).unwrap(),
    };
    let samples = Samples::new(Key::new(3, 1).unwrap(), None, rows).unwrap();
    Denoising::new(settings.clone())
        .unwrap()
        .noise(&Batch::new(rows, None).unwrap(), samples, out, 2)
        .unwrap();
    given
}

#[test]
fn drawn_noise_can_be_carried_out_and_a_call_is_both() {
    let mut rows = Ragged::new();
    for length in 0..60_u32 {
        rows.push(&(0..length).map(|n| (n * n * 7 + length) % 60).collect::<Vec<_>>());
        rows.push(
            &[&[1][..], &(0..length).map(|n| (n * 5 + length) % 50 + 9).collect::<Vec<_>>(), &[2]].concat(),
        );
    }
    let (batch, longest) = (Batch::new(rows.view(), None).unwrap(), rows.view().longest());
    let everything = DenoisingSettings {
        mask_random: 0.3,
        insert_ratio: 0.2,
        delete_ratio: 0.2,
        rotate_prob: 0.5,
        permute_sentence_ratio: 0.7,
        ..settings()
    };
    let each = DenoisingSettings { replace_length: SpanFill::EachToken, ..everything.clone() };
    let none = DenoisingSettings { replace_length: SpanFill::Nothing, ..everything.clone() };
    let short = DenoisingSettings { poisson_lambda: Some(0.1), mask_ratio: 1.0, ..everything.clone() };
    let tokens = DenoisingSettings { poisson_lambda: None, word_starts: None, ..everything.clone() };
    for settings in [settings(), everything, each, none, short, tokens] {
        let objective = Denoising::new(settings.clone()).unwrap();
        let samples = Samples::new(Key::new(3, 1).unwrap(), None, rows.view()).unwrap();
        let [called, applied] = [None, Some(noise(&settings, rows.view()))].map(|given| {
            let mut cells: [Vec<i64>; 3] = std::array::from_fn(|_| vec![77; 120 * longest]);
            let [input_ids, labels, decoder_input_ids] =
                cells.each_mut().map(|cells| Grid::new(cells, 120, longest).unwrap());
            let out = EncoderDecoder { input_ids, attention_mask: None, labels, decoder_input_ids };
            match given {
                None => objective.corrupt(&batch, samples, out, 2).unwrap(),
                Some(given) => objective.apply(&batch, &given.noise(), out, 1).unwrap(),
            }
            cells
        });
        assert_eq!(called, applied, "{settings:?}");
    }
}
