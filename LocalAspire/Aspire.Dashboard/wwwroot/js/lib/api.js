const base = "/api/ui";

async function send(path, options) {
    const response = await fetch(base + path, options);
    if (response.ok)
        return response;
    if (response.status === 401)
        location.assign(`/login?returnUrl=${encodeURIComponent(location.pathname + location.search)}`);
    const problem = await response.json().catch(() => ({}));
    const error = new Error(problem.detail ?? problem.title ?? `The dashboard answered ${response.status}.`);
    error.status = response.status;
    throw error;
}

export const get = async (path, signal) => (await send(path, { signal })).json();

export const post = async (path, body) => (await send(path, { method: "POST", body })).json();

export const remove = path => send(path, { method: "DELETE" });

export const address = path => base + path;

/** A query string; lists give a parameter for each item, empty values none. */
export function query(parameters) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
        for (const item of Array.isArray(value) ? value : [value])
            if (item !== null && item !== undefined && item !== "" && item !== false)
                search.append(name, item);
    const text = search.toString();
    return text ? `?${text}` : "";
}

/** The objects of an NDJSON answer, in the pieces in which they come, until the server or the signal ends it. */
export async function* stream(path, signal) {
    const response = await send(path, { signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    while (true) {
        const { value, done } = await reader.read();
        if (done)
            return;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        const items = lines.filter(line => line.trim() !== "").map(line => JSON.parse(line));
        if (items.length > 0)
            yield items;
    }
}
