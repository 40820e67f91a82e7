"""From tokens back to text, as the decoders of tokenizers do it. What a tokenizer leaves out on its way, white space and case, does not come back."""

_WORDPIECE_CLEANUP = ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
                      (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"))
_CLEANUP = ((" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"))


def _replaced(text: str, pairs) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def cleaned_up(text: str) -> str:
    """Without the spaces that stand before punctuation; transformers' clean_up_tokenization."""
    return _replaced(text, _CLEANUP)


def _wordpiece(tokens: list[str]) -> str:
    def spaced(place, token):
        if place:
            token = token[2:] if token.startswith("##") else " " + token
        return _replaced(token, _WORDPIECE_CLEANUP)

    return "".join(spaced(place, token) for place, token in enumerate(tokens))


def _bytes_of_letters() -> dict[str, int]:
    """The alphabet of byte-level BPE: printable bytes are themselves, the others come from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


def _byte_level(tokens: list[str]) -> str:
    letters = _bytes_of_letters()
    data = bytearray()
    for token in tokens:
        if all(letter in letters for letter in token):
            data.extend(letters[letter] for letter in token)
        else:
            data.extend(token.encode())
    return data.decode("utf-8", "replace")


def _metaspace(tokens: list[str]) -> str:
    text = "".join(token.replace("▁", " ") if place else token.replace("▁", "", 1).replace("▁", " ") if token.startswith("▁") else token
                   for place, token in enumerate(tokens))
    return text


def decoded(model_type: str, tokens: list[str]) -> str:
    return {"WordPiece": _wordpiece, "BPE": _byte_level, "Unigram": _metaspace}[model_type](tokens)
