#!/usr/bin/python3
"""What `meson install` puts where, and whether systemd, man and mynahd take it; systemd itself need not run. Prints TAP.
usage: install.py BUILD"""
import glob, json, os, re, shutil, stat, subprocess, sys, tempfile

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from mynah import DEADLINE, tap

BUILD = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="mynah-install-")
ROOT = FOLDER + "/root"
EXPECTED = """
    bin/mynah bin/mynahctl bin/mynahd
    lib/systemd/system/mynahd.service lib/sysusers.d/mynah.conf
    share/bash-completion/completions/mynah share/bash-completion/completions/mynahctl share/zsh/site-functions/_mynah
    share/locale/zh_CN/LC_MESSAGES/mynah.mo
    share/doc/mynah/CHANGELOG.md share/doc/mynah/LICENSE share/doc/mynah/SECURITY.md share/doc/mynah/configuration.md
    share/doc/mynah/control.md share/doc/mynah/examples/mynahd-2007.yaml share/doc/mynah/examples/mynahd.yaml
    share/doc/mynah/mynah.doap share/doc/mynah/operate.md share/doc/mynah/operate.zh.md share/doc/mynah/protocols.md
    share/doc/mynah/socket.md share/doc/mynah/socket.zh.md share/doc/mynah/terminal.md share/doc/mynah/terminal.zh.md share/doc/mynah/from-profanity.md
    share/doc/mynah/from-profanity.zh.md
    share/man/man1/mynah.1 share/man/man1/mynahctl.1 share/man/man5/mynah.yaml.5 share/man/zh_CN/man1/mynah.1 share/man/zh_CN/man5/mynah.yaml.5
     share/man/man5/mynahd.yaml.5 share/man/man8/mynahd.8
""".split()
LIBRARY = "libmynah.a libmynah.so libmynah.so.0 libmynah.so.0.1.0 pkgconfig/mynah.pc".split()


def call(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10 * DEADLINE, **more)


def good(*command, **more):
    p = call(*command, **more)
    assert p.returncode == 0, (command, p.stdout)
    return p.stdout


def read(path):
    with open(path) as f:
        return f.read()


options = {o["name"]: o["value"] for o in json.loads(subprocess.check_output(["meson", "introspect", "--buildoptions", BUILD]))}
prefix, LIB = options["prefix"], options["libdir"]
PLACE = ROOT + prefix
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = TOP + "/include/mynah"
UNIT = PLACE + "/lib/systemd/system/mynahd.service"
SAMPLE = PLACE + "/share/doc/mynah/examples/mynahd.yaml"


def the_linker_looks_where_the_library_is():
    """Also on a bare Debian, where Meson itself would choose lib64."""
    looked = {"/lib", "/usr/lib", *"".join(map(read, glob.glob("/etc/ld.so.conf.d/*.conf"))).split()}
    assert prefix + "/" + LIB in looked, (prefix, LIB, looked)


def puts_everything_where_it_belongs():
    """All of it, nothing else, nothing outside its prefix; anybody may read it, nobody but root may write it."""
    good("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", ROOT, umask=0o022)
    found = {os.path.relpath(os.path.join(d, f), PLACE): os.path.join(d, f) for d, _, files in os.walk(ROOT) for f in files}
    headers = {"include/mynah/" + h for h in os.listdir(INCLUDE)}
    pages = {h[:-2] + ".html" for h in os.listdir(INCLUDE) if h != "mynah.h"} | {"index.html", "index.zh.html", "names.js", "search.js", "style.css"}
    pages |= {"example-%s.html" % n for n in os.listdir(TOP + "/examples") if n.endswith((".c", ".h"))}
    expected = {*EXPECTED, *headers, *("share/doc/mynah/html/" + p for p in pages), *(LIB + "/" + f for f in LIBRARY)}
    assert set(found) == expected, set(found) ^ expected
    for name, path in found.items():
        assert stat.S_IMODE(os.stat(path).st_mode) == (0o755 if name.startswith("bin/") or ".so" in name else 0o644) and os.path.getsize(path), name


