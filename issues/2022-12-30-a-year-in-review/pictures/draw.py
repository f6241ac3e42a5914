"""Draws the pictures of this issue and the newsletter's logo.

    pip install Pillow
    apt-get install fonts-lato fonts-ebgaramond
    python3 draw.py

Everything is drawn three times too large and scaled down, which is what makes the edges smooth. Chance has a fixed
seed, so that a second run gives the same pictures.
"""

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).resolve().parent
LOGOS = HERE.parents[2] / "templates" / "pictures"
FONTS = Path("/usr/share/fonts")

PAPER, INK, MUTED, LINE = "#f6f1e7", "#23262e", "#5c6070", "#cfc7b8"
RUST, SUN, SEA, NIGHT, CREAM = "#a63c1e", "#f0965e", "#2f5d73", "#1d2733", "#f4ead8"

OVER = 3  # drawn this many times too large


def font(name, size):
    folder = "opentype/ebgaramond" if name.startswith("EB") else "truetype/lato"
    ending = "otf" if name.startswith("EB") else "ttf"
    return ImageFont.truetype(str(FONTS / folder / f"{name}.{ending}"), round(size * OVER))


class Sheet:
    """A picture measured in its final pixels."""

    def __init__(self, width, height, ground, mode="RGB"):
        self.size = (width, height)
        self.image = Image.new(mode, (width * OVER, height * OVER), ground)
        self.draw = ImageDraw.Draw(self.image)

    def points(self, points):
        return [(x * OVER, y * OVER) for x, y in points]

    def line(self, points, colour, width):
        points = self.points(points)
        self.draw.line(points, fill=colour, width=round(width * OVER), joint="curve")
        radius = width * OVER / 2 - 0.5
        for x, y in (points[0], points[-1]):
            self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def dashes(self, start, end, colour, width, dash=10, gap=8):
        length = math.dist(start, end)
        steps = (end[0] - start[0]) / length, (end[1] - start[1]) / length
        at = 0
        while at < length:
            to = min(at + dash, length)
            self.line([(start[0] + steps[0] * t, start[1] + steps[1] * t) for t in (at, to)], colour, width)
            at = to + gap

    def polygon(self, points, colour):
        self.draw.polygon(self.points(points), fill=colour)

    def disc(self, x, y, radius, colour, outline=None, width=0):
        box = tuple(v * OVER for v in (x - radius, y - radius, x + radius, y + radius))
        self.draw.ellipse(box, fill=colour, outline=outline, width=round(width * OVER))

    def box(self, left, top, right, bottom, colour, radius=0):
        box = tuple(v * OVER for v in (left, top, right, bottom))
        self.draw.rounded_rectangle(box, radius * OVER, fill=colour)

    def text(self, x, y, words, face, colour, anchor="ls", **more):
        self.draw.text((x * OVER, y * OVER), words, font=face, fill=colour, anchor=anchor, **more)

    def done(self):
        return self.image.resize(self.size, Image.LANCZOS)


def save(image, path, colours=None):
    if colours:
        method = Image.Quantize.FASTOCTREE if image.mode == "RGBA" else Image.Quantize.MEDIANCUT
        image = image.quantize(colours, method=method, dither=Image.Dither.NONE)
    options = {"quality": 80, "progressive": True} if path.suffix == ".jpg" else {}
    image.save(path, optimize=True, **options)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size:,} bytes")


