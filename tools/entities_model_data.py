"""The texts that the built-in entity model learns from and is measured on, for train_entities_model.py: reads the sets of the shared
data folder, brings their tags to PER, ORG, LOC and MISC, cuts them into train, dev and test, and draws the rows of a pass.

What a set does not say is not taught. Each word has the *set* of labels that are possible for it: one where its set decides, more
where it does not (BTC marks no MISC, so its O is "O or MISC"; an artist of snips is a person or a band). The loss is -log of the
sum of their probabilities, which is cross entropy where the set has one member and nothing where it has all.
"""
import collections
import gzip
import random
import re
from dataclasses import dataclass, field

TYPES = ["PER", "ORG", "LOC", "MISC"]
LABELS = ["O"] + [f"{place}-{kind}" for kind in TYPES for place in "BI"]

# wnut17 has six types; bands, teams and companies are organisations to CoNLL, products and works are its miscellanea.
WNUT_TYPES = {"person": "PER", "corporation": "ORG", "group": "ORG", "location": "LOC", "product": "MISC", "creative-work": "MISC"}
# Slots of snips that are names, with what they can be; O where the slot holds names and other words. All slots not named here are O.
SNIPS_TYPES = {
    "city": ["LOC"], "country": ["LOC"], "state": ["LOC"], "geographic_poi": ["LOC"],
    "movie_name": ["MISC"], "object_name": ["MISC"], "album": ["MISC"], "track": ["MISC"],
    "artist": ["PER", "ORG"],                          # people and bands alike
    "location_name": ["ORG", "LOC"],                   # chains of cinemas
    "restaurant_name": ["ORG", "LOC"],
    "service": ["ORG", "MISC"],                        # spotify: the company or its product
    "poi": ["O", "LOC"],                               # "downtown", "tullytown"
    "cuisine": ["O", "MISC"], "served_dish": ["O", "MISC"], "genre": ["O", "MISC"],
    "playlist": ["O", *TYPES], "entity_name": ["O", *TYPES],  # titles that their owners made of anything
    "playlist_owner": ["O", "PER"], "party_size_description": ["O", "PER"],  # "my", "gretchen s"; "me and hannah"
}
WORDS = re.compile(r"\[\w+\]|\w+(?:['’]\w+)*|[^\w\s]")  # of running text
HELD_OUT_BLOCK = 34  # sentences; about three articles of wikigold, so that an article's names stay on one side of the cut but at its ends


@dataclass
class Row:
    """A sentence: its words and, for each, the labels that are possible, as indices into LABELS."""
    words: list
    labels: list
    follows: object = field(default=None, repr=False)  # the row after it in the same text and part, if there is one


