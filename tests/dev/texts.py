#!/usr/bin/python3
"""What mynah says to people: all of it collected, all of it in Chinese, and shown to who asks for it. Prints TAP.
usage: texts.py TOP MYNAH"""
import filecmp, glob, os, re, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import tap

TOP, MYNAH = (os.path.abspath(p) for p in sys.argv[1:])
PO = TOP + "/po"


def help_in(**env):
    """What --help says when nothing but this is in the environment."""
    return subprocess.run([MYNAH, "--help"], env={"HOME": "/nowhere", **env}, check=True, text=True, encoding="utf-8", stdout=subprocess.PIPE).stdout


def catalogues_have_every_text():
    """tools/texts changes nothing, and nothing is left without a translation."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([TOP + "/tools/texts", folder], check=True)
        for name in os.listdir(folder):
            assert filecmp.cmp("%s/%s" % (folder, name), "%s/%s" % (PO, name), shallow=False), name + " is old: run tools/texts and translate"
    for name in glob.glob(PO + "/*.po"):
        for kind in "--untranslated", "--only-fuzzy":
            left = subprocess.run(["msgattrib", kind, "--no-wrap", name], check=True, text=True, stdout=subprocess.PIPE).stdout
            assert not left, (kind, name, left)
        subprocess.run(["msgfmt", "--check-format", "-o", "/dev/null", name], check=True)


def texts_for_people_are_marked():
    """Words that go to a page, a question or an error stand in _()."""
    for path in glob.glob(TOP + "/apps/mynah/*.c") + glob.glob(TOP + "/src/im/*.c"):
        with open(path) as f:
            for call in re.findall(r"\b(?:tui_note|im_note|tui_ask|cli_usage|stop)\((?:[^\"();]|\([^()]*\))*\"(?:[^\"\\]|\\.)*\"", f.read()):
                assert "_(" in call or not re.search("[A-Za-z]{2}", re.sub(r"%[-.*0-9]*[a-z]+", "", call[call.index('"'):])), (path, call)


def languages_are_taken_from_the_environment():
    english, chinese = help_in(), help_in(LANG="zh_CN.UTF-8")
    assert "the contacts" in english and "联系人" in chinese and "the contacts" not in chinese
    assert help_in(LANGUAGE="zh_CN", LC_ALL="C.UTF-8") == help_in(LANGUAGE="", LANG="zh_CN.UTF-8") == chinese
    for other in {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, {"LANG": "xx_XX.UTF-8"}, {"LANG": "C.UTF-8"}, {"LANG": "zh_CN.UTF-8", "LANGUAGE": "en"}:
        assert help_in(**other) == english, other


sys.exit(tap([catalogues_have_every_text, texts_for_people_are_marked, languages_are_taken_from_the_environment]) != 0)
