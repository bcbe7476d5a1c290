const space = "\u00a0";

const round = (value, digits) => {
    const text = value.toFixed(digits);
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
};

const significant = value => round(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** Milliseconds as a person says them: 85 µs, 340 ms, 1.2 s, 2 min 5 s. */
export function duration(ms) {
    if (ms === null || ms === undefined || Number.isNaN(ms))
        return "–";
    const size = Math.abs(ms);
    if (size < 0.001)
        return size === 0 ? `0${space}ms` : `${Math.round(ms * 1e6)}${space}ns`;
    if (size < 0.9995)
        return `${Math.round(ms * 1000)}${space}µs`;
    if (size < 999.5)
        return `${significant(ms)}${space}ms`;
    if (size < 59_950)
        return `${significant(ms / 1000)}${space}s`;
    if (size < 3_599_500)
        return pair(Math.round(ms / 1000), "min", "s", 60);
    return size < 86_370_000 ? pair(Math.round(ms / 60_000), "h", "min", 60) : pair(Math.round(ms / 3_600_000), "d", "h", 24);
}

const pair = (small, bigUnit, smallUnit, ratio) =>
    `${Math.floor(small / ratio)}${space}${bigUnit}` + (small % ratio ? ` ${small % ratio}${space}${smallUnit}` : "");

const two = number => String(number).padStart(2, "0");

/** Time of day, to the millisecond when asked; with the date when that is another day. */
export function time(ms, precise = false) {
    if (!ms)
        return "–";
    const at = new Date(ms);
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}` + (precise ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "");
    return at.toDateString() === new Date().toDateString() ? clock : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

export const timestamp = ms => ms ? new Date(ms).toISOString() : "";

/** 4711 as 4,711; 0.00012 as it is; no more digits than say something. */
export function number(value) {
    if (value === null || value === undefined)
        return "–";
    const size = Math.abs(value);
    if (size !== 0 && size < 0.001)
        return value.toExponential(1);
    return size >= 1000 ? Math.round(value).toLocaleString("en-US") : round(value, size >= 100 ? 1 : size >= 1 ? 2 : 4);
}

export const percent = part => `${part >= 10 || part === 0 ? Math.round(part) : significant(Math.max(part, 0.01))}${space}%`;

export const count = (value, one, many = `${one}s`) => `${value.toLocaleString("en-US")} ${value === 1 ? one : many}`;

const prefixes = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];
const binary = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];

/** A value with the unit of its instrument (UCUM, as OpenTelemetry has it). */
export function withUnit(value, unit) {
    if (value === null || value === undefined)
        return "–";
    const scale = { s: 1000, ms: 1, us: 0.001, ns: 1e-6, min: 60_000 }[unit];
    if (scale !== undefined)
        return duration(value * scale);
    if (unit === "By") {
        const [size, name] = binary.find(([size]) => Math.abs(value) >= size) ?? [1, "B"];
        return `${significant(value / size)}${space}${name}`;
    }
    const [size, prefix] = prefixes.find(([size]) => Math.abs(value) >= size * 10) ?? [1, ""];
    const name = unitName(unit);
    return `${number(value / size)}${prefix}${name ? space + name : ""}`;
}

/** {job} is "job"; 1 and "" are no unit. */
export const unitName = unit => !unit || unit === "1" ? "" : unit.replace(/[{}]/g, "");

export const valueText = value => value === null ? "null" : typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
