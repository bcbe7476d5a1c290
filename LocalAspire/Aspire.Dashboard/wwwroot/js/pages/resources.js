import { h, externalLink } from "../lib/dom.js";
import { watch } from "../lib/live.js";
import { Table } from "../lib/table.js";
import { Pane } from "../lib/pane.js";
import { searchBox, select, check, toolbar, empty } from "../lib/ui.js";
import { icon } from "../lib/icons.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { colorOf } from "../lib/colors.js";
import { setQuery } from "../lib/router.js";
import { commandButtons } from "./commands.js";
import { showResource } from "./resource-detail.js";
import { drawGraph } from "./graph.js";

const seenErrors = name => Number(sessionStorage.getItem(`errors-seen ${name}`) ?? 0);

export function resourcesPage(root, { query, signal }) {
    const view = location.pathname.slice(1) || "table";
    let all = [], rows = [], opened = query.get("resource"), text = query.get("text") ?? "", type = query.get("type") ?? "", hidden = false;
    const closed = new Set();
    const types = select("Type", [["", "All types"]], type, value => { type = value; setQuery({ type }); show(); });
    const found = h("span", { class: "found" });
    const pane = new Pane(() => { opened = null; table.select(null); setQuery({ resource: null }); }, signal);
    const graph = h("div", { class: "graph" });

    const open = resource => {
        opened = resource.id;
        setQuery({ resource: opened });
        table.select(opened);
        showResource(pane, resource, all, open);
    };

    const table = new Table({
        className: view === "parameters" ? "t-parameters" : "t-resources", label: "Resources", rowHeight: 40, item: index => rows[index], key: row => row.resource.id,
        open: row => open(row.resource),
        columns: view === "parameters" ? [
            { title: "Name", class: "name", cell: ({ resource }) => resource.displayName },
            { title: "State", class: "state-of", cell: ({ resource }) => resources.stateBadge(resource) },
            { title: "Value", class: "value", cell: ({ resource }) => valueOf(resource) },
        ] : [
            { title: "Name", class: "name", cell: nameCell },
            { title: "State", class: "state-of", cell: ({ resource }) => resources.stateBadge(resource) },
            { title: "Started", class: "time", cell: ({ resource }) => format.time(resource.startedAt ?? resource.createdAt) },
            { title: "Source", class: "source", cell: ({ resource }) => h("span", { title: resource.sourceFull ?? "" }, resource.source ?? "–") },
            { title: "URLs", class: "urls", cell: ({ resource }) => urls(resource) },
            { title: "Actions", class: "actions", cell: actions },
        ],
        empty: () => all.length ? empty("No resource fits", "Change the filters above.")
            : empty(view === "parameters" ? "No parameters" : "No resources yet", "An app host tells of its resources here. Without one, services show up as soon as they send telemetry by OTLP."),
    });

    const fold = (resource, fold) => { fold ? closed.add(resource.id) : closed.delete(resource.id); show(); };
    table.list.element.addEventListener("keydown", event => {
        const row = rows[table.cursor.index];
        if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && row?.children)
            fold(row.resource, event.key === "ArrowLeft");
    });

    function nameCell({ resource, depth, children }) {
        const errors = (resource.telemetry?.errorLogs ?? 0) - seenErrors(resource.name);
        return [h("span", { class: "indent", style: { width: `${depth * 18}px` } }),
            children ? h("button", { type: "button", class: "fold", "aria-expanded": !closed.has(resource.id), "aria-label": "Fold", onclick: () => fold(resource, !closed.has(resource.id)) }, icon(closed.has(resource.id) ? "right" : "down")) : h("span", { class: "fold" }),
            h("span", { class: `mark ${colorOf(resource.name)}` }), h("span", { class: "title" }, resource.displayName), h("span", { class: "type" }, resource.type),
            errors > 0 ? h("a", { class: "badge bad", title: "Errors logged, not yet looked at", href: `/structuredlogs/resource/${encodeURIComponent(resource.name)}?severity=Error`,
                onclick: () => sessionStorage.setItem(`errors-seen ${resource.name}`, resource.telemetry.errorLogs) }, errors) : null];
    }

    function actions({ resource }) {
        const name = encodeURIComponent(resource.name), telemetry = resource.telemetry;
        return [h("a", { class: "tool", title: `Console of ${resource.displayName}`, href: `/consolelogs/resource/${encodeURIComponent(resource.id)}` }, icon("console")),
            ...commandButtons(resource, [["Details", () => open(resource)], ...(telemetry ? [["Structured logs", `/structuredlogs/resource/${name}`], ["Traces", `/traces/resource/${name}`], ["Metrics", `/metrics/resource/${name}`]] : [])])];
    }

    function show() {
        types.setOptions([["", "All types"], ...[...new Set(all.map(resource => resource.type))].filter(name => name !== "Parameter").sort().map(name => [name, name])], type);
        const candidates = all.filter(resource => (resource.type === "Parameter") === (view === "parameters") && (hidden || !resource.hidden)
            && (!type || resource.type === type) && (!text || `${resource.displayName} ${resource.type} ${resource.source} ${resource.state}`.toLowerCase().includes(text.toLowerCase())));
        rows = tree(candidates, closed);
        found.textContent = format.count(candidates.length, view === "parameters" ? "parameter" : "resource");
        table.setCount(rows.length);
        if (view === "graph")
            drawGraph(graph, all.filter(resource => hidden || !resource.hidden), open);
        const chosen = all.find(resource => resource.id === opened || resource.name === opened);
        if (chosen) {
            opened = chosen.id;
            table.select(opened);
            showResource(pane, chosen, all, open);
        }
    }

    const tab = (path, name, label) => h("a", { href: path, "aria-current": view === name ? "page" : null }, label);
    root.append(
        toolbar("Resources", h("span", { class: "tabs" }, tab("/", "table", "Table"), tab("/parameters", "parameters", "Parameters"), tab("/graph", "graph", "Graph")),
            view === "graph" ? [] : [searchBox("Filter", text, value => { text = value; setQuery({ text }); show(); }), view === "table" ? types : null], check("Hidden", false, value => { hidden = value; show(); }), h("span", { class: "grow" }), found),
        h("div", { class: "split" }, view === "graph" ? graph : table.element, pane.element));
    watch(["resources", "logs"], async () => { all = await resources.load(signal); show(); }, signal, { interval: 500 });
}

/** Children below their parents; whose parent is not shown stands at the top. */
function tree(list, closed) {
    const rows = [];
    const childrenOf = name => list.filter(resource => resource.parent === name);
    const add = (resource, depth) => {
        const children = childrenOf(resource.name);
        rows.push({ resource, depth, children: children.length, closed: closed.has(resource.id) });
        if (!closed.has(resource.id))
            children.forEach(child => add(child, depth + 1));
    };
    list.filter(resource => !list.some(other => other.name === resource.parent && other !== resource)).forEach(resource => add(resource, 0));
    return rows;
}

function urls(resource) {
    const active = resource.urls.filter(url => !url.inactive && !url.internal);
    return active.length === 0 ? "–" : [...active.slice(0, 2).map(url => externalLink(url.url, url.text ?? url.url)), active.length > 2 ? h("span", { class: "count" }, `+${active.length - 2}`) : null];
}

function valueOf(resource) {
    const value = resource.properties.find(property => property.name === "Value");
    return !value ? "–" : value.secret ? "••••••••" : value.value;
}
