"""The style sheet of a picture in HTML, for light and dark pages."""

SPAN_COLOURS = ("#8a4fc4", "#2b6cb8", "#b8611b", "#2f8459", "#b83a78", "#1f8a94")

# Every rule is below the one class, so that it changes nothing else on a page or in a notebook.
STYLE = """
.fastmask-picture { line-height: 1.5; --bar: #2b8a94; --line: #e07b28; }
.fastmask-picture .title, .fastmask-picture .note { margin: .3rem 0; }
.fastmask-picture .note, .fastmask-picture .name { opacity: .65; font-size: .9rem; }
.fastmask-picture span.note { margin-right: .8rem; }
.fastmask-picture .strip { display: flex; margin: .3rem 0; line-height: 1.8; }
.fastmask-picture .name { flex: 0 0 3.5rem; }
.fastmask-picture .tokens { min-width: 0; overflow-wrap: anywhere; direction: ltr; }
.fastmask-picture .token { padding: .12rem .15rem; margin: 0 1px 2px; border-radius: .2rem; background: #8882;
  display: inline-block; max-width: 100%;
  white-space: pre-wrap; font-family: ui-monospace, monospace; font-size: .85rem; unicode-bidi: isolate;
  line-height: 1.35; }
.fastmask-picture .token[title] { cursor: help; }
.fastmask-picture .masked { background: #e8b400; color: #111; }
.fastmask-picture .replaced { background: #c8372d; color: #fff; }
.fastmask-picture .kept { background: #2f9e58; color: #fff; }
.fastmask-picture .inserted { background: #37b5c4; color: #111; }
.fastmask-picture .prefix { background: #5b8def4d; }
.fastmask-picture .deleted { text-decoration: line-through; opacity: .6; }
.fastmask-picture .special, .fastmask-picture .silent { opacity: .5; }
.fastmask-picture .token sub { font-size: .7em; line-height: 0; }
.fastmask-picture .numbers { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: flex-start; }
.fastmask-picture table { border-collapse: collapse; width: auto; margin: .4rem 0; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
.fastmask-picture th, .fastmask-picture td { padding: .15rem 1rem .15rem 0; text-align: right; font-weight: 400;
  background: none; border: 0; border-bottom: 1px solid #8883; }
.fastmask-picture tbody th { text-align: left; }
.fastmask-picture thead th { opacity: .65; }
.fastmask-picture figure { margin: .4rem 0; }
.fastmask-picture figcaption { font-size: .85rem; }
.fastmask-picture svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.fastmask-picture svg text { fill: currentColor; font-size: 11px; text-anchor: middle; }
.fastmask-picture .bar { fill: var(--bar); }
.fastmask-picture .line { stroke: var(--line); stroke-width: 2.5; }
.fastmask-picture .key { display: inline-block; width: .9em; height: .7em; margin: 0 .3em 0 .6em;
  background: var(--bar); }
.fastmask-picture .key.expected { height: 0; border-top: 2.5px solid var(--line); background: none;
  vertical-align: .25em; }
""" + "".join(
    f".fastmask-picture .s{number} {{ background: {colour}; color: #fff; }}\n"
    f".fastmask-picture .span.s{number} {{ background: {colour}40; color: inherit; "
    f"box-shadow: inset 0 -2px {colour}; }}\n"
    for number, colour in enumerate(SPAN_COLOURS)
)
