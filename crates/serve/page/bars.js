// Bars: a name, a bar and a share in each line. Screen readers read a list.

import { html, svg } from "./elements.js";
import { percent } from "./words.js";

/**
 * @param {HTMLElement} parent
 * @param {{name: string, share: number}[]} lines
 * @param {{most?: number}} [of]  Which line stands out; without it, the one with the largest share.
 */
export function drawBars(parent, lines, { most = largest(lines) } = {}) {
    let list = parent.querySelector("ul.bars");
    if (!list) {
        list = html("ul", { class: "bars", role: "list" });
        parent.append(list);
    }
    // Lines are kept where there are as many: a list that is made anew at each step could not be read.
    while (list.children.length > lines.length) list.lastChild.remove();
    while (list.children.length < lines.length) list.append(line());
    lines.forEach(({ name, share }, index) => {
        const item = list.children[index];
        item.classList.toggle("most", index === most);
        item.querySelector(".name").textContent = name;
        item.querySelector(".number").textContent = percent(share);
        item.querySelector(".fill").setAttribute("width", Math.max(0, Math.min(100, 100 * share)));
    });
}

function line() {
    const rect = (name) => svg("rect", { class: name, width: 100, height: 10 });
    const bar = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": true }, rect("track"), rect("fill"));
    return html("li", {}, html("span", { class: "name" }), bar, html("span", { class: "number" }));
}

const largest = (lines) => lines.reduce((best, { share }, index) => (share > lines[best].share ? index : best), 0);
