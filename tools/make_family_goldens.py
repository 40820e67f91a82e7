#!/usr/bin/env python3
"""Writes tests/data/families/*: tiny random checkpoints of every family, with what transformers computes from them.

    tools/make_family_goldens.py [NAME ...]    the fixtures of this interpreter's transformers, of these families or of all
    tools/make_family_goldens.py --check       loads every fixture, of both versions, and prints the greatest difference

Each transformers writes the files of its own day, so run it once under either:

    pip install torch transformers==5.24.0 sentencepiece protobuf      sequence, token-shards
    pip install torch transformers==4.57.6 sentencepiece protobuf      sequence-v4-bin, token-v4

The ids are those of the fast tokenizer, loaded again from what was saved; the logits those of one row at a time, without
padding, in float32 with eager attention. tests/data/families/README.md says what is there.
"""
import contextlib
import json
import math
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import sentencepiece
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from make_goldens import DATA, sha256, versions

ROOT = DATA / "families"
MAJOR = int(transformers.__version__.split(".")[0])
MAX_LENGTH = 32

# Few characters, so that the vocabularies stay small; what they lack becomes [UNK], which must be right too.
SHORT_ROWS = [("",), ("good",), ("Über", "très bon"), ("It's  fine, isn't it? 🙂",), ("не плохо",)]
ROWS = SHORT_ROWS + [
    ("The food was good, the room wasn't.", "很好 καλό"),
    ("no",),
    ("Das Essen war gut, aber der Raum war leider viel zu laut; nie wieder! ¿Qué tal? Très bon. 12 + 3", ),
    ("one of the best rooms we ever had, a great view and good food", "it was not the best of all the rooms that we had"),
]
CORPUS = [text for row in ROWS for text in row if text]

# Each family: its tokenizer, its config, and what differs in sequence, token-shards, sequence-v4-bin and token-v4.
SIZES = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, max_position_embeddings=MAX_LENGTH)
AFTER_PADDING = SIZES | dict(max_position_embeddings=MAX_LENGTH + 2, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                             type_vocab_size=1, layer_norm_eps=1e-5)
ALBERT = SIZES | dict(embedding_size=12, num_hidden_layers=4)
DEBERTA_V3 = dict(relative_attention=True, position_buckets=6, max_relative_positions=-1, share_att_key=True,
                  pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm", type_vocab_size=0, position_biased_input=False,
                  layer_norm_eps=1e-7, pooler_dropout=0)
DEBERTA_V2 = dict(relative_attention=True, position_buckets=-1, max_relative_positions=12, share_att_key=False, conv_act="gelu",
                  pos_att_type="p2c|c2p", norm_rel_ebd="none", type_vocab_size=0, position_biased_input=True, conv_kernel_size=3,
                  layer_norm_eps=1e-7)
DEBERTA_V2_BUCKETS = DEBERTA_V2 | dict(position_buckets=6, max_relative_positions=-1, norm_rel_ebd="layer_norm", share_att_key=True,
                                       position_biased_input=False, conv_act="tanh")
DEBERTA = dict(relative_attention=True, max_relative_positions=-1, pos_att_type="c2p|p2c", type_vocab_size=0,
               position_biased_input=False, layer_norm_eps=1e-7, talking_head=False)
