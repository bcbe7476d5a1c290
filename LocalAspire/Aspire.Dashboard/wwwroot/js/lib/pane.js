import { h } from "./dom.js";
import { button, copy } from "./ui.js";
import { valueText } from "./format.js";

/** The detail pane beside a list (above it on a phone). Escape closes it. */
export class Pane {
    constructor(onClose, signal) {
        this.onClose = onClose;
        this.title = h("h2");
        this.body = h("div", { class: "pane-body" });
        this.element = h("aside", { class: "pane", hidden: true, tabindex: "-1", "aria-label": "Details" },
            h("header", null, this.title, button("close", "Close (Esc)", () => this.close())), this.body);
        document.addEventListener("keydown", event => {
            if (event.key === "Escape" && !this.element.hidden && !document.querySelector("dialog[open], :popover-open")) {
                event.preventDefault();
                this.close();
            }
        }, { signal });
    }

    show(title, ...content) {
        const top = this.body.scrollTop, same = this.title.textContent === title;
        this.title.textContent = title;
        this.body.replaceChildren(...content.flat(Infinity).filter(Boolean));
        this.element.hidden = false;
        this.body.scrollTop = same ? top : 0;
    }

    close() {
        if (this.element.hidden)
            return;
        this.element.hidden = true;
        this.onClose?.();
    }
}

const folds = new Map();

/** A part of the pane; whether it is open is remembered by its title. */
export const section = (title, content, { open = true, count } = {}) =>
    h("details", { class: "section", open: folds.get(title) ?? open, ontoggle: event => folds.set(title, event.target.open) },
        h("summary", null, title, count === undefined ? null : h("span", { class: "count" }, String(count))), content);

// Long names break after their parts.
const breakable = name => name.split(/(?<=[._:/-])/).flatMap(part => [part, h("wbr")]);

/** Rows of [name, value, extra]; a value is text, JSON or an element. Empty rows are left out. */
export function properties(rows) {
    return h("dl", { class: "properties" }, rows.filter(row => row && row[1] !== null && row[1] !== undefined && row[1] !== "").map(([name, value, extra]) => {
        const text = value instanceof Node ? null : valueText(value);
        return h("div", null, h("dt", null, breakable(name)), h("dd", null, text === null ? value : h("span", { class: "value" }, text),
            h("span", { class: "row-tools" }, extra, text === null ? null : button("copy", "Copy", () => copy(text)))));
    }));
}
