"""axe-core, which looks for what people with assistive technology would stumble over: one file, fetched once from npm's registry into build/ and
held against its published hash. It is never part of what is built or installed."""

import base64
import hashlib
import io
import pathlib
import tarfile
import urllib.request

VERSION = "4.14.1"
URL = f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz"
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="


def source(build):
    """(the script, None), or (None, why it could not be had). A file of another content is an error, not a reason."""
    kept = pathlib.Path(build) / f"axe-core-{VERSION}.tgz"
    if not kept.exists():
        try:
            with urllib.request.urlopen(URL, timeout=30) as answer:
                data = answer.read()
        except OSError as error:
            return None, f"axe-core could not be fetched from registry.npmjs.org: {getattr(error, 'reason', error)}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    data = kept.read_bytes()
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != SHA512:
        kept.unlink()
        raise RuntimeError(f"{URL}: sha512 expected {SHA512}, found {found}")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.extractfile("package/axe.min.js").read().decode(), None


def run(browser, script):
    """What axe finds wrong with the page that is open, a line each, and how many rules it passes."""
    browser.evaluate(script + "; 0")
    found = browser.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})")
    return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"][:3]], len(found["passes"])
