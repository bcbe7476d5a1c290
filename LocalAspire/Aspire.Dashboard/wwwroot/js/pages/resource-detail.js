import { h, externalLink } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { section, properties } from "../lib/pane.js";
import { button, toast, copy } from "../lib/ui.js";
import * as format from "../lib/format.js";
import { tag, stateBadge } from "../lib/resources.js";
import { commandButtons } from "./commands.js";

// Shown until the pane shows another resource; the server is asked again after that.
const revealed = new Map();

function secret(resource, kind, { name }, again) {
    const key = `${resource.id} ${kind} ${name}`, value = revealed.get(key);
    const load = () => get(`/resources/${encodeURIComponent(resource.id)}/${kind}/${encodeURIComponent(name)}`);
    const toggle = async () => {
        try {
            value === undefined ? revealed.set(key, (await load()).value) : revealed.delete(key);
            again();
        } catch (error) {
            toast(error.message, "error");
        }
    };
    return h("span", { class: "secret" }, h("span", { class: "value" }, value ?? "••••••••"),
        h("span", { class: "row-tools always" }, button("eye", value === undefined ? `Show ${name}` : `Hide ${name}`, toggle, { "aria-pressed": value !== undefined }),
            button("copy", "Copy", async () => copy(value ?? (await load()).value))));
}

export function showResource(pane, resource, all, open) {
    const again = () => showResource(pane, resource, all, open);
    if (pane.shown !== resource.id)
        revealed.clear();
    // Live updates leave alone what has not changed: somebody may be reading, or marking text.
    const stamp = JSON.stringify([resource, [...revealed]]);
    if (pane.stamp === stamp && !pane.element.hidden)
        return;
    Object.assign(pane, { shown: resource.id, stamp });
    const values = (kind, list) => properties(list.map(item => [item.name, item.secret ? secret(resource, kind, item, again) : item.value]));
    const other = name => {
        const target = all.find(candidate => candidate.name === name);
        return target ? h("button", { type: "button", class: "link", onclick: () => open(target) }, tag(name)) : tag(name);
    };
    const needed = resource.relationships.map(({ resource: name, type }) => [type, other(name)]);
    const needing = all.flatMap(candidate => candidate.relationships.filter(relation => relation.resource === resource.name).map(({ type }) => [type, other(candidate.name)]));
    const part = (title, list, content, options) => list.length ? section(title, content, { count: list.length, ...options }) : null;
    const name = encodeURIComponent(resource.name), telemetry = resource.telemetry;

    pane.show(resource.displayName,
        h("div", { class: "pane-links" }, commandButtons(resource),
            h("a", { class: "button", href: `/consolelogs/resource/${encodeURIComponent(resource.id)}` }, "Console"),
            telemetry ? [h("a", { class: "button", href: `/structuredlogs/resource/${name}` }, "Logs"), h("a", { class: "button", href: `/traces/resource/${name}` }, "Traces"),
                telemetry.metrics ? h("a", { class: "button", href: `/metrics/resource/${name}` }, "Metrics") : null] : null),
        properties([["State", stateBadge(resource)], ["Type", resource.type], ["Source", resource.sourceFull ?? resource.source], ["Health", resource.health], ["Exit code", resource.exitCode],
            ["Created", resource.createdAt && format.time(resource.createdAt)], ["Started", resource.startedAt && format.time(resource.startedAt)], ["Stopped", resource.stoppedAt && format.time(resource.stoppedAt)],
            ["Telemetry", telemetry && `${format.count(telemetry.spans, "span")}, ${format.count(telemetry.logs, "log record")}`]]),
        part("URLs", resource.urls, properties(resource.urls.map(url => [url.name ?? "url", url.inactive ? `${url.url} (not yet)` : externalLink(url.url, url.text ?? url.url)]))),
        part("Health checks", resource.healthReports, properties(resource.healthReports.map(report => [report.name, h("span", null, `${report.status ?? "not run yet"} `, report.lastRun ? h("span", { class: "faint" }, format.time(report.lastRun)) : null,
            report.description ? h("p", null, report.description) : null, report.exception ? h("pre", { class: "exception" }, report.exception) : null)]))),
        part("Depends on", needed, properties(needed)),
        part("Needed by", needing, properties(needing)),
        part("Environment", resource.environment, values("environment", resource.environment)),
        part("Volumes", resource.volumes, properties(resource.volumes.map(volume => [volume.target, `${volume.source ?? "(anonymous)"}${volume.readOnly ? ", read only" : ""}`]))),
        part("Properties", resource.properties, values("properties", resource.properties), { open: resource.type === "Parameter" }));
}
