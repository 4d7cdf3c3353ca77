/* The search: all names are in names.js. "/" goes there, the arrows choose, Enter opens. */
(() => {
    const box = document.getElementById("search"), found = document.getElementById("found"),
          contents = document.getElementById("contents");
    let at = 0;

    /* Whole names before beginnings, beginnings of words before what stands inside, short before long. */
    function rank(name, words) {
        const low = name.toLowerCase(), bare = low.replace(/^mynah[_\/]/, "");
        if (!words.every(w => low.includes(w)))
            return -1;
        const first = words[0];
        return (low === first || bare === first ? 0 : bare.startsWith(first) || low.startsWith(first) ? 1000 :
                bare.includes("_" + first) ? 2000 : 3000) + name.length;
    }

    function mark() {
        [...found.children].forEach((li, i) => li.classList.toggle("on", i === at));
        if (found.children[at])
            found.children[at].scrollIntoView({block: "nearest"});
    }

    function look() {
        const words = box.value.trim().toLowerCase().split(/[\s]+/).filter(w => w);
        const rows = words.length ? NAMES.map(row => [rank(row[0], words), row]).filter(r => r[0] >= 0) : [];

        rows.sort((a, b) => a[0] - b[0]);
        at = 0;
        contents.hidden = words.length > 0;
        found.replaceChildren(...rows.slice(0, 60).map(([, [name, kind, place, about]]) => {
            const li = document.createElement("li"), a = document.createElement("a"), small = document.createElement("small");

            a.href = place;
            a.textContent = name;
            a.title = about;
            small.textContent = kind;
            a.append(small);
            li.append(a);
            return li;
        }));
        mark();
    }

    box.addEventListener("input", look);
    box.addEventListener("keydown", e => {
        const last = found.children.length - 1;

        if (e.key === "ArrowDown" || e.key === "ArrowUp") {
            at = Math.max(0, Math.min(last, at + (e.key === "ArrowDown" ? 1 : -1)));
            mark();
            e.preventDefault();
        } else if (e.key === "Enter" && found.children[at]) {
            location.href = found.children[at].firstChild.href;
        } else if (e.key === "Escape") {
            box.value = "";
            look();
            box.blur();
        }
    });
    document.addEventListener("keydown", e => {
        if (e.key === "/" && document.activeElement !== box) {
            box.focus();
            e.preventDefault();
        }
    });
    look();
})();