MOBILE = SIZES | dict(embedding_size=12, intra_bottleneck_size=8, num_feedforward_networks=2)
FAMILIES = {
    "bert": ("BertTokenizer", SIZES, [{}, dict(hidden_act="relu"), {}, {}]),
    "distilbert": ("DistilBertTokenizer", dict(dim=16, n_layers=2, n_heads=2, hidden_dim=20, max_position_embeddings=MAX_LENGTH),
                   [{}, dict(activation="relu"), dict(activation="relu"), {}]),
    "roberta": ("RobertaTokenizer", AFTER_PADDING, [{}, {}, {}, {}]),
    "xlm-roberta": ("XLMRobertaTokenizer", AFTER_PADDING, [{}, {}, {}, {}]),
    "camembert": ("CamembertTokenizer", AFTER_PADDING, [{}, {}, {}, {}]),
    "electra": ("ElectraTokenizer", SIZES | dict(embedding_size=12), [{}, {}, dict(embedding_size=16), {}]),
    "mpnet": ("MPNetTokenizer", AFTER_PADDING, [{}, {}, {}, {}]),
    "albert": ("AlbertTokenizer", ALBERT, [dict(num_hidden_groups=1, inner_group_num=1), dict(num_hidden_groups=2, inner_group_num=1),
                                           dict(num_hidden_groups=2, inner_group_num=2), dict(num_hidden_groups=1, inner_group_num=2)]),
    "ernie": ("BertTokenizer", SIZES | dict(task_type_vocab_size=3),
              [dict(use_task_id=True), {}, dict(type_vocab_size=4, hidden_act="relu"), dict(use_task_id=True)]),
    "deberta-v2": ("DebertaV2Tokenizer", SIZES, [DEBERTA_V3, DEBERTA_V2, DEBERTA_V2_BUCKETS, DEBERTA_V3]),
    "deberta": ("DebertaTokenizer", SIZES, [DEBERTA, DEBERTA | dict(pos_att_type="c2p", max_relative_positions=12), DEBERTA,
                                            DEBERTA | dict(position_biased_input=True, type_vocab_size=2)]),
    "modernbert": ("modernbert", SIZES | dict(num_hidden_layers=3, local_attention=6, pad_token_id=1, bos_token_id=2, cls_token_id=2,
                                              eos_token_id=3, sep_token_id=3),
                   [dict(classifier_pooling="cls"), dict(global_attn_every_n_layers=2, attention_bias=True, mlp_bias=True, norm_bias=True),
                    dict(classifier_pooling="mean", classifier_bias=True, global_attn_every_n_layers=2, global_rope_theta=1000.0,
                         local_rope_theta=100.0), dict(attention_bias=True, classifier_activation="relu", norm_bias=True)]),
    "xlnet": ("XLNetTokenizer", dict(d_model=16, n_layer=2, n_head=2, d_inner=20), [{}, dict(ff_activation="relu"), {}, {}]),
    "convbert": ("ConvBertTokenizer", SIZES | dict(num_attention_heads=4, embedding_size=12, head_ratio=2, conv_kernel_size=5),
                 [dict(num_groups=1), dict(num_groups=2), dict(num_groups=2, embedding_size=16), dict(num_groups=1)]),
    "mobilebert": ("MobileBertTokenizer", MOBILE, [
        dict(normalization_type="no_norm"), dict(normalization_type="layer_norm", use_bottleneck_attention=True),
        dict(normalization_type="layer_norm", use_bottleneck=False, key_query_shared_bottleneck=False, classifier_activation=False),
        dict(normalization_type="no_norm", trigram_input=False, num_feedforward_networks=1)]),
    "roformer": ("BertTokenizer", SIZES | dict(embedding_size=12), [{}, dict(rotary_value=True), dict(rotary_value=True, embedding_size=16), {}]),
    "nystromformer": ("AlbertTokenizer", SIZES | dict(segment_means_seq_len=64, num_landmarks=64, conv_kernel_size=5), [{}, {}, {}, {}]),
}
# name, head, major version, dtype stored, index of the variant
CELLS = [("sequence", "sequence", 5, torch.float16, 0), ("token-shards", "token", 5, torch.bfloat16, 1),
         ("sequence-v4-bin", "sequence", 4, torch.float16, 2), ("token-v4", "token", 4, torch.float16, 3)]
