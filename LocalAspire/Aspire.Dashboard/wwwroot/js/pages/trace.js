import { h } from "../lib/dom.js";
import { address, get } from "../lib/api.js";
import { state, watch } from "../lib/live.js";
import { Pane } from "../lib/pane.js";
import { button, check, copy, empty, menu, searchBox, textButton, toast } from "../lib/ui.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { colorOf } from "../lib/colors.js";
import { encode } from "../lib/filters.js";
import { setQuery } from "../lib/router.js";
import { Waterfall } from "./waterfall.js";
import { jobOf, keyOf, matches, parentsOf } from "./trace-rows.js";
import { showSpan } from "./span-detail.js";
import { showLog } from "./log-detail.js";

export function tracePage(root, { parameters, query, signal }) {
    const id = parameters.trace;
    let trace = null, stamp = "", seen = 0, found = [], text = query.get("text") ?? "", wanted = query.get("spanId");

    const pane = new Pane(() => { waterfall.select(null); setQuery({ spanId: null }); }, signal);
    const reset = textButton("Whole trace", () => waterfall.zoom(null), { hidden: true });
    const waterfall = new Waterfall({ onOpen: row => open(row), onZoom: range => { reset.hidden = range === null; } });
    const heading = h("div", { class: "trace-heading" });
    const hits = h("span", { class: "found" }), length = h("b");
    const search = searchBox("Search in this trace", text, value => { text = value; setQuery({ text }); seek(); jump(0); }, { onkeydown: event => event.key === "Enter" && jump(event.shiftKey ? -1 : 1) });
    const message = h("div", { class: "empty", hidden: true });

    async function open(row) {
        if (row.log) {
            showLog(pane, await get(`/logs/${row.log.seq}`, signal), "");
        } else {
            setQuery({ spanId: row.span.id });
            showSpan(pane, trace, row, log => reveal(`log ${log.seq}`));
        }
    }

    /** Unfolds what hides a row, scrolls to it and opens it. */
    function reveal(key) {
        const owner = key.startsWith("log ") ? trace.logs.find(log => keyOf({ log }) === key)?.spanId : key;
        if (key.startsWith("log "))
            logs.firstChild.checked = waterfall.withLogs = true;
        for (const parent of [...parentsOf(trace, owner), ...(owner !== key ? [owner] : [])])
            waterfall.folded.delete(parent);
        waterfall.draw();
        waterfall.select(key, true);
        const row = waterfall.rows.find(candidate => keyOf(candidate) === key);
        if (row)
            open(row);
    }

    function seek() {
        found = trace ? matches(trace, text) : [];
        waterfall.hits = new Set(found);
        hits.textContent = text.trim() === "" ? "" : found.length === 0 ? "no match" : `${found.includes(waterfall.selected) ? `${found.indexOf(waterfall.selected) + 1} of ` : ""}${format.count(found.length, "match", "matches")}`;
        waterfall.list.draw();
    }

    function jump(by) {
        if (found.length === 0)
            return;
        const at = found.indexOf(waterfall.selected);
        reveal(found[at < 0 ? (by < 0 ? found.length - 1 : 0) : (at + by + found.length) % found.length]);
        seek();
    }

    // The clocks of the browser and of the services may differ; the moment of the last arrival is known in both.
    const now = () => trace.growing ? Math.max(trace.duration, trace.receivedAt - trace.start + performance.now() - seen) : null;

    async function load() {
        let next;
        try {
            next = await get(`/traces/${encodeURIComponent(id)}`, signal);
        } catch (error) {
            if (error.status !== 404)
                throw error;
            message.hidden = false;
            waterfall.element.hidden = true;
            return message.replaceChildren(...empty("This trace is not here", error.message, "If it runs right now, it appears when its first span has ended.", h("a", { href: "/traces" }, "All traces")).flat());
        }
        const text = JSON.stringify(next);
        if (text === stamp)
            return;
        if (trace?.receivedAt !== next.receivedAt)
            seen = performance.now();
        [trace, stamp] = [next, text];
        message.hidden = true;
        waterfall.element.hidden = false;
        head();
        draw();
        seek();
        if (wanted && trace.spans.some(span => span.id === wanted)) {
            const key = wanted;
            wanted = null;
            reveal(key);
        }
    }

    function draw() {
        const at = now();
        length.textContent = format.duration(at ?? trace.duration);
        waterfall.show(trace, at);
    }

    function head() {
        const job = jobOf(trace), errors = trace.errors;
        document.title = `${trace.name} - trace`;
        heading.replaceChildren(
            h("div", { class: "line" }, h("a", { class: "tool", href: "/traces", title: "All traces", "aria-label": "All traces" }, "‹"), h("h1", null, resources.tag(trace.resource), trace.name),
                trace.growing ? h("span", { class: "badge busy" }, "running") : null, errors ? h("span", { class: "badge bad" }, format.count(errors, "error")) : null),
            h("div", { class: "line facts" }, h("span", null, length), h("span", null, format.time(trace.start, true)), h("span", null, format.count(trace.spans.filter(span => !span.missing).length, "span")),
                h("span", { class: "shares" }, trace.resources.map(share => h("a", { href: `/?resource=${encodeURIComponent(share.name)}`, class: `share ${colorOf(share.name)} ${share.errors ? "failed" : ""}`, title: `${share.name}: ${format.count(share.spans, "span")}` }, h("span", null, share.name), h("b", null, String(share.spans))))),
                h("button", { type: "button", class: "link mono", title: "Copy the trace's id", onclick: () => copy(trace.id) }, trace.id.slice(0, 8)),
                job ? jobChip(job) : null));
    }

    const jobChip = ({ key, value }) => h("span", { class: "chip job" }, h("a", { href: `/structuredlogs?filter=${encodeURIComponent(encode({ field: "job_id", op: "eq", value }))}`, title: "All log records of this job" }, h("b", null, "job "), value),
        menu("More of the job", () => [["Log records of the job", `/structuredlogs?filter=${encodeURIComponent(encode({ field: "job_id", op: "eq", value }))}`], ["Traces of the job", `/traces?filter=${encodeURIComponent(encode({ field: key, op: "eq", value }))}`],
            ["Copy its id", () => copy(value)], ["Copy the request for it", () => copyRequest(value)]], "down"));

    async function copyRequest(job) {
        const urls = (await resources.load(signal)).filter(resource => resource.name === trace.resource).flatMap(resource => resource.urls);
        const base = urls.find(url => url.url?.startsWith("http"))?.url;
        base ? copy(`curl -s ${base.replace(/\/$/, "")}/api/v1/jobs/${encodeURIComponent(job)} -H "X-API-Key: $(./run key)"`) : toast(`The address of ${trace.resource} is not known here.`, "error");
    }

    const logs = check("Logs", true, value => { waterfall.withLogs = value; waterfall.draw(); });
    root.append(heading,
        h("div", { class: "toolbar trace-tools" }, search, hits, button("collapse", "Fold all", () => waterfall.foldAll(true)), button("expand", "Unfold all", () => waterfall.foldAll(false)), logs, reset, h("span", { class: "grow" }),
            h("span", { class: "legend" }, h("i", { class: "key-critical" }), "critical path", h("i", { class: "key-gap" }), "outside its children"),
            h("a", { class: "button", href: `/structuredlogs?traceId=${encodeURIComponent(id)}` }, "Log records"), h("a", { class: "button", href: address(`/traces/${encodeURIComponent(id)}/export`), download: "" }, "Export")),
        h("div", { class: "split" }, waterfall.element, message, pane.element));
    watch(["traces", "logs"], load, signal);
    const timer = setInterval(() => trace?.growing && !state.paused && !document.hidden && draw(), 250);
    signal.addEventListener("abort", () => clearInterval(timer));
    // A trace stops growing without any news.
    const again = setInterval(() => trace?.growing && !state.paused && load().catch(() => {}), 5000);
    signal.addEventListener("abort", () => clearInterval(again));
    document.addEventListener("keydown", event => {
        if ((event.key === "n" || event.key === "N") && !event.target.closest("input, select, dialog"))
            jump(event.key === "n" ? 1 : -1);
    }, { signal });
}