def programs_run_from_there():
    for name in "mynahd", "mynahctl":
        assert re.fullmatch(name + r" \d+\.\d+\.\d+\n", good(PLACE + "/bin/" + name, "--version"))


PROGRAM = """
#include <mynah/mynah.h>
#include <stdio.h>
int main(void)
{
    struct mynah_context *ctx = mynah_context_new(NULL);
    struct mynah_client_config config = {0};
    struct mynah_client *c;
    config.size = sizeof config;
    config.jid = "a@b";
    if (mynah_client_new(ctx, &config, &c, NULL))
        return 1;
    puts(mynah_client_bare(c));
    mynah_context_free(ctx);
    return 0;
}
"""


def built(compiler, source, static):
    """What the program prints, linked with either library as pkg-config says it."""
    lib = PLACE + "/" + LIB
    env = {**os.environ, "PKG_CONFIG_PATH": lib + "/pkgconfig", "PKG_CONFIG_SYSROOT_DIR": ROOT, "LD_LIBRARY_PATH": "" if static else lib}
    flags = good("pkg-config", "--cflags", "--libs", *["--static"] * static, "mynah", env=env).split()
    flags = ["-l:libmynah.a" if static and f == "-lmynah" else f for f in flags]
    sanitize = ["-fsanitize=" + options["b_sanitize"]] if options["b_sanitize"] != "none" else []
    good(*compiler.split(), "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers", source, "-o", FOLDER + "/p", *sanitize, *flags)
    return good(FOLDER + "/p", env=env)


def a_program_in_c_finds_the_library():
    """Its own functions may be called as some inside are."""
    inside = {line.split()[-1] for line in good("nm", "--defined-only", os.path.join(BUILD, "src/client/libmynah.so")).splitlines() if " t " in line}
    names = ["stream_open", "listener_add", "mn_loop_new", "conn_free"]
    assert inside >= set(names), names
    with open(FOLDER + "/p.c", "w") as f:
        f.write(PROGRAM + "".join("void %s(void);\nvoid %s(void)\n{\n    puts(\"wrong\");\n}\n" % (n, n) for n in names))
    for static in False, True:
        assert built("gcc -std=c99", FOLDER + "/p.c", static) == "a@b\n"


def a_program_in_cplusplus_too():
    for standard in "11", "20":
        for static in False, True:
            assert built("g++ -pedantic -std=c++" + standard, TOP + "/tests/dev/program.cpp", static) == "connecting waiting offline: nobody answers\n"


def defined(library, *options):
    lines = good("nm", "--defined-only", "--extern-only", *options, PLACE + "/" + LIB + library).splitlines()
    return {line.split()[2] for line in lines if len(line.split()) == 3 and " A " not in line}


def the_library_exports_what_its_headers_declare():
    """With the version of its interface."""
    declared = {name for h in os.listdir(INCLUDE) for name in re.findall(r"MYNAH_API[^;{]*?\b(mynah_\w+)\(", read(os.path.join(INCLUDE, h)))}
    symbols = defined("/libmynah.so", "-D")
    assert symbols == {name + "@@MYNAH_0" for name in declared}, symbols ^ {name + "@@MYNAH_0" for name in declared}


def the_static_library_has_no_other_names():
    declared = {s.partition("@")[0] for s in defined("/libmynah.so", "-D")}
    symbols = {s for s in defined("/libmynah.a", "-g") if not s.startswith("__")}  # but a sanitizer's
    assert symbols == declared, symbols ^ declared


def man_finds_the_pages():
    for section, name in ("8", "mynahd"), ("1", "mynahctl"), ("5", "mynahd.yaml"):
        assert PLACE in good("man", "-M", PLACE + "/share/man", "-w", section, name)


