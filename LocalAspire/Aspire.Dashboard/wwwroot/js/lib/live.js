import { stream } from "./api.js";

// Browsers allow six connections to a host over all tabs, so there is one stream, and none while the tab is hidden.

const watchers = new Set();
const listeners = new Set();
let versions = {};

export const state = { paused: false, connected: true };

export function onState(listener) {
    listeners.add(listener);
    listener();
}

function change(values) {
    Object.assign(state, values);
    for (const listener of listeners)
        listener();
}

export function setPaused(paused) {
    change({ paused });
    for (const watcher of watchers)
        watcher.run();
}

/** Calls refresh now, and again after changes of these kinds; never twice at once, nor while paused. Errors go to failed. */
export function watch(kinds, refresh, signal, { interval = 250, failed = showError } = {}) {
    let dirty = true, busy = false, forced = true;
    const run = async () => {
        if (busy || !dirty || signal.aborted || (state.paused && !forced))
            return;
        busy = true;
        dirty = forced = false;
        try {
            await refresh();
        } catch (error) {
            if (!signal.aborted)
                failed(error);
        }
        await new Promise(done => setTimeout(done, interval));
        busy = false;
        run();
    };
    const watcher = { kinds, run, mark: () => { dirty = true; run(); } };
    watchers.add(watcher);
    signal.addEventListener("abort", () => watchers.delete(watcher));
    run();
    // What the user changes is shown even while paused.
    return () => { forced = true; watcher.mark(); };
}

let showError = error => console.error(error);

export function onError(handler) {
    showError = handler;
}

async function follow() {
    while (true) {
        if (document.hidden)
            await new Promise(done => document.addEventListener("visibilitychange", done, { once: true }));
        const controller = new AbortController();
        const hide = () => document.hidden && controller.abort();
        document.addEventListener("visibilitychange", hide);
        try {
            for await (const items of stream("/changes", controller.signal)) {
                const next = items.at(-1);
                if (!state.connected)
                    change({ connected: true });
                const changed = Object.keys(next).filter(kind => versions[kind] !== next[kind]);
                versions = next;
                for (const watcher of watchers)
                    if (watcher.kinds.some(kind => changed.includes(kind)))
                        watcher.mark();
            }
        } catch (error) {
            if (error.status === 401)
                return;
        } finally {
            document.removeEventListener("visibilitychange", hide);
        }
        if (!document.hidden) {
            change({ connected: false });
            await new Promise(done => setTimeout(done, 1000));
        }
    }
}

export const start = () => { follow(); };
