import { get } from "./api.js";
import { h } from "./dom.js";
import { colorOf } from "./colors.js";

export const load = async signal => (await get("/resources", signal)).resources;

/** The names, each once; replicas share one. */
export const names = resources => [...new Set(resources.map(resource => resource.name))].sort();

export const tag = (name, text = name) => h("span", { class: `resource-tag ${colorOf(name)}` }, text);

const good = ["Running", "Active", "Finished"], bad = ["FailedToStart", "RuntimeUnhealthy", "ValueMissing"], busy = ["Starting", "Stopping", "Waiting", "Building"];
const words = { FailedToStart: "Failed to start", RuntimeUnhealthy: "Runtime unhealthy", NotStarted: "Not started", ValueMissing: "Value missing" };

/** What to say of a resource in one word, and how to colour it. */
export function stateOf({ state, health, exitCode, stateStyle }) {
    const text = words[state] ?? state ?? "Seen in telemetry";
    if (bad.includes(state) || (exitCode && ["Exited", "Finished"].includes(state)) || stateStyle === "error")
        return { text: exitCode ? `${text} (${exitCode})` : text, kind: "bad" };
    if (busy.includes(state))
        return { text, kind: "busy" };
    if (health === "Unhealthy" || health === "Degraded")
        return { text: `${text}, ${health.toLowerCase()}`, kind: health === "Unhealthy" ? "bad" : "warn" };
    return { text, kind: state === "Finished" || state === "Exited" ? "done" : good.includes(state) || state === null ? "good" : "idle" };
}

export const stateBadge = resource => {
    const { text, kind } = stateOf(resource);
    return h("span", { class: `state ${kind}` }, h("span", { class: "dot" }), text);
};
