"""Compares the cache that filbert keeps with the one of the real huggingface_hub, and has each read what the other wrote.

  python tests/parity/hub_parity.py build/release/filbert build/release/tests/parity/hub_stand_in
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FILBERT, STAND_IN = map(os.path.abspath, sys.argv[1:3])
ROOT = pathlib.Path(__file__).resolve().parents[2]
checks = 0


def check(what, found, expected):
    global checks
    checks += 1
    if found != expected:
        sys.exit(f"{what}:\n  expected {expected}\n  found    {found}")


class Hub:
    def __init__(self, directory):
        self.process = subprocess.Popen([STAND_IN, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def requests(self):
        """Those since the last call."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [line for line in self.process.stdout.readline().rstrip("\n").split("\t") if line]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def filbert(*words, cache, hub):
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache)}
    done = subprocess.run([FILBERT, *words], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"filbert {' '.join(words)}: {done.stderr}")
    return done.stdout


def python(program, cache, hub):
    """Runs `program` where huggingface_hub sees this Hub and this cache: both are read when it is imported."""
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"huggingface_hub: {done.stderr}")
    return done.stdout


def tree(cache):
    """Every file of a cache with what is in it, or where it leads. Locks stay or go as a library likes."""
    found = {}
    for path in sorted(cache.rglob("*")):
        name = str(path.relative_to(cache))
        if name.startswith(".locks"):
            continue
        if path.is_symlink():
            found[name] = "-> " + os.readlink(path)
        elif path.is_file() and path.name != "CACHEDIR.TAG":  # its first line is the standard's, the rest is free
            found[name] = path.read_bytes()
    return found


DOWNLOAD = """
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
for file in {files}:
    try:
        hf_hub_download("org/tiny", file, local_files_only={local})
    except EntryNotFoundError:
        pass
"""
# What filbert asks for, in this order.
FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "filbert_decision.json",
         "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "spm.model", "model.safetensors"]


def main():
    import huggingface_hub

    with tempfile.TemporaryDirectory() as place:
        ours, theirs = pathlib.Path(place) / "ours", pathlib.Path(place) / "theirs"
        model = ROOT / "models/stars-en"
        present = {file for file in FILES if (model / file).exists()}
        hub = Hub(model)

        directory = filbert("download", "org/tiny", cache=ours, hub=hub).strip()
        python(DOWNLOAD.format(files=FILES, local=False), theirs, hub)
        check("the files of both caches", tree(ours), tree(theirs))
        check("the standard's mark", (ours / "CACHEDIR.TAG").read_text().split("\n")[0], (theirs / "CACHEDIR.TAG").read_text().split("\n")[0])

        # Each reads what the other wrote, without the network and with it.
        hub.requests()
        python(DOWNLOAD.format(files=sorted(present), local=True), ours, hub)
        check("what filbert takes from their cache", filbert("download", "org/tiny", "--local-files-only", cache=theirs, hub=hub).strip(),
              directory.replace("/ours/", "/theirs/"))
        check("requests without a network", hub.requests(), [])
        python(DOWNLOAD.format(files=FILES, local=False), ours, hub)
        check("what huggingface_hub downloads beside our cache", [r for r in hub.requests() if r.startswith("GET")], [])
        filbert("download", "org/tiny", cache=theirs, hub=hub)
        check("what filbert asks beside their cache", hub.requests(), ["HEAD /org/tiny/resolve/main/config.json"])

        scan = python("from huggingface_hub import scan_cache_dir\n"
                      "for repo in scan_cache_dir().repos:\n"
                      "    for revision in repo.revisions:\n"
                      "        print(repo.repo_id, revision.commit_hash, sorted(revision.refs), revision.size_on_disk, revision.nb_files)\n",
                      ours, hub)
        mine = filbert("models", "--format", "json", cache=ours, hub=hub)
        row = json.loads(mine)
        check("what the cache holds", f"{row['repo_id']} {row['revision']} {row['refs']} {row['file_bytes']} {len(row['files'])}", scan.strip())
        check("whether it can run", row["cannot_run"], None)

        answer = filbert("classify", "--model", "org/tiny", "I really love this book", cache=theirs, hub=hub)
        check("the answer by name", answer, filbert("classify", "--model", str(model), "I really love this book", cache=theirs, hub=hub))
        hub.close()
    print(f"huggingface_hub {huggingface_hub.__version__}: {checks} checks passed, 0 failed")


main()
