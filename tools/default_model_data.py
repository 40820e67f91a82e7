"""The texts that the built-in model learns from and is measured on, for train_default_model.py: reads the sets of the shared data
folder, cuts them into train, dev and test, keeps every measured text out of training, and draws the rows of a pass."""
import gzip
import random
import re
from dataclasses import dataclass

import numpy as np

TEXTS = {
    "max_length": 128,           # nine in ten clothing reviews, and nearly all sentences, are shorter
    "long_max_length": 384,      # for the few whole film reviews, which keep the later positions of the encoder in use
    "target_sigma": 0.45,        # stars: a target leaves about 8 % on each neighbour, as two readers would
    "rating_sigma": 0.60,        # pieces of film reviews: wider, for a piece need not carry the grade of the whole
    "polarity_weight": 0.5,      # polarity says less than stars, and there are many such phrases
    "piece_weight": 0.7,         # so do pieces of long reviews
    "noun_swap": 0.3,            # of rows: "dress" or "film" becomes another thing, so that the subject is no cue
}
# How often a row is drawn in a pass. Five stars are 55 % of the clothing reviews and one star 4 %; drawn so, 40 % and 8 %.
WOMENS_DRAWS = {1: 3.0, 2: 2.5, 3: 2.0, 4: 1.5, 5: 1.0}
# sst5 holds the only sentences with a middle grade; half of sst2's 67 thousand phrases have under eight words; a film review is
# long, and its pieces are many. The cool-down leans on the graded sentences, which are short and learnt the slowest.
MAIN_DRAWS = {"sst5": 2.0, "sst2": 0.45, "imdb_piece": 0.5, "imdb_whole": 0.02}
COOL_DOWN_DRAWS = {"sst5": 3.0, "sst2": 0.2, "imdb_piece": 0.4, "imdb_whole": 0.02}
IMDB_PIECE_CHARS = (150, 600)  # reviews of products are shorter than those of films
# Ratings as points on the star scale; 5 and 6 do not occur. Rounded, they are 1-2, 3-4, 7-8, 9-10 as 1, 2, 4, 5 stars.
RATING_STARS = {1: 1.0, 2: 1.25, 3: 1.9, 4: 2.3, 7: 3.7, 8: 4.1, 9: 4.75, 10: 5.0}

WOMENS_TEST_ROWS, WOMENS_DEV_ROWS, IMDB_DEV_ROWS, IMDB_TEST_ROWS = 1500, 800, 600, 3000
IMDB_MEASURED_ROWS = 600  # of the test rows: whole reviews are long

SINGULAR = ("book phone case charger cable blender lamp toy game app camera speaker tablet watch knife pan mattress printer "
            "keyboard headset battery backpack shampoo coffee hotel room restaurant service product item device tool thing "
            "album show course laptop chair vacuum filter bottle bag clock light gift").split()
PLURAL = ("books phones headphones cables batteries toys games apps speakers knives lights pens gloves candles rooms products "
          "items tools things bags bottles shows").split()
GARMENT = re.compile(r"\b(dress|top|shirt|blouse|sweater|skirt|jacket|cardigan|tee|tunic|coat|vest|romper|jumpsuit|tank)\b", re.I)
GARMENTS = re.compile(r"\b(dresses|tops|shirts|blouses|sweaters|skirts|pants|jeans|jackets|tees|leggings|shorts)\b", re.I)
FILM = re.compile(r"\b(movie|film|flick|picture|comedy|drama|thriller)\b", re.I)
FILMS = re.compile(r"\b(movies|films|flicks|comedies|dramas|thrillers)\b", re.I)


@dataclass(frozen=True)
class Row:
    """One text with its target: five masses. `partial` means the masses say which stars are possible, not how likely."""
    text: str
    target: tuple
    partial: bool = False
    weight: float = 1.0
    max_length: int = TEXTS["max_length"]


