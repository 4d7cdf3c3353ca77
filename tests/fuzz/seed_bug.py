"""Writes a copy of a source file with one place changed, which must be there. usage: seed_bug.py IN OUT FROM TO"""
import sys

text = open(sys.argv[1]).read()
if text.count(sys.argv[3]) != 1:
    sys.exit("%s: there is not one `%s` to be changed: choose another bug" % (sys.argv[1], sys.argv[3]))
open(sys.argv[2], "w").write(text.replace(sys.argv[3], sys.argv[4]))
