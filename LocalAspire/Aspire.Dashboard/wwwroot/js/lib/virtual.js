import { h, perFrame } from "./dom.js";

/**
 * A list of any length of which only what is in view exists. Rows have one height. A row is built again only when its item has changed,
 * so that live updates leave focus, hover and selected text alone.
 */
export class VirtualList {
    #rows = new Map();
    #count = 0;
    #render;
    #item;
    #key;

    constructor({ rowHeight, render, item, key, onScroll, label, className = "" }) {
        this.rowHeight = rowHeight;
        this.#render = render;
        this.#item = item;
        this.#key = key;
        this.space = h("div", { class: "space" });
        this.element = h("div", { class: `virtual ${className}`, tabindex: "0", role: "rowgroup", "aria-label": label }, this.space);
        this.draw = perFrame(() => this.#draw());
        this.element.addEventListener("scroll", () => {
            this.draw();
            onScroll?.();
        });
        this.observer = new ResizeObserver(() => {
            this.draw();
            onScroll?.();
        });
        this.observer.observe(this.element);
    }

    get first() { return Math.max(0, Math.floor(this.element.scrollTop / this.rowHeight)); }

    get last() { return Math.min(this.#count, Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.rowHeight)); }

    get atTop() { return this.element.scrollTop < this.rowHeight; }

    get atEnd() { return this.element.scrollTop + this.element.clientHeight > this.element.scrollHeight - this.rowHeight; }

    /** moved: rows that came (or, negative, went) above what is in view; the view stays with what it shows. */
    setCount(count, moved = 0) {
        this.#count = count;
        this.space.style.height = `${count * this.rowHeight}px`;
        if (moved)
            this.element.scrollTop += moved * this.rowHeight;
        this.draw();
    }

    scrollToEnd() {
        this.element.scrollTop = this.#count * this.rowHeight;
    }

    scrollTo(index, middle = false) {
        const top = index * this.rowHeight, height = this.element.clientHeight;
        if (middle)
            this.element.scrollTop = top - height / 2;
        else if (top < this.element.scrollTop)
            this.element.scrollTop = top;
        else if (top + this.rowHeight > this.element.scrollTop + height)
            this.element.scrollTop = top + this.rowHeight - height;
    }

    rowAt(index) { return this.#rows.get(this.keyAt(index))?.element; }

    keyAt(index) {
        const item = this.#item(index);
        return item === undefined ? `#${index}` : this.#key(item, index);
    }

    #draw() {
        const from = Math.max(0, this.first - 6), to = Math.min(this.#count, this.last + 6);
        const seen = new Set();
        for (let index = from; index < to; index++)
            seen.add(this.keyAt(index));
        for (const [key, row] of this.#rows)
            if (!seen.has(key)) {
                row.element.remove();
                this.#rows.delete(key);
            }
        let last = null;
        for (let index = from; index < to; index++) {
            const item = this.#item(index), key = this.keyAt(index);
            const stamp = item === undefined ? "" : JSON.stringify(item);
            let row = this.#rows.get(key);
            if (!row || row.stamp !== stamp) {
                const element = item === undefined ? h("div", { class: "row loading" }) : this.#render(item, index);
                // In the order in which they are seen, for whoever has them read aloud.
                row ? row.element.replaceWith(element) : last ? last.after(element) : this.space.prepend(element);
                row = { element, stamp };
                this.#rows.set(key, row);
            }
            if (row.index !== index) {
                row.index = index;
                row.element.style.transform = `translateY(${index * this.rowHeight}px)`;
                row.element.setAttribute("aria-rowindex", index + 1);
                row.element.classList.toggle("odd", index % 2 === 1);
            }
            this.onRow?.(row.element, item, index);
            last = row.element;
        }
    }

    /** Builds all rows again: what they show besides their items has changed. */
    invalidate() {
        for (const row of this.#rows.values())
            row.stamp = null;
        this.draw();
    }
}
