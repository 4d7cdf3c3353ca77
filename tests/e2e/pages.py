#!/usr/bin/python3
"""The pages that are made from the tables: manual pages as man shows them, completion in a bash. Prints TAP.
usage: pages.py MYNAHD MYNAHCTL MYNAH FOLDER DOCS"""
import os, pty, re, select, subprocess, sys, tempfile, time
import xml.etree.ElementTree as xml

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, tap

MYNAHD, MYNAHCTL, MYNAH, FOLDER, DOCS = map(os.path.abspath, sys.argv[1:])


def printed(*command, **env):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", **env}).stdout


def page(name):
    """A manual page as a reader sees it, in lines without an end; roff has nothing to warn of."""
    env = {**os.environ, "MANWIDTH": "500", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-ww"}
    p = subprocess.run(["man", "--warnings", "-l", "-E", "UTF-8", os.path.join(FOLDER, name)], capture_output=True, text=True, env=env)
    assert p.returncode == 0 and not p.stderr, p.stderr
    return re.sub(r".\x08|\x1b\[[0-9;]*m", "", p.stdout)


def told_in(page, *whats):
    for what in whats:
        assert re.search(r"(?m)(^|\s)%s(\s|$)" % re.escape(what), page), (what, page)


def options_of(program):
    found = re.findall(r"(?m)^  (--[a-z-]+)", printed(program, "--help"))
    assert len(found) >= 5, found
    return found


def mynahd():
    told_in(page("mynahd.8"), "MYNAHD(8)", "64", "78", "SIGTERM,", *options_of(MYNAHD))


def mynahctl():
    shown = page("mynahctl.1")
    told_in(shown, "MYNAHCTL(1)", "69", *options_of(MYNAHCTL))
    commands = re.findall(r"(?m)^  ([a-z].*)\n      (.*)", printed(MYNAHCTL, "--help"))
    assert len(commands) >= 8
    for command, what in commands:
        told_in(shown, command, what)


def mynahd_yaml():
    """Each key that --print-defaults prints is there, with that default; and whether it is live, as docs/configuration.md has it."""
    shown, path, count = page("mynahd.yaml.5"), [], 0
    with open(os.path.join(DOCS, "configuration.md")) as f:
        live = dict(re.findall(r"(?m)^\| ([a-z]\S+) \|.*\| (yes|no|) ?\| [^|]*\|$", f.read()))
    for line in printed(MYNAHD, "--print-defaults").splitlines():
        m = re.match(r"(?:# )?((?: |- )*)([a-z0-9_]+):(?: (\[.*?\]|\"\"|[^ #]+))?", line)
        indent, key, default = len(m[1]) // 2, m[2], m[3]
        if indent == 2 and path[0].endswith("[]"):  # the dash has the place of a level
            indent = 1
        path[indent:] = [key + "[]" if key in ("domains", "listen", "components") else key]
        full = ".".join(path).removesuffix("[]")
        told_in(shown, full)
        entry = re.search(r"(?m)^\s+%s\s.*(\n.+)*" % re.escape(full), shown)[0]
        if default and default not in ("...", '""'):
            assert "default: " + default.strip('"') in entry, (full, default, entry)
        said = re.search(r"; (live|from the next start)$", entry, re.M)
        assert {"live": "yes", "from the next start": "no", None: ""}[said and said[1]] == live.get(full, ""), (full, entry)
        count += 1
    assert count > 40 and len(live) > 40 and "; must be there" in shown and "default: must" not in shown


def mynah():
    """Commands and options as --help has them, in both languages; each key of the configuration."""
    for folder, language, title in ("", "en", "NAME"), ("zh_CN/", "zh_CN", "退出状态"):
        shown, told = page(folder + "mynah.1"), printed(MYNAH, "--help", LANGUAGE=language)
        told_in(shown, title, "/sendfile PATH", "64")
        rows = re.findall(r"(?m)^  ((?:-\w, )?(?:--)?[a-z].*)\n      (.*)", told)
        assert len(rows) >= 25, rows
        for name, what in rows:
            told_in(shown, name, what)
        told_in(page(folder + "mynah.yaml.5"), "accounts[].password_command", "accounts[].password", "default", "EXAMPLE" if language == "en" else "示例")


COMPLETE = r"""
complete() { :; }
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_$1
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""


def completed(line, cwd="/"):
    """What bash would offer for the last word (bash takes = for a word of its own)."""
    words = [w for w in re.split(r" |(=)", line) if w is not None]
    words = [w for i, w in enumerate(words) if w or i + 1 == len(words)]
    p = subprocess.run(["bash", "-c", COMPLETE, "bash", os.path.join(FOLDER, words[0])] + words, cwd=cwd, capture_output=True, text=True)
    assert p.returncode == 0 and not p.stderr, p.stderr
    return p.stdout.split()


def completion():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/names")
        open(folder + "/names.txt", "w").close()
        general = ["--config", "--data", "--help", "--json", "--socket", "--version"]
        for line, offered in [
                ("mynahctl us", ["user"]), ("mynahctl user pas", ["passwd"]), ("mynahctl se", ["session"]),
                ("mynahctl session ", ["kick", "list"]), ("mynahctl user nothing ", []), ("mynahctl status ", []),
                ("mynahctl log level ", ["debug", "error", "info", "warn"]),
                ("mynahctl -", general), ("mynahctl user -", general), ("mynahctl status -", general),
                ("mynahctl --json user li", ["list"]), ("mynahctl --socket /user se", ["session"]),
                ("mynahctl --socket=/user se", ["session"]), ("mynahctl user list --m", ["--missing"]),
                ("mynahctl user add a@b --p", ["--password-file", "--password-stdin"]),
                ("mynahctl restore na", ["names", "names.txt"]), ("mynahctl restore x --data na", ["names"]),
                ("mynahctl user add --f", ["--from"]), ("mynahctl session kick a@b --r", ["--reason"]),
                ("mynahctl session kick --reason ", []), ("mynahctl user add --from na", ["names", "names.txt"]),
                ("mynahctl user add --from=na", ["names", "names.txt"]), ("mynahctl --config=", ["names", "names.txt"])]:
            got = sorted(completed(line, folder))
            assert got == offered, (line, got, offered)
        for line, offered in [
                ("mynah ro", ["room", "roster"]), ("mynah roster a", ["add", "allow", "ask"]), ("mynah --json --wait de", ["delivered"]),
                ("mynah presence x", ["xa"]), ("mynah file receive na", ["names"]), ("mynah file send a@b na", ["names", "names.txt"]),
                ("mynah history e", ["export"]), ("mynah send a@b ", []), ("mynah --no", ["--no-socket"]),
                ("mynah -j lo", ["login"]), ("mynah -a x@y -sj ros", ["roster"]), ("mynah -w de", ["delivered"]), ("mynah -jw acked se", ["send"]),
                ("mynah -c na", ["names", "names.txt"])]:
            got = sorted(completed(line, folder))
            assert got == offered, (line, got, offered)
    for line in printed(MYNAHCTL, "--help").splitlines():
        if m := re.match(r"  ([a-z]+(?: [a-z]+)*)", line):
            words = m[1].split()
            for n, word in enumerate(words):
                assert completed(" ".join(["mynahctl", *words[:n], word[:2]])).count(word) == 1, (words, n)


def typed(shell, begin, keys, seen):
    """By the key itself."""
    child, terminal = pty.fork()
    if not child:
        os.environ.update(TERM="dumb", PS1="$ ", INPUTRC="/dev/null", HOME="/nowhere")
        os.execvp(shell[0], shell)
    os.write(terminal, begin.encode() + b"; echo is' 'read\n")
    shown, until = "", time.monotonic() + DEADLINE

    def wait(what):
        nonlocal shown
        while what not in shown:
            assert time.monotonic() < until and select.select([terminal], [], [], until - time.monotonic())[0], shown
            shown += os.read(terminal, 4096).decode(errors="replace")

    wait("is read")
    os.write(terminal, keys)
    wait(seen)
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(child, 0)


def completion_on_a_terminal():
    typed(["bash", "--norc", "--noprofile", "-i"], ". %s/mynahctl; bind 'set enable-bracketed-paste off'" % FOLDER,
          b"echo mynahctl us\t\x01\x0bmynahctl us\tpass\t.\x01#\n", "mynahctl user passwd .")


def completion_in_zsh():
    typed(["zsh", "-f", "-i"], "unsetopt zle_bracketed_paste; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D" % FOLDER,
          b"mynah --js\tros\tadd\x01: \n", "mynah --json roster add")
    typed(["zsh", "-f", "-i"], "unsetopt zle_bracketed_paste; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D" % FOLDER,
          b"mynah -j -a x@y ros\tadd\x01: \n", "mynah -j -a x@y roster add")


def docs():
    """What is kept in docs is what the tables say now."""
    for name in "configuration.md", "protocols.md", "mynah.doap":
        with open(os.path.join(DOCS, name)) as f:
            kept, made = f.read(), printed(os.path.join(FOLDER, "pages"), name)
        assert kept == made, "docs/%s is old: ninja -C BUILD docs makes it anew" % name
    with open(os.path.join(DOCS, "protocols.md")) as f:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in f if line.startswith("| [")]
    doap, X = xml.parse(os.path.join(DOCS, "mynah.doap")), "{https://linkmauve.fr/ns/xmpp-doap#}"
    status = {[*x.find(X + "xep").attrib.values()][0]: (x.findtext(X + "status"), x.findtext(X + "note")) for x in doap.iter(X + "SupportedXep")}
    for row in rows:
        name, version, title, _, _, without, tests = row
        if "XEP" in name:
            assert status[re.search(r"\((.*)\)", name)[1]] == (("partial", "without: " + without) if without else ("complete", None)), row
        assert title and tests and (version or "RFC" in name) and "(null)" not in "".join(row), row
    names = [re.match(r"\[(.*?)\]", row[0])[1] for row in rows]
    number = [tuple(map(int, re.findall(r"\d+", name))) for name in names if name.startswith("XEP")]
    assert len(set(names)) == len(names) and number == sorted(number), names
    told = {e.attrib.popitem()[1] for e in doap.iter() if e.attrib}
    assert "https://linkmauve.fr/ns/xmpp-doap#category-server" in told and {re.search(r"\((.*)\)", row[0])[1] for row in rows} <= told, told


sys.exit(tap([mynahd, mynahctl, mynahd_yaml, mynah, completion, completion_on_a_terminal, completion_in_zsh, docs]) != 0)
