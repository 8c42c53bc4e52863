//! A tree written as Oniguruma reads it, for patterns of other dialects that go into a `tokenizer.json`.

use std::fmt::Write;

use regex_syntax::hir::ClassUnicode;

use super::set;
use super::tree::{Anchor, Node};

/// Sets that have a name in Oniguruma's syntax, the larger ones first.
const NAMED: [&str; 14] = [
    r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{Han}", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}",
    r"\p{Lo}", r"\p{Nd}", r"\s", r"\p{Cc}",
];

/// The pattern that means `tree`.
pub(super) fn oniguruma(tree: &Node) -> String {
    let mut out = String::new();
    write_node(tree, &mut out);
    out
}

fn write_node(node: &Node, out: &mut String) {
    match node {
        Node::Nothing => out.push_str("(?:)"),
        Node::Set(members) => write_set(members, out),
        Node::Sequence(nodes) => nodes.iter().for_each(|node| match node {
            Node::Choice(_) => enclosed("(?:", node, out),
            _ => write_node(node, out),
        }),
        Node::Choice(nodes) => {
            for (place, node) in nodes.iter().enumerate() {
                out.push_str(if place > 0 { "|" } else { "" });
                write_node(node, out);
            }
        }
        Node::Repeat { node, minimum, maximum, greedy } => {
            match **node {
                Node::Set(_) => write_node(node, out),
                _ => enclosed("(?:", node, out),
            }
            write_bounds(*minimum, *maximum, *greedy, out);
        }
        Node::Atomic(node) => enclosed("(?>", node, out),
        Node::Look { node, behind, negative } => {
            let opening = match (behind, negative) {
                (false, false) => "(?=",
                (false, true) => "(?!",
                (true, false) => "(?<=",
                (true, true) => "(?<!",
            };
            enclosed(opening, node, out);
        }
        Node::Group(number, node) => enclosed(&format!("(?<g{number}>"), node, out),
        Node::Reference(number) => _ = write!(out, "\\k<g{number}>"),
        Node::Anchor(Anchor::TextStart) => out.push_str("\\A"),
        Node::Anchor(Anchor::TextEnd) => out.push_str("\\z"),
        Node::Anchor(Anchor::SearchStart) => out.push_str("\\G"),
        Node::Keep => out.push_str("\\K"),
    }
}

fn enclosed(opening: &str, node: &Node, out: &mut String) {
    out.push_str(opening);
    write_node(node, out);
    out.push(')');
}

fn write_bounds(minimum: u32, maximum: Option<u32>, greedy: bool, out: &mut String) {
    match (minimum, maximum) {
        (0, Some(1)) => out.push('?'),
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (low, None) => _ = write!(out, "{{{low},}}"),
        (low, Some(high)) => _ = write!(out, "{{{low},{high}}}"),
    }
    out.push_str(if greedy { "" } else { "?" });
}

fn write_set(members: &ClassUnicode, out: &mut String) {
    if let Some(character) = set::single(members) {
        return write_character(character, out);
    }
    if members.ranges().is_empty() {
        return out.push_str("(?!)");
    }
    if *members == set::everything() {
        return out.push_str("\\O");
    }
    // Most negated sets have the last code point, which nothing names.
    let negated = set::contains(members, char::MAX);
    let mut rest = if negated { set::negated(members.clone()) } else { members.clone() };
    out.push_str(if negated { "[^" } else { "[" });
    for name in NAMED {
        if let Ok(named) = set::of_class(name) {
            let mut outside = named.clone();
            outside.difference(&rest);
            if outside.ranges().is_empty() {
                out.push_str(name);
                rest.difference(&named);
            }
        }
    }
    for range in rest.ranges() {
        write_character(range.start(), out);
        if range.end() > range.start() {
            out.push('-');
            write_character(range.end(), out);
        }
    }
    out.push(']');
}

fn write_character(character: char, out: &mut String) {
    if character.is_ascii_alphanumeric() || matches!(character, ' ' | '\'' | '"' | ',' | '/' | '_') {
        out.push(character);
    } else {
        _ = write!(out, "\\x{{{:x}}}", character as u32);
    }
}
