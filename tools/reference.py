#!/usr/bin/python3
"""Makes the HTML reference of libmynah of the comments in include/mynah, for `ninja` and `meson install`: a page for each header and each
example, an index in English and one in Chinese, and a search that needs no network.

A comment tells of what follows it, up to an empty line, the next comment or the end of a struct or enum; one behind a declaration tells of
that alone. Families of
headers, and their order, are those of mynah.h.    usage: reference.py TOP FOLDER [DEPFILE]"""
import html, json, os, re, shutil, sys

NAME = r"\b(?:mynah|MYNAH)_\w*[A-Za-z0-9]\b"
CHINESE = {"Connecting": "连接与登录", "Talking": "消息与状态", "People": "联系人", "Rooms": "聊天室", "What others can": "服务发现与表单",
           "What the server keeps": "服务器上的数据", "Publishing": "发布与订阅", "Files and calls": "文件、字节流与会话", "More": "其他"}
WORDS = {
    "en": {"title": "libmynah reference", "search": "Search by name", "headers": "Headers", "examples": "Examples", "names": "All names",
           "other": '<a href="index.zh.html" lang="zh">中文</a>'},
    "zh": {"title": "libmynah 参考手册", "search": "按名称搜索", "headers": "头文件", "examples": "示例程序", "names": "全部名称",
           "other": '<a href="index.html" lang="en">English</a>'},
}
CHINESE_INTRODUCTION = """libmynah 是一个用 C 编写的 XMPP 客户端库，<code>#include &lt;mynah/mynah.h&gt;</code> 即包含全部头文件，
用 <code>pkg-config --cflags --libs mynah</code> 编译和链接。

所有句柄都是不透明的；由程序填写的结构体以自身的大小（<code>size</code>）开头，新版本只在其末尾增加字段，全零总是合理的默认值。文本一律是以 NUL
结尾的 UTF-8。程序交给库的内容会被复制；库交给程序的内容只借用到回调返回为止，另有说明者除外。任何函数都不会阻塞（<code>mynah/quick.h</code>
除外）。一个上下文以及其下的一切同一时刻只属于一个线程，只有 <code>mynah_post</code> 和 <code>mynah_stop</code>
可以在其他线程中调用。在回调之内可以释放任何对象。

各头文件的说明以英文写成。"""


class Declaration:
    """`kind`: function, call-back, struct, enum, macro; `names` are its own, with the constants of an enum; `fields` of a struct."""

    def __init__(self, text, behind):
        self.text, self.behind = re.sub(r"\bMYNAH_API\s+", "", text), behind
        bare = re.sub(r"(?s)/\*.*?\*/", " ", self.text)
        typed = re.match(r"(struct|enum)\s+(\w+)?\s*(\{|;)", bare)
        self.kind = ("macro" if text.startswith("#") else typed[1] if typed else "call-back" if text.startswith("typedef") else "function")
        own = typed[2] if typed else re.search(r"#define (\w+)" if self.kind == "macro" else r"(\w+)\s*\(", bare)[1]
        self.constants = re.findall(r"(?:[{,])\s*(MYNAH_\w+)", bare) if self.kind == "enum" else []
        self.name = own or self.constants[0]
        self.names = ([own] if own else []) + self.constants
        self.opaque = bool(typed) and typed[3] == ";"
        self.fields = []
        for member in bare[bare.index("{") + 1:bare.rindex("}")].split(";") if self.kind == "struct" and not self.opaque else []:
            call = re.search(r"\(\*\s*(\w+)\)", member)
            self.fields += [call[1]] if call else re.findall(r"(\w+)\s*(?:\[[^]]*\])?\s*(?:,|$)", member.strip())

    @property
    def anchor(self):
        return self.kind + "." + self.name if self.kind in ("struct", "enum") else self.name