ONE_LAYER_IS_NOT_ENOUGH = {"albert", "modernbert", "deberta-v2"}  # to the others it is, but for the first cell: size
STORED_IN_F32 = {"bert/sequence", "roberta/sequence-v4-bin"}
BIN_IN_SHARDS = {"bert", "xlm-roberta", "albert", "modernbert"}
# Without a tokenizer.json, as many older checkpoints are: only vocab.txt, vocab.json and merges.txt, or the sentencepiece model.
WITHOUT_TOKENIZER_JSON = {"bert/sequence-v4-bin", "roberta/sequence-v4-bin", "xlm-roberta/token-v4", "camembert/sequence-v4-bin",
                          "electra/sequence-v4-bin", "albert/sequence-v4-bin", "mpnet/sequence-v4-bin", "deberta-v2/sequence-v4-bin",
                          "deberta/sequence-v4-bin", "xlnet/sequence-v4-bin", "distilbert/sequence-v4-bin", "nystromformer/token-v4"}

WORD_PIECES = ["the", "good", "was", "food", "room", "##s", "##t", "not", "it", "##ut", "##er", "best", "of", "##n", "t", "we", "a",
               "##e", "bon", "tres", "très", "uber", "Über", "que", "не", "##о", "плох", "很", "καλό", "no", "n", "s", "'", ",", ".", "?", "12",
               "The", "Das", "war", "##d", "ever", "had", "one", "and", "all", "i", "##i", "##r", "##a", "##l", "##o"]


def unigram_model(directory, name, specials):
    """Trains a sentencepiece model with the specials where the family has them."""
    with contextlib.chdir(directory):  # the model says the names of what it came from: no changing path may be among them
        Path("rules.tsv").write_text("FF01\t21\nFF1F\t3F\nA0\t20\n2026\t2E 2E 2E\n")  # NFKC's own would be 240 kB
        Path("corpus.txt").write_text("\n".join(CORPUS * 4), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input="corpus.txt", model_prefix="unigram", model_type="unigram", vocab_size=100, hard_vocab_limit=False,
            character_coverage=0.98, normalization_rule_tsv="rules.tsv", num_threads=1, minloglevel=2, **specials)
        Path("unigram.model").rename(name)


def byte_level_bpe(specials, merges=24):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = {c for text in CORPUS for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text) for c in word}
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=len(specials) + len(alphabet) + merges, special_tokens=specials,
                                                              show_progress=False))
    return tokenizer


def modernbert_tokenizer():
    tokenizer = byte_level_bpe(["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
                                                             special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
        model_max_length=MAX_LENGTH, model_input_names=["input_ids", "attention_mask"])


# What each kind of sentencepiece model has at its beginning, and the name of its file.
UNIGRAM = {
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model", {}),
    "CamembertTokenizer": ("sentencepiece.bpe.model", {}),
    "AlbertTokenizer": ("spiece.model", dict(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols="[CLS],[SEP]",
                                             user_defined_symbols="[MASK]", pad_piece="<pad>")),
    "XLNetTokenizer": ("spiece.model", dict(control_symbols="<cls>,<sep>,<pad>,<mask>", user_defined_symbols="<eod>,<eop>")),
    "DebertaV2Tokenizer": ("spm.model", dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                                             eos_piece="[SEP]", unk_piece="[UNK]")),
}


