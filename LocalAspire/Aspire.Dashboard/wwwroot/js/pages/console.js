import { h } from "../lib/dom.js";
import { address, query as queryOf, stream } from "../lib/api.js";
import { info } from "../lib/info.js";
import { onState, state, watch } from "../lib/live.js";
import { Cursor } from "../lib/cursor.js";
import { VirtualList } from "../lib/virtual.js";
import { Pane, properties } from "../lib/pane.js";
import { searchBox, select, check, toolbar, empty, toast, textButton } from "../lib/ui.js";
import * as ansi from "../lib/ansi.js";
import * as format from "../lib/format.js";
import * as resources from "../lib/resources.js";
import { commandButtons } from "./commands.js";
import { setQuery, go } from "../lib/router.js";

export function consolePage(root, { parameters, query, signal }) {
    const name = parameters.resource ?? "";
    let all = [], waiting = [], shown = [], text = query.get("text") ?? "", at = Number(query.get("at")), known = [], ids = null, widest = 0, opened = null, most = 0;
    let stamps = localStorage.getItem("console-times") !== "false";

    const which = select("Resource", [["", "All resources"]], name, chosen => go(`/consolelogs${chosen ? `/resource/${encodeURIComponent(chosen)}` : ""}`));
    const message = h("div", { class: "empty", hidden: true });
    const status = h("span", { class: "found" });
    const toEnd = textButton("↓ Newest", () => list.scrollToEnd(), { class: "to-end", hidden: true });
    const commands = h("span", { class: "commands" });
    const download = h("a", { class: "button", download: "" }, "Download");
    const pane = new Pane(() => { opened = null; list.draw(); }, signal);
    const nameOf = id => known.find(resource => resource.id === id)?.name ?? id;
    const displayOf = id => known.find(resource => resource.id === id)?.displayName ?? id;

    const list = new VirtualList({
        rowHeight: 20, className: "console", label: "Console lines", item: index => shown[index], key: line => `${line.resource} ${line.line}`,
        onScroll: () => { toEnd.hidden = list.atEnd; },
        render: line => h("div", { class: `line ${line.error ? "stderr" : ""} ${levelOf(line.text)}`, onclick: () => {
            if (String(getSelection()) !== "")
                return;
            cursor.at(shown.indexOf(line));
            open(line);
        } },
            stamps ? h("span", { class: "time" }, format.time(line.time, true)) : null,
            name && ids?.length === 1 ? null : resources.tag(nameOf(line.resource), displayOf(line.resource)),
            h("span", { class: "text" }, ansi.render(line.text))),
    });

    const cursor = new Cursor(list, { count: () => shown.length, open: index => open(shown[index]) });
    list.onRow = (element, line, index) => {
        cursor.mark(element, index);
        element.classList.toggle("selected", line === opened);
    };

    function open(line) {
        opened = line;
        list.draw();
        pane.show(`${displayOf(line.resource)}, line ${line.line}`,
            h("pre", { class: "message" }, pretty(ansi.plain(line.text))),
            properties([["Time", format.timestamp(line.time)], ["Stream", line.error ? "standard error" : "standard output"], ["Trace", traceOf(line.text)]]));
    }

    const fits = line => text === "" || ansi.plain(line.text).toLowerCase().includes(text.toLowerCase());

    function filter() {
        shown = text === "" ? all : all.filter(fits);
        list.setCount(shown.length);
        list.scrollToEnd();
        tell();
    }

    function tell() {
        status.textContent = (text === "" ? format.count(all.length, "line") : `${shown.length.toLocaleString("en-US")} of ${format.count(all.length, "line")}`) + (state.paused && waiting.length ? `, ${waiting.length} waiting` : "");
        message.hidden = shown.length > 0;
        if (shown.length === 0)
            message.replaceChildren(...(all.length ? empty("No line contains this text") : empty("Nothing written yet", name ? "This resource has not written to its console." : "Lines appear here as soon as a resource writes some. A dashboard that runs alone sees no consoles.")).flat());
    }

    function take(lines) {
        const stick = list.atEnd;
        const before = shown.length;
        all.push(...lines);
        if (ids?.length !== 1)
            all.sort((a, b) => a.time - b.time);
        const gone = Math.max(0, all.length - most);
        all.splice(0, gone);
        shown = text === "" ? all : all.filter(fits);
        widest = lines.reduce((width, line) => Math.max(width, line.text.length), widest);
        list.space.style.minWidth = `${Math.min(widest, 2000) + 34}ch`;
        cursor.settle();
        list.setCount(shown.length, stick || text !== "" ? 0 : -Math.max(0, before + lines.length - shown.length));
        const jump = at ? shown.findIndex(line => line.time >= at - 5) : -1;
        if (jump >= 0) {
            at = 0;
            list.scrollTo(jump, true);
            open(shown[jump]);
        } else if (stick && !at) {
            list.scrollToEnd();
        }
        tell();
    }

    async function follow() {
        const seen = new Map();
        while (!signal.aborted) {
            try {
                for await (const lines of stream(`/console${queryOf({ resource: ids, follow: "true" })}`, signal)) {
                    // After a lost connection it starts again from the first line.
                    const fresh = lines.filter(line => line.line > (seen.get(line.resource) ?? -1));
                    for (const line of fresh)
                        seen.set(line.resource, line.line);
                    state.paused ? waiting = waiting.concat(fresh).slice(-most) : take(fresh);
                    tell();
                }
            } catch (error) {
                if (signal.aborted)
                    return;
                if (error.status === 404 || error.status === 400)
                    return toast(error.message, "error");
            }
            await new Promise(done => setTimeout(done, 1000));
        }
    }

    root.append(
        toolbar("Console", which, commands, searchBox("Filter lines", text, value => { text = value; setQuery({ text }); filter(); }),
            check("Times", stamps, value => { stamps = value; localStorage.setItem("console-times", value); list.invalidate(); }),
            h("span", { class: "grow" }), status, textButton("Clear", () => { all = []; widest = 0; filter(); }, { title: "Clears this view only" }), download),
        h("div", { class: "split" }, h("div", { class: "console-of" }, list.element, message, toEnd), pane.element));
    tell();
    onState(() => {
        if (!state.paused && waiting.length && !signal.aborted)
            take(waiting.splice(0));
    });
    watch(["resources"], async () => {
        known = await resources.load(signal);
        const groups = resources.names(known.filter(resource => resource.type !== "Parameter"));
        const options = groups.flatMap(group => {
            const instances = known.filter(resource => resource.name === group);
            return [[group, group], ...(instances.length > 1 ? instances.map(one => [one.id, `\u2003${one.displayName}`]) : [])];
        });
        which.setOptions([["", "All resources"], ...options], name);
        const chosen = known.filter(resource => resource.name === name || resource.id === name || resource.displayName === name);
        commands.replaceChildren(...(chosen.length === 1 ? commandButtons(chosen[0]) : []));
        if (ids === null) {
            ids = name ? (chosen.length ? chosen.map(resource => resource.id) : [name]) : [];
            download.href = address(`/console/download${queryOf({ resource: ids })}`);
            most = (await info).maxConsoleLogCount;
            follow();
        }
    }, signal);
}

function pretty(text) {
    const start = text.indexOf("{");
    try {
        return start < 0 ? text : text.slice(0, start) + JSON.stringify(JSON.parse(text.slice(start)), null, 2);
    } catch {
        return text;
    }
}

const levelOf = text => text.startsWith("{") ? /"(?:log\.)?level":"(warn|error|critical)"/.exec(text)?.[1] ?? "" : "";

function traceOf(text) {
    const id = /"?trace[._]?id"?\s*[:=]\s*"?([0-9a-f]{32})/i.exec(text)?.[1];
    return id ? h("a", { href: `/traces/detail/${id}` }, id) : null;
}
