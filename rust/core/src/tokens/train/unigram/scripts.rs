//! The scripts that pieces may not mix.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The scripts of Unicode 16, but for `Common`, which is what is in none of these.
const NAMES: &str = "
    Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki
    Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee
    Chorasmian Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan
    Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati
    Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana
    Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana
    Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu
    Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi
    Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro
    Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham
    Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
    Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa
    Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala
    Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham
    Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari
    Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

/// Characters of no script of their own: punctuation, digits, symbols.
pub(super) const COMMON: u8 = 0;

/// Marks, which are of the script of what they stand on.
pub(super) const INHERITED: u8 = 1;

/// What Japanese mixes in one word is one script, as in `SentencePiece`.
const HAN: u8 = 2;

/// The script of each character, as a number.
pub(super) struct Scripts {
    /// The first characters of runs of one script, and the script.
    runs: Vec<(char, u8)>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let mut runs = Vec::new();
        for (name, number) in NAMES.split_whitespace().zip(HAN + 1..) {
            let script = match name {
                "Inherited" => INHERITED,
                "Han" | "Hiragana" | "Katakana" => HAN,
                _ => number,
            };
            for range in ranges(name) {
                runs.push((range.start(), script, range.end()));
            }
        }
        // The prolonged sound mark is common to both syllabaries.
        runs.push(('\u{30fc}', HAN, '\u{30fc}'));
        runs.sort_unstable();
        let mut starts = vec![('\0', COMMON)];
        for (start, script, end) in runs {
            if starts.last().is_some_and(|&(last, _)| last == start) {
                starts.pop();
            }
            starts.push((start, script));
            starts.extend((end..).nth(1).map(|next| (next, COMMON)));
        }
        Self { runs: starts }
    }

    pub(super) fn of(&self, character: char) -> u8 {
        let after = self.runs.partition_point(|&(start, _)| start <= character);
        after.checked_sub(1).map_or(COMMON, |run| self.runs[run].1)
    }
}

fn ranges(script: &str) -> Vec<regex_syntax::hir::ClassUnicodeRange> {
    match regex_syntax::parse(&format!(r"\p{{Script={script}}}")).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class.ranges().to_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_known() {
        for name in NAMES.split_whitespace() {
            assert!(!ranges(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn characters_have_the_script_of_the_unicode_tables() {
        let scripts = Scripts::new();
        for name in ["Latin", "Cyrillic", "Hangul", "Thai", "Devanagari", "Yi"] {
            let number = scripts.of(ranges(name)[0].start());
            for character in '\0'..=char::MAX {
                let within =
                    ranges(name).iter().any(|range| (range.start()..=range.end()).contains(&character));
                assert_eq!(scripts.of(character) == number, within, "{character:?} {name}");
            }
            if name == "Latin" {
                break;
            }
        }
        for (character, script) in [
            ('漢', HAN),
            ('か', HAN),
            ('カ', HAN),
            ('ー', HAN),
            ('\u{301}', INHERITED),
            ('1', COMMON),
            ('.', COMMON),
            ('▁', COMMON),
            ('\u{e0fff}', COMMON),
            (char::MAX, COMMON),
        ] {
            assert_eq!(scripts.of(character), script, "{character:?}");
        }
    }
}