def write_vocabulary(class_name, directory):
    """The files that a slow tokenizer of this family has."""
    if class_name in UNIGRAM:
        unigram_model(directory, *UNIGRAM[class_name])
    elif class_name == "RobertaTokenizer":
        byte_level_bpe(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]).model.save(str(directory))
    elif class_name == "DebertaTokenizer":
        byte_level_bpe(["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]).model.save(str(directory))
    else:
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        if class_name == "MPNetTokenizer":
            specials = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
        (directory / "vocab.txt").write_text("".join(word + "\n" for word in specials + WORD_PIECES), encoding="utf-8")


def tokenizer_class(class_name):
    return getattr(transformers, class_name + ("Fast" if MAJOR == 4 else ""), transformers.PreTrainedTokenizerFast)


def save_tokenizer(class_name, cased, directory):
    if class_name == "modernbert":
        modernbert_tokenizer().save_pretrained(directory)
        return
    options = dict(model_max_length=MAX_LENGTH)
    if class_name not in UNIGRAM and class_name not in ["RobertaTokenizer", "DebertaTokenizer"]:
        options["do_lower_case"] = not cased
    with tempfile.TemporaryDirectory() as vocabulary:
        write_vocabulary(class_name, Path(vocabulary))
        tokenizer_class(class_name).from_pretrained(vocabulary, **options).save_pretrained(directory)


def randomize(model, generator):
    """Every parameter as large as trained ones are, norms and biases too: a part that is left out must show."""
    norms = {name for name, module in model.named_modules() if "norm" in type(module).__name__.lower()}
    embeddings = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Embedding)}
    gain = 0.5 if getattr(model.config, "normalization_type", "") == "no_norm" else 1.3  # nothing but it bounds mobilebert's sums
    for name, parameter in model.named_parameters():
        owner, _, leaf = name.rpartition(".")
        noise = torch.randn(parameter.shape, generator=generator)
        if owner in norms and leaf == "weight":
            parameter.data = 1 + 0.2 * noise
        elif leaf.endswith("bias") and parameter.dim() < 3:
            parameter.data = 0.3 * noise
        elif owner in embeddings or leaf == "seg_embed" or leaf == "mask_emb":
            parameter.data = 0.7 * noise
        else:
            inputs = parameter.shape[0] if ".rel_attn." in name else math.prod(parameter.shape[1:])
            parameter.data = gain * noise / math.sqrt(max(inputs, 1))


def scale_logits(model, rows, labels):
    """So that their standard deviation is 1.5."""
    spread = torch.tensor([value for row in rows for value in torch.tensor(logits_of(model, row)).flatten().tolist()]).std()
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.out_features == labels][-1]
    for parameter in last.parameters():
        parameter.data = parameter.data * (1.5 / float(spread))


def encode(tokenizer, texts, family):
    # Version 5 leaves the type ids of these out, which their tokenizer.json has and version 4 gives. Elsewhere a tokenizer that gives none
    # gives none to its model either.
    typed = {"return_token_type_ids": True} if family in ["albert", "nystromformer", "xlnet"] else {}
    encoding = tokenizer(*texts, truncation=True, max_length=MAX_LENGTH, **typed)
    return {name: list(encoding[name]) for name in ["input_ids", "token_type_ids"] if name in encoding}


def logits_of(model, row):
    with torch.no_grad():
        return model(**{name: torch.tensor([ids]) for name, ids in row.items()}).logits[0].tolist()


def rounded(values):
    return [rounded(v) if isinstance(v, list) else round(v, 7) for v in values]


def load(directory, head):
    auto = AutoModelForSequenceClassification if head == "sequence" else AutoModelForTokenClassification
    return auto.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()


