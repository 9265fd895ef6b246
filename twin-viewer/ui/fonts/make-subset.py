#!/usr/bin/env python3
"""Makes terrarium-sans-sc.otf: the characters that the viewer may have to write, out of Noto Sans CJK SC.

    apt-get install fonts-noto-cjk
    python3 -m venv /tmp/fonts && /tmp/fonts/bin/pip install -r requirements.txt
    /tmp/fonts/bin/python make-subset.py

Holds all of GB 2312 (names of devices are free text), Latin, units, arrows and signs, and every character of the word
catalogue and of the park files. Noto has no subscript digits, so they are its digits made smaller: CO₂ is written right.
The same input gives the same bytes.
"""

import pathlib
import sys

from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection

SOURCE = pathlib.Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
FAMILY = "Terrarium Sans SC"
HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
TEXTS = [
    *sorted((REPOSITORY / "twin-viewer").rglob("*.rs")),
    *sorted((REPOSITORY / "deploy" / "parks").glob("*.toml")),
]
SYMBOLS = "²³°±µ×÷·–—‘’“”•…‰′″€℃→←↑↓↔⇒∆∑−√∞≈≠≤≥■□▲△▶▷▼▽◀◁◆◇○●★☆♪✓㎡㎥。、《》「」【】！（），：；？～￥"
# Subscripts take the place of these rare characters' glyphs, so that no glyph has to be added to the font's tables.
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "龡龢龣龤龥鿃鿄鿅鿆鿇"))
SUBSCRIPT_SIZE = 0.62
SUBSCRIPT_DROP = -140


def characters() -> set[str]:
    wanted = {chr(code) for code in [*range(0x20, 0x7F), *range(0xA0, 0x180)]}
    wanted.update(SYMBOLS, SUBSCRIPTS.values())
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                wanted.add(bytes((row, cell)).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    for text in TEXTS:
        wanted.update(text.read_text(encoding="utf-8"))
    wanted.difference_update("\n\r\t", SUBSCRIPTS)
    return wanted


def add_subscripts(font) -> None:
    cff = font["CFF "].cff
    top = cff[cff.fontNames[0]]
    outlines = font.getGlyphSet()
    maps = [table.cmap for table in font["cmap"].tables if table.isUnicode()]
    for digit, (subscript, spare) in enumerate(SUBSCRIPTS.items()):
        source = font.getBestCmap()[ord(str(digit))]
        place = font.getBestCmap()[ord(spare)]
        width = round(outlines[source].width * SUBSCRIPT_SIZE)
        old = top.CharStrings[place]
        pen = T2CharStringPen(width - old.private.nominalWidthX, outlines)
        shift = (SUBSCRIPT_SIZE, 0, 0, SUBSCRIPT_SIZE, 0, SUBSCRIPT_DROP)
        outlines[source].draw(TransformPen(pen, shift))
        new = pen.getCharString(private=old.private, globalSubrs=old.globalSubrs)
        old.setBytecode(None)
        old.program = new.program
        font["hmtx"][place] = (width, 0)
        for codes in maps:
            codes.pop(ord(spare), None)
            codes[ord(subscript)] = place


def rename(font) -> None:
    """A changed font has its own name; licence and copyright stay."""
    names = font["name"]
    names.names = [record for record in names.names if record.nameID in (0, 13, 14)]
    for number, text in ((1, FAMILY), (2, "Regular"), (4, FAMILY), (6, FAMILY.replace(" ", ""))):
        names.setName(text, number, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames[0] = FAMILY.replace(" ", "")
    cff.topDictIndex[0].FullName = FAMILY
    cff.topDictIndex[0].FamilyName = FAMILY


def main() -> int:
    if not SOURCE.exists():
        print(f"no {SOURCE}: apt-get install fonts-noto-cjk", file=sys.stderr)
        return 1
    collection = TTCollection(SOURCE)
    font = next(face for face in collection if face["name"].getDebugName(1) == "Noto Sans CJK SC")
    font.recalcTimestamp = False
    wanted = characters()
    options = Options()
    options.hinting = False
    options.desubroutinize = True
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in wanted])
    subsetter.subset(font)
    add_subscripts(font)
    rename(font)
    target = HERE / "terrarium-sans-sc.otf"
    font.save(target)
    have = set(font.getBestCmap())
    lacking = sorted(character for character in wanted - set(SUBSCRIPTS.values()) if ord(character) not in have)
    print(f"{target.name}: {target.stat().st_size / 1e6:.2f} MB, {len(have)} characters")
    print("not in Noto Sans CJK SC: " + "".join(lacking))
    return 0


if __name__ == "__main__":
    sys.exit(main())