class Header:
    """A file: its own comment, and groups of (comment, declarations)."""

    def __init__(self, name, text):
        self.name, self.groups, said = name, [], ""
        self.about, text = re.match(r"(?s)/\*(.*?)\*/(.*)", text).groups()
        fresh = True
        for m in re.finditer(r"(?ms)^[ \t]*/\*(?P<comment>.*?)\*/|^#define (?P<macro>(?:[^\n]*\\\n)*[^\n]*)|^(?P<skip>#[^\n]*|MYNAH_BEGIN|MYNAH_END)$"
                             r"|^(?P<declaration>\w(?:[^;{]|\{(?:[^{}/]|/\*.*?\*/|/|\{[^}]*\})*\})*;)(?P<behind>[ \t]*/\*.*?\*/)?|(?P<empty>\n\s*\n)", text):
            if m["comment"] is not None:
                said, fresh = m["comment"], True
            elif m["empty"]:
                said, fresh = "", True
            elif m["declaration"] or (m["macro"] and re.match(r"MYNAH_(?!(BEGIN|END|API|MUST_CHECK)\b)", m["macro"])):
                code, _, behind = ("#define " + m["macro"]).partition("/*") if m["macro"] else (m["declaration"], "", (m["behind"] or "").strip(" \t/*"))
                if fresh:
                    self.groups.append((said, []))
                self.groups[-1][1].append(Declaration(code.rstrip(), behind.strip(" */")))
                said, fresh = ("", True) if "{" in code else (said, False)

    @property
    def page(self):
        return self.name[:-2] + ".html"

    @property
    def brief(self):
        return re.split(r"\.(?=\s|$)", plain(self.about), maxsplit=1)[0]

    def declarations(self):
        return [d for _, group in self.groups for d in group]


def plain(comment):
    return re.sub(r"\s+", " ", re.sub(r"(?m)^\s*\*", "", comment)).strip()


def undocumented(header):
    """Names that nothing is said of."""
    return [d.name for said, group in header.groups for d in group if not plain(said) and not d.behind and "/*" not in d.text]