def systemd_takes_the_unit():
    """It says nothing of it; with a key that does not exist it does."""
    env = {**os.environ, "SYSTEMD_UNIT_PATH": os.path.dirname(UNIT) + ":", "MANPATH": PLACE + "/share/man"}
    unit = read(UNIT)
    assert "@" not in re.sub(r"(?m)^(SystemCallFilter=.*|#.*)$", "", unit)
    for more, expected in ("", ""), ("\n[Service]\nProtectSytem=strict\n", "ProtectSytem"):
        path = FOLDER + "/mynahd.service"
        with open(path, "w") as f:  # where systemd-analyze finds the programs
            f.write(unit.replace(prefix + "/bin", PLACE + "/bin") + more)
        said = call("systemd-analyze", "verify", "--recursive-errors=no", path, env=env).stdout
        assert expected in said if expected else not said, said


def systemd_finds_the_unit_safe():
    said = good("systemd-analyze", "security", "--offline=yes", "--threshold=15", "--no-pager", UNIT)
    assert re.search(r"Overall exposure level .* 1\.[0-5] OK", said), said


def the_unit_keeps_what_the_guide_says():
    unit = read(UNIT)
    lines = unit.splitlines()
    for line in ["Type=notify", "User=mynah", "StateDirectory=mynah", "ExecStart=%s/bin/mynahd" % prefix,
                 "ExecReload=%s/bin/mynahctl reload" % prefix, "CapabilityBoundingSet=CAP_NET_BIND_SERVICE"]:
        assert line in lines, line


def the_user_is_made():
    os.makedirs(ROOT + "/etc")
    good("systemd-sysusers", "--root=" + ROOT, PLACE + "/lib/sysusers.d/mynah.conf")
    assert re.search(r"(?m)^mynah:.*:/var/lib/mynah:\S*nologin$", read(ROOT + "/etc/passwd"))
    assert re.search(r"(?m)^mynah:", read(ROOT + "/etc/group"))


def the_examples_are_good():
    """As they are, and with all that they offer behind a #."""
    examples = os.path.dirname(SAMPLE)
    text = read(SAMPLE)
    whole = re.sub(r"(?m)^( *)#(?=[ a-z]*[a-z]+: ?|  )", r"\1", text)
    assert whole.count("\n#") < text.count("\n#") and "\ncontact:\n" in whole and "\n    key: " in whole, whole
    good("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=x", "-addext",
         "subjectAltName=DNS:example.org", "-keyout", FOLDER + "/example.org.key", "-out", FOLDER + "/example.org.crt")
    with open(FOLDER + "/whole.yaml", "w") as f:
        f.write(whole.replace("/etc/mynah/tls/", FOLDER + "/"))
    for path in examples + "/mynahd.yaml", examples + "/mynahd-2007.yaml", FOLDER + "/whole.yaml":
        assert good(PLACE + "/bin/mynahd", "--config", path, "--check-config") == "the configuration is good\n"


def links_hold():
    doc = PLACE + "/share/doc/mynah/"
    for name in os.listdir(doc):
        if name.endswith(".md") and name != "CHANGELOG.md":  # written for the tree
            for link in re.findall(r"\]\(((?!https?:)[^)#]+)", read(doc + name)):
                assert os.path.exists(doc + link), (name, link)


try:
    failed = tap([the_linker_looks_where_the_library_is, puts_everything_where_it_belongs, programs_run_from_there, a_program_in_c_finds_the_library,
                  a_program_in_cplusplus_too, the_library_exports_what_its_headers_declare, the_static_library_has_no_other_names, man_finds_the_pages, systemd_takes_the_unit,
                  systemd_finds_the_unit_safe, the_unit_keeps_what_the_guide_says, the_user_is_made, the_examples_are_good, links_hold])
finally:
    shutil.rmtree(FOLDER)
sys.exit(failed != 0)
