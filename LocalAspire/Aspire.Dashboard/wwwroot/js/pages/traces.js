import { h } from "../lib/dom.js";
import { get, post, query as queryOf, remove } from "../lib/api.js";
import { whereToSend } from "../lib/info.js";
import { state, watch } from "../lib/live.js";
import { Table } from "../lib/table.js";
import { Filters } from "../lib/filters.js";
import { searchBox, select, check, timeCell, toolbar, menu, empty, toast } from "../lib/ui.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { colorOf } from "../lib/colors.js";
import { setQuery, go } from "../lib/router.js";

const types = [["", "All types"], ["http", "HTTP"], ["database", "Database"], ["messaging", "Messaging"], ["rpc", "RPC"], ["other", "Other"]];
const lengths = [["", "Any duration"], ["10", "≥ 10 ms"], ["100", "≥ 100 ms"], ["1000", "≥ 1 s"], ["10000", "≥ 10 s"], ["60000", "≥ 1 min"]];
const chunk = 100, ahead = 40;

export function tracesPage(root, { parameters, query, signal }) {
    let rows = new Map(), matched = 0, longest = 0, question = "";
    const values = { resource: parameters.resource ?? "", text: query.get("text") ?? "", type: query.get("type") ?? "", minDuration: query.get("minDuration") ?? "", hasError: query.get("hasError") === "true" };
    let sort = { by: query.get("sort") ?? "start", descending: query.get("descending") !== "false" };

    const change = next => {
        Object.assign(values, next);
        const { resource, ...others } = values;
        setQuery({ ...others, filter: filters.encoded, sort: sort.by === "start" ? null : sort.by, descending: sort.descending ? null : "false" });
        refresh();
    };
    const filters = new Filters("spans", query.getAll("filter"), () => change({}));
    const which = select("Resource", [["", "All resources"]], values.resource, name => go(`/traces${name ? `/resource/${encodeURIComponent(name)}` : ""}${location.search}`));
    const found = h("span", { class: "found" });

    const table = new Table({
        className: "t-traces", label: "Traces", item: index => rows.get(index), key: trace => trace.id, rowHeight: 34, sort,
        rowClass: trace => trace.errors ? "failed" : "",
        onSort: next => { sort = next; table.setSort(sort); change({}); },
        onScroll: () => missing() && refresh(),
        columns: [
            { title: "Start", sort: "start", class: "time", cell: trace => timeCell(trace.start) },
            { title: "Name", sort: "name", class: "name", cell: trace => h("a", { href: `/traces/detail/${trace.id}` }, resources.tag(trace.resource), h("span", { class: "title" }, trace.name),
                trace.errors ? h("span", { class: "badge bad" }, format.count(trace.errors, "error")) : null, trace.growing ? h("span", { class: "badge busy" }, "running") : null) },
            { title: "Spans", sort: "spans", class: "spans", cell: trace => trace.resources.map(share =>
                h("span", { class: `share ${colorOf(share.name)} ${share.errors ? "failed" : ""}`, title: `${share.name}: ${format.count(share.spans, "span")}${share.errors ? `, ${format.count(share.errors, "error")}` : ""}` },
                    h("span", null, share.name), h("b", null, String(share.spans)))) },
            { title: "Duration", sort: "duration", class: "duration", cell: trace => [h("span", { class: "length" }, format.duration(trace.duration)),
                h("span", { class: "bar" }, h("span", { style: { width: `${Math.max(0.5, 100 * trace.duration / (longest || 1))}%` } }))] },
        ],
        open: trace => go(`/traces/detail/${trace.id}`),
        empty: () => question.length === 0 || question === queryOf({ sort: sort.by, descending: String(sort.descending) })
            ? empty("No traces yet", ["They appear here as soon as a service sends spans ", whereToSend()], "Submit a job, or import an exported trace from the menu above.")
            : empty("No trace fits", h("a", { href: "/traces" }, "Show all traces"), " or change the filters above."),
    });

    // What is in view, and a chunk on either side for whoever scrolls on.
    const range = () => {
        const offset = Math.max(0, Math.floor(table.list.first / chunk) - 1) * chunk;
        return { offset, limit: (Math.ceil(Math.max(table.list.last, 1) / chunk) + 1) * chunk - offset };
    };
    const missing = () => matched > 0 && [table.list.first - ahead, table.list.last - 1 + ahead].some(i => !rows.has(Math.max(0, Math.min(matched - 1, i))));

    // By the row on top, because a full list stays as long as it is; by the count where that row is not in the answer.
    function movedTo(answer, offset) {
        const top = table.list.first, at = answer.traces.findIndex(trace => trace.id === rows.get(top)?.id);
        return at < 0 ? answer.matched - matched : offset + at - top;
    }

    async function load() {
        const base = { ...values, hasError: values.hasError ? "true" : "", filter: filters.encoded, sort: sort.by, descending: String(sort.descending) };
        const asked = queryOf(base), same = asked === question, { offset, limit } = range();
        const answer = await get(`/traces${queryOf({ ...base, offset, limit })}`, signal);
        // Newest first: what comes goes in above, and whoever has scrolled down stays where they are.
        const moved = same && sort.by === "start" && sort.descending && !table.list.atTop ? movedTo(answer, offset) : 0;
        rows = new Map(answer.traces.map((trace, index) => [offset + index, trace]));
        const rescaled = longest !== answer.longest;
        ({ matched, longest } = answer);
        question = asked;
        found.textContent = format.count(matched, "trace") + (matched < answer.total ? ` of ${answer.total.toLocaleString("en-US")}` : "");
        table.setCount(matched, moved);
        if (rescaled)
            table.list.invalidate();
        if (missing())
            refresh();
    }

    const clear = async () => {
        await remove(`/telemetry${queryOf({ of: "traces", resource: values.resource })}`);
        toast("Cleared");
        refresh();
    };
    const file = h("input", { type: "file", accept: ".json,.zip,application/json", hidden: true, onchange: async () => {
        if (!file.files[0])
            return;
        try {
            const { spans, logs, rejected, reason, traceIds } = await post("/import", file.files[0]);
            toast(`Imported ${format.count(spans, "span")} and ${format.count(logs, "log record")}`);
            if (rejected)
                toast(`${rejected.toLocaleString("en-US")} of them were not kept: ${reason}`, "error");
            if (traceIds.length === 1)
                go(`/traces/detail/${traceIds[0]}`);
        } catch (error) {
            toast(error.message, "error");
        }
        file.value = "";
    } });

    root.append(
        toolbar("Traces", which, searchBox("Search spans", values.text, text => change({ text })), select("Type", types, values.type, type => change({ type })),
            select("Duration", lengths, values.minDuration, minDuration => change({ minDuration })), check("Errors", values.hasError, hasError => change({ hasError })), filters.element,
            h("span", { class: "grow" }), found, file, menu("More", () => [["Import traces (OTLP JSON, zip)", () => file.click()], [values.resource ? `Clear the traces of ${values.resource}` : "Clear all traces", clear]])),
        h("div", { class: "split" }, table.element));
    watch(["resources"], async () => which.setOptions([["", "All resources"], ...resources.names((await resources.load(signal)).filter(r => r.telemetry)).map(name => [name, name])], values.resource), signal);
    const refresh = watch(["traces"], load, signal);
    // A trace stops growing without any news.
    const again = setInterval(() => !state.paused && !document.hidden && [...rows.values()].some(trace => trace.growing) && refresh(), 5000);
    signal.addEventListener("abort", () => clearInterval(again));
}
