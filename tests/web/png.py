"""PNG, as much of it as a screenshot needs: eight bits a channel, RGB or RGBA, not interlaced. Screenshots are compared as a reader would
see them from afar: the mean brightness of squares."""

import struct
import zlib

SQUARE = 8  # pixels; smaller than a letter, so that smoothing differs and a moved line does not pass


def read(data):
    """(width, height, rows of brightness from 0 to 255)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth in (4, 8) and interlace == 0
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    channels = {0: 1, 2: 3, 6: 4}[colour]
    line_bytes = (width * channels * depth + 7) // 8
    step = max(1, channels * depth // 8)
    raw, rows, before = zlib.decompress(packed), [], bytearray(line_bytes)
    for y in range(height):
        start = y * (line_bytes + 1)
        before = unfilter(raw[start], bytearray(raw[start + 1:start + 1 + line_bytes]), before, step)
        if colour == 0 and depth == 4:
            rows.append([17 * (before[x >> 1] >> (0 if x & 1 else 4) & 15) for x in range(width)])
        elif channels == 1:
            rows.append(list(before))
        else:
            red, green, blue = before[0::channels], before[1::channels], before[2::channels]
            rows.append([(2 * r + 5 * g + b) >> 3 for r, g, b in zip(red, green, blue)])
    return width, height, rows


def unfilter(kind, line, before, step):
    if kind == 1:
        for x in range(step, len(line)):
            line[x] = (line[x] + line[x - step]) & 255
    elif kind == 2:
        for x in range(len(line)):
            line[x] = (line[x] + before[x]) & 255
    elif kind == 3:
        for x in range(len(line)):
            line[x] = (line[x] + (((line[x - step] if x >= step else 0) + before[x]) >> 1)) & 255
    elif kind == 4:
        for x in range(len(line)):
            left, up, corner = (line[x - step] if x >= step else 0), before[x], (before[x - step] if x >= step else 0)
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
            line[x] = (line[x] + guess) & 255
    return line


def write_grey(width, height, rows):
    """Sixteen greys: what a baseline is kept as."""
    packed = bytearray()
    for row in rows:
        row = [min(15, (value + 8) // 17) for value in row] + [0]
        packed.append(0)
        packed += bytes(row[x] << 4 | row[x + 1] for x in range(0, width, 2))
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(packed), 9)) + chunk(b"IEND", b""))


def squares(width, height, rows):
    """[height / SQUARE][width / SQUARE] mean brightness."""
    out = []
    for top in range(0, height - SQUARE + 1, SQUARE):
        sums = [0] * (width // SQUARE)
        for row in rows[top:top + SQUARE]:
            for place in range(len(sums)):
                sums[place] += sum(row[place * SQUARE:(place + 1) * SQUARE])
        out.append([total / (SQUARE * SQUARE) for total in sums])
    return out


def difference(a, b):
    """The share of squares whose brightness differs by more than a tenth. Images of nearly the same height; what one has more counts."""
    tall, low = max(len(a), len(b)), min(len(a), len(b))
    differing = (tall - low) * len(a[0])
    for row_a, row_b in zip(a, b):
        differing += sum(abs(x - y) > 25.5 for x, y in zip(row_a, row_b))
    return differing / (tall * len(a[0]))
