import { h } from "../lib/dom.js";
import { get, query as queryOf, remove } from "../lib/api.js";
import { whereToSend } from "../lib/info.js";
import { watch } from "../lib/live.js";
import { Table } from "../lib/table.js";
import { Filters } from "../lib/filters.js";
import { Pane } from "../lib/pane.js";
import { searchBox, select, timeCell, toolbar, menu, empty, toast } from "../lib/ui.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { setQuery, go } from "../lib/router.js";
import { showLog } from "./log-detail.js";

const levels = [["", "All levels"], ["Debug", "Debug and above"], ["Information", "Information and above"], ["Warning", "Warning and above"], ["Error", "Error and above"], ["Critical", "Critical"]];
const page = 500, most = 10_000;
const shortLevel = { Trace: "trace", Debug: "debug", Information: "info", Warning: "warn", Error: "error", Critical: "critical" };

// They come resource by resource, and are read as one story.
const inOrder = logs => logs.sort((a, b) => a.time - b.time || a.seq - b.seq);

export function logsPage(root, { parameters, query, signal }) {
    let logs = [], question = "", older = true, opened = query.get("log");
    const values = { resource: parameters.resource ?? "", severity: query.get("severity") ?? "", text: query.get("text") ?? "", traceId: query.get("traceId") ?? "", spanId: query.get("spanId") ?? "" };

    const change = next => {
        Object.assign(values, next);
        const { resource, ...others } = values;
        setQuery({ ...others, filter: filters.encoded });
        refresh();
    };
    const filters = new Filters("logs", query.getAll("filter"), () => change({}));
    const which = select("Resource", [["", "All resources"]], values.resource, name => go(`/structuredlogs${name ? `/resource/${encodeURIComponent(name)}` : ""}${location.search}`));
    const pane = new Pane(() => { opened = null; table.select(null); setQuery({ log: null }); }, signal);
    const found = h("span", { class: "found" });
    const context = h("span", { class: "chips" });

    const table = new Table({
        className: "t-logs", label: "Log records", item: index => logs[index], key: log => log.seq,
        rowClass: log => `level-${shortLevel[log.severity]}`,
        columns: [
            { title: "Time", class: "time", cell: log => timeCell(log.time) },
            { title: "Level", class: "level", cell: log => shortLevel[log.severity] ?? log.severity },
            { title: "Resource", class: "resource", cell: log => resources.tag(log.resource) },
            { title: "Message", class: "message", cell: log => [log.event ? h("span", { class: "event" }, log.event) : null, log.exception ? h("span", { class: "badge bad" }, "exception") : null, log.message] },
            { title: "Trace", class: "trace", cell: log => log.traceId ? h("a", { href: `/traces/detail/${log.traceId}?spanId=${log.spanId ?? ""}` }, log.traceId.slice(0, 7)) : "" },
        ],
        open: log => open(log.seq),
        onScroll: () => table.list.atTop && older && logs.length > 0 && loadOlder(),
        empty: () => question === queryOf({ limit: page })
            ? empty("No log records yet", ["They appear here as soon as a service sends some ", whereToSend()])
            : empty("No record fits", h("a", { href: "/structuredlogs" }, "Show all records"), " or change the filters above."),
    });

    const open = async seq => {
        opened = seq;
        table.select(Number(seq));
        setQuery({ log: seq });
        showLog(pane, await get(`/logs/${seq}`, signal), which.value);
    };

    async function load() {
        const base = { ...values, filter: filters.encoded };
        const asked = queryOf({ ...base, limit: page });
        const stick = table.list.atEnd || asked !== question;
        const last = logs.reduce((most, log) => Math.max(most, log.seq), 0);
        const more = asked === question && last ? await get(`/logs${queryOf({ ...base, after: last, limit: most })}`, signal) : null;
        let gone = 0;
        if (more && more.total >= logs.length) {
            logs = inOrder(logs.concat(more.logs));
            gone = Math.max(0, logs.length - most);
            logs.splice(0, gone);
        }
        // Other filters, or records were cleared.
        const answer = more && more.total >= logs.length ? more : await get(`/logs${asked}`, signal);
        if (answer !== more) {
            logs = inOrder(answer.logs);
            older = logs.length === page;
            question = asked;
        }
        found.textContent = format.count(answer.matched, "record");
        table.setCount(logs.length, stick ? 0 : -gone);
        if (stick)
            table.list.scrollToEnd();
    }

    async function loadOlder() {
        older = false;
        const { logs: before } = await get(`/logs${queryOf({ ...values, filter: filters.encoded, before: Math.min(...logs.map(log => log.seq)), limit: page })}`, signal);
        logs = inOrder(before.concat(logs));
        older = before.length === page;
        table.setCount(logs.length, before.length);
    }

    const clear = async () => {
        await remove(`/telemetry${queryOf({ of: "logs", resource: values.resource })}`);
        logs = [];
        question = "";
        toast("Cleared");
        refresh();
    };

    if (values.traceId)
        context.append(h("span", { class: "chip" }, h("a", { href: `/traces/detail/${values.traceId}${values.spanId ? `?spanId=${values.spanId}` : ""}` }, h("b", null, values.spanId ? "span" : "trace"), ` ${(values.spanId || values.traceId).slice(0, 8)}`),
            h("button", { type: "button", title: "Remove", onclick: () => { context.replaceChildren(); change({ traceId: "", spanId: "" }); } }, "×")));
    root.append(
        toolbar("Structured logs", which, select("Level", levels, values.severity, severity => change({ severity })), searchBox("Search messages", values.text, text => change({ text })), context, filters.element,
            h("span", { class: "grow" }), found, menu("More", () => [[values.resource ? `Clear the logs of ${values.resource}` : "Clear all logs", clear]])),
        h("div", { class: "split" }, table.element, pane.element));
    watch(["resources"], async () => which.setOptions([["", "All resources"], ...resources.names((await resources.load(signal)).filter(r => r.telemetry)).map(name => [name, name])], values.resource), signal);
    const refresh = watch(["logs"], load, signal);
    if (opened)
        open(opened).catch(error => toast(error.message, "error"));
}
