import { h } from "../lib/dom.js";
import { icon } from "../lib/icons.js";
import { VirtualList } from "../lib/virtual.js";
import { colorOf } from "../lib/colors.js";
import * as format from "../lib/format.js";
import * as ticks from "../lib/ticks.js";
import { keyOf, rowsOf, silences } from "./trace-rows.js";

// The longest, such as "2 min 5 s", has this many pixels.
const lengthWidth = 68, tickWidth = 48;

const percent = value => `${value.toFixed(4)}%`;

/** The rows of a trace along a time axis. Dragging over the axis zooms in, a double click zooms out. */
export class Waterfall {
    folded = new Set();
    withLogs = true;
    hits = new Set();
    rows = [];
    #zoom = null;

    constructor({ onOpen, onZoom }) {
        this.onOpen = onOpen;
        this.onZoom = onZoom;
        this.axis = h("div", { class: "axis", onpointerdown: event => this.#drag(event), ondblclick: () => this.zoom(null), title: "Drag to zoom in, double-click to zoom out" });
        this.lines = h("div", { class: "lines" });
        this.list = new VirtualList({ rowHeight: 26, className: "spans", label: "Spans", item: index => this.rows[index], key: keyOf, render: row => this.#row(row) });
        this.list.onRow = (element, row) => {
            element.classList.toggle("selected", keyOf(row) === this.selected);
            element.classList.toggle("hit", this.hits.has(keyOf(row)));
            element.classList.toggle("miss", this.hits.size > 0 && !this.hits.has(keyOf(row)));
        };
        this.list.element.addEventListener("keydown", event => this.#keydown(event));
        this.element = h("div", { class: "waterfall" }, h("div", { class: "heading" }, h("div", { class: "name" }, "Span"), this.axis), this.lines, this.list.element);
        new ResizeObserver(() => this.draw()).observe(this.element);
    }

    /** now: milliseconds since the start of a trace that still grows, or null. */
    show(trace, now) {
        this.trace = trace;
        this.now = now;
        this.draw();
    }

    /** From and to, in milliseconds; while it grows the end moves on by whole ticks, so that the picture stands still in between. */
    get range() {
        if (this.#zoom)
            return this.#zoom;
        const end = Math.max(this.trace.duration, this.now ?? 0, 0.001);
        return this.now === null ? [0, end * 1.0001] : [0, Math.ceil(end * 1.02 / ticks.durationStep(end, 8)) * ticks.durationStep(end, 8)];
    }

    zoom(range) {
        this.#zoom = range;
        this.draw();
        this.onZoom(range);
    }

    draw() {
        if (!this.trace)
            return;
        // In pixels, because a share of the width is less where there is a scroll bar.
        this.element.style.setProperty("--name", `${Math.round(Math.min(680, this.element.clientWidth * (this.element.clientWidth < 700 ? 0.44 : 0.34)))}px`);
        const [from, to] = this.range, width = this.axis.clientWidth || 800;
        const rows = rowsOf(this.trace, this.folded, this.withLogs);
        const stamp = `${from} ${to} ${Math.round(width)} ${this.now === null ? "" : Math.round(this.now / 100)}`;
        const rescaled = stamp !== this.stamp;
        this.stamp = stamp;
        this.rows = rows;
        this.list.setCount(rows.length);
        if (rescaled)
            this.list.invalidate();

        const at = value => percent(100 * (value - from) / (to - from));
        const marks = ticks.durations(from, to, Math.max(3, width / 110));
        // No label that would be cut off.
        this.axis.replaceChildren(...marks.filter(value => width * (to - value) / (to - from) > tickWidth).map(value => h("span", { class: "tick", style: { left: at(value) } }, format.duration(value))));
        this.lines.style.right = `${this.list.element.offsetWidth - this.list.element.clientWidth}px`;
        this.lines.replaceChildren(...marks.map(value => h("i", { style: { left: at(value) } })),
            ...silences(this.trace, this.trace.duration).filter(([start, end]) => end - start > (to - from) / 200 && end > from && start < to).map(([start, end]) =>
                h("div", { class: `silence ${(start - from) / (to - from) > 0.7 ? "late" : ""}`, style: { left: at(Math.max(start, from)), width: percent(100 * (Math.min(end, to) - Math.max(start, from)) / (to - from)) } }, width * (end - start) / (to - from) > 120 ? h("span", null, `nothing for ${format.duration(end - start)}`) : null)),
            this.now !== null && this.now >= from && this.now <= to ? h("i", { class: "now", style: { left: at(this.now) } }) : "");
    }

    #row(row) {
        const name = h("div", { class: "name", style: { "padding-left": `calc(${row.depth} * var(--indent) + 4px)` } });
        const track = h("div", { class: "track" });
        const element = h("div", { class: `row ${row.span ? "span" : "log"} ${colorOf((row.span ?? row.log).resource)} ${row.span?.status === "Error" ? "failed" : ""} ${row.span?.missing ? "missing" : ""}`, role: "row",
            "aria-level": row.depth + 1, onclick: () => this.#open(row) }, name, track);
        row.span ? this.#span(row, name, track) : this.#log(row, name, track);
        return element;
    }

    #span({ span, children, closed, gaps }, name, track) {
        name.append(children ? h("button", { type: "button", class: "fold", tabindex: -1, "aria-label": closed ? "Unfold" : "Fold", "aria-expanded": !closed, onclick: event => { event.stopPropagation(); this.fold(span.id, !closed); } }, icon(closed ? "right" : "down")) : h("span", { class: "fold" }),
            h("span", { class: "mark" }), h("span", { class: "title", title: `${span.name} - ${span.resource}` }, span.missing && this.now !== null ? "(still running)" : span.name), h("span", { class: "of" }, span.peer ? `${span.resource} → ${span.peer}` : span.resource),
            span.status === "Error" ? h("span", { class: "badge bad" }, "error") : "");
        const [from, to] = this.range, scale = 100 / (to - from);
        const open = span.missing && this.now !== null;
        const end = open ? this.now : span.offset + span.duration;
        const piece = (className, start, stop, title) => {
            const left = Math.max(start, from), right = Math.min(stop, to);
            if (right >= left)
                track.append(h("span", { class: className, title, style: { left: percent((left - from) * scale), width: percent((right - left) * scale) } }));
        };
        piece(`bar ${open ? "open" : ""}`, span.offset, end);
        for (const [start, stop] of gaps)
            if ((stop - start) * scale > 0.6)
                piece("gap", start, stop, `${format.duration(stop - start)} outside its children`);
        for (const [start, stop] of span.critical)
            piece("critical", start, stop, `${format.duration(stop - start)} of the critical path`);
        for (const event of span.events)
            piece(`event ${event.name === "exception" ? "bad" : ""}`, event.offset, event.offset, event.name);
        const left = (span.offset - from) * scale, right = (end - from) * scale, room = 100 * lengthWidth / (this.axis.clientWidth || 800);
        if (right >= 0 && left <= 100)
            track.append(h("span", { class: `length ${right >= 100 - room && left <= room ? "inside" : ""}`, style: right < 100 - room ? { left: `calc(${percent(Math.max(0, right))} + 6px)` } : left > room ? { right: `calc(${percent(Math.max(0, 100 - left))} + 6px)` } : { left: `calc(${percent(Math.max(0, left))} + 8px)` } },
                open ? `${format.duration(end - span.offset)} …` : format.duration(span.duration)));
    }

    #log({ log }, name, track) {
        const level = log.severity.toLowerCase();
        name.append(h("span", { class: "fold" }), h("span", { class: `level ${level}` }), h("span", { class: "title", title: log.message }, log.event ? h("b", null, `${log.event} `) : null, log.message));
        const [from, to] = this.range, left = 100 * (log.offset - from) / (to - from);
        if (left >= 0 && left <= 100)
            track.append(h("span", { class: `point ${level}`, style: { left: percent(left) }, title: `${log.severity} after ${format.duration(log.offset)}` }));
    }

    fold(id, closed) {
        closed ? this.folded.add(id) : this.folded.delete(id);
        this.draw();
    }

    foldAll(closed) {
        this.folded = new Set(closed ? this.trace.spans.filter(span => span.depth > 0).map(span => span.id) : []);
        this.draw();
    }

    select(key, reveal = false) {
        this.selected = key;
        const index = this.rows.findIndex(row => keyOf(row) === key);
        if (reveal && index >= 0)
            this.list.scrollTo(index, true);
        else if (index >= 0)
            this.list.scrollTo(index);
        this.list.draw();
    }

    #open(row) {
        this.select(keyOf(row));
        this.onOpen(row);
    }

    #keydown(event) {
        const index = this.rows.findIndex(row => keyOf(row) === this.selected), row = this.rows[index];
        const to = next => this.rows[next] && this.#open(this.rows[next]);
        if (event.key === "ArrowDown" || event.key === "ArrowUp")
            to(row ? index + (event.key === "ArrowDown" ? 1 : -1) : 0);
        else if (event.key === "ArrowLeft" && row)
            row.span && row.children && !row.closed ? this.fold(row.span.id, true) : to(this.rows.findIndex(other => other.span && other.span.id === row.parent));
        else if (event.key === "ArrowRight" && row?.closed)
            this.fold(row.span.id, false);
        else if (event.key === "z" && row?.span && row.span.duration > 0)
            this.zoom([row.span.offset, row.span.offset + row.span.duration]);
        else if (event.key === "Z")
            this.zoom(null);
        else
            return;
        event.preventDefault();
    }

    #drag(event) {
        const box = this.axis.getBoundingClientRect(), [from, to] = this.range;
        const at = x => from + (to - from) * Math.min(1, Math.max(0, (x - box.left) / box.width));
        const mark = h("span", { class: "choice" }), start = event.clientX;
        this.axis.append(mark);
        this.axis.setPointerCapture(event.pointerId);
        const move = moved => {
            mark.style.left = `${Math.min(start, moved.clientX) - box.left}px`;
            mark.style.width = `${Math.abs(moved.clientX - start)}px`;
        };
        const done = ended => {
            mark.remove();
            this.axis.removeEventListener("pointermove", move);
            if (Math.abs(ended.clientX - start) > 8)
                this.zoom([at(Math.min(start, ended.clientX)), at(Math.max(start, ended.clientX))]);
        };
        this.axis.addEventListener("pointermove", move);
        this.axis.addEventListener("pointerup", done, { once: true });
    }
}
