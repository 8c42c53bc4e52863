//! Cuts where the script changes, as `SentencePiece`'s trainer does.

use std::sync::LazyLock;

use crate::Result;
use crate::text::Pieces;
use crate::text::classes::ranges;

/// The scripts of Unicode 9.0: the `tokenizers` library has its table from `SentencePiece`, and it stays at that.
const SCRIPTS: &str = "\
    Han Hiragana Katakana Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum \
    Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian \
    Caucasian_Albanian Chakma Cham Cherokee Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari \
    Duployan Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati \
    Gurmukhi Hangul Hanunoo Hatran Hebrew Imperial_Aramaic Inherited Inscriptional_Pahlavi \
    Inscriptional_Parthian Javanese Kaithi Kannada Kayah_Li Kharoshthi Khmer Khojki Khudawadi Lao Latin \
    Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic Manichaean Marchen \
    Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani \
    Myanmar Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian \
    Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage Osmanya Pahawh_Hmong Palmyrene \
    Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian \
    Siddham Sign_Writing Sinhala Sora_Sompeng Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le \
    Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Ugaritic Vai \
    Warang_Citi Yi";
const UNICODE_VERSION: &str = "9.0";

/// No script: it goes with whatever stands around it.
const ANY: u8 = 0;
const HAN: u8 = 1;

/// Ranges of characters and the numbers of their scripts, ascending.
static TABLE: LazyLock<Vec<(char, char, u8)>> = LazyLock::new(|| {
    let mut table = Vec::new();
    for (number, script) in SCRIPTS.split(' ').enumerate() {
        // Han, Hiragana and Katakana are one script here.
        let number = if number < 3 { HAN } else { number as u8 };
        let assigned = ranges(&format!(r"[\p{{sc={script}}}&&\p{{age={UNICODE_VERSION}}}]"));
        table.extend(assigned.into_iter().map(|(first, last)| (first, last, number)));
    }
    table.sort_unstable();
    table
});

fn script_of(character: char) -> u8 {
    // Each stands for one of the script that it had in Unicode 9, or that the original gives it.
    let character = match character {
        ' ' => return ANY,
        '\u{30fc}' => '漢',
        '\u{589}' | '\u{61c}' => '!',
        '\u{953}' | '\u{954}' => 'अ',
        other => other,
    };
    let place = TABLE.partition_point(|&(_, last, _)| last < character);
    TABLE.get(place).filter(|&&(first, ..)| first <= character).map_or(ANY, |&(_, _, script)| script)
}

/// Cuts where a script follows another. What has no script before the first that has one is dropped, as in the
/// original.
pub(super) fn cut_where_scripts_change(pieces: &mut Pieces<'_>) -> Result<()> {
    pieces.split(|piece, kept| {
        let mut starts = Vec::new();
        let mut last = None;
        for (place, character) in piece.char_indices() {
            let script = script_of(character);
            if script != ANY {
                if last != Some(script) {
                    starts.push(place);
                }
                last = Some(script);
            }
        }
        starts.push(piece.len());
        kept.extend(starts.windows(2).map(|pair| pair[0]..pair[1]));
        Ok(())
    })
}