def read_tsv(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        names = next(lines).rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"), strict=True)) for line in lines]


def text_key(text):
    """Two texts with one key are the same text: case, spaces and punctuation aside."""
    return re.sub(r"[\W_]+", "", text.lower())


def join_title(title, text):
    title, text = title.strip(), text.strip()
    if not title or not text:
        return title or text
    return f"{title} {text}" if title[-1] in ".!?" else f"{title}. {text}"


def load_sets(shared, seed):
    """Every set, cut into train, dev and test. The cut of the clothing reviews and of imdb train depends on the seed alone."""
    data = shared / "data"
    womens = read_tsv(data / "womens_clothing_stars/all.tsv.gz")
    imdb_train, imdb_test = read_tsv(data / "imdb/train.tsv.gz"), read_tsv(data / "imdb/test.tsv.gz")
    for rows, salt in ((womens, "womens"), (imdb_train, "imdb train"), (imdb_test, "imdb test")):
        random.Random(f"{seed} {salt}").shuffle(rows)
    for row in womens:
        row["joined"] = join_title(row["title"], row["text"])
    cut = WOMENS_TEST_ROWS + WOMENS_DEV_ROWS
    held = [(row["joined"], int(row["stars"])) for row in womens[:cut]]
    sst5 = {part: read_tsv(data / f"sst5/{part}.tsv") for part in ("train", "dev", "test")}
    grades = lambda rows: [(row["text"], int(row["label"]) + 1) for row in rows]
    stars = lambda rows: [(row["text"], int(row["stars"])) for row in rows]
    ratings = lambda rows: [(row["text"], int(round(RATING_STARS[int(row["rating10"])]))) for row in rows]
    polarity = lambda rows: [(row["text"], 5 if row["label"] == "1" else 1) for row in rows]
    return {
        "train": {"womens": womens[cut:], "sst5": sst5["train"], "sst2": read_tsv(data / "sst2/train.tsv.gz"),
                  "imdb": imdb_train[IMDB_DEV_ROWS:]},
        "dev": {"womens_clothing_stars": held[WOMENS_TEST_ROWS:], "sst5": grades(sst5["dev"]),
                "imdb": ratings(imdb_train[:IMDB_DEV_ROWS])},
        "test": {"womens_clothing_stars": held[:WOMENS_TEST_ROWS], "sst5": grades(sst5["test"]),
                 "alexa_stars": stars(read_tsv(data / "alexa_stars/all.tsv")),
                 "marc_stars": stars(read_tsv(data / "marc_stars/en.test.tsv")),
                 "imdb": ratings(imdb_test[:IMDB_TEST_ROWS]),
                 "sst2": polarity(read_tsv(data / "sst2/test.tsv"))},
    }


def drop_measured_rows(sets):
    """Removes from the training rows each whose text is that of a dev or test row; returns the keys of those and the counts."""
    blocked = {text_key(text) for part in ("dev", "test") for rows in sets[part].values() for text, _ in rows}
    dropped = {}
    for name, rows in sets["train"].items():
        kept = [row for row in rows if not {text_key(row["text"]), text_key(row.get("joined", ""))} & (blocked - {""})]
        dropped[name] = len(rows) - len(kept)
        sets["train"][name] = kept
    return blocked, dropped


def detokenize(text):
    """The Treebank's `` it 's n't '' , . back into ordinary spelling."""
    text = text.replace("``", '"').replace("''", '"').replace("-lrb-", "(").replace("-rrb-", ")").replace("` ", "'")
    text = re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)
    text = re.sub(r" ([,.!?;:%)])", r"\1", text)
    return re.sub(r"([($]) ", r"\1", text).strip()


def swap_nouns(text, singular, plural, rng):
    swapped = {}
    def another(names):
        return lambda match: swapped.setdefault(match.group(0).lower(), rng.choice(names))
    return plural.sub(another(PLURAL), singular.sub(another(SINGULAR), text))


def star_target(position, sigma):
    masses = [np.exp(-((star - position) ** 2) / (2 * sigma * sigma)) for star in range(1, 6)]
    return tuple(float(mass / sum(masses)) for mass in masses)


def review_piece(text, rng):
    """The beginning, the end or a middle stretch of a review, in whole sentences, as long as a product review is."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    where, most = rng.random(), rng.randint(*IMDB_PIECE_CHARS)
    start = 0 if where < 0.3 else rng.randrange(len(sentences))
    ordered = sentences[::-1] if 0.3 <= where < 0.75 else sentences[start:]  # verdicts stand at the end more often
    piece, chars = [], 0
    for sentence in ordered:
        if piece and chars + len(sentence) > most:
            break
        piece.append(sentence)
        chars += len(sentence) + 1
    if 0.3 <= where < 0.75:
        piece.reverse()
    return " ".join(piece)[:IMDB_PIECE_CHARS[1]]


def draws(rows, per_row, rng):
    """Each row floor(per_row) times, and once more by chance for the rest."""
    for row in rows:
        for _ in range(int(per_row) + (rng.random() < per_row % 1)):
            yield row


def draw_pass(train, blocked, per_row, rng):
    """The rows of one pass, in a random order, none of them with the text of a dev or test row."""
    rows = []
    swap = lambda text, *nouns: swap_nouns(text, *nouns, rng) if rng.random() < TEXTS["noun_swap"] else text
    for stars, often in WOMENS_DRAWS.items():
        target = star_target(stars, TEXTS["target_sigma"])
        for row in draws((row for row in train["womens"] if int(row["stars"]) == stars), often, rng):
            form = rng.random()  # half with the title, the rest without, and some titles alone: short texts must work too
            text = row["joined"] if form < 0.5 else row["text"] if form < 0.83 else row["title"]
            rows.append(Row(swap(text, GARMENT, GARMENTS), target))
    style = lambda text: detokenize(text) if rng.random() < 0.6 else text
    for row in draws(train["sst5"], per_row["sst5"], rng):
        rows.append(Row(swap(style(row["text"]), FILM, FILMS), star_target(int(row["label"]) + 1, TEXTS["target_sigma"])))
    for row in draws(train["sst2"], per_row["sst2"], rng):
        possible = (0, 0, 0, 1, 1) if row["label"] == "1" else (1, 1, 0, 0, 0)
        rows.append(Row(swap(style(row["text"]), FILM, FILMS), possible, partial=True, weight=TEXTS["polarity_weight"]))
    for whole in (False, True):
        for row in draws(train["imdb"], per_row["imdb_whole" if whole else "imdb_piece"], rng):
            text = re.sub(r"\s*<br />\s*", " ", row["text"]) if rng.random() < 0.8 else row["text"]
            target = star_target(RATING_STARS[int(row["rating10"])], TEXTS["target_sigma" if whole else "rating_sigma"])
            if whole:
                rows.append(Row(text, target, max_length=TEXTS["long_max_length"]))
            else:
                rows.append(Row(swap(review_piece(text, rng), FILM, FILMS), target, weight=TEXTS["piece_weight"]))
    rows = [row for row in rows if text_key(row.text) and text_key(row.text) not in blocked]
    rng.shuffle(rows)
    return rows
