import { h } from "./dom.js";

// Colours and weights are shown; every other sequence (links, titles, cursor moves) is dropped, and what it wraps stays text.
const sequence = /\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P^_X][^\x1b]*\x1b\\|\x1b\[[0-9;:?<=>!]*[ -/]*[@-~]|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f]/g;

export const plain = text => text.replace(sequence, "");

export function render(text) {
    const parts = [];
    let style = {}, last = 0;
    const push = piece => {
        if (piece === "")
            return;
        const classes = Object.values(style).filter(Boolean).join(" ");
        parts.push(classes ? h("span", { class: classes }, piece) : piece);
    };
    for (const match of text.matchAll(sequence)) {
        push(text.slice(last, match.index));
        last = match.index + match[0].length;
        if (match[1] !== undefined)
            style = apply(style, match[1].split(/[;:]/).map(Number));
    }
    push(text.slice(last));
    return parts;
}

function apply(style, codes) {
    let next = { ...style };
    for (let i = 0; i < codes.length; i++) {
        const code = codes[i];
        if (code === 0)
            next = {};
        else if (code === 1)
            next.weight = "a-bold";
        else if (code === 2)
            next.weight = "a-dim";
        else if (code === 22)
            next.weight = null;
        else if (code === 3 || code === 23)
            next.slant = code === 3 ? "a-italic" : null;
        else if (code === 4 || code === 24)
            next.line = code === 4 ? "a-underline" : null;
        else if (code >= 30 && code <= 37)
            next.color = `a-${code - 30}`;
        else if (code >= 90 && code <= 97)
            next.color = `a-${code - 90 + 8}`;
        else if (code === 39)
            next.color = null;
        else if (code >= 40 && code <= 47)
            next.ground = `a-on-${code - 40}`;
        else if (code >= 100 && code <= 107)
            next.ground = `a-on-${code - 100}`;
        else if (code === 49)
            next.ground = null;
        else if (code === 38 || code === 48) {
            // 256 colours: the first 16 have classes, the others are brought to the nearest of those.
            const color = codes[i + 1] === 5 ? nearest256(codes[i + 2]) : nearestRgb(codes[i + 2], codes[i + 3], codes[i + 4]);
            next[code === 38 ? "color" : "ground"] = code === 38 ? `a-${color}` : `a-on-${color % 8}`;
            i += codes[i + 1] === 5 ? 2 : 4;
        }
    }
    return next;
}

function nearest256(index) {
    if (!(index >= 16 && index <= 255))
        return index >= 0 && index < 16 ? index : 7;
    if (index >= 232)
        return index < 238 ? 0 : index < 248 ? 8 : 7;
    const cube = index - 16;
    return nearestRgb(Math.floor(cube / 36) * 51, Math.floor(cube / 6) % 6 * 51, cube % 6 * 51);
}

const nearestRgb = (red, green, blue) => {
    const bright = Math.max(red, green, blue);
    const bits = [red, green, blue].reduce((sum, part, bit) => sum | (part > bright / 2 && bright > 64 ? 1 << bit : 0), 0);
    return bits + (bright > 180 ? 8 : 0);
};