def tokens():
    """Parameters against training text, both axes logarithmic."""
    sheet = Sheet(1104, 760, PAPER)
    left, right, top, bottom = 130, 1064, 168, 652
    (x_min, x_max), (y_min, y_max) = (50, 760), (140, 2150)

    def x(billions):
        return left + (right - left) * math.log(billions / x_min) / math.log(x_max / x_min)

    def y(billions):
        return bottom - (bottom - top) * math.log(billions / y_min) / math.log(y_max / y_min)

    sheet.text(40, 54, "How much did they read?", font("Lato-Bold", 40), INK)
    sheet.text(40, 96, "Training text against size, both scales logarithmic", font("Lato-Regular", 28), MUTED)

    label = font("Lato-Regular", 28)
    for billions, words in ((200, "0.2"), (500, "0.5"), (1000, "1"), (2000, "2")):
        sheet.line([(left, y(billions)), (right, y(billions))], LINE, 1.5)
        sheet.text(left - 16, y(billions), words, label, MUTED, "rm")
    for billions in (70, 100, 200, 300, 500):
        sheet.line([(x(billions), bottom), (x(billions), bottom + 9)], MUTED, 2)
        sheet.text(x(billions), bottom + 18, str(billions), label, MUTED, "ma")
    sheet.line([(left, bottom), (right, bottom)], MUTED, 2)
    sheet.text(right, bottom + 60, "billion parameters", label, MUTED, "ra")
    sheet.text(40, top - 8, "trillion tokens", label, MUTED, "lb")

    note = font("Lato-Italic", 29)
    sheet.dashes((x(50), y(1000)), (x(100), y(2000)), RUST, 4, 16, 11)
    sheet.text(x(98), y(1735), "20 tokens for each parameter", note, RUST, "lm")
    sheet.dashes((x(140), y(140)), (x(760), y(760)), SEA, 3, 10, 9)
    sheet.text(x(278), y(230), "1 token for each", note, SEA, "lm")

    name = font("Lato-Medium", 30)
    models = [
        ("GPT-3", 175, 300, "r"),
        ("Gopher", 280, 300, "a"),
        ("MT-NLG", 530, 270, "a"),
        ("PaLM", 540, 780, "a"),
        ("OPT", 175, 180, "r"),
        ("BLOOM", 176, 366, "r"),
    ]
    for words, size, read, side in models:
        sheet.disc(x(size), y(read), 11, SEA)
        if side == "a":
            sheet.text(x(size), y(read) - 20, words, name, INK, "mb")
        else:
            sheet.text(x(size) + (20 if side == "l" else -20), y(read), words, name, INK, side + "m")
    sheet.disc(x(70), y(1400), 15, RUST)
    sheet.text(x(70) + 26, y(1400) + 10, "Chinchilla", font("Lato-Bold", 34), RUST, "lm")
    return sheet.done()


def landscape(side):
    """A mountain range under an orange sun."""
    sheet = Sheet(side, side, "#f7d9b0")
    bands = ["#f4b183", "#f6c08e", "#f8cf9d", "#f9dcb0", "#fae6c4"]
    for index, colour in enumerate(bands):
        sheet.box(0, side * index * 0.13, side, side, colour)
    sheet.disc(side * 0.66, side * 0.34, side * 0.15, "#e4602c")
    ranges = [
        ("#8aa5a8", [(0, 0.62), (0.16, 0.50), (0.30, 0.60), (0.52, 0.40), (0.76, 0.60), (0.9, 0.52), (1, 0.58)]),
        ("#4d7c86", [(0, 0.74), (0.22, 0.56), (0.42, 0.74), (0.64, 0.62), (0.82, 0.72), (1, 0.64)]),
        ("#2f5d73", [(0, 0.80), (0.34, 0.70), (0.58, 0.84), (0.84, 0.72), (1, 0.80)]),
        ("#1d3a4a", [(0, 0.92), (0.28, 0.84), (0.62, 0.92), (1, 0.86)]),
    ]
    for colour, ridge in ranges:
        sheet.polygon([(x * side, y * side) for x, y in ridge] + [(side, side), (0, side)], colour)
    return sheet.done()


def noise(side, chance):
    """Coloured noise in soft cells of two pixels, grey on average."""
    cells = side // 2
    channels = [
        Image.frombytes("L", (cells, cells), bytes(clamp(chance.gauss(132, 58)) for _ in range(cells * cells)))
        for _ in range(3)
    ]
    grey = Image.merge("RGB", [channels[0]] * 3)
    return Image.blend(grey, Image.merge("RGB", channels), 0.45).resize((side, side), Image.BILINEAR)


def clamp(value):
    return max(0, min(255, round(value)))


def diffusion():
    """Six panels, from noise to a landscape."""
    chance = random.Random(2022)
    side, gap, margin = 166, 12, 24
    width = 2 * margin + 6 * side + 5 * gap
    sheet = Sheet(width, 284, PAPER)
    clean = landscape(side)
    steps = [(1.0, 0), (0.86, 18), (0.68, 9), (0.46, 4), (0.22, 1.5), (0.0, 0)]
    words = ["noise", "step 10", "step 20", "step 30", "step 40", "step 50"]
    canvas = sheet.done()
    for index, (share, blur) in enumerate(steps):
        guess = clean.filter(ImageFilter.GaussianBlur(blur)) if blur else clean
        panel = Image.blend(guess, noise(side, chance), share)
        mask = Image.new("L", (side * OVER, side * OVER), 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, side * OVER - 1, side * OVER - 1), 8 * OVER, fill=255)
        canvas.paste(panel, (margin + index * (side + gap), margin), mask.resize((side, side), Image.LANCZOS))
    over = Sheet(width, 284, (0, 0, 0, 0), "RGBA")
    for index, word in enumerate(words):
        middle = margin + index * (side + gap) + side / 2
        over.text(middle, margin + side + 40, word, font("Lato-Medium", 30), INK, "ms")
    y = margin + side + 66
    over.line([(margin + 4, y), (width - margin - 6, y)], RUST, 3)
    over.polygon([(width - margin, y), (width - margin - 16, y - 9), (width - margin - 16, y + 9)], RUST)
    canvas.paste(over.done(), (0, 0), over.done())
    return canvas