def read_conll(path):
    rows, row = [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            row.append(tuple(line.rsplit("\t", 1)))
        elif row:
            rows.append(row)
            row = []
    return rows + [row] * bool(row)


def to_iob2(tags):
    """IO and IOB1 to IOB2: the first tag of an entity begins with B."""
    fixed, before = [], "O"
    for tag in tags:
        if tag.startswith("I-") and before[2:] != tag[2:]:
            tag = "B-" + tag[2:]
        fixed.append(tag)
        before = tag
    return fixed


def without_handles(words, tags):
    """BTC calls @someone a person or an organisation, cut in two; wnut17 does not. The name of an account is nobody's name here."""
    tags = list(tags)
    for place, word in enumerate(words):
        if word.startswith("@"):
            tags[place] = "O"
            if word == "@" and place + 1 < len(words):
                tags[place + 1] = "O"
    return to_iob2(tags)


def join_negations(words, tags):
    """The Treebank's "do n't" as people write it, cut where BERT cuts it."""
    words = list(words)
    for place in range(1, len(words)):
        if words[place].lower() in ("n't", "n’t") and words[place - 1][-1:].isalpha():
            words[place - 1] += words[place][0]
            words[place] = words[place][1:]
    return words, tags


def conll_rows(path, tag_of=lambda words, tags: tags):
    rows = []
    for pairs in read_conll(path):
        words, tags = [word for word, _ in pairs], [tag for _, tag in pairs]
        words, tags = join_negations(words, to_iob2(tag_of(words, tags)))
        rows.append(Row(words, [(LABELS.index(tag),) for tag in tags]))
    return rows


def wnut_tags(_, tags):
    return [tag if tag == "O" else f"{tag[0]}-{WNUT_TYPES[tag[2:]]}" for tag in tags]


def snips_rows(path):
    opener = gzip.open if path.suffix == ".gz" else open
    rows = []
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        next(lines)
        for line in lines:
            _, text, slots = line.rstrip("\n").split("\t")
            labels = []
            for slot in slots.split(" "):
                kinds = SNIPS_TYPES.get(slot[2:], ["O"])
                labels.append(tuple(0 if kind == "O" else LABELS.index(f"{slot[0]}-{kind}") for kind in kinds))
            rows.append(Row(text.split(" "), labels))
    for row in rows:  # a slot that may be no name at all may have its B anywhere: any label of the types
        row.labels = [any_place(labels) if 0 in labels and len(labels) > 1 else labels for labels in row.labels]
    return rows


def goemotions_rows(path):
    """Comments whose persons were made [NAME] by their publisher: a person there, none elsewhere, and whatever else is open."""
    others = any_place([LABELS.index("B-" + kind) for kind in TYPES if kind != "PER"] + [0])
    rows = []
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            text = re.sub(r"\[NAME\]( \[NAME\])+", "[NAME]", line.rstrip("\n").split("\t")[1])
            if "[NAME]" in text and not re.search(r"@ ?\[NAME\]|\[RELIGION\]", text):
                words = WORDS.findall(text)
                rows.append(Row(words, [(LABELS.index("B-PER"),) if word == "[NAME]" else others for word in words]))
    return rows


def any_place(labels):
    kinds = {LABELS[label][2:] for label in labels} - {""}
    return tuple(i for i, label in enumerate(LABELS) if label == "O" or label[2:] in kinds)


def text_key(words):
    """Two sentences with one key are the same: case, spaces, punctuation, links and accounts aside."""
    text = re.sub(r"https?://\S+|@ ?\w+", "", " ".join(words).lower())
    return re.sub(r"[\W_]+", "", text) or " ".join(words)


def part_of(place):
    """Which part the sentence at this place of wikigold or BTC belongs to: each fifth block is of the test part, each tenth of dev."""
    block = place // HELD_OUT_BLOCK
    return "test" if block % 5 == 2 else "dev" if block % 10 == 4 else "train"


def cut(rows, is_running_text):
    parts = collections.defaultdict(list)
    for place, row in enumerate(rows):
        parts[part_of(place)].append(row)
        if is_running_text and place + 1 < len(rows) and part_of(place + 1) == part_of(place):
            row.follows = rows[place + 1]
    return parts


def load_sets(shared):
    """Every set as {part: {name: rows}}, with no sentence of a test part in train or dev, none of dev in train, and none twice in train."""
    data = shared / "data"
    wikigold = cut(conll_rows(data / "ner_en_misc/wikigold.conll"), is_running_text=True)
    btc = cut(conll_rows(data / "ner_en_misc/btc.conll", without_handles), is_running_text=False)
    wnut = {part: conll_rows(data / f"wnut17/{part}.conll", wnut_tags) for part in ("train", "dev", "test")}
    snips = {"train": snips_rows(data / "snips/train.tsv.gz")}
    goemotions = {"train": goemotions_rows(data / "goemotions/train.tsv.gz")}
    all_sets = {"wikigold": wikigold, "btc": btc, "wnut17": wnut, "snips": snips, "goemotions": goemotions}
    sets = {part: {name: rows[part] for name, rows in all_sets.items() if part in rows} for part in ("train", "dev", "test")}
    dropped, seen = {}, {text_key(row.words) for rows in sets["test"].values() for row in rows}
    for part in ("dev", "train"):
        for name, rows in sets[part].items():
            kept = []
            for row in rows:
                key = text_key(row.words)
                if key not in seen:
                    kept.append(row)
                    if part == "train":
                        seen.add(key)
            dropped[f"{name} {part}"] = len(rows) - len(kept)
            sets[part][name] = kept
        seen |= {text_key(row.words) for rows in sets[part].values() for row in rows}
    for rows in sets["train"].values():
        kept = {id(row) for row in rows}
        for row in rows:
            if id(row.follows) not in kept:
                row.follows = None
    for row in sets["train"]["btc"]:
        row.labels = [any_place((0, LABELS.index("B-MISC"))) if labels == (0,) else labels for labels in row.labels]
    return sets, dropped


# ---- entities -------------------------------------------------------------------------------------------------------------
def entities_of(tags):
    """(type, begin, end) of every entity in IOB2 tags, read strictly: an I that continues nothing is no entity."""
    found, begin = [], None
    for place, tag in enumerate([*tags, "O"]):
        if begin is not None and tag != "I-" + tags[begin][2:]:
            found.append((tags[begin][2:], begin, place))
            begin = None
        if tag.startswith("B-"):
            begin = place
    return found


def tags_of(row):
    return [LABELS[labels[0]] for labels in row.labels]


def decided_tags(row):
    """The tags of a row of which some are open; those as O."""
    return [LABELS[labels[0]] if len(labels) == 1 else "O" for labels in row.labels]


def surface(words, entity):
    return " ".join(words[entity[1]:entity[2]]).lower()


def names_of(rows_by_set):
    """{type: names}, each name the words of an entity that a row is decided about; sorted, so that a seed draws the same."""
    names = {kind: set() for kind in TYPES}
    for rows in rows_by_set.values():
        for row in rows:
            for entity in entities_of(decided_tags(row)):
                names[entity[0]].add(tuple(row.words[entity[1]:entity[2]]))
    names["PER"].discard(("[NAME]",))
    return {kind: sorted(found) for kind, found in names.items()}


def known_names(rows_by_set):
    """The names in training, in lower case, whatever their type."""
    return {" ".join(name).lower() for found in names_of(rows_by_set).values() for name in found}


# ---- drawing --------------------------------------------------------------------------------------------------------------
def swap_names(row, names, rng):
    """The row with each decided entity replaced by another name of its type."""
    words, labels, place = [], [], 0
    for kind, begin, end in entities_of(decided_tags(row)):
        name = rng.choice(names[kind])
        words += row.words[place:begin] + list(name)
        inside = LABELS.index("I-" + kind)
        labels += row.labels[place:begin] + [(inside - 1,)] + [(inside,)] * (len(name) - 1)
        place = end
    return Row(words + row.words[place:], labels + row.labels[place:])


def shorten_links(row, chance, rng):
    """The row with its links cut to their beginning, each by chance: fifteen tokens that say little."""
    if not any(word.startswith("http") for word in row.words):
        return row
    return Row([word[:12] if word.startswith("http") and rng.random() < chance else word for word in row.words], row.labels)


def draw_pass(train, names, draws, recipe, rng):
    """The rows of one pass, in a random order."""
    rows = []
    for name, often in draws.items():
        for row in train[name]:
            for _ in range(int(often) + (rng.random() < often % 1)):
                drawn, last = row, row
                while last.follows is not None and rng.random() < recipe["join"] and len(drawn.words) < recipe["join_words"]:
                    last = last.follows
                    drawn = Row(drawn.words + last.words, drawn.labels + last.labels)
                swapped = name == "goemotions" or rng.random() < recipe["name_swap"]
                rows.append(shorten_links(swap_names(drawn, names, rng) if swapped else drawn, recipe["short_links"], rng))
    rng.shuffle(rows)
    return rows


# ---- capital letters ------------------------------------------------------------------------------------------------------
CASING_WORDS = 60  # of a row at most


def casing_rows(shared, rng):
    """Rows of running text, labels: (0,) written small, (1,) written with a capital, (0, 1) where that says nothing. Of the rows
    that have no capital, a fifth."""
    data, texts = shared / "data", []
    texts += (data / "english_public_domain/presidents.txt").read_text(encoding="utf-8").split("\n")
    texts += (data / "sentences_75_languages/en.txt").read_text(encoding="utf-8").split("\n")
    with gzip.open(data / "goemotions/train.tsv.gz", "rt", encoding="utf-8", newline="\n") as lines:
        texts += [line.rstrip("\n").split("\t")[1] for line in lines][1:]
    rows = []
    for text in texts:
        words = []
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            more = WORDS.findall(sentence)
            if len(words) + len(more) > CASING_WORDS:
                rows += casing_row(words)
                words = []
            words += more
        rows += casing_row(words)
    rows = [row for row in rows if (1,) in row.labels or rng.random() < 0.2]
    rng.shuffle(rows)
    return rows


def casing_row(words):
    """[The row], or [] if its capitals say nothing: headings, shouting, or none."""
    labels, first = [], True
    for word in words:
        letter = word[0].isalpha() and "[" not in word and not re.fullmatch(r"I(['’]\w+)?", word)
        labels.append((0, 1) if first or not letter else (int(word[0].isupper()),))
        first = word in ".!?:;\"“”…" or first and not letter
    written = [labels[0] for labels in labels if len(labels) == 1]
    return [Row(words[:100], labels[:100])] if len(written) >= 3 and sum(written) < 0.5 * len(written) else []