class Reference:
    def __init__(self, top):
        self.top, self.files = top, []
        self.families, self.headers = [], {}
        for line in self.read("include/mynah/mynah.h").split("*/", 1)[1].splitlines():
            family, include = re.match(r"/\* (.*?)\.? \*/", line), re.match(r'#include "mynah/(\w+\.h)"', line)
            if family:
                self.families.append((family[1], []))
            elif include:
                header = self.headers[include[1]] = Header(include[1], self.read("include/mynah/" + include[1]))
                self.families[-1][1].append(header)
        self.examples = {n: self.read("examples/" + n) for n in sorted(os.listdir(top + "/examples")) if n.endswith((".c", ".h"))}
        self.types, self.values = {}, {}
        for header in self.headers.values():
            for d in header.declarations():
                place = header.page + "#" + d.anchor
                if not d.opaque or d.name not in self.types:
                    (self.types if d.kind in ("struct", "enum") else self.values)[d.name] = place
                self.values.update({c: header.page + "#" + c for c in d.constants})

    def read(self, path):
        self.files.append(os.path.join(self.top, path))
        with open(self.files[-1], encoding="utf-8") as f:
            return f.read()

    # Code and words with their links.

    def linked(self, text, own=()):
        """Escaped text in which names lead to where they stand; those in `own` are where they stand, once."""
        seen = set()

        def one(m):
            before, name = m[1] or "", m[2]
            kind = before.strip()
            place = self.types.get(name) if kind in ("struct", "enum") else self.values.get(name) or self.types.get(name)
            anchor = (kind + "." if kind else "") + name
            if anchor in own and anchor not in seen:
                seen.add(anchor)
                return '%s<b id="%s">%s</b>' % (before, anchor, name)
            return '%s<a href="%s">%s</a>' % (before, place, name) if place else m[0]

        return re.sub(r"\b((?:struct|enum) +)?(%s)" % NAME, one, html.escape(text, quote=False))

    def code(self, text, own=()):
        parts = re.split(r"(?s)(/\*.*?\*/)", text)
        return "".join("<i>%s</i>" % self.linked(p) if p.startswith("/*") else self.linked(p, own) for p in parts)

    def prose(self, comment):
        """Paragraphs; what is indented is code."""
        lines = [re.sub(r"^ ?\*? ?", "", line) if i else line.strip() for i, line in enumerate(comment.strip().split("\n"))]
        parts = re.split(r"(?m)^((?:    .*\n?|\n(?=    ))+)", "\n".join(lines))
        return "\n".join("<pre>%s</pre>" % self.linked(re.sub(r"(?m)^    ", "", part.strip("\n"))) if i % 2 else
                         "\n".join("<p>%s</p>" % self.words(p.strip()) for p in re.split(r"\n\s*\n", part) if p.strip()) for i, part in enumerate(parts))

    def words(self, text):
        text = self.linked(text)
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
        text = re.sub(r"(&lt;[\w/][^&]*?/?&gt;)", r"<code>\1</code>", text)
        text = re.sub(r"\bmynah/(\w+)\.h\b", lambda m: '<a href="%s.html">mynah/%s.h</a>' % (m[1], m[1]) if m[1] + ".h" in self.headers else m[0], text)
        text = re.sub(r"\bexamples/(\w+)\.([ch])\b", r'<a href="example-\1.\2.html">examples/\1.\2</a>', text)
        text = re.sub(r"\bXEP-(\d{4})", r'<a href="https://xmpp.org/extensions/xep-\1.html">XEP-\1</a>', text)
        return re.sub(r"\bRFC (\d{4})(,? (\d+(?:\.\d+)*))?", lambda m: '<a href="https://www.rfc-editor.org/rfc/rfc%s%s">%s</a>' % (
            m[1], "#section-" + m[3] if m[3] else "", m[0]), text)

    def prototype(self, d):
        """One line, or a line for each parameter."""
        if d.kind not in ("function", "call-back"):
            return d.text
        text = re.sub(r"\s+", " ", re.sub(r" MYNAH_MUST_CHECK", "", d.text)).replace("( ", "(")
        if len(text) <= 92:
            return text
        head, rest = re.match(r"(.*?\w\()(.*)", text).groups()
        depth, out = 0, ""
        for c in rest:
            depth += (c == "(") - (c == ")")
            out += c if c != "," or depth else ",\n   "
        return head + "\n    " + out

    # Pages.

    def page(self, title, body, language="en", here=""):
        word, nav = WORDS[language], []
        for family, headers in self.families:
            nav.append("<h2>%s</h2>\n<ul>%s</ul>" % (CHINESE.get(family, family) if language == "zh" else family, "".join(
                '<li><a href="%s"%s>%s</a></li>' % (h.page, ' class="here"' if h.page == here else "", h.name) for h in headers)))
        return ('<!DOCTYPE html>\n<html lang="%s">\n<head>\n<meta charset="utf-8" />\n<meta name="viewport" content="width=device-width, initial-scale=1" />\n'
                '<title>%s</title>\n<link rel="stylesheet" href="style.css" />\n</head>\n<body>\n<nav>\n<p class="top"><a href="%s">libmynah</a> %s</p>\n'
                '<input id="search" type="search" placeholder="%s  /" aria-label="%s" autocomplete="off" />\n<ul id="found"></ul>\n<div id="contents">\n%s\n</div>\n'
                '</nav>\n<main>\n%s\n</main>\n<script src="names.js"></script>\n<script src="search.js"></script>\n</body>\n</html>\n' % (
                    language, html.escape(title), "index.zh.html" if language == "zh" else "index.html", word["other"], word["search"], word["search"],
                    "\n".join(nav), body))

    def group(self, said, declarations):
        notes = [self.words(plain(d.behind)) if len(declarations) == 1 else "<code>%s</code>: %s" % (d.name, self.words(plain(d.behind)))
                 for d in declarations if d.behind]
        if any("MYNAH_MUST_CHECK" in d.text and d.kind == "function" for d in declarations):
            notes.append("The result must be looked at.")
        shown = self.shown({d.name for d in declarations if d.kind == "function"})
        if len(shown) in range(1, 5):
            notes.append('<span class="uses">Shown by</span> ' + ", ".join(shown))
        return '<section>\n<pre class="code">%s</pre>\n%s\n</section>' % (
            "\n".join(self.code(self.prototype(d), {d.anchor, *d.constants}) for d in declarations),
            "\n".join([self.prose(said)] + ["<p>%s</p>" % n for n in notes]))

    def shown(self, names):
        """Links to the examples that have one of these names."""
        return ['<a href="example-%s.html">%s</a>' % (n, n) for n, text in self.examples.items() if names & set(re.findall(NAME, text))]

    def header_page(self, h):
        names = {n for d in h.declarations() for n in d.names}
        uses = self.shown(names)
        body = "<h1>%s</h1>\n<p class=\"include\"><code>#include &lt;mynah/%s&gt;</code></p>\n%s" % (h.name, h.name, self.prose(h.about))
        if len(uses) in range(1, 9):
            body += '\n<p class="uses">Examples: %s</p>' % ", ".join(uses)
        body += '\n<p class="names">%s</p>' % " ".join('<a href="#%s">%s</a>' % (d.anchor, d.name) for d in h.declarations() if d.kind == "function")
        return self.page(h.name + " – libmynah", "\n".join([body] + [self.group(*g) for g in h.groups]), here=h.page)

    def index(self, language):
        word = WORDS[language]
        about = self.prose(self.headers["base.h"].about) if language == "en" else "\n".join("<p>%s</p>" % self.words_of(p) for p in CHINESE_INTRODUCTION.split("\n\n"))
        body = ["<h1>%s</h1>" % word["title"], about]
        for family, headers in self.families:
            body.append("<h2>%s</h2>\n<table>%s</table>" % (CHINESE.get(family, family) if language == "zh" else family, "".join(
                '<tr><td><a href="%s">%s</a></td><td lang="en">%s</td></tr>' % (h.page, h.name, self.words(h.brief)) for h in headers)))
        body.append("<h2>%s</h2>\n<table>%s</table>" % (word["examples"], "".join(
            '<tr><td><a href="example-%s.html">%s</a></td><td lang="en">%s</td></tr>' % (n, n, self.words(plain(re.match(r"(?s)/\*(.*?)\*/", t)[1]).split(". ")[0].rstrip(".")))
            for n, t in self.examples.items())))
        body.append('<h2>%s</h2>\n<p class="names">%s</p>' % (word["names"], " ".join(
            '<a href="%s">%s</a>' % (place, name) for name, place in sorted({**self.types, **self.values}.items()) if name.islower())))
        return self.page(word["title"], "\n".join(body), language)

    def words_of(self, text):
        """Prose that has its own marks."""
        return re.sub(r"<code>(%s)</code>" % NAME, lambda m: '<a href="%s"><code>%s</code></a>' % (self.values[m[1]], m[1]), text)

    def search_names(self):
        """[name, kind, page#anchor, what it is about]"""
        rows = []
        for h in self.headers.values():
            rows.append(["mynah/" + h.name, "header", h.page, h.brief])
            for said, group in h.groups:
                for d in group:
                    if not d.opaque or self.types[d.name] == h.page + "#" + d.anchor:
                        brief = plain(d.behind or said)[:120]
                        rows += [[n, "constant" if n in d.constants else d.kind, h.page + "#" + (n if n in d.constants else d.anchor), brief] for n in d.names]
                        rows += [[d.name + "." + f, "field", h.page + "#" + d.anchor, brief] for f in d.fields]
        return rows

    def pages(self):
        """{name: text} of all that the folder holds."""
        out = {h.page: self.header_page(h) for h in self.headers.values()}
        out.update({"index.html": self.index("en"), "index.zh.html": self.index("zh"),
                    "names.js": "const NAMES = %s;\n" % json.dumps(self.search_names(), ensure_ascii=False, separators=(",", ":"))})
        for name, text in self.examples.items():
            out["example-%s.html" % name] = self.page(name + " – libmynah", '<h1>%s</h1>\n<pre class="code">%s</pre>' % (name, self.code(text)))
        out.update({n: self.read("tools/reference/" + n) for n in ("style.css", "search.js")})
        return out


def main(top, folder, depfile=None):
    reference = Reference(os.path.abspath(top))
    pages = reference.pages()
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in pages.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    if depfile:
        with open(depfile, "w", encoding="utf-8") as f:
            f.write("%s: %s %s\n" % (folder, os.path.abspath(__file__), " ".join(reference.files)))


if __name__ == "__main__":
    main(*sys.argv[1:])