def lecture():
    """A slide of the lecture: a cloud of points that gathers into a curve. Its middle is left to the play mark."""
    chance = random.Random(50)
    sheet = Sheet(1104, 621, NIGHT)
    for x in range(0, 1104, 46):
        sheet.line([(x, 0), (x, 621)], "#222e3b", 1)
    for y in range(20, 621, 46):
        sheet.line([(0, y), (1104, y)], "#222e3b", 1)
    sheet.text(64, 116, "Diffusion without tears", font("EBGaramond12-Regular", 76), CREAM)
    sheet.text(66, 164, "A lecture in one hour and one integral", font("Lato-Regular", 28), "#a9b7c4")

    def curve(t):
        return 64 + 976 * t, 520 - 150 * math.exp(-((t - 0.86) / 0.11) ** 2) - 34 * math.sin(5.2 * t + 0.4)

    for _ in range(1250):
        t = chance.random()
        x, y = curve(t)
        spread = 118 * (1 - t) ** 1.25 + 2.5
        x, y = x + chance.gauss(0, spread * 0.35), y + chance.gauss(0, spread * 0.62)
        if not (30 < x < 1074 and 214 < y < 600):
            continue
        warm = t ** 0.8
        cool, hot = (111, 143, 168), (240, 150, 94)
        colour = tuple(round(a + (b - a) * warm) for a, b in zip(cool, hot))
        sheet.disc(x, y, 2.6 + 1.6 * t, colour)
    return sheet.done()


def portrait():
    """Ada, who writes the letter."""
    sheet = Sheet(240, 240, "#dfe7e6")
    sheet.disc(120, 262, 96, SEA)
    sheet.polygon([(96, 180), (120, 216), (144, 180)], CREAM)
    sheet.disc(120, 104, 66, "#3b2a26")
    sheet.box(54, 100, 186, 168, "#3b2a26", 30)
    sheet.box(102, 142, 138, 196, "#d9a079", 16)
    sheet.disc(120, 114, 47, "#e8b48e")
    sheet.box(73, 100, 167, 122, "#e8b48e", 8)
    sheet.polygon([(70, 110), (76, 70), (110, 56), (152, 62), (170, 108), (150, 86), (118, 80)], "#3b2a26")
    for x in (99, 141):
        sheet.disc(x, 117, 17.5, None, INK, 3.4)
        sheet.disc(x, 118, 4, INK)
    sheet.line([(117, 115), (123, 115)], INK, 3.4)
    sheet.draw.arc(tuple(v * OVER for v in (104, 124, 136, 150)), 25, 155, fill="#8c3a2b", width=4 * OVER)
    return sheet.done()


def wordmark(ink, accent, edge):
    """The name behind a line that climbs in steps. `edge` keeps dark letters legible on paper that was made dark."""
    sheet = Sheet(560, 96, (0, 0, 0, 0), "RGBA")
    steps = [(14, 80), (33, 71), (51, 56), (67, 35), (80, 14)]
    if edge:
        sheet.line(steps, edge, 13)
        for x, y in steps:
            sheet.disc(x, y, 11.5, edge)
    sheet.line(steps, accent, 5)
    for x, y in steps[:-1]:
        sheet.disc(x, y, 6, accent)
    sheet.disc(*steps[-1], 9, accent)
    more = {"stroke_width": 4 * OVER, "stroke_fill": edge} if edge else {}
    sheet.text(106, 74, "Gradient Ascent", font("EBGaramond12-Regular", 68), ink, **more)
    if edge:
        sheet.text(106, 74, "Gradient Ascent", font("EBGaramond12-Regular", 68), ink)
    return sheet.done()


def main():
    save(tokens(), HERE / "tokens.png", 64)
    save(diffusion(), HERE / "diffusion.jpg")
    save(lecture(), HERE / "lecture.png", 48)
    save(portrait(), HERE / "ada.png", 64)
    LOGOS.mkdir(parents=True, exist_ok=True)
    save(wordmark(INK, RUST, "#fffdf9"), LOGOS / "logo.png", 64)
    save(wordmark("#e8e6e1", "#f29a6f", None), LOGOS / "logo-dark.png", 64)


if __name__ == "__main__":
    main()