def make(family, cell):
    cell_name, head, _, dtype, variant = cell
    name = f"{family}/{cell_name}"
    directory = ROOT / name
    shutil.rmtree(directory, ignore_errors=True)
    class_name, settings, variants = FAMILIES[family]
    save_tokenizer(class_name, cased=head == "token", directory=directory)
    if name in WITHOUT_TOKENIZER_JSON:
        (directory / "tokenizer.json").unlink()

    labels = 3 if head == "sequence" else 5
    settings = settings | variants[variant] | dict(num_labels=labels)
    if cell_name != "sequence" and family not in ONE_LAYER_IS_NOT_ENOUGH:
        settings |= {name: 1 for name in ["num_hidden_layers", "n_layers", "n_layer"] if name in settings}
    tokenizer = tokenizer_class(class_name).from_pretrained(directory)
    config = AutoConfig.for_model(family, **settings, vocab_size=len(tokenizer), attn_implementation="eager")
    auto = AutoModelForSequenceClassification if head == "sequence" else AutoModelForTokenClassification
    model = auto.from_config(config, attn_implementation="eager").float().eval()
    randomize(model, torch.Generator().manual_seed(zlib.crc32(name.encode())))
    texts = ROWS if head == "sequence" else SHORT_ROWS + ROWS[-1:]
    encoded = [encode(tokenizer, row, family) for row in texts]
    scale_logits(model, encoded, labels)
    bytes_stored = sum(p.numel() for p in model.parameters()) * dtype.itemsize
    save = {}
    if cell_name == "token-shards" or (cell_name == "sequence-v4-bin" and family in BIN_IN_SHARDS):
        save["max_shard_size"] = bytes_stored // 2
    if cell_name == "sequence-v4-bin":
        save["safe_serialization"] = False
    stored = torch.float32 if name in STORED_IN_F32 else dtype
    model.to(stored).save_pretrained(directory, **save)

    for path in directory.glob("*.json"):  # as it was, without its indentation: half the size
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")

    model = load(directory, head)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert tokenizer.is_fast and encoded == [encode(tokenizer, row, family) for row in texts], name
    rows = [dict(zip(["text", "text_pair"], row)) | ids | {"logits": rounded(logits_of(model, ids))} for row, ids in zip(texts, encoded)]
    files = sorted(path for path in directory.iterdir() if path.suffix in [".safetensors", ".bin"])
    kind = files[0].suffix[1:] + ("-shards" if len(files) > 1 else "")
    vocabularies = ["tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model", "spm.model"]
    head_of_file = versions() | {
        "made_by": "tools/make_family_goldens.py", "family": family, "head": head, "weights": kind, "dtype": str(stored)[6:],
        "tokenizer": next(file for file in vocabularies if (directory / file).exists()), "max_length": MAX_LENGTH,
        "sha256": {path.name: sha256(path) for path in files}}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (directory / "goldens.json").write_text(f'{{"made": {json.dumps(head_of_file)},\n"rows": [\n{lines}\n]}}\n', encoding="utf-8")
    size = sum(path.stat().st_size for path in directory.iterdir())
    print(f"{name}: {size} bytes, {kind}, {head_of_file['tokenizer']}, {len(tokenizer)} tokens", flush=True)


def check():
    for path in sorted(ROOT.glob("*/*/goldens.json")):
        goldens = json.loads(path.read_text(encoding="utf-8"))
        name = path.parent.relative_to(ROOT)
        rows = [(row, {key: row[key] for key in ["input_ids", "token_type_ids"] if key in row}) for row in goldens["rows"]]
        try:
            model = load(path.parent, goldens["made"]["head"])
            greatest = max(float((torch.tensor(logits_of(model, ids)) - torch.tensor(row["logits"])).abs().max()) for row, ids in rows)
            said = f"logits differ by {greatest:.1e}"
        except Exception as error:
            said = f"model fails: {type(error).__name__}: {str(error).splitlines()[0][:150]}"
        try:
            tokenizer = AutoTokenizer.from_pretrained(path.parent)
            texts = [[row[key] for key in ["text", "text_pair"] if key in row] for row, _ in rows]
            other = [text for text, (_, ids) in zip(texts, rows) if encode(tokenizer, text, goldens["made"]["family"]) != ids]
            said += f", ids in {len(other)} of {len(rows)} rows"
        except Exception as error:
            said += f", tokenizer fails: {type(error).__name__}: {str(error).splitlines()[0][:150]}"
        print(f"{name}: made by {goldens['made']['transformers']}, {said}", flush=True)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    wanted = sys.argv[1:] or list(FAMILIES)
    if wanted == ["--check"]:
        check()
        sys.exit()
    if not set(wanted) <= set(FAMILIES):
        sys.exit(__doc__)
    for wanted_family in wanted:
        for wanted_cell in CELLS:
            if wanted_cell[2] == MAJOR:  # the other major version writes the others
                make(wanted_family, wanted_cell)
