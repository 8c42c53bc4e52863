use serde_json::{Value, json};

use super::*;

fn text(ids: &[u32]) -> Encoding {
    let token = |(place, &id): (usize, &u32)| {
        let place = place as u32;
        EncodedToken::new(id, 0, (place * 2, place * 2 + 2), place as i32)
    };
    ids.iter().enumerate().map(token).collect::<Vec<_>>().into()
}

fn read(file: Value) -> PostProcessor {
    serde_json::from_value(file).unwrap()
}

fn bert() -> PostProcessor {
    read(json!({"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]}))
}

fn roberta() -> PostProcessor {
    read(json!({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
        "trim_offsets": true, "add_prefix_space": true}))
}

fn byte_level() -> PostProcessor {
    read(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}))
}

fn template(single: &str, pair: &str) -> PostProcessor {
    let special = [("[CLS]", 101), ("[SEP]", 102), ("<s>", 0), ("</s>", 2)];
    PostProcessor::TemplateProcessing(Template::new(single, pair, &special).unwrap())
}

fn column<T>(encoding: &Encoding, of: impl Fn(&EncodedToken) -> T) -> Vec<T> {
    encoding.tokens.iter().map(of).collect()
}

#[test]
fn bert_rows() {
    let of_bert = template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1");
    for processor in [bert(), of_bert] {
        let single = processor.process(text(&[12, 14]), None, true).unwrap();
        assert_eq!(column(&single, |token| token.id), [101, 12, 14, 102]);
        assert_eq!(column(&single, |token| token.word_id), [-1, 0, 1, -1]);
        assert_eq!(column(&single, |token| token.span), [(0, 0), (0, 2), (2, 4), (0, 0)]);
        let pair = processor.process(text(&[12, 14]), Some(text(&[15])), true).unwrap();
        assert_eq!(column(&pair, |token| token.id), [101, 12, 14, 102, 15, 102]);
        assert_eq!(column(&pair, |token| token.type_id), [0, 0, 0, 0, 1, 1]);
        assert_eq!(column(&pair, |token| token.special), [true, false, false, true, false, true]);
        assert_eq!(pair.sequence_ids(), [-1, 0, 0, -1, 1, -1]);
        let bare = processor.process(text(&[12, 14]), Some(text(&[15])), false).unwrap();
        assert_eq!(column(&bare, |token| token.id), [12, 14, 15]);
        assert_eq!(column(&bare, |token| token.type_id), [0, 0, 1]);
        assert_eq!(bare.sequence_ids(), [0, 0, 1]);
        assert_eq!((processor.added_tokens(false), processor.added_tokens(true)), (2, 3));
    }
}

#[test]
fn roberta_rows() {
    for processor in [roberta(), template("<s> $A </s>", "<s> $A </s> </s> $B </s>")] {
        let pair = processor.process(text(&[12]), Some(text(&[15])), true).unwrap();
        assert_eq!(column(&pair, |token| token.id), [0, 12, 2, 2, 15, 2]);
        assert_eq!(column(&pair, |token| token.type_id), [0; 6]);
        assert_eq!(pair.sequence_ids(), [-1, 0, -1, -1, 1, -1]);
        assert_eq!((processor.added_tokens(false), processor.added_tokens(true)), (2, 4));
    }
}

#[test]
fn without_a_post_processor() {
    assert_eq!(join(text(&[1]), None).unwrap().sequence_ids(), [0]);
    let mut pair = text(&[2]);
    pair.set_type_id(1);
    let pair = join(text(&[1]), Some(pair)).unwrap();
    assert_eq!((pair.sequence_ids(), column(&pair, |token| token.type_id)), (vec![0, 1], vec![0, 1]));
}

#[test]
fn special_tokens_of_several_ids() {
    let file = json!({
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [
            {"SpecialToken": {"id": "Q", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "C", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {
            "C": {"id": "C", "ids": [822, 10], "tokens": ["_context", ":"]},
            "Q": {"id": "Q", "ids": [2625, 10], "tokens": ["_question", ":"]},
        },
    });
    let processor = read(file.clone());
    assert_eq!(serde_json::to_value(&processor).unwrap(), file);
    let pair = processor.process(text(&[1]), Some(text(&[5])), true).unwrap();
    assert_eq!(column(&pair, |token| token.id), [2625, 10, 1, 822, 10, 5]);
    assert_eq!(processor.added_tokens(true), 4);
}

#[test]
fn spans_without_white_space() {
    let tokens =
        [("ĠĠĠĠHelloĠĠ", (0, 11)), ("ĠĠHello", (11, 18)), ("ĠHello", (18, 24)), ("HelloĠĠ", (24, 31))];
    let token = |&(text, span)| EncodedToken {
        white_space: white_space_ends(text),
        ..EncodedToken::new(0, 0, span, 0)
    };
    let blank = EncodedToken { white_space: (3, 3), ..EncodedToken::new(0, 0, (31, 34), 0) };
    let text: Vec<EncodedToken> = tokens.iter().map(token).chain([blank]).collect();
    let whole = byte_level().process(text.into(), None, true).unwrap();
    assert_eq!(column(&whole, |token| token.span), [(4, 9), (13, 18), (19, 24), (24, 29), (34, 34)]);
}

#[test]
fn a_prefix_space_stays_in_the_span() {
    for (prefixed, white_space, span, want) in [
        (true, (1, 0), (0, 2), (0, 2)),
        (false, (1, 0), (0, 2), (1, 2)),
        (true, (2, 0), (0, 3), (2, 3)),
        (true, (1, 0), (2, 7), (2, 7)),
        (false, (1, 0), (2, 7), (3, 7)),
    ] {
        let processor =
            PostProcessor::ByteLevel { add_prefix_space: prefixed, trim_offsets: true, use_regex: true };
        let first = EncodedToken { white_space, ..EncodedToken::new(0, 0, span, 0) };
        let trimmed = processor.process(vec![first].into(), None, true).unwrap();
        assert_eq!(trimmed.tokens[0].span, want, "{prefixed} {white_space:?} {span:?}");
    }
}

#[test]
fn what_overflows_gets_special_tokens_too() {
    let mut cut = text(&[1, 2, 3]);
    cut.truncate(2, 1, super::super::truncate::Side::Right).unwrap();
    for processor in [bert(), template("[CLS] $A [SEP]", "$A $B")] {
        let row = processor.process(cut.clone(), None, true).unwrap();
        assert_eq!(column(&row.overflowing[0], |token| token.id), [101, 2, 3, 102]);
        assert_eq!(row.overflowing[0].sequence_ids(), [-1, 0, 0, -1]);
    }
}

#[test]
fn sequences_of_processors() {
    let processors = vec![byte_level(), template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1")];
    let both = PostProcessor::Sequence { processors };
    let first = EncodedToken { white_space: (1, 0), ..EncodedToken::new(7, 0, (8, 13), 0) };
    let row = both.process(vec![first].into(), None, true).unwrap();
    assert_eq!(column(&row, |token| token.span), [(0, 0), (9, 13), (0, 0)]);
    assert!(both.trims() && !bert().trims());
    assert_eq!((both.added_tokens(false), both.added_tokens(true)), (2, 2));
    let processors = vec![template("[CLS] $A [SEP]", "$A $B"), template("$A", "$A $B")];
    let twice = PostProcessor::Sequence { processors };
    assert!(twice.process(text(&[1]), None, true).unwrap_err().to_string().contains("was given 3 parts"));
}

#[test]
fn frames_are_what_processing_puts_around_a_text() {
    let sequence = |processors| PostProcessor::Sequence { processors };
    for (processor, want) in [
        (bert(), Some((vec![101], vec![102]))),
        (roberta(), Some((vec![0], vec![2]))),
        (byte_level(), Some((vec![], vec![]))),
        (template("$A </s>", "$A $B"), Some((vec![], vec![2]))),
        (template("[CLS] <s> $A:1", "$A $B"), Some((vec![101, 0], vec![]))),
        (template("$A $A", "$A $B"), None),
        (template("</s>", "$A $B"), None),
        (sequence(vec![byte_level(), template("<s> $A", "$A")]), Some((vec![0], vec![]))),
        (sequence(vec![bert(), roberta()]), Some((vec![0, 101], vec![102, 2]))),
        (sequence(vec![template("$A", "$A"), roberta()]), Some((vec![0], vec![2]))),
        (sequence(vec![template("<s> $A", "$A"), byte_level()]), Some((vec![0], vec![]))),
        (sequence(vec![template("<s> $A", "$A"), bert()]), None),
        (sequence(vec![]), Some((vec![], vec![]))),
    ] {
        assert_eq!(processor.frame(), want, "{processor:?}");
        if let Some((before, after)) = want {
            let row = processor.process(text(&[7, 8]), None, true).unwrap();
            assert_eq!(column(&row, |token| token.id), [before, vec![7, 8], after].concat());
        }
    }
}

#[test]
fn pieces() {
    let sequence = |id, type_id| Piece::Sequence { id, type_id };
    let special = |id: &str, type_id| Piece::SpecialToken { id: id.to_owned(), type_id };
    for (text, want) in [
        ("$", sequence(PieceText::A, 0)),
        ("$a", sequence(PieceText::A, 0)),
        ("$B", sequence(PieceText::B, 0)),
        ("$1", sequence(PieceText::A, 1)),
        ("$B:2", sequence(PieceText::B, 2)),
        ("$:1", sequence(PieceText::A, 1)),
        ("[CLS]", special("[CLS]", 0)),
        ("[SEP]:1", special("[SEP]", 1)),
    ] {
        assert_eq!(text.parse::<Piece>().unwrap(), want, "{text}");
    }
    for text in ["$C:1", "$$", "$A:", "[SEP]:x", "[SEP]:1:2"] {
        assert!(text.parse::<Piece>().is_err(), "{text}");
    }
}

#[test]
fn files_that_are_refused() {
    let of_template = |single: Value, special: Value| json!({"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": special});
    let cls = json!([{"SpecialToken": {"id": "[CLS]", "type_id": 0}}]);
    for (file, want) in [
        (json!({"type": "Albert"}), "unknown variant `Albert`"),
        (json!({"type": "BertProcessing", "sep": ["[SEP]", 102]}), "missing field `cls`"),
        (json!({"type": "Sequence", "processors": [], "x": 1}), "unknown field `x`"),
        (json!({"type": "Sequence", "processors": [{"type": "Albert"}]}), "unknown variant `Albert`"),
        (of_template(cls.clone(), json!({})), "the template has \"[CLS]\", which special_tokens has not"),
        (
            of_template(cls, json!({"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": []}})),
            "\"[CLS]\" has 1 ids, 0 tokens",
        ),
        (
            of_template(json!([{"Sequence": {"id": "B", "type_id": 0}}]), json!({})),
            "the template for a single text has a second one",
        ),
    ] {
        let error = serde_json::from_value::<PostProcessor>(file).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
