import { h, svg } from "./dom.js";
import * as ticks from "./ticks.js";
import * as format from "./format.js";

const margin = { left: 64, right: 14, top: 12, bottom: 24 };

/** Lines over time in SVG. series: [{name, color, values}]; points: [{time, value, href}], of those that would cover each other only the newest. */
export class Chart {
    constructor(label) {
        this.tip = h("div", { class: "tip", hidden: true });
        this.picture = h("div", { class: "picture" });
        this.element = h("div", { class: "chart", role: "img", "aria-label": label }, this.picture, this.tip);
        this.element.addEventListener("pointermove", event => this.#hover(event));
        this.element.addEventListener("pointerleave", () => this.#leave());
        for (const end of ["pointerout", "focusout"])
            this.picture.addEventListener(end, () => this.held && this.draw());
        new ResizeObserver(() => this.data && this.draw()).observe(this.picture);
    }

    show(data) {
        this.data = data;
        // A link that is replaced while it is being clicked or has the focus would lose both.
        this.held = this.picture.querySelector("a:hover, a:focus") !== null;
        if (!this.held)
            this.draw();
    }

    draw() {
        this.held = false;
        const { times, from, to, series, points = [], unit } = this.data;
        const width = Math.max(200, this.picture.clientWidth), height = Math.max(160, this.picture.clientHeight);
        const all = [...series.flatMap(line => line.values), ...points.map(point => point.value)].filter(value => value !== null);
        const low = Math.min(0, ...all), top = Math.max(...all, low === 0 && all.length === 0 ? 1 : 0);
        const high = top === low ? low + 1 : top;
        const scale = (unit === "By" ? ticks.byteStep : ticks.step)(high - low, Math.max(2, height / 46));
        const end = Math.ceil(high / scale - 1e-9) * scale, start = Math.floor(low / scale + 1e-9) * scale;
        const x = this.x = time => margin.left + (width - margin.left - margin.right) * (time - from) / (to - from);
        const y = this.y = value => height - margin.bottom - (height - margin.top - margin.bottom) * (value - start) / (end - start);
        this.cursor = svg("line", { class: "cursor", y1: margin.top, y2: height - margin.bottom, visibility: "hidden" });
        this.picture.replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` },
            ticks.values(start, end, scale).map(value => [svg("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }), svg("text", { class: "tick", x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, format.withUnit(value, unit))]),
            ticks.clock(from, to, Math.max(2, width / 120)).map(time => [svg("line", { class: "grid faint", x1: x(time), x2: x(time), y1: margin.top, y2: height - margin.bottom }), svg("text", { class: "tick", x: x(time) > width - 34 ? width : x(time), y: height - 7, "text-anchor": x(time) > width - 34 ? "end" : "middle" }, clock(time, to - from))]),
            series.map(line => svg("path", { class: `series ${line.color}`, d: path(times, line.values, x, y) })), this.cursor,
            apart(points, x, y).map(point => svg("a", { href: point.href, class: "exemplar" }, svg("path", { d: `M${x(point.time)} ${y(point.value) - 5}l5 5l-5 5l-5 -5z` }), svg("title", null, `${format.withUnit(point.value, unit)} at ${format.time(point.time)}: open its trace`)))));
    }

    #hover(event) {
        if (!this.data || this.data.times.length === 0)
            return;
        const { times, series, unit } = this.data, box = this.picture.getBoundingClientRect(), px = event.clientX - box.left;
        const index = times.reduce((best, time, i) => Math.abs(this.x(time) - px) < Math.abs(this.x(times[best]) - px) ? i : best, 0);
        const rows = series.map(line => ({ ...line, value: line.values[index] })).filter(line => line.value !== null && line.value !== undefined).sort((a, b) => b.value - a.value);
        this.cursor.setAttribute("visibility", "visible");
        for (const end of ["x1", "x2"])
            this.cursor.setAttribute(end, this.x(times[index]));
        this.tip.replaceChildren(h("b", null, format.time(times[index])), ...rows.slice(0, 12).map(line => h("div", null, h("i", { class: line.color }), h("span", null, line.name), h("b", null, format.withUnit(line.value, unit)))), rows.length > 12 ? h("div", { class: "faint" }, `and ${rows.length - 12} more`) : "", rows.length === 0 ? h("div", { class: "faint" }, "no data") : "");
        this.tip.hidden = false;
        const left = this.x(times[index]) + 14;
        this.tip.style.left = `${left + this.tip.offsetWidth > box.width ? left - this.tip.offsetWidth - 28 : left}px`;
    }

    #leave() {
        this.tip.hidden = true;
        this.cursor?.setAttribute("visibility", "hidden");
    }
}

const clock = (time, range) => {
    const at = new Date(time), two = number => String(number).padStart(2, "0");
    return `${two(at.getHours())}:${two(at.getMinutes())}` + (range < 600_000 ? `:${two(at.getSeconds())}` : "");
};

/** The newest points, without those within a mark's reach of a newer one. */
function apart(points, x, y) {
    const kept = [];
    for (const point of [...points].sort((a, b) => b.time - a.time))
        if (!kept.some(newer => Math.abs(x(newer.time) - x(point.time)) < 10 && Math.abs(y(newer.value) - y(point.value)) < 10))
            kept.push(point);
    return kept;
}

/** A line that breaks where there is no data; a value alone becomes a dot. */
function path(times, values, x, y) {
    let text = "", pen = false;
    values.forEach((value, i) => {
        if (value === null) {
            pen = false;
            return;
        }
        const alone = !pen && (values[i + 1] ?? null) === null;
        text += `${pen ? "L" : "M"}${x(times[i]).toFixed(1)} ${y(value).toFixed(1)}${alone ? "m-2 0h4" : ""}`;
        pen = true;
    });
    return text;
}
