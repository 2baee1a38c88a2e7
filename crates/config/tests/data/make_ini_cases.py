"""Writes ini-cases.json: INI texts and what Python's configparser makes of them.

Run with Python 3.11 or later: python3 make_ini_cases.py > ini-cases.json
"""

import configparser
import json
import random

TEXTS = {
    "equals sign": "[a]\nb=c\n",
    "colon": "[a]\nb:c\n",
    "spaces around the delimiter": "[a]\n b  =  c d \n",
    "first delimiter of two": "[a]\n/x:y/=/z/\nb=c:d=e\n",
    "url as key": "[urls]\n/cgi-bin/=/cgi/bin/\n",
    "key without value": "[a]\nb\nc d\n",
    "empty value": "[a]\nb=\nc:\n",
    "keys are lower-cased": "[A]\nBaR=Baz\nÉ=É\n",
    "same key in other letters": "[a]\nb=1\nB=2\n",
    "same key twice": "[a]\nb=1\nb=2\n",
    "same key in two sections": "[a]\nb=1\n[c]\nb=2\n",
    "same section twice": "[a]\nb=1\n[c]\n[a]\nd=2\n",
    "sections differ in case": "[a]\nb=1\n[A]\nb=2\n",
    "empty section": "[a]\n[b]\n",
    "empty file": "",
    "only comments": "# a\n; b\n",
    "comment before the first section": "# a\n\n; b\n[a]\nb=c\n",
    "text before the first section": "b=c\n[a]\n",
    "value without key": "[a]\n=c\n",
    "colon without key": "[a]\n : c\n",
    "full-line comments": "[a]\n#b=c\n;d=e\n  # f\n  ; g\nh=i\n",
    "inline comment": "[a]\nb=c # d\ne=f\t# g\n",
    "number sign inside a word": "[a]\nb=c#d\n",
    "number sign directly behind the delimiter": "[a]\nb=#y\nc= #y\n",
    "second number sign begins the comment": "[a]\nb=c#d #e\n",
    "inline semicolon is text": "[a]\nb=c ; d\n",
    "inline comment behind a header": "[a] # b\nc=d\n",
    "text behind a header": "[a] b\nc=d\n",
    "bracket in a header": "[a]b]\nc=d\n",
    "header without name": "[]\nc=d\n",
    "header without end": "[a]\n[b\n",
    "header with spaces": "[ a b ]\nc=d\n",
    "indented header": "  [a]\n  b=c\n",
    "indented key": "[a]\n  b=c\n  d=e\n",
    "continuation": "[a]\nb=c\n  d\n\te\nf=g\n",
    "continuation with a delimiter": "[a]\nb=c\n  d=e\n",
    "continuation that looks like a header": "[a]\nb=c\n [d]\n",
    "continuation of an empty value": "[a]\nb=\n  c\n  d\n",
    "continuation of a key without value": "[a]\nb\n  c\n",
    "continuation that is less deep": "[a]\n    b=c\n  d=e\n",
    "blank lines inside a value": "[a]\nb=c\n\n  d\n\n\n  e\n\nf=g\n",
    "blank lines behind a value": "[a]\nb=c\n\n\n[d]\n",
    "comment inside a value": "[a]\nb=c\n  # d\n  e\n; f\n  g\n",
    "inline comment inside a value": "[a]\nb=c\n  d # e\n  f\n",
    "blank line behind a key without value": "[a]\nb\n\nc=d\n",
    "deeper line behind a header": "[a]\n    b=c\n",
    "default section": "[DEFAULT]\nb=c\n[a]\nd=e\n",
    "default section twice": "[DEFAULT]\nb=c\n[DEFAULT]\nd=e\n[a]\n",
    "default section with a key twice": "[DEFAULT]\nb=c\nb=d\n",
    "percent sign": "[a]\nb=%(c)s %d %%\n",
    "dollar sign": "[a]\nb=${c}\n",
    "quotes": "[a]\nb=\"c\"\nd='e'\n",
    "list": "[a]\nb=x, y,z\n",
    "carriage returns": "[a]\r\nb=c\r\n  d\r\n",
    "old line ends": "[a]\rb=c\rd=e\r",
    "mixed line ends": "[a]\n\rb=c\n\r\nd=e",
    "no end of the last line": "[a]\nb=c",
    "tabs": "[a]\n\tb\t=\tc\td\t\n",
    "no-break space": "[a]\nb\u00a0=\u00a0c\u00a0#d\n",
    "separators of Unicode": "[a]\nb=c\u2028d\u0085e\x0bf\x1cg\n",
    "control characters that are spaces": "[a]\nb=\x1cc\x1f\n\x1dd=e\n",
    "null character": "[a]\nb=c\x00d\n",
    "value of brackets": "[a]\nb=[c]\n",
    "key of brackets behind a key": "[a]\nb=c\n[d] = e\n",
    "greek capitals": "[a]\nΣΑΣ=1\nİ=2\n",
}

ALPHABET = ["a", "b", "B", "[a]", "[b]", "[DEFAULT]", "=", ":", " ", "  ", "\t", "#", ";", " #",
            "\n", "\n", "\n", "\n ", "\n  ", "\n\n", "[", "]", "x", "\r\n", "\u00a0"]


def parse(text):
    parser = configparser.ConfigParser(
        allow_no_value=True, interpolation=None, inline_comment_prefixes=("#",)
    )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    try:
        parser.read_file(line + "\n" for line in lines)
    except (configparser.Error, AttributeError):
        return None
    return [
        [name, [[key, value] for key, value in keys.items()]]
        for name, keys in parser._sections.items()
    ]


def case(name, text):
    return {"name": name, "text": text, "sections": parse(text)}


def main():
    random.seed(20261124)
    cases = [case(name, text) for name, text in TEXTS.items()]
    made = 0
    while made < 600:
        start = random.choice(["[a]\n", "[a]\n", "[a]\nb=", ""])
        text = start + "".join(random.choices(ALPHABET, k=random.randint(1, 14)))
        # Half of the texts are to be accepted.
        if parse(text) is None and made % 2:
            continue
        cases.append(case(f"random {made}", text))
        made += 1
    print("[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in cases) + "\n]")


main()
